/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnels: IP in IP, GRE, and those over UDP.
 *
 * A tunnel's own packet is set as found before its inside is looked at, so that one that carries no IP (ARP in VXLAN, a keepalive,
 * an echo) is a packet of the tunnel's flow.  Tunnels over UDP are told by a port and are therefore checked with care; what does
 * not look right is plain UDP.
 *
 * The kind of the innermost tunnel is part of the flow key; its id only where both directions bear the same one: VXLAN's network
 * and ERSPAN's session.  Elsewhere the two directions of a flow inside would fall apart (docs/decisions/0007-tunnel-id-in-the-key.md).
 */
#include "decode/layers.h"

#define EXTENSIONS_MAX 8 /* of GTP-U, and source routes of GRE */

/* `id` is 0 where it is not part of the key. */
static void enter(struct walk *walk, enum packet_tunnel kind, uint32_t id)
{
    walk->tunnel = (uint32_t)kind << 24 | id;
}

static enum layer erspan(struct walk *walk, uint16_t type, bool numbered)
{
    const uint8_t *p = walk_here(walk);
    uint32_t left = walk_left(walk), size = 8;
    if (type == 0x88be && !numbered) { /* type I has no header */
        enter(walk, PACKET_TUNNEL_ERSPAN, 0);
        return LAYER_ETHERNET;
    }
    if (left < 8)
        return LAYER_BAD_NETWORK;
    if (type == 0x22eb)
        size = left >= 12 && p[11] & 1 ? 20 : 12; /* type III, maybe with a platform's own part */
    enter(walk, PACKET_TUNNEL_ERSPAN, weir_load_be16(p + 2) & 0x3ff);
    return walk_past(walk, size, LAYER_ETHERNET, LAYER_BAD_NETWORK);
}

/* Version 1, RFC 2637: PPP with a length, sometimes an acknowledgement alone. */
static enum layer pptp(struct walk *walk, uint16_t flags, uint16_t type)
{
    if (type != 0x880b || walk_left(walk) < 8)
        return type == 0x880b ? LAYER_BAD_NETWORK : LAYER_DONE;
    uint32_t size = weir_load_be16(walk_here(walk) + 4), head = 8 + (flags & 0x1000 ? 4 : 0) + (flags & 0x80 ? 4 : 0);
    if (walk_left(walk) < head)
        return LAYER_BAD_NETWORK;
    walk->at += head;
    if (walk->at + size <= walk->wire_end)
        walk_bound(walk, walk->at + size);
    enter(walk, PACKET_TUNNEL_GRE, 0);
    return size ? LAYER_PPP : LAYER_DONE;
}

/* RFC 1701's source routes: entries up to an empty one.  0 when they do not end in what is there. */
static uint32_t source_routes(const struct walk *walk, uint32_t at)
{
    for (int i = 0; i < EXTENSIONS_MAX && at + 4 <= walk_left(walk); i++) {
        uint8_t size = walk_here(walk)[at + 3];
        bool last = size == 0 && weir_load_be16(walk_here(walk) + at) == 0;
        at += 4u + size;
        if (last)
            return at;
    }
    return 0;
}

static enum layer gre(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    if (walk_left(walk) < 4)
        return LAYER_BAD_NETWORK;
    uint16_t flags = weir_load_be16(p), type = weir_load_be16(p + 2);
    if ((flags & 7) == 1)
        return pptp(walk, flags, type);
    if ((flags & 7) != 0)
        return LAYER_DONE;
    uint32_t size = 4;
    if (flags & 0xc000) /* checksum, routing */
        size += 4;
    if (flags & 0x2000) /* key */
        size += 4;
    if (flags & 0x1000) /* sequence number */
        size += 4;
    if (flags & 0x4000 && (size = source_routes(walk, size)) == 0)
        return LAYER_BAD_NETWORK;
    if (walk_left(walk) < size)
        return LAYER_BAD_NETWORK;
    walk->at += size;
    if (type == 0x88be || type == 0x22eb)
        return erspan(walk, type, flags & 0x1000);
    enter(walk, PACKET_TUNNEL_GRE, 0);
    if (type == 0x8909 && walk_left(walk) >= 8) { /* Cisco MetaData, here with the type in front */
        type = weir_load_be16(walk_here(walk));
        walk->at += 8;
    }
    if (type == 0x883e) { /* WCCP: a redirect header in its second version */
        if (walk_left(walk) >= 4 && *walk_here(walk) >> 4 != 4)
            walk->at += 4;
        return LAYER_IPV4;
    }
    return type < 0x600 ? LAYER_NOT_IP : link_ethertype(walk, type);
}

