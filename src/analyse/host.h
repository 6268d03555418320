/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyse/host.h - what the parts of the host share; private to this folder.
 *
 *     analyse_flow (32 bytes in the flow table)
 *        FRESH ----> naming: first bytes of both directions, only where a probe said WAIT
 *        ATTACHED -> stream: the two directions (carry, route, body), the analyser's state behind it
 *                      |-- holds: list of pool blocks
 *                      `-- child: an analyse_flow of its own, one level deeper
 *        UNWANTED -> nothing; the service may stay named
 *
 *   analyse.c  the door: entry points, options, checks        offers.c  what an analyser calls: struct weir_host
 *   naming.c   probes, and what is kept until they agree      carry.c   unread bytes of one direction
 *   stream.c   calls of an attached analyser, routes, ends    body.c    bodies counted and dropped
 *
 * Invariants: a direction that owes bytes to a route has an empty carry; a stream is freed only between calls of its
 * analyser; everything that a flow has comes from one pool and is back there after its end.
 */
#ifndef ANALYSE_HOST_H
#define ANALYSE_HOST_H

#include <assert.h>

#include "analyse/body.h"

#define HOST_ANALYSERS 64u /* one bit each in analyse_flow.out */

enum mode { MODE_FRESH, MODE_ATTACHED, MODE_UNWANTED };

struct naming;
struct stream;

struct analyse_flow {
    uint8_t mode; /* enum mode; zero, as the flow table gives it: FRESH */
    bool ticks;   /* the analyser has on_tick */
    uint8_t confidence;
    bool ended[2]; /* FIN of that direction */
    bool read;     /* an analyser was attached */
    uint64_t out;  /* bit i: analyser i cannot be it */
    const char *service;
    union {
        struct naming *naming; /* FRESH; NULL while nothing is kept */
        struct stream *stream; /* ATTACHED */
    };
};
static_assert(sizeof(struct analyse_flow) == ANALYSE_FLOW_BYTES, "the flow table reserves this much");

struct analyse {
    const struct weir_analyser *analysers[HOST_ANALYSERS];
    uint32_t count;
    uint64_t over_stream, over_datagram; /* bit i: analyser i speaks it */
    uint64_t wanted;                     /* bit i: attach analyser i once it is named */
    struct record_out *out;
    struct pool *pool;
    struct ledger *ledger;
    const struct analyse_body_sink *sink;
    void *sink_context;
    struct analyse_body_counts body_counts;
    bool attach_unwanted;
};

/* One direction of a stream. */
struct side {
    uint64_t owed;         /* bytes of the open route that are still to come; WEIR_ALL counts down too */
    uint64_t first_ns;     /* packet time of the first carried byte */
    uint8_t *carry;        /* pool block, NULL while nothing is unread */
    uint32_t start, bytes; /* the unread part of it */
    uint32_t size;         /* of the block */
    uint32_t need;         /* on_data again when this many are unread */
    void *body;            /* the sink's handle; NULL: the body is not wanted */
    uint8_t route;         /* enum weir_route, while owed */
    bool due;              /* a route has ended: on_data next, however little is unread */
    bool body_open;
};

/* Memory held for an analyser; what it sees follows. */
struct hold {
    struct hold *next, **link; /* `link` points to what points here */
    uint32_t bytes;            /* of the block */
    uint32_t unused[3];
};
static_assert(sizeof(struct hold) == 32, "keeps what follows 16-byte aligned");

struct child {
    struct analyse_flow af;
    struct weir_flow flow; /* the parent's with one more `depth` */
};

struct stream {
    struct side side[2];
    const struct weir_analyser *analyser;
    struct hold *holds;
    struct child *child;
    uint32_t held;  /* bytes, as the pool rounds them */
    uint8_t index;  /* of the analyser */
    bool touched;   /* something was taken, lost or emitted: no other analyser can start over */
    uint8_t pad[2]; /* the state follows, 16-byte aligned */
};
static_assert(sizeof(struct stream) % 16 == 0, "the state behind it is 16-byte aligned");

static inline void *stream_state(struct stream *stream)
{
    return stream + 1;
}

/* Where in the traffic the host is: one for each call from outside, and one a level for child streams. */
struct at {
    struct analyse *analyse;
    struct analyse_flow *af;
    const struct weir_flow *flow;
    struct analyse_cause cause;
    uint64_t first_ns; /* of the bytes at hand */
    int dir;
};

/* Bytes at hand that were not taken yet. */
struct input {
    const uint8_t *data;
    uint32_t size;
};

/* A turn with what the host functions need behind it. */
struct call {
    struct weir_turn turn;
    const struct at *at;
    struct stream *stream;
    bool in_order; /* bytes may be owed to a route */
};

enum outcome {
    GOES_ON,
    GONE,    /* the analyser has left and the stream is freed; the flow is unwanted */
    REJECTED /* not its own, and nothing was taken: the caller drops the stream and asks the other probes */
};

/* carry.c */
bool carry_append(struct pool *pool, struct side *side, const uint8_t *data, uint32_t size);
void carry_taken(struct pool *pool, struct side *side, uint32_t bytes);
void carry_drop(struct pool *pool, struct side *side);

/* stream.c: calls of an attached analyser */
bool stream_attach(const struct at *at, uint32_t index, uint8_t confidence); /* false: named, but not attached */
void stream_drop(const struct at *at); /* frees; afterwards the flow is FRESH, without naming */
enum outcome stream_feed(const struct at *at, struct input *in);
enum outcome stream_gap(const struct at *at, uint64_t bytes);
enum outcome stream_datagram(const struct at *at, struct input in, uint32_t wire_bytes);
void stream_tick(const struct at *at);
void stream_fin(const struct at *at);
void stream_over(const struct at *at, enum weir_end end); /* frees the stream */
void stream_route(const struct at *at, struct stream *stream, enum weir_route route, const uint8_t *data,
                  uint32_t size);
void stream_body_end(const struct at *at, struct side *side, bool complete);

/* naming.c: who gets a FRESH flow.  `last`: nothing more will come */
void naming_data(const struct at *at, struct input *in, bool last);
void naming_datagram(const struct at *at, struct input in, uint32_t wire_bytes);
void naming_gap(const struct at *at); /* attaches the likeliest, if there is one; does not tell it */
void naming_fin(const struct at *at);
void naming_flow_end(const struct at *at, bool datagrams);
void naming_again(const struct at *at, struct input *in); /* the attached analyser has REJECTED the flow */

/* analyse.c: the entry points for one level, which child streams use too */
void host_data(const struct at *at, const uint8_t *data, uint32_t size);
void host_gap(const struct at *at, uint64_t bytes);
void host_end(const struct at *at, enum weir_end end);

/* offers.c */
extern const struct weir_host host_offers;

#endif
