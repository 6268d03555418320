/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/parts.h - what the files of this folder share.
 *
 *     slots, a circle:   sunk <= done[w] <= published       slot of load n is n % slot_count
 *
 *     reader_turn()  fills the next free slot and publishes it         one thread at a time (lock `reading`)
 *     worker_turn()  works on the worker's shards of its next load     every thread for itself
 *     sink_turn()    merges the rows of loads that all have done       one thread at a time (lock `sinking`)
 */
#ifndef ENGINE_PARTS_H
#define ENGINE_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "analyse/analyse.h"
#include "capture/capture.h"
#include "decode/decode.h"
#include "engine/engine.h"
#include "flow/flow.h"

#define SLOTS_MAX 16u
#define IFACES_MAX 4096u
#define TICK_NS 100000000ull

/* One unit of work: a block of packets, or one step of closing all flows at the end. */
struct load {
    struct block *block;
    bool closing;
    uint64_t close_frame;               /* closing: orders its rows */
    uint16_t *mine[ENGINE_WORKERS_MAX]; /* several workers: which packets are theirs, ticks included */
    uint32_t mine_count[ENGINE_WORKERS_MAX];
    struct record_batch *rows[ENGINE_WORKERS_MAX][ENGINE_TABLES_MAX]; /* sealed, from each worker */
};

/* A shard: its flows and their analysers. */
struct shard {
    struct flow_shard *flow;
    struct analyse *analyse;
    struct pool *pool;
};

struct worker {
    struct engine *engine;
    int number;
    pthread_t thread;
    struct ledger ledger;
    struct record_out *out;
    struct flow_shard *shards[PACKET_SHARDS]; /* those that are its own; NULL for others */
    atomic_uint flows;                        /* that its shards hold, as of `done`, while closing */
    _Alignas(64) atomic_ullong done;          /* loads finished */
};

struct reader {
    struct capture *capture;
    struct decode *decode;
    struct ledger ledger;
    uint64_t clock_ns; /* largest stamp so far */
    uint64_t first_ns;
    uint64_t frames, wire_bytes;
    uint32_t ifaces; /* names known so far */
    uint32_t close_steps;
    bool at_end;       /* the source has ended; closing steps follow */
    _Atomic bool idle; /* the last load was far from full: a pipe had nothing more to give just then */
};

struct engine {
    struct engine_options options;
    struct engine_output outputs[ENGINE_TABLES_MAX];
    const struct weir_table *tables[ENGINE_TABLES_MAX + 1]; /* of outputs, but `ledger` */
    struct record_sink *sinks[ENGINE_TABLES_MAX];           /* beside tables */
    int table_count;
    struct region *region;
    struct shard shards[PACKET_SHARDS];
    struct worker workers[ENGINE_WORKERS_MAX];
    struct load slots[SLOTS_MAX];
    uint32_t slot_count;
    struct reader reader;
    char (*iface_names)[64]; /* IFACES_MAX */
    struct ledger sink_ledger;
    uint64_t last_flush_ns, last_progress_ns; /* wall clock */

    pthread_mutex_t reading, sinking;
    _Alignas(64) atomic_ullong published; /* loads that workers may take */
    _Alignas(64) atomic_ullong sunk;      /* loads whose rows are out */
    atomic_bool read_all;                 /* nothing will be published any more */
    atomic_bool stop, failed;

    pthread_mutex_t resting; /* for threads with nothing to do */
    pthread_cond_t news;
    atomic_uint events, sleepers;
};

/* So little was read, of a pipe that has nothing more to give just now: what there is should be out at once. */
static inline bool block_is_idle(const struct block *block)
{
    return block->count < PACKET_BLOCK_PACKETS && block->used < PACKET_BLOCK_READ / 4;
}

/* reader.c: publishes one load if there is a free slot, nobody else is reading and the thread is short of work. */
bool reader_turn(struct engine *engine, const struct worker *worker);

/* worker.c */
void *worker_main(void *worker);
const struct flow_hooks *worker_hooks(void);

/* sink.c: hands on the rows of every load that all workers have done. */
bool sink_turn(struct engine *engine);
/* After all threads have ended: rows that a failed sink left behind are counted as dropped. */
void sink_drop_rest(struct engine *engine);

/* rest.c */
void rest_wake(struct engine *engine);                /* something happened that others may wait for */
void rest_wait(struct engine *engine, unsigned seen); /* until something happens after `seen` */

#endif
