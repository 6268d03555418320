/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet/packet.h - the currency that flows in: a block of packets with their layer offsets.
 *
 *     source ----> block.bytes, block.packets[i].{data, caplen, wire_bytes, ts_ns, frame, iface, link}
 *     decode ----> the rest of each packet: where its layers are, its flow key, its TCP fields
 *     worker ----> reads both; gives the block back when the last worker is done with it
 *
 * A block is filled by one thread (whoever reads the source just then) and is immutable once it is dealt to the workers.
 * Packets in it are in the order of (ts, source, frame) that every worker sees.
 */
#ifndef PACKET_PACKET_H
#define PACKET_PACKET_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ledger.h"

/* Most shards that flows are dealt onto; part of the row order, so a constant. */
#define PACKET_SHARDS 64

/* A captured frame is at most this long; files that claim more are broken. */
#define PACKET_CAPLEN_MAX (256u << 10)

/*
 * Identity of a flow, the same for both directions: end 0 is the one with the lower (address, port), compared as
 * bytes.  Zeroed where not used, so that keys compare as memory.
 */
struct packet_key {
    uint8_t addr[2][16]; /* IPv4 in the first four bytes */
    uint16_t port[2];    /* host order; ICMP: the Community ID map of type and code */
    uint32_t tunnel; /* of the innermost: kind << 24 | its id, if both directions share that (VXLAN, ERSPAN); 0: none */
    uint16_t vlan;   /* 0 unless VLANs part flows (a setting) */
    uint8_t family;  /* 4 or 6 */
    uint8_t proto;   /* IP protocol number after IPv6 extension headers */
    uint32_t zero;
};
static_assert(sizeof(struct packet_key) == 48, "compared as six words");

enum packet_tunnel {
    PACKET_TUNNEL_NONE,
    PACKET_TUNNEL_IPIP,    /* IPv4 or IPv6 in IPv4, 6in4, 4in6, 6in6: RFC 2003, 2473, 4213 */
    PACKET_TUNNEL_GRE,     /* RFC 2784, 2890 */
    PACKET_TUNNEL_ERSPAN,  /* over GRE */
    PACKET_TUNNEL_VXLAN,   /* RFC 7348 */
    PACKET_TUNNEL_GENEVE,  /* RFC 8926 */
    PACKET_TUNNEL_GTP,     /* GTP-U, 3GPP TS 29.281 */
    PACKET_TUNNEL_TEREDO,  /* RFC 4380 */
    PACKET_TUNNEL_MPLS,    /* in IP or UDP: RFC 4023, 7510; a label stack behind a link header is none */
    PACKET_TUNNEL_L2TP,    /* RFC 2661, 3931 */
    PACKET_TUNNEL_CAPWAP,  /* RFC 5415 data */
    PACKET_TUNNEL_ETHERIP, /* RFC 3378, and Ethernet in IPv6: RFC 8986 */
    PACKET_TUNNELS
};

/* packet.flags */
#define PACKET_FLOW 0x01u      /* key, hash, shard, payload are set: this packet belongs to a flow */
#define PACKET_FROM_HIGH 0x02u /* sent by end 1 of the key */
#define PACKET_TCP 0x04u       /* the TCP members are set */
#define PACKET_REBUILT 0x08u   /* put together from IP fragments; data points to the rebuilt datagram's IP header */
#define PACKET_CUT 0x10u       /* caplen < wire_bytes */
#define PACKET_TICK 0x20u      /* packet time passed another 100 ms here: shards tick to ts_ns before this packet */

