/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_http - a lower bound for "put TCP back together, read HTTP/1.1, write a row a transaction", on one core.
 *
 * usage: bare_http FILE.pcap [OUT.ndjson]
 *
 * As bare_flow, and for connections with a port 80: bytes in order at once, segments that come early kept in a list, heads
 * read in place where they lie in one segment, bodies counted by Content-Length or chunk sizes and skipped.  No IPv6, no time
 * limits, no memory limits, no answer to anything wrong: it may not be shipped.
 */
#include "bare.h"

#include <strings.h>
#include <sys/mman.h>

#define SHIFT 12 /* of a 32-bit hash */
#define ENTRIES (1u << (32 - SHIFT))
#define ASKED 16u /* requests that wait for their reply, a power of two */

enum step { HEAD, BODY, CHUNK_SIZE, CHUNK, TRAILER };
struct early {
    struct early *next;
    uint32_t seq, n;
    uint8_t bytes[];
};
struct side {
    uint32_t next;
    bool began;
    enum step step;
    uint64_t left, body; /* of the body or chunk; of the message so far */
    uint8_t *kept;       /* a head that is not whole yet */
    size_t kept_bytes;
    struct early *early;
};
struct asked {
    uint64_t us, body;
    uint16_t method, host, target, agent; /* lengths, in this order in text */
    char text[1200];
};
struct talk {
    struct side side[2];
    struct asked asked[ASKED];
    uint32_t asks, answers, addr[2], port[2];
    unsigned status;
    char type[64];
};
struct entry {
    struct bare_tuple tuple;
    struct talk *talk;
};
struct field {
    const char *at;
    uint16_t n;
};

static struct entry *table;
static char *rows;
static size_t rows_used;
static FILE *out;
static uint64_t flows, transactions, body_bytes, broken;

static char *put_number(char *to, uint64_t value)
{
    char digits[20];
    int n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

static char *put(char *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n);
    return to + n;
}

static char *put_escaped(char *to, const char *name, const char *text, size_t n)
{
    to = put(to, name);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            *to++ = '\\';
        *to++ = (char)(c < 32 ? '?' : c);
    }
    *to++ = '"';
    return to;
}

static char *put_address(char *to, const char *name, uint32_t addr, uint32_t port)
{
    to = put(to, name);
    for (int shift = 24; shift >= 0; shift -= 8) {
        to = put_number(to, addr >> shift & 255);
        *to++ = shift ? '.' : '"';
    }
    to = put(to, ",\"port\":");
    return put_number(to, port);
}

static void row(const struct talk *t, const struct asked *a, uint64_t us)
{
    if (rows_used > (1u << 20) - 8192) {
        if (out)
            fwrite(rows, 1, rows_used, out);
        rows_used = 0;
    }
    const char *text = a->text;
    char *to = put(rows + rows_used, "{\"ts\":");
    to = put_number(to, a->us);
    to = put_number(put(to, ",\"end\":"), us);
    to = put_address(to, ",\"src\":\"", t->addr[0], t->port[0]);
    to = put_address(to, ",\"dst\":\"", t->addr[1], t->port[1]);
    to = put_escaped(to, ",\"method\":\"", text, a->method);
    to = put_escaped(to, ",\"host\":\"", text += a->method, a->host);
    to = put_escaped(to, ",\"uri\":\"", text += a->host, a->target);
    to = put_escaped(to, ",\"user_agent\":\"", text + a->target, a->agent);
    to = put_number(put(to, ",\"status\":"), t->status);
    to = put_escaped(to, ",\"content_type\":\"", t->type, strlen(t->type));
    to = put_number(put(to, ",\"request_body_bytes\":"), a->body);
    to = put_number(put(to, ",\"response_body_bytes\":"), t->side[1].body);
    to = put(to, "}\n");
    rows_used = (size_t)(to - rows);
    transactions++;
}

static void message_ends(struct talk *t, int who, uint64_t us)
{
    struct side *s = &t->side[who];
    s->step = HEAD;
    body_bytes += s->body;
    if (who == 0)
        t->asked[(t->asks - 1) % ASKED].body = s->body;
    else if (t->answers != t->asks)
        row(t, &t->asked[t->answers++ % ASKED], us);
}

static bool named(const char *line, size_t n, const char *name, size_t name_bytes)
{
    return n == name_bytes && strncasecmp(line, name, n) == 0;
}

struct heading {
    struct field method, target, host, agent, type; /* of a reply: target is the status */
    uint64_t length;
    bool chunked;
};

