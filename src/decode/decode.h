/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode/decode.h - from a frame to a flow key: link, network, tunnel and transport headers, IP defragmentation.
 *
 * decode_block() walks the headers of each packet in a block and sets where they are, the innermost IP packet's flow
 * key, its hashes and, for TCP, what reassembly needs.  Headers inside headers (VLAN, MPLS, PPPoE, GRE, VXLAN ...) are followed
 * to the innermost IP packet, at most DECODE_DEPTH layers; `tunnel` and the key's tunnel id name the way in.  Packets quoted
 * inside ICMP errors are not followed.  Every length is checked against what was captured.
 *
 * What ends where, in the ledger: each frame is counted once as `analysed` or one of `undecodable_*`; notes (`fragment`,
 * `not_ip`, `no_flow` ...) stand beside.
 */
#ifndef DECODE_DECODE_H
#define DECODE_DECODE_H

#include <stdint.h>

#include "base/ledger.h"
#include "packet/packet.h"

#define DECODE_DEPTH 24 /* layers from the link to the transport */

struct decode_options {
    uint64_t hash_key[2];         /* for packet.hash; random per process: what a flood cannot know */
    bool vlan_in_key;             /* flows of different VLANs are different flows */
    uint32_t fragment_bytes;      /* budget for datagrams being put together; 0: 4 MiB */
    uint64_t fragment_timeout_ns; /* packet time that the first fragment waits for the last; 0: 30 s */
};

struct decode;

/* Claims its budget; 0 options mean defaults.  Never NULL. */
struct decode *decode_new(const struct decode_options *options);
void decode_free(struct decode *decode);

/*
 * Decodes every packet of the block, in order, in batches with prefetch.  A fragment that completes a datagram gets PACKET_REBUILT and
 * data/caplen of the rebuilt one, which lies in block->bytes behind what the source put there (the budget leaves room: when the
 * block cannot hold it, the datagram is given up and counted as fragment_budget); frame, ts_ns, wire_bytes stay those of the completing
 * frame, ip_bytes is the sum over the fragments.  Other fragments belong to no flow.
 */
void decode_block(struct decode *decode, struct block *block, struct ledger *ledger);

/* "gre", "vxlan" ... as column `tunnel` has it; NULL for none. */
const char *decode_tunnel_name(uint8_t tunnel);

#endif
