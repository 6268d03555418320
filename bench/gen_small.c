/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_small - workload W1: what a packet costs.
 *
 * usage: gen_small OUT.pcap [PACKETS=20000000 [FLOWS=200000 [SEED=1]]]
 *
 * Every frame has 64 bytes.  70 of 100 flows are TCP (10 payload bytes once the handshake is done), 30 UDP (22 payload
 * bytes).  Each packet takes a flow at random, so that a flow table finds nothing in the cache: the worst case.  A TCP flow
 * starts with SYN, SYN+ACK, ACK and goes on with data in either direction; none is closed.  Packets are 1 us apart.
 */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_BYTES 64u

struct small_flow {
    struct frame_ends ends;
    bool tcp;
    uint8_t said; /* handshake packets so far, 3 at most */
};

static void new_flow(struct small_flow *flow, uint32_t number, uint64_t *random)
{
    uint32_t kind = frame_below(random, 4);
    flow->tcp = frame_below(random, 10) < 7;
    flow->ends.addr[0] = 0x0a000000u + (number & 0xffffffu);
    flow->ends.addr[1] = 0xac100000u + frame_below(random, 4096);
    flow->ends.port[0] = (uint16_t)(32768 + frame_below(random, 28000));
    flow->ends.port[1] = (uint16_t)(5000 + frame_below(random, 60000));
    if (flow->tcp && kind < 2)
        flow->ends.port[1] = kind == 0 ? 80 : 443;
    for (int side = 0; side < 2; side++)
        flow->ends.seq[side] = (uint32_t)frame_random(random);
}

static void tcp_packet(uint8_t *frame, struct small_flow *flow, int side, uint64_t *random)
{
    static const uint8_t opening[3] = {0x02, 0x12, 0x10};
    struct frame_ends *ends = &flow->ends;
    uint8_t flags = 0x18, data[10];
    uint32_t n = sizeof(data), moves = n;
    if (flow->said < 3) {
        side = flow->said == 1;
        flags = opening[flow->said++];
        n = 0;
        moves = flags & 0x02 ? 1 : 0;
    }
    for (uint32_t i = 0; i < n; i++)
        data[i] = (uint8_t)(frame_random(random) >> 56);
    frame_tcp(frame, ends, side, flags, ends->seq[side], flags & 0x10 ? ends->seq[1 - side] : 0, data, n);
    ends->seq[side] += moves;
}

static void udp_packet(uint8_t *frame, struct small_flow *flow, int side, uint64_t *random)
{
    uint8_t data[22];
    for (uint32_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(frame_random(random) >> 56);
    frame_udp(frame, &flow->ends, side, data, sizeof(data));
}

int main(int argc, char **argv)
{
    uint64_t packets = argc > 2 ? strtoull(argv[2], NULL, 10) : 20000000;
    uint32_t flows = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 200000;
    uint64_t random = 0x9e3779b97f4a7c15u * (argc > 4 ? strtoull(argv[4], NULL, 10) : 1) | 1;
    struct frame_file out;
    if (argc < 2 || flows == 0) {
        fprintf(stderr, "usage: gen_small OUT.pcap [PACKETS [FLOWS [SEED]]]\n");
        return 2;
    }
    struct small_flow *table = calloc(flows, sizeof(*table));
    if (!table)
        return 1;
    for (uint32_t i = 0; i < flows; i++)
        new_flow(&table[i], i, &random);
    frame_open(&out, argv[1]);
    for (uint64_t i = 0; i < packets; i++) {
        uint8_t frame[FRAME_BYTES] = {0};
        struct small_flow *flow = &table[frame_below(&random, flows)];
        int side = (int)frame_below(&random, 2);
        if (flow->tcp)
            tcp_packet(frame, flow, side, &random);
        else
            udp_packet(frame, flow, side, &random);
        frame_write(&out, i, frame, FRAME_BYTES, FRAME_BYTES);
    }
    frame_close(&out);
    free(table);
    return 0;
}
