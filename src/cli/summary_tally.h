/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/summary_tally.h - counting in bounded memory: the largest of many names, and quantiles of many times; and what a
 * summary is made of.  For the files of the summary only.
 */
#ifndef CLI_SUMMARY_TALLY_H
#define CLI_SUMMARY_TALLY_H

#include "cli/summary.h"

#include <weir/analyser.h>

/* ---- the largest of many names ---- */

#define TALLY_LABEL 53u

struct tally_entry {
    uint64_t hash;
    uint64_t rank;    /* for deciding who stays: `sum` less what purges took */
    uint64_t sum;     /* since the entry was made */
    uint64_t more[2]; /* the user's */
    uint8_t size;     /* of the label */
    bool cut;         /* the name is longer than its label */
    bool exact;       /* made before anything was ever purged: `sum` is all there was */
    char label[TALLY_LABEL];
};

struct tally {
    struct tally_entry *entries;
    uint32_t *slots; /* open addressing: entry + 1 in the low half, bits of the hash in the high half */
    uint32_t count, capacity, mask;
    uint64_t purged; /* no name that is not in the table has more than this */
};

/* `capacity`: a power of two, at most 16,384. */
void tally_init(struct tally *tally, uint32_t capacity);
void tally_fini(struct tally *tally);

/* The entry of a name, made if need be, with `weight` added; the label is that of the first time. */
struct tally_entry *tally_add(struct tally *tally, uint64_t hash, const void *label, uint32_t size, uint64_t weight);
/* The same for text, letters' case aside. */
struct tally_entry *tally_add_text(struct tally *tally, struct weir_str text, uint64_t weight);
uint64_t tally_hash(const void *data, uint32_t size);

/* The `most` largest, largest first; how many. */
uint32_t tally_top(const struct tally *tally, const struct tally_entry **top, uint32_t most);

/* ---- quantiles ---- */

#define SPREAD_STEPS 32u /* buckets a power of two: within 1/64 of the value */
#define SPREAD_BUCKETS (60u * SPREAD_STEPS)

struct spread {
    uint64_t count, longest;
    uint64_t buckets[SPREAD_BUCKETS];
};

void spread_add(struct spread *spread, uint64_t value);
uint64_t spread_quantile(const struct spread *spread, double share); /* 0 of nothing */

/* ---- the summary ---- */

#define SUMMARY_SLOWEST 3u

struct slow_request {
    uint64_t latency_ns;
    char method[16], target[160]; /* cut, as they were on the wire */
    uint8_t method_size, target_size;
};

struct summary {
    /* flow */
    struct tally services; /* by bytes; more: packets, flows */
    struct tally talkers;  /* by bytes; more: bytes from the first address, flows */
    uint64_t flows, flow_bytes;
    uint64_t tcp_flows, tcp_packets, retransmits, resets, refused, unanswered_syns, missed_bytes, missed_flows;
    struct spread rtt;
    /* http */
    uint64_t requests, lone_replies, unanswered_requests, status[6]; /* status[0]: none of 100 to 599 */
    struct tally hosts;
    struct spread http_latency;
    struct slow_request slowest[SUMMARY_SLOWEST];
    /* dns */
    uint64_t queries, unanswered_queries;
    struct tally rcodes, names;
    struct spread dns_latency;
    /* tls */
    uint64_t hellos, established, resumed;
    struct tally versions, servers;
    /* where the columns of the tables are */
    struct summary_table {
        const struct weir_table *table;
        int kind;
        int column[16];
    } tables[8];
    uint32_t table_count;
};

#endif
