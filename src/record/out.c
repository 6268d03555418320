/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out of a worker: an open batch for each wanted table, the sealed ones in the order they were sealed, and the
 * free ones that came back.
 *
 * One worker writes; the engine takes sealed batches between two pieces of work of that worker.  What comes back comes
 * from any thread: it is pushed on a stack with one compare-and-swap, and the worker takes the whole stack with
 * one exchange when it runs out of free batches.  Nobody pops a single one, so the stack has no ABA problem.  The last
 * to come back is the first to be used again: its memory is the warmest.
 *
 * The addresses of a table's first batches are claimed at the start and touched as they are needed, so that batches
 * which pile up while other threads are behind ask the system for nothing.
 *
 * A table is found by comparing pointers: there are few, and a run of eight lies in one cache line.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/error.h"
#include "record/batch.h"

#define OUT_TABLES 32u
#define ROOM_BYTES ((size_t)32 << 20) /* addresses of a table's first batches, some forty */

struct lane {
    struct record_batch *open;
    struct record_batch *sealed, **sealed_end;
    struct record_batch *free;
    struct batch_room room;
};

struct record_out {
    const struct weir_table *tables[OUT_TABLES];
    uint32_t count;
    uint64_t order;
    uint64_t made;
    uint64_t batches; /* claimed so far */
    struct lane lanes[OUT_TABLES];
    _Alignas(64) _Atomic(struct record_batch *) returned; /* written by other threads */
};

static void free_list(struct record_batch *batch)
{
    while (batch) {
        struct record_batch *next = batch->next;
        record_batch_free(batch);
        batch = next;
    }
}

struct record_out *record_out_new(const struct weir_table *const *tables)
{
    struct record_out *out = aligned_alloc(64, (sizeof *out + 63) / 64 * 64);
    WEIR_CHECK(out != NULL);
    memset(out, 0, sizeof *out);
    for (; tables[out->count]; out->count++) {
        WEIR_CHECK(out->count < OUT_TABLES);
        out->tables[out->count] = tables[out->count];
        struct lane *lane = &out->lanes[out->count];
        lane->sealed_end = &lane->sealed;
        void *room = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (room != MAP_FAILED)
            lane->room = (struct batch_room){room, (uint8_t *)room + ROOM_BYTES};
    }
    return out;
}

void record_out_free(struct record_out *out)
{
    if (!out)
        return;
    for (uint32_t i = 0; i < out->count; i++) {
        record_batch_free(out->lanes[i].open);
        free_list(out->lanes[i].sealed);
        free_list(out->lanes[i].free);
        if (out->lanes[i].room.at < out->lanes[i].room.end)
            munmap(out->lanes[i].room.at, (size_t)(out->lanes[i].room.end - out->lanes[i].room.at));
    }
    free_list(atomic_load(&out->returned));
    free(out);
}

void record_out_set_order(struct record_out *out, uint64_t order)
{
    out->order = order;
}

/* The table's number, or the count of tables. */
static inline uint32_t lane_of(const struct record_out *out, const struct weir_table *table)
{
    uint32_t i = 0;
    while (i < out->count && out->tables[i] != table)
        i++;
    return i;
}

bool record_wants(const struct record_out *out, const struct weir_table *table)
{
    return lane_of(out, table) < out->count;
}

/* Sorts what came back into the lanes. */
static void collect(struct record_out *out)
{
    struct record_batch *batch = atomic_exchange_explicit(&out->returned, NULL, memory_order_acquire), *next;
    for (; batch; batch = next) {
        next = batch->next;
        struct lane *lane = &out->lanes[lane_of(out, batch->table)];
        record_batch_reset(batch);
        batch->next = lane->free;
        lane->free = batch;
    }
}

static struct record_batch *fresh(struct record_out *out, struct lane *lane)
{
    if (!lane->free)
        collect(out);
    struct record_batch *batch = lane->free;
    if (batch) {
        lane->free = batch->next;
        batch->next = NULL;
        return batch;
    }
    out->batches++;
    return batch_new_in(&lane->room, out->tables[lane - out->lanes]);
}

static void seal(struct lane *lane)
{
    *lane->sealed_end = lane->open;
    lane->sealed_end = &lane->open->next;
    lane->open = NULL;
}

void record_emit(struct record_out *out, const struct weir_table *table, const struct weir_flow *flow, const void *row,
                 uint64_t ts_ns)
{
    uint32_t number = lane_of(out, table);
    if (number == out->count)
        return;
    struct lane *lane = &out->lanes[number];
    out->made++;
    if (!lane->open)
        lane->open = fresh(out, lane);
    if (record_append(lane->open, flow, row, ts_ns, out->order))
        return;
    seal(lane);
    lane->open = fresh(out, lane);
    WEIR_CHECK(record_append(lane->open, flow, row, ts_ns, out->order));
}

uint64_t record_out_made(const struct record_out *out)
{
    return out->made;
}

uint64_t record_out_batches(const struct record_out *out)
{
    return out->batches;
}

struct record_batch *record_out_take(struct record_out *out, uint32_t table)
{
    WEIR_CHECK(table < out->count);
    struct lane *lane = &out->lanes[table];
    if (lane->open && lane->open->rows)
        seal(lane);
    struct record_batch *sealed = lane->sealed;
    lane->sealed = NULL;
    lane->sealed_end = &lane->sealed;
    return sealed;
}

void record_out_recycle(struct record_out *out, struct record_batch *batch)
{
    WEIR_CHECK(lane_of(out, batch->table) < out->count);
    struct record_batch *head = atomic_load_explicit(&out->returned, memory_order_relaxed);
    do
        batch->next = head;
    while (!atomic_compare_exchange_weak_explicit(&out->returned, &head, batch, memory_order_release,
                                                  memory_order_relaxed));
}
