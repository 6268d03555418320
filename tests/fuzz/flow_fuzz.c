/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any sequence of packets through one shard under tiny budgets: flows, TCP states and reassembly must hold their
 * invariants, give back all memory and account for every byte.
 *
 * Input: 8 bytes a packet - ends and direction, TCP flags, seq (2), ack (2), payload size, time step.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "flow/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

struct count {
    struct ledger ledger;
    bool wanted;
};
static struct count *current;

static void on_data(void *context, void *space, const struct weir_flow *flow, int dir, const uint8_t *data,
                    uint32_t size, uint64_t data_ns, uint64_t ts_ns, uint64_t frame)
{
    volatile uint8_t sum = 0;
    for (uint32_t i = 0; i < size; i++)
        sum ^= data[i];
    ((struct count *)context)->ledger.count[LEDGER_delivered] += size;
}

static void on_gap(void *context, void *space, const struct weir_flow *flow, int dir, uint64_t bytes, uint64_t ts_ns,
                   uint64_t frame)
{
    WEIR_CHECK(bytes > 0);
}

static void on_datagram(void *context, void *space, const struct weir_flow *flow, int dir, const uint8_t *data,
                        uint32_t size, uint32_t wire_bytes, uint64_t ts_ns, uint64_t frame)
{
}

static void on_end(void *context, void *space, const struct weir_flow *flow, int dir, enum weir_end end, uint64_t ts_ns,
                   uint64_t frame)
{
}

static void on_tick(void *context, void *space, const struct weir_flow *flow, uint64_t ts_ns)
{
}

static bool wanted(const void *space)
{
    return current->wanted;
}

static bool ticks(const void *space)
{
    return current->wanted;
}

static void prefetch(const void *space)
{
    (void)space;
}

static const char *service(const void *space, const char **by, uint8_t *confidence)
{
    return NULL;
}

static const char *iface_name(void *context, uint16_t iface)
{
    return "";
}

static const char *tunnel_name(uint8_t tunnel)
{
    return NULL;
}

static struct packet packet_from(const uint8_t *in, uint64_t frame, uint64_t now)
{
    static const uint8_t payload[4096];
    bool udp = in[0] & 0x80;
    struct packet packet = {.data = payload,
                            .ts_ns = now,
                            .frame = frame,
                            .flags = PACKET_FLOW | (udp ? 0 : PACKET_TCP) | (in[0] & 1 ? PACKET_FROM_HIGH : 0),
                            .payload_bytes = in[6] * 8u,
                            .payload_wire = in[6] * 8u + (in[0] & 0x40 ? 100u : 0),
                            .key = {.family = 4, .proto = udp ? 17 : 6, .port = {in[0] >> 1 & 7, 9}},
                            .seq = (uint32_t)(int16_t)(in[2] << 8 | in[3]) * (in[0] & 0x20 ? 1u : 60000u),
                            .ack = (uint32_t)(int16_t)(in[4] << 8 | in[5]),
                            .tcp_flags = in[1]};
    packet.hash = hash_keyed(&packet.key, 6, (uint64_t[]){3, 4});
    return packet;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static const struct flow_hooks hooks = {on_data, on_gap, on_datagram, on_end, on_tick,
                                            wanted,  ticks,  prefetch,    service};
    if (size < 1)
        return 0;
    struct count count = {.wanted = input[0] & 1};
    current = &count;
    struct flow_options options = flow_defaults();
    options.flows = 4;
    options.reorder_bytes = 4096;
    struct region *region = region_new(32u << 20);
    struct pool *pool = pool_new(region, input[0] & 2 ? 8192 : 1u << 20);
    struct record_out *out = record_out_new(flow_tables);
    struct flow_shard *shard = flow_shard_new(0, &options,
                                              &(struct flow_shard_parts){.region = region,
                                                                         .pool = pool,
                                                                         .out = out,
                                                                         .ledger = &count.ledger,
                                                                         .hooks = &hooks,
                                                                         .context = &count,
                                                                         .iface_name = iface_name,
                                                                         .tunnel_name = tunnel_name});
    struct flow_shard *shards[PACKET_SHARDS] = {shard};
    uint64_t now = 1000000000, frame = 0;
    for (size_t at = 1; at + 8 <= size; at += 8) {
        now += (uint64_t)input[at + 7] * 20000000u;
        struct packet packet = packet_from(input + at, ++frame, now);
        const struct packet *list = &packet;
        if (input[at + 7])
            flow_tick(shard, now, frame);
        flow_batch(shards, &list, 1);
    }
    while (flow_close_step(shard, frame + 1))
        ;
    uint64_t in, sum;
    WEIR_CHECK(pool_out(pool) == 0);
    WEIR_CHECK(ledger_closes(&count.ledger, LEDGER_BYTE, &in, &sum));
    record_out_free(out);
    flow_shard_free(shard);
    pool_free(pool);
    region_free(region);
    return 0;
}
