/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batch loop and the flow key.
 *
 * Nearly all packets are Ethernet, maybe a VLAN tag or two, IPv4 without options or IPv6 without extensions, TCP or UDP:
 * plain_packet() takes those in straight-line code and writes the packet in one go.  It answers false for whatever is otherwise,
 * before it has written anything, and walk_frame() starts again from the first byte: a loop over steps, a layer each.  Both
 * must give the same for what both can do; only the walk counts what is wrong.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "decode/layers.h"

#define AHEAD 12u /* packets whose first bytes are fetched ahead; a few hundred nanoseconds */

struct decode {
    uint64_t hash_key[2];
    bool vlan_in_key;
    struct fragments *fragments;
};

/* Addresses as they lie in the packet (IPv4: the upper part zero), in the order source, destination. */
struct ends {
    uint64_t addr[2][2];
    uint16_t port[2];
    bool high; /* the source is the higher end */
};

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline struct ends ends_ipv4(const uint8_t *src, const uint8_t *dst, uint16_t sport, uint16_t dport)
{
    struct ends ends = {{{weir_load_le32(src), 0}, {weir_load_le32(dst), 0}}, {sport, dport}, false};
    ends.high = ((uint64_t)weir_load_be32(src) << 16 | sport) > ((uint64_t)weir_load_be32(dst) << 16 | dport);
    return ends;
}

static inline struct ends ends_ipv6(const uint8_t *src, const uint8_t *dst, uint16_t sport, uint16_t dport)
{
    struct ends ends = {{{load64(src), load64(src + 8)}, {load64(dst), load64(dst + 8)}}, {sport, dport}, false};
    __extension__ unsigned __int128 from, to;
    from = weir_load_be64(src);
    from = from << 64 | weir_load_be64(src + 8);
    to = weir_load_be64(dst);
    to = to << 64 | weir_load_be64(dst + 8);
    ends.high = from == to ? sport > dport : from > to;
    return ends;
}

/* The key, its hashes and the direction.  Which end sent is a coin's toss for the branch predictor: swapped by mask. */
static inline __attribute__((always_inline)) void set_key(const struct decode *decode, struct packet *packet,
                                                          const struct ends *ends, uint32_t tunnel, uint16_t vlan,
                                                          uint8_t family, uint8_t proto)
{
    uint64_t mask = -(uint64_t)ends->high;
    uint64_t low = (ends->addr[0][0] ^ ends->addr[1][0]) & mask, up = (ends->addr[0][1] ^ ends->addr[1][1]) & mask;
    uint32_t ports = ends->high ? (uint32_t)ends->port[1] | (uint32_t)ends->port[0] << 16
                                : (uint32_t)ends->port[0] | (uint32_t)ends->port[1] << 16;
    uint64_t words[6] = {ends->addr[0][0] ^ low,         ends->addr[0][1] ^ up,
                         ends->addr[1][0] ^ low,         ends->addr[1][1] ^ up,
                         ports | (uint64_t)tunnel << 32, vlan | (uint64_t)family << 16 | (uint64_t)proto << 24};
    memcpy(&packet->key, words, sizeof words);
    packet->hash = hash_keyed(words, 6, decode->hash_key);
    packet->shard = (uint8_t)(hash_fixed(words, 6) >> 26);
    static_assert(PACKET_SHARDS == 1 << 6, "the upper six bits of the hash");
}

/* Two tags in 16 bits: tags under one outer tag stay apart. */
static inline uint16_t key_vlan(const struct decode *decode, const uint16_t vlan[2])
{
    if (!decode->vlan_in_key || vlan[0] == 0xffff)
        return 0;
    return (uint16_t)(vlan[1] == 0xffff ? vlan[0] : vlan[0] ^ vlan[1] << 4);
}

static inline bool is_vlan(uint16_t type)
{
    return type == 0x8100 || type == 0x88a8;
}

/* What plain_packet() reads of the headers down to IP. */
struct plain {
    uint32_t at;    /* of the IP header */
    uint32_t head;  /* its bytes */
    uint32_t total; /* of the IP packet */
    uint16_t vlan[2];
    uint8_t family, proto;
};

/* False for what is not plain, cut within the first eight bytes of the transport header included. */
static inline __attribute__((always_inline)) bool plain_network(const struct packet *packet, struct plain *plain)
{
    const uint8_t *data = packet->data;
    uint32_t cap = packet->caplen, at = 14;
    if (packet->link != PACKET_LINK_ETHERNET || cap < 14 + 20)
        return false;
    uint16_t type = weir_load_be16(data + 12);
    plain->vlan[0] = plain->vlan[1] = 0xffff;
    for (int i = 0; __builtin_expect(i < 2 && is_vlan(type), 0); i++) {
        plain->vlan[i] = weir_load_be16(data + at) & 0xfff;
        type = weir_load_be16(data + at + 2);
        at += 4;
    }
    const uint8_t *ip = data + at;
    plain->at = at;
    if (type == 0x0800) {
        if (cap < at + 28 || ip[0] != 0x45 || weir_load_be16(ip + 6) & 0x3fff)
            return false;
        plain->total = weir_load_be16(ip + 2);
        plain->head = 20;
        plain->proto = ip[9];
        plain->family = 4;
        return true;
    }
    if (type != 0x86dd || cap < at + 48 || ip[0] >> 4 != 6)
        return false;
    plain->total = weir_load_be16(ip + 4) + 40u;
    plain->head = 40;
    plain->proto = ip[6];
    plain->family = 6;
    return true;
}