static void header(struct heading *h, const char *line, const char *colon, const char *end)
{
    const char *value = colon + 1;
    size_t n = (size_t)(colon - line);
    while (value < end && *value == ' ')
        value++;
    struct field f = {value, (uint16_t)(end - value)};
    if (named(line, n, "Content-Length", 14)) {
        for (h->length = 0; value < end; value++)
            h->length = h->length * 10 + (uint64_t)(*value - '0');
    } else if (named(line, n, "Transfer-Encoding", 17)) {
        h->chunked = true;
    } else if (named(line, n, "Host", 4)) {
        h->host = f;
    } else if (named(line, n, "User-Agent", 10)) {
        h->agent = f;
    } else if (named(line, n, "Content-Type", 12)) {
        h->type = f;
    }
}

/* Bytes of the head at `text`, 0 when its end is not there, -1 when it is none. */
static int read_head(struct heading *h, const char *text, size_t n)
{
    const char *end = memmem(text, n, "\r\n\r\n", 4), *line = text, *stop;
    memset(h, 0, sizeof(*h));
    if (!end)
        return 0;
    stop = memchr(line, '\r', (size_t)(end - line) + 1);
    const char *first = memchr(line, ' ', (size_t)(stop - line)), *second;
    if (!first)
        return -1;
    second = memchr(first + 1, ' ', (size_t)(stop - first) - 1);
    h->method = (struct field){line, (uint16_t)(first - line)};
    h->target = (struct field){first + 1, (uint16_t)((second ? second : stop) - first - 1)};
    for (line = stop + 2; line < end; line = stop + 2) {
        const char *colon = memchr(line, ':', (size_t)(end - line));
        stop = memchr(line, '\r', (size_t)(end - line) + 1);
        if (!colon || colon > stop)
            return -1;
        header(h, line, colon, stop);
    }
    return (int)(end + 4 - text);
}

static uint16_t keep(struct asked *a, uint16_t at, struct field f, uint16_t most)
{
    uint16_t n = f.n < most ? f.n : most;
    memcpy(a->text + at, f.at ? f.at : "", n);
    return n;
}

/* Takes a head; bytes as read_head. */
static int take_head(struct talk *t, int who, const char *text, size_t n, uint64_t us)
{
    struct side *s = &t->side[who];
    struct heading h;
    int used = read_head(&h, text, n);
    if (used <= 0)
        return used;
    s->body = 0;
    if (who == 0) {
        struct asked *a = &t->asked[t->asks++ % ASKED];
        a->us = us;
        a->body = 0;
        a->method = keep(a, 0, h.method, 16);
        a->host = keep(a, a->method, h.host, 200);
        a->target = keep(a, a->method + a->host, h.target, 600);
        a->agent = keep(a, a->method + a->host + a->target, h.agent, 300);
    } else {
        bool to_head = t->answers != t->asks && memcmp(t->asked[t->answers % ASKED].text, "HEAD", 4) == 0;
        t->status = (unsigned)strtoul(h.target.at, NULL, 10);
        uint16_t type = h.type.n < 63 ? h.type.n : 63;
        memcpy(t->type, h.type.at ? h.type.at : "", type);
        t->type[type] = 0;
        if (to_head || t->status == 304 || t->status == 204 || t->status < 200)
            h.length = 0, h.chunked = false;
    }
    s->left = h.length;
    s->step = h.chunked ? CHUNK_SIZE : h.length ? BODY : HEAD;
    if (h.chunked)
        s->left = 0;
    if (s->step == HEAD)
        message_ends(t, who, us);
    return used;
}

/* One head out of kept and new bytes; how many of the new ones it took, n when it is not whole. */
static size_t head_bytes(struct talk *t, int who, const uint8_t *p, size_t n, uint64_t us)
{
    struct side *s = &t->side[who];
    int used;
    if (s->kept_bytes == 0) {
        used = take_head(t, who, (const char *)p, n, us);
        if (used > 0)
            return (size_t)used;
    } else {
        used = 0;
    }
    size_t before = s->kept_bytes;
    s->kept = realloc(s->kept, before + n);
    memcpy(s->kept + before, p, n);
    s->kept_bytes = before + n;
    if (before > 0)
        used = take_head(t, who, (const char *)s->kept, s->kept_bytes, us);
    if (used == 0)
        return n;
    s->kept_bytes = 0;
    if (used < 0) {
        broken++;
        return n;
    }
    return (size_t)used - before;
}

static size_t chunk_size(struct side *s, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n') {
            s->step = s->left ? CHUNK : TRAILER;
            s->body += s->left;
            s->left += 2;
            return i + 1;
        }
        if (p[i] != '\r')
            s->left = s->left * 16 + (p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    }
    return n;
}

