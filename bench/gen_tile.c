/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_tile - workload W2: many protocols and real packets, as many as are wanted.
 *
 * usage: gen_tile OUT.pcap BYTES [-m MAXFILE] CAPTURE... | -      (- reads names from standard input)
 *
 * Keeps the Ethernet packets of the CAPTUREs in memory (what is no Ethernet capture, or larger than MAXFILE bytes, is left
 * out) and writes them round after round until OUT has BYTES.  Captures run side by side, 32 at a time, packet by packet, as
 * flows do on a link.  In each round every capture gets a mask of its own for the middle bits of its addresses, so each copy
 * has its own flows; IPv4, TCP, UDP and ICMPv6 checksums are mended by RFC 1624, so that right ones stay right and wrong ones
 * wrong.  Multicast addresses and what is inside tunnels stay.  Packets are 2 us apart.
 */
#include "frame.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_BY_SIDE 32u

struct tile_packet {
    uint32_t at, caplen, wire; /* at: offset in the store */
};
struct tile_capture {
    char *name;
    size_t first, count; /* in `packets` */
};

static uint8_t *store;
static size_t store_used, store_room;
static struct tile_packet *packets;
static size_t packet_count, packet_room;
static struct tile_capture *captures;
static size_t capture_count;

static void *grown(void *p, size_t *room, size_t wanted, size_t size)
{
    if (wanted <= *room)
        return p;
    *room = wanted * 2;
    p = realloc(p, *room * size);
    if (!p)
        exit(1);
    return p;
}

static void load(const char *name, long max_bytes)
{
    char why[PCAP_ERRBUF_SIZE];
    FILE *file = fopen(name, "rb");
    if (!file)
        return;
    bool fits = fseek(file, 0, SEEK_END) == 0 && (max_bytes == 0 || ftell(file) <= max_bytes);
    rewind(file);
    pcap_t *pcap = fits ? pcap_fopen_offline(file, why) : NULL;
    if (!pcap) {
        fclose(file);
        return;
    }
    size_t first = packet_count;
    struct pcap_pkthdr *head;
    const uint8_t *data;
    while (pcap_datalink(pcap) == DLT_EN10MB && pcap_next_ex(pcap, &head, &data) == 1) {
        if (head->caplen < 14 || head->caplen > 65535)
            continue;
        store = grown(store, &store_room, store_used + head->caplen, 1);
        packets = grown(packets, &packet_room, packet_count + 1, sizeof(*packets));
        memcpy(store + store_used, data, head->caplen);
        packets[packet_count++] = (struct tile_packet){(uint32_t)store_used, head->caplen,
                                                       head->len < head->caplen ? head->caplen : head->len};
        store_used += head->caplen;
    }
    pcap_close(pcap);
    if (packet_count == first)
        return;
    captures = realloc(captures, (capture_count + 1) * sizeof(*captures));
    if (!captures)
        exit(1);
    captures[capture_count++] = (struct tile_capture){strdup(name), first, packet_count - first};
}

/* RFC 1624, equation 3: the checksum at `sum` after a word changed. */
static void mend(uint8_t *sum, uint32_t old, uint32_t new)
{
    uint32_t x = (~((uint32_t)sum[0] << 8 | sum[1]) & 0xffff) + (~old & 0xffff) + new;
    x = (x & 0xffff) + (x >> 16);
    x = (x & 0xffff) + (x >> 16);
    sum[0] = (uint8_t)(~x >> 8);
    sum[1] = (uint8_t)~x;
}

static void flip(uint8_t *word, uint32_t mask, uint8_t *ip_sum, uint8_t *sum)
{
    uint32_t old = (uint32_t)word[0] << 8 | word[1], new = old ^ mask;
    word[0] = (uint8_t)(new >> 8);
    word[1] = (uint8_t) new;
    if (ip_sum)
        mend(ip_sum, old, new);
    if (sum)
        mend(sum, old, new);
}

/* Where the transport checksum is, if there is one. */
static uint8_t *transport_sum(uint8_t *l4, const uint8_t *end, int proto)
{
    if (proto == 6 && l4 + 18 <= end)
        return l4 + 16;
    if (proto == 17 && l4 + 8 <= end && (l4[6] || l4[7]))
        return l4 + 6;
    if (proto == 58 && l4 + 4 <= end)
        return l4 + 2;
    return NULL;
}

