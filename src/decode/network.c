/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 (RFC 791) and IPv6 (RFC 8200) headers, with options and extension headers passed over.
 *
 * An IP length bounds what follows, so that link padding never counts as payload.  A length of 0 stands in frames that were
 * captured before the card cut them up (segmentation offload) and in jumbograms (RFC 2675); then the captured size counts.  A length beyond
 * the frame is kept as the sender's word: the rest counts as not captured.
 */
#include "decode/layers.h"

#define EXTENSIONS_MAX 12 /* IPv6 extension headers and authentication headers in a packet */

enum {
    PROTO_HOP_BY_HOP = 0,
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_ROUTING = 43,
    PROTO_FRAGMENT = 44,
    PROTO_AH = 51,
    PROTO_ICMPV6 = 58,
    PROTO_NONE = 59,
    PROTO_DESTINATION = 60,
    PROTO_SCTP = 132,
    PROTO_MOBILITY = 135,
    PROTO_HIP = 139,
    PROTO_SHIM6 = 140
};

static enum layer by_proto(struct walk *walk, uint8_t proto)
{
    bool v6 = walk->ip.family == 6;
    walk->ip.proto = proto;
    switch (proto) {
    case PROTO_TCP: return LAYER_TCP;
    case PROTO_UDP: return LAYER_UDP;
    case PROTO_SCTP: return LAYER_SCTP;
    case PROTO_ICMP: return v6 ? LAYER_OTHER : LAYER_ICMP;
    case PROTO_ICMPV6: return v6 ? LAYER_ICMP : LAYER_OTHER;
    case PROTO_NONE: return v6 ? LAYER_NO_FLOW : LAYER_OTHER;
    default: return tunnel_by_proto(walk, proto);
    }
}

/* A packet on its way over given routers: the end that it is for stands in the routing header (RFC 8200, 6275, 8754). */
static void route(struct walk *walk, const uint8_t *head, uint32_t size)
{
    uint8_t type = head[2], left = head[3];
    if (left == 0 || size < 24)
        return;
    if (type == 0)
        walk->ip.dst = head + size - 16;
    else if (type == 2 || type == 4)
        walk->ip.dst = head + 8;
}

/* Behind the eight bytes that walk->at has passed. */
static enum layer fragment_ipv6(struct walk *walk, const uint8_t *head)
{
    uint16_t place = weir_load_be16(head + 2);
    walk->fragment = true;
    if (!(place & 0xfff9))
        return LAYER_OTHER; /* whole in one fragment, RFC 6946 */
    struct fragment fragment = {weir_load_be32(head + 4), place & 0xfff8, place & 1, head[0], 40};
    return fragment_add(walk, &fragment);
}

/* The chain of headers behind the fixed IPv6 header; in IPv4 only the authentication header is one. */
static enum layer chain(struct walk *walk, uint8_t proto)
{
    bool v6 = walk->ip.family == 6;
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        uint32_t left = walk_left(walk), size;
        const uint8_t *head = walk_here(walk);
        switch (proto) {
        case PROTO_HOP_BY_HOP:
        case PROTO_ROUTING:
        case PROTO_DESTINATION:
        case PROTO_MOBILITY:
        case PROTO_HIP:
        case PROTO_SHIM6:
            if (!v6)
                return by_proto(walk, proto);
            if (left < 8 || (size = head[1] * 8u + 8) > left)
                return LAYER_BAD_NETWORK;
            if (head[0] == PROTO_NONE && proto >= PROTO_MOBILITY)
                return by_proto(walk, proto); /* a message of its own, not a header before another */
            if (proto == PROTO_ROUTING)
                route(walk, head, size);
            break;
        case PROTO_AH:
            if (left < 8 || (size = head[1] * 4u + 8) > left)
                return LAYER_BAD_NETWORK;
            break;
        case PROTO_FRAGMENT:
            if (!v6)
                return by_proto(walk, proto);
            if (left < 8)
                return LAYER_BAD_NETWORK;
            walk->at += 8;
            enum layer next = fragment_ipv6(walk, head);
            if (next != LAYER_OTHER)
                return next;
            size = 0;
            break;
        default: return by_proto(walk, proto);
        }
        proto = head[0];
        walk->at += size;
    }
    return LAYER_TOO_DEEP;
}

static void enter(struct walk *walk, const uint8_t *src, uint32_t addr_size, uint32_t total, uint8_t family)
{
    uint32_t bytes = walk->joined ? walk->joined : total;
    walk->joined = 0;
    walk->ip = (struct ip){src, src + addr_size, bytes, walk->at, family, 0};
    walk_bound(walk, walk->at + total);
}

enum layer network_ipv4(struct walk *walk)
{
    const uint8_t *ip = walk_here(walk);
    uint32_t left = walk_left(walk);
    if (left < 20 || ip[0] >> 4 != 4)
        return LAYER_BAD_NETWORK;
    uint32_t head = (ip[0] & 15u) * 4, total = weir_load_be16(ip + 2);
    if (total == 0)
        total = walk->wire_end - walk->at;
    if (head < 20 || head > left || total < head)
        return LAYER_BAD_NETWORK;
    enter(walk, ip + 12, 4, total, 4);
    walk->at += head;
    uint16_t place = weir_load_be16(ip + 6);
    if (!(place & 0x3fff))
        return chain(walk, ip[9]);
    struct fragment fragment = {weir_load_be16(ip + 4), (place & 0x1fffu) * 8, place & 0x2000, ip[9], head};
    walk->fragment = true;
    enum layer next = fragment_add(walk, &fragment);
    return next == LAYER_OTHER ? chain(walk, ip[9]) : next;
}

/* Jumbo payload, RFC 2675: a hop-by-hop option that gives the length. */
static uint32_t jumbo(const struct walk *walk, const uint8_t *ip)
{
    const uint8_t *option = ip + 40;
    if (ip[6] == PROTO_HOP_BY_HOP && walk_left(walk) >= 48 && option[2] == 0xc2 && option[3] == 4)
        return weir_load_be32(option + 4);
    return 0;
}

enum layer network_ipv6(struct walk *walk)
{
    const uint8_t *ip = walk_here(walk);
    if (walk_left(walk) < 40 || ip[0] >> 4 != 6)
        return LAYER_BAD_NETWORK;
    uint32_t total = weir_load_be16(ip + 4) + 40u, there = walk->wire_end - walk->at;
    if (total == 40 && ip[6] != PROTO_NONE) {
        uint32_t size = jumbo(walk, ip);
        total = size > 0xffff && size <= there - 40 ? size + 40 : there;
    }
    enter(walk, ip + 8, 16, total, 6);
    walk->at += 40;
    return chain(walk, ip[6]);
}

enum layer network_ip(struct walk *walk)
{
    if (walk_left(walk) < 1)
        return LAYER_BAD_NETWORK;
    return *walk_here(walk) >> 4 == 6 ? LAYER_IPV6 : LAYER_IPV4;
}
