/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socks.c - SOCKS 5 (RFC 1928), 4 and 4a: the way to the stream that they carry.
 *
 * Greeting, method, user name and password (RFC 1929), request and reply are stepped over by their lengths; what comes
 * after the reply is a child stream, which gets an analyser by its own first bytes.  Nothing of the login is kept.
 *
 * SOCKS 4 has no greeting: a request with the address and a user id that ends in a zero byte, behind which 4a puts a
 * host name where the address is 0.0.0.x, and a reply of eight bytes.
 *
 * Not here: BIND, which is answered twice, and UDP ASSOCIATE, whose datagrams are another flow.
 */
#include <weir/analyser.h>

#define VERSION 5u
#define VERSION_4 4u
#define REPLY_4 0u /* a reply's version, of SOCKS 4 and 4a */
#define REPLY_4_BYTES 8u
#define TEXT_4_MAX 256u /* user id or host name, with its zero byte */
#define METHOD_NONE 0u
#define METHOD_PASSWORD 2u
#define CONNECT 1u
#define GRANTED_4 0x5au

enum phase { GREETING, LOGIN, REQUEST, STREAM };

struct state {
    uint8_t phase[2];
    uint8_t method;
    bool child;
    bool v4;
};

static const struct weir_table *const no_tables[] = {NULL};

/* Bytes up to and with the zero byte of a text at `at`; 0: none there can be; more than `left`: at least so many. */
static uint32_t text_4_end(const uint8_t *p, uint32_t left, uint32_t at)
{
    for (uint32_t i = at; i < left && i < at + TEXT_4_MAX; i++) {
        if (p[i] == 0)
            return i + 1;
        if (p[i] < ' ' || p[i] == 0x7f)
            return 0;
    }
    return left < at + TEXT_4_MAX ? left + 1 : 0;
}

/* Bytes of a request of SOCKS 4 or 4a, with the same meaning. */
static uint32_t request_4_bytes(const uint8_t *p, uint32_t left)
{
    if (left < 9)
        return 9;
    bool named = p[4] == 0 && p[5] == 0 && p[6] == 0 && p[7] != 0;
    uint32_t size = text_4_end(p, left, 8);
    return named && size != 0 && size <= left ? text_4_end(p, left, size) : size;
}

/* A request is all that the client sends before the answer; the answer alone is short. */
static enum weir_verdict probe_4(const uint8_t *p, uint32_t size, int dir)
{
    if (dir == WEIR_RESP) {
        if (size >= 2 && (p[1] < 0x5a || p[1] > 0x5d))
            return WEIR_NO;
        return size < REPLY_4_BYTES ? WEIR_WAIT : size == REPLY_4_BYTES ? WEIR_YES : WEIR_LIKELY;
    }
    if (size >= 2 && p[1] != CONNECT)
        return WEIR_NO;
    if (size >= 4 && p[2] == 0 && p[3] == 0)
        return WEIR_NO;
    uint32_t request = request_4_bytes(p, size);
    if (request > size)
        return WEIR_WAIT;
    return request == size ? WEIR_LIKELY : WEIR_NO;
}

/* The client offers methods; the server takes one.  Each alone is short, so both are asked. */
static enum weir_verdict socks_probe(const struct weir_probe *probe)
{
    const uint8_t *p = probe->data;
    uint32_t size = probe->size;
    if (!size)
        return WEIR_WAIT;
    if (p[0] == (probe->dir == WEIR_ORIG ? VERSION_4 : REPLY_4))
        return probe_4(p, size, probe->dir);
    if (p[0] != VERSION)
        return WEIR_NO;
    if (size == 1)
        return WEIR_WAIT;
    if (probe->dir == WEIR_RESP) {
        bool known = p[1] == METHOD_NONE || p[1] == METHOD_PASSWORD;
        return known && size == 2 ? WEIR_YES : WEIR_NO;
    }
    if (p[1] == 0 || p[1] > 8 || size > 2u + p[1])
        return WEIR_NO;
    for (uint32_t i = 2; i < size; i++)
        if (p[i] > 9)
            return WEIR_NO;
    return WEIR_WAIT;
}

