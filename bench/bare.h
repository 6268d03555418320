/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/bare.h - what the bare loops share: reading a classic pcap in large pieces and finding the 5-tuple.
 *
 * Nothing here is robust or complete: it shows what the work costs when nothing else is done, and is what weir's own cost
 * is told against.  Little-endian microsecond captures of Ethernet only.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <assert.h>

#include "base/hash.h"

#define BARE_PIECE (256u << 10)
#define BARE_BATCH 32u

struct bare_file {
    int fd;
    uint8_t *bytes;
    size_t have, at; /* what is there, what was taken */
    uint64_t packets, wire_bytes;
    bool began;
};

/* A flow's two ends in an order that does not depend on the direction; IPv6 addresses folded to 64 bits. */
struct bare_tuple {
    uint64_t end[2];
    uint64_t rest; /* protocol, and the ports of the ends */
};

struct bare_packet {
    struct bare_tuple tuple;
    const uint8_t *transport, *end;
    uint64_t us;
    uint32_t hash, wire, src, dst; /* src, dst: IPv4 */
    uint8_t proto;
    bool turned; /* the sender is end[1] */
};

static inline uint32_t bare_le32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static inline uint32_t bare_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t bare_be32(const uint8_t *p)
{
    return __builtin_bswap32(bare_le32(p));
}

static inline void bare_open(struct bare_file *f, const char *path)
{
    memset(f, 0, sizeof(*f));
    f->fd = open(path, O_RDONLY);
    f->bytes = malloc(2 * BARE_PIECE);
    if (f->fd < 0 || !f->bytes) {
        perror(path);
        exit(1);
    }
}

/* Reads the next piece behind what was not taken; false at the end.  Packets taken before are gone. */
static inline bool bare_fill(struct bare_file *f)
{
    memmove(f->bytes, f->bytes + f->at, f->have - f->at);
    f->have -= f->at;
    f->at = 0;
    ssize_t n = read(f->fd, f->bytes + f->have, BARE_PIECE);
    if (n <= 0)
        return false;
    f->have += (size_t)n;
    if (!f->began)
        f->at = 24;
    f->began = true;
    return true;
}

/* The next whole record of the piece. */
static inline bool bare_take(struct bare_file *f, const uint8_t **record, uint32_t *caplen)
{
    if (f->at + 16 > f->have)
        return false;
    *record = f->bytes + f->at;
    *caplen = bare_le32(*record + 8);
    if (f->at + 16 + *caplen > f->have)
        return false;
    f->at += 16 + *caplen;
    f->packets++;
    f->wire_bytes += bare_le32(*record + 12);
    return true;
}

static inline uint64_t bare_fold(const uint8_t *address)
{
    uint64_t half[2];
    memcpy(half, address, 16);
    return half[0] * 0x9e3779b97f4a7c15u ^ half[1];
}

/* Ethernet with tags, IPv4 or IPv6, TCP or UDP, no fragments; false for the rest. */
static inline bool bare_decode(const uint8_t *record, uint32_t caplen, struct bare_packet *p)
{
    const uint8_t *ip = record + 16 + 14, *end = record + 16 + caplen;
    if (caplen < 34)
        return false;
    uint32_t type = bare_be16(ip - 2);
    while ((type == 0x8100 || type == 0x88a8) && ip + 4 + 20 <= end) {
        type = bare_be16(ip + 2);
        ip += 4;
    }
    uint64_t from, to;
    if (type == 0x0800) {
        uint32_t head = (ip[0] & 15u) * 4;
        if (ip[0] >> 4 != 4 || head < 20 || ip + head + 8 > end || (bare_be16(ip + 6) & 0x3fff & ~0x2000u) != 0)
            return false;
        from = p->src = bare_be32(ip + 12);
        to = p->dst = bare_be32(ip + 16);
        p->proto = ip[9];
        p->transport = ip + head;
        p->end = ip + bare_be16(ip + 2) < end ? ip + bare_be16(ip + 2) : end;
    } else if (type == 0x86dd && ip + 48 <= end) {
        from = bare_fold(ip + 8);
        to = bare_fold(ip + 24);
        p->src = p->dst = 0;
        p->proto = ip[6];
        p->transport = ip + 40;
        p->end = end;
    } else {
        return false;
    }
    uint32_t sport = 0, dport = 0;
    if (p->proto == 6 || p->proto == 17) {
        sport = bare_be16(p->transport);
        dport = bare_be16(p->transport + 2);
    }
    /* No branch: which way a packet goes is a coin's toss. */
    p->turned = (from > to) | ((from == to) & (sport > dport));
    uint64_t swap = -(uint64_t)p->turned & (from ^ to);
    uint32_t turn = -(uint32_t)p->turned & (sport ^ dport);
    p->tuple.end[0] = from ^ swap;
    p->tuple.end[1] = to ^ swap;
    p->tuple.rest = (uint64_t)p->proto << 32 | (sport ^ turn) << 16 | (dport ^ turn);
    p->wire = bare_le32(record + 12);
    p->us = (uint64_t)bare_le32(record) * 1000000 + bare_le32(record + 4);
    p->hash = (uint32_t)hash_crc(hash_crc(hash_crc(1, p->tuple.end[0]), p->tuple.end[1]), p->tuple.rest) * 0x9e3779b1u;
    return true;
}

static inline bool bare_same(const struct bare_tuple *a, const struct bare_tuple *b)
{
    return a->end[0] == b->end[0] && a->end[1] == b->end[1] && a->rest == b->rest;
}

#endif
