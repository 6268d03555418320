/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/frame.c - frames and capture files for the generators.
 *
 * Plain and not fast: a workload is made once.  All numbers are written byte by byte in network order, so that the
 * same arguments give the same bytes on any machine; the pcap header is little-endian.
 */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

static char buffer[1 << 20];

uint64_t frame_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

uint32_t frame_below(uint64_t *state, uint32_t below)
{
    return (uint32_t)((frame_random(state) >> 32) * below >> 32);
}

bool frame_chance(uint64_t *state, double chance)
{
    return (double)(frame_random(state) >> 11) * 0x1p-53 < chance;
}

static void die(const char *path)
{
    perror(path);
    exit(1);
}

static void put32le(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

void frame_open(struct frame_file *out, const char *path)
{
    uint8_t head[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4};
    memset(out, 0, sizeof(*out));
    out->file = fopen(path, "wb");
    if (!out->file)
        die(path);
    setvbuf(out->file, buffer, _IOFBF, sizeof(buffer));
    put32le(head + 16, 262144);
    put32le(head + 20, 1);
    if (fwrite(head, sizeof(head), 1, out->file) != 1)
        die(path);
    out->bytes = sizeof(head);
}

void frame_write(struct frame_file *out, uint64_t us, const uint8_t *frame, uint32_t caplen, uint32_t wire)
{
    uint8_t head[16];
    put32le(head, FRAME_START_S + (uint32_t)(us / 1000000));
    put32le(head + 4, (uint32_t)(us % 1000000));
    put32le(head + 8, caplen);
    put32le(head + 12, wire);
    if (fwrite(head, sizeof(head), 1, out->file) != 1 || fwrite(frame, 1, caplen, out->file) != caplen)
        die("write");
    out->packets++;
    out->bytes += sizeof(head) + caplen;
    out->wire_bytes += wire;
}

void frame_close(struct frame_file *out)
{
    if (fclose(out->file) != 0)
        die("close");
    fprintf(stderr, "%llu packets, %llu file bytes, %llu wire bytes\n", (unsigned long long)out->packets,
            (unsigned long long)out->bytes, (unsigned long long)out->wire_bytes);
}

/* RFC 1071, over n bytes, added to what `sum` has. */
static uint32_t add(const uint8_t *p, uint32_t n, uint32_t sum)
{
    uint64_t wide = sum;
    for (uint32_t i = 0; i + 1 < n; i += 2)
        wide += (uint32_t)p[i] << 8 | p[i + 1];
    if (n & 1)
        wide += (uint32_t)p[n - 1] << 8;
    while (wide >> 16)
        wide = (wide & 0xffff) + (wide >> 16);
    return (uint32_t)wide;
}

void frame_ethernet(uint8_t *frame, int side, uint16_t type)
{
    static const uint8_t mac[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
    memcpy(frame, mac[1 - side], 6);
    memcpy(frame + 6, mac[side], 6);
    put16(frame + 12, type);
}

void frame_ipv4(uint8_t *at, uint32_t src, uint32_t dst, uint8_t proto, uint16_t ident, uint16_t offset_field,
                uint32_t n)
{
    memset(at, 0, 20);
    at[0] = 0x45;
    put16(at + 2, 20 + n);
    put16(at + 4, ident);
    put16(at + 6, offset_field);
    at[8] = 64;
    at[9] = proto;
    put32(at + 12, src);
    put32(at + 16, dst);
    put16(at + 10, ~add(at, 20, 0) & 0xffff);
}

static uint32_t transport(uint8_t *frame, struct frame_ends *ends, int side, uint8_t proto, uint32_t n,
                          uint32_t checksum_at)
{
    uint8_t *ip = frame + 14, *body = ip + 20;
    frame_ethernet(frame, side, 0x0800);
    frame_ipv4(ip, ends->addr[side], ends->addr[1 - side], proto, ends->ident++, 0x4000, n);
    put16(body, ends->port[side]);
    put16(body + 2, ends->port[1 - side]);
    uint32_t sum = ~add(body, n, add(ip + 12, 8, proto + n)) & 0xffff;
    put16(body + checksum_at, proto == 17 && sum == 0 ? 0xffff : sum);
    return 34 + n;
}

uint32_t frame_tcp(uint8_t *frame, struct frame_ends *ends, int side, uint8_t flags, uint32_t seq, uint32_t ack,
                   const void *data, uint32_t n)
{
    uint8_t *tcp = frame + 34;
    if (data)
        memcpy(tcp + 20, data, n);
    put32(tcp + 4, seq);
    put32(tcp + 8, ack);
    tcp[12] = 0x50;
    tcp[13] = flags;
    put16(tcp + 14, 65535);
    put32(tcp + 16, 0);
    return transport(frame, ends, side, 6, 20 + n, 16);
}

uint32_t frame_udp(uint8_t *frame, struct frame_ends *ends, int side, const void *data, uint32_t n)
{
    uint8_t *udp = frame + 34;
    if (data)
        memcpy(udp + 8, data, n);
    put16(udp + 4, 8 + n);
    put16(udp + 6, 0);
    return transport(frame, ends, side, 17, 8 + n, 6);
}
