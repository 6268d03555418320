/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode/layers.h - the walk over one frame's headers, layer by layer; private to the folder.
 *
 * A step reads the header at walk->at, moves `at` (and, where a header bounds what follows, `end` and `wire_end`) and answers
 * which layer comes next, or how the walk ends.  Invariant: at <= end <= captured bytes of `data`; end <= wire_end.
 * What an IP header says goes to walk->ip; a transport header (or the header of a tunnel that may turn out to hold no IP)
 * turns it into walk->found, the flow that the packet belongs to unless one further in is found.
 */
#ifndef DECODE_LAYERS_H
#define DECODE_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "decode/decode.h"
#include "weir/bytes.h"

enum layer {
    LAYER_ETHERNET,
    LAYER_IP, /* told by the version */
    LAYER_IPV4,
    LAYER_IPV6,
    LAYER_TCP,
    LAYER_UDP,
    LAYER_SCTP,
    LAYER_ICMP,
    LAYER_OTHER,  /* an IP protocol without ports */
    LAYER_FOLLOW, /* those above have a step; those below end the walk */
    LAYER_DONE = LAYER_FOLLOW,
    LAYER_NOT_IP,
    LAYER_NO_FLOW,
    LAYER_BAD_LINK,
    LAYER_BAD_NETWORK,
    LAYER_BAD_TRANSPORT,
    LAYER_TOO_DEEP
};

struct ip {
    const uint8_t *src, *dst;
    uint32_t bytes;   /* of the packet, as its header says */
    uint32_t network; /* offset of its header */
    uint8_t family;   /* 4, 6 */
    uint8_t proto;
};

struct found {
    struct ip ip;
    uint32_t tunnel; /* as in the key */
    uint32_t transport, payload, payload_bytes, payload_wire;
    uint32_t seq, ack;
    uint16_t port[2]; /* of source and destination */
    uint16_t window;
    uint8_t tcp_flags, icmp_type;
    uint8_t flags; /* PACKET_FLOW, PACKET_TCP; 0: nothing found */
};

struct walk {
    struct decode *decode;
    struct block *block;
    struct packet *packet;
    struct ledger *ledger;
    const uint8_t *data;
    uint32_t at;       /* of the layer to come */
    uint32_t end;      /* captured bytes end here */
    uint32_t wire_end; /* where the layer ends by the headers around it */
    uint32_t tunnel;   /* so far, as in the key */
    uint16_t vlan[2];  /* outermost and the next; 0xffff: none */
    bool guessed;      /* inside something that only a port number told: if it is bad it was something else */
    struct ip ip;
    struct found found;
};

static inline uint32_t walk_left(const struct walk *walk)
{
    return walk->end - walk->at;
}

static inline const uint8_t *walk_here(const struct walk *walk)
{
    return walk->data + walk->at;
}

/* The layer ends at `end` by a header's word: what was captured behind that is padding. */
static inline void walk_bound(struct walk *walk, uint32_t end)
{
    walk->wire_end = end;
    if (walk->end > end)
        walk->end = end;
}

static inline void walk_enter_tunnel(struct walk *walk, enum packet_tunnel kind, uint32_t id)
{
    walk->tunnel = (uint32_t)kind << 24 | (id & 0xffffff);
}

enum layer link_ethernet(struct walk *walk);
enum layer link_ethertype(struct walk *walk, uint16_t type);

enum layer network_ip(struct walk *walk);
enum layer network_ipv4(struct walk *walk);
enum layer network_ipv6(struct walk *walk);

enum layer transport_tcp(struct walk *walk);
enum layer transport_udp(struct walk *walk);
enum layer transport_sctp(struct walk *walk);
enum layer transport_icmp(struct walk *walk);
enum layer transport_other(struct walk *walk);

#endif
