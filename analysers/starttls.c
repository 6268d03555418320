/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starttls.c - connections that begin in clear and turn into TLS: mail, FTP, MySQL, PostgreSQL, Gnutella.
 *
 * All that is looked for is the point where TLS begins; from there on both directions are a child stream, which gets an
 * analyser by its own first bytes.  The flow is named after the protocol that it began with.  In the protocols of text
 * lines no byte is 0x16, so the header of a handshake record that carries a client hello marks the point; MySQL and
 * PostgreSQL ask for TLS in a message of fixed form.
 *
 * An analyser of one of these protocols takes over its part of this file when it comes; nothing else depends on it.
 */
#include <weir/analyser.h>

#define TEXT_MOST (64u << 10) /* bytes of text that may come before TLS, of the client */

enum kind { UNKNOWN, TEXT, MYSQL, POSTGRES };

struct state {
    uint8_t kind;
    bool child, refused;
    bool named;
    bool greeted;   /* MySQL: the server's greeting has begun, PostgreSQL: the client has asked */
    uint32_t bytes; /* of the client's text */
};

static const struct weir_table *const no_tables[] = {NULL};

/* ---- how they begin ---- */

struct opening {
    const char *text; /* first bytes of a direction; letters of any case */
    const char *service;
    uint8_t dir;
};

static const struct opening openings[] = {
    {"EHLO ", "smtp", WEIR_ORIG}, {"HELO ", "smtp", WEIR_ORIG},
    {"LHLO ", "smtp", WEIR_ORIG}, {"AUTH TLS\r", "ftp", WEIR_ORIG},
    {"USER ", "ftp", WEIR_ORIG},  {"FEAT\r", "ftp", WEIR_ORIG},
    {"* OK ", "imap", WEIR_RESP}, {"* PREAUTH ", "imap", WEIR_RESP},
    {"+OK ", "pop3", WEIR_RESP},  {"GNUTELLA CONNECT/", "gnutella", WEIR_ORIG},
};
/* A server that speaks first with this is one of SMTP, FTP and others: the client tells. */
static const char banner[] = "220";

static bool begins(const uint8_t *data, uint32_t size, const char *text)
{
    for (uint32_t i = 0; i < size && text[i]; i++) {
        uint8_t c = data[i];
        if (c >= 'a' && c <= 'z')
            c = (uint8_t)(c - 'a' + 'A');
        if (c != (uint8_t)text[i])
            return false;
    }
    return true;
}

/* The protocol that begins so in that direction; `*open` when more bytes could still make it one. */
static const char *text_service(const uint8_t *data, uint32_t size, int dir, bool *open)
{
    *open = false;
    for (uint32_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        const struct opening *o = &openings[i];
        if (o->dir != dir || !begins(data, size, o->text))
            continue;
        if (size >= strlen(o->text))
            return o->service;
        *open = true;
    }
    return NULL;
}

/* Protocol::HandshakeV10: length, sequence 0, 10, version and zero, connection id, eight bytes, zero. */
static enum weir_verdict mysql_greeting(const uint8_t *p, uint32_t size)
{
    if (size < 5)
        return size < 4 || p[3] == 0 ? WEIR_WAIT : WEIR_NO;
    uint32_t length = weir_load_le32(p) & 0xffffff;
    if (p[3] != 0 || p[4] != 10 || length < 30 || length > 300 || size > length + 4)
        return WEIR_NO;
    uint32_t i = 5;
    while (i < size && p[i] > ' ' && p[i] < 0x7f)
        i++;
    if (i == size || i + 13 >= size)
        return i < 60 ? WEIR_WAIT : WEIR_NO;
    return i > 6 && p[i] == 0 && p[i + 13] == 0 ? WEIR_YES : WEIR_NO;
}

static const uint8_t ssl_request[8] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};

static enum weir_verdict starttls_probe(const struct weir_probe *probe)
{
    const uint8_t *p = probe->data;
    uint32_t size = probe->size;
    bool open;
    if (probe->whole && size < 8)
        return WEIR_NO;
    if (text_service(p, size, probe->dir, &open))
        return WEIR_YES;
    if (open)
        return WEIR_WAIT;
    if (probe->dir == WEIR_ORIG)
        return size <= 8 && memcmp(p, ssl_request, size) == 0 ? (size == 8 ? WEIR_YES : WEIR_WAIT) : WEIR_NO;
    if (begins(p, size, banner))
        return WEIR_WAIT;
    if (size == 1 && (*p == 'S' || *p == 'N'))
        return WEIR_WAIT;
    return mysql_greeting(p, size);
}

/* ---- the way to TLS ---- */

static struct weir_answer upgrade(struct weir_turn *turn, struct state *st)
{
    if (!st->child && weir_child_open(turn, NULL) != 0)
        return weir_done();
    st->child = true;
    weir_pass(turn, WEIR_ROUTE_CHILD, WEIR_ALL);
    return weir_more(1);
}

