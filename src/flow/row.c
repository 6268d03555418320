/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of tables `flow` and `flow_active`: what was learned of a flow, under the names that users rely on.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1_*: the one-shot EVP call costs several times the digest itself */
#include <openssl/sha.h>
#include <string.h>

#include "base/hash.h"
#include "flow/entry.h"

#define FLOW_ROW(X, R)                                                                                                 \
    X(R, STR, community_id, "communityid", "", "Community ID version 1, seed 0")                                       \
    X(R, STR, iface, "frame.interface_name", "network.interface.name",                                                 \
      "interface that the first packet was captured on")                                                               \
    X(R, U16, vlan, "vlan.id", "", "outermost 802.1Q VLAN of the first packet")                                        \
    X(R, STR, service, "", "network.protocol.name", "application protocol")                                            \
    X(R, STR, service_by, "", "", "evidence that named the service")                                                   \
    X(R, U8, service_confidence, "", "", "confidence in the service, percent")                                         \
    X(R, DURATION, duration_ns, "", "", "first to last packet")                                                        \
    X(R, U64, src_packets, "", "", "packets from the originator")                                                      \
    X(R, U64, dst_packets, "", "", "packets from the responder")                                                       \
    X(R, U64, src_bytes, "", "", "IP bytes on the wire from the originator")                                           \
    X(R, U64, dst_bytes, "", "", "IP bytes on the wire from the responder")                                            \
    X(R, U64, src_payload_bytes, "", "", "transport payload bytes from the originator")                                \
    X(R, U64, dst_payload_bytes, "", "", "transport payload bytes from the responder")                                 \
    X(R, STR, state, "", "", "connection state, Zeek's conn_state names")                                              \
    X(R, STR, history, "", "", "what happened in which order, Zeek's letters, upper case from the originator")         \
    X(R, U64, missed_bytes, "", "", "TCP bytes that were sent but not captured")                                       \
    X(R, U32, src_retransmits, "", "", "segments that the originator sent again")                                      \
    X(R, U32, dst_retransmits, "", "", "segments that the responder sent again")                                       \
    X(R, DURATION, rtt_ns, "tcp.analysis.initial_rtt", "", "round trip of the handshake: SYN to the ACK that ends it") \
    X(R, STR, tunnel, "", "", "innermost tunnel that the flow was found in")                                           \
    X(R, U64, first_frame, "frame.number", "", "number of the flow's first frame")                                     \
    X(R, U64, last_frame, "", "", "number of the flow's last frame")

WEIR_TABLE(flow, FLOW_ROW, "one row a flow, when it ends");

static const struct weir_table flow_active_table = {"flow_active",
                                                    "a long flow so far, every few minutes",
                                                    flow_columns,
                                                    sizeof flow_columns / sizeof flow_columns[0],
                                                    sizeof(struct flow_row),
                                                    false};

const struct weir_table *const flow_tables[] = {&flow_table, &flow_active_table, NULL};

uint64_t row_uid(const struct flow *flow, uint32_t generation)
{
    static const uint64_t fixed[2] = {0x77656972, 0x666c6f77}; /* the same in every run: a uid is a name */
    uint64_t words[8];
    memcpy(words, &flow->key, sizeof flow->key);
    words[6] = flow->info.start_ns;
    words[7] = (uint64_t)generation << 1 | !!(flow->flags & FLOW_ORIG_HIGH);
    return hash_keyed(words, 8, fixed);
}

/* ICMP types that come with an answer; the Community ID of others keeps the direction. */
static bool icmp_is_two_way(uint8_t proto, uint8_t type)
{
    if (proto == 1)
        return type == 0 || (type >= 8 && type <= 10) || (type >= 13 && type <= 18);
    return (type >= 128 && type <= 136 && type != 132) || type == 139 || type == 140 || type == 144 || type == 145;
}

void flow_community_id(const struct packet_key *key, bool from_high, uint8_t icmp_type, char text[32])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bool icmp = key->proto == 1 || key->proto == 58;
    int first = icmp && !icmp_is_two_way(key->proto, icmp_type) && from_high;
    uint32_t size = key->family == 4 ? 4 : 16, at = 2;
    uint8_t in[40] = {0}, digest[24] = {0}; /* two bytes of seed, zero */
    memcpy(in + at, key->addr[first], size);
    memcpy(in + at + size, key->addr[!first], size);
    at += 2 * size;
    in[at++] = key->proto;
    at++;
    bool ports = icmp || key->proto == WEIR_TCP || key->proto == WEIR_UDP || key->proto == WEIR_SCTP;
    for (int i = 0; ports && i < 2; i++) {
        uint16_t port = key->port[i ? !first : first];
        in[at++] = (uint8_t)(port >> 8);
        in[at++] = (uint8_t)port;
    }
    SHA_CTX sha;
    SHA1_Init(&sha);
    SHA1_Update(&sha, in, at);
    SHA1_Final(digest, &sha);
    char *out = text;
    *out++ = '1';
    *out++ = ':';
    for (int i = 0; i < 21; i += 3) {
        uint32_t v = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = digits[v >> shift & 63];
    }
    out[-1] = '='; /* 20 bytes: the last group has two */
    *out = 0;
}

