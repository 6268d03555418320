/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IEEE 802.11 and the headers that captures put before it: radiotap, Prism, AVS, PPI.
 *
 * Only data frames in the clear carry IP to be seen.  Management, control, protected and fragmented frames end the walk without error.  Of an
 * aggregate (A-MSDU) the first frame is followed: a packet here is one.
 */
#include "decode/layers.h"

#define PRESENT_MAX 16 /* presence words of radiotap */

static void drop_fcs(struct walk *walk)
{
    if (walk->wire_end - walk->at >= 4)
        walk_bound(walk, walk->wire_end - 4);
}

/* `pad`: the header is filled up to a multiple of four; `swapped`: so are the two bytes of frame control. */
static enum layer data_frame(struct walk *walk, bool pad, bool swapped)
{
    const uint8_t *p = walk_here(walk);
    uint32_t left = walk_left(walk), head = 24;
    if (left < 2)
        return LAYER_BAD_LINK;
    uint8_t subtype = p[swapped] >> 4, flags = p[!swapped];
    if ((p[swapped] & 0x0f) != 0x08) /* version 0, data */
        return LAYER_NOT_IP;
    if ((flags & 3) == 3)
        head += 6; /* between stations of a distribution system: a fourth address */
    bool qos = subtype & 8;
    if (qos)
        head += flags & 0x80 ? 6 : 2; /* QoS control, maybe HT control */
    if (left < head)
        return LAYER_BAD_LINK;
    bool fragmented = flags & 0x04 || p[22] & 0x0f;
    if (subtype & 4 || flags & 0x40 || fragmented) /* no data, protected */
        return LAYER_NOT_IP;
    bool aggregate = qos && p[(flags & 3) == 3 ? 30 : 24] & 0x80;
    if (pad)
        head = (head + 3) & ~3u;
    if (!aggregate)
        return walk_past(walk, head, LAYER_LLC, LAYER_BAD_LINK);
    if (left < head + 14)
        return LAYER_BAD_LINK;
    walk->at += head + 14;
    uint32_t size = weir_load_be16(p + head + 12);
    if (walk->at + size <= walk->wire_end)
        walk_bound(walk, walk->at + size);
    return LAYER_LLC;
}

enum layer wifi_80211(struct walk *walk)
{
    /* some access points swap frame control in CAPWAP: no version but 0 is in use, so it shows */
    const uint8_t *p = walk_here(walk);
    bool swapped = walk->tunnel >> 24 == PACKET_TUNNEL_CAPWAP && walk_left(walk) >= 2 && p[0] & 3 && !(p[1] & 3);
    return data_frame(walk, false, swapped);
}

/* Flags are the second field, behind an 8-byte time stamp on an 8-byte border if that is there. */
enum layer wifi_radiotap(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t left = walk_left(walk), size, at = 8;
    if (left < 8 || p[0] != 0 || (size = weir_load_le16(p + 2)) < 8 || size > left)
        return LAYER_BAD_LINK;
    uint32_t present = weir_load_le32(p + 4), more = present;
    for (int i = 0; more & 1u << 31; i++, at += 4) {
        if (at + 4 > size || i == PRESENT_MAX)
            return LAYER_BAD_LINK;
        more = weir_load_le32(p + at);
    }
    if (present & 1)
        at = ((at + 7) & ~7u) + 8;
    uint8_t flags = present & 2 && at < size ? p[at] : 0;
    walk->at += size;
    if (flags & 0x10)
        drop_fcs(walk);
    return data_frame(walk, flags & 0x20, false);
}

/* AVS: magic and length in network order. */
enum layer wifi_avs(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t size;
    if (walk_left(walk) < 8 || (size = weir_load_be32(p + 4)) < 8 || size > walk_left(walk))
        return LAYER_BAD_LINK;
    walk->at += size;
    return LAYER_80211;
}

/* Message code and length in the byte order of the machine that captured; some drivers put AVS under the same link type. */
enum layer wifi_prism(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    if (walk_left(walk) < 8)
        return LAYER_BAD_LINK;
    if (weir_load_be32(p) >> 12 == 0x80211)
        return wifi_avs(walk);
    uint32_t size = weir_load_le32(p + 4);
    if (size > 0xffff)
        size = __builtin_bswap32(size);
    if (size < 8 || size > walk_left(walk))
        return LAYER_BAD_LINK;
    walk->at += size;
    return LAYER_80211;
}

/* Per-Packet Information: fields of type and length; the one of 802.11 tells of a check sequence at the end. */
enum layer wifi_ppi(struct walk *walk)
{
    const uint8_t *p = walk_here(walk);
    uint32_t size;
    if (walk_left(walk) < 8 || p[0] != 0 || (size = weir_load_le16(p + 2)) < 8 || size > walk_left(walk))
        return LAYER_BAD_LINK;
    bool fcs = false;
    uint32_t at = 8;
    for (int i = 0; i < 32 && at + 4 <= size; i++) {
        uint32_t type = weir_load_le16(p + at), bytes = weir_load_le16(p + at + 2);
        at += 4;
        if (bytes > size - at)
            break;
        if (type == 2 && bytes >= 10) /* 802.11-Common */
            fcs = weir_load_le16(p + at + 8) & 1;
        at += p[1] & 1 ? (bytes + 3) & ~3u : bytes;
        if (at > size)
            break;
    }
    walk->link = packet_link_from(weir_load_le32(p + 4));
    walk->at += size;
    if (fcs)
        drop_fcs(walk);
    return LAYER_LINK;
}
