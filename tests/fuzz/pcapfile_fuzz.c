/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture files from any bytes.  The first byte says how they come: as they are, as a gzip member or zstd frame
 * around them, or as they are and once more through a pipe in small pieces, which must give the same packets.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/hash.h"
#include "pcapfile/pcapfile.h"

static struct block *block;

struct outcome {
    uint64_t packets, hash;
    int answer;
};

static void check(bool holds)
{
    if (!holds)
        abort();
}

static int fill(struct pcapfile *file, struct outcome *outcome)
{
    struct error error;
    block->count = block->used = 0;
    int answer = pcapfile_fill(file, block, &error);
    check(block->count <= PACKET_BLOCK_PACKETS && block->used <= PACKET_BLOCK_BYTES);
    for (uint32_t i = 0; i < block->count; i++) {
        const struct packet *p = &block->packets[i];
        check(p->caplen <= PACKET_CAPLEN_MAX && p->caplen <= p->wire_bytes && p->ts_ns <= INT64_MAX);
        check(p->data >= block->bytes && p->data + p->caplen <= block->bytes + block->used);
        check(pcapfile_iface(file, p->iface) != NULL);
        for (uint32_t b = 0; b < p->caplen; b++)
            outcome->hash = outcome->hash * 31 + p->data[b];
        outcome->hash = hash_mix(outcome->hash ^ p->ts_ns, 0x9e3779b97f4a7c15u ^ p->iface);
        outcome->packets++;
    }
    outcome->answer = answer;
    return answer;
}

static struct outcome read_file(const uint8_t *data, size_t size)
{
    struct outcome outcome = {.answer = -2};
    struct error error;
    char path[40];
    int fd = memfd_create("capture", 0);
    check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct pcapfile *file = pcapfile_open(path, &error);
    uint64_t fills = 0;
    while (file && fill(file, &outcome) == 1)
        check(fills++ < 10 + outcome.packets + (1u << 20));
    pcapfile_close(file);
    close(fd);
    return outcome;
}

static struct outcome read_pipe(const uint8_t *data, size_t size, size_t piece)
{
    struct outcome outcome = {.answer = -2};
    struct error error;
    char path[40];
    int ends[2];
    check(pipe(ends) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    size_t at = size < 28 ? size : 28; /* what opening waits for */
    check(write(ends[1], data, at) == (ssize_t)at);
    if (at == size) {
        close(ends[1]);
        ends[1] = -1;
    }
    struct pcapfile *file = size < 28 ? NULL : pcapfile_open(path, &error);
    while (file) {
        if (at < size) {
            size_t some = size - at < piece ? size - at : piece;
            check(write(ends[1], data + at, some) == (ssize_t)some);
            at += some;
        } else if (ends[1] >= 0) {
            close(ends[1]);
            ends[1] = -1;
        }
        if (fill(file, &outcome) != 1)
            break;
    }
    pcapfile_close(file);
    close(ends[0]);
    if (ends[1] >= 0)
        close(ends[1]);
    return outcome;
}

/* By its magic: opening such a file may take more of it than the 28 bytes that read_pipe() begins with. */
static bool may_be_packed(const uint8_t *data, size_t size)
{
    return size && (data[0] == 0x1f || data[0] == 0x28 || (data[0] & 0xf0) == 0x50);
}

static void read_packed(const uint8_t *data, size_t size, bool gzip)
{
    size_t room = ZSTD_compressBound(size) + compressBound(size) + 100;
    uint8_t *packed = malloc(room);
    if (gzip) {
        z_stream z = {.next_in = (uint8_t *)data, .avail_in = (uInt)size, .next_out = packed, .avail_out = (uInt)room};
        check(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
        check(deflate(&z, Z_FINISH) == Z_STREAM_END);
        room = z.total_out;
        deflateEnd(&z);
    } else {
        room = ZSTD_compress(packed, room, data, size, 1);
    }
    struct outcome plain = read_file(data, size), outcome = read_file(packed, room);
    if (!may_be_packed(data, size))
        check(plain.packets == outcome.packets && plain.hash == outcome.hash && plain.answer == outcome.answer);
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!block)
        block = block_new();
    if (size < 1)
        return 0;
    uint8_t how = *data++;
    size--;
    if (how < 64) {
        read_file(data, size);
    } else if (how < 128) {
        read_packed(data, size, how % 2);
    } else if (size < 32000 && !may_be_packed(data, size)) {
        struct outcome file = read_file(data, size), pieces = read_pipe(data, size, 1 + (how - 128) * 3);
        check(size < 28 ||
              (file.packets == pieces.packets && file.hash == pieces.hash && file.answer == pieces.answer));
    }
    return 0;
}
