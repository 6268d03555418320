/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link layers: what stands between the start of a frame and the first IP header, but for serial lines and 802.11.
 *
 * Nothing here looks at addresses; tags, labels and pseudowires are passed over.  What carries no IP ends the walk as LAYER_NOT_IP,
 * which is no error; what is cut off or breaks its own format ends it as LAYER_BAD_LINK.
 */
#include "decode/layers.h"

#define TAGS_MAX 8    /* VLANs and the like in a stack */
#define LABELS_MAX 16 /* MPLS labels in a stack */

/* Bytes of a tag, the EtherType that ends it included; 0: `type` is none that is passed over. */
static uint32_t tag_size(const struct walk *walk, uint16_t type)
{
    const uint8_t *p = walk_here(walk);
    switch (type) {
    case 0x8100: /* 802.1Q, 802.1ad, and what stood for it before */
    case 0x88a8:
    case 0x9100:
    case 0x9200: return 4;
    case 0x893f: return 8;                                                   /* 802.1BR E-TAG */
    case 0x8926:                                                             /* VN-Tag */
    case 0xf1c1: return 6;                                                   /* 802.1CB R-TAG */
    case 0x8909: return walk_left(walk) < 2 || p[1] < 2 ? 8 : 4 + p[1] * 4u; /* Cisco MetaData */
    case 0x88e5: /* 802.1AE, unless what it holds is encrypted or changed */
        if (walk_left(walk) < 1)
            return 8;
        return p[0] & 0x0c ? 0 : p[0] & 0x20 ? 16 : 8;
    default: return 0;
    }
}

enum layer link_ethertype(struct walk *walk, uint16_t type)
{
    uint32_t size;
    for (int i = 0; (size = tag_size(walk, type)) != 0; i++) {
        if (walk_left(walk) < size)
            return LAYER_BAD_LINK;
        if (i == TAGS_MAX)
            return LAYER_TOO_DEEP;
        uint16_t id = weir_load_be16(walk_here(walk)) & 0xfff;
        if (size == 4 && walk->vlan[0] == 0xffff)
            walk->vlan[0] = id;
        else if (size == 4 && walk->vlan[1] == 0xffff)
            walk->vlan[1] = id;
        walk->at += size;
        type = weir_load_be16(walk_here(walk) - 2);
    }
    if (type < 0x600) /* a length: 802.3 behind a tag */
        return type == 0 ? LAYER_NOT_IP : LAYER_LLC;
    switch (type) {
    case 0x0800: return LAYER_IPV4;
    case 0x86dd: return LAYER_IPV6;
    case 0x8847:
    case 0x8848: return LAYER_MPLS;
    case 0x8864: return serial_pppoe(walk);
    case 0x880b: return LAYER_PPP;
    case 0x6558: return LAYER_ETHERNET;
    case 0x6559: return serial_frame_relay(walk);
    case 0x8870: return LAYER_LLC; /* 802.3 jumbo frames */
    case 0x894f: return LAYER_NSH;
    case 0x88e7: return walk_past(walk, 4, LAYER_ETHERNET, LAYER_BAD_LINK); /* 802.1ah I-TAG */
    default: return LAYER_NOT_IP;
    }
}

enum layer link_ethernet(struct walk *walk)
{
    if (walk_left(walk) < 14)
        return LAYER_BAD_LINK;
    uint16_t type = weir_load_be16(walk_here(walk) + 12);
    walk->at += 14;
    if (type >= 0x600)
        return link_ethertype(walk, type);
    if (walk->at + type <= walk->wire_end)
        walk_bound(walk, walk->at + type);
    return LAYER_LLC;
}

/* RFC 1042, and RFC 2684 and 2427 for bridged frames. */
static enum layer snap(struct walk *walk, bool padded)
{
    if (walk_left(walk) < 5)
        return LAYER_BAD_LINK;
    uint32_t oui = weir_load_be24(walk_here(walk));
    uint16_t id = weir_load_be16(walk_here(walk) + 3);
    walk->at += 5;
    if (oui == 0 || oui == 0x0000f8)
        return link_ethertype(walk, id);
    if (oui == 0x0080c2 && (id == 1 || id == 7))
        return walk_past(walk, padded ? 2 : 0, LAYER_ETHERNET, LAYER_BAD_LINK);
    return LAYER_NOT_IP;
}

