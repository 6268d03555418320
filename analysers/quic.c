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
#define OPENSSL_API_COMPAT 0x10101000L /* AES_encrypt(): no allocation, no lock, no context to keep for each thread */
#include <openssl/aes.h>
#include <openssl/modes.h>

#include "tls/tls.h"

#define ID_MOST 20u       /* bytes of a connection id (RFC 9000 section 17.2) */
#define PACKET_MOST 4096u /* bytes of an Initial packet that is opened */
#define STREAM_MOST 16384u
#define STREAM_FIRST 4096u
#define RANGES 32u  /* pieces of a CRYPTO stream that are out of order */
#define PACKETS 64u /* Initial packets that are opened in a flow */
#define TAG_BYTES 16u
#define SAMPLE_AT 4u /* the sample for header protection begins as if the packet number had four bytes */

enum packet_type { PACKET_INITIAL, PACKET_0RTT, PACKET_HANDSHAKE, PACKET_RETRY };

struct keys {
    uint8_t key[16], hp[16], iv[12];
};

/* Received bytes [from, to) of a CRYPTO stream, in ascending order and apart. */
struct range {
    uint32_t from, to;
};

/* One direction's CRYPTO stream.  `base` is where the message that is being put together begins. */
struct stream {
    uint8_t *data; /* held: from `base` on */
    uint64_t base;
    uint32_t room, ranges;
    uint64_t ts_ns; /* of its first piece */
    struct range range[RANGES];
};

/* Keys, and what they were made from. */
struct secrets {
    uint32_t version;
    uint8_t id_bytes;
    uint8_t id[ID_MOST];
    struct keys keys[2]; /* client's and server's */
};

struct state {
    struct secrets secrets;
    uint8_t client; /* direction of the client's Initial packets */
    bool keyed, over, secured;
    uint8_t packets;
    struct stream streams[2];
    struct tls_exchange x;
};
_Static_assert(sizeof(struct state) <= 4096, "the host gives 4,096 bytes");

/* ---- versions ---- */

struct version {
    const uint8_t *salt;
    bool v2; /* labels and packet types of RFC 9369 */
};

static const uint8_t salt_v1[20] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                                    0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a};
static const uint8_t salt_v2[20] = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                                    0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9};
static const uint8_t salt_29[20] = {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
                                    0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99};
static const uint8_t salt_23[20] = {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
                                    0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02};

#define QUIC_V2 0x6b3343cfu
#define QUIC_DRAFT 0xff000000u

/* What opens packets of that version.  Versions that only force a negotiation (RFC 9000 section 15) do not say: their
 * salt is that of the client's own version, so several are tried.  No salt: nothing is left to try. */
static struct version version_of(uint32_t number, uint32_t try)
{
    const uint8_t *salts[3] = {NULL, NULL, NULL};
    uint32_t draft = number - QUIC_DRAFT;
    if (number == 1 || (draft >= 33 && draft <= 34)) {
        salts[0] = salt_v1;
    } else if (number == QUIC_V2) {
        salts[0] = salt_v2;
    } else if (draft >= 29 && draft <= 32) {
        salts[0] = salt_29;
    } else if (draft >= 23 && draft <= 28) {
        salts[0] = salt_23;
    } else if ((number & 0x0f0f0f0f) == 0x0a0a0a0a) {
        salts[0] = salt_v1, salts[1] = salt_29, salts[2] = salt_23;
    }
    return (struct version){try < 3 ? salts[try] : NULL, number == QUIC_V2};
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
    if (b->bad || size > weir_left(b) || size < SAMPLE_AT + 16)
        return false;
    h->number = b->at;
    h->left = (uint32_t)size;
    weir_skip(b, (size_t)size);
    return true;
}

/* ---- keys ---- */

