/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink's turn: rows of a load, from all workers, in their final order.
 *
 * Each worker's batches of a table are in ascending order already, so this is a merge of runs; with one worker, or where only one
 * has rows, whole batches go through untouched.
 */
#include <time.h>

#include "engine/parts.h"

#define FLUSH_NS 100000000ull /* rows reach a reader at least this often */

static uint64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* One worker's rows of one table that are still to be merged. */
struct feed {
    struct record_batch *batch;
    uint32_t row;
};

static uint64_t order_of(const struct feed *feed)
{
    return record_batch_order(feed->batch, feed->row);
}

/* The feed with the lowest next row, and in `*until` the lowest order of any other. */
static int lowest(const struct feed *feeds, int count, uint64_t *until)
{
    int best = -1;
    uint64_t best_order = UINT64_MAX;
    *until = UINT64_MAX;
    for (int i = 0; i < count; i++) {
        if (!feeds[i].batch)
            continue;
        uint64_t order = order_of(&feeds[i]);
        if (best < 0 || order < best_order) {
            *until = best_order;
            best_order = order;
            best = i;
        } else if (order < *until) {
            *until = order;
        }
    }
    return best;
}

/* Rows from the feed's next one on whose order is below `until`. */
static uint32_t run_length(const struct feed *feed, uint64_t until)
{
    uint32_t rows = record_batch_rows(feed->batch), end = feed->row + 1;
    if (until == UINT64_MAX || record_batch_order(feed->batch, rows - 1) < until)
        return rows - feed->row;
    while (end < rows && record_batch_order(feed->batch, end) < until)
        end++;
    return end - feed->row;
}

static int merge_table(struct engine *engine, struct load *load, int table)
{
    struct feed feeds[ENGINE_WORKERS_MAX];
    int workers = engine->options.workers, answer = 0;
    for (int w = 0; w < workers; w++) {
        feeds[w] = (struct feed){load->rows[w][table], 0};
        load->rows[w][table] = NULL;
    }
    struct record_sink *sink = engine->sinks[table];
    uint64_t until;
    for (int w; (w = lowest(feeds, workers, &until)) >= 0;) {
        struct feed *feed = &feeds[w];
        uint32_t rows = run_length(feed, until);
        if (answer == 0)
            answer = sink->rows(sink->context, feed->batch, feed->row, rows);
        engine->sink_ledger.count[answer == 0 ? LEDGER_written : LEDGER_dropped] += rows;
        feed->row += rows;
        if (feed->row < record_batch_rows(feed->batch))
            continue;
        struct record_batch *next = record_batch_next(feed->batch);
        record_out_recycle(engine->workers[w].out, feed->batch);
        *feed = (struct feed){next, 0};
    }
    return answer;
}

static int flush_all(struct engine *engine)
{
    for (int t = 0; t < engine->table_count; t++)
        if (engine->sinks[t]->flush && engine->sinks[t]->flush(engine->sinks[t]->context) != 0)
            return -1;
    return 0;
}

static int sink_load(struct engine *engine, struct load *load)
{
    for (int t = 0; t < engine->table_count; t++)
        if (merge_table(engine, load, t) != 0)
            return -1;
    uint64_t now = wall_ns();
    bool idle = !load->closing && block_is_idle(load->block);
    if (idle || now - engine->last_flush_ns >= FLUSH_NS) {
        engine->last_flush_ns = now;
        if (flush_all(engine) != 0)
            return -1;
    }
    const struct engine_options *options = &engine->options;
    if (options->progress && now - engine->last_progress_ns >= FLUSH_NS && load->block->count) {
        engine->last_progress_ns = now;
        uint64_t done, total;
        capture_progress(engine->reader.capture, &done, &total);
        options->progress(options->context, done, total, load->block->packets[load->block->count - 1].frame);
    }
    return 0;
}

static bool all_done(const struct engine *engine, uint64_t number)
{
    for (int w = 0; w < engine->options.workers; w++)
        if (atomic_load_explicit(&engine->workers[w].done, memory_order_acquire) <= number)
            return false;
    return true;
}

bool sink_turn(struct engine *engine)
{
    uint64_t number = atomic_load(&engine->sunk);
    if (!all_done(engine, number) || pthread_mutex_trylock(&engine->sinking) != 0)
        return false;
    bool moved = false;
    while (!atomic_load(&engine->failed) && all_done(engine, number = atomic_load(&engine->sunk))) {
        if (sink_load(engine, &engine->slots[number % engine->slot_count]) == 0)
            atomic_store(&engine->sunk, number + 1);
        else
            atomic_store(&engine->failed, true); /* the slot keeps what is left, for sink_drop_rest() */
        moved = true;
    }
    pthread_mutex_unlock(&engine->sinking);
    return moved;
}

static void drop(struct engine *engine, int worker, struct record_batch *batch)
{
    for (struct record_batch *next; batch; batch = next) {
        next = record_batch_next(batch);
        engine->sink_ledger.count[LEDGER_dropped] += record_batch_rows(batch);
        record_out_recycle(engine->workers[worker].out, batch);
    }
}

void sink_drop_rest(struct engine *engine)
{
    for (uint32_t s = 0; s < engine->slot_count; s++) {
        for (int w = 0; w < engine->options.workers; w++) {
            for (int t = 0; t < engine->table_count; t++) {
                drop(engine, w, engine->slots[s].rows[w][t]);
                engine->slots[s].rows[w][t] = NULL;
            }
        }
    }
}
