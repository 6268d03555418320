/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a shard, and the way of a packet through it.
 *
 * A bucket is one cache line: eight pointers to flows, each with sixteen bits of the hash in the part that addresses
 * leave free, so that a flow is only looked at when it is very likely the right one.  A bucket that was full when a
 * flow wanted in is marked (lowest bit of its first slot) and look-ups go on to the next one.  The table begins at a page and
 * doubles when it is half full, so that few flows share few cache lines; its old memory stays behind in the region (as much
 * again as the table, at most).
 *
 * Flows never move, and their memory stays mapped when they end.  So flow_batch() may prefetch a flow found by tag before the packets in front of it
 * are handled, and only has to compare keys when its turn comes.
 */
#include <string.h>

#include "base/error.h"
#include "flow/entry.h"

#define GROUP 64u         /* packets on their way at once */
#define BUCKETS_FIRST 64u /* a page */
#define PROBE 16u         /* buckets that a flow may be away from its own */
#define SPILLED 1u        /* in slot[0]: look on in the next bucket */
#define POINTER 0x0000ffffffffffc0ull

struct flow_options flow_defaults(void)
{
    const uint64_t second = 1000000000ull;
    return (struct flow_options){
        .flows = 16384,
        .reorder_bytes = 1u << 20,
        .tcp_idle_ns = 3600 * second,
        .tcp_attempt_ns = 60 * second,
        .tcp_linger_ns = 5 * second,
        .udp_idle_ns = 60 * second,
        .active_ns = 300 * second,
        .hole_acked_ns = second / 10,
        .hole_ns = 10 * second,
    };
}

static struct flow *slot_flow(uint64_t slot)
{
    return (struct flow *)(uintptr_t)(slot & POINTER);
}

static bool same_key(const struct packet_key *a, const struct packet_key *b)
{
    uint64_t x[6], y[6];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]) | (x[5] ^ y[5])) == 0;
}

/* The first flow in the packet's own bucket whose tag fits; for prefetching. */
static struct flow *likely(const struct flow_shard *shard, const struct packet *packet)
{
    const struct bucket *bucket = &shard->buckets[packet->hash & shard->bucket_mask];
    for (unsigned i = 0; i < BUCKET_SLOTS; i++)
        if ((bucket->slot[i] ^ packet->hash) >> 48 == 0 && slot_flow(bucket->slot[i]))
            return slot_flow(bucket->slot[i]);
    return NULL;
}

struct flow *table_find(const struct flow_shard *shard, const struct packet *packet)
{
    for (uint32_t probe = 0; probe < PROBE; probe++) {
        const struct bucket *bucket = &shard->buckets[(packet->hash + probe) & shard->bucket_mask];
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            struct flow *flow = slot_flow(bucket->slot[i]);
            if ((bucket->slot[i] ^ packet->hash) >> 48 == 0 && flow && same_key(&flow->key, &packet->key))
                return flow;
        }
        if (!(bucket->slot[0] & SPILLED))
            return NULL;
    }
    return NULL;
}

bool table_insert(struct flow_shard *shard, struct flow *flow, uint64_t hash)
{
    flow->hash = (uint32_t)hash;
    for (uint32_t probe = 0; probe < PROBE; probe++) {
        struct bucket *bucket = &shard->buckets[(hash + probe) & shard->bucket_mask];
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (slot_flow(bucket->slot[i]))
                continue;
            bucket->slot[i] = (hash & ~0ull << 48) | (uint64_t)(uintptr_t)flow | (bucket->slot[i] & SPILLED);
            return true;
        }
        bucket->slot[0] |= SPILLED;
    }
    return false;
}

/* Twice the buckets; every flow is put into its new one. */
static void table_grow(struct flow_shard *shard)
{
    const struct bucket *old = shard->buckets;
    uint32_t buckets = shard->bucket_mask + 1;
    shard->bucket_mask = 2 * buckets - 1;
    shard->buckets = region_take(shard->parts.region, 2 * buckets * sizeof *old);
    for (uint32_t b = 0; b < buckets; b++) {
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            struct flow *flow = slot_flow(old[b].slot[i]);
            if (flow)
                WEIR_CHECK(table_insert(shard, flow, (old[b].slot[i] & ~0ull << 48) | flow->hash));
        }
    }
}

void table_remove(struct flow_shard *shard, struct flow *flow)
{
    for (uint32_t probe = 0; probe < PROBE; probe++) {
        struct bucket *bucket = &shard->buckets[(flow->hash + probe) & shard->bucket_mask];
        for (unsigned i = 0; i < BUCKET_SLOTS; i++) {
            if (slot_flow(bucket->slot[i]) != flow)
                continue;
            bucket->slot[i] &= SPILLED;
            return;
        }
    }
    WEIR_CHECK(!"a flow is in its table");
}

