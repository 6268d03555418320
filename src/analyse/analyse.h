/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyse/analyse.h - hosts analysers: which one a flow gets, and the calls of weir/analyser.h.
 *
 * The flow table gives every flow ANALYSE_FLOW_BYTES of zeroed space that it knows nothing else about; what an analyser
 * needs (its state, carries, routes, a child stream) comes from the shard's pool once the flow's first bytes have been named.  One
 * `struct analyse` belongs to one shard; one thread calls it at a time.
 *
 * Naming, until the identification engine takes it over: each analyser's probe sees the first unread bytes of each direction (at most
 * ANALYSE_PROBE_BYTES, of at most ANALYSE_PROBE_PACKETS payload packets a side unless those are tiny).  WEIR_YES takes the flow at once; when all that are left say LIKELY or NO the
 * likeliest takes it; nobody left: the flow is unwanted and reassembly stops caring for it.  What was shown to probes is carried and
 * given to the analyser from its first byte.
 */
#ifndef ANALYSE_ANALYSE_H
#define ANALYSE_ANALYSE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/analyser.h>

#include "base/ledger.h"
#include "base/pool.h"
#include "record/record.h"

#define ANALYSE_FLOW_BYTES 32u
#define ANALYSE_PROBE_BYTES 2048u
#define ANALYSE_PROBE_PACKETS 5u
#define ANALYSE_CARRY_BYTES (64u << 10) /* most that one direction may leave unread */
#define ANALYSE_HOLD_BYTES (256u << 10) /* most that one flow may hold */
#define ANALYSE_DEPTH 4u                /* child streams inside each other */

struct analyse;      /* a shard's host */
struct analyse_flow; /* ANALYSE_FLOW_BYTES, opaque, zeroed by the flow table */

/* All analysers that are built in, NULL-ended: analysers/LIST. */
extern const struct weir_analyser *const analyse_builtin[];
const struct weir_analyser *analyse_find(const char *name); /* NULL: none */

/* Checks ABI, sizes and required functions of one analyser; what is wrong, or NULL. */
const char *analyse_check(const struct weir_analyser *analyser);

struct analyse_options {
    const struct weir_analyser *const *analysers; /* NULL-ended; all pass analyse_check() */
    struct record_out *out; /* where rows go; may be changed when a shard moves: analyse_set_out() */
    struct pool *pool;      /* budget for states, carries and holds */
    struct ledger *ledger;  /* of the thread that owns the shard */
    bool attach_unwanted;   /* attach analysers even if nobody wants their tables (the flow table names services) */
    bool keep_secrets;
};

struct analyse *analyse_new(const struct analyse_options *options);
void analyse_free(struct analyse *analyse);
/* The shard has moved to another thread: rows and counts go there from now on. */
void analyse_set_out(struct analyse *analyse, struct record_out *out, struct ledger *ledger);

/* What caused a call. */
struct analyse_cause {
    uint64_t ts_ns;
    uint64_t frame;   /* 0: a tick */
    uint64_t data_ns; /* time of the frame that brought the bytes, where that is another; 0: ts_ns */
};

/* In-order TCP bytes.  Counts them `delivered` or `unwanted`. */
void analyse_data(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow, int dir,
                  const uint8_t *data, uint32_t size, struct analyse_cause cause);
void analyse_gap(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow, int dir,
                 uint64_t bytes, struct analyse_cause cause);
/* One datagram; `wire_bytes` its payload on the wire. */
void analyse_datagram(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow, int dir,
                      const uint8_t *data, uint32_t size, uint32_t wire_bytes, struct analyse_cause cause);
/* FIN: that direction; others: the flow, after which everything of it is freed, nothing more is read and only its service is left to be asked for.
 * Probing flows are decided first. */
void analyse_end(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow, int dir,
                 enum weir_end end, struct analyse_cause cause);
/* For datagram flows whose analyser has on_tick. */
void analyse_tick(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow,
                  struct analyse_cause cause);

/* false: no analyser reads this flow any more, bytes need not be put in order for it.  Cheap, inline-able: first byte of af. */
bool analyse_wanted(const struct analyse_flow *af);

/* The flow will end soon: what that takes is sent for. */
void analyse_prefetch(const struct analyse_flow *af);

/* Service as named so far and by what ("analyser", or NULL); NULL while unknown.  Confidence in percent.  Final, and
 * still there, after analyse_end(..., WEIR_END_IDLE/RESET). */
const char *analyse_service(const struct analyse_flow *af, const char **by, uint8_t *confidence);

/* True while the flow's analyser asks for on_tick. */
bool analyse_ticks(const struct analyse_flow *af);

#endif
