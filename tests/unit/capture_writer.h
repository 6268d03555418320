/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/capture_writer.h - capture files as tests want them: built in memory, right or wrong, in either byte order.
 */
#ifndef UNIT_CAPTURE_WRITER_H
#define UNIT_CAPTURE_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

struct writer {
    uint8_t *bytes;
    size_t used, room;
    bool swap; /* write integers in the other byte order */
    size_t block_at;
};

static inline void put(struct writer *w, const void *bytes, size_t size)
{
    if (w->used + size > w->room) {
        w->room = 2 * (w->used + size);
        w->bytes = realloc(w->bytes, w->room);
    }
    if (bytes)
        memcpy(w->bytes + w->used, bytes, size);
    else
        memset(w->bytes + w->used, 0, size);
    w->used += size;
}
static inline void put16(struct writer *w, uint16_t v)
{
    v = w->swap ? __builtin_bswap16(v) : v;
    put(w, &v, 2);
}
static inline void put32(struct writer *w, uint32_t v)
{
    v = w->swap ? __builtin_bswap32(v) : v;
    put(w, &v, 4);
}
static inline void put64(struct writer *w, uint64_t v)
{
    v = w->swap ? __builtin_bswap64(v) : v;
    put(w, &v, 8);
}

/* A frame whose bytes follow from `seed`, so that a misplaced one shows. */
static inline uint8_t frame_byte(uint32_t seed, uint32_t at)
{
    return (uint8_t)((seed * 2654435761u >> 24) + at * 7);
}
static inline void put_frame(struct writer *w, uint32_t seed, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = frame_byte(seed, i);
        put(w, &byte, 1);
    }
}

static inline void classic_head(struct writer *w, uint32_t magic, uint32_t linktype)
{
    put32(w, magic);
    put16(w, 2);
    put16(w, 4);
    put64(w, 0);
    put32(w, 262144);
    put32(w, linktype);
}
static inline void classic_record_head(struct writer *w, uint32_t seconds, uint32_t fraction, uint32_t caplen,
                                       uint32_t wire)
{
    put32(w, seconds);
    put32(w, fraction);
    put32(w, caplen);
    put32(w, wire);
}
static inline void classic_record(struct writer *w, uint32_t seconds, uint32_t seed, uint32_t caplen)
{
    classic_record_head(w, seconds, 0, caplen, caplen);
    put_frame(w, seed, caplen);
}

static inline void block_begin(struct writer *w, uint32_t type)
{
    w->block_at = w->used;
    put32(w, type);
    put32(w, 0);
}
static inline void block_end(struct writer *w)
{
    put(w, NULL, -w->used & 3);
    uint32_t size = (uint32_t)(w->used - w->block_at) + 4, written = w->swap ? __builtin_bswap32(size) : size;
    memcpy(w->bytes + w->block_at + 4, &written, 4);
    put32(w, size);
}
static inline void option_put(struct writer *w, uint16_t code, const void *value, uint16_t size)
{
    put16(w, code);
    put16(w, size);
    put(w, value, size);
    put(w, NULL, -w->used & 3);
}
static inline void option64(struct writer *w, uint16_t code, uint64_t value)
{
    value = w->swap ? __builtin_bswap64(value) : value;
    option_put(w, code, &value, 8);
}
static inline void section(struct writer *w, bool swap)
{
    w->swap = swap;
    block_begin(w, 0x0a0d0d0a);
    put32(w, 0x1a2b3c4d);
    put16(w, 1);
    put16(w, 0);
    put64(w, UINT64_MAX);
    option_put(w, 4, "a test", 6);
    put32(w, 0);
    block_end(w);
}
static inline void interface_begin(struct writer *w, uint16_t linktype, uint32_t snaplen)
{
    block_begin(w, 1);
    put16(w, linktype);
    put16(w, 0);
    put32(w, snaplen);
}
static inline void interface_plain(struct writer *w, uint16_t linktype)
{
    interface_begin(w, linktype, 0);
    block_end(w);
}
static inline void enhanced_begin(struct writer *w, uint32_t iface, uint64_t units, uint32_t caplen, uint32_t wire)
{
    block_begin(w, 6);
    put32(w, iface);
    put32(w, (uint32_t)(units >> 32));
    put32(w, (uint32_t)units);
    put32(w, caplen);
    put32(w, wire);
}
static inline void enhanced(struct writer *w, uint32_t iface, uint64_t units, uint32_t seed, uint32_t caplen)
{
    enhanced_begin(w, iface, units, caplen, caplen);
    put_frame(w, seed, caplen);
    put(w, NULL, -w->used & 3);
    block_end(w);
}
static inline void unknown_block(struct writer *w, uint32_t type, uint32_t body)
{
    block_begin(w, type);
    put(w, NULL, body);
    block_end(w);
}

/* A file of its own for `bytes`; the name is the caller's to unlink and free. */
static inline char *write_file(const void *bytes, size_t size)
{
    char *path = strdup("/tmp/weir_unit_XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
    return path;
}
static inline void drop_file(char *path)
{
    unlink(path);
    free(path);
}

/* Appends `size` bytes as one gzip member or zstd frame. */
static inline void gzip_member(struct writer *to, const uint8_t *bytes, size_t size)
{
    z_stream z = {0};
    size_t room = compressBound(size) + 64;
    uint8_t *out = malloc(room);
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    z.next_in = (uint8_t *)bytes;
    z.avail_in = (uInt)size;
    z.next_out = out;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    put(to, out, z.total_out);
    deflateEnd(&z);
    free(out);
}
static inline void zstd_frame(struct writer *to, const uint8_t *bytes, size_t size)
{
    size_t room = ZSTD_compressBound(size);
    uint8_t *out = malloc(room);
    size_t used = ZSTD_compress(out, room, bytes, size, 3);
    if (ZSTD_isError(used))
        abort();
    put(to, out, used);
    free(out);
}

#endif
