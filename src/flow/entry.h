/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow/entry.h - one flow in memory, for this folder only.
 *
 * Drawn by how often a line is touched: a packet needs lines 0, 1 and 2, the rest is for the first packet, holes, timers and
 * the row.
 *
 *   line 0  key, time of the last packet, flags
 *   line 1  counters of both directions, last frame
 *   line 2  TCP: sequence numbers, state, history bits; analyser space
 *   line 3  out-of-order queues, timers, the ends of a TCP connection
 *   line 4  the flow as analysers see it
 *   line 5  first frame, holes, history text
 */
#ifndef FLOW_ENTRY_H
#define FLOW_ENTRY_H

#include <assert.h>

#include "flow/flow.h"

/* State of one end, after Zeek's endpoint states. */
enum end_state { END_INACTIVE, END_SYN_SENT, END_SYN_ACK_SENT, END_PARTIAL, END_ESTABLISHED, END_CLOSED, END_RESET };

/* flow.flags */
#define FLOW_TCP 0x01u
#define FLOW_ORIG_HIGH 0x02u /* end 1 of the key is the originator */
#define FLOW_FLIPPED 0x04u   /* the first packet seen came from the responder */
#define FLOW_RESET 0x08u     /* a believable reset was seen */
#define FLOW_HANDSHAKE 0x10u /* rtt is measured or given up */
#define FLOW_QUEUE 0x20u     /* direction 0 has a queue; the next bit: direction 1 */

/* side.flags: one direction of a TCP connection */
#define SIDE_SEQ 0x01u      /* next is known */
#define SIDE_GUESS 0x02u    /* next is from an empty segment in midstream: may be one too low (keep-alive) */
#define SIDE_FIN 0x04u      /* fin_seq is known */
#define SIDE_FIN_TOLD 0x08u /* hooks->end(FIN) was called */
#define SIDE_SYN 0x10u      /* isn is known */
#define SIDE_ACKED 0x20u    /* peer's acknowledgements were seen: acked is set */

/* What is kept of one direction; indexed by WEIR_ORIG, WEIR_RESP. */
struct side {
    uint32_t next;    /* sequence number of the next byte to hand on */
    uint32_t acked;   /* highest acknowledgement that the peer sent */
    uint16_t history; /* letters already written, a bit each */
    uint8_t flags;    /* SIDE_ */
    uint8_t state;    /* enum end_state */
};

struct count {
    uint64_t packets, bytes, payload;
};

struct queue; /* stream.c: what came out of order */

struct flow {
    /* line 0 */
    struct packet_key key;
    uint64_t last_ns;
    uint32_t slot; /* of the timer wheel */
    uint8_t flags;
    uint8_t icmp_type; /* of the first packet */
    uint16_t iface;
    /* line 1 */
    struct count count[2];
    uint64_t last_frame;
    uint32_t hash; /* upper half of the keyed hash, to find the bucket again */
    uint16_t vlan; /* 0xffff: none */
    uint8_t tunnel;
    uint8_t history_size;
    /* line 2 */
    struct side side[2];
    _Alignas(8) uint8_t space[FLOW_SPACE];
    uint64_t missed; /* bytes handed on as gaps, both directions */
    /* line 3 */
    struct queue *queue[2]; /* see queue_of() */
    struct flow *timer_next, *timer_prev;
    uint64_t active_ns; /* when the last flow_active row was made */
    uint64_t syn_ns;    /* time of the first SYN */
    uint32_t isn[2], fin_seq[2];
    /* lines 4, 5 */
    struct weir_flow info;
    uint64_t rtt_ns; /* 0: not measured */
    uint64_t first_frame;
    uint64_t hole_ns[2]; /* since when the front hole of a direction is there */
    uint32_t retransmits[2];
    char history[24]; /* each letter once a direction, and ^: 23 at most */
};
static_assert(offsetof(struct flow, count) == 64, "line 1");
static_assert(offsetof(struct flow, side) == 128, "line 2");
static_assert(offsetof(struct flow, queue) == 192, "line 3");
static_assert(sizeof(struct flow) == 384, "six cache lines, a size class of the pool");

#define WHEEL_SLOTS 4096u
#define WHEEL_SLOT_NS 1000000000ull