enum layer link_llc(struct walk *walk)
{
    if (walk_left(walk) < 3)
        return LAYER_BAD_LINK;
    const uint8_t *llc = walk_here(walk);
    if (llc[2] != 0x03) /* unnumbered information */
        return LAYER_NOT_IP;
    walk->at += 3;
    switch (llc[0] << 8 | llc[1]) {
    case 0xaaaa: return snap(walk, walk->link == PACKET_LINK_ATM_RFC1483);
    case 0x0606: return LAYER_IPV4;
    case 0xfefe:
        if (walk_left(walk) < 1)
            return LAYER_BAD_LINK;
        switch (*walk_here(walk)) { /* NLPID */
        case 0xcc: walk->at++; return LAYER_IPV4;
        case 0x8e: walk->at++; return LAYER_IPV6;
        case 0xcf: walk->at++; return LAYER_PPP;
        default: return LAYER_NOT_IP;
        }
    default: return LAYER_NOT_IP;
    }
}

/* Do twelve bytes of addresses and one of the types that a pseudowire mostly carries lie at `skip`? */
static bool looks_like_ethernet(const struct walk *walk, uint32_t skip)
{
    if (walk_left(walk) < skip + 14)
        return false;
    switch (weir_load_be16(walk_here(walk) + skip + 12)) {
    case 0x0800:
    case 0x0806:
    case 0x86dd:
    case 0x8100:
    case 0x88a8:
    case 0x9100:
    case 0x8847:
    case 0x8863:
    case 0x8864: return true;
    default: return false;
    }
}

/* The stack does not say what it carries: the first nibble does, by convention (RFC 4928, RFC 4385). */
enum layer link_mpls(struct walk *walk)
{
    for (int i = 0;; i++) {
        if (walk_left(walk) < 4)
            return LAYER_BAD_LINK;
        if (i == LABELS_MAX)
            return LAYER_TOO_DEEP;
        uint32_t label = weir_load_be32(walk_here(walk));
        walk->at += 4;
        if (label & 0x100)
            break;
    }
    if (walk_left(walk) < 1)
        return LAYER_BAD_LINK;
    const uint8_t *p = walk_here(walk);
    if (*p >> 4 == 4 && (*p & 15) >= 5)
        return LAYER_IPV4;
    if (*p >> 4 == 6 && (walk_left(walk) < 14 || !looks_like_ethernet(walk, 0)))
        return LAYER_IPV6;
    if (looks_like_ethernet(walk, 0))
        return LAYER_ETHERNET;
    if (*p >> 4 == 0 && walk_left(walk) >= 4 + 14) /* control word */
        return walk_past(walk, 4, LAYER_ETHERNET, LAYER_BAD_LINK);
    return LAYER_NOT_IP;
}

/* RFC 8300 */
enum layer link_nsh(struct walk *walk)
{
    if (walk_left(walk) < 8)
        return LAYER_BAD_LINK;
    const uint8_t *nsh = walk_here(walk);
    uint32_t size = (nsh[1] & 63u) * 4;
    if (nsh[0] >> 6 != 0 || size < 8 || size > walk_left(walk))
        return LAYER_BAD_LINK;
    walk->at += size;
    switch (nsh[3]) {
    case 1: return LAYER_IPV4;
    case 2: return LAYER_IPV6;
    case 3: return LAYER_ETHERNET;
    case 4: return LAYER_NSH;
    case 5: return LAYER_MPLS;
    default: return LAYER_NOT_IP;
    }
}

/* Linux cooked captures: an ARPHRD_ type of the interface and a protocol whose meaning hangs on it. */
static enum layer cooked(struct walk *walk, uint32_t head, uint16_t hardware, uint16_t protocol)
{
    walk->at += head;
    switch (hardware) {
    case 801: return LAYER_80211;
    case 802: walk->link = PACKET_LINK_PRISM; return LAYER_LINK;
    case 803: walk->link = PACKET_LINK_RADIOTAP; return LAYER_LINK;
    case 824: return LAYER_NOT_IP; /* netlink */
    case 770: return serial_frame_relay(walk);
    }
    if (protocol == 4)
        return LAYER_LLC;
    return protocol < 0x600 ? LAYER_NOT_IP : link_ethertype(walk, protocol);
}

