/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/engine.h - wires the stages into workers; it alone knows them all.
 *
 * A run over capture files: N threads, all alike.  Reading, working on one's own shards and handing rows to sinks are three turns that a
 * thread takes when there is something to do; reading and sinking are roles that one thread holds at a time.  So with one
 * worker nothing hops between threads, and with several no core waits for a stage that has a thread of its own
 * (docs/decisions/0002-turns-not-stages.md).
 *
 * The rows that come out, and their order, do not depend on the number of workers.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/analyser.h>

#include "base/error.h"
#include "base/ledger.h"
#include "record/record.h"

#define ENGINE_WORKERS_MAX 64
#define ENGINE_TABLES_MAX 32

/* A table and who takes its rows.  The engine counts what a sink took. */
struct engine_output {
    const struct weir_table *table;
    struct record_sink sink;
    uint64_t (*unmatched)(void *sink_context); /* rows among them that a condition turned away; may be NULL */
};

struct engine_options {
    const char *const *paths; /* capture files; "-": standard input */
    int path_count;
    const char *filter; /* pcap-filter expression or NULL */
    int workers;        /* 1 .. ENGINE_WORKERS_MAX */
    uint32_t flows;     /* most flows at once over all shards; 0: 1,048,576 */
    const struct engine_output *outputs;
    int output_count;
    const struct weir_analyser *const *analysers; /* NULL-ended */
    bool keep_secrets;
    void (*complain)(void *context, const char *text); /* a file that could not be read to its end */
    /* About every 100 ms while it runs, from one thread at a time; may be NULL. */
    void (*progress)(void *context, uint64_t done_bytes, uint64_t total_bytes, uint64_t frames);
    void *context;
};

struct engine_facts {
    uint64_t frames;            /* read from the source */
    uint64_t wire_bytes;        /* of those frames */
    uint64_t first_ns, last_ns; /* lowest and highest stamp; 0 when there were no frames */
    uint64_t reported_drops;    /* by the capture files themselves */
    int complaints;             /* of files that broke off, could not be opened or are of an unknown link type */
    uint64_t memory_bytes;      /* claimed for flows, analysers and segments so far */
};

struct engine;

/* All tables that the engine can make rows of, `ledger` included; NULL-ended.  The first call is for one thread. */
const struct weir_table *const *engine_tables(void);
const struct weir_table *engine_table_find(const char *name); /* NULL: none */

/* Opens the sources and claims memory.  NULL with the reason. */
struct engine *engine_new(const struct engine_options *options, struct error *error);
void engine_free(struct engine *engine);

/* Runs to the end of the source, engine_stop(), or a sink that cannot go on (-1; the sink knows why and is not called again). */
int engine_run(struct engine *engine);

/* Stops reading; what was read is finished and its rows go out.  Safe in a signal handler and from any thread. */
void engine_stop(struct engine *engine);

/* After engine_run(): the sums over all threads, and what there was to read. */
void engine_ledger(const struct engine *engine, struct ledger *ledger);
struct engine_facts engine_facts(const struct engine *engine);

/* After engine_run(): hands the rows of table `ledger` to the sink that wants them.  0, or -1 when it cannot go on. */
int engine_emit_ledger(struct engine *engine);

#endif
