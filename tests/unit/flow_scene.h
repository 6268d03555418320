/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/flow_scene.h - one shard with hooks that write down what they are given: bytes as they are, gaps as '?' (at most
 * 64 a gap), ends as '.' (FIN), '!' (reset), '$' (idle); and packets for it, as decode would describe them.
 */
#ifndef UNIT_FLOW_SCENE_H
#define UNIT_FLOW_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "flow/flow.h"

#define SECOND 1000000000ull

struct script {
    char text[1 << 20];
    size_t size;
    uint64_t gaps;
};

struct scene {
    struct region *region;
    struct pool *pool;
    struct record_out *out;
    struct ledger ledger;
    struct flow_shard *shard;
    struct flow_shard *shards[PACKET_SHARDS];
    struct script told[2];
    bool unwanted, ticking;
    int ticks;
    uint64_t frame, now;
};

static void tell(struct script *script, const void *text, size_t size)
{
    assert_true(script->size + size < sizeof script->text);
    memcpy(script->text + script->size, text, size);
    script->size += size;
    script->text[script->size] = 0;
}

static void on_data(void *context, void *space, const struct weir_flow *flow, int dir, const uint8_t *data,
                    uint32_t size, uint64_t data_ns, uint64_t ts_ns, uint64_t frame)
{
    struct scene *scene = context;
    scene->ledger.count[LEDGER_delivered] += size;
    tell(&scene->told[dir], data, size);
}

static void on_gap(void *context, void *space, const struct weir_flow *flow, int dir, uint64_t bytes, uint64_t ts_ns,
                   uint64_t frame)
{
    struct scene *scene = context;
    scene->told[dir].gaps += bytes;
    for (uint64_t i = 0; i < bytes && i < 64; i++)
        tell(&scene->told[dir], "?", 1);
}

static void on_datagram(void *context, void *space, const struct weir_flow *flow, int dir, const uint8_t *data,
                        uint32_t size, uint32_t wire_bytes, uint64_t ts_ns, uint64_t frame)
{
    tell(&((struct scene *)context)->told[dir], data, size);
}

static void on_end(void *context, void *space, const struct weir_flow *flow, int dir, enum weir_end end, uint64_t ts_ns,
                   uint64_t frame)
{
    struct scene *scene = context;
    tell(&scene->told[dir], end == WEIR_END_FIN ? "." : end == WEIR_END_RESET ? "!" : "$", 1);
}

static void on_tick(void *context, void *space, const struct weir_flow *flow, uint64_t ts_ns)
{
    ((struct scene *)context)->ticks++;
}

static struct scene *current; /* `wanted` and `ticks` are told nothing but the space */

static bool wanted(const void *space)
{
    return !current->unwanted;
}

static unsigned asked; /* how often `ticks` was */

static bool ticks(const void *space)
{
    asked++;
    return current->ticking;
}

static void prefetch(const void *space)
{
    (void)space;
}

static const char *service(const void *space, const char **by, uint8_t *confidence)
{
    return NULL;
}

static const char *no_name(void *context, uint16_t iface)
{
    return "";
}

static const char *no_tunnel(uint8_t tunnel)
{
    return NULL;
}

static const struct flow_hooks hooks = {on_data, on_gap, on_datagram, on_end, on_tick,
                                        wanted,  ticks,  prefetch,    service};

static struct scene *scene_new(const struct flow_options *options, size_t budget)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct flow_options defaults = flow_defaults();
    defaults.flows = 1024;
    scene->region = region_new((size_t)256 << 20);
    scene->pool = pool_new(scene->region, budget);
    scene->out = record_out_new(flow_tables);
    scene->shard = flow_shard_new(0, options ? options : &defaults,
                                  &(struct flow_shard_parts){.region = scene->region,
                                                             .pool = scene->pool,
                                                             .out = scene->out,
                                                             .ledger = &scene->ledger,
                                                             .hooks = &hooks,
                                                             .context = scene,
                                                             .iface_name = no_name,
                                                             .tunnel_name = no_tunnel});
    scene->shards[0] = scene->shard;
    scene->now = 1000 * SECOND;
    current = scene;
    return scene;
}

