/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/pcapfile_reading.h - reads a whole file through the door and keeps what it gave.
 */
#ifndef UNIT_PCAPFILE_READING_H
#define UNIT_PCAPFILE_READING_H

#include "capture_writer.h"
#include "pcapfile/pcapfile.h"

#define READING_MAX 40000

struct reading {
    struct packet packets[READING_MAX]; /* `hash` holds whether the frame is that of seed `frame` */
    uint32_t count;
    uint32_t fills, most; /* how many, and the most packets that one gave */
    int answer;           /* the last: 0 or -1; -2: it did not open */
    struct error error;
    uint32_t iface_count;
    struct pcapfile_iface ifaces[8];
};

static inline bool frame_is(const struct packet *packet, uint32_t seed)
{
    for (uint32_t i = 0; i < packet->caplen; i++)
        if (packet->data[i] != frame_byte(seed, i))
            return false;
    return true;
}

/* Frame n of the file (from 0) must be that of seed n for `frames_are_right`. */
static inline bool frames_are_right(const struct reading *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (!r->packets[i].hash)
            return false;
    return true;
}

static inline struct reading *read_capture(const char *path)
{
    struct reading *r = calloc(1, sizeof *r);
    struct block *blocks[2] = {block_new(), block_new()};
    struct pcapfile *file = pcapfile_open(path, &r->error);
    r->answer = file ? 1 : -2;
    while (r->answer == 1) {
        struct block *block = blocks[r->fills++ % 2];
        block->count = block->used = 0;
        r->answer = pcapfile_fill(file, block, &r->error);
        if (block->count > r->most)
            r->most = block->count;
        for (uint32_t i = 0; i < block->count && r->count < READING_MAX; i++) {
            block->packets[i].hash = frame_is(&block->packets[i], r->count);
            r->packets[r->count++] = block->packets[i];
        }
    }
    if (file) {
        struct error none;
        r->iface_count = pcapfile_iface_count(file);
        for (uint32_t i = 0; i < r->iface_count && i < 8; i++)
            r->ifaces[i] = *pcapfile_iface(file, i);
        if (pcapfile_fill(file, blocks[0], &none) != 0) /* nothing comes after the end */
            r->answer = -3;
    }
    pcapfile_close(file);
    block_free(blocks[0]);
    block_free(blocks[1]);
    return r;
}

static inline struct reading *read_bytes(const uint8_t *bytes, size_t size)
{
    char *path = write_file(bytes, size);
    struct reading *r = read_capture(path);
    drop_file(path);
    return r;
}

/* The file that `w` holds, which is freed. */
static inline struct reading *read_written(struct writer *w)
{
    struct reading *r = read_bytes(w->bytes, w->used);
    free(w->bytes);
    *w = (struct writer){0};
    return r;
}

#endif