/* 128 bytes, two cache lines: what every packet needs first, the flow key second. */
struct packet {
    const uint8_t *data; /* first captured byte of the frame; lives as long as the block */
    uint64_t ts_ns;      /* since 1970 UTC */
    uint64_t frame;      /* 1, 2, 3 ... over all that the run has read; the number a user sees */
    uint64_t hash;       /* keyed hash of `key`, for the flow table */
    uint32_t caplen;     /* captured bytes of the frame */
    uint32_t wire_bytes; /* bytes of the frame on the wire */
    uint32_t
        ip_bytes; /* of the innermost IP packet, header included, as its header says (captured size where that says 0) */
    uint32_t payload;       /* offset of the transport payload in data */
    uint32_t payload_bytes; /* captured payload bytes there */
    uint32_t payload_wire;  /* payload bytes by the headers; more than payload_bytes if the capture cut it */
    uint16_t network;       /* offset of the innermost IP header */
    uint16_t transport;     /* offset of the transport header */
    uint16_t iface;         /* index into the source's interfaces */
    uint8_t shard;          /* 0 .. PACKET_SHARDS-1, by an unkeyed hash of `key` */
    uint8_t flags;          /* PACKET_ */
    /* second cache line */
    struct packet_key key;
    uint32_t seq, ack; /* TCP */
    uint16_t window;   /* TCP, unscaled */
    uint8_t tcp_flags; /* TCP: CWR ECE URG ACK PSH RST SYN FIN */
    uint8_t icmp_type; /* ICMP, ICMPv6 */
    uint16_t vlan;     /* outermost 802.1Q id; 0xffff: none */
    uint8_t tunnel;    /* enum packet_tunnel: the way in, 0 for none */
    uint8_t link;      /* enum packet_link: what `data` begins with */
};
static_assert(sizeof(struct packet) == 128, "two cache lines");

/* Link types that are decoded.  Others are PACKET_LINK_UNKNOWN and counted as undecodable. */
enum packet_link {
    PACKET_LINK_UNKNOWN,
    PACKET_LINK_ETHERNET,
    PACKET_LINK_RAW,   /* IPv4 or IPv6, told by the version */
    PACKET_LINK_NULL,  /* BSD loopback, family in the byte order of the machine that captured */
    PACKET_LINK_LOOP,  /* OpenBSD loopback, family in network order */
    PACKET_LINK_PPP,   /* RFC 1661, with or without HDLC framing */
    PACKET_LINK_PPPOE, /* a PPPoE session header first */
    PACKET_LINK_CHDLC,
    PACKET_LINK_FRELAY,
    PACKET_LINK_SLL,
    PACKET_LINK_SLL2,
    PACKET_LINK_80211,
    PACKET_LINK_RADIOTAP, /* radiotap, then 802.11 */
    PACKET_LINK_PRISM,    /* Prism header, then 802.11 */
    PACKET_LINK_AVS,      /* AVS header, then 802.11 */
    PACKET_LINK_PPI,      /* Per-Packet Information, then what it says */
    PACKET_LINK_NFLOG,
    PACKET_LINK_TOKEN_RING,
    PACKET_LINK_FDDI,
    PACKET_LINK_ATM_RFC1483, /* LLC/SNAP */
    PACKET_LINK_IP_OVER_FC,
    PACKET_LINK_DOCSIS,
    PACKET_LINK_MFR,
    PACKET_LINK_ENC,
    PACKET_LINK_PKTAP,
    PACKET_LINK_JUNIPER_ETHER,
    PACKET_LINK_JUNIPER_PPPOE,
    PACKET_LINK_PPP_DIR,    /* a direction byte, then PPP */
    PACKET_LINK_ARCNET,     /* with Linux's header */
    PACKET_LINK_INFINIBAND, /* IP over InfiniBand */
    PACKET_LINKS
};

/* LINKTYPE_ number of a file, or DLT_ number where those differ, to the kind above. */
uint8_t packet_link_from(uint32_t linktype);

#define PACKET_BLOCK_PACKETS 2048u     /* packets in a block, at most */
#define PACKET_BLOCK_READ (128u << 10) /* bytes that a source reads at once */
#define PACKET_BLOCK_BYTES (2 * PACKET_BLOCK_READ + 2 * PACKET_CAPLEN_MAX)

/* See packet/block.c.  One struct, two buffers, claimed at start; `bytes` holds what packets point to. */
struct block {
    struct packet *packets; /* PACKET_BLOCK_PACKETS */
    uint32_t count;
    uint8_t *bytes;      /* PACKET_BLOCK_BYTES: file contents, and datagrams rebuilt by the reader */
    uint32_t used;       /* of bytes, by the source */
    uint64_t number;     /* 0, 1, 2 ... in reading order */
    bool last;           /* nothing comes after it */
    atomic_uint pending; /* workers that have not finished it */
};

/* Claims the buffers; they are touched only as they are used.  Aborts when there is no address space. */
struct block *block_new(void);
void block_free(struct block *block);

#define TCP_FIN 0x01u
#define TCP_SYN 0x02u
#define TCP_RST 0x04u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u
#define TCP_URG 0x20u
#define TCP_ECE 0x40u
#define TCP_CWR 0x80u

#endif
