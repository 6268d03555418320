/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_worst - traffic made to be dear: what an attacker would send who has read the source.
 *
 * usage: gen_worst KIND OUT.pcap [COUNT]
 *
 *   tiny       HTTP replies in segments of one byte, 64 connections side by side
 *   reversed   windows of 640 full segments, each window sent backwards (under the default reorder budget of 1 MiB)
 *   shuffled   windows of 4096 segments of 64 bytes, each window in random order
 *   single     flows of one packet each
 *   collide    flows of one packet each whose keys all have the same hash_fixed(): one shard, one bucket if nothing else mixes
 *   tunnels    IP in IP as deep as a frame of 1,500 bytes allows; every other frame stops one below the depth that is followed
 *   fragments  first fragments of datagrams that never go on
 *   slivers    datagrams of 64 KB in fragments of 8 bytes, last one first
 *
 * COUNT: packets, default 5,000,000.  Packets are 1 us apart, so that no time limit helps.
 *
 * `collide` solves for keys: CRC32C is linear over its input bits, so of the 80 bits of addresses and ports that an
 * attacker chooses, 48 combinations leave the hash as it is; they come out of Gaussian elimination.
 */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "packet/packet.h"

#define FREE_BITS 80
#define SEGMENT 1460u
#define MTU 1500u
#define FOLLOWED 18u /* IP headers in IP headers that are still within the depth followed */

static uint8_t frame[65536];
static uint64_t seed = 0x9e3779b97f4a7c15u;

static struct frame_ends ends_of(uint32_t number)
{
    struct frame_ends ends = {.addr = {0x0a000000u + (number >> 4 & 0xffffffu), 0xc6120001u},
                              .port = {(uint16_t)(20000 + (number & 15)), 80},
                              .seq = {1000, 5000}};
    return ends;
}

static void put_frame(struct frame_file *out, uint32_t n)
{
    frame_write(out, out->packets, frame, n, n);
}

static void packet(struct frame_file *out, struct frame_ends *ends, int side, uint8_t flags, const void *data,
                   uint32_t n)
{
    put_frame(out, frame_tcp(frame, ends, side, flags, ends->seq[side], ends->seq[1 - side], data, n));
    ends->seq[side] += n + (flags & 3 ? 1 : 0);
}

/* Handshake, a request, and a reply's head that announces `body` bytes. */
static void begin(struct frame_file *out, struct frame_ends *ends, uint64_t body)
{
    static const char ask[] = "GET /large HTTP/1.1\r\nHost: www.example.net\r\n\r\n";
    char head[128];
    int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)body);
    packet(out, ends, 0, 0x02, NULL, 0);
    packet(out, ends, 1, 0x12, NULL, 0);
    packet(out, ends, 0, 0x10, NULL, 0);
    packet(out, ends, 0, 0x18, ask, sizeof(ask) - 1);
    packet(out, ends, 1, 0x18, head, (uint32_t)n);
}

static void tiny(struct frame_file *out, uint64_t count)
{
    static const char text[] =
        "HTTP/1.1 200 OK\r\nServer: example\r\nContent-Type: text/plain\r\nX-Padding: "
        "0123456789abcdef0123456789abcdef\r\n"
        "Content-Length: 64\r\n\r\n0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static const char ask[] = "GET /tiny/segments HTTP/1.1\r\nHost: www.example.net\r\nUser-Agent: example\r\n\r\n";
    for (uint32_t number = 0; out->packets < count; number += 64) {
        struct frame_ends ends[64];
        for (uint32_t i = 0; i < 64; i++) {
            ends[i] = ends_of(number + i);
            packet(out, &ends[i], 0, 0x02, NULL, 0);
            packet(out, &ends[i], 1, 0x12, NULL, 0);
        }
        for (uint32_t turn = 0; turn < 16; turn++) {
            for (size_t at = 0; at < sizeof(ask) - 1; at++)
                for (uint32_t i = 0; i < 64; i++)
                    packet(out, &ends[i], 0, 0x18, ask + at, 1);
            for (size_t at = 0; at < sizeof(text) - 1; at++)
                for (uint32_t i = 0; i < 64; i++)
                    packet(out, &ends[i], 1, 0x18, text + at, 1);
        }
    }
}