static void bytes_in_order(struct talk *t, int who, const uint8_t *p, size_t n, uint64_t us)
{
    struct side *s = &t->side[who];
    while (n > 0) {
        size_t used;
        if (s->step == HEAD) {
            used = head_bytes(t, who, p, n, us);
        } else if (s->step == CHUNK_SIZE) {
            used = chunk_size(s, p, n);
        } else {
            used = n < s->left ? n : (size_t)s->left;
            s->left -= used;
            if (s->step == BODY)
                s->body += used;
            if (s->left == 0 && s->step == CHUNK)
                s->step = CHUNK_SIZE;
            else if (s->left == 0)
                message_ends(t, who, us);
        }
        p += used;
        n -= used;
    }
}

static void keep_early(struct side *s, uint32_t seq, const uint8_t *p, uint32_t n)
{
    struct early *e = malloc(sizeof(*e) + n), **at = &s->early;
    e->seq = seq;
    e->n = n;
    memcpy(e->bytes, p, n);
    while (*at && (int32_t)((*at)->seq - seq) < 0)
        at = &(*at)->next;
    e->next = *at;
    *at = e;
}

static void segment(struct talk *t, int who, const struct bare_packet *p)
{
    struct side *s = &t->side[who];
    const uint8_t *data = p->transport + (p->transport[12] >> 4) * 4;
    uint32_t seq = bare_be32(p->transport + 4), n = data < p->end ? (uint32_t)(p->end - data) : 0;
    if (p->transport[13] & 2) {
        s->next = seq + 1;
        s->began = true;
    }
    if (n == 0)
        return;
    if (!s->began)
        s->next = seq;
    s->began = true;
    int32_t ahead = (int32_t)(seq - s->next);
    if (ahead > 0) {
        keep_early(s, seq, data, n);
        return;
    }
    if ((uint32_t)-ahead >= n)
        return;
    bytes_in_order(t, who, data - ahead, n - (uint32_t)-ahead, p->us);
    s->next = seq + n;
    for (struct early *e = s->early; e && (int32_t)(e->seq - s->next) <= 0; e = s->early) {
        uint32_t known = s->next - e->seq;
        if (known < e->n) {
            bytes_in_order(t, who, e->bytes + known, e->n - known, p->us);
            s->next = e->seq + e->n;
        }
        s->early = e->next;
        free(e);
    }
}

static void packet(const struct bare_packet *p)
{
    struct entry *e;
    uint32_t sport = bare_be16(p->transport), dport = bare_be16(p->transport + 2);
    for (uint32_t i = p->hash >> SHIFT;; i = (i + 1) & (ENTRIES - 1)) {
        e = &table[i];
        if (!e->talk || bare_same(&e->tuple, &p->tuple))
            break;
    }
    if (!e->talk) {
        bool reply = sport == 80;
        e->tuple = p->tuple;
        e->talk = calloc(1, sizeof(*e->talk));
        e->talk->addr[0] = reply ? p->dst : p->src;
        e->talk->addr[1] = reply ? p->src : p->dst;
        e->talk->port[0] = reply ? dport : sport;
        e->talk->port[1] = reply ? sport : dport;
        flows++;
    }
    if (e->talk->port[1] == 80)
        segment(e->talk, !(p->src == e->talk->addr[0] && sport == e->talk->port[0]), p);
}

int main(int argc, char **argv)
{
    struct bare_file file;
    struct bare_packet batch[BARE_BATCH];
    const uint8_t *record;
    uint32_t caplen, n = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: bare_http FILE.pcap [OUT.ndjson]\n");
        return 2;
    }
    bare_open(&file, argv[1]);
    out = argc > 2 ? fopen(argv[2], "w") : NULL;
    rows = malloc(1 << 20);
    table = mmap(NULL, ENTRIES * sizeof(*table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED || !rows)
        return 1;
    madvise(table, ENTRIES * sizeof(*table), MADV_HUGEPAGE);
    while (bare_fill(&file))
        for (bool more = true; more;) {
            more = bare_take(&file, &record, &caplen);
            if (more && bare_decode(record, caplen, &batch[n]) && batch[n].proto == 6) {
                __builtin_prefetch(&table[batch[n].hash >> SHIFT], 1);
                n++;
            }
            if (n == BARE_BATCH || !more) {
                for (uint32_t i = 0; i < n; i++)
                    packet(&batch[i]);
                n = 0;
            }
        }
    if (out && (fwrite(rows, 1, rows_used, out) != rows_used || fclose(out) != 0))
        return 1;
    printf("%llu packets, %llu flows, %llu transactions, %llu body bytes, %llu broken\n",
           (unsigned long long)file.packets, (unsigned long long)flows, (unsigned long long)transactions,
           (unsigned long long)body_bytes, (unsigned long long)broken);
    return 0;
}
