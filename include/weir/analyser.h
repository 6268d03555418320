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
 * What a turn points to lives until the call returns.
 */
#ifndef WEIR_ANALYSER_H
#define WEIR_ANALYSER_H

#include <weir/bytes.h>
#include <weir/record.h>
#include <weir/version.h>

#define WEIR_TCP 6
#define WEIR_UDP 17
#define WEIR_SCTP 132

/* Directions: from the flow's originator (client), and from the other end. */
enum { WEIR_ORIG = 0, WEIR_RESP = 1 };

/* The flow that a turn belongs to, as rows show it. */
struct weir_flow {
    struct weir_ip src_ip, dst_ip; /* src is the originator */
    uint16_t src_port, dst_port;
    uint8_t proto;  /* IP protocol number: WEIR_TCP, WEIR_UDP ... */
    uint8_t depth;  /* 0 on the wire, n in the n-th child stream inside it */
    bool midstream; /* the start of the stream was not seen */
    uint64_t uid;
    uint64_t start_ns; /* time of the flow's first packet */
};

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

/* Where passed bytes go. */
enum weir_route { WEIR_ROUTE_SKIP, WEIR_ROUTE_BODY, WEIR_ROUTE_CHILD };
#define WEIR_ALL UINT64_MAX /* all that is still to come in this direction */

/* How a direction or flow came to its end. */
enum weir_end {
    WEIR_END_FIN,   /* this direction was closed in order */
    WEIR_END_RESET, /* the connection was reset */
    WEIR_END_IDLE,  /* no packet for the flow's timeout, or evicted, or the capture ended */
};

/* One body (HTTP message body, mail part ...) as it begins; pointers need only live through the call. */
struct weir_body {
    struct weir_str content_type;     /* as declared */
    struct weir_str content_encoding; /* as declared: "gzip", "br, gzip" ... */
    struct weir_str filename;         /* as declared (Content-Disposition), or null */
    struct weir_str host, uri;        /* where it was fetched from or sent to */
    uint64_t size;                    /* as declared; UINT64_MAX where it is not known */
    uint64_t range_first, range_size; /* a 206's part: first byte and size of the whole; both 0 otherwise */
};

struct weir_turn;

/* What the host offers.  Call through the functions below, not through this table. */
struct weir_host {
    uint32_t size; /* sizeof this struct, as the host was built */
    void (*pass)(struct weir_turn *turn, enum weir_route route, uint64_t bytes);
    void (*emit)(struct weir_turn *turn, const struct weir_table *table, const void *row, uint64_t ts_ns);
    bool (*wants)(struct weir_turn *turn, const struct weir_table *table);
    void *(*hold)(struct weir_turn *turn, uint32_t bytes);
    void (*release)(struct weir_turn *turn, void *held);
    void (*retag)(struct weir_turn *turn, const char *service);
    int (*child_open)(struct weir_turn *turn, const char *hint);
    void (*child_data)(struct weir_turn *turn, const uint8_t *data, uint32_t size);
    void (*body_begin)(struct weir_turn *turn, const struct weir_body *body);
    void (*body_data)(struct weir_turn *turn, const uint8_t *data, uint32_t size);
    void (*body_gap)(struct weir_turn *turn, uint64_t bytes);
    void (*body_end)(struct weir_turn *turn, bool complete);
};