static inline __attribute__((always_inline)) bool plain_packet(const struct decode *decode, struct packet *packet)
{
    struct plain plain;
    if (!plain_network(packet, &plain))
        return false;
    const uint8_t *ip = packet->data + plain.at, *transport = ip + plain.head;
    uint32_t begin = plain.at + plain.head, wire_end = plain.at + plain.total, payload = begin + 8, seq = 0, ack = 0;
    uint32_t end = wire_end < packet->caplen ? wire_end : packet->caplen;
    uint16_t sport = weir_load_be16(transport), dport = weir_load_be16(transport + 2), window = 0;
    uint8_t tcp_flags = 0, flags = PACKET_FLOW;
    if (plain.proto == 6) {
        if (end < begin + 20)
            return false;
        uint32_t size = (transport[12] >> 4) * 4u;
        payload = begin + size;
        if (size < 20 || payload > end)
            return false;
        seq = weir_load_be32(transport + 4);
        ack = weir_load_be32(transport + 8);
        tcp_flags = transport[13];
        window = weir_load_be16(transport + 14);
        flags = PACKET_FLOW | PACKET_TCP;
    } else if (plain.proto != 17 || payload > end || weir_load_be16(transport + 4) != plain.total - plain.head ||
               tunnel_port(sport, dport)) {
        return false;
    }
    struct ends ends =
        plain.family == 4 ? ends_ipv4(ip + 12, ip + 16, sport, dport) : ends_ipv6(ip + 8, ip + 24, sport, dport);
    set_key(decode, packet, &ends, 0, key_vlan(decode, plain.vlan), plain.family, plain.proto);
    packet->ip_bytes = plain.total;
    packet->payload = payload;
    packet->payload_bytes = end - payload;
    packet->payload_wire = wire_end - payload;
    packet->network = (uint16_t)plain.at;
    packet->transport = (uint16_t)begin;
    packet->flags = (uint8_t)((packet->flags & PACKET_CUT) | flags | (ends.high ? PACKET_FROM_HIGH : 0));
    packet->seq = seq;
    packet->ack = ack;
    packet->window = window;
    packet->tcp_flags = tcp_flags;
    packet->icmp_type = 0;
    packet->vlan = plain.vlan[0];
    packet->tunnel = 0;
    return true;
}

static void set_found(const struct decode *decode, const struct walk *walk)
{
    const struct found *found = &walk->found;
    struct packet *packet = walk->packet;
    const struct ip *ip = &found->ip;
    struct ends ends = ip->family == 4 ? ends_ipv4(ip->src, ip->dst, found->port[0], found->port[1])
                                       : ends_ipv6(ip->src, ip->dst, found->port[0], found->port[1]);
    set_key(decode, packet, &ends, found->tunnel, key_vlan(decode, walk->vlan), ip->family, ip->proto);
    packet->flags |= (uint8_t)(found->flags | (ends.high ? PACKET_FROM_HIGH : 0));
    packet->ip_bytes = ip->bytes;
    packet->payload = found->payload;
    packet->payload_bytes = found->payload_bytes;
    packet->payload_wire = found->payload_wire;
    packet->network = (uint16_t)ip->network;
    packet->transport = (uint16_t)found->transport;
    packet->seq = found->seq;
    packet->ack = found->ack;
    packet->window = found->window;
    packet->tcp_flags = found->tcp_flags;
    packet->icmp_type = found->icmp_type;
    packet->tunnel = (uint8_t)(found->tunnel >> 24);
}

static void set_nothing(struct packet *packet)
{
    uint8_t link = packet->link;
    packet->flags &= PACKET_CUT | PACKET_REBUILT;
    packet->hash = 0;
    packet->ip_bytes = packet->payload = packet->payload_bytes = packet->payload_wire = 0;
    packet->network = packet->transport = 0;
    packet->shard = 0;
    memset(&packet->key, 0, sizeof *packet - offsetof(struct packet, key));
    packet->vlan = 0xffff;
    packet->link = link;
}

