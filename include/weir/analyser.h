/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir/analyser.h - the contract between the engine and an analyser of one protocol.
 *
 * An analyser is one file.  It says what it is in a `struct weir_analyser`, looks at bytes in order when the host
 * calls it, and emits rows.  It never knows where packets come from or where rows go.
 *
 * Streams.  The host calls `on_data` with the unread bytes of one direction, contiguous, and the analyser takes
 * bytes with weir_consume() as it understands them.  Its answer says what it waits for:
 *
 *     weir_more(n)    call again when at least n bytes are unread in this direction (n >= 1, counted from the
 *                     first byte left unread).  The host keeps what is left in a budgeted carry.
 *     weir_done()     nothing more of this flow is wanted, in either direction
 *     weir_not_mine() this is another protocol
 *
 * Bytes whose content is not looked at here are routed, not read: weir_pass() says that the next n bytes of this
 * direction, there already or still to come, are skipped, belong to the open body, or go to a child stream.  They
 * are counted as they arrive and never copied; the analyser is called again with what follows them.  A gap inside
 * them is told to the body or child and does not disturb the analyser: it is still in step afterwards.
 *
 * A gap anywhere else loses the carry of that direction and comes as `on_gap`; an analyser without `on_gap` gets
 * no more of that flow.
 *
 * Calls for one flow never overlap and come in packet order; different flows may be on different threads, so an
 * analyser has no variables of its own, only constants and its state.  State is `state_bytes`, zeroed at the start,
 * one for both directions.  What varies in size is held with weir_hold(), from a budget.  Nothing else is allocated.
 *
 * What a call can ask of the host is in weir/host.h, which comes with this header.
 */
#ifndef WEIR_ANALYSER_H
#define WEIR_ANALYSER_H

#include <weir/bytes.h>
#include <weir/host.h>
#include <weir/record.h>
#include <weir/version.h>

/* What the analyser waits for. */
enum weir_answer_kind { WEIR_MORE, WEIR_DONE, WEIR_NOT_MINE };
struct weir_answer {
    enum weir_answer_kind kind;
    uint32_t bytes; /* with WEIR_MORE */
};
static inline struct weir_answer weir_more(uint32_t bytes)
{
    return (struct weir_answer){WEIR_MORE, bytes ? bytes : 1};
}
static inline struct weir_answer weir_done(void)
{
    return (struct weir_answer){WEIR_DONE, 0};
}
static inline struct weir_answer weir_not_mine(void)
{
    return (struct weir_answer){WEIR_NOT_MINE, 0};
}

/* How a direction or flow came to its end. */
enum weir_end {
    WEIR_END_FIN,   /* this direction was closed in order */
    WEIR_END_RESET, /* the connection was reset */
    WEIR_END_IDLE,  /* no packet for the flow's timeout, or evicted, or the capture ended */
};

/* What a probe sees: the first unread bytes of one direction (or one datagram), at least one. */
struct weir_probe {
    const uint8_t *data;
    uint32_t size;
    uint8_t dir;
    bool whole; /* nothing more will come: a datagram, or the stream has ended */
    const struct weir_flow *flow;
};
enum weir_verdict {
    WEIR_NO,     /* cannot be this protocol */
    WEIR_WAIT,   /* could be; show more bytes, or the other direction */
    WEIR_LIKELY, /* looks like it, but others may be surer */
    WEIR_YES,    /* evidence that other traffic does not have by chance */
};

struct weir_analyser {
    uint32_t abi;                           /* WEIR_ABI */
    uint32_t size;                          /* sizeof(struct weir_analyser) */
    const char *name;                       /* "http"; also the value of `service` */
    const char *doc;                        /* one sentence */
    uint32_t state_bytes;                   /* zeroed for each flow; both directions share it; at most 4,096 */
    uint32_t transports;                    /* WEIR_OVER_* flags */
    const struct weir_table *const *tables; /* what it may emit; ends in NULL */

    /* Judges first bytes, on any port.  Pure; must not read beyond `size`.  A port may only turn NO evidence
     * into WAIT, never into a name. */
    enum weir_verdict (*probe)(const struct weir_probe *probe);

    /* Bytes in order.  Required with WEIR_OVER_STREAM. */
    struct weir_answer (*on_data)(struct weir_turn *turn, void *state);

    /* `bytes` are missing in turn->dir, what was unread and is lost with them included; turn->data is empty.
     * weir_more(n) goes on. */
    struct weir_answer (*on_gap)(struct weir_turn *turn, void *state, uint64_t bytes);

    /* One datagram, whole unless turn->wire_bytes says otherwise.  weir_more() means: go on. */
    struct weir_answer (*on_datagram)(struct weir_turn *turn, void *state);

    /* A direction (WEIR_END_FIN, turn->dir says which) or the flow (others; called once, last) has ended; what was
     * unread is in turn->data.  After the last call the host frees the state and all that is held. */
    void (*on_end)(struct weir_turn *turn, void *state, enum weir_end end);

    /* Datagram protocols that pair requests with replies: a tick of packet time, about once a second while the
     * flow lives, to give up on old requests.  May be NULL. */
    void (*on_tick)(struct weir_turn *turn, void *state);

    /* Hot swap: takes over the state of another version of the same analyser; false: let that one finish. */
    bool (*migrate)(struct weir_turn *turn, const void *old_state, uint32_t old_bytes, void *state);

    /* It opens child streams: it is read even if nobody wants its own tables, for what is inside. */
    bool carries;
};
#define WEIR_OVER_STREAM 1u   /* TCP and child streams */
#define WEIR_OVER_DATAGRAM 2u /* UDP */

/* A plugin's only export: `const struct weir_analyser *weir_analyser_get(void)`. */
#define WEIR_ANALYSER_SYMBOL "weir_analyser_get"

#endif
