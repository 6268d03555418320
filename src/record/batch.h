/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record/batch.h - how a batch lies in memory; for the files of this folder only.
 */
#ifndef RECORD_BATCH_H
#define RECORD_BATCH_H

#include "record/record.h"

#define BATCH_COLUMNS 63u /* a table's 56 and the base columns: one bit each in a row's word of what is set */

/* Steps of one kind stand together, so that a row is written by a few short loops without a switch in them. */
enum batch_group {
    BATCH_BOOL,
    BATCH_1,
    BATCH_2,
    BATCH_4,
    BATCH_8,
    BATCH_IP,
    BATCH_STR,
    BATCH_STRS,
    BATCH_GROUPS,
};

/* A piece of the heap: text, or (lists) a table of such pieces. */
struct batch_span {
    uint32_t at;    /* offset in the heap */
    uint32_t count; /* bytes, or items */
};

/* How one column of a row gets into its array. */
struct batch_step {
    void *array;
    uint32_t offset; /* of the member in the row struct */
    uint32_t column; /* as record_column() numbers them */
};

/* Addresses claimed at the start, for batches to come. */
struct batch_room {
    uint8_t *at, *end;
};

struct record_batch {
    const struct weir_table *table;
    struct record_batch *next; /* in a list of sealed or free batches, or on the recycle stack */
    uint32_t rows;
    uint32_t heap_used;
    uint64_t *set;   /* a row: bit of each column that is not null */
    uint64_t *order; /* a row */
    uint8_t *heap;
    size_t bytes;                     /* of the whole mapping, this struct included */
    uint32_t group[BATCH_GROUPS + 1]; /* first step of each group; the last is the end */
    struct batch_step step[BATCH_COLUMNS];
    void *array[BATCH_COLUMNS + 1];  /* by column */
    uint8_t type[BATCH_COLUMNS + 1]; /* by column: enum weir_type, or WEIR_TYPES for a protocol number read as text */
};

/* From the room while there is some (may be NULL), else a mapping of its own. */
struct record_batch *batch_new_in(struct batch_room *room, const struct weir_table *table);

#endif