static enum layer step(enum layer layer, struct walk *walk)
{
    switch (layer) {
    case LAYER_LINK: return link_first(walk);
    case LAYER_ETHERNET: return link_ethernet(walk);
    case LAYER_LLC: return link_llc(walk);
    case LAYER_MPLS: return link_mpls(walk);
    case LAYER_PPP: return serial_ppp(walk);
    case LAYER_80211: return wifi_80211(walk);
    case LAYER_IP: return network_ip(walk);
    case LAYER_IPV4: return network_ipv4(walk);
    case LAYER_IPV6: return network_ipv6(walk);
    case LAYER_GRE: return tunnel_gre(walk);
    case LAYER_NSH: return link_nsh(walk);
    case LAYER_TCP: return transport_tcp(walk);
    case LAYER_UDP: return transport_udp(walk);
    case LAYER_SCTP: return transport_sctp(walk);
    case LAYER_ICMP: return transport_icmp(walk);
    case LAYER_OTHER: return transport_other(walk);
    default: return layer;
    }
}

/* How the walk ended, with what was found on the way: inside a guess that proved wrong the packet is what holds it. */
static enum layer verdict(const struct walk *walk, enum layer layer)
{
    if (layer < LAYER_DONE)
        layer = LAYER_TOO_DEEP;
    if (walk->found.flags && (layer == LAYER_NOT_IP || (walk->guessed && layer != LAYER_NO_FLOW)))
        layer = LAYER_DONE;
    if (layer == LAYER_DONE && (walk->found.transport > 0xffff || walk->found.ip.network > 0xffff))
        layer = LAYER_TOO_DEEP; /* offsets are 16 bits */
    return layer;
}

static enum ledger_cause settle(uint64_t *count, enum layer end)
{
    switch (end) {
    case LAYER_NOT_IP: count[LEDGER_not_ip]++; return LEDGER_analysed;
    case LAYER_NO_FLOW: count[LEDGER_no_flow]++; return LEDGER_analysed;
    case LAYER_BAD_LINK: return LEDGER_undecodable_link;
    case LAYER_BAD_NETWORK: return LEDGER_undecodable_network;
    case LAYER_BAD_TRANSPORT: return LEDGER_undecodable_transport;
    case LAYER_TOO_DEEP: return LEDGER_undecodable_depth;
    default: return LEDGER_analysed;
    }
}

static __attribute__((noinline)) void walk_frame(struct decode *decode, struct block *block, struct packet *packet,
                                                 struct ledger *ledger)
{
    struct walk walk = {.data = packet->data,
                        .end = packet->caplen,
                        .wire_end = packet->wire_bytes > packet->caplen ? packet->wire_bytes : packet->caplen,
                        .vlan = {0xffff, 0xffff},
                        .link = packet->link,
                        .fragments = decode->fragments,
                        .block = block,
                        .packet = packet,
                        .ledger = ledger};
    packet->flags &= PACKET_CUT;
    enum layer layer = LAYER_LINK;
    for (int depth = 0; layer < LAYER_DONE && depth < DECODE_DEPTH; depth++)
        layer = step(layer, &walk);
    layer = verdict(&walk, layer);
    set_nothing(packet);
    packet->vlan = walk.vlan[0];
    ledger->count[LEDGER_fragment] += walk.fragment;
    ledger->count[settle(ledger->count, layer)]++;
    if (layer == LAYER_DONE)
        set_found(decode, &walk);
}

void decode_block(struct decode *decode, struct block *block, struct ledger *ledger)
{
    struct packet *packets = block->packets;
    uint32_t count = block->count, analysed = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(packets[i + AHEAD].data);
        if (__builtin_expect(plain_packet(decode, &packets[i]), 1))
            analysed++;
        else
            walk_frame(decode, block, &packets[i], ledger);
    }
    ledger->count[LEDGER_analysed] += analysed;
}

struct decode *decode_new(const struct decode_options *options)
{
    struct decode *decode = calloc(1, sizeof *decode);
    WEIR_CHECK(decode != NULL);
    decode->hash_key[0] = options->hash_key[0];
    decode->hash_key[1] = options->hash_key[1];
    decode->vlan_in_key = options->vlan_in_key;
    decode->fragments = fragment_new(options);
    return decode;
}

void decode_free(struct decode *decode)
{
    if (!decode)
        return;
    fragment_free(decode->fragments);
    free(decode);
}

const char *decode_tunnel_name(uint8_t tunnel)
{
    static const char *const names[PACKET_TUNNELS] = {
        [PACKET_TUNNEL_IPIP] = "ipip",     [PACKET_TUNNEL_GRE] = "gre",         [PACKET_TUNNEL_ERSPAN] = "erspan",
        [PACKET_TUNNEL_VXLAN] = "vxlan",   [PACKET_TUNNEL_GENEVE] = "geneve",   [PACKET_TUNNEL_GTP] = "gtp",
        [PACKET_TUNNEL_TEREDO] = "teredo", [PACKET_TUNNEL_MPLS] = "mpls",       [PACKET_TUNNEL_L2TP] = "l2tp",
        [PACKET_TUNNEL_CAPWAP] = "capwap", [PACKET_TUNNEL_ETHERIP] = "etherip",
    };
    return tunnel < PACKET_TUNNELS ? names[tunnel] : NULL;
}