static void name(struct weir_turn *turn, struct state *st, const char *service)
{
    if (!st->named)
        weir_retag(turn, service);
    st->named = true;
}

/* What the first bytes of a direction say.  false: more are needed. */
static bool begin(struct weir_turn *turn, struct state *st)
{
    bool open;
    if (turn->dir == WEIR_ORIG && turn->left >= 1 && turn->data[0] == 0) {
        if (turn->left < sizeof ssl_request)
            return false;
        st->kind = POSTGRES;
        name(turn, st, "postgres");
        return true;
    }
    const char *service = text_service(turn->data, turn->left, turn->dir, &open);
    if (service) {
        st->kind = TEXT;
        name(turn, st, service);
        return true;
    }
    if (turn->dir == WEIR_RESP && !open && turn->left >= 5) {
        if (turn->data[3] == 0 && turn->data[4] == 10) {
            st->kind = MYSQL;
            name(turn, st, "mysql");
        } else if (begins(turn->data, turn->left, banner)) {
            weir_consume(turn, turn->left); /* the client's first words tell the rest */
        } else {
            st->refused = true;
        }
        return true;
    }
    if (turn->dir == WEIR_ORIG && !open)
        st->refused = true;
    return !open && turn->dir == WEIR_ORIG;
}

/* The record of a client hello: type, version, length, message, length, version. */
static bool hello_at(const uint8_t *p)
{
    return p[0] == 22 && p[1] == 3 && p[2] <= 4 && p[5] == 1 && p[6] == 0 && p[9] == 3;
}
#define HELLO_BYTES 10u

static struct weir_answer text_data(struct weir_turn *turn, struct state *st)
{
    if (turn->dir == WEIR_RESP) {
        weir_consume(turn, turn->left);
        return weir_more(1);
    }
    while (turn->left) {
        const uint8_t *p = memchr(turn->data, 22, turn->left);
        uint32_t skip = p ? (uint32_t)(p - turn->data) : turn->left;
        st->bytes += skip;
        weir_consume(turn, skip);
        if (st->bytes > TEXT_MOST)
            return weir_done();
        if (!turn->left)
            break;
        if (turn->left < HELLO_BYTES)
            return weir_more(HELLO_BYTES);
        if (hello_at(turn->data))
            return upgrade(turn, st);
        st->bytes++;
        weir_consume(turn, 1);
    }
    return weir_more(1);
}

#define MYSQL_SSL 0x800u /* capability flag */

/* The client answers the greeting with an SSLRequest, 32 bytes of which the first are flags, or goes on in clear. */
static struct weir_answer mysql_data(struct weir_turn *turn, struct state *st)
{
    if (turn->dir == WEIR_RESP) {
        weir_consume(turn, turn->left);
        return weir_more(1);
    }
    if (turn->left < 8)
        return weir_more(8);
    uint32_t head = weir_load_le32(turn->data);
    if ((head & 0xffffff) != 32 || head >> 24 != 1 || !(weir_load_le32(turn->data + 4) & MYSQL_SSL))
        return weir_done();
    if (turn->left < 36 + 1)
        return weir_more(36 + 1);
    weir_consume(turn, 36);
    return upgrade(turn, st);
}

/* SSLRequest, to which the server says S or N. */
static struct weir_answer postgres_data(struct weir_turn *turn, struct state *st)
{
    if (turn->dir == WEIR_ORIG) {
        if (!st->greeted)
            weir_consume(turn, sizeof ssl_request);
        st->greeted = true;
        return turn->left ? upgrade(turn, st) : weir_more(1);
    }
    bool accepted = turn->data[0] == 'S';
    weir_consume(turn, 1);
    if (!accepted)
        return weir_done();
    return upgrade(turn, st);
}

static struct weir_answer starttls_data(struct weir_turn *turn, void *state)
{
    struct state *st = state;
    if (!turn->left)
        return weir_more(1);
    if (st->child)
        return upgrade(turn, st);
    if (st->kind == UNKNOWN && !begin(turn, st))
        return weir_more(turn->left + 1);
    if (st->refused)
        return weir_not_mine();
    switch (st->kind) {
    case TEXT: return text_data(turn, st);
    case MYSQL: return mysql_data(turn, st);
    case POSTGRES: return postgres_data(turn, st);
    default: return weir_more(1);
    }
}

extern const struct weir_analyser weir_starttls;
const struct weir_analyser weir_starttls = {
    .abi = WEIR_ABI,
    .size = sizeof(struct weir_analyser),
    .name = "starttls",
    .doc = "connections that begin in clear and turn into TLS: SMTP, IMAP, POP3, FTP, MySQL, PostgreSQL, Gnutella",
    .state_bytes = sizeof(struct state),
    .transports = WEIR_OVER_STREAM,
    .tables = no_tables,
    .probe = starttls_probe,
    .on_data = starttls_data,
    .carries = true,
};