enum layer tunnel_gre(struct walk *walk)
{
    transport_other(walk);
    return gre(walk);
}

enum layer tunnel_by_proto(struct walk *walk, uint8_t proto)
{
    enum layer next;
    switch (proto) {
    case 4: next = LAYER_IPV4; break;
    case 41: next = LAYER_IPV6; break;
    case 47: return LAYER_GRE;
    case 94: next = LAYER_IPV4; break; /* KA9Q IPIP */
    case 137: next = LAYER_MPLS; break;
    case 143: next = LAYER_ETHERNET; break;
    case 97: /* EtherIP, RFC 3378 */
        if (walk_left(walk) < 2 || *walk_here(walk) >> 4 != 3)
            return LAYER_OTHER;
        next = LAYER_ETHERNET;
        break;
    default: return LAYER_OTHER;
    }
    transport_other(walk);
    if (proto == 97)
        walk->at += 2;
    enter(walk,
          proto == 137                  ? PACKET_TUNNEL_MPLS
          : proto == 143 || proto == 97 ? PACKET_TUNNEL_ETHERIP
                                        : PACKET_TUNNEL_IPIP,
          0);
    return next;
}

/*
 * RFC 7348, and with the G bit the group policy extension; draft-ietf-nvo3-vxlan-gpe names the next protocol: where the P bit
 * says so, and on its own port also without.
 */
static enum layer vxlan(struct walk *walk, uint16_t port)
{
    const uint8_t *p = walk_here(walk);
    if (walk_left(walk) < 8 || !(p[0] & 0x08))
        return LAYER_DONE;
    bool policy = p[0] == 0x88, gpe = p[0] == 0x0c || (port == 4790 && p[0] == 0x08 && p[3] != 0);
    if (!policy && (weir_load_be24(p + 1) & (gpe ? 0xffff00 : 0xffffff) || p[7] != 0 || (!gpe && p[0] != 0x08)))
        return LAYER_DONE;
    enter(walk, PACKET_TUNNEL_VXLAN, weir_load_be24(p + 4));
    walk->at += 8;
    if (!gpe)
        return LAYER_ETHERNET;
    switch (p[3]) {
    case 1: return LAYER_IPV4;
    case 2: return LAYER_IPV6;
    case 3: return LAYER_ETHERNET;
    case 4: return LAYER_NSH;
    default: return LAYER_DONE;
    }
}

/* RFC 8926 */
static enum layer geneve(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t size;
    if (walk_left(walk) < 8 || p[0] >> 6 != 0 || p[7] != 0 || (size = 8 + (p[0] & 63u) * 4) > walk_left(walk))
        return LAYER_DONE;
    uint16_t type = weir_load_be16(p + 2);
    if (type < 0x600)
        return LAYER_DONE;
    enter(walk, PACKET_TUNNEL_GENEVE, 0);
    walk->at += size;
    return link_ethertype(walk, type);
}

/* GTP-U version 1, 3GPP TS 29.281: a G-PDU carries a user's packet. */
static enum layer gtp(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t left = walk_left(walk), at = 8;
    if (left < 8 || (p[0] & 0xf0) != 0x30 || p[1] != 255 || 8u + weir_load_be16(p + 2) > walk->wire_end - walk->at)
        return LAYER_DONE;
    uint32_t end = walk->at + 8 + weir_load_be16(p + 2);
    if (p[0] & 7) {
        if (left < 12)
            return LAYER_DONE;
        uint8_t next = p[0] & 4 ? p[11] : 0;
        at = 12;
        for (int i = 0; next; i++) {
            uint32_t size;
            if (i == EXTENSIONS_MAX || at + 4 > left || (size = p[at] * 4u) == 0 || at + size > left)
                return LAYER_DONE;
            at += size;
            next = p[at - 1];
        }
    }
    walk_bound(walk, end);
    if (walk->at + at >= walk->end)
        return LAYER_DONE;
    walk->at += at;
    uint8_t version = *walk_here(walk) >> 4;
    if (version != 4 && version != 6)
        return LAYER_DONE;
    enter(walk, PACKET_TUNNEL_GTP, 0);
    return LAYER_IP;
}

