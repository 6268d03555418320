/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/ledger.h - every frame, byte and row that came in is accounted for by a named cause.
 *
 * Causes are declared once, here; table `ledger`, the summary and the documentation come from this list.  Each thread
 * counts into a ledger of its own; ledger_add() brings them together when the threads rest.
 *
 *   frames  received = filtered + undecodable_* + duplicate_frame + dropped_ring + in_flight + analysed
 *   bytes   seen     = delivered + duplicate + over_budget + unwanted
 *   rows    made     = written + spilled + dropped + unmatched
 *
 * Notes (NOTE below) stand beside the sums: facts about frames that were counted in them already.
 */
#ifndef BASE_LEDGER_H
#define BASE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

enum ledger_unit { LEDGER_FRAME, LEDGER_BYTE, LEDGER_ROW, LEDGER_FLOW }; /* flows have notes only */
enum ledger_role { LEDGER_IN, LEDGER_OUT, LEDGER_NOTE };

/* X(symbol, unit, role, "sentence") */
#define LEDGER_CAUSES(X)                                                                                               \
    X(received, FRAME, IN, "frames read from the source")                                                              \
    X(analysed, FRAME, OUT, "frames decoded as far as they go and seen by the engine")                                 \
    X(filtered, FRAME, OUT, "frames that the capture filter turned away")                                              \
    X(undecodable_link, FRAME, OUT, "frames with a bad, cut or unknown link-layer header")                             \
    X(undecodable_network, FRAME, OUT, "frames with a bad or cut IPv4, IPv6 or tunnel header")                         \
    X(undecodable_transport, FRAME, OUT, "frames with a bad or cut TCP, UDP or SCTP header")                           \
    X(undecodable_depth, FRAME, OUT, "frames with more nested layers than are followed")                               \
    X(duplicate_frame, FRAME, OUT, "frames seen a moment ago on another interface")                                    \
    X(dropped_ring, FRAME, OUT, "frames dropped because a worker's ring was full")                                     \
    X(in_flight, FRAME, OUT, "frames that are still between reader and worker")                                        \
    X(cut_by_snaplen, FRAME, NOTE, "frames that the capture holds only in part")                                       \
    X(fragment, FRAME, NOTE, "frames that are fragments of an IP datagram")                                            \
    X(fragment_timeout, FRAME, NOTE, "fragments given up because the rest did not come in time")                       \
    X(fragment_overlap, FRAME, NOTE, "fragments that overlap others with different bytes")                             \
    X(fragment_budget, FRAME, NOTE, "fragments given up because the reassembly budget was used up")                    \
    X(not_ip, FRAME, NOTE, "frames that carry no IP: ARP, LLDP, STP ...")                                              \
    X(no_flow, FRAME, NOTE, "frames with IP that belong to no flow: fragments kept, quoted packets, bare headers")     \
    X(time_backwards, FRAME, NOTE, "frames with a stamp before that of the frame in front of them")                    \
    X(seen, BYTE, IN, "transport payload bytes that arrived in flows")                                                 \
    X(delivered, BYTE, OUT, "payload bytes handed to an analyser")                                                     \
    X(duplicate, BYTE, OUT, "payload bytes that had been seen before")                                                 \
    X(over_budget, BYTE, OUT, "payload bytes dropped because a reassembly budget was used up")                         \
    X(unwanted, BYTE, OUT, "payload bytes of flows that no analyser reads")                                            \
    X(made, ROW, IN, "rows that the engine made")                                                                      \
    X(written, ROW, OUT, "rows handed to a writer")                                                                    \
    X(spilled, ROW, OUT, "rows parked on disk for a slow writer")                                                      \
    X(dropped, ROW, OUT, "rows dropped by a writer's policy, or left when it could not go on")                         \
    X(unmatched, ROW, OUT, "rows that --where turned away")                                                            \
    X(flow_evicted, FLOW, NOTE, "flows closed early because the flow table was full")                                  \
    X(hold_refused, BYTE, NOTE, "bytes that an analyser asked for and the budget refused")                             \
    X(carry_refused, BYTE, NOTE, "bytes that an analyser left unread and the budget could not keep")                   \
    X(analyser_wrong, FLOW, NOTE, "flows that an analyser took and then found not to be its own")

enum ledger_cause {
#define LEDGER_SYMBOL(symbol, unit, role, doc) LEDGER_##symbol,
    LEDGER_CAUSES(LEDGER_SYMBOL)
#undef LEDGER_SYMBOL
        LEDGER_COUNT
};

struct ledger {
    uint64_t count[LEDGER_COUNT];
};

struct ledger_entry {
    const char *name;
    const char *doc;
    enum ledger_unit unit;
    enum ledger_role role;
};
extern const struct ledger_entry ledger_entries[LEDGER_COUNT];

/* "frame", "byte", "row", "flow" */
const char *ledger_unit_name(enum ledger_unit unit);

/* Adds `from` into `to`. */
void ledger_add(struct ledger *to, const struct ledger *from);

/* Do all that came in of `unit` have a cause?  `*in` and `*out` get the two sides. */
bool ledger_closes(const struct ledger *ledger, enum ledger_unit unit, uint64_t *in, uint64_t *out);

#endif