static void derive(struct keys *keys, const uint8_t initial[32], const char *side, bool v2)
{
    uint8_t secret[32];
    tls_hkdf_expand_label(initial, side, secret, 32);
    tls_hkdf_expand_label(secret, v2 ? "quicv2 key" : "quic key", keys->key, 16);
    tls_hkdf_expand_label(secret, v2 ? "quicv2 iv" : "quic iv", keys->iv, 12);
    tls_hkdf_expand_label(secret, v2 ? "quicv2 hp" : "quic hp", keys->hp, 16);
}

static void make_keys(struct state *st, struct version version, const struct header *h)
{
    uint8_t initial[32];
    st->secrets.version = h->version;
    st->secrets.id_bytes = (uint8_t)weir_left(&h->to);
    if (st->secrets.id_bytes)
        memcpy(st->secrets.id, h->to.at, st->secrets.id_bytes);
    tls_hmac_sha256(version.salt, 20, st->secrets.id, st->secrets.id_bytes, initial);
    derive(&st->secrets.keys[0], initial, "client in", version.v2);
    derive(&st->secrets.keys[1], initial, "server in", version.v2);
}

/* Takes protection and encryption off an Initial packet; bytes of plaintext, 0 when it is too short or long. */
static uint32_t open_packet(const struct header *h, const struct keys *keys, uint8_t plain[PACKET_MOST])
{
    AES_KEY aes;
    uint8_t mask[16], counter[16], stream[16] = {0}, head;
    if (h->left > PACKET_MOST)
        return 0;
    AES_set_encrypt_key(keys->hp, 128, &aes);
    AES_encrypt(h->number + SAMPLE_AT, mask, &aes);
    head = h->start[0] ^ (mask[0] & 0x0f);
    uint32_t number_bytes = (head & 3u) + 1;
    if (h->left < number_bytes + TAG_BYTES + 1)
        return 0;
    /* The nonce is the packet number, xored into the iv; GCM counts blocks of text from 2 (NIST SP 800-38D). */
    memcpy(counter, keys->iv, 12);
    memcpy(counter + 12, "\0\0\0\2", 4);
    for (uint32_t i = 0; i < number_bytes; i++)
        counter[12 - number_bytes + i] ^= h->number[i] ^ mask[1 + i];
    uint32_t size = h->left - number_bytes - TAG_BYTES;
    unsigned int used = 0;
    AES_set_encrypt_key(keys->key, 128, &aes);
    CRYPTO_ctr128_encrypt(h->number + number_bytes, plain, size, &aes, counter, stream, &used, (block128_f)AES_encrypt);
    return size;
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
        case FRAME_PADDING:
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

/* ---- CRYPTO streams ---- */

static void stream_drop(struct weir_turn *turn, struct stream *s)
{
    if (s->data)
        weir_release(turn, s->data);
    s->data = NULL;
    s->room = s->ranges = 0;
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

/* Room for the first `size` bytes from base on. */
static bool stream_grow(struct weir_turn *turn, struct stream *s, uint32_t size)
{
    if (size <= s->room)
        return true;
    uint32_t room = size <= STREAM_FIRST ? STREAM_FIRST : STREAM_MOST;
    uint8_t *data = size <= STREAM_MOST ? weir_hold(turn, room) : NULL;
    if (!data)
        return false;
    if (s->data) {
        memcpy(data, s->data, s->room);
        weir_release(turn, s->data);
    }
    s->data = data;
    s->room = room;
    return true;
}

/* Bytes from `base` on that are there without a hole. */
static uint32_t stream_ready(const struct stream *s)
{
    return s->ranges && s->range[0].from == 0 ? s->range[0].to : 0;
}

static void stream_add(struct weir_turn *turn, struct stream *s, const struct piece *piece)
{
    const uint8_t *data = piece->data.at;
    uint64_t size = weir_left(&piece->data), end = piece->offset + size;
    if (end <= s->base || !size)
        return;
    uint64_t skip = piece->offset < s->base ? s->base - piece->offset : 0;
    uint64_t from = piece->offset + skip - s->base, to = end - s->base;
    if (to > STREAM_MOST || !stream_grow(turn, s, (uint32_t)to))
        return;
    if (!s->ranges)
        s->ts_ns = turn->ts_ns;
    if (enter_range(s, (uint32_t)from, (uint32_t)to))
        memcpy(s->data + from, data + skip, (size_t)(to - from));
}

/* The message at the front is done with; what follows it moves up. */
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
    s->base += bytes;
}

/* ---- the handshake ---- */

static void finish(struct weir_turn *turn, struct state *st)
{
    st->over = true;
    if (st->x.open && st->x.answered)
        st->x.established = weir_uint(st->secured);
    tls_exchange_emit(turn, &st->x);
}

static void handle_message(struct weir_turn *turn, struct state *st, int side, const uint8_t *message, uint32_t size)
{
    struct tls_client client;
    struct tls_server server;
    char room[16];
    if (side == 0 && message[0] == TLS_CLIENT_HELLO && tls_client_parse(&client, message + 4, size)) {
        tls_exchange_emit(turn, &st->x);
        tls_exchange_client(&st->x, &client, true, st->streams[0].ts_ns);
        tls_exchange_emit_quic(turn, &st->x, version_text(st->secrets.version, room));
    } else if (side == 1 && st->x.open && message[0] == TLS_SERVER_HELLO &&
               tls_server_parse(&server, message + 4, size)) {
        tls_exchange_server(&st->x, &server);
    }
}

static void stream_messages(struct weir_turn *turn, struct state *st, int side)
{
    struct stream *s = &st->streams[side];
    for (uint32_t ready = stream_ready(s); ready >= 4; ready = stream_ready(s)) {
        uint32_t size = weir_load_be24(s->data + 1);
        if (size > STREAM_MOST - 4 || ready < size + 4)
            return;
        handle_message(turn, st, side, s->data, size);
        stream_advance(s, size + 4);
    }
}

static void packet_frames(struct weir_turn *turn, struct state *st, int side, const uint8_t *plain, uint32_t size)
{
    struct weir_bytes b = weir_bytes(plain, size);
    struct piece piece;
    while (next_crypto(&b, &piece))
        stream_add(turn, &st->streams[side], &piece);
    stream_messages(turn, st, side);
}

/* Opens a client's packet by the keys that its own connection id gives; keeps them if they fit, else the old ones. */
static uint32_t open_anew(struct weir_turn *turn, struct state *st, const struct header *h, uint8_t *plain)
{
    struct secrets old = st->secrets;
    for (uint32_t try = 0;; try++) {
        struct version version = version_of(h->version, try);
        if (!version.salt)
            break;
        make_keys(st, version, h);
        uint32_t size = open_packet(h, &st->secrets.keys[0], plain);
        if (!frames_are_whole(plain, size))
            continue;
        for (int i = 0; i < 2; i++) {
            stream_drop(turn, &st->streams[i]);
            st->streams[i].base = 0;
        }
        st->keyed = true;
        st->client = turn->dir;
        return size;
    }
    st->secrets = old;
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
    uint32_t size = st->keyed ? open_packet(h, &st->secrets.keys[side], plain) : 0;
    if (!size || !frames_are_whole(plain, size)) {
        bool same = st->keyed && h->version == st->secrets.version && weir_left(&h->to) == st->secrets.id_bytes &&
                    memcmp(st->secrets.id, h->to.at, st->secrets.id_bytes) == 0;
        size = side == 0 && !same ? open_anew(turn, st, h, plain) : 0;
    }
    if (size)
        packet_frames(turn, st, side, plain, size);
}

static struct weir_answer quic_datagram(struct weir_turn *turn, void *state)
{
    struct state *st = state;
    struct weir_bytes b = weir_bytes(turn->data, turn->left);
    struct header h;
    if (st->over || !tls_exchange_wanted(turn, true))
        return weir_done();
    while (weir_left(&b)) {
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
