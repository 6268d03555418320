/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/traffic.h - captures of whole traffic for tests: many conversations, mingled.
 *
 * HTTP over TCP (now and then two segments exchanged, one sent twice, one lost), DNS over UDP, datagrams that nobody
 * reads, fragments, and frames that are no IP.  Everything follows from a seed.
 */
#ifndef UNIT_TRAFFIC_H
#define UNIT_TRAFFIC_H

#include "capture_writer.h"

#define TRAFFIC_TALKS 64u
#define TRAFFIC_START_NS 1767225600000000000ull

enum { TRAFFIC_FIN = 1, TRAFFIC_SYN = 2, TRAFFIC_ACK = 16 };

/* One conversation: how far it is. */
struct traffic_talk {
    uint32_t client, server; /* IPv4 */
    uint16_t port;
    uint32_t seq[2];
    uint32_t step, exchanges;
};

struct traffic {
    struct writer out;
    uint64_t ns, step_ns; /* time of the next frame; between frames */
    uint64_t frames, talks;
    uint32_t random;
    struct traffic_talk talk[TRAFFIC_TALKS];
    uint8_t kept[256]; /* a segment held back, to be sent after the next */
    uint32_t kept_bytes;
};

static inline uint32_t traffic_dice(struct traffic *t, uint32_t sides)
{
    t->random = t->random * 1664525u + 1013904223u;
    return (t->random >> 8) % sides;
}

static inline void traffic_frame(struct traffic *t, uint16_t type, const void *bytes, uint32_t size)
{
    static const uint8_t addresses[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    uint8_t kind[2] = {(uint8_t)(type >> 8), (uint8_t)type};
    classic_record_head(&t->out, (uint32_t)(t->ns / 1000000000), (uint32_t)(t->ns % 1000000000), size + 14, size + 14);
    put(&t->out, addresses, sizeof addresses);
    put(&t->out, kind, sizeof kind);
    put(&t->out, bytes, size);
    t->ns += t->step_ns;
    t->frames++;
}

static inline void traffic_put16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}
static inline void traffic_put32(uint8_t *to, uint32_t value)
{
    traffic_put16(to, value >> 16);
    traffic_put16(to + 2, value);
}

/* Writes an IPv4 header; `fragment` is the word with offset and flags. */
static inline void traffic_ip(uint8_t *to, uint8_t proto, uint32_t src, uint32_t dst, uint32_t payload, uint16_t id,
                              uint16_t fragment)
{
    memset(to, 0, 20);
    to[0] = 0x45;
    traffic_put16(to + 2, 20 + payload);
    traffic_put16(to + 4, id);
    traffic_put16(to + 6, fragment);
    to[8] = 64;
    to[9] = proto;
    traffic_put32(to + 12, src);
    traffic_put32(to + 16, dst);
}

static inline void traffic_tcp(struct traffic *t, struct traffic_talk *talk, int dir, uint8_t flags, const char *text)
{
    uint8_t ip[256];
    uint32_t size = (uint32_t)strlen(text);
    traffic_ip(ip, 6, dir ? talk->server : talk->client, dir ? talk->client : talk->server, 20 + size, 1, 0x4000);
    memset(ip + 20, 0, 20);
    traffic_put16(ip + 20, dir ? 80 : talk->port);
    traffic_put16(ip + 22, dir ? talk->port : 80);
    traffic_put32(ip + 24, talk->seq[dir]);
    traffic_put32(ip + 28, talk->seq[!dir]);
    ip[32] = 0x50;
    ip[33] = flags;
    ip[34] = 0xff;
    memcpy(ip + 40, text, size);
    talk->seq[dir] += size + (flags & (TRAFFIC_SYN | TRAFFIC_FIN) ? 1 : 0);
    uint32_t luck = size ? traffic_dice(t, 100) : 100;
    if (luck < 4 && !t->kept_bytes) { /* out of order */
        memcpy(t->kept, ip, 40 + size);
        t->kept_bytes = 40 + size;
        return;
    }
    if (luck != 4) /* lost */
        traffic_frame(t, 0x0800, ip, 40 + size);
    if (luck < 8) /* sent twice */
        traffic_frame(t, 0x0800, ip, 40 + size);
    if (t->kept_bytes)
        traffic_frame(t, 0x0800, t->kept, t->kept_bytes);
    t->kept_bytes = 0;
}

static inline void traffic_udp(struct traffic *t, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport,
                               const void *data, uint32_t size)
{
    uint8_t ip[1500];
    traffic_ip(ip, 17, src, dst, 8 + size, 1, 0);
    traffic_put16(ip + 20, sport);
    traffic_put16(ip + 22, dport);
    traffic_put16(ip + 24, 8 + size);
    traffic_put16(ip + 26, 0);
    memcpy(ip + 28, data, size);
    traffic_frame(t, 0x0800, ip, 28 + size);
}