/* A first packet seen from the server's side: an answer to a SYN, or midstream from a well-known port. */
static bool from_responder(const struct packet *packet)
{
    if (packet->flags & PACKET_TCP && packet->tcp_flags & TCP_SYN)
        return packet->tcp_flags & TCP_ACK;
    if (packet->key.proto != WEIR_TCP && packet->key.proto != WEIR_UDP)
        return false;
    bool high = packet->flags & PACKET_FROM_HIGH;
    return packet->key.port[high] < 1024 && packet->key.port[!high] >= 1024;
}

static void fill_info(struct flow *flow, const struct packet *packet)
{
    const struct packet_key *key = &flow->key;
    bool high = flow->flags & FLOW_ORIG_HIGH;
    struct weir_flow *info = &flow->info;
    info->src_ip.family = info->dst_ip.family = key->family;
    memcpy(info->src_ip.bytes, key->addr[high], 16);
    memcpy(info->dst_ip.bytes, key->addr[!high], 16);
    info->src_port = key->port[high];
    info->dst_port = key->port[!high];
    info->proto = key->proto;
    info->midstream = packet->flags & PACKET_TCP && !(packet->tcp_flags & TCP_SYN);
    info->start_ns = packet->ts_ns;
}

static struct flow *claim(struct flow_shard *shard)
{
    struct flow *flow = NULL;
    if (shard->count < shard->options.flows)
        flow = pool_get(shard->flows, sizeof *flow);
    while (!flow) {
        struct flow *oldest = timer_oldest(shard);
        if (!oldest)
            return NULL;
        shard->parts.ledger->count[LEDGER_flow_evicted]++;
        flow_end(shard, oldest, WEIR_END_IDLE, shard->clock_ns, 0);
        flow = pool_get(shard->flows, sizeof *flow);
    }
    memset(flow, 0, sizeof *flow);
    return flow;
}

static struct flow *begin(struct flow_shard *shard, const struct packet *packet, uint32_t generation)
{
    struct flow *flow = claim(shard);
    if (!flow)
        return NULL;
    flow->key = packet->key;
    if (shard->count * 2 >= (shard->bucket_mask + 1) * BUCKET_SLOTS)
        table_grow(shard);
    if (!table_insert(shard, flow, packet->hash)) {
        pool_put(shard->flows, flow, sizeof *flow);
        return NULL;
    }
    shard->count++;
    bool flipped = from_responder(packet);
    flow->flags = (packet->flags & PACKET_TCP ? FLOW_TCP : 0) | (flipped ? FLOW_FLIPPED : 0);
    if (!!(packet->flags & PACKET_FROM_HIGH) != flipped)
        flow->flags |= FLOW_ORIG_HIGH;
    if (flipped)
        flow->history[flow->history_size++] = '^';
    flow->icmp_type = packet->icmp_type;
    flow->iface = packet->iface;
    flow->vlan = packet->vlan;
    flow->tunnel = packet->tunnel;
    flow->first_frame = packet->frame;
    flow->last_ns = flow->active_ns = packet->ts_ns;
    fill_info(flow, packet);
    flow->info.uid = row_uid(flow, generation);
    timer_put(shard, flow);
    return flow;
}

/* Flows end in the order of a timer list, cold: the one after the next is sent for, and what hangs on the next. */
static void prefetch_end(const struct flow_shard *shard, const struct flow *flow)
{
    const struct flow *next = flow->timer_next;
    if (!next)
        return;
    __builtin_prefetch(&shard->buckets[next->hash & shard->bucket_mask], 1);
    shard->parts.hooks->prefetch(next->space);
    const char *after = (const char *)next->timer_next;
    for (unsigned at = 0; after && at < sizeof *flow; at += 64)
        __builtin_prefetch(after + at, 1);
}

void flow_end(struct flow_shard *shard, struct flow *flow, enum weir_end end, uint64_t ts_ns, uint64_t frame)
{
    prefetch_end(shard, flow);
    for (int dir = 0; dir < 2; dir++) {
        if (flow->flags & FLOW_TCP)
            stream_flush(shard, flow, dir, ts_ns, frame);
        stream_free(shard, flow, dir);
    }
    if (flow->flags & FLOW_RESET)
        end = WEIR_END_RESET;
    shard->parts.hooks->end(shard->parts.context, flow->space, &flow->info, WEIR_ORIG, end, ts_ns, frame);
    row_emit(shard, flow, false);
    table_remove(shard, flow);
    timer_take(shard, flow);
    flow->key.family = 0xff; /* a prefetched pointer must not find it again */
    pool_put(shard->flows, flow, sizeof *flow);
    shard->count--;
}

