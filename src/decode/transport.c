/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport headers: TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260), ICMP (RFC 792) and ICMPv6 (RFC 4443).
 *
 * Each step turns walk->ip into walk->found.  A header that is cut off, or is longer than its packet, makes the frame undecodable.
 * TCP options that the capture cut off do not, since the fixed part has all that a flow needs; nor does a UDP length
 * beyond the packet's end, which is cut to what the packet has.
 */
#include "decode/layers.h"

static struct found *found_here(struct walk *walk, uint32_t head)
{
    struct found *found = &walk->found;
    *found = (struct found){.ip = walk->ip, .tunnel = walk->tunnel, .transport = walk->at, .flags = PACKET_FLOW};
    uint32_t payload = walk->at + head;
    found->payload = payload < walk->end ? payload : walk->end;
    found->payload_bytes = walk->end - found->payload;
    found->payload_wire = walk->wire_end > payload ? walk->wire_end - payload : 0;
    return found;
}

enum layer transport_tcp(struct walk *walk)
{
    const uint8_t *tcp = walk_here(walk);
    if (walk_left(walk) < 20)
        return LAYER_BAD_TRANSPORT;
    uint32_t head = (tcp[12] >> 4) * 4u;
    if (head < 20 || head > walk->wire_end - walk->at)
        return LAYER_BAD_TRANSPORT;
    struct found *found = found_here(walk, head);
    found->port[0] = weir_load_be16(tcp);
    found->port[1] = weir_load_be16(tcp + 2);
    found->seq = weir_load_be32(tcp + 4);
    found->ack = weir_load_be32(tcp + 8);
    found->tcp_flags = tcp[13];
    found->window = weir_load_be16(tcp + 14);
    found->flags |= PACKET_TCP;
    return LAYER_DONE;
}

enum layer transport_udp(struct walk *walk)
{
    const uint8_t *udp = walk_here(walk);
    if (walk_left(walk) < 8)
        return LAYER_BAD_TRANSPORT;
    uint32_t size = weir_load_be16(udp + 4), room = walk->wire_end - walk->at;
    /* 0 in IPv6 is a jumbogram's (RFC 2675).  A length beyond the packet's end is one's own mistake or that of a first
     * fragment taken alone: what the packet has is read. */
    if (size > room || (size == 0 && walk->ip.family == 6))
        size = room;
    if (size < 8)
        return LAYER_BAD_TRANSPORT;
    walk_bound(walk, walk->at + size);
    struct found *found = found_here(walk, 8);
    found->port[0] = weir_load_be16(udp);
    found->port[1] = weir_load_be16(udp + 2);
    if (!tunnel_port(found->port[0], found->port[1]))
        return LAYER_DONE;
    walk->at += 8;
    return tunnel_by_port(walk);
}

enum layer transport_sctp(struct walk *walk)
{
    if (walk_left(walk) < 12)
        return LAYER_BAD_TRANSPORT;
    struct found *found = found_here(walk, 12);
    found->port[0] = weir_load_be16(walk_here(walk));
    found->port[1] = weir_load_be16(walk_here(walk) + 2);
    return LAYER_DONE;
}

/* Community ID version 1: types that are asked and answered, and the type of the other side; 0xffff: one-way. */
static uint16_t counter_type(uint8_t family, uint8_t type)
{
    static const uint8_t v4[][2] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}, {10, 9}};
    static const uint8_t v6[][2] = {{128, 129}, {133, 134}, {135, 136}, {130, 131}, {139, 140}, {144, 145}};
    const uint8_t(*pairs)[2] = family == 4 ? v4 : v6;
    unsigned count = family == 4 ? sizeof v4 / sizeof v4[0] : sizeof v6 / sizeof v6[0];
    for (unsigned i = 0; i < count; i++) {
        if (pairs[i][0] == type)
            return pairs[i][1];
        if (pairs[i][1] == type)
            return pairs[i][0];
    }
    return 0xffff;
}

enum layer transport_icmp(struct walk *walk)
{
    const uint8_t *icmp = walk_here(walk);
    if (walk_left(walk) < 4)
        return LAYER_BAD_TRANSPORT;
    uint16_t counter = counter_type(walk->ip.family, icmp[0]);
    struct found *found = found_here(walk, 4);
    found->port[0] = found->icmp_type = icmp[0];
    found->port[1] = counter == 0xffff ? icmp[1] : counter;
    return LAYER_DONE;
}

enum layer transport_other(struct walk *walk)
{
    found_here(walk, 0);
    return LAYER_DONE;
}
