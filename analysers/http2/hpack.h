/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http2/hpack.h - HPACK (RFC 7541), read by somebody who only listens.
 *
 *     header block --> http2_block() --> name and value, one call a field
 *                          | ^
 *                          v |
 *                    struct http2_table: what this direction's encoder put into its dynamic table
 *
 * One table a direction.  A listener may have come late, lost bytes, or not want to keep as much as the peers agreed
 * on.  Indices count from the newest entry, so what was added since is still right; an index beyond is an unknown field,
 * which is left out, once `partial` is set, and an error before.  Names and values that nobody needs whole are
 * kept cut, but counted as they were.
 */
#ifndef HTTP2_HPACK_H
#define HTTP2_HPACK_H

#include <weir/analyser.h>

#define HTTP2_TABLE_DEFAULT 4096u /* RFC 9113 section 6.5.2 */
#define HTTP2_TABLE_KEPT 16384u   /* text of a table that is kept at most; older entries become unknown */
#define HTTP2_NAME_KEPT 64u
#define HTTP2_VALUE_KEPT 8192u

struct http2_entry {
    uint32_t at;          /* of its name in the text; the value follows */
    uint32_t bytes;       /* as RFC 7541 section 4.1 counts it */
    uint32_t name_bytes;  /* as it was sent */
    uint16_t name, value; /* bytes kept */
};

struct http2_table {
    struct http2_entry *entries; /* held; a ring of `room` */
    char *text;                  /* held; what is in use begins at `from` and ends at `used` */
    uint32_t first, count, room;
    uint32_t from, used, text_room;
    uint32_t limit; /* largest size that the encoder may choose */
    uint32_t max;   /* size that it has chosen */
    uint32_t bytes; /* of all entries */
    bool limited;   /* `limit` was seen to be set */
    bool partial;   /* older entries may have been missed */
    bool blind;     /* nothing can be kept any more */
};

void http2_table_start(struct http2_table *table);
/* The other side's SETTINGS_HEADER_TABLE_SIZE; without it in a first SETTINGS, the default. */
void http2_table_limit(struct http2_table *table, uint32_t bytes);
/* Bytes of the direction were missed. */
void http2_table_lose(struct weir_turn *turn, struct http2_table *table);

/* Views that live until the call returns; a value may be cut to HTTP2_VALUE_KEPT. */
typedef void http2_on_field(void *context, struct weir_str name, struct weir_str value);

/* Reads one header block.  `turn` NULL: the table is not added to, for a probe.  false: this is no header block. */
bool http2_block(struct weir_turn *turn, struct http2_table *table, struct weir_bytes block, http2_on_field *on_field,
                 void *context);

/* huffman.c: decodes a string (RFC 7541 section 5.2), at most `room` bytes of it into `out`.  *size is what all of it would
 * take.  false: it is broken. */
bool http2_huffman(const uint8_t *data, uint32_t bytes, char *out, uint32_t room, uint32_t *size);

#endif