/* Zeek's conn_state from the states of both ends. */
static const char *tcp_state(const struct flow *flow)
{
    uint8_t o = flow->side[WEIR_ORIG].state, r = flow->side[WEIR_RESP].state;
    bool o_quiet = o == END_INACTIVE || o == END_PARTIAL, r_quiet = r == END_INACTIVE || r == END_PARTIAL;
    bool empty = flow->count[0].payload + flow->count[1].payload == 0;
    if (r == END_RESET) {
        if (o == END_SYN_SENT || o == END_SYN_ACK_SENT || (o == END_RESET && empty))
            return "REJ";
        return o_quiet ? "RSTRH" : "RSTR";
    }
    if (o == END_RESET)
        return r_quiet ? "RSTOS0" : "RSTO";
    if (o == END_CLOSED)
        return r == END_CLOSED ? "SF" : r_quiet ? "SH" : "S2";
    if (r == END_CLOSED)
        return o_quiet ? "SHR" : "S3";
    if (o == END_SYN_SENT && r == END_INACTIVE)
        return "S0";
    return o == END_ESTABLISHED && r == END_ESTABLISHED ? "S1" : "OTH";
}

static const char *state_of(const struct flow *flow)
{
    if (flow->flags & FLOW_TCP)
        return tcp_state(flow);
    if (flow->key.proto != WEIR_UDP)
        return "OTH";
    if (flow->count[WEIR_ORIG].packets)
        return flow->count[WEIR_RESP].packets ? "SF" : "S0";
    return "SHR";
}

static void fill_counts(struct flow_row *row, const struct flow *flow)
{
    const struct count *src = &flow->count[WEIR_ORIG], *dst = &flow->count[WEIR_RESP];
    row->duration_ns = weir_uint(flow->last_ns - flow->info.start_ns);
    row->src_packets = weir_uint(src->packets);
    row->dst_packets = weir_uint(dst->packets);
    row->src_bytes = weir_uint(src->bytes);
    row->dst_bytes = weir_uint(dst->bytes);
    row->src_payload_bytes = weir_uint(src->payload);
    row->dst_payload_bytes = weir_uint(dst->payload);
    if (!(flow->flags & FLOW_TCP))
        return;
    row->missed_bytes = weir_uint(flow->missed);
    row->src_retransmits = weir_uint(flow->retransmits[WEIR_ORIG]);
    row->dst_retransmits = weir_uint(flow->retransmits[WEIR_RESP]);
    if (flow->rtt_ns)
        row->rtt_ns = weir_uint(flow->rtt_ns);
}

void row_emit(struct flow_shard *shard, const struct flow *flow, bool active)
{
    const struct flow_shard_parts *parts = &shard->parts;
    const struct weir_table *table = active ? &flow_active_table : &flow_table;
    if (!record_wants(parts->out, table))
        return;
    struct flow_row row = {0};
    char community_id[32];
    flow_community_id(&flow->key, !!(flow->flags & FLOW_ORIG_HIGH), flow->icmp_type, community_id);
    row.community_id = weir_str(community_id, 30);
    const char *iface = parts->iface_name(parts->iface_context, flow->iface);
    if (iface[0])
        row.iface = weir_cstr(iface);
    if (flow->vlan != 0xffff)
        row.vlan = weir_uint(flow->vlan);
    uint8_t confidence = 0;
    const char *by = NULL, *service = parts->hooks->service(flow->space, &by, &confidence);
    if (service) {
        row.service = weir_cstr(service);
        row.service_by = weir_cstr(by);
        row.service_confidence = weir_uint(confidence);
    }
    fill_counts(&row, flow);
    row.state = weir_cstr(state_of(flow));
    row.history = weir_str(flow->history, flow->history_size);
    row.tunnel = weir_cstr(parts->tunnel_name(flow->tunnel));
    row.first_frame = weir_uint(flow->first_frame);
    row.last_frame = weir_uint(flow->last_frame);
    record_emit(parts->out, table, &flow->info, &row, flow->info.start_ns);
}
