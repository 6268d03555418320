/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link layers: what stands between the start of a frame and the first IP header.
 */
#include "decode/layers.h"

#define VLANS_MAX 8 /* tags in a stack */

static bool is_vlan(uint16_t type)
{
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

enum layer link_ethertype(struct walk *walk, uint16_t type)
{
    for (int i = 0; is_vlan(type); i++) {
        if (walk_left(walk) < 4)
            return LAYER_BAD_LINK;
        if (i == VLANS_MAX)
            return LAYER_TOO_DEEP;
        uint16_t id = weir_load_be16(walk_here(walk)) & 0xfff;
        if (walk->vlan[0] == 0xffff)
            walk->vlan[0] = id;
        else if (walk->vlan[1] == 0xffff)
            walk->vlan[1] = id;
        type = weir_load_be16(walk_here(walk) + 2);
        walk->at += 4;
    }
    switch (type) {
    case 0x0800: return LAYER_IPV4;
    case 0x86dd: return LAYER_IPV6;
    default: return LAYER_NOT_IP;
    }
}

enum layer link_ethernet(struct walk *walk)
{
    if (walk_left(walk) < 14)
        return LAYER_BAD_LINK;
    uint16_t type = weir_load_be16(walk_here(walk) + 12);
    walk->at += 14;
    return type >= 0x600 ? link_ethertype(walk, type) : LAYER_NOT_IP;
}