/* Windows of `window` segments of `size` bytes, backwards or shuffled. */
static void out_of_order(struct frame_file *out, uint64_t count, uint32_t window, uint32_t size, bool shuffle)
{
    static uint8_t body[SEGMENT];
    uint32_t order[4096];
    uint64_t rounds = 20000 / window + 1;
    for (uint32_t number = 0; out->packets < count; number++) {
        struct frame_ends ends = ends_of(number);
        begin(out, &ends, rounds * window * size);
        for (uint64_t round = 0; round < rounds; round++) {
            for (uint32_t i = 0; i < window; i++)
                order[i] = window - 1 - i;
            for (uint32_t i = window - 1; shuffle && i > 0; i--) {
                uint32_t other = frame_below(&seed, i + 1), kept = order[i];
                order[i] = order[other];
                order[other] = kept;
            }
            for (uint32_t i = 0; i < window; i++)
                put_frame(out,
                          frame_tcp(frame, &ends, 1, 0x10, ends.seq[1] + order[i] * size, ends.seq[0], body, size));
            ends.seq[1] += window * size;
        }
    }
}

static void reversed(struct frame_file *out, uint64_t count)
{
    out_of_order(out, count, 640, SEGMENT, false);
}

static void shuffled(struct frame_file *out, uint64_t count)
{
    out_of_order(out, count, 4096, 64, true);
}

static void single(struct frame_file *out, uint64_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct frame_ends ends = {.addr = {0x0a000000u + (i & 0xffffffu), 0xc6120001u},
                                  .port = {(uint16_t)(1024 + (i >> 24)), 9000}};
        put_frame(out, frame_udp(frame, &ends, 0, "0123456789abcdefghijkl", 22));
    }
}

/* The flow key of a UDP packet from 10/8 to 198/8, as decode makes it, with the 80 free bits set. */
static struct packet_key key_of(const uint8_t bits[10])
{
    struct packet_key key = {.family = 4, .proto = 17};
    key.addr[0][0] = 10;
    memcpy(&key.addr[0][1], bits, 3);
    key.addr[1][0] = 198;
    memcpy(&key.addr[1][1], bits + 3, 3);
    memcpy(key.port, bits + 6, 4);
    return key;
}

static uint32_t hash_of(const uint8_t bits[10])
{
    struct packet_key key = key_of(bits);
    return hash_fixed(&key, sizeof(key) / 8);
}

static uint32_t crc_of(const uint8_t bits[10])
{
    struct packet_key key = key_of(bits);
    uint64_t crc = 0xffffffffu;
    for (unsigned i = 0; i < sizeof(key) / 8; i++)
        crc = hash_crc(crc, hash_word(&key, i));
    return (uint32_t)crc;
}

struct combination {
    uint8_t bits[10];
    uint32_t effect; /* on the checksum */
};

/* Combinations of free bits without effect on the hash; how many. */
static int kernel(const uint8_t base[10], struct combination found[FREE_BITS])
{
    struct combination rows[FREE_BITS];
    int used = 0, count = 0;
    for (int i = 0; i < FREE_BITS; i++) {
        uint8_t bits[10];
        memcpy(bits, base, sizeof(bits));
        bits[i / 8] ^= (uint8_t)(1 << i % 8);
        memset(&rows[i], 0, sizeof(rows[i]));
        rows[i].bits[i / 8] = (uint8_t)(1 << i % 8);
        rows[i].effect = crc_of(bits) ^ crc_of(base);
    }
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        int pivot = used;
        while (pivot < FREE_BITS && !(rows[pivot].effect & bit))
            pivot++;
        if (pivot == FREE_BITS)
            continue;
        struct combination chosen = rows[pivot];
        rows[pivot] = rows[used];
        rows[used++] = chosen;
        for (int i = 0; i < FREE_BITS; i++) {
            if (i == used - 1 || !(rows[i].effect & bit))
                continue;
            rows[i].effect ^= chosen.effect;
            for (int k = 0; k < 10; k++)
                rows[i].bits[k] ^= chosen.bits[k];
        }
    }
    for (int i = used; i < FREE_BITS; i++)
        found[count++] = rows[i];
    return count;
}

