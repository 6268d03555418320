/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quic.c - QUIC over UDP: the client hello in its Initial packets, and what came of it.
 *
 * Initial packets are encrypted with keys that follow from a connection id in the client's first packet and a salt of
 * the version (RFC 9001 section 5.2, RFC 9369 section 3.3, drafts 23 to 34), so anyone on the path can read them.  The
 * CRYPTO frames of both sides are put back in order, which gives the hellos, read by the code that reads TLS.
 *
 *     datagram -> coalesced packets -> header protection off -> AES-CTR -> frames -> CRYPTO stream -> hello
 *
 * The tag of AES-GCM is not checked: keys that all know prove nothing about the sender, and plaintext that does not
 * parse as frames from end to end is dropped as if the tag had failed.  Handshake and 1-RTT packets stay closed; that
 * the client sends the latter tells that the handshake came to its end, and then the flow is done with.
 *
 * Not here: versions of Google's and Facebook's own (named, not opened), HTTP/3, and paths that change their addresses.
 */
#include "quic/protect.h"
#include "tls/tls.h"

#define ID_MOST 20u        /* bytes of a connection id (RFC 9000 section 17.2) */
#define PACKET_MOST 4096u  /* bytes of an Initial packet that is opened */
#define STREAM_MOST 16384u /* bytes of a CRYPTO stream that are kept */
#define STREAM_STEP 512u   /* their room is a multiple of this */
#define RANGES 32u         /* pieces of a CRYPTO stream that are out of order */
#define PACKETS 64u        /* Initial packets that are opened in a flow */

enum packet_type { PACKET_INITIAL, PACKET_0RTT, PACKET_HANDSHAKE, PACKET_RETRY };

/* Received bytes [from, to) of a CRYPTO stream, in ascending order and apart. */
struct range {
    uint32_t from, to;
};

/* What has come of one direction's CRYPTO stream while a message of it is not whole.  Held. */
struct stream {
    uint64_t ts_ns; /* of its first piece */
    uint32_t room, ranges;
    struct range range[RANGES];
    uint8_t data[]; /* `room` bytes, from the state's `base` on */
};

/* Keys, and what they were made from. */
struct secrets {
    uint32_t version;
    uint8_t id_bytes;
    uint8_t id[ID_MOST];
    uint8_t initial[QUIC_SECRET_BYTES];
    bool made[2];
    struct quic_keys keys[2]; /* client's and server's */
};

struct state {
    struct secrets secrets;
    uint8_t client; /* direction of the client's Initial packets */
    bool keyed, over, secured;
    uint8_t packets;
    uint64_t base[2];          /* of the client's and the server's CRYPTO stream: bytes that are done with */
    struct stream *streams[2]; /* NULL: nothing is waiting */
    struct tls_exchange x;
};
_Static_assert(sizeof(struct state) <= 4096, "the host gives 4,096 bytes");

/* ---- versions ---- */

#define QUIC_V2 0x6b3343cfu
#define QUIC_DRAFT 0xff000000u

/* The salt that opens packets of that version; -1: none is left to try.  Versions that only force a negotiation (RFC
 * 9000 section 15) do not say: their salt is that of the client's own version, so several are tried. */
static int salt_of(uint32_t number, uint32_t try)
{
    static const int8_t any[] = {QUIC_SALT_V1, QUIC_SALT_29, QUIC_SALT_23};
    uint32_t draft = number - QUIC_DRAFT;
    if ((number & 0x0f0f0f0f) == 0x0a0a0a0a)
        return try < sizeof any ? any[try] : -1;
    if (try > 0)
        return -1;
    if (number == 1 || (draft >= 33 && draft <= 34))
        return QUIC_SALT_V1;
    if (number == QUIC_V2)
        return QUIC_SALT_V2;
    return draft >= 29 && draft <= 32 ? QUIC_SALT_29 : draft >= 23 && draft <= 28 ? QUIC_SALT_23 : -1;
}