/* RFC 4380: IPv6 behind an authentication and an origin indication; one end has a Teredo or a link-local address. */
static enum layer teredo(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t left = walk_left(walk), at = 0;
    if (left >= 4 && weir_load_be16(p) == 1)
        at = 13u + p[2] + p[3];
    if (at + 8 <= left && weir_load_be16(p + at) == 0)
        at += 8;
    if (at + 40 > left || p[at] >> 4 != 6)
        return LAYER_DONE;
    const uint8_t *ip = p + at;
    if (weir_load_be16(ip + 4) + 40u + at != walk->wire_end - walk->at)
        return LAYER_DONE;
    uint32_t src = weir_load_be32(ip + 8), dst = weir_load_be32(ip + 24);
    if (src != 0x20010000 && dst != 0x20010000 && src >> 16 != 0xfe80)
        return LAYER_DONE;
    enter(walk, PACKET_TUNNEL_TEREDO, 0);
    walk->at += at;
    return LAYER_IPV6;
}

/* RFC 2661 data messages.  Those of version 3 say neither how long their cookie is nor what they carry. */
static enum layer l2tp(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t left = walk_left(walk), at = 6;
    if (left < 6)
        return LAYER_DONE;
    uint16_t flags = weir_load_be16(p);
    if (flags & 0x8000 || (flags & 0x34ff) != 2) /* a control message, or bits that must be zero */
        return LAYER_DONE;
    if (flags & 0x4000) {
        uint32_t size = weir_load_be16(p + 2);
        if (size > walk->wire_end - walk->at || size < 8)
            return LAYER_DONE;
        walk_bound(walk, walk->at + size);
        left = walk_left(walk);
        at = 8;
    }
    if (flags & 0x0800)
        at += 4;
    if (flags & 0x0200)
        at += at + 2 <= left ? 2u + weir_load_be16(p + at) : 2;
    if (at >= left)
        return LAYER_DONE;
    enter(walk, PACKET_TUNNEL_L2TP, 0);
    walk->at += at;
    return LAYER_PPP;
}

/* RFC 5415, 5416: data in the clear, unfragmented. */
static enum layer capwap(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t size;
    if (walk_left(walk) < 8 || p[0] != 0 || (size = (p[1] >> 3) * 4u) < 8 || size > walk_left(walk))
        return LAYER_DONE;
    uint32_t bits = weir_load_be32(p), binding = bits >> 9 & 31;
    bool native = bits & 0x100, fragment = bits & 0x80, keepalive = bits & 0x08;
    if (fragment || keepalive || (native && binding != 1))
        return LAYER_DONE;
    enter(walk, PACKET_TUNNEL_CAPWAP, 0);
    walk->at += size;
    return native ? LAYER_80211 : LAYER_ETHERNET;
}

static enum layer by_port(struct walk *walk, uint16_t port, bool destination)
{
    switch (port) {
    case 4789:
    case 4790:
    case 8472: return vxlan(walk, port);
    case 6081: return geneve(walk);
    case 2152: return gtp(walk);
    case 3544: return teredo(walk);
    case 1701: return l2tp(walk);
    case 5247: return capwap(walk);
    case 4754: return destination ? gre(walk) : LAYER_DONE; /* RFC 8086 */
    case 6635:                                              /* RFC 7510 */
        if (!destination)
            return LAYER_DONE;
        enter(walk, PACKET_TUNNEL_MPLS, 0);
        return LAYER_MPLS;
    default: return LAYER_DONE;
    }
}

enum layer tunnel_by_port(struct walk *walk)
{
    uint16_t src = walk->found.port[0], dst = walk->found.port[1];
    uint32_t end = walk->end, wire_end = walk->wire_end, tunnel = walk->tunnel;
    enum layer next = by_port(walk, dst, true);
    if (next == LAYER_DONE && src != dst) {
        walk->at = walk->found.payload;
        walk->end = end;
        walk->wire_end = wire_end;
        next = by_port(walk, src, false);
    }
    if (next == LAYER_DONE)
        walk->tunnel = tunnel;
    else
        walk->guessed = true;
    return next;
}