/* The IP header behind tags and a PPPoE header; *version 0 if there is none. */
static uint8_t *network(uint8_t *frame, uint8_t *end, int *version)
{
    uint8_t *p = frame + 12;
    uint32_t type = 0;
    *version = 0;
    while (p + 2 <= end) {
        type = (uint32_t)p[0] << 8 | p[1];
        if (type != 0x8100 && type != 0x88a8 && type != 0x9100)
            break;
        p += 4;
    }
    p += 2;
    if (type == 0x8864 && p + 8 <= end) {
        type = p[7] == 0x21 ? 0x0800 : p[7] == 0x57 ? 0x86dd : 0;
        p += 8;
    }
    if (type == 0x0800 && p + 20 <= end && p[0] >> 4 == 4)
        *version = 4;
    else if (type == 0x86dd && p + 40 <= end)
        *version = 6;
    return p;
}

static void move(uint8_t *frame, uint32_t caplen, uint32_t mask)
{
    uint8_t *end = frame + caplen;
    int version;
    uint8_t *ip = network(frame, end, &version);
    if (version == 4) {
        bool later = (ip[6] & 0x1f) || ip[7];
        uint8_t *sum = later ? NULL : transport_sum(ip + (ip[0] & 15) * 4, end, ip[9]);
        for (uint8_t *a = ip + 12; a < ip + 20; a += 4) {
            if (a[0] == 0 || a[0] >= 224)
                continue;
            flip(a, mask >> 16 & 0xff, ip + 10, sum);
            flip(a + 2, mask & 0xff00, ip + 10, sum);
        }
    } else if (version == 6) {
        uint8_t *sum = transport_sum(ip + 40, end, ip[6]);
        for (uint8_t *a = ip + 8; a < ip + 40; a += 16)
            if (a[0] != 0 && a[0] != 0xff)
                flip(a + 2, mask >> 8 & 0xffff, NULL, sum);
    }
}

static int by_base_name(const void *a, const void *b)
{
    const char *x = ((const struct tile_capture *)a)->name, *y = ((const struct tile_capture *)b)->name;
    const char *p = strrchr(x, '/'), *q = strrchr(y, '/');
    int order = strcmp(p ? p : x, q ? q : y);
    return order ? order : strcmp(x, y);
}

static void write_round(struct frame_file *out, uint32_t round)
{
    struct {
        size_t at, end;
        uint32_t mask;
    } running[SIDE_BY_SIDE];
    static uint8_t frame[65536];
    size_t count = 0, next = 0;
    for (;;) {
        for (; count < SIDE_BY_SIDE && next < capture_count; next++, count++) {
            uint64_t random = ((uint64_t)round << 32 | next) * 0x9e3779b97f4a7c15u + 1;
            running[count].at = captures[next].first;
            running[count].end = captures[next].first + captures[next].count;
            running[count].mask = (round & 0xff) << 16 | frame_below(&random, 256) << 8;
        }
        if (count == 0)
            return;
        for (size_t i = 0; i < count;) {
            const struct tile_packet *p = &packets[running[i].at];
            memcpy(frame, store + p->at, p->caplen);
            move(frame, p->caplen, running[i].mask);
            frame_write(out, out->packets * 2, frame, p->caplen, p->wire);
            if (++running[i].at == running[i].end)
                running[i] = running[--count];
            else
                i++;
        }
    }
}

int main(int argc, char **argv)
{
    char line[4096];
    long max_bytes = 0;
    struct frame_file out;
    if (argc < 4) {
        fprintf(stderr, "usage: gen_tile OUT.pcap BYTES [-m MAXFILE] CAPTURE... | -\n");
        return 2;
    }
    uint64_t wanted = strtoull(argv[2], NULL, 10);
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "-m") == 0 && i + 1 < argc)
            max_bytes = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "-") != 0)
            load(argv[i], max_bytes);
        else
            while (fgets(line, sizeof(line), stdin)) {
                line[strcspn(line, "\n")] = 0;
                load(line, max_bytes);
            }
    }
    if (capture_count == 0) {
        fprintf(stderr, "gen_tile: no Ethernet capture among these\n");
        return 1;
    }
    qsort(captures, capture_count, sizeof(*captures), by_base_name);
    frame_open(&out, argv[1]);
    for (uint32_t round = 0; out.bytes < wanted; round++)
        write_round(&out, round);
    frame_close(&out);
    return 0;
}
