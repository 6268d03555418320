/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several files as one, by (stamp, place in the argument list, place in the file).  A heap holds each file that has
 * more, by the stamp of its next packet; the first gives a run of packets, until the second's turn comes.
 *
 * The usual case is a capture that was cut into many files, one after the other.  So a file is opened, and given a
 * block of its own, only when the stamp of its first packet (found at the start, see park()) makes it the first of
 * the heap, and gives both back when it has ended: memory and descriptors go with how many files overlap in time, not
 * with how many there are.  And where a whole block comes before the second's turn, buffers change hands, and nothing
 * is copied.
 *
 * A file that has used up its block stands first (key 0) until it has read more, as nobody can know what comes.  A
 * pipe is not waited for while there is something to give.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "capture/source.h"

#define MERGED_BYTES (2 * PACKET_BLOCK_READ) /* of copies in a block; the rest of it is for who comes after */
#define REFILLS_MAX 64                       /* in one call, so that the caller is asked now and then */

static bool is_before(const struct capture_source *a, const struct capture_source *b)
{
    return a->key_ns < b->key_ns || (a->key_ns == b->key_ns && a->place < b->place);
}

static void sift_down(struct capture *capture, uint32_t at)
{
    struct capture_source **heap = capture->heap, *source = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= capture->heap_count)
            break;
        if (child + 1 < capture->heap_count && is_before(heap[child + 1], heap[child]))
            child++;
        if (!is_before(heap[child], source))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = source;
}

/* Many files may overlap, each with a descriptor: as many as the system lets us have. */
static void allow_descriptors(uint32_t count)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= count + 256)
        return;
    limit.rlim_cur = limit.rlim_max < count + 256 ? limit.rlim_max : count + 256;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void capture_merge_start(struct capture *capture)
{
    capture->heap = calloc(capture->source_count, sizeof(struct capture_source *));
    capture->spare = calloc(capture->source_count, sizeof(struct block *));
    WEIR_CHECK(capture->heap && capture->spare);
    for (uint32_t i = 0; i < capture->source_count; i++)
        capture->heap[capture->heap_count++] = &capture->sources[i];
    for (uint32_t i = capture->heap_count / 2; i-- > 0;)
        sift_down(capture, i);
    allow_descriptors(capture->source_count);
}

void capture_merge_stop(struct capture *capture)
{
    for (uint32_t i = 0; i < capture->source_count; i++)
        block_free(capture->sources[i].block);
    for (uint32_t i = 0; i < capture->spare_count; i++)
        block_free(capture->spare[i]);
    free(capture->spare);
    free(capture->heap);
}

static void pop(struct capture *capture)
{
    struct capture_source *source = capture->heap[0];
    if (source->block)
        capture->spare[capture->spare_count++] = source->block;
    source->block = NULL;
    capture->heap[0] = capture->heap[--capture->heap_count];
    if (capture->heap_count)
        sift_down(capture, 0);
}

/* Reads on into the source's block, which is used up; false when nothing is left. */
static bool refill(struct capture *capture, struct capture_source *source)
{
    struct error error;
    if (source->ended)
        return false;
    if (!source->file && capture_source_open(capture, source, &error) != 0) {
        capture_complain(capture, error.text);
        source->ended = true;
        return false;
    }
    if (!source->block)
        source->block = capture->spare_count ? capture->spare[--capture->spare_count] : block_new();
    source->block->count = source->block->used = source->head = 0;
    return capture_source_fill(capture, source, source->block) || source->block->count;
}

/* The first source may give packets with stamps below this. */
static uint64_t bound(const struct capture *capture)
{
    const struct capture_source *first = capture->heap[0], *second = NULL;
    if (capture->heap_count > 1)
        second = capture->heap[1];
    if (capture->heap_count > 2 && is_before(capture->heap[2], second))
        second = capture->heap[2];
    return second ? second->key_ns + (first->place < second->place) : UINT64_MAX;
}

static bool is_whole_run(const struct capture_source *source, uint64_t stop_ns)
{
    if (source->head != 0)
        return false;
    for (uint32_t i = 0; i < source->block->count; i++)
        if (source->block->packets[i].ts_ns >= stop_ns)
            return false;
    return true;
}

static void swap_buffers(struct block *a, struct block *b)
{
    struct packet *packets = a->packets;
    uint8_t *bytes = a->bytes;
    uint32_t count = a->count, used = a->used;
    a->packets = b->packets, a->bytes = b->bytes, a->count = b->count, a->used = b->used;
    b->packets = packets, b->bytes = bytes, b->count = count, b->used = used;
}

/* Copies packets until the source's turn is over; false when the block takes no more. */
static bool copy_run(struct capture *capture, struct capture_source *source, struct block *block, uint64_t stop_ns)
{
    struct block *from = source->block;
    for (; source->head < from->count; source->head++) {
        struct packet *packet = &from->packets[source->head];
        if (packet->ts_ns >= stop_ns)
            break;
        if (block->count == PACKET_BLOCK_PACKETS || (block->count && block->used + packet->caplen > MERGED_BYTES))
            return false;
        if (!capture_admit(capture, source, packet, from->bytes + (packet->data - from->bytes))) {
            capture->tally.filtered++;
            continue;
        }
        struct packet *copy = &block->packets[block->count++];
        capture_copy_packet(copy, packet);
        copy->data = memcpy(block->bytes + block->used, packet->data, packet->caplen);
        block->used += packet->caplen;
    }
    return true;
}

/* After packets were taken from the first source, or read into it. */
static void update_key(struct capture *capture, struct capture_source *source)
{
    source->key_ns = source->head < source->block->count ? source->block->packets[source->head].ts_ns : 0;
    sift_down(capture, 0);
}

bool capture_merge_fill(struct capture *capture, struct block *block)
{
    for (int refills = 0; capture->heap_count;) {
        struct capture_source *source = capture->heap[0];
        if (!source->block || source->head == source->block->count) {
            if (refills++ == REFILLS_MAX || (source->pipe && block->count))
                return true;
            if (!refill(capture, source)) {
                pop(capture);
                continue;
            }
            update_key(capture, source);
            if (source->pipe && source->block->count == 0) /* half a record, or a signal */
                return true;
            continue;
        }
        uint64_t stop_ns = bound(capture);
        if (is_whole_run(source, stop_ns)) {
            if (block->count)
                return true;
            swap_buffers(block, source->block);
            source->head = 0;
            capture->alone_until_ns = source->port_count == 1 ? stop_ns : 0;
            capture_admit_block(capture, source, block);
            update_key(capture, source);
            return true;
        }
        bool room = copy_run(capture, source, block, stop_ns);
        update_key(capture, source);
        if (!room)
            return true;
    }
    return false;
}
