/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/summary_parts.h - what a summary is made of; for the files of the summary only.
 */
#ifndef CLI_SUMMARY_PARTS_H
#define CLI_SUMMARY_PARTS_H

#include "cli/summary.h"
#include "cli/tally.h"

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
    uint64_t flows, flow_packets, flow_bytes;
    uint64_t tcp_flows, tcp_packets, retransmits, resets, refused, unanswered_syns, missed_bytes, missed_flows;
    struct tally_spread rtt;
    /* http */
    uint64_t requests, lone_replies, unanswered_requests, status[6]; /* status[0]: none of 100 to 599 */
    struct tally hosts;
    struct tally_spread http_latency;
    struct slow_request slowest[SUMMARY_SLOWEST];
    /* dns */
    uint64_t queries, unanswered_queries;
    struct tally rcodes, names;
    struct tally_spread dns_latency;
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
