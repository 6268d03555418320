/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow/flow.h - who talks to whom: flow tables, timers, TCP put back together.
 *
 * A shard owns the flows that the fixed hash dealt to it: their table, timers, budgets.  One thread at a time works
 * on a shard, so nothing in it is locked.  flow_batch() takes packets of several shards at once, so that the memory of a flow that
 * is not in the cache is on its way while others are handled:
 *
 *     bucket of 8 tagged pointers ---> struct flow: 6 cache lines, three of which a packet touches
 *
 * What a stream or datagram means is somebody else's: hooks hand bytes on, in order and once, gaps as gaps.
 *
 * Rows: `flow` when a flow ends (close and linger, idle, evicted, end of capture), `flow_active` each time a flow has
 * lived another FLOW_ACTIVE_NS.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/analyser.h>

#include "base/ledger.h"
#include "base/pool.h"
#include "packet/packet.h"
#include "record/record.h"

#define FLOW_SPACE 32u      /* bytes of a flow that belong to whoever the hooks serve; zeroed at the flow's start */
#define FLOW_CLOSE_STEP 32u /* flows that one flow_close_step() ends */

/*
 * Where bytes go.  `space` is the flow's FLOW_SPACE bytes.  Called in packet order, from the thread that works on the shard.
 * `data_ns` is the time of the frame that brought the bytes, `ts_ns` and `frame` those of the one that caused the call; `frame` is 0 when a
 * tick is the cause.  `data` counts its bytes in the ledger; datagrams the flow counts, by what `wanted` says after
 * the call.
 */
struct flow_hooks {
    void (*data)(void *context, void *space, const struct weir_flow *flow, int dir, const uint8_t *data, uint32_t size,
                 uint64_t data_ns, uint64_t ts_ns, uint64_t frame);
    void (*gap)(void *context, void *space, const struct weir_flow *flow, int dir, uint64_t bytes, uint64_t ts_ns,
                uint64_t frame);
    void (*datagram)(void *context, void *space, const struct weir_flow *flow, int dir, const uint8_t *data,
                     uint32_t size, uint32_t wire_bytes, uint64_t ts_ns, uint64_t frame);
    void (*end)(void *context, void *space, const struct weir_flow *flow, int dir, enum weir_end end, uint64_t ts_ns,
                uint64_t frame);
    void (*tick)(void *context, void *space, const struct weir_flow *flow, uint64_t ts_ns);
    bool (*wanted)(const void *space);   /* false: nobody reads this flow; it is only counted */
    bool (*ticks)(const void *space);    /* tick this flow about once a second */
    void (*prefetch)(const void *space); /* the flow will end soon */
    const char *(*service)(const void *space, const char **by, uint8_t *confidence);
};

struct flow_options {
    uint32_t flows;          /* most flows in the shard */
    uint32_t reorder_bytes;  /* most that one direction keeps out of order */
    uint64_t tcp_idle_ns;    /* established TCP */
    uint64_t tcp_attempt_ns; /* TCP that never got an answer, nor one to its FIN */
    uint64_t tcp_linger_ns;  /* after an acknowledged close or a reset, for late segments */
    uint64_t udp_idle_ns;    /* and every other protocol */
    uint64_t active_ns;      /* a `flow_active` row each */
    uint64_t hole_acked_ns;  /* how long a hole that the peer has acknowledged is waited for */
    uint64_t hole_ns;        /* and any other hole */
};

/* 16,384 flows a shard; 1 MiB; 1 h, 60 s, 5 s, 60 s; 5 min; 0.1 s, 10 s. */
struct flow_options flow_defaults(void);

struct flow_shard;

struct flow_shard_parts {
    struct region *region; /* table and flows come from here */
    struct pool *pool;     /* segments out of order; shared with the hooks' owner, budget and all */
    struct record_out *out;
    struct ledger *ledger;
    const struct flow_hooks *hooks;
    void *context;                                            /* for the hooks */
    const char *(*iface_name)(void *context, uint16_t iface); /* "" for none */
    void *iface_context;
    const char *(*tunnel_name)(uint8_t tunnel); /* NULL for none */
};

struct flow_shard *flow_shard_new(uint8_t number, const struct flow_options *options,
                                  const struct flow_shard_parts *parts);
void flow_shard_free(struct flow_shard *shard);

/*
 * Handles `count` packets in order; `shards` is indexed by packet.shard and has those that this thread owns.  Packets without PACKET_FLOW
 * are passed by.  Ticks are not looked at: call flow_tick() before the packet that carries one.
 */
void flow_batch(struct flow_shard *const *shards, const struct packet *const *packets, uint32_t count);

/* Packet time has reached `ts_ns`, in front of frame number `frame`: timers fire. */
void flow_tick(struct flow_shard *shard, uint64_t ts_ns, uint64_t frame);

/* Ends the next FLOW_CLOSE_STEP flows, in the order of their timers; `frame` orders their rows.  Number of flows left. */
uint32_t flow_close_step(struct flow_shard *shard, uint64_t frame);

uint32_t flow_count(const struct flow_shard *shard);

/* The tables that flow makes. */
extern const struct weir_table *const flow_tables[]; /* flow, flow_active, NULL */

/* Community ID v1 (seed 0) of a key, as text of at most 30 characters and a zero byte.  `from_high` as in the packet. */
void flow_community_id(const struct packet_key *key, bool from_high, uint8_t icmp_type, char text[32]);

#endif
