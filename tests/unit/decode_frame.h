/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_frame.h - frames made by hand for the tests of src/decode.
 *
 * A frame is written front to back; headers with a length take that of what stands behind them, which is therefore made first:
 * frame_ipv4(&f, 17, ...) puts a header before what the frame has so far.
 */
#ifndef DECODE_FRAME_H
#define DECODE_FRAME_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode/decode.h"
#include "weir/bytes.h"

#define FRAME_MAX (70u << 10)
#define MS 1000000ull

/* Grows from the back: bytes + FRAME_MAX - size is where it begins. */
struct frame {
    uint8_t bytes[FRAME_MAX];
    uint32_t size;
};

static inline uint8_t *frame_front(struct frame *f, uint32_t size)
{
    assert_true(f->size + size <= FRAME_MAX);
    f->size += size;
    return memset(f->bytes + FRAME_MAX - f->size, 0, size);
}

static inline const uint8_t *frame_data(const struct frame *f)
{
    return f->bytes + FRAME_MAX - f->size;
}

static inline uint8_t *frame_at(struct frame *f, uint32_t at)
{
    return f->bytes + FRAME_MAX - f->size + at;
}

static inline void frame_put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void frame_put32(uint8_t *p, uint32_t v)
{
    frame_put16(p, v >> 16);
    frame_put16(p + 2, v);
}

/* Hexadecimal digits with spaces between, before all that is there. */
static inline void frame_hex(struct frame *f, const char *hex)
{
    uint8_t bytes[512];
    uint32_t size = 0;
    for (const char *p = hex + strspn(hex, " "); *p; p += strspn(p, " ")) {
        unsigned v;
        int used;
        assert_int_equal(sscanf(p, " %2x%n", &v, &used), 1);
        bytes[size++] = (uint8_t)v;
        p += used;
    }
    memcpy(frame_front(f, size), bytes, size);
}

/* `size` bytes 0, 1, 2 ... */
static inline void frame_payload(struct frame *f, uint32_t size)
{
    f->size = 0;
    uint8_t *p = frame_front(f, size);
    for (uint32_t i = 0; i < size; i++)
        p[i] = (uint8_t)i;
}

static inline void frame_udp(struct frame *f, uint16_t sport, uint16_t dport)
{
    uint32_t size = f->size + 8;
    uint8_t *p = frame_front(f, 8);
    frame_put16(p, sport);
    frame_put16(p + 2, dport);
    frame_put16(p + 4, size);
}

static inline void frame_tcp(struct frame *f, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack, uint8_t flags)
{
    uint8_t *p = frame_front(f, 20);
    frame_put16(p, sport);
    frame_put16(p + 2, dport);
    frame_put32(p + 4, seq);
    frame_put32(p + 8, ack);
    p[12] = 5 << 4;
    p[13] = flags;
    frame_put16(p + 14, 501);
}

static inline void frame_ipv4(struct frame *f, uint8_t proto, uint32_t src, uint32_t dst)
{
    uint32_t size = f->size + 20;
    uint8_t *p = frame_front(f, 20);
    p[0] = 0x45;
    frame_put16(p + 2, size);
    p[8] = 64;
    p[9] = proto;
    frame_put32(p + 12, src);
    frame_put32(p + 16, dst);
}

/* fd00::`src` to fd00::`dst` */
static inline void frame_ipv6(struct frame *f, uint8_t proto, uint32_t src, uint32_t dst)
{
    uint32_t size = f->size;
    uint8_t *p = frame_front(f, 40);
    p[0] = 0x60;
    frame_put16(p + 4, size);
    p[6] = proto;
    p[7] = 64;
    p[8] = p[24] = 0xfd;
    frame_put32(p + 20, src);
    frame_put32(p + 36, dst);
}

static inline void frame_ethernet(struct frame *f, uint16_t type)
{
    uint8_t *p = frame_front(f, 14);
    p[0] = 2;
    p[6] = 2;
    p[11] = 1;
    frame_put16(p + 12, type);
}

