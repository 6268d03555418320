/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 (RFC 791) and IPv6 (RFC 8200) headers, with options and extension headers passed over.
 *
 * An IP length bounds what follows, so that link padding never counts as payload.  A length of 0 stands in frames that were
 * captured before the card cut them up (segmentation offload); then the captured size counts.  A length beyond the frame is
 * kept as the sender's word: the rest counts as not captured.
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
    walk->ip.proto = proto;
    switch (proto) {
    case PROTO_TCP: return LAYER_TCP;
    case PROTO_UDP: return LAYER_UDP;
    case PROTO_SCTP: return LAYER_SCTP;
    case PROTO_ICMP: return walk->ip.family == 4 ? LAYER_ICMP : LAYER_OTHER;
    case PROTO_ICMPV6: return walk->ip.family == 6 ? LAYER_ICMP : LAYER_OTHER;
    case PROTO_NONE: return walk->ip.family == 6 ? LAYER_NO_FLOW : LAYER_OTHER;
    default: return LAYER_OTHER;
    }
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
    walk->ip = (struct ip){ip + 12, ip + 16, total, walk->at, 4, ip[9]};
    walk_bound(walk, walk->at + total);
    walk->at += head;
    if (weir_load_be16(ip + 6) & 0x3fff) {
        walk->ledger->count[LEDGER_fragment]++;
        return LAYER_NO_FLOW;
    }
    return by_proto(walk, ip[9]);
}

enum layer network_ipv6(struct walk *walk)
{
    const uint8_t *ip = walk_here(walk);
    if (walk_left(walk) < 40 || ip[0] >> 4 != 6)
        return LAYER_BAD_NETWORK;
    uint32_t bytes = weir_load_be16(ip + 4);
    bytes = bytes ? bytes + 40 : walk->wire_end - walk->at;
    walk->ip = (struct ip){ip + 8, ip + 24, bytes, walk->at, 6, ip[6]};
    walk_bound(walk, walk->at + bytes);
    walk->at += 40;
    uint8_t proto = ip[6];
    for (int i = 0; i < EXTENSIONS_MAX; i++) {
        uint32_t left = walk_left(walk), size;
        const uint8_t *head = walk_here(walk);
        switch (proto) {
        case PROTO_HOP_BY_HOP:
        case PROTO_ROUTING:
        case PROTO_DESTINATION:
            if (left < 8 || (size = head[1] * 8u + 8) > left)
                return LAYER_BAD_NETWORK;
            break;
        case PROTO_FRAGMENT: walk->ledger->count[LEDGER_fragment]++; return LAYER_NO_FLOW;
        default: return by_proto(walk, proto);
        }
        proto = head[0];
        walk->at += size;
    }
    return LAYER_TOO_DEEP;
}

enum layer network_ip(struct walk *walk)
{
    if (walk_left(walk) < 1)
        return LAYER_BAD_NETWORK;
    return *walk_here(walk) >> 4 == 6 ? LAYER_IPV6 : LAYER_IPV4;
}
