/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir/bytes.h - reading bytes that somebody else wrote.
 *
 * A cursor never reads past its end: a read that would sets `bad`, gives zero, and from then on every read
 * gives zero.  So a parser reads a whole header without a test between the fields and asks once, at the end,
 * whether all of it was there.  Nothing here allocates or copies; a cursor is two pointers and a flag, and is
 * passed and kept by value.
 */
#ifndef WEIR_BYTES_H
#define WEIR_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct weir_bytes {
    const uint8_t *at;  /* next unread byte */
    const uint8_t *end; /* one past the last */
    bool bad;           /* a read went past the end; sticky */
};

static inline struct weir_bytes weir_bytes(const void *data, size_t size)
{
    const uint8_t *p = (const uint8_t *)data;
    return (struct weir_bytes){p, p ? p + size : p, false};
}

/* Bytes that are left to read; 0 once bad. */
static inline size_t weir_left(const struct weir_bytes *b)
{
    return b->bad ? 0 : (size_t)(b->end - b->at);
}

/* The next `size` bytes, and the cursor moves past them; NULL (and bad) when there are fewer. */
static inline const uint8_t *weir_take(struct weir_bytes *b, size_t size)
{
    if (weir_left(b) < size || b->bad) {
        b->bad = true;
        return NULL;
    }
    const uint8_t *p = b->at;
    b->at += size;
    return p;
}

static inline void weir_skip(struct weir_bytes *b, size_t size)
{
    (void)weir_take(b, size);
}

/* A cursor over the next `size` bytes, which this cursor moves past; an empty bad one when there are fewer. */
static inline struct weir_bytes weir_sub(struct weir_bytes *b, size_t size)
{
    const uint8_t *p = weir_take(b, size);
    struct weir_bytes sub = weir_bytes(p, p ? size : 0);
    sub.bad = p == NULL;
    return sub;
}

/* Unaligned loads from memory that is known to be there. */
static inline uint16_t weir_load_be16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return __builtin_bswap16(v);
}
static inline uint32_t weir_load_be24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}
static inline uint32_t weir_load_be32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}
static inline uint64_t weir_load_be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}
static inline uint16_t weir_load_le16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}
static inline uint32_t weir_load_le32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static inline uint64_t weir_load_le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* Reads through a cursor; zero when there is too little. */
static inline uint8_t weir_u8(struct weir_bytes *b)
{
    const uint8_t *p = weir_take(b, 1);
    return p ? *p : 0;
}
static inline uint16_t weir_be16(struct weir_bytes *b)
{
    const uint8_t *p = weir_take(b, 2);
    return p ? weir_load_be16(p) : 0;
}
static inline uint32_t weir_be24(struct weir_bytes *b)
{
    const uint8_t *p = weir_take(b, 3);
    return p ? weir_load_be24(p) : 0;
}
static inline uint32_t weir_be32(struct weir_bytes *b)
{
    const uint8_t *p = weir_take(b, 4);
    return p ? weir_load_be32(p) : 0;
}
static inline uint64_t weir_be64(struct weir_bytes *b)
{
    const uint8_t *p = weir_take(b, 8);
    return p ? weir_load_be64(p) : 0;
}
static inline uint16_t weir_le16(struct weir_bytes *b)
{
    const uint8_t *p = weir_take(b, 2);
    return p ? weir_load_le16(p) : 0;
}
static inline uint32_t weir_le32(struct weir_bytes *b)
{
    const uint8_t *p = weir_take(b, 4);
    return p ? weir_load_le32(p) : 0;
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weir's loads assume a little-endian machine (x86-64, AArch64)"
#endif

#endif
