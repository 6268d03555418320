/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/value.h - what some header values and request targets say.  Answers are views into what was given, but for
 * http_url_copy(); null where there is nothing.  All of it is pure.
 */
#ifndef HTTP_VALUE_H
#define HTTP_VALUE_H

#include <weir/analyser.h>

#include "head.h"

/* The host, with its port, in a request target: absolute form, or CONNECT's authority form (RFC 9112 section 3.2). */
struct weir_str http_authority(struct weir_str method, struct weir_str uri);

/* An authority without the user information in front of its host. */
struct weir_str http_without_user(struct weir_str authority);

/*
 * Copies a URL, at most `room` bytes of it, and leaves passwords out, with the colon before each: its own
 * ("scheme://user:password@host", "//user:password@host", an authority alone) and those of URLs inside it
 * ("/proxy?to=ftp://user:password@host").  How many bytes were put.
 */
uint32_t http_url_copy(char *to, uint32_t room, struct weir_str url);

/* Trace and span id of W3C Trace Context or, failing that, B3. */
void http_trace(const struct http_head *head, struct weir_str *trace, struct weir_str *span);

/* Content-Disposition's file name (RFC 6266), not decoded. */
struct weir_str http_filename(struct weir_str disposition);

/* Content-Range into body->range_first and range_size; leaves them when it says nothing of use. */
void http_content_range(struct weir_body *body, struct weir_str value);

/* Does a list hold this word, given in lower case? */
bool http_has_word(struct weir_str list, const char *word, uint32_t size);

#endif
