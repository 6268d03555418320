/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record/record.h - the currency that flows out: typed rows in columnar batches.
 *
 *     analyser, flow ---- record_emit() ----> the worker's open batch of that table
 *     full, or the block is done: sealed ---> immutable; the engine merges sealed batches by `order` and hands runs
 *                                             of rows to sinks (export/, the summary, later Parquet and SQL)
 *
 * A batch keeps each column as an array of its type, a word a row with a bit for each column that is not null, and a heap for text.  Its memory is claimed once
 * and used again.  Rows never fail: text that does not fit what is left of an empty batch's heap is cut and the row counted as it is.
 *
 * Order: a row carries a 64-bit key, frame << 7 | caused by the frame itself (1) or the tick before it (0) << 6 | shard;
 * rows of one worker are made in ascending order, equal keys in the order they were made.
 */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/analyser.h>
#include <weir/record.h>

#include "base/ledger.h"

#define RECORD_BATCH_ROWS 1024u
#define RECORD_BATCH_HEAP (512u << 10) /* bytes of text a batch holds */
#define RECORD_TEXT_MAX 65535u         /* longest text of one value; longer is cut at a character's border */
#define RECORD_TEXT_SLACK 16u /* bytes behind a text in a batch that may be read (not relied on): see record_str() */

/* The columns that every row of a flow starts with: ts uid src_ip src_port dst_ip dst_port proto. */
#define RECORD_BASE_COLUMNS 7u

struct record_batch;

/* ---- schema: base columns and a table's own, as one list ---- */

uint32_t record_column_count(const struct weir_table *table);                        /* with the base columns */
const struct weir_column *record_column(const struct weir_table *table, uint32_t i); /* i < count */
int record_column_find(const struct weir_table *table, const char *name);            /* -1: none */

/* ---- writing, by one worker ---- */

struct record_batch *record_batch_new(const struct weir_table *table);
void record_batch_free(struct record_batch *batch);
void record_batch_reset(struct record_batch *batch); /* empty again; keeps its memory */

/* Copies one row.  false: no room, nothing appended, seal it and take another; never false on an empty batch.  `flow` is
 * NULL for a bare table, whose `ts` is `ts_ns` where the row leaves it null.  Ports are null where the protocol has none. */
bool record_append(struct record_batch *batch, const struct weir_flow *flow, const void *row, uint64_t ts_ns,
                   uint64_t order);

/* ---- reading, by anyone, once sealed ---- */

const struct weir_table *record_batch_table(const struct record_batch *batch);
uint32_t record_batch_rows(const struct record_batch *batch);
uint64_t record_batch_order(const struct record_batch *batch, uint32_t row);

/* The value at (column, row); columns are numbered as record_column() does.  Null: set false, data NULL, family 0.  Column
 * `proto` is text to record_str() and its number to record_uint(). */
struct weir_uint record_uint(const struct record_batch *batch, uint32_t column, uint32_t row);
/* Text of a batch's heap may be loaded RECORD_TEXT_SLACK bytes beyond its end; that of column `proto` may not. */
struct weir_str record_str(const struct record_batch *batch, uint32_t column, uint32_t row);
struct weir_ip record_ip(const struct record_batch *batch, uint32_t column, uint32_t row);
/* A list: its length, or -1 for null; and its items. */
int record_list(const struct record_batch *batch, uint32_t column, uint32_t row);
struct weir_str record_list_item(const struct record_batch *batch, uint32_t column, uint32_t row, uint32_t item);

/* "tcp", "udp", "icmp6" ..., or the number in decimal: column `proto` (a text column). */
const char *record_proto_name(uint8_t proto);

/* ---- the way out of a worker ---- */

/*
 * One a worker.  Holds the open batch of each wanted table; sealed ones queue up in the order they were sealed until the
 * engine takes them.  Not shared: the engine moves batches between threads.
 */
struct record_out;

/* `tables`: those that somebody wants rows of, in a fixed order (the table numbers used below); NULL-ended. */
struct record_out *record_out_new(const struct weir_table *const *tables);
void record_out_free(struct record_out *out);

/* The order key of whatever is being handled; the worker sets it before each packet and tick. */
void record_out_set_order(struct record_out *out, uint64_t order);

bool record_wants(const struct record_out *out, const struct weir_table *table);

/* Makes a row (counted `made`) unless nobody wants its table. */
void record_emit(struct record_out *out, const struct weir_table *table, const struct weir_flow *flow, const void *row,
                 uint64_t ts_ns);
uint64_t record_out_made(const struct record_out *out);    /* rows so far */
uint64_t record_out_batches(const struct record_out *out); /* batches claimed so far: grows only when none is free */

/* Seals all open batches of table number `table` and gives the sealed ones, oldest first, as a list linked by record_batch_next();
 * NULL when there are none.  The caller owns them and gives each back with record_out_recycle() to the same `out`
 * (any thread; a lock-free stack), which uses them again. */
struct record_batch *record_out_take(struct record_out *out, uint32_t table);
struct record_batch *record_batch_next(const struct record_batch *batch);
void record_out_recycle(struct record_out *out, struct record_batch *batch);

/* ---- who takes rows ---- */

/* `rows` gets runs of rows in the final order, from one thread at a time.  Answers 0, or -1 when it cannot go on (the
 * sink keeps the reason); the engine then stops. */
struct record_sink {
    int (*rows)(void *context, const struct record_batch *batch, uint32_t first, uint32_t count);
    /* All rows up to here are out: what is buffered should reach the reader if someone is waiting for it. */
    int (*flush)(void *context);
    void *context;
};

#endif