static enum layer sll(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    if (walk_left(walk) < 16)
        return LAYER_BAD_LINK;
    return cooked(walk, 16, weir_load_be16(p + 2), weir_load_be16(p + 14));
}

static enum layer sll2(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    if (walk_left(walk) < 20)
        return LAYER_BAD_LINK;
    return cooked(walk, 20, weir_load_be16(p + 8), weir_load_be16(p));
}

/* An address family in either byte order, then what it says: AF_INET6 has five numbers in as many systems. */
static enum layer loopback(struct walk *walk, uint32_t head)
{
    if (walk_left(walk) < head)
        return LAYER_BAD_LINK;
    uint32_t family = weir_load_be32(walk_here(walk));
    if (family > 0xffff)
        family = __builtin_bswap32(family);
    walk->at += head;
    switch (family) {
    case 2: return LAYER_IPV4;
    case 10:
    case 23:
    case 24:
    case 28:
    case 30: return LAYER_IPV6;
    default: return family >= 0x600 && family <= 0xffff ? link_ethertype(walk, (uint16_t)family) : LAYER_NOT_IP;
    }
}

/* Attributes in the byte order of the machine that logged; the packet is one of them. */
static enum layer nflog(struct walk *walk)
{
    if (walk_left(walk) < 4)
        return LAYER_BAD_LINK;
    uint8_t family = *walk_here(walk);
    walk->at += 4;
    for (int i = 0; i < 64 && walk_left(walk) >= 4; i++) {
        const uint8_t *p = walk_here(walk);
        uint32_t size = weir_load_le16(p), type = weir_load_le16(p + 2);
        if (type > 0xff) {
            size = weir_load_be16(p);
            type = weir_load_be16(p + 2);
        }
        if (size < 4)
            return LAYER_BAD_LINK;
        if (type == 9) { /* NFULA_PAYLOAD */
            walk_bound(walk, walk->at + size);
            walk->at += 4;
            return family == 2 ? LAYER_IPV4 : family == 10 ? LAYER_IPV6 : LAYER_NOT_IP;
        }
        size = (size + 3) & ~3u;
        if (size > walk_left(walk))
            return LAYER_BAD_LINK;
        walk->at += size;
    }
    return walk_left(walk) < 4 ? LAYER_NOT_IP : LAYER_TOO_DEEP;
}

static enum layer token_ring(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    if (walk_left(walk) < 14)
        return LAYER_BAD_LINK;
    if ((p[1] & 0xc0) != 0x40)
        return LAYER_NOT_IP;
    walk->at += 14;
    if (!(p[8] & 0x80))
        return LAYER_LLC;
    if (walk_left(walk) < 2) /* a routing information field */
        return LAYER_BAD_LINK;
    return walk_past(walk, p[14] & 0x1f, LAYER_LLC, LAYER_BAD_LINK);
}

static enum layer fddi(struct walk *walk)
{
    if (walk_left(walk) < 13)
        return LAYER_BAD_LINK;
    bool llc = (*walk_here(walk) & 0x70) == 0x50;
    walk->at += 13;
    return llc ? LAYER_LLC : LAYER_NOT_IP;
}

static enum layer docsis(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    if (walk_left(walk) < 6)
        return LAYER_BAD_LINK;
    if (p[0] >> 6 != 0) /* no packet in it */
        return LAYER_NOT_IP;
    return walk_past(walk, 6u + (p[0] & 1 ? p[1] : 0), LAYER_ETHERNET, LAYER_BAD_LINK);
}

static enum layer pktap(struct walk *walk)
{
    if (walk_left(walk) < 12)
        return LAYER_BAD_LINK;
    uint32_t size = weir_load_le32(walk_here(walk)), dlt = weir_load_le32(walk_here(walk) + 8);
    if (size < 12 || size > walk_left(walk))
        return LAYER_BAD_LINK;
    walk->at += size;
    walk->link = packet_link_from(dlt);
    return LAYER_LINK;
}

