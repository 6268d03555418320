/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_http - workload W3: HTTP/1.1 keep-alive connections with known contents.
 *
 * usage: gen_http OUT.pcap [BYTES=1500000000 [SEED=1 [ACTIVE=200]]]       prints the true counts as one line of JSON
 *
 * ACTIVE connections side by side, each with a handshake, 1 to 40 transactions and a FIN both ways.  Requests: GET 85 %, POST
 * with a body 10 %, HEAD 5 %, heads as browsers send them, a target of its own each.  Replies: 200 with 1 to 200 KB
 * (log-uniform): Content-Length 65 %, chunked 15 %, gzip 15 %, gzip in chunks 5 %; 3 % of the GETs get a 304.  Segments of
 * 1460 bytes, a pure ACK for every second; 0.5 % of data segments change places with the next, 0.5 % are sent again.
 * Packets are 2 us apart, in bursts of 1 to 8 of a connection.  BYTES is where no new connection is opened.
 *
 * A connection's packets are made a transaction at a time into its queue.
 */
#include "frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ACTIVE 1000u /* at most */
#define MSS 1460u
#define POOL (4u << 20)
#define BODIES 128u
#define SHARE 0.005 /* of data segments: swapped, sent again */
#define MESSAGE (1u << 20)

struct packet_queue {
    uint8_t *bytes; /* a length of four bytes, then the frame */
    size_t used, room, at;
};
struct connection {
    struct frame_ends ends;
    struct packet_queue queue;
    uint32_t left;  /* transactions to come */
    uint32_t agent; /* index */
    bool closed;
};
static struct {
    uint64_t connections, transactions, get, post, head, not_modified, chunked, gzip, request_body_bytes,
        response_body_bytes, decoded_body_bytes, reordered, repeated;
} counts;
static struct {
    uint8_t *bytes;
    uint32_t length, plain;
} zipped[BODIES];
static uint8_t *text, *noise;
static uint64_t seed;
static const char *const agents[] = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "curl/7.88.1", "python-requests/2.28.1"};
static const char *const kinds[][2] = {
    {"html", "text/html; charset=utf-8"}, {"js", "application/javascript"},   {"css", "text/css"}, {"png", "image/png"},
    {"json", "application/json"},         {"bin", "application/octet-stream"}};

/* 1 to 200 KB, as many between 1 and 10 as between 10 and 100. */
static uint32_t body_length(void)
{
    return (uint32_t)(1000 * exp(frame_below(&seed, 1u << 24) * 0x1p-24 * log(200)));
}

static void make_bodies(void)
{
    static const char *const words[] = {"gate ", "river ", "level ", "basin ", "stream ",
                                        "of ",   "the ",   "lock ",  "tide ",  "and "};
    text = malloc(POOL + 16);
    noise = malloc(POOL + 16);
    for (size_t at = 0; at < POOL;) {
        const char *word = words[frame_below(&seed, 10)];
        size_t n = strlen(word);
        memcpy(text + at, word, n);
        at += n;
    }
    for (size_t at = 0; at < POOL; at += 8) {
        uint64_t value = frame_random(&seed);
        memcpy(noise + at, &value, 8);
    }
    for (uint32_t i = 0; i < BODIES; i++) {
        z_stream z = {0};
        zipped[i].plain = body_length();
        deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
        zipped[i].length = (uint32_t)deflateBound(&z, zipped[i].plain) + 64;
        zipped[i].bytes = malloc(zipped[i].length);
        z.next_in = text + frame_below(&seed, POOL - zipped[i].plain);
        z.avail_in = zipped[i].plain;
        z.next_out = zipped[i].bytes;
        z.avail_out = zipped[i].length;
        deflate(&z, Z_FINISH);
        zipped[i].length = (uint32_t)z.total_out;
        deflateEnd(&z);
    }
}

static void queue(struct connection *c, int side, uint8_t flags, uint32_t seq, uint32_t ack, const uint8_t *data,
                  uint32_t n)
{
    struct packet_queue *q = &c->queue;
    if (q->used + FRAME_TCP + n + 4 > q->room) {
        q->room = (q->used + FRAME_TCP + n + 4) * 2;
        q->bytes = realloc(q->bytes, q->room);
        if (!q->bytes)
            exit(1);
    }
    uint32_t length = frame_tcp(q->bytes + q->used + 4, &c->ends, side, flags, seq, ack, data, n);
    memcpy(q->bytes + q->used, &length, 4);
    q->used += 4 + length;
}

static void plain(struct connection *c, int side, uint8_t flags)
{
    queue(c, side, flags, c->ends.seq[side], flags & 0x10 ? c->ends.seq[1 - side] : 0, NULL, 0);
    c->ends.seq[side] += flags & 0x03 ? 1 : 0;
}