/* One call of an analyser.  The analyser reads these members and changes them only through the functions below. */
struct weir_turn {
    uint32_t size;       /* sizeof this struct, as the host was built */
    uint8_t dir;         /* WEIR_ORIG or WEIR_RESP */
    bool ended;          /* no more bytes will come in this direction after these */
    uint64_t ts_ns;      /* packet time of the frame that caused the call */
    uint64_t first_ns;   /* packet time of the frame that brought the first unread byte */
    uint64_t frame;      /* number of the frame that caused the call; 0 for a timeout */
    const uint8_t *data; /* unread bytes */
    uint32_t left;       /* how many */
    uint32_t wire_bytes; /* on_datagram: its size on the wire, more than `left` if the capture cut it */
    const struct weir_flow *flow;
    const struct weir_host *host;
    uint64_t owed[2]; /* by direction: passed bytes that have not come yet, as the call began; WEIR_ALL counts down too */
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

/* Takes `bytes` of what is unread; no more than turn->left. */
static inline void weir_consume(struct weir_turn *turn, uint32_t bytes)
{
    if (bytes > turn->left)
        bytes = turn->left;
    turn->data += bytes;
    turn->left -= bytes;
}

/*
 * Routes the next `bytes` (WEIR_ALL: all) of this direction, from the first unread one on: dropped, into the body
 * begun with weir_body_begin(), or into the child opened with weir_child_open().  What is already there is taken
 * from the turn at once, the rest as it arrives.  One route a direction at a time: while bytes are owed, on_data is
 * not called for that direction; return weir_more(1) after it.  When the last owed byte has passed, on_data is called
 * in any case, with what follows or with nothing unread (turn->left 0): the time of that call is when the body ended.
 */
static inline void weir_pass(struct weir_turn *turn, enum weir_route route, uint64_t bytes)
{
    turn->host->pass(turn, route, bytes);
}

/* A row for `table`, of `ts_ns` packet time.  Everything is copied.  Cheap when nobody asked for the table. */
static inline void weir_emit(struct weir_turn *turn, const struct weir_table *table, const void *row, uint64_t ts_ns)
{
    turn->host->emit(turn, table, row, ts_ns);
}

/* Does anybody want rows of this table?  For skipping work that only makes a row dearer. */
static inline bool weir_wants(struct weir_turn *turn, const struct weir_table *table)
{
    return turn->host->wants(turn, table);
}

/*
 * Memory for this flow, zeroed, 16-byte aligned, from the shard's budget; NULL when that or the flow's own bound
 * (256 KiB) is used up: then do without and go on.  Freed with weir_release(), or by the host after on_end.
 */
static inline void *weir_hold(struct weir_turn *turn, uint32_t bytes)
{
    return turn->host->hold(turn, bytes);
}
static inline void weir_release(struct weir_turn *turn, void *held)
{
    turn->host->release(turn, held);
}

/* The flow is, more exactly, `service` (a constant string): "websocket" after an upgrade. */
static inline void weir_retag(struct weir_turn *turn, const char *service)
{
    turn->host->retag(turn, service);
}

/*
 * Opens the child stream of this flow: both directions of what is inside (CONNECT, STARTTLS, TLS plaintext ...).
 * `hint` names the analyser, NULL lets the first bytes decide.  Its bytes come by weir_pass(WEIR_ROUTE_CHILD) or, where
 * they are not on the wire as such, weir_child_data(), in the direction of the turn.  0, or -1 when the depth (4) is
 * used up or a child is open already: then skip.
 */
static inline int weir_child_open(struct weir_turn *turn, const char *hint)
{
    return turn->host->child_open(turn, hint);
}
static inline void weir_child_data(struct weir_turn *turn, const uint8_t *data, uint32_t size)
{
    turn->host->child_data(turn, data, size);
}

/*
 * A body in the direction of the turn: begin, then weir_pass(WEIR_ROUTE_BODY) for what is on the wire as it is or
 * weir_body_data() for what was decoded, then end.  A body that is still open when the next one begins, or at the
 * end of the flow, ends incomplete.
 */
static inline void weir_body_begin(struct weir_turn *turn, const struct weir_body *body)
{
    turn->host->body_begin(turn, body);
}
static inline void weir_body_data(struct weir_turn *turn, const uint8_t *data, uint32_t size)
{
    turn->host->body_data(turn, data, size);
}
static inline void weir_body_gap(struct weir_turn *turn, uint64_t bytes)
{
    turn->host->body_gap(turn, bytes);
}
static inline void weir_body_end(struct weir_turn *turn, bool complete)
{
    turn->host->body_end(turn, complete);
}

#endif
