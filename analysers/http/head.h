/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/head.h - reads the head of one HTTP/1 message (RFC 9112), in place and in one pass.
 *
 * A head is the start line and the header lines up to the empty one.  Lines end in LF, with or without a CR.  Of the headers only
 * those in `enum http_header` are kept, as views into the caller's bytes; nothing is copied, except that a folded
 * value (obs-fold, RFC 9112 section 5.2) is joined with single spaces in the head's own room.
 *
 * A head may arrive in pieces.  `struct http_scan` remembers how far its end was looked for, so that the cost stays
 * linear however small the pieces are; zero it for each message.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <weir/analyser.h>

#define HTTP_HEAD_MAX 65534u /* a longer head is none: one byte more must still fit into the host's carry */
#define HTTP_FOLD_MAX 1024u  /* folded values of one head, together; the rest is cut */

enum http_header {
    HTTP_B3,
    HTTP_CONTENT_DISPOSITION,
    HTTP_CONTENT_ENCODING,
    HTTP_CONTENT_LENGTH,
    HTTP_CONTENT_RANGE,
    HTTP_CONTENT_TYPE,
    HTTP_FORWARDED_FOR,
    HTTP_HOST,
    HTTP_REFERER,
    HTTP_SERVER,
    HTTP_TRACEPARENT,
    HTTP_TRANSFER_ENCODING,
    HTTP_UPGRADE,
    HTTP_USER_AGENT,
    HTTP_B3_SPAN,
    HTTP_B3_TRACE,
    HTTP_HEADERS
};

/* How the length of the body is said (RFC 9112 section 6.3), before method and status have their say. */
enum http_framing {
    HTTP_NO_LENGTH,  /* neither length nor coding */
    HTTP_LENGTH,     /* `length` bytes; UINT64_MAX where the number is larger */
    HTTP_CHUNKED,    /* the last transfer coding is chunked */
    HTTP_CODED,      /* a transfer coding, but chunked is not the last one */
    HTTP_BAD_LENGTH, /* not a number, or several that differ */
};

struct http_scan {
    uint32_t at;  /* no line end (no head end, once `started`) begins before this byte */
    bool started; /* the start line is there and good */
};

struct http_head {
    uint32_t size; /* of the head, with the empty line */
    struct weir_str method, uri;
    struct weir_str version; /* "1.1"; null where the request line has none */
    struct weir_str reason;
    uint16_t status;
    enum http_framing framing;
    uint64_t length;
    struct weir_str value[HTTP_HEADERS]; /* null: no such line; the first line's where there are several */
    uint32_t fold_used;
    char fold[HTTP_FOLD_MAX]; /* not initialised */
};

enum http_parse {
    HTTP_WHOLE, /* `head` is filled */
    HTTP_MORE,  /* good so far */
    HTTP_BAD,   /* no message begins here */
};

/* The head that begins at `data`.  Costs one look at each byte, about 100 ns for 200 bytes. */
enum http_parse http_request_head(const uint8_t *data, uint32_t size, struct http_scan *scan, struct http_head *head);
enum http_parse http_reply_head(const uint8_t *data, uint32_t size, struct http_scan *scan, struct http_head *head);

/* The same for a head that will not be completed: whole when at least the start line is. */
enum http_parse http_cut_head(const uint8_t *data, uint32_t size, bool reply, struct http_head *head);

/*
 * Looks in bytes that are out of step for the place where a message begins, by its whole start line.  The offset of
 * the first one, with *found set; otherwise the offset of the first byte that has to be kept for the next look.
 * `looked`: how many of the bytes were kept by the look before.
 */
uint32_t http_find_request(const uint8_t *data, uint32_t size, uint32_t looked, bool *found);
uint32_t http_find_reply(const uint8_t *data, uint32_t size, bool *found);

/* Does `text`, which may be cut, begin like a method that is known? */
bool http_maybe_method(const uint8_t *text, uint32_t size);

/* Judges first bytes for weir_analyser.probe: a request line or a status line, nothing else. */
enum weir_verdict http_probe(const struct weir_probe *probe);

#endif
