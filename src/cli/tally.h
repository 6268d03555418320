/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/tally.h - counting in bounded memory: the largest of many names, and quantiles of many times.
 */
#ifndef CLI_TALLY_H
#define CLI_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/record.h>

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
/* The same for text: as it is; and in lower case, for names of hosts. */
struct tally_entry *tally_add_word(struct tally *tally, struct weir_str text, uint64_t weight);
struct tally_entry *tally_add_text(struct tally *tally, struct weir_str text, uint64_t weight);
uint64_t tally_hash(const void *data, uint32_t size);

/* The `most` largest, largest first; how many.  Only such as no name that went can have exceeded. */
uint32_t tally_top(const struct tally *tally, const struct tally_entry **top, uint32_t most);

/* ---- quantiles ---- */

#define TALLY_SPREAD_STEPS 32u /* buckets a power of two: within 1/64 of the value */
#define TALLY_SPREAD_BUCKETS (60u * TALLY_SPREAD_STEPS)

struct tally_spread {
    uint64_t count, longest;
    uint64_t buckets[TALLY_SPREAD_BUCKETS];
};

void tally_spread_add(struct tally_spread *spread, uint64_t value);
uint64_t tally_quantile(const struct tally_spread *spread, double share); /* 0 of nothing */

#endif
