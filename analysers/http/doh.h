/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/doh.h - DNS over HTTPS (RFC 8484) where HTTP itself can be read: messages in bodies, and in the queries of GET,
 * go to a child stream in the form that DNS has over TCP, a length and the message.
 *
 * One child a connection carries all messages of both directions; DNS pairs them by id and question.
 */
#ifndef HTTP_DOH_H
#define HTTP_DOH_H

#include <weir/analyser.h>

#define HTTP_DOH_MAX 16384u /* a longer body is none that is read */

/* One message whose bytes are collected. */
struct http_doh {
    uint8_t *data; /* held; a length in two bytes stands in front */
    uint32_t used, room;
    bool on;
};

struct http_doh_child {
    bool open, refused;
};

/* Is a body of this Content-Type and Content-Encoding a message in clear? */
bool http_doh_is(struct weir_str content_type, struct weir_str content_encoding);

/* GET: the message in the target's `dns` variable, if there is one. */
void http_doh_get(struct weir_turn *turn, struct http_doh_child *child, struct weir_str target);

void http_doh_begin(struct http_doh *message);
void http_doh_add(struct weir_turn *turn, struct http_doh *message, const uint8_t *data, uint32_t bytes);
/* The body has ended; `whole`: all of it was there. */
void http_doh_end(struct weir_turn *turn, struct http_doh_child *child, struct http_doh *message, bool whole);

#endif