/* Magic, flags, maybe a block of extensions; then Ethernet, unless the flags say that it was taken off. */
static enum layer juniper(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    if (walk_left(walk) < 4 || weir_load_be24(p) != 0x4d4743)
        return LAYER_BAD_LINK;
    uint32_t size = 4;
    if (p[3] & 0x80) {
        if (walk_left(walk) < 6)
            return LAYER_BAD_LINK;
        size = 6u + weir_load_be16(p + 4);
    }
    if (p[3] & 0x02)
        return walk_past(walk, size + 4, LAYER_IP, LAYER_BAD_LINK);
    return walk_past(walk, size, LAYER_ETHERNET, LAYER_BAD_LINK);
}

/* RFC 1201 and RFC 1051 under the header that Linux gives: source, destination, offset, type. */
static enum layer arcnet(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t left = walk_left(walk);
    if (left < 5)
        return LAYER_BAD_LINK;
    switch (p[4]) {
    case 0xf0: return walk_past(walk, 5, LAYER_IPV4, LAYER_BAD_LINK);
    case 0xc4: /* IPv6, RFC 2497 */
    case 0xd4:
        if (left < 8 || p[5]) /* behind the type: split flag and sequence number; only what is whole */
            return left < 8 ? LAYER_BAD_LINK : LAYER_NOT_IP;
        return walk_past(walk, 8, p[4] == 0xd4 ? LAYER_IPV4 : LAYER_IPV6, LAYER_BAD_LINK);
    default: return LAYER_NOT_IP;
    }
}

/* IP over InfiniBand, RFC 4391: a global routing header as the capture has it, an EtherType, two bytes of nothing. */
static enum layer infiniband(struct walk *walk)
{
    if (walk_left(walk) < 44)
        return LAYER_BAD_LINK;
    uint16_t type = weir_load_be16(walk_here(walk) + 40);
    walk->at += 44;
    return link_ethertype(walk, type);
}

enum layer link_first(struct walk *walk)
{
    switch (walk->link) {
    case PACKET_LINK_ETHERNET: return LAYER_ETHERNET;
    case PACKET_LINK_RAW: return LAYER_IP;
    case PACKET_LINK_NULL:
    case PACKET_LINK_LOOP: return loopback(walk, 4);
    case PACKET_LINK_ENC: return loopback(walk, 12);
    case PACKET_LINK_PPP: return LAYER_PPP;
    case PACKET_LINK_PPPOE: return serial_pppoe(walk);
    case PACKET_LINK_PPP_DIR: return walk_past(walk, 1, LAYER_PPP, LAYER_BAD_LINK);
    case PACKET_LINK_CHDLC: return serial_chdlc(walk);
    case PACKET_LINK_FRELAY: return serial_frame_relay(walk);
    case PACKET_LINK_MFR: return serial_mfr(walk);
    case PACKET_LINK_SLL: return sll(walk);
    case PACKET_LINK_SLL2: return sll2(walk);
    case PACKET_LINK_80211: return LAYER_80211;
    case PACKET_LINK_RADIOTAP: return wifi_radiotap(walk);
    case PACKET_LINK_PRISM: return wifi_prism(walk);
    case PACKET_LINK_AVS: return wifi_avs(walk);
    case PACKET_LINK_PPI: return wifi_ppi(walk);
    case PACKET_LINK_NFLOG: return nflog(walk);
    case PACKET_LINK_TOKEN_RING: return token_ring(walk);
    case PACKET_LINK_FDDI: return fddi(walk);
    case PACKET_LINK_ATM_RFC1483: return LAYER_LLC;
    case PACKET_LINK_IP_OVER_FC: return walk_past(walk, 16, LAYER_LLC, LAYER_BAD_LINK); /* RFC 2625 */
    case PACKET_LINK_DOCSIS: return docsis(walk);
    case PACKET_LINK_PKTAP: return pktap(walk);
    case PACKET_LINK_ARCNET: return arcnet(walk);
    case PACKET_LINK_INFINIBAND: return infiniband(walk);
    case PACKET_LINK_JUNIPER_ETHER:
    case PACKET_LINK_JUNIPER_PPPOE: return juniper(walk);
    default: return LAYER_BAD_LINK;
    }
}