/* Bytes of a request or reply, of which `left` are there; 0: no form of it; more than `left`: at least so many. */
static uint32_t address_bytes(const uint8_t *p, uint32_t left)
{
    if (left < 5)
        return 5;
    switch (p[3]) {
    case 1: return 4 + 4 + 2;
    case 3: return 4 + 1 + p[4] + 2;
    case 4: return 4 + 16 + 2;
    default: return 0;
    }
}

/* Bytes of the message that this side's phase waits for, with the same meaning. */
static uint32_t message_bytes(const struct weir_turn *turn, const struct state *st)
{
    const uint8_t *p = turn->data;
    uint32_t left = turn->left;
    bool client = turn->dir == WEIR_ORIG;
    if (st->v4)
        return client ? request_4_bytes(p, left) : REPLY_4_BYTES;
    switch (st->phase[turn->dir]) {
    case GREETING: return !client ? 2 : left < 2 ? 2 : 2u + p[1];
    case LOGIN:
        if (!client || left < 2)
            return 2;
        return left < 3u + p[1] ? 3u + p[1] : 3u + p[1] + p[2 + p[1]];
    default: return address_bytes(p, left);
    }
}

/* A message is whole; what the next one is.  false: no stream comes of it. */
static bool step(const struct weir_turn *turn, struct state *st)
{
    const uint8_t *p = turn->data;
    uint8_t *phase = &st->phase[turn->dir];
    bool client = turn->dir == WEIR_ORIG;
    if (st->v4) {
        *phase = STREAM;
        return p[1] == (client ? CONNECT : GRANTED_4);
    }
    switch (*phase) {
    case GREETING:
        if (client) {
            *phase = LOGIN; /* unless the server takes a method without */
            return true;
        }
        st->method = p[1];
        *phase = st->method == METHOD_PASSWORD ? LOGIN : REQUEST;
        if (st->method == METHOD_NONE)
            st->phase[WEIR_ORIG] = REQUEST;
        return st->method == METHOD_NONE || st->method == METHOD_PASSWORD;
    case LOGIN: *phase = REQUEST; return client || p[1] == 0;
    default: *phase = STREAM; return p[0] == VERSION && (client ? p[1] == CONNECT : p[1] == 0);
    }
}

static struct weir_answer socks_data(struct weir_turn *turn, void *state)
{
    struct state *st = state;
    if (turn->left && st->phase[turn->dir] == GREETING)
        st->v4 |= turn->data[0] == (turn->dir == WEIR_ORIG ? VERSION_4 : REPLY_4);
    while (turn->left && st->phase[turn->dir] != STREAM) {
        uint32_t size = message_bytes(turn, st);
        if (!size)
            return weir_done();
        if (turn->left < size)
            return weir_more(size);
        if (!step(turn, st))
            return weir_done();
        weir_consume(turn, size);
    }
    if (st->phase[turn->dir] != STREAM)
        return weir_more(1);
    if (!st->child && weir_child_open(turn, NULL) != 0)
        return weir_done();
    st->child = true;
    weir_pass(turn, WEIR_ROUTE_CHILD, WEIR_ALL);
    return weir_more(1);
}

extern const struct weir_analyser weir_socks;
const struct weir_analyser weir_socks = {
    .abi = WEIR_ABI,
    .size = sizeof(struct weir_analyser),
    .name = "socks",
    .doc = "SOCKS 4, 4a and 5: opens the stream that it carries",
    .state_bytes = sizeof(struct state),
    .transports = WEIR_OVER_STREAM,
    .tables = no_tables,
    .probe = socks_probe,
    .on_data = socks_data,
    .carries = true,
};