static void collide(struct frame_file *out, uint64_t count)
{
    uint8_t base[10] = {1, 2, 3, 4, 5, 6, 0x40, 0x9c, 0x28, 0x23};
    struct combination free_of[FREE_BITS];
    int n = kernel(base, free_of);
    uint32_t want = hash_of(base);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t bits[10];
        memcpy(bits, base, sizeof(bits));
        for (int k = 0; k < n && i >> k; k++)
            for (int b = 0; i >> k & 1 && b < 10; b++)
                bits[b] ^= free_of[k].bits[b];
        struct packet_key key = key_of(bits);
        if (hash_of(bits) != want) {
            fprintf(stderr, "gen_worst: keys do not collide: the hash is not linear any more\n");
            exit(1);
        }
        struct frame_ends ends = {.port = {key.port[0], key.port[1]}};
        for (int side = 0; side < 2; side++)
            ends.addr[side] = (uint32_t)key.addr[side][0] << 24 | (uint32_t)key.addr[side][1] << 16 |
                              (uint32_t)key.addr[side][2] << 8 | key.addr[side][3];
        put_frame(out, frame_udp(frame, &ends, 0, "0123456789abcdefghijkl", 22));
    }
}

static void tunnels(struct frame_file *out, uint64_t count)
{
    for (uint32_t i = 0; out->packets < count; i++) {
        struct frame_ends ends = ends_of(i & 0xffff);
        uint32_t depth = i & 1 ? FOLLOWED : (MTU - 14 - 28 - 22) / 20;
        uint8_t inner[64];
        uint32_t n = frame_udp(inner, &ends, 0, "0123456789abcdefghijkl", 22) - 14;
        frame_ethernet(frame, 0, 0x0800);
        for (uint32_t k = 0; k < depth; k++)
            frame_ipv4(frame + 14 + 20 * k, 0x0a010000u + k, 0xc6120000u + k, 4, (uint16_t)i, 0,
                       n + 20 * (depth - 1 - k));
        memcpy(frame + 14 + 20 * depth, inner + 14, n);
        put_frame(out, 14 + 20 * depth + n);
    }
}

static void fragments(struct frame_file *out, uint64_t count)
{
    for (uint32_t i = 0; out->packets < count; i++) {
        frame_ethernet(frame, 0, 0x0800);
        frame_ipv4(frame + 14, 0x0a000000u + (i >> 8 & 0xffffffu), 0xc6120001u, 17, (uint16_t)i, 0x2000, 48);
        put_frame(out, 14 + 20 + 48);
    }
}

static void slivers(struct frame_file *out, uint64_t count)
{
    for (uint32_t i = 0; out->packets < count; i++)
        for (int32_t at = 65000 / 8; at >= 0; at--) {
            frame_ethernet(frame, 0, 0x0800);
            frame_ipv4(frame + 14, 0x0a000000u + (i & 0xffffffu), 0xc6120001u, 17, (uint16_t)i,
                       (uint16_t)(at | (at < 65000 / 8 ? 0x2000 : 0)), 8);
            put_frame(out, 60);
        }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*make)(struct frame_file *out, uint64_t count);
    } kinds[] = {{"tiny", tiny},       {"reversed", reversed}, {"shuffled", shuffled},   {"single", single},
                 {"collide", collide}, {"tunnels", tunnels},   {"fragments", fragments}, {"slivers", slivers}};
    for (size_t i = 0; argc >= 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(argv[1], kinds[i].name) == 0) {
            struct frame_file out;
            frame_open(&out, argv[2]);
            kinds[i].make(&out, argc > 3 ? strtoull(argv[3], NULL, 10) : 5000000);
            frame_close(&out);
            return 0;
        }
    }
    fprintf(stderr, "usage: gen_worst KIND OUT.pcap [COUNT]; kinds:");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        fprintf(stderr, " %s", kinds[i].name);
    fprintf(stderr, "\n");
    return 2;
}
