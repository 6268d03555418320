/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http2/exchange.h - the streams of one connection, each an exchange of request and reply, and their rows.
 *
 *     frames (../http2.c) --> http2_fields() --> struct http2_fields --> http2_request(), http2_reply()
 *                         --> http2_content(), http2_side_ends() ------> struct http2_exchange --> row of `http`
 *
 * What a block of fields is, it says itself: a request has :method, a reply :status, trailers neither.  An exchange is given
 * out when both of its sides have ended, or the stream was reset; in http2_exchanges_end(), the rest.
 */
#ifndef HTTP2_EXCHANGE_H
#define HTTP2_EXCHANGE_H

#include "../http/doh.h"
#include "../http/head.h"
#include "../http/row.h"
#include "hpack.h"

#define HTTP2_STREAMS 128u /* open at a time; the oldest gives way.  Usual settings allow 100 */

/* One block of fields, as the head of an HTTP/1 message would have them. */
#define HTTP2_FIELDS_TEXT 16384u
struct http2_fields {
    struct http_head head;
    struct weir_str path, authority;
    bool request, reply;
    uint32_t used;
    char text[HTTP2_FIELDS_TEXT]; /* not initialised */
};

/* false: no header block. */
bool http2_fields(struct weir_turn *turn, struct http2_table *table, struct weir_bytes block,
                  struct http2_fields *fields);

struct http2_exchange {
    uint32_t id;
    uint8_t client;             /* the direction that asked */
    bool asked, answered;       /* the head of that side was seen */
    bool request_done, replied; /* that side has ended */
    uint64_t first_ns;          /* first byte of the request, or of the reply where there is no request */
    uint64_t end_ns;            /* last byte of the request */
    uint64_t reply_ns;          /* first byte of the reply */
    uint64_t body_bytes[2];     /* by direction */
    struct http_doh message[2]; /* by direction: a DNS message in the making */
    char *more;                 /* strings of a reply that did not fit behind the request's */
    uint32_t room, used;        /* of text */
    struct http_row row;
    char text[];
};

struct http2_exchanges {
    uint32_t count;
    uint32_t body[2]; /* by direction: the stream whose body is handed on; others' are not, until it has ended */
    struct http_doh_child child;
    uint32_t id[HTTP2_STREAMS]; /* in order of their beginning */
    struct http2_exchange *of[HTTP2_STREAMS];
};

struct http2_exchange *http2_exchange_of(const struct http2_exchanges *all, uint32_t id);

/* A head of stream `id`, whose first byte came at `first_ns`.  NULL: no memory, or it is not the first. */
struct http2_exchange *http2_request(struct weir_turn *turn, struct http2_exchanges *all, uint32_t id, int client,
                                     const struct http2_fields *fields, uint64_t first_ns);
struct http2_exchange *http2_reply(struct weir_turn *turn, struct http2_exchanges *all, uint32_t id,
                                   const struct http2_fields *fields, uint64_t first_ns);
/* A message with content begins in the direction of the turn. */
void http2_content_begins(struct weir_turn *turn, struct http2_exchanges *all, struct http2_exchange *exchange,
                          const struct http2_fields *fields);

/* The direction of the turn has sent all of its message.  The exchange may be gone afterwards. */
void http2_side_ends(struct weir_turn *turn, struct http2_exchanges *all, struct http2_exchange *exchange);
/* RST_STREAM. */
void http2_exchange_reset(struct weir_turn *turn, struct http2_exchanges *all, struct http2_exchange *exchange);
void http2_exchanges_end(struct weir_turn *turn, struct http2_exchanges *all);

#endif