static void scene_end(struct scene *scene)
{
    while (flow_close_step(scene->shard, scene->frame + 1))
        ;
}

/* Everything that was borrowed is back, and every byte has a cause. */
static void scene_free(struct scene *scene)
{
    uint64_t in, out;
    scene_end(scene);
    assert_int_equal(pool_out(scene->pool), 0);
    assert_true(ledger_closes(&scene->ledger, LEDGER_BYTE, &in, &out));
    record_out_free(scene->out);
    flow_shard_free(scene->shard);
    pool_free(scene->pool);
    region_free(scene->region);
    free(scene);
}

/* A TCP packet of client 10.0.0.1:40000 (dir 0) and server 10.0.0.2:8080 (dir 1). */
static void tcp(struct scene *scene, int dir, uint8_t flags, uint32_t seq, uint32_t ack, const char *data, size_t size)
{
    struct packet packet = {
        .data = (const uint8_t *)data,
        .ts_ns = scene->now,
        .frame = ++scene->frame,
        .caplen = (uint32_t)size,
        .wire_bytes = (uint32_t)size + 54,
        .ip_bytes = (uint32_t)size + 40,
        .payload_bytes = (uint32_t)size,
        .payload_wire = (uint32_t)size,
        .flags = PACKET_FLOW | PACKET_TCP | (dir ? PACKET_FROM_HIGH : 0),
        .key = {.addr = {{10, 0, 0, 1}, {10, 0, 0, 2}}, .port = {40000, 8080}, .family = 4, .proto = 6},
        .seq = seq,
        .ack = ack,
        .window = 1000,
        .tcp_flags = flags,
        .vlan = 0xffff};
    packet.hash = hash_keyed(&packet.key, 6, (uint64_t[]){1, 2});
    const struct packet *list = &packet;
    flow_batch(scene->shards, &list, 1);
}

static void text(struct scene *scene, int dir, uint32_t seq, uint32_t ack, const char *data)
{
    tcp(scene, dir, TCP_ACK | TCP_PSH, seq, ack, data, strlen(data));
}

static void udp(struct scene *scene, uint16_t port, int dir, const char *data)
{
    struct packet packet = {
        .data = (const uint8_t *)data,
        .ts_ns = scene->now,
        .frame = ++scene->frame,
        .ip_bytes = (uint32_t)strlen(data) + 28,
        .payload_bytes = (uint32_t)strlen(data),
        .payload_wire = (uint32_t)strlen(data),
        .flags = PACKET_FLOW | (dir ? PACKET_FROM_HIGH : 0),
        .key = {.addr = {{10, 0, 0, 1}, {10, 0, 0, 2}}, .port = {port, 5000}, .family = 4, .proto = 17},
        .vlan = 0xffff};
    packet.hash = hash_keyed(&packet.key, 6, (uint64_t[]){1, 2});
    const struct packet *list = &packet;
    flow_batch(scene->shards, &list, 1);
}

/* SYN, SYN+ACK, ACK: the client's bytes begin at 101, the server's at 501. */
static void handshake(struct scene *scene)
{
    tcp(scene, 0, TCP_SYN, 100, 0, "", 0);
    tcp(scene, 1, TCP_SYN | TCP_ACK, 500, 101, "", 0);
    tcp(scene, 0, TCP_ACK, 101, 501, "", 0);
}

/* The rows of table 0 (flow) or 1 (flow_active) that were made since the last call. */
static struct record_batch *rows(struct scene *scene, uint32_t table)
{
    return record_out_take(scene->out, table);
}

static struct weir_str field(const struct record_batch *batch, const char *name, uint32_t row)
{
    int column = record_column_find(record_batch_table(batch), name);
    assert_true(column >= 0);
    return record_str(batch, (uint32_t)column, row);
}

static struct weir_uint number(const struct record_batch *batch, const char *name, uint32_t row)
{
    int column = record_column_find(record_batch_table(batch), name);
    assert_true(column >= 0);
    return record_uint(batch, (uint32_t)column, row);
}

static void assert_field(const struct record_batch *batch, const char *name, const char *expected)
{
    struct weir_str value = field(batch, name, 0);
    assert_int_equal(value.size, strlen(expected));
    assert_memory_equal(value.data, expected, value.size);
}

#endif
