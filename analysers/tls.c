/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.c - TLS over streams: SSL 3.0 to TLS 1.3, and client hellos in the form of SSL 2.0.
 *
 * Records are walked by their headers.  Handshake messages in clear are put together across records; the hellos and
 * certificates of a message that lies whole in the bytes at hand are read where they are, others are collected in held
 * memory.  All else is passed by length, and once the handshake is over the flow is done with: application data is not
 * looked at.
 *
 * A position is always known as "so much of this record, so much of this message", never kept as unread bytes, so that
 * a gap inside a record costs that message only.  After a larger gap a direction is `lost` until something looks like the
 * header of a record.
 *
 * The side that sends the client hello is the client, whoever opened the connection.  What comes after ChangeCipherSpec
 * (TLS 1.2 and before) or the hellos (TLS 1.3) is encrypted, and is judged by type, direction and length alone.
 */
#include "tls/tls.h"

enum record_type { REC_CHANGE_CIPHER = 20, REC_ALERT = 21, REC_HANDSHAKE = 22, REC_DATA = 23 };

#define RECORD_HEADER 5u
#define RECORD_MOST (16384u + 2048u)          /* RFC 5246 section 6.2.3 */
#define HELLO_MOST 65535u                     /* longest hello that is collected */
#define CERTIFICATE_MOST 20480u               /* of a certificate chain: the first is what is read */
#define PROBE_BYTES 1024u                     /* a record that is longer need not be seen whole */
#define DATA_RECORDS 16u                      /* of application data in one direction, before the row is made anyhow */
#define SEARCH_MOST 65536u                    /* bytes gone through for a record after gaps */
#define ALERT_SEALED 19u                      /* an alert in TLS 1.3: two bytes, type, tag */
#define FINISHED_SEALED (4u + 32u + 1u + 16u) /* the shortest Finished in TLS 1.3 */

/* One direction. */
struct side {
    uint32_t record_left;  /* bytes of the record that are still to come */
    uint32_t message_left; /* bytes of the handshake message that are still to come, its header taken */
    uint32_t kept, room;   /* of `message` */
    uint8_t *message;      /* held; NULL: not wanted, or in place */
    uint64_t message_ns;
    uint8_t header[4];    /* of a handshake message */
    uint8_t header_bytes; /* so far */
    uint8_t record_type;
    uint8_t record_version; /* minor, of the last record */
    uint32_t searched;      /* bytes gone through for a record since the flow began */
    uint8_t data_records;   /* of application data since the client hello */
    bool started;           /* a record was seen */
    bool in_message;        /* between a message's header and its end */
    bool changed;           /* its ChangeCipherSpec was seen */
    bool finished;          /* its Finished was seen, encrypted */
    bool lost;              /* out of step after a gap */
    bool damaged;           /* the message that is coming has a hole */
};

struct state {
    struct side sides[2];
    uint8_t client;     /* direction of the client hello */
    uint8_t fin;        /* directions that have ended, a bit each */
    bool over;          /* the row is made, nothing more is wanted */
    bool full;          /* a key exchange or certificate was seen: not a resumption */
    bool server_sealed; /* TLS 1.3: the server has sent an encrypted record */
    struct tls_exchange x;
};
_Static_assert(sizeof(struct state) <= 4096, "the host gives 4,096 bytes");

static bool plausible_header(const uint8_t *p)
{
    uint32_t size = weir_load_be16(p + 3);
    return p[0] >= REC_CHANGE_CIPHER && p[0] <= REC_DATA && p[1] == 3 && p[2] <= 4 && size <= RECORD_MOST &&
           (size || p[0] == REC_DATA);
}

static void finish(struct weir_turn *turn, struct state *st)
{
    st->over = true;
    struct tls_exchange *x = &st->x;
    if (!x->open)
        return;
    /* With nothing of the server in the capture there is no telling. */
    bool one_sided = !x->answered && !st->sides[!st->client].started && st->sides[st->client].changed;
    if (!x->established.set && !one_sided)
        x->established = weir_uint(st->sides[0].finished && st->sides[1].finished);
    tls_exchange_emit(turn, x);
}

/* ---- handshake messages in clear ---- */

static void client_hello(struct weir_turn *turn, struct state *st, const struct tls_client *hello, uint64_t ts_ns)
{
    /* A second one answers a HelloRetryRequest, or the first was ignored. */
    if (st->x.open) {
        st->x.established = weir_uint(false);
        tls_exchange_emit(turn, &st->x);
    }
    st->client = turn->dir;
    st->full = st->server_sealed = false;
    for (int i = 0; i < 2; i++) {
        st->sides[i].changed = st->sides[i].finished = false;
        st->sides[i].data_records = 0;
    }
    tls_exchange_client(turn, &st->x, hello, false, ts_ns);
}

