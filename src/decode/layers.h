/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode/layers.h - the walk over one frame's headers, layer by layer; private to the folder.
 *
 * A step reads the header at walk->at, moves `at` (and, where a header bounds what follows, `end` and `wire_end`) and answers
 * which layer comes next, or how the walk ends.  Invariant: at <= end <= captured bytes of `data`, end <= wire_end.
 * What an IP header says goes to walk->ip; a transport header (or that of a tunnel that may turn out to hold no IP)
 * turns it into walk->found, the flow that the packet belongs to unless one further in is found.
 */
#ifndef DECODE_LAYERS_H
#define DECODE_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "decode/decode.h"
#include "weir/bytes.h"

enum layer {
    LAYER_LINK, /* told by walk->link */
    LAYER_ETHERNET,
    LAYER_LLC,
    LAYER_MPLS,
    LAYER_PPP,
    LAYER_80211,
    LAYER_IP, /* told by the version */
    LAYER_IPV4,
    LAYER_IPV6,
    LAYER_GRE,
    LAYER_NSH,
    LAYER_TCP,
    LAYER_UDP,
    LAYER_SCTP,
    LAYER_ICMP,
    LAYER_OTHER, /* an IP protocol without ports */
    LAYER_DONE,  /* those above have a step; this and those below end the walk */
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
    const uint8_t *data;
    uint32_t at;       /* of the layer to come */
    uint32_t end;      /* captured bytes end here */
    uint32_t wire_end; /* where the layer ends by the headers around it */
    uint32_t tunnel;   /* so far, as in the key */
    uint32_t joined;   /* bytes of the fragments that the IP packet at `at` was put together from; 0: it was not */
    uint16_t vlan[2];  /* outermost and the next; 0xffff: none */
    uint8_t link;      /* enum packet_link: what LAYER_LINK reads */
    bool guessed;      /* inside something that only a port number told: if it is bad it was something else */
    bool fragment;     /* the frame is one */
    struct ip ip;
    struct found found;
    struct fragments *fragments;
    struct block *block;
    struct packet *packet;
    struct ledger *ledger;
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

/* Past a header of `size` bytes to `next`, if it is there. */
static inline enum layer walk_past(struct walk *walk, uint32_t size, enum layer next, enum layer cut)
{
    if (walk_left(walk) < size)
        return cut;
    walk->at += size;
    return next;
}

enum layer link_first(struct walk *walk);
enum layer link_ethernet(struct walk *walk);
enum layer link_ethertype(struct walk *walk, uint16_t type);
enum layer link_llc(struct walk *walk);
enum layer link_mpls(struct walk *walk);
enum layer link_nsh(struct walk *walk);

enum layer serial_ppp(struct walk *walk);
enum layer serial_pppoe(struct walk *walk);
enum layer serial_chdlc(struct walk *walk);
enum layer serial_frame_relay(struct walk *walk);
enum layer serial_mfr(struct walk *walk);

enum layer wifi_80211(struct walk *walk);
enum layer wifi_radiotap(struct walk *walk);
enum layer wifi_prism(struct walk *walk);
enum layer wifi_avs(struct walk *walk);
enum layer wifi_ppi(struct walk *walk);

enum layer network_ip(struct walk *walk);
enum layer network_ipv4(struct walk *walk);
enum layer network_ipv6(struct walk *walk);

/* GRE's header, and after it what its protocol field names. */
enum layer tunnel_gre(struct walk *walk);
/* A tunnel told by IP protocol `proto`: LAYER_OTHER when it is none. */
enum layer tunnel_by_proto(struct walk *walk, uint8_t proto);
/* A tunnel told by a UDP port, with walk->at on the UDP payload: LAYER_DONE when it is none or does not look like one. */
enum layer tunnel_by_port(struct walk *walk);

enum layer transport_tcp(struct walk *walk);
enum layer transport_udp(struct walk *walk);
enum layer transport_sctp(struct walk *walk);
enum layer transport_icmp(struct walk *walk);
enum layer transport_other(struct walk *walk);

/* Could UDP between these ports carry a tunnel that tunnel_by_port() follows?  One answer for all, without a branch a port. */
static inline bool tunnel_port(uint16_t a, uint16_t b)
{
    static const uint16_t ports[16] = {4789, 4790, 8472, 6081, 2152, 3544, 1701, 5247,
                                       6635, 4754, 4789, 4789, 4789, 4789, 4789, 4789};
    uint16_t hit = 0;
    for (int i = 0; i < 16; i++)
        hit |= (uint16_t)((ports[i] == a) | (ports[i] == b));
    return hit;
}

/* One fragment, its IP header in walk->ip and its data at walk->at. */
struct fragment {
    uint32_t id;
    uint32_t offset; /* in bytes */
    bool more;
    uint8_t proto;      /* of what is fragmented */
    uint32_t head_size; /* IPv4: bytes of the header; IPv6: 40 */
};

struct fragments *fragment_new(const struct decode_options *options);
void fragment_free(struct fragments *fragments);

/*
 * Keeps it (LAYER_NO_FLOW), refuses it (LAYER_BAD_NETWORK), or completes its datagram: then the walk stands at the IP header
 * of the rebuilt one (LAYER_IP).  A first fragment that the capture cut cannot be kept, yet has the transport header: LAYER_OTHER
 * asks to go on inside it.
 */
enum layer fragment_add(struct walk *walk, const struct fragment *fragment);

#endif