static void datagram(struct flow_shard *shard, struct flow *flow, int dir, const struct packet *packet)
{
    const struct flow_hooks *hooks = shard->parts.hooks;
    struct ledger *ledger = shard->parts.ledger;
    ledger->count[LEDGER_seen] += packet->payload_bytes;
    history_add(flow, dir, HISTORY_DATA);
    if (flow->key.proto != WEIR_UDP || !hooks->wanted(flow->space)) {
        ledger->count[LEDGER_unwanted] += packet->payload_bytes;
        return;
    }
    bool ticked = hooks->ticks(flow->space);
    hooks->datagram(shard->parts.context, flow->space, &flow->info, dir, packet->data + packet->payload,
                    packet->payload_bytes, packet->payload_wire, packet->ts_ns, packet->frame);
    ledger->count[hooks->wanted(flow->space) ? LEDGER_delivered : LEDGER_unwanted] += packet->payload_bytes;
    if (!ticked && hooks->ticks(flow->space))
        timer_sooner(shard, flow);
}

static void handle(struct flow_shard *shard, const struct packet *packet, struct flow *flow)
{
    record_out_set_order(shard->parts.out, packet->frame << 7 | 1u << 6 | shard->number);
    if (packet->ts_ns > shard->clock_ns)
        shard->clock_ns = packet->ts_ns;
    if (!flow || !same_key(&flow->key, &packet->key))
        flow = table_find(shard, packet);
    uint32_t generation = 0;
    if (flow && flow->flags & FLOW_TCP) {
        bool high = packet->flags & PACKET_FROM_HIGH;
        if (tcp_is_new_connection(flow, high != !!(flow->flags & FLOW_ORIG_HIGH), packet)) {
            generation = flow->info.start_ns == packet->ts_ns ? (uint32_t)flow->first_frame : 0;
            flow_end(shard, flow, WEIR_END_IDLE, packet->ts_ns, packet->frame);
            flow = NULL;
        }
    }
    if (!flow && !(flow = begin(shard, packet, generation)))
        return;
    int dir = !!(packet->flags & PACKET_FROM_HIGH) != !!(flow->flags & FLOW_ORIG_HIGH);
    struct count *count = &flow->count[dir];
    count->packets++;
    count->bytes += packet->ip_bytes;
    count->payload += packet->payload_wire;
    if (packet->ts_ns > flow->last_ns)
        flow->last_ns = packet->ts_ns;
    flow->last_frame = packet->frame;
    if (flow->flags & FLOW_TCP)
        tcp_packet(shard, flow, dir, packet);
    else
        datagram(shard, flow, dir, packet);
}

void flow_batch(struct flow_shard *const *shards, const struct packet *const *packets, uint32_t count)
{
    struct flow *found[GROUP];
    for (uint32_t at = 0; at < count; at += GROUP) {
        uint32_t n = count - at < GROUP ? count - at : GROUP;
        const struct packet *const *group = packets + at;
        for (uint32_t i = 0; i < n; i++) {
            const struct flow_shard *shard = shards[group[i]->shard];
            __builtin_prefetch(&shard->buckets[group[i]->hash & shard->bucket_mask]);
        }
        for (uint32_t i = 0; i < n; i++) {
            struct flow *flow = found[i] =
                group[i]->flags & PACKET_FLOW ? likely(shards[group[i]->shard], group[i]) : NULL;
            for (unsigned line = 0; flow && line < 3; line++)
                __builtin_prefetch((char *)flow + 64 * line, 1);
        }
        for (uint32_t i = 0; i < n; i++)
            if (group[i]->flags & PACKET_FLOW)
                handle(shards[group[i]->shard], group[i], found[i]);
    }
}

uint32_t flow_close_step(struct flow_shard *shard, uint64_t frame)
{
    record_out_set_order(shard->parts.out, frame << 7 | shard->number);
    struct flow *flow;
    for (uint32_t i = 0; i < FLOW_CLOSE_STEP && (flow = timer_first(shard)); i++)
        flow_end(shard, flow, WEIR_END_IDLE, shard->clock_ns, 0);
    return shard->count;
}

uint32_t flow_count(const struct flow_shard *shard)
{
    return shard->count;
}

struct flow_shard *flow_shard_new(uint8_t number, const struct flow_options *options,
                                  const struct flow_shard_parts *parts)
{
    struct flow_shard *shard = region_take(parts->region, sizeof *shard);
    shard->number = number;
    shard->options = *options;
    shard->parts = *parts;
    shard->bucket_mask = BUCKETS_FIRST - 1;
    shard->buckets = region_take(parts->region, BUCKETS_FIRST * sizeof *shard->buckets);
    shard->flows = pool_new(parts->region, (size_t)options->flows * pool_round(sizeof(struct flow)));
    return shard;
}

void flow_shard_free(struct flow_shard *shard)
{
    if (shard)
        pool_free(shard->flows);
}