/* The first certificate of a chain (RFC 5246 section 7.4.2). */
static void certificate(struct weir_turn *turn, struct state *st, const uint8_t *message, uint32_t size)
{
    struct weir_bytes b = weir_bytes(message, size);
    weir_skip(&b, 3);
    size_t claimed = weir_be24(&b), there = weir_left(&b);
    size_t n = claimed < there ? claimed : there;
    if (st->x.open && n)
        tls_exchange_certificate(turn, &st->x, turn->dir == st->client, b.at, n);
}

static void message(struct weir_turn *turn, struct state *st, uint8_t type, const uint8_t *data, uint32_t size)
{
    struct side *side = &st->sides[turn->dir];
    struct tls_client client;
    struct tls_server server;
    switch (type) {
    case TLS_CLIENT_HELLO:
        if (tls_client_parse(&client, data, size))
            client_hello(turn, st, &client, side->message_ns);
        break;
    case TLS_SERVER_HELLO:
        if (st->x.open && turn->dir != st->client && tls_server_parse(&server, data, size))
            tls_exchange_server(turn, &st->x, &server);
        break;
    case TLS_CERTIFICATE: certificate(turn, st, data, size); break;
    default: break;
    }
}

/* How much of a message is worth collecting. */
static uint32_t wanted_bytes(const struct state *st, uint8_t type, uint32_t size)
{
    switch (type) {
    case TLS_CLIENT_HELLO:
    case TLS_SERVER_HELLO: return size <= HELLO_MOST ? size : 0;
    case TLS_CERTIFICATE: return st->x.open ? size : 0;
    default: return 0;
    }
}

static void message_begin(struct weir_turn *turn, struct state *st, uint8_t type, uint32_t size)
{
    struct side *side = &st->sides[turn->dir];
    if (type == TLS_CERTIFICATE || type == TLS_SERVER_KEY_EXCHANGE || type == TLS_CLIENT_KEY_EXCHANGE)
        st->full = true;
    side->in_message = true;
    side->message_left = size;
    side->kept = 0;
    side->room = side->damaged ? 0 : wanted_bytes(st, type, size);
    side->message = NULL;
}

static void message_end(struct weir_turn *turn, struct state *st)
{
    struct side *side = &st->sides[turn->dir];
    if (side->message && !side->damaged)
        message(turn, st, side->header[0], side->message, side->kept);
    if (side->message)
        weir_release(turn, side->message);
    side->message = NULL;
    side->header_bytes = 0;
    side->in_message = side->damaged = false;
}

/* Of a chain only the first certificate is collected, where its length is there to be seen (RFC 5246 section 7.4.2). */
static uint32_t kept_bytes(const struct side *side, const uint8_t *data, uint32_t n)
{
    if (side->header[0] != TLS_CERTIFICATE)
        return side->room;
    uint32_t first = n >= 6 ? 6 + weir_load_be24(data + 3) : side->room;
    first = first < CERTIFICATE_MOST ? first : CERTIFICATE_MOST;
    return first < side->room ? first : side->room;
}

/* `n` bytes of the message that is coming: read in place if all that is wanted of it is there, else collected. */
static void message_bytes(struct weir_turn *turn, struct state *st, const uint8_t *data, uint32_t n)
{
    struct side *side = &st->sides[turn->dir];
    side->message_left -= n;
    if (side->room && !side->message) {
        side->room = kept_bytes(side, data, n);
        if (n >= side->room) {
            message(turn, st, side->header[0], data, side->room);
            side->room = 0;
            return;
        }
        side->message = weir_hold(turn, side->room);
        if (!side->message)
            side->room = 0; /* no memory: do without this message */
    }
    uint32_t copy = side->room - side->kept < n ? side->room - side->kept : n;
    if (copy && side->message)
        memcpy(side->message + side->kept, data, copy);
    side->kept += copy;
}

/* The `n` bytes at turn->data belong to a handshake record in clear. */
static void handshake_bytes(struct weir_turn *turn, struct state *st, uint32_t n)
{
    struct side *side = &st->sides[turn->dir];
    const uint8_t *data = turn->data;
    side->record_left -= n;
    weir_consume(turn, n);
    while (n || (side->in_message && !side->message_left)) {
        if (!side->in_message) {
            if (!side->header_bytes)
                side->message_ns = turn->first_ns;
            side->header[side->header_bytes++] = *data++;
            n--;
            if (side->header_bytes == 4)
                message_begin(turn, st, side->header[0], weir_load_be24(side->header + 1));
            continue;
        }
        uint32_t take = n < side->message_left ? n : side->message_left;
        if (take)
            message_bytes(turn, st, data, take);
        data += take;
        n -= take;
        if (!side->message_left)
            message_end(turn, st);
    }
}