struct wheel {
    struct flow *head[WHEEL_SLOTS], *tail[WHEEL_SLOTS];
    uint64_t used[WHEEL_SLOTS / 64]; /* a bit for each slot with flows */
    uint64_t now;                    /* seconds, all before it have fired */
    bool started;
};

#define BUCKET_SLOTS 8u
struct bucket {
    uint64_t slot[BUCKET_SLOTS]; /* upper 16 bits: tag; lower 48: struct flow, whose lowest bits are free */
};

struct flow_shard {
    uint64_t clock_ns; /* largest stamp so far */
    struct bucket *buckets;
    uint32_t bucket_mask;
    uint32_t count;
    uint8_t number;
    struct flow_options options;
    struct flow_shard_parts parts;
    struct pool *flows; /* struct flow come from here */
    struct wheel wheel;
};

/* table.c */
struct flow *table_find(const struct flow_shard *shard, const struct packet *packet);
bool table_insert(struct flow_shard *shard, struct flow *flow, uint64_t hash);
void table_remove(struct flow_shard *shard, struct flow *flow);
void flow_end(struct flow_shard *shard, struct flow *flow, enum weir_end end, uint64_t ts_ns, uint64_t frame);

/* timer.c */
void timer_put(struct flow_shard *shard, struct flow *flow);    /* into the slot of its deadline */
void timer_take(struct flow_shard *shard, struct flow *flow);   /* out of its slot */
void timer_sooner(struct flow_shard *shard, struct flow *flow); /* its deadline may have come nearer */
struct flow *timer_oldest(struct flow_shard *shard);            /* nearest to its deadline; NULL: none */
struct flow *timer_first(const struct flow_shard *shard);       /* about so, for less */

/* tcp.c */
void tcp_packet(struct flow_shard *shard, struct flow *flow, int dir, const struct packet *packet);
bool tcp_is_new_connection(const struct flow *flow, int dir, const struct packet *packet);
uint64_t tcp_timeout_ns(const struct flow_shard *shard, const struct flow *flow);

/* stream.c */
void stream_segment(struct flow_shard *shard, struct flow *flow, int dir, uint32_t seq, const struct packet *packet);
void stream_check(struct flow_shard *shard, struct flow *flow, int dir, uint64_t ts_ns, uint64_t frame);
void stream_flush(struct flow_shard *shard, struct flow *flow, int dir, uint64_t ts_ns, uint64_t frame);
void stream_free(struct flow_shard *shard, struct flow *flow, int dir);
uint64_t stream_deadline(const struct flow_shard *shard, const struct flow *flow); /* of holes; UINT64_MAX: none */

/* row.c */
void row_emit(struct flow_shard *shard, const struct flow *flow, bool active);
uint64_t row_uid(const struct flow *flow, uint32_t generation);

/* What came out of order in that direction; NULL: nothing.  Asked for each packet, so that a flag tells before line 3 does. */
static inline struct queue *queue_of(const struct flow *flow, int dir)
{
    return flow->flags & FLOW_QUEUE << dir ? flow->queue[dir] : NULL;
}
static inline void queue_set(struct flow *flow, int dir, struct queue *queue)
{
    flow->queue[dir] = queue;
    flow->flags = (uint8_t)((flow->flags & ~(FLOW_QUEUE << dir)) | (queue ? FLOW_QUEUE << dir : 0));
}

/* Writes a history letter, once a direction: lower case as given, upper case for the originator. */
enum history {
    HISTORY_SYN,
    HISTORY_SYN_ACK,
    HISTORY_ACK,
    HISTORY_DATA,
    HISTORY_FIN,
    HISTORY_RST,
    HISTORY_GAP,
    HISTORY_RETRANSMIT,
    HISTORY_ZERO_WINDOW,
    HISTORY_INCONSISTENT,
    HISTORY_MULTI,
};
static inline void history_add(struct flow *flow, int dir, enum history letter)
{
    static const char letters[] = "shadfrgtwiq";
    if (__builtin_expect(flow->side[dir].history >> letter & 1, 1))
        return;
    flow->side[dir].history |= (uint16_t)(1u << letter);
    if (flow->history_size < sizeof flow->history)
        flow->history[flow->history_size++] = (char)(letters[letter] - (dir == WEIR_ORIG ? 32 : 0));
}

#endif
