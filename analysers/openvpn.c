/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openvpn.c - OpenVPN's control channel, over UDP and TCP: the way to the TLS handshake in it.
 *
 * A packet is an operation and key number, the sender's session id, with tls-auth a digest of 16 to 64 bytes with
 * packet number and time, the packets it acknowledges, its own number, and a piece of the TLS stream.  Over TCP two
 * bytes of length stand before each.  How long the digest is follows from the first packet, whose number is 0 and which
 * carries nothing.  Pieces go to the child stream in the order of their numbers; one that comes too early is dropped,
 * since it is sent again.  What tls-crypt encrypts stays closed.
 */
#include <weir/analyser.h>

enum operation {
    CONTROL_V1 = 4,
    ACK_V1 = 5,
    RESET_CLIENT_V2 = 7,
    RESET_SERVER_V2 = 8,
};

#define SESSION_BYTES 8u
#define REPLAY_BYTES 8u /* tls-auth: packet number and time */
#define ACKS_MOST 8u
#define PACKET_MOST 2048u
#define CONTROL_MOST 256u /* packets, after which the handshake is over */

struct state {
    uint32_t next[2]; /* number of the packet that is due */
    uint32_t packets;
    uint8_t digest_bytes;
    bool started, child;
};

static const struct weir_table *const no_tables[] = {NULL};

/* Bytes of the digest in a client's first packet: all that is there beyond the rest of it.  -1: it is none. */
static int digest_of_reset(const uint8_t *p, uint32_t size)
{
    static const uint8_t digests[] = {0, 16, 20, 28, 32, 48, 64};
    if (size < 14 || p[0] != RESET_CLIENT_V2 << 3)
        return -1;
    for (uint32_t i = 0; i < sizeof digests; i++) {
        uint32_t extra = digests[i] ? digests[i] + REPLAY_BYTES : 0;
        if (size == 1 + SESSION_BYTES + extra + 1 + 4 && p[size - 5] == 0 && weir_load_be32(p + size - 4) == 0)
            return digests[i];
    }
    return -1;
}

/* A packet with its sender's number and piece of the stream.  false: it has none. */
static bool piece_of(const struct state *st, struct weir_bytes b, uint32_t *number, struct weir_bytes *piece)
{
    uint8_t operation = weir_u8(&b) >> 3;
    if (operation != CONTROL_V1 && operation != RESET_CLIENT_V2 && operation != RESET_SERVER_V2)
        return false;
    weir_skip(&b, SESSION_BYTES + (st->digest_bytes ? st->digest_bytes + REPLAY_BYTES : 0));
    uint8_t acks = weir_u8(&b);
    weir_skip(&b, acks ? acks * 4u + SESSION_BYTES : 0);
    *number = weir_be32(&b);
    *piece = b;
    return !b.bad && acks <= ACKS_MOST;
}

/* false: nothing more is wanted of the flow. */
static bool packet(struct weir_turn *turn, struct state *st, const uint8_t *data, uint32_t size)
{
    struct weir_bytes piece;
    uint32_t number;
    if (!st->started) {
        int digest = digest_of_reset(data, size);
        if (digest < 0)
            return false;
        st->digest_bytes = (uint8_t)digest;
        st->started = true;
    }
    if (++st->packets > CONTROL_MOST)
        return false;
    if (!piece_of(st, weir_bytes(data, size), &number, &piece) || number != st->next[turn->dir])
        return true;
    st->next[turn->dir]++;
    if (!weir_left(&piece))
        return true;
    if (!st->child && weir_child_open(turn, "tls") != 0)
        return false;
    st->child = true;
    weir_child_data(turn, piece.at, (uint32_t)weir_left(&piece));
    return true;
}

static struct weir_answer openvpn_data(struct weir_turn *turn, void *state)
{
    while (turn->left >= 2) {
        uint32_t size = weir_load_be16(turn->data);
        if (size < 14 || size > PACKET_MOST)
            return weir_done();
        if (turn->left < 2 + size)
            return weir_more(2 + size);
        if (!packet(turn, state, turn->data + 2, size))
            return weir_done();
        weir_consume(turn, 2 + size);
    }
    return weir_more(2);
}

static struct weir_answer openvpn_datagram(struct weir_turn *turn, void *state)
{
    return packet(turn, state, turn->data, turn->left) ? weir_more(1) : weir_done();
}

static enum weir_verdict openvpn_probe(const struct weir_probe *probe)
{
    const uint8_t *p = probe->data;
    uint32_t size = probe->size;
    if (probe->flow->proto == WEIR_UDP)
        return probe->dir == WEIR_ORIG && digest_of_reset(p, size) >= 0 ? WEIR_YES : WEIR_NO;
    if (probe->dir != WEIR_ORIG || (size >= 1 && p[0] != 0) || (size >= 2 && p[1] < 14) ||
        (size >= 3 && p[2] != RESET_CLIENT_V2 << 3))
        return probe->dir == WEIR_ORIG || (size && p[0] != 0) ? WEIR_NO : WEIR_WAIT;
    if (size < 3 || size < 2u + p[1])
        return probe->whole ? WEIR_NO : WEIR_WAIT;
    return digest_of_reset(p + 2, p[1]) >= 0 ? WEIR_YES : WEIR_NO;
}

extern const struct weir_analyser weir_openvpn;
const struct weir_analyser weir_openvpn = {
    .abi = WEIR_ABI,
    .size = sizeof(struct weir_analyser),
    .name = "openvpn",
    .doc = "OpenVPN: the TLS handshake of its control channel",
    .state_bytes = sizeof(struct state),
    .transports = WEIR_OVER_STREAM | WEIR_OVER_DATAGRAM,
    .tables = no_tables,
    .probe = openvpn_probe,
    .on_data = openvpn_data,
    .carries = true,
    .on_datagram = openvpn_datagram,
};