/* ---- records ---- */

/* In encrypted handshake records: a client hello in clear after ChangeCipherSpec answers a HelloRetryRequest that was
 * not seen. */
static bool clear_hello(const uint8_t *p, uint32_t left, uint32_t size)
{
    return left >= 6 && size > 40 && p[0] == TLS_CLIENT_HELLO && weir_load_be24(p + 1) + 4 == size && p[4] == 3 &&
           p[5] <= 4;
}

static void change_cipher(struct weir_turn *turn, struct state *st)
{
    struct tls_exchange *x = &st->x;
    if (!x->open || tls_is_13(x->version))
        return;
    st->sides[turn->dir].changed = true;
    /* A ticket was taken (RFC 5077 section 3.4): the server changes at once, without certificate or key exchange. */
    if (x->answered && turn->dir != st->client && !st->full && !st->sides[st->client].changed)
        x->resumed = weir_uint(true);
}

/* An alert in clear, level and description.  false: the handshake is over. */
static bool clear_alert(struct state *st, const uint8_t *p)
{
    if (p[0] != 2 && p[1] != 0)
        return true;
    if (p[0] == 2 && st->x.open) {
        st->x.has_alert = true;
        st->x.alert = p[1];
        st->x.established = weir_uint(false);
    }
    return false;
}

/* An encrypted record of TLS 1.3.  false: the handshake is over. */
static bool sealed_13(struct weir_turn *turn, struct state *st, uint32_t size)
{
    struct side *client = &st->sides[st->client];
    bool from_client = turn->dir == st->client;
    if (client->finished) { /* the record after the client's Finished: unless it is the server's alert, all is well */
        st->x.established = weir_uint(from_client || size != ALERT_SEALED);
        return false;
    }
    if (!from_client) {
        st->server_sealed = st->sides[turn->dir].finished = true;
    } else if (st->server_sealed && size >= FINISHED_SEALED) {
        client->finished = true;
    } else if (st->server_sealed && size == ALERT_SEALED && !st->x.early_data) {
        st->x.established = weir_uint(false);
        return false;
    }
    return ++st->sides[turn->dir].data_records < DATA_RECORDS;
}

static bool application_data(struct weir_turn *turn, struct state *st, uint32_t size)
{
    struct side *side = &st->sides[turn->dir];
    if (!st->x.open)
        return false; /* picked up later: the name is all there is to tell */
    if (tls_is_13(st->x.version) && st->x.answered)
        return sealed_13(turn, st, size);
    if (st->sides[0].changed && st->sides[1].changed) {
        st->x.established = weir_uint(true);
        return false;
    }
    return ++side->data_records < DATA_RECORDS;
}

/* A record whose header is taken and whose first bytes are at turn->data; its rest is passed.  false: over. */
static bool sealed_record(struct weir_turn *turn, struct state *st, uint32_t size)
{
    struct side *side = &st->sides[turn->dir];
    bool go_on = true;
    side->record_left = 0;
    switch (side->record_type) {
    case REC_CHANGE_CIPHER: change_cipher(turn, st); break;
    case REC_ALERT:
        if (st->x.open && side->changed && !(st->sides[0].finished && st->sides[1].finished))
            st->x.established = weir_uint(false);
        go_on = false;
        break;
    case REC_HANDSHAKE:
        side->finished = true;
        go_on = st->x.open && !(st->sides[0].finished && st->sides[1].finished);
        break;
    default: go_on = application_data(turn, st, size); break;
    }
    if (go_on && size)
        weir_pass(turn, WEIR_ROUTE_SKIP, size);
    return go_on;
}

/* ClientHello in the form of SSL 2.0 (RFC 5246 appendix E.2), at the start of a stream.  0: none; else its bytes. */
static uint32_t v2_size(const uint8_t *p)
{
    uint32_t size = weir_load_be16(p) & 0x7fff;
    bool version = (p[3] == 3 && p[4] <= 4) || (p[3] == 0 && p[4] == 2);
    return p[0] >> 7 && p[2] == TLS_CLIENT_HELLO && version && size >= 9 + 3 + 16 && size <= 4096 ? 2 + size : 0;
}