#define A 0x0a000001u
#define B 0x0a000002u

/* UDP from A:1000 to B:2000 with ten bytes, as an IPv4 packet of 38. */
static inline void frame_inner(struct frame *f)
{
    frame_payload(f, 10);
    frame_udp(f, 1000, 2000);
    frame_ipv4(f, 17, A, B);
}

/* A decoder, one block, and what became of it. */
struct bench {
    struct decode *decode;
    struct block *block;
    struct ledger ledger;
    uint64_t now_ns;
};

static inline int bench_start_with(void **state, const struct decode_options *options)
{
    struct bench *bench = calloc(1, sizeof *bench);
    bench->decode = decode_new(options);
    bench->block = block_new();
    bench->now_ns = 1700000000000000000ull;
    *state = bench;
    return 0;
}

static inline int bench_start(void **state)
{
    struct decode_options options = {.hash_key = {0x1234567890abcdefull, 0xfedcba0987654321ull}};
    return bench_start_with(state, &options);
}

static inline int bench_stop(void **state)
{
    struct bench *bench = *state;
    decode_free(bench->decode);
    block_free(bench->block);
    free(bench);
    return 0;
}

/* Decodes `cap` bytes of a frame that had `wire`; the copy ends where its memory ends, so that a checker sees reads beyond. */
static inline struct packet *bench_cut(struct bench *bench, const uint8_t *data, uint32_t cap, uint32_t wire,
                                       uint8_t link)
{
    struct block *block = bench->block;
    block->used = 0;
    block->count = 1;
    static uint8_t *copy;
    free(copy);
    copy = malloc(cap ? cap : 1);
    memcpy(copy, data, cap);
    struct packet *packet = &block->packets[0];
    memset(packet, 0xa5, sizeof *packet); /* what an earlier use of the block left */
    packet->data = copy;
    packet->caplen = cap;
    packet->wire_bytes = wire;
    packet->ts_ns = bench->now_ns;
    packet->flags = wire > cap ? PACKET_CUT : 0;
    packet->link = link;
    uint64_t before = 0, after = 0;
    for (int i = LEDGER_analysed; i <= LEDGER_undecodable_depth; i++)
        before += bench->ledger.count[i];
    decode_block(bench->decode, block, &bench->ledger);
    for (int i = LEDGER_analysed; i <= LEDGER_undecodable_depth; i++)
        after += bench->ledger.count[i];
    assert_int_equal(after, before + 1); /* each frame once */
    return packet;
}

static inline struct packet *bench_frame(struct bench *bench, const struct frame *f, uint8_t link)
{
    return bench_cut(bench, frame_data(f), f->size, f->size, link);
}

/* The frame is the packet of frame_inner(), `at` bytes into `data`, through `tunnel`. */
static inline void assert_inner(const struct packet *packet, uint32_t at, uint8_t tunnel)
{
    assert_int_equal(packet->flags & (PACKET_FLOW | PACKET_TCP | PACKET_FROM_HIGH), PACKET_FLOW);
    assert_int_equal(packet->network, at);
    assert_int_equal(packet->transport, at + 20);
    assert_int_equal(packet->payload, at + 28);
    assert_int_equal(packet->payload_bytes, 10);
    assert_int_equal(packet->payload_wire, 10);
    assert_int_equal(packet->ip_bytes, 38);
    assert_int_equal(packet->tunnel, tunnel);
    assert_int_equal(packet->key.tunnel >> 24, tunnel);
    assert_int_equal(packet->key.proto, 17);
    assert_int_equal(packet->key.family, 4);
    assert_int_equal(weir_load_be32(packet->key.addr[0]), A);
    assert_int_equal(weir_load_be32(packet->key.addr[1]), B);
    assert_int_equal(packet->key.port[0], 1000);
    assert_int_equal(packet->key.port[1], 2000);
}

#endif