static void segment(struct connection *c, int side, const uint8_t *message, uint32_t n, uint32_t i)
{
    uint32_t at = i * MSS, length = n - at < MSS ? n - at : MSS;
    queue(c, side, at + length == n ? 0x18 : 0x10, c->ends.seq[side] + at, c->ends.seq[1 - side], message + at, length);
}

/* A message as segments, some out of place, some twice, with the other side's ACKs. */
static void send(struct connection *c, int side, const uint8_t *message, uint32_t n)
{
    uint32_t count = (n + MSS - 1) / MSS;
    for (uint32_t i = 0; i < count; i++) {
        bool swap = i + 1 < count && frame_chance(&seed, SHARE);
        counts.reordered += swap;
        for (uint32_t k = 0; k <= swap; k++) {
            segment(c, side, message, n, swap ? i + 1 - k : i);
            if (frame_chance(&seed, SHARE)) {
                uint32_t back = frame_below(&seed, 3);
                segment(c, side, message, n, i > back ? i - back : 0);
                counts.repeated++;
            }
        }
        i += swap;
        if (i & 1) {
            uint32_t got = (i + 1) * MSS < n ? (i + 1) * MSS : n;
            queue(c, 1 - side, 0x10, c->ends.seq[1 - side], c->ends.seq[side] + got, NULL, 0);
        }
    }
    c->ends.seq[side] += n;
}

static const uint8_t *some_body(uint32_t *n)
{
    *n = body_length();
    return (frame_chance(&seed, 0.6) ? text : noise) + frame_below(&seed, POOL - *n);
}

static uint32_t chunks(uint8_t *to, const uint8_t *body, uint32_t n)
{
    uint32_t used = 0;
    for (uint32_t at = 0; at < n;) {
        uint32_t size = 500 + frame_below(&seed, 15884);
        if (size > n - at)
            size = n - at;
        used += (uint32_t)sprintf((char *)to + used, "%x\r\n", size);
        memcpy(to + used, body + at, size);
        memcpy(to + used + size, "\r\n", 2);
        used += size + 2;
        at += size;
    }
    memcpy(to + used, "0\r\n\r\n", 5);
    return used + 5;
}