enum step { STEP_MORE, STEP_ON, STEP_OVER };

static enum step v2_hello(struct weir_turn *turn, struct state *st, uint32_t size, uint32_t *need)
{
    struct tls_client hello;
    if (turn->left < size) {
        *need = size;
        return STEP_MORE;
    }
    if (!tls_client_parse_v2(&hello, turn->data + 3, size - 3))
        return STEP_OVER;
    client_hello(turn, st, &hello, turn->first_ns);
    st->sides[turn->dir].started = true;
    weir_consume(turn, size);
    return STEP_ON;
}

/* Between records. */
static enum step record(struct weir_turn *turn, struct state *st, uint32_t *need)
{
    struct side *side = &st->sides[turn->dir];
    *need = RECORD_HEADER;
    if (turn->left < RECORD_HEADER)
        return STEP_MORE;
    const uint8_t *p = turn->data;
    uint32_t v2 = side->started ? 0 : v2_size(p);
    if (v2)
        return v2_hello(turn, st, v2, need);
    if (!plausible_header(p))
        return STEP_OVER;
    uint32_t size = weir_load_be16(p + 3), body = turn->left - RECORD_HEADER;
    bool hidden = side->changed;
    if (p[0] == REC_HANDSHAKE && hidden && size > 40) {
        *need = RECORD_HEADER + 6;
        if (body < 6)
            return STEP_MORE;
        hidden = !clear_hello(p + RECORD_HEADER, body, size);
    }
    if (p[0] == REC_ALERT && !hidden && size == 2) {
        *need = RECORD_HEADER + 2;
        if (body < 2)
            return STEP_MORE;
        if (!clear_alert(st, p + RECORD_HEADER))
            return STEP_OVER;
    } else if (p[0] == REC_ALERT && !hidden) {
        return STEP_OVER;
    }
    side->started = true;
    side->record_type = p[0];
    side->record_version = p[2];
    side->record_left = size;
    weir_consume(turn, RECORD_HEADER);
    if (p[0] == REC_HANDSHAKE && !hidden)
        return STEP_ON;
    if (p[0] == REC_ALERT && !hidden) {
        side->record_left = 0;
        weir_consume(turn, 2);
        return STEP_ON;
    }
    return sealed_record(turn, st, size) ? STEP_ON : STEP_OVER;
}

/* After a gap: looks for what could be the header of a record of the version met before.  Less than a header is left
 * unread. */
static void resync(struct weir_turn *turn, struct side *side)
{
    while (turn->left >= RECORD_HEADER) {
        if (plausible_header(turn->data) && (!side->started || turn->data[2] == side->record_version)) {
            side->lost = false;
            return;
        }
        weir_consume(turn, 1);
        side->searched++;
    }
}

static struct weir_answer tls_data(struct weir_turn *turn, void *state)
{
    struct state *st = state;
    struct side *side = &st->sides[turn->dir];
    if (st->over)
        return weir_done();
    if (!st->x.open && !side->started && !tls_exchange_wanted(turn, false))
        return weir_done();
    while (turn->left) {
        if (side->lost) {
            resync(turn, side);
            if (side->searched > SEARCH_MOST) {
                finish(turn, st);
                return weir_done();
            }
            if (side->lost)
                return weir_more(RECORD_HEADER);
        }
        if (side->record_left) {
            handshake_bytes(turn, st, turn->left < side->record_left ? turn->left : side->record_left);
            continue;
        }
        uint32_t need;
        enum step step = record(turn, st, &need);
        if (step == STEP_MORE)
            return weir_more(need);
        if (step == STEP_OVER) {
            bool mine = st->sides[0].started || st->sides[1].started;
            finish(turn, st);
            return mine ? weir_done() : weir_not_mine();
        }
    }
    return weir_more(1);
}

static struct weir_answer tls_gap(struct weir_turn *turn, void *state, uint64_t bytes)
{
    struct state *st = state;
    struct side *side = &st->sides[turn->dir];
    if (st->over)
        return weir_done();
    if (bytes > side->record_left || !side->record_left) {
        side->lost = true;
        side->record_left = 0;
    } else {
        side->record_left -= (uint32_t)bytes;
        if (side->in_message && bytes < side->message_left) {
            side->message_left -= (uint32_t)bytes;
            side->damaged = true;
            return weir_more(1);
        }
        /* Where messages begin in the rest of this record is not known: it goes unread. */
        if (side->record_left)
            weir_pass(turn, WEIR_ROUTE_SKIP, side->record_left);
        side->record_left = 0;
    }
    side->damaged = true;
    message_end(turn, st);
    return weir_more(1);
}

