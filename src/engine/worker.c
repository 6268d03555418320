/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a packet on one screen: a thread reads when it is short of work, works on the packets of its own
 * shards, and hands rows on when a load is done by all.
 *
 *     read + decode (reader.c) -> flow and reassembly (flow/) -> analyser (analyse/) -> record -> sink (sink.c)
 */
#include "base/error.h"
#include "engine/parts.h"

#define GROUP 256u
#define PREFETCH 8u

/* ---- flow hands bytes to analysers: the seam between two folders that do not know each other ---- */

static struct analyse *host(void *context)
{
    return ((struct shard *)context)->analyse;
}

static void on_data(void *context, void *space, const struct weir_flow *flow, int dir, const uint8_t *data,
                    uint32_t size, uint64_t data_ns, uint64_t ts_ns, uint64_t frame)
{
    analyse_data(host(context), space, flow, dir, data, size, (struct analyse_cause){ts_ns, frame, data_ns});
}

static void on_gap(void *context, void *space, const struct weir_flow *flow, int dir, uint64_t bytes, uint64_t ts_ns,
                   uint64_t frame)
{
    analyse_gap(host(context), space, flow, dir, bytes, (struct analyse_cause){ts_ns, frame, 0});
}

static void on_datagram(void *context, void *space, const struct weir_flow *flow, int dir, const uint8_t *data,
                        uint32_t size, uint32_t wire_bytes, uint64_t ts_ns, uint64_t frame)
{
    analyse_datagram(host(context), space, flow, dir, data, size, wire_bytes, (struct analyse_cause){ts_ns, frame, 0});
}

static void on_end(void *context, void *space, const struct weir_flow *flow, int dir, enum weir_end end, uint64_t ts_ns,
                   uint64_t frame)
{
    analyse_end(host(context), space, flow, dir, end, (struct analyse_cause){ts_ns, frame, 0});
}

static void on_tick(void *context, void *space, const struct weir_flow *flow, uint64_t ts_ns)
{
    analyse_tick(host(context), space, flow, (struct analyse_cause){ts_ns, 0, 0});
}

static bool wanted(const void *space)
{
    return analyse_wanted(space);
}

static bool ticks(const void *space)
{
    return analyse_ticks(space);
}

static void prefetch(const void *space)
{
    analyse_prefetch(space);
}

static const char *service(const void *space, const char **by, uint8_t *confidence)
{
    return analyse_service(space, by, confidence);
}

const struct flow_hooks *worker_hooks(void)
{
    static const struct flow_hooks hooks = {on_data, on_gap, on_datagram, on_end, on_tick,
                                            wanted,  ticks,  prefetch,    service};
    return &hooks;
}

/* ---- one load ---- */

static void tick_shards(struct worker *worker, const struct packet *packet)
{
    for (int i = 0; i < PACKET_SHARDS; i++)
        if (worker->shards[i])
            flow_tick(worker->shards[i], packet->ts_ns, packet->frame);
}

static void work_packets(struct worker *worker, const struct load *load)
{
    const uint16_t *mine = worker->engine->options.workers > 1 ? load->mine[worker->number] : NULL;
    uint32_t count = mine ? load->mine_count[worker->number] : load->block->count, grouped = 0;
    const struct packet *group[GROUP];
    for (uint32_t i = 0; i < count; i++) {
        const struct packet *packet = &load->block->packets[mine ? mine[i] : i];
        if (mine && i + PREFETCH < count) { /* another core may have read it */
            __builtin_prefetch(&load->block->packets[mine[i + PREFETCH]]);
            __builtin_prefetch((const char *)&load->block->packets[mine[i + PREFETCH]] + 64);
        }
        if (packet->flags & PACKET_TICK) {
            flow_batch(worker->shards, group, grouped);
            grouped = 0;
            tick_shards(worker, packet);
        }
        if (packet->flags & PACKET_FLOW && worker->shards[packet->shard])
            group[grouped++] = packet;
        if (grouped == GROUP) {
            flow_batch(worker->shards, group, grouped);
            grouped = 0;
        }
    }
    flow_batch(worker->shards, group, grouped);
}

static void work_closing(struct worker *worker, const struct load *load)
{
    uint32_t flows = 0;
    for (int i = 0; i < PACKET_SHARDS; i++)
        if (worker->shards[i])
            flows += flow_close_step(worker->shards[i], load->close_frame);
    atomic_store_explicit(&worker->flows, flows, memory_order_relaxed);
}

static bool worker_turn(struct worker *worker)
{
    struct engine *engine = worker->engine;
    uint64_t next = atomic_load_explicit(&worker->done, memory_order_relaxed);
    if (next == atomic_load_explicit(&engine->published, memory_order_acquire))
        return false;
    struct load *load = &engine->slots[next % engine->slot_count];
    if (load->closing)
        work_closing(worker, load);
    else
        work_packets(worker, load);
    for (int t = 0; t < engine->table_count; t++)
        load->rows[worker->number][t] = record_out_take(worker->out, (uint32_t)t);
    atomic_store_explicit(&worker->done, next + 1, memory_order_release);
    return true;
}

static bool finished(const struct worker *worker)
{
    const struct engine *engine = worker->engine;
    return atomic_load(&engine->failed) ||
           (atomic_load(&engine->read_all) && atomic_load(&worker->done) == atomic_load(&engine->published));
}

void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct engine *engine = worker->engine;
    while (!finished(worker)) {
        unsigned seen = atomic_load(&engine->events);
        bool moved = false;
        while (reader_turn(engine, worker)) {
            rest_wake(engine);
            moved = true;
        }
        moved |= worker_turn(worker);
        moved |= sink_turn(engine);
        if (moved)
            rest_wake(engine);
        else if (!finished(worker))
            rest_wait(engine, seen);
    }
    rest_wake(engine);
    return NULL;
}
