/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader's turn: one block from the source, decoded, with ticks marked, dealt to the workers.
 *
 * Everything that must not depend on the number of workers is decided here, in the order of the source: frame numbers, defragmentation,
 * shards, and the packets at which packet time passes another 100 ms.
 */
#include <string.h>

#include "engine/parts.h"

#define AHEAD 4u /* loads that a thread may have waiting before it leaves reading to others */

static void learn_ifaces(struct engine *engine, uint16_t iface)
{
    struct reader *reader = &engine->reader;
    for (; reader->ifaces <= iface && reader->ifaces < IFACES_MAX; reader->ifaces++) {
        const char *name = capture_iface_name(reader->capture, (uint16_t)reader->ifaces);
        size_t size = strnlen(name, sizeof engine->iface_names[0] - 1);
        memcpy(engine->iface_names[reader->ifaces], name, size);
    }
}

/* Packet time is the largest stamp so far; each time it enters another 100 ms the shards tick. */
static void mark_ticks(struct engine *engine, struct block *block)
{
    struct reader *reader = &engine->reader;
    uint64_t clock = reader->clock_ns, next_tick = clock / TICK_NS * TICK_NS + TICK_NS;
    uint64_t wire_bytes = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        struct packet *packet = &block->packets[i];
        wire_bytes += packet->wire_bytes;
        if (packet->iface >= reader->ifaces)
            learn_ifaces(engine, packet->iface);
        if (packet->ts_ns <= clock)
            continue;
        clock = packet->ts_ns;
        if (clock >= next_tick) {
            packet->flags |= PACKET_TICK;
            next_tick = clock / TICK_NS * TICK_NS + TICK_NS;
        }
    }
    reader->clock_ns = clock;
    reader->wire_bytes += wire_bytes;
    for (uint32_t i = 0; i < block->count; i++)
        if (block->packets[i].ts_ns < reader->first_ns)
            reader->first_ns = block->packets[i].ts_ns;
}

static void deal(const struct engine *engine, struct load *load)
{
    int workers = engine->options.workers;
    for (int w = 0; w < workers; w++)
        load->mine_count[w] = 0;
    for (uint32_t i = 0; i < load->block->count; i++) {
        const struct packet *packet = &load->block->packets[i];
        int owner = packet->flags & PACKET_FLOW ? packet->shard % workers : -1;
        if (!(packet->flags & PACKET_TICK)) {
            if (owner >= 0)
                load->mine[owner][load->mine_count[owner]++] = (uint16_t)i;
            continue;
        }
        for (int w = 0; w < workers; w++)
            load->mine[w][load->mine_count[w]++] = (uint16_t)i;
    }
}

static void read_packets(struct engine *engine, struct load *load)
{
    struct reader *reader = &engine->reader;
    struct block *block = load->block;
    block->count = 0;
    block->used = 0;
    load->closing = false;
    bool more = capture_fill(reader->capture, block, &reader->ledger);
    if (block->count)
        reader->frames = block->packets[block->count - 1].frame;
    atomic_store_explicit(&reader->idle, block_is_idle(block), memory_order_relaxed);
    decode_block(reader->decode, block, &reader->ledger);
    mark_ticks(engine, block);
    if (engine->options.workers > 1)
        deal(engine, load);
    if (!more || atomic_load_explicit(&engine->stop, memory_order_relaxed))
        reader->at_end = true;
}

/* Every flow has ended, as far as the workers have told: steps that would find nothing more are left out. */
static bool all_closed(const struct engine *engine)
{
    for (int w = 0; w < engine->options.workers; w++)
        if (atomic_load(&engine->workers[w].done) != atomic_load(&engine->published) ||
            atomic_load(&engine->workers[w].flows))
            return false;
    return true;
}

static void read_one(struct engine *engine)
{
    struct reader *reader = &engine->reader;
    uint64_t number = atomic_load_explicit(&engine->published, memory_order_relaxed);
    struct load *load = &engine->slots[number % engine->slot_count];
    bool last = false;
    if (!reader->at_end) {
        read_packets(engine, load);
    } else if (reader->close_steps && all_closed(engine)) {
        atomic_store(&engine->read_all, true);
        return;
    } else {
        load->closing = true;
        load->block->count = 0;
        load->close_frame = reader->frames + 1 + reader->close_steps;
        uint32_t flows = engine->options.flows / PACKET_SHARDS;
        last = ++reader->close_steps > flows / FLOW_CLOSE_STEP;
    }
    atomic_store(&engine->published, number + 1);
    if (last) /* not before: a thread ends that has done all there was when everything had been read */
        atomic_store(&engine->read_all, true);
}

static bool may_read(const struct engine *engine, const struct worker *worker)
{
    uint64_t published = atomic_load(&engine->published);
    /* The next read may wait for somebody else: what is there is worked on first. */
    uint64_t ahead = atomic_load_explicit(&engine->reader.idle, memory_order_relaxed) ? 1 : AHEAD;
    return !atomic_load(&engine->read_all) && published - atomic_load(&worker->done) < ahead &&
           published - atomic_load(&engine->sunk) < engine->slot_count;
}

bool reader_turn(struct engine *engine, const struct worker *worker)
{
    if (!may_read(engine, worker) || pthread_mutex_trylock(&engine->reading) != 0)
        return false;
    bool moved = may_read(engine, worker);
    if (moved)
        read_one(engine);
    pthread_mutex_unlock(&engine->reading);
    return moved;
}