static void tls_end(struct weir_turn *turn, void *state, enum weir_end end)
{
    struct state *st = state;
    if (end == WEIR_END_FIN)
        st->fin |= (uint8_t)(1u << turn->dir);
    if (end != WEIR_END_FIN || st->fin == 3)
        finish(turn, st);
}

/* ---- the probe ---- */

static enum weir_verdict probe_handshake(const struct weir_probe *probe, uint32_t size)
{
    const uint8_t *p = probe->data + RECORD_HEADER;
    uint32_t left = probe->size - RECORD_HEADER;
    enum weir_verdict short_of = probe->whole ? WEIR_LIKELY : WEIR_WAIT;
    if (left < 1)
        return short_of;
    bool hello = p[0] == TLS_CLIENT_HELLO || p[0] == TLS_SERVER_HELLO;
    if (!hello)
        return p[0] <= 24 ? WEIR_LIKELY : size >= 40 && probe->flow->midstream ? WEIR_LIKELY : WEIR_NO;
    if (size < 6)
        return WEIR_LIKELY; /* a hello in tiny records */
    if (left < 6)
        return short_of;
    uint32_t inner = weir_load_be24(p + 1);
    bool version = (p[4] == 3 && p[5] <= 4) || (p[4] == 0x7f && p[0] == TLS_SERVER_HELLO);
    if (!version || inner < 38 || inner > HELLO_MOST)
        return WEIR_NO;
    if (left >= 39 && p[38] > 32 && p[4] == 3) /* length of the session id */
        return WEIR_NO;
    return WEIR_YES;
}

static enum weir_verdict probe_data(const struct weir_probe *probe, uint32_t size)
{
    uint32_t next = RECORD_HEADER + size;
    if (probe->data[2] == 0 || size < 16)
        return WEIR_NO; /* shorter than what every cipher adds */
    if (probe->size >= next + RECORD_HEADER)
        return plausible_header(probe->data + next) && probe->data[next + 2] == probe->data[2] ? WEIR_YES : WEIR_NO;
    if (probe->size == next)
        return WEIR_YES;
    return next < PROBE_BYTES && !probe->whole ? WEIR_WAIT : WEIR_LIKELY;
}

static enum weir_verdict tls_probe(const struct weir_probe *probe)
{
    const uint8_t *p = probe->data;
    enum weir_verdict short_of = probe->whole ? WEIR_NO : WEIR_WAIT;
    if (!probe->size)
        return short_of;
    if (p[0] >> 7) {
        if (probe->size < RECORD_HEADER)
            return probe->size >= 3 && p[2] != TLS_CLIENT_HELLO ? WEIR_NO : short_of;
        uint32_t v2 = v2_size(p);
        if (!v2)
            return WEIR_NO;
        struct tls_client hello;
        if (probe->size < v2)
            return short_of;
        return tls_client_parse_v2(&hello, p + 3, v2 - 3) ? WEIR_YES : WEIR_NO;
    }
    if (p[0] < REC_CHANGE_CIPHER || p[0] > REC_DATA || (probe->size >= 2 && p[1] != 3) ||
        (probe->size >= 3 && p[2] > 4))
        return WEIR_NO;
    if (probe->size < RECORD_HEADER)
        return short_of;
    if (!plausible_header(p))
        return WEIR_NO;
    uint32_t size = weir_load_be16(p + 3);
    switch (p[0]) {
    case REC_HANDSHAKE: return probe_handshake(probe, size);
    case REC_CHANGE_CIPHER: return size != 1 ? WEIR_NO : probe->size < 6 ? short_of : p[5] == 1 ? WEIR_YES : WEIR_NO;
    case REC_ALERT:
        if (size != 2)
            return size >= 18 && size <= 80 ? WEIR_LIKELY : WEIR_NO;
        return probe->size < 7 ? short_of : p[5] == 1 || p[5] == 2 ? WEIR_YES : WEIR_NO;
    default: return probe_data(probe, size);
    }
}

extern const struct weir_analyser weir_tls;
const struct weir_analyser weir_tls = {
    .abi = WEIR_ABI,
    .size = sizeof(struct weir_analyser),
    .name = "tls",
    .doc = "TLS handshakes: server names, versions, ciphers, certificates and fingerprints (JA3, JA3S, JA4)",
    .state_bytes = sizeof(struct state),
    .transports = WEIR_OVER_STREAM,
    .tables = tls_tables,
    .probe = tls_probe,
    .on_data = tls_data,
    .on_gap = tls_gap,
    .on_end = tls_end,
};