static void request(struct connection *c, const char *method, const char *ending, uint8_t *message)
{
    uint32_t n = 0, host = c->ends.addr[1] & 511;
    const uint8_t *body = NULL;
    int used = sprintf((char *)message,
                       "%s /site%u/path/%08llu.%s?id=%08x HTTP/1.1\r\nHost: www%u.example.net\r\nUser-Agent: %s\r\n"
                       "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n"
                       "Accept-Encoding: gzip, deflate\r\nCookie: sid=%016llx%016llx; theme=dark\r\n"
                       "Referer: http://www%u.example.net/\r\nConnection: keep-alive\r\n",
                       method, frame_below(&seed, 50), (unsigned long long)counts.transactions, ending,
                       (unsigned)frame_random(&seed), host, agents[c->agent], (unsigned long long)frame_random(&seed),
                       (unsigned long long)frame_random(&seed), host);
    if (method[0] == 'P') {
        body = some_body(&n);
        n = n < 20000 ? n : 20000;
        used += sprintf((char *)message + used,
                        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %u\r\n", n);
    }
    used += sprintf((char *)message + used, "\r\n");
    if (body)
        memcpy(message + used, body, n);
    counts.request_body_bytes += n;
    send(c, 0, message, (uint32_t)used + n);
}

static void reply(struct connection *c, const char *method, const char *type, uint8_t *message)
{
    char common[512];
    snprintf(common, sizeof(common),
             "Server: demo/1.0\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\nETag: \"%016llx\"\r\nCache-Control: "
             "max-age=3600\r\n"
             "Vary: Accept-Encoding\r\nConnection: keep-alive\r\n",
             (unsigned long long)frame_random(&seed));
    if (method[0] == 'G' && frame_chance(&seed, 0.03)) {
        counts.not_modified++;
        send(c, 1, message, (uint32_t)sprintf((char *)message, "HTTP/1.1 304 Not Modified\r\n%s\r\n", common));
        return;
    }
    uint32_t way = frame_below(&seed, 100), n, decoded, i = frame_below(&seed, BODIES);
    bool zip = way >= 80, chunk = way >= 95 || (way >= 65 && way < 80);
    const uint8_t *body = some_body(&n);
    decoded = n;
    if (zip)
        body = zipped[i].bytes, n = zipped[i].length, decoded = zipped[i].plain;
    int used = sprintf((char *)message, "HTTP/1.1 200 OK\r\n%s%sContent-Type: %s\r\n", common,
                       zip ? "Content-Encoding: gzip\r\n" : "", type);
    if (method[0] == 'H' || !chunk)
        used += sprintf((char *)message + used, "Content-Length: %u\r\n\r\n", n);
    else
        used += sprintf((char *)message + used, "Transfer-Encoding: chunked\r\n\r\n");
    uint32_t length = (uint32_t)used;
    if (method[0] != 'H') {
        counts.response_body_bytes += n;
        counts.decoded_body_bytes += decoded;
        counts.gzip += zip;
        counts.chunked += chunk;
        if (chunk)
            length += chunks(message + used, body, n);
        else
            memcpy(message + used, body, n), length += n;
    }
    send(c, 1, message, length);
}

static void transaction(struct connection *c)
{
    static uint8_t message[MESSAGE];
    uint32_t way = frame_below(&seed, 100), kind = frame_below(&seed, 6);
    const char *method = way < 85 ? "GET" : way < 95 ? "POST" : "HEAD";
    counts.transactions++;
    *(way < 85 ? &counts.get : way < 95 ? &counts.post : &counts.head) += 1;
    request(c, method, kinds[kind][0], message);
    reply(c, method, kinds[kind][1], message);
}

static void new_connection(struct connection *c)
{
    struct packet_queue kept = c->queue;
    memset(c, 0, sizeof(*c));
    c->queue = kept;
    c->queue.used = c->queue.at = 0;
    uint32_t number = (uint32_t)++counts.connections;
    c->ends.addr[0] = 0x0a000100u + number;
    c->ends.addr[1] = 0xc6120000u + number % 509;
    c->ends.port[0] = (uint16_t)(32768 + frame_below(&seed, 28000));
    c->ends.port[1] = 80;
    c->ends.seq[0] = (uint32_t)frame_random(&seed);
    c->ends.seq[1] = (uint32_t)frame_random(&seed);
    c->agent = frame_below(&seed, 4);
    c->left = 1 + frame_below(&seed, 40);
    plain(c, 0, 0x02);
    plain(c, 1, 0x12);
    plain(c, 0, 0x10);
}

/* False when the connection has nothing more to send. */
static bool refill(struct connection *c)
{
    c->queue.used = c->queue.at = 0;
    if (c->left > 0) {
        c->left--;
        transaction(c);
    } else if (!c->closed) {
        c->closed = true;
        plain(c, 0, 0x11);
        plain(c, 1, 0x11);
        plain(c, 0, 0x10);
    }
    return c->queue.used > 0;
}

static void run(struct frame_file *out, uint64_t wanted, uint32_t active)
{
    static struct connection live[ACTIVE];
    uint32_t count = 0;
    for (;;) {
        while (count < active && out->bytes < wanted)
            new_connection(&live[count++]);
        if (count == 0)
            return;
        uint32_t i = frame_below(&seed, count);
        struct packet_queue *q = &live[i].queue;
        for (uint32_t burst = 1 + frame_below(&seed, 8); burst > 0; burst--) {
            if (q->at == q->used && !refill(&live[i])) {
                struct connection over = live[i];
                live[i] = live[--count];
                live[count] = over; /* its queue is used again */
                break;
            }
            uint32_t length;
            memcpy(&length, q->bytes + q->at, 4);
            frame_write(out, out->packets * 2, q->bytes + q->at + 4, length, length);
            q->at += 4 + length;
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t wanted = argc > 2 ? strtoull(argv[2], NULL, 10) : 1500000000;
    uint32_t active = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 200;
    struct frame_file out;
    if (argc < 2) {
        fprintf(stderr, "usage: gen_http OUT.pcap [BYTES [SEED [ACTIVE]]]\n");
        return 2;
    }
    seed = 0x9e3779b97f4a7c15u * (argc > 3 ? strtoull(argv[3], NULL, 10) : 1) | 1;
    make_bodies();
    frame_open(&out, argv[1]);
    run(&out, wanted, active < ACTIVE ? active : ACTIVE);
    frame_close(&out);
#define COUNT(name) (unsigned long long)counts.name
    printf("{\"packets\": %llu, \"connections\": %llu, \"transactions\": %llu, \"get\": %llu, \"post\": %llu, "
           "\"head\": %llu, \"not_modified\": %llu, "
           "\"chunked\": %llu, \"gzip\": %llu, \"request_body_bytes\": %llu, \"response_body_bytes\": %llu, "
           "\"decoded_body_bytes\": %llu, "
           "\"reordered\": %llu, \"repeated\": %llu}\n",
           (unsigned long long)out.packets, COUNT(connections), COUNT(transactions), COUNT(get), COUNT(post),
           COUNT(head), COUNT(not_modified), COUNT(chunked), COUNT(gzip), COUNT(request_body_bytes),
           COUNT(response_body_bytes), COUNT(decoded_body_bytes), COUNT(reordered), COUNT(repeated));
    return 0;
}