/* A query and its reply. */
static inline void traffic_dns(struct traffic *t)
{
    uint8_t message[64] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5};
    uint32_t client = 0xc0000200u + traffic_dice(t, 250), number = traffic_dice(t, 100000);
    uint16_t port = (uint16_t)(20000 + traffic_dice(t, 40000));
    traffic_put16(message, number);
    char name[16];
    snprintf(name, sizeof name, "%05u", number);
    memcpy(message + 13, name, 5);
    memcpy(message + 18, "\4test\0\0\1\0\1", 10);
    traffic_udp(t, client, port, 0xc6336435u, 53, message, 28);
    message[2] = 0x81;
    message[3] = 0x83;
    traffic_udp(t, 0xc6336435u, 53, client, port, message, 28);
}

/* A datagram in two fragments. */
static inline void traffic_fragments(struct traffic *t)
{
    uint8_t ip[20 + 64];
    uint16_t id = (uint16_t)traffic_dice(t, 65536);
    uint32_t src = 0xc0000200u + traffic_dice(t, 250);
    traffic_ip(ip, 17, src, 0xc6336440u, 64, id, 0x2000);
    memset(ip + 20, 'f', 64);
    traffic_put16(ip + 20, 7000);
    traffic_put16(ip + 22, 7001);
    traffic_put16(ip + 24, 128);
    traffic_put16(ip + 26, 0);
    traffic_frame(t, 0x0800, ip, sizeof ip);
    traffic_ip(ip, 17, src, 0xc6336440u, 64, id, 8);
    traffic_frame(t, 0x0800, ip, sizeof ip);
}

/* The next piece of one HTTP connection. */
static inline void traffic_http(struct traffic *t)
{
    struct traffic_talk *talk = &t->talk[traffic_dice(t, TRAFFIC_TALKS)];
    char text[160];
    if (!talk->exchanges) {
        uint32_t number = (uint32_t)t->talks++;
        *talk = (struct traffic_talk){.client = 0x0a000000u + number / 50000,
                                      .server = 0xc6336401u + traffic_dice(t, 16),
                                      .port = (uint16_t)(10000 + number % 50000),
                                      .seq = {t->random, ~t->random},
                                      .exchanges = 1 + traffic_dice(t, 5)};
    }
    uint32_t step = talk->step++, last = 2 * talk->exchanges + 3;
    if (step < 3) {
        traffic_tcp(t, talk, step == 1,
                    step == 0   ? TRAFFIC_SYN
                    : step == 1 ? TRAFFIC_SYN | TRAFFIC_ACK
                                : TRAFFIC_ACK,
                    "");
    } else if (step == last || step == last + 1) {
        traffic_tcp(t, talk, step == last + 1, TRAFFIC_FIN | TRAFFIC_ACK, "");
        if (step == last + 1)
            *talk = (struct traffic_talk){0};
    } else if (step % 2) {
        snprintf(text, sizeof text, "GET /%u/%u HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: tests\r\n\r\n",
                 talk->port, step);
        traffic_tcp(t, talk, 0, TRAFFIC_ACK, text);
    } else {
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n%05u",
                 step);
        traffic_tcp(t, talk, 1, TRAFFIC_ACK, text);
    }
}

static inline void traffic_begin(struct traffic *t, uint32_t seed, uint64_t step_ns)
{
    *t = (struct traffic){.random = seed, .step_ns = step_ns, .ns = TRAFFIC_START_NS};
    classic_head(&t->out, 0xa1b23c4d, 1);
}

/* At least `frames` more frames. */
static inline void traffic_add(struct traffic *t, uint64_t frames)
{
    static const uint8_t arp[46] = {0, 1, 8, 0, 6, 4, 0, 1};
    for (uint64_t end = t->frames + frames; t->frames < end;) {
        uint32_t kind = traffic_dice(t, 100);
        if (kind < 80)
            traffic_http(t);
        else if (kind < 90)
            traffic_dns(t);
        else if (kind < 94)
            traffic_fragments(t);
        else if (kind < 99)
            traffic_udp(t, 0x0a010000u + traffic_dice(t, 2000), 40000, 0xc6336450u, 40001, "nobody reads this", 17);
        else
            traffic_frame(t, 0x0806, arp, sizeof arp);
    }
}

/* The file, which the caller drops with drop_file(). */
static inline char *traffic_end(struct traffic *t)
{
    char *path = write_file(t->out.bytes, t->out.used);
    free(t->out.bytes);
    return path;
}

#endif