/* A version of QUIC as the IETF has it, whether it can be opened or not. */
static bool known_version(uint32_t number)
{
    uint32_t draft = number - QUIC_DRAFT;
    return number == 1 || number == QUIC_V2 || (draft >= 12 && draft <= 34) || number >> 8 == 0xfaceb0 ||
           (number & 0x0f0f0f0f) == 0x0a0a0a0a;
}

static struct weir_str version_text(uint32_t number, char room[16])
{
    uint32_t draft = number - QUIC_DRAFT;
    uint8_t big[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    if (number == 1)
        return weir_cstr("1");
    if (number == QUIC_V2)
        return weir_cstr("2");
    if (draft < 100) {
        memcpy(room, "draft-", 6);
        room[6] = (char)('0' + draft / 10), room[7] = (char)('0' + draft % 10);
        return weir_str(room, 8);
    }
    memcpy(room, "0x", 2);
    tls_hex(room + 2, big, 4);
    return weir_str(room, 10);
}

/* ---- headers ---- */

struct header {
    uint32_t version;
    enum packet_type type;
    struct weir_bytes to, from, token; /* connection ids, token */
    const uint8_t *start;              /* first byte of the packet */
    const uint8_t *number;             /* protected packet number */
    uint32_t left;                     /* bytes from `number` to the end of the packet */
};

/* RFC 9000 section 16. */
static uint64_t varint(struct weir_bytes *b)
{
    uint64_t v = weir_u8(b);
    uint32_t more = (1u << (v >> 6)) - 1;
    v &= 0x3f;
    while (more--)
        v = v << 8 | weir_u8(b);
    return v;
}

/* A packet with a long header; the cursor moves behind it.  false: it is none, or does not fit. */
static bool long_header(struct weir_bytes *b, struct header *h)
{
    memset(h, 0, sizeof *h);
    h->start = b->at;
    uint8_t first = weir_u8(b);
    h->version = weir_be32(b);
    h->to = weir_sub(b, weir_u8(b));
    h->from = weir_sub(b, weir_u8(b));
    if (b->bad || !(first & 0x80) || !h->version || weir_left(&h->to) > ID_MOST || weir_left(&h->from) > ID_MOST)
        return false;
    uint32_t type = first >> 4 & 3;
    h->type = h->version == QUIC_V2 ? (type + 3) & 3 : type; /* RFC 9369 section 3.2 */
    if (h->type == PACKET_RETRY) {
        weir_skip(b, weir_left(b));
        return true;
    }
    if (h->type == PACKET_INITIAL) {
        uint64_t token = varint(b);
        h->token = weir_sub(b, token <= weir_left(b) ? (size_t)token : SIZE_MAX);
    }
    uint64_t size = varint(b);
    if (b->bad || size > weir_left(b) || size < QUIC_SAMPLE_AT + 16)
        return false;
    h->number = b->at;
    h->left = (uint32_t)size;
    weir_skip(b, (size_t)size);
    return true;
}

/* ---- frames ---- */

enum frame {
    FRAME_PADDING = 0x00,
    FRAME_PING = 0x01,
    FRAME_ACK = 0x02,
    FRAME_ACK_ECN = 0x03,
    FRAME_CRYPTO = 0x06,
    FRAME_CLOSE = 0x1c,
};

struct piece {
    uint64_t offset;
    struct weir_bytes data;
};

/* Most of a client's first packet is padding (RFC 9000 section 14.1). */
static void skip_padding(struct weir_bytes *b)
{
    while (weir_left(b) >= 8 && weir_load_be64(b->at) == 0)
        weir_skip(b, 8);
    while (weir_left(b) && *b->at == 0)
        weir_skip(b, 1);
}

static void skip_ack(struct weir_bytes *b, bool ecn)
{
    (void)varint(b);
    (void)varint(b);
    uint64_t count = varint(b);
    (void)varint(b);
    while (count-- && !b->bad) {
        (void)varint(b);
        (void)varint(b);
    }
    for (int i = 0; ecn && i < 3; i++)
        (void)varint(b);
}

/* The next CRYPTO frame.  false: no more, and b->bad if what is there are no frames that an Initial packet may have. */
static bool next_crypto(struct weir_bytes *b, struct piece *piece)
{
    while (weir_left(b)) {
        uint64_t type = varint(b);
        switch (type) {
        case FRAME_PADDING: skip_padding(b); break;
        case FRAME_PING: break;
        case FRAME_ACK:
        case FRAME_ACK_ECN: skip_ack(b, type == FRAME_ACK_ECN); break;
        case FRAME_CRYPTO: {
            piece->offset = varint(b);
            uint64_t size = varint(b);
            piece->data = weir_sub(b, size <= weir_left(b) ? (size_t)size : SIZE_MAX);
            return !b->bad;
        }
        case FRAME_CLOSE: {
            (void)varint(b);
            (void)varint(b);
            uint64_t reason = varint(b);
            weir_skip(b, reason <= weir_left(b) ? (size_t)reason : SIZE_MAX);
            break;
        }
        default: b->bad = true; break;
        }
    }
    return false;
}

static bool frames_are_whole(const uint8_t *plain, uint32_t size)
{
    if (!size)
        return false;
    struct weir_bytes b = weir_bytes(plain, size);
    struct piece piece;
    while (next_crypto(&b, &piece))
        continue;
    return !b.bad;
}

/* ---- the handshake ---- */

static void finish(struct weir_turn *turn, struct state *st)
{
    st->over = true;
    if (st->x.open && st->x.answered)
        st->x.established = weir_uint(st->secured);
    tls_exchange_emit(turn, &st->x);
}

static void handle_message(struct weir_turn *turn, struct state *st, int side, struct weir_bytes message,
                           uint64_t ts_ns)
{
    struct tls_client client;
    struct tls_server server;
    char room[16];
    const uint8_t *body = message.at + 4;
    uint32_t size = (uint32_t)weir_left(&message) - 4;
    if (side == 0 && message.at[0] == TLS_CLIENT_HELLO && tls_client_parse(&client, body, size)) {
        tls_exchange_emit(turn, &st->x);
        tls_exchange_client(turn, &st->x, &client, true, ts_ns);
        tls_exchange_emit_quic(turn, &st->x, version_text(st->secrets.version, room));
    } else if (side == 1 && st->x.open && message.at[0] == TLS_SERVER_HELLO && tls_server_parse(&server, body, size)) {
        tls_exchange_server(turn, &st->x, &server);
    }
}

/* Handles the messages that lie whole at the front of `data`; how many bytes they are. */
static uint32_t handle_messages(struct weir_turn *turn, struct state *st, int side, struct weir_bytes data,
                                uint64_t ts_ns)
{
    const uint8_t *start = data.at;
    while (weir_left(&data) >= 4) {
        uint32_t size = weir_load_be24(data.at + 1) + 4;
        if (size > STREAM_MOST || size > weir_left(&data))
            break;
        handle_message(turn, st, side, weir_sub(&data, size), ts_ns);
    }
    return (uint32_t)(data.at - start);
}

/* ---- CRYPTO streams ---- */

static void stream_drop(struct weir_turn *turn, struct state *st, int side)
{
    if (st->streams[side])
        weir_release(turn, st->streams[side]);
    st->streams[side] = NULL;
}

/* Enters [from, to) among the ranges.  false: too many pieces. */
static bool enter_range(struct stream *s, uint32_t from, uint32_t to)
{
    uint32_t i = 0, j;
    while (i < s->ranges && s->range[i].to < from)
        i++;
    for (j = i; j < s->ranges && s->range[j].from <= to; j++) {
        from = s->range[j].from < from ? s->range[j].from : from;
        to = s->range[j].to > to ? s->range[j].to : to;
    }
    if (i == j && s->ranges == RANGES)
        return false;
    memmove(s->range + i + 1, s->range + j, (s->ranges - j) * sizeof s->range[0]);
    s->ranges = s->ranges - (j - i) + 1;
    s->range[i] = (struct range){from, to};
    return true;
}

/* The stream of a side with room for `size` bytes; NULL: there is none to be had, and what there was stays. */
static struct stream *stream_with_room(struct weir_turn *turn, struct state *st, int side, uint64_t size)
{
    struct stream *old = st->streams[side], *s;
    if (size > STREAM_MOST || (old && size <= old->room))
        return size > STREAM_MOST ? NULL : old;
    uint32_t room = ((uint32_t)size + STREAM_STEP - 1) / STREAM_STEP * STREAM_STEP;
    if (old && room < 2 * old->room)
        room = 2 * old->room < STREAM_MOST ? 2 * old->room : STREAM_MOST;
    s = weir_hold(turn, (uint32_t)sizeof *s + room);
    if (!s)
        return NULL;
    if (old) {
        memcpy(s, old, sizeof *s + old->room);
        stream_drop(turn, st, side);
    } else {
        s->ts_ns = turn->ts_ns;
    }
    s->room = room;
    st->streams[side] = s;
    return s;
}

/* The messages at the front are done with; what follows them moves up. */
static void stream_advance(struct stream *s, uint32_t bytes)
{
    uint32_t n = 0;
    memmove(s->data, s->data + bytes, s->room - bytes);
    for (uint32_t i = 0; i < s->ranges; i++) {
        struct range r = s->range[i];
        if (r.to <= bytes)
            continue;
        s->range[n++] = (struct range){r.from > bytes ? r.from - bytes : 0, r.to - bytes};
    }
    s->ranges = n;
}

/* Bytes that lie `at` bytes behind the base, and that cannot be read as they are. */
static void stream_add(struct weir_turn *turn, struct state *st, int side, uint64_t at, struct weir_bytes data)
{
    uint64_t size = weir_left(&data);
    struct stream *s = stream_with_room(turn, st, side, at + size);
    if (!s || !enter_range(s, (uint32_t)at, (uint32_t)(at + size)))
        return;
    memcpy(s->data + at, data.at, (size_t)size);
    if (s->range[0].from != 0)
        return;
    uint32_t used = handle_messages(turn, st, side, weir_bytes(s->data, s->range[0].to), s->ts_ns);
    st->base[side] += used;
    stream_advance(s, used);
    if (!s->ranges)
        stream_drop(turn, st, side);
}

static void crypto(struct weir_turn *turn, struct state *st, int side, struct piece piece)
{
    uint64_t *base = &st->base[side];
    if (piece.offset < *base) {
        uint64_t old = *base - piece.offset;
        weir_skip(&piece.data, old < weir_left(&piece.data) ? (size_t)old : weir_left(&piece.data));
        piece.offset = *base;
    }
    if (piece.offset == *base && !st->streams[side]) {
        uint32_t used = handle_messages(turn, st, side, piece.data, turn->ts_ns);
        weir_skip(&piece.data, used);
        piece.offset = *base += used;
    }
    if (weir_left(&piece.data))
        stream_add(turn, st, side, piece.offset - *base, piece.data);
}

/* ---- packets ---- */

static const struct quic_keys *keys_of(struct secrets *secrets, int side)
{
    if (!secrets->made[side])
        quic_keys_of(&secrets->keys[side], secrets->initial, side == 1, secrets->version == QUIC_V2);
    secrets->made[side] = true;
    return &secrets->keys[side];
}

/* Bytes of plaintext, which are frames from end to end; 0: these keys do not open it. */
static uint32_t open_packet(const struct header *h, const struct quic_keys *keys, uint8_t plain[PACKET_MOST])
{
    uint32_t size = h->left <= PACKET_MOST ? quic_open(keys, h->start[0], h->number, h->left, plain) : 0;
    return frames_are_whole(plain, size) ? size : 0;
}

/* Opens a client's packet by the keys that its own connection id gives; keeps them if they fit, else the old ones. */
static uint32_t open_anew(struct weir_turn *turn, struct state *st, const struct header *h, uint8_t *plain)
{
    struct secrets new = {.version = h->version, .id_bytes = (uint8_t)weir_left(&h->to)};
    if (new.id_bytes)
        memcpy(new.id, h->to.at, new.id_bytes);
    int salt;
    for (uint32_t try = 0; (salt = salt_of(h->version, try)) >= 0; try++) {
        quic_secret((enum quic_salt)salt, new.id, new.id_bytes, new.initial);
        new.made[0] = false;
        uint32_t size = open_packet(h, keys_of(&new, 0), plain);
        if (!size)
            continue;
        for (int side = 0; side < 2; side++) {
            stream_drop(turn, st, side);
            st->base[side] = 0;
        }
        st->secrets = new;
        st->keyed = true;
        st->client = turn->dir;
        return size;
    }
    return 0;
}

/* The client goes on with its first connection id's keys, but has new ones after a Retry (RFC 9001 section 5.2). */
static void initial_packet(struct weir_turn *turn, struct state *st, const struct header *h)
{
    uint8_t plain[PACKET_MOST];
    if (st->packets >= PACKETS)
        return;
    st->packets++;
    int side = !st->keyed || turn->dir == st->client ? 0 : 1;
    uint32_t size = st->keyed ? open_packet(h, keys_of(&st->secrets, side), plain) : 0;
    if (!size && side == 0) {
        bool same = st->keyed && h->version == st->secrets.version && weir_left(&h->to) == st->secrets.id_bytes &&
                    memcmp(st->secrets.id, h->to.at, st->secrets.id_bytes) == 0;
        size = same ? 0 : open_anew(turn, st, h, plain);
    }
    struct weir_bytes frames = weir_bytes(plain, size);
    struct piece piece;
    while (next_crypto(&frames, &piece))
        crypto(turn, st, side, piece);
}

static struct weir_answer quic_datagram(struct weir_turn *turn, void *state)
{
    struct state *st = state;
    struct weir_bytes b = weir_bytes(turn->data, turn->left);
    struct header h;
    if (st->over || !tls_exchange_wanted(turn, true))
        return weir_done();
    while (weir_left(&b)) {
        if (!(b.at[0] & 0xc0)) /* no packet: padding behind the last one */
            break;
        if (!(b.at[0] & 0x80)) { /* 1-RTT: up to the datagram's end (RFC 9000 section 12.2) */
            if (!st->x.open || (turn->dir == st->client && st->x.answered)) {
                st->secured = true;
                finish(turn, st);
                return weir_done();
            }
            break;
        }
        if (!long_header(&b, &h))
            break;
        if (h.type == PACKET_INITIAL)
            initial_packet(turn, st, &h);
    }
    return weir_more(1);
}

static void quic_end(struct weir_turn *turn, void *state, enum weir_end end)
{
    finish(turn, state);
}

static enum weir_verdict quic_probe(const struct weir_probe *probe)
{
    struct weir_bytes b = weir_bytes(probe->data, probe->size);
    struct header h;
    if (probe->size < 21 || !(probe->data[0] & 0x80) || !known_version(weir_load_be32(probe->data + 1)))
        return WEIR_NO;
    return long_header(&b, &h) ? WEIR_YES : WEIR_NO;
}

extern const struct weir_analyser weir_quic;
const struct weir_analyser weir_quic = {
    .abi = WEIR_ABI,
    .size = sizeof(struct weir_analyser),
    .name = "quic",
    .doc = "QUIC connections: server names, application protocols and JA4 from their Initial packets",
    .state_bytes = sizeof(struct state),
    .transports = WEIR_OVER_DATAGRAM,
    .tables = tls_quic_tables,
    .probe = quic_probe,
    .on_datagram = quic_datagram,
    .on_end = quic_end,
};
