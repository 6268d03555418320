/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of capture files: tells the format, then moves bytes.  A fill lays what the one before left over (less
 * than a record, as a rule) at the start of the block, reads behind it, and has the format's walker step through both.
 * What the walker did not take goes to `keep`.
 *
 * A block that is full of packets before its bytes are used up (frames of less than 48 bytes) leaves much; then the
 * fills that follow copy out of `keep` only about as much as fills a block, and read nothing until it runs low.
 *
 * Invariants: `offset` is that of the first byte not yet walked; no more is kept than KEEP_BYTES, since the walkers
 * wait for no more than a packet of PACKET_CAPLEN_MAX and its head.
 */
#include "pcapfile/pcapfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcapfile/reader.h"

#define HEAD_BYTES (4u << 10)
#define RECORD_BYTES (PACKET_CAPLEN_MAX + 64) /* a walker that has this much takes something */
#define KEEP_BYTES (RECORD_BYTES + PACKET_BLOCK_READ)
static_assert(HEAD_BYTES <= RECORD_BYTES && PACKET_BLOCK_BYTES >= KEEP_BYTES + PACKET_BLOCK_READ,
              "a block takes what was kept and a read");

void pcapfile_lie(struct pcapfile *file, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(file->lie.text, sizeof file->lie.text, format, args);
    va_end(args);
    file->lied = true;
}

struct pcapfile_port *pcapfile_port_new(struct pcapfile *file)
{
    if (file->port_count == PCAPFILE_IFACES)
        return NULL;
    struct pcapfile_port **chunk = &file->ports[file->port_count / PCAPFILE_IFACES_CHUNK];
    if (!*chunk) {
        *chunk = calloc(PCAPFILE_IFACES_CHUNK, sizeof **chunk);
        WEIR_CHECK(*chunk != NULL);
    }
    return pcapfile_port(file, file->port_count++);
}

/* Reads until `keep` has a file header (28 bytes of pcapng, 24 of pcap) or there is no more. */
static int read_head(struct pcapfile *file, struct error *error)
{
    while (file->keep_end < 28) {
        long got = pcapfile_input_read(&file->input, file->keep + file->keep_end, HEAD_BYTES - file->keep_end);
        if (got == PCAPFILE_INPUT_INTERRUPTED)
            return error_set(error, "interrupted");
        if (got == PCAPFILE_INPUT_BROKEN)
            return error_set(error, "%s at byte %u", file->input.why.text, file->keep_end);
        if (got == 0)
            break;
        file->keep_end += (uint32_t)got;
    }
    return 0;
}

struct pcapfile *pcapfile_open(const char *path, struct error *error)
{
    struct pcapfile *file = calloc(1, sizeof *file);
    WEIR_CHECK(file != NULL);
    if (pcapfile_input_open(&file->input, path, error) != 0) {
        free(file);
        return NULL;
    }
    file->keep = malloc(KEEP_BYTES);
    WEIR_CHECK(file->keep != NULL);
    file->unwalked = true;
    struct error why;
    int begun = read_head(file, &why);
    if (begun == 0)
        begun = pcapfile_classic_begin(file, file->keep, file->keep_end, &why);
    if (begun == 0)
        begun = pcapfile_ng_begin(file, file->keep, file->keep_end, &why);
    if (begun == 0)
        error_set(&why, "neither pcap nor pcapng");
    file->input.hasty = true; /* from now on there is somebody to stop us */
    if (begun == 1)
        return file;
    error_set(error, "%s: %.400s", strcmp(path, "-") ? path : "standard input", why.text);
    pcapfile_close(file);
    return NULL;
}

void pcapfile_close(struct pcapfile *file)
{
    if (!file)
        return;
    pcapfile_input_close(&file->input);
    for (size_t i = 0; i < sizeof file->ports / sizeof *file->ports; i++)
        free(file->ports[i]);
    free(file->keep);
    free(file);
}

/* Would a read wait for a pipe, or add to what is plenty, although `have` bytes may hold whole records? */
static bool wants_read(const struct pcapfile *file, uint32_t have)
{
    if (have == 0)
        return true;
    if (have > RECORD_BYTES)
        return false;
    if (!file->input.regular)
        return !file->full && !file->unwalked;
    return !file->full || have < file->burst;
}

/* Keeps what was not walked: [rest, end) if it was read just now, else it is in `keep` already. */
static void keep_rest(struct pcapfile *file, uint32_t walked, const uint8_t *rest, const uint8_t *end, bool was_read)
{
    file->offset += walked;
    if (!was_read) {
        file->keep_at += walked;
        return;
    }
    WEIR_CHECK((size_t)(end - rest) <= KEEP_BYTES);
    memcpy(file->keep, rest, (size_t)(end - rest));
    file->keep_at = 0;
    file->keep_end = (uint32_t)(end - rest);
}

/* There is no more to read, or no way to. */
static int end_of_input(struct pcapfile *file, long got, struct error *error)
{
    uint32_t rest = file->keep_end - file->keep_at;
    file->ended = true;
    if (got == PCAPFILE_INPUT_BROKEN)
        return error_set(error, "%s at byte %llu", file->input.why.text, (unsigned long long)(file->offset + rest));
    if (rest || file->trailer)
        return error_set(error, "truncated %s at byte %llu", file->record_name,
                         (unsigned long long)(file->trailer ? file->block_at : file->offset));
    return 0;
}

int pcapfile_fill(struct pcapfile *file, struct block *block, struct error *error)
{
    if (file->ended)
        return 0;
    uint32_t have = file->keep_end - file->keep_at;
    bool reads = wants_read(file, have);
    if (!reads && file->full && have > file->burst)
        have = file->burst;
    uint32_t space = PACKET_BLOCK_BYTES - block->used;
    if (block->count == PACKET_BLOCK_PACKETS || space < have + PACKET_BLOCK_READ)
        return 1;

    uint8_t *window = block->bytes + block->used;
    memcpy(window, file->keep + file->keep_at, have);
    long got = reads ? pcapfile_input_read(&file->input, window + have, PACKET_BLOCK_READ) : 0;
    const uint8_t *end = window + have + (got > 0 ? got : 0);
    file->window = window;
    const uint8_t *rest = file->walk(file, block, window, end);

    uint32_t walked = (uint32_t)(rest - window);
    block->used += walked;
    keep_rest(file, walked, rest, end, got > 0);
    file->unwalked = false;
    file->full = block->count == PACKET_BLOCK_PACKETS;
    if (file->full)
        file->burst = walked;
    if (file->lied) {
        file->ended = true;
        return error_set(error, "%s", file->lie.text);
    }
    if (file->full || !reads || got > 0 || got == PCAPFILE_INPUT_INTERRUPTED)
        return 1;
    return end_of_input(file, got, error);
}

const struct pcapfile_iface *pcapfile_iface(const struct pcapfile *file, uint32_t index)
{
    return index < file->port_count ? &pcapfile_port(file, index)->public : NULL;
}

uint32_t pcapfile_iface_count(const struct pcapfile *file)
{
    return file->port_count;
}

uint64_t pcapfile_position(const struct pcapfile *file)
{
    return file->input.position;
}

uint64_t pcapfile_size(const struct pcapfile *file)
{
    return file->input.size;
}
