/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir/host.h - what the host gives an analyser in a call, and what the analyser may ask of it then.
 *
 * Comes with weir/analyser.h, whose essay has the rules.  A turn is one call: where the flow stands, the unread bytes,
 * and the functions below.  What a turn points to lives until the call returns.
 */
#ifndef WEIR_HOST_H
#define WEIR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/bytes.h>
#include <weir/record.h>

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

/* Where passed bytes go. */
enum weir_route { WEIR_ROUTE_SKIP, WEIR_ROUTE_BODY, WEIR_ROUTE_CHILD };
#define WEIR_ALL UINT64_MAX /* all that is still to come in this direction */

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
    uint64_t
        owed[2]; /* by direction: passed bytes that have not come yet, as the call began; WEIR_ALL counts down too */
};

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
