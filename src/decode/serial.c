/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links that come from serial lines: PPP and PPPoE, Cisco HDLC, frame relay.
 *
 * Header compression (Van Jacobson, ROHC), multilink fragments and encrypted or compressed PPP are not followed: they need the state of
 * the line, and what they hold counts as carrying no IP.
 */
#include "decode/layers.h"

/* RFC 1661, 1662: address and control may be there, the protocol may be one byte. */
enum layer serial_ppp(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t left = walk_left(walk), at = 0;
    if (left < 2)
        return LAYER_BAD_LINK;
    if ((p[0] == 0x0f || p[0] == 0x8f) && p[1] == 0 && walk->link == PACKET_LINK_PPP)
        return serial_chdlc(walk); /* one link type for both, told by the address */
    if (p[0] == 0xff && p[1] == 0x03)
        at = 2;
    else if (p[0] == 0x03 && walk->link == PACKET_LINK_PPP_DIR)
        at = 1; /* the direction stood in place of the address */
    if (left < at + 2)
        return LAYER_BAD_LINK;
    uint16_t protocol = p[at++];
    if (!(protocol & 1))
        protocol = (uint16_t)(protocol << 8 | p[at++]);
    walk->at += at;
    switch (protocol) {
    case 0x0021: return LAYER_IPV4;
    case 0x0057: return LAYER_IPV6;
    case 0x0281:
    case 0x0283: return LAYER_MPLS;
    case 0x0031: /* bridged, RFC 3518: flags and MAC type, maybe a LAN id */
        if (walk_left(walk) < 2)
            return LAYER_BAD_LINK;
        p = walk_here(walk);
        if (p[1] != 1)
            return LAYER_NOT_IP;
        return walk_past(walk, p[0] & 0x40 ? 6 : 2, LAYER_ETHERNET, LAYER_BAD_LINK);
    default: return LAYER_NOT_IP;
    }
}

/* RFC 2516 */
enum layer serial_pppoe(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    if (walk_left(walk) < 6 || p[0] != 0x11)
        return LAYER_BAD_LINK;
    if (p[1] != 0) /* discovery */
        return LAYER_NOT_IP;
    uint32_t size = weir_load_be16(p + 4);
    walk->at += 6;
    if (walk->at + size <= walk->wire_end)
        walk_bound(walk, walk->at + size);
    return LAYER_PPP;
}

enum layer serial_chdlc(struct walk *walk)
{
    if (walk_left(walk) < 4)
        return LAYER_BAD_LINK;
    uint16_t type = weir_load_be16(walk_here(walk) + 2);
    walk->at += 4;
    return type < 0x600 ? LAYER_NOT_IP : link_ethertype(walk, type);
}

/* RFC 2427: Q.922 address, control, maybe padding, NLPID; or an EtherType straight behind the address, as Cisco has it. */
enum layer serial_frame_relay(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t left = walk_left(walk), at = 0;
    while (at < 4 && at < left && !(p[at] & 1))
        at++;
    at++;
    if (at < 2 || at > 4 || left < at + 2)
        return LAYER_BAD_LINK;
    if (p[at] != 0x03) {
        uint16_t type = weir_load_be16(p + at);
        walk->at += at + 2;
        return type < 0x600 ? LAYER_NOT_IP : link_ethertype(walk, type);
    }
    at++;
    if (p[at] == 0)
        at++;
    if (left < at + 1)
        return LAYER_BAD_LINK;
    walk->at += at + 1;
    switch (p[at]) {
    case 0xcc: return LAYER_IPV4;
    case 0x8e: return LAYER_IPV6;
    case 0xcf: return LAYER_PPP;
    case 0x80: break;
    default: return LAYER_NOT_IP;
    }
    if (left < at + 6)
        return LAYER_BAD_LINK;
    uint32_t oui = weir_load_be24(p + at + 1);
    uint16_t id = weir_load_be16(p + at + 4);
    walk->at += 5;
    if (oui == 0)
        return link_ethertype(walk, id);
    return oui == 0x0080c2 && (id == 1 || id == 7) ? LAYER_ETHERNET : LAYER_NOT_IP;
}

/* FRF.16: frames that came whole over one link of the bundle are followed. */
enum layer serial_mfr(struct walk *walk)
{
    if (walk_left(walk) < 2)
        return LAYER_BAD_LINK;
    bool whole = (*walk_here(walk) & 0xe0) == 0xc0; /* begin, end, no control frame */
    walk->at += 2;
    return whole ? serial_frame_relay(walk) : LAYER_NOT_IP;
}
