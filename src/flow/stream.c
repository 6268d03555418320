/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP byte stream in order, from segments in any order.
 *
 * In order, bytes are handed on from the packet itself.  A segment ahead of its time is copied into the shard's pool, as
 * far as its bytes are new: the first copy of a byte wins, whatever comes later.  If nobody reads the flow only the range is kept, so
 * that holes and retransmissions are still told apart.
 *
 * What is missing in front of kept segments is a hole.  It is given up - handed on as a gap - when the peer has acknowledged
 * it (the receiver has it, the capture does not) and a moment has passed, when it is older than any retransmission
 * would take, when a budget is used up, and at the end.
 *
 * The queue of a direction is an array sorted by sequence number with room at both ends, so that segments which arrive in order
 * behind a hole, or in reverse, are put in without moving others.  It is bounded: QUEUE_MAX segments, reorder_bytes, and the pool.
 */
#include <string.h>

#include "base/error.h"
#include "flow/entry.h"

#define QUEUE_MIN 15u   /* with the header, 384 bytes */
#define QUEUE_MAX 2047u /* 48 KiB */

struct segment {
    uint32_t seq, bytes;
    uint8_t *data;  /* NULL: only counted */
    uint64_t ts_ns; /* of the frame that brought it */
};

struct queue {
    uint32_t capacity, first, count;
    uint32_t kept; /* bytes in segments that have data */
    struct segment segment[];
};

/* What an operation on a stream needs to know. */
struct stream {
    struct flow_shard *shard;
    struct flow *flow;
    int dir;
    uint64_t ts_ns, frame;
};

static uint32_t queue_bytes(uint32_t capacity)
{
    return (uint32_t)(sizeof(struct queue) + capacity * sizeof(struct segment));
}

static int32_t ahead(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static struct side *side_of(const struct stream *s)
{
    return &s->flow->side[s->dir];
}

/* The direction's end was told: what is kept from beyond it is nobody's. */
static bool is_over(const struct stream *s)
{
    return side_of(s)->flags & SIDE_FIN_TOLD;
}

static void hand_on(const struct stream *s, const uint8_t *data, uint32_t bytes, uint64_t data_ns)
{
    if (!bytes)
        return;
    side_of(s)->next += bytes;
    const struct flow_shard_parts *parts = &s->shard->parts;
    if (data && !is_over(s) && parts->hooks->wanted(s->flow->space))
        parts->hooks->data(parts->context, s->flow->space, &s->flow->info, s->dir, data, bytes, data_ns, s->ts_ns,
                           s->frame);
    else
        parts->ledger->count[LEDGER_unwanted] += bytes;
}

static void gap(const struct stream *s, uint32_t bytes)
{
    if (!bytes)
        return;
    side_of(s)->next += bytes;
    if (is_over(s))
        return;
    s->flow->missed += bytes;
    history_add(s->flow, s->dir, HISTORY_GAP);
    const struct flow_shard_parts *parts = &s->shard->parts;
    if (parts->hooks->wanted(s->flow->space))
        parts->hooks->gap(parts->context, s->flow->space, &s->flow->info, s->dir, bytes, s->ts_ns, s->frame);
}

static void free_segment(const struct stream *s, struct queue *queue, struct segment *segment)
{
    if (!segment->data)
        return;
    queue->kept -= segment->bytes;
    pool_put(s->shard->parts.pool, segment->data, segment->bytes);
}

void stream_free(struct flow_shard *shard, struct flow *flow, int dir)
{
    struct queue *queue = queue_of(flow, dir);
    if (!queue)
        return;
    struct stream s = {.shard = shard, .flow = flow, .dir = dir};
    for (uint32_t i = 0; i < queue->count; i++)
        free_segment(&s, queue, &queue->segment[queue->first + i]);
    pool_put(shard->parts.pool, queue, queue_bytes(queue->capacity));
    queue_set(flow, dir, NULL);
}

/* Hands on every kept segment that has become due. */
static void drain(const struct stream *s)
{
    struct queue *queue = queue_of(s->flow, s->dir);
    uint64_t *hole_ns = &s->flow->hole_ns[s->dir];
    for (bool moved = false; queue && queue->count; moved = true) {
        struct segment *front = &queue->segment[queue->first];
        if (ahead(front->seq, side_of(s)->next) > 0) {
            /* Another hole than before, and as old as the segment that shows it. */
            if (moved && front->ts_ns > *hole_ns)
                *hole_ns = front->ts_ns;
            return;
        }
        /* Never overlapping: whoever moves `next` stops at the first kept byte. */
        WEIR_CHECK(front->seq == side_of(s)->next);
        hand_on(s, front->data, front->bytes, front->ts_ns);
        free_segment(s, queue, front);
        queue->first++;
        queue->count--;
    }
    if (queue)
        stream_free(s->shard, s->flow, s->dir);
}

/* Gives up the hole in front of the first kept segment. */
static void skip_hole(const struct stream *s)
{
    const struct queue *queue = queue_of(s->flow, s->dir);
    gap(s, queue->segment[queue->first].seq - side_of(s)->next);
    drain(s);
}

static struct queue *grow(const struct stream *s, struct queue *old)
{
    uint32_t capacity = old ? old->capacity * 2 + 1 : QUEUE_MIN;
    struct queue *queue = capacity <= QUEUE_MAX ? pool_get(s->shard->parts.pool, queue_bytes(capacity)) : NULL;
    if (!queue)
        return NULL;
    uint32_t count = old ? old->count : 0;
    *queue = (struct queue){.capacity = capacity, .first = (capacity - count) / 2, .count = count};
    if (old) {
        queue->kept = old->kept;
        memcpy(&queue->segment[queue->first], &old->segment[old->first], count * sizeof old->segment[0]);
        pool_put(s->shard->parts.pool, old, queue_bytes(old->capacity));
    }
    queue_set(s->flow, s->dir, queue);
    return queue;
}

/* Makes room for one segment at `index` by moving the shorter part; its place, or NULL when the queue cannot grow. */
static struct segment *open_at(const struct stream *s, uint32_t index)
{
    struct queue *queue = queue_of(s->flow, s->dir);
    if (!queue || queue->count == queue->capacity)
        queue = grow(s, queue);
    if (!queue)
        return NULL;
    struct segment *base = queue->segment + queue->first;
    bool back = queue->first + queue->count < queue->capacity;
    if (queue->first && (!back || index < queue->count / 2)) {
        memmove(base - 1, base, index * sizeof *base);
        queue->first--;
        base--;
    } else {
        memmove(base + index + 1, base + index, (queue->count - index) * sizeof *base);
    }
    queue->count++;
    return base + index;
}

/* Number of kept segments that lie wholly before `seq`. */
static uint32_t position(const struct queue *queue, uint32_t next, uint32_t seq)
{
    uint32_t low = 0, high = queue ? queue->count : 0;
    /* Behind everything is the common case. */
    if (high) {
        const struct segment *last = &queue->segment[queue->first + high - 1];
        if (last->seq + last->bytes - next <= seq - next)
            return high;
    }
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct segment *segment = &queue->segment[queue->first + middle];
        if (segment->seq + segment->bytes - next <= seq - next)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Keeps one piece that overlaps nothing, at `index`; false when a budget is used up. */
static bool keep(const struct stream *s, uint32_t index, uint32_t seq, const uint8_t *data, uint32_t bytes)
{
    struct flow_shard *shard = s->shard;
    const struct queue *queue = queue_of(s->flow, s->dir);
    if (!queue) {
        s->flow->hole_ns[s->dir] = s->ts_ns;
    } else if (queue->kept + bytes > shard->options.reorder_bytes) {
        return false;
    }
    uint8_t *copy = NULL;
    if (shard->parts.hooks->wanted(s->flow->space)) {
        copy = pool_get(shard->parts.pool, bytes);
        if (!copy)
            return false;
        memcpy(copy, data, bytes);
    }
    struct segment *segment = open_at(s, index);
    if (!segment) {
        if (copy)
            pool_put(shard->parts.pool, copy, bytes);
        return false;
    }
    *segment = (struct segment){seq, bytes, copy, s->ts_ns};
    if (copy)
        queue_of(s->flow, s->dir)->kept += bytes;
    if (!queue)
        timer_sooner(shard, s->flow);
    return true;
}

/*
 * Keeps what is new of a segment ahead of its time.  Answers how many of its bytes were dealt with; fewer than
 * `bytes` when a budget is used up.
 */
static uint32_t keep_new(const struct stream *s, uint32_t seq, const uint8_t *data, uint32_t bytes)
{
    uint32_t next = side_of(s)->next, done = 0;
    uint32_t index = position(queue_of(s->flow, s->dir), next, seq);
    while (done < bytes) {
        const struct queue *queue = queue_of(s->flow, s->dir);
        const struct segment *after = queue && index < queue->count ? &queue->segment[queue->first + index] : NULL;
        uint32_t start = seq + done, free_bytes = bytes - done;
        if (after && ahead(after->seq, start) <= 0) {
            uint32_t twice = after->seq + after->bytes - start;
            if (twice > free_bytes)
                twice = free_bytes;
            s->shard->parts.ledger->count[LEDGER_duplicate] += twice;
            done += twice;
            index++;
            continue;
        }
        if (after && after->seq - start < free_bytes)
            free_bytes = after->seq - start;
        if (!keep(s, index, start, data + done, free_bytes))
            return done;
        done += free_bytes;
        index++;
    }
    return done;
}

/* Bytes from `next` on: handed on up to the first kept byte, the first copy of which wins. */
static void in_order(const struct stream *s, const uint8_t *data, uint32_t bytes)
{
    while (bytes) {
        const struct queue *queue = queue_of(s->flow, s->dir);
        uint32_t before = side_of(s)->next, piece = bytes;
        if (queue) {
            uint32_t room = queue->segment[queue->first].seq - before;
            if (room < piece)
                piece = room;
        }
        hand_on(s, data, piece, s->ts_ns);
        data += piece;
        bytes -= piece;
        if (!queue)
            return;
        before = side_of(s)->next;
        drain(s);
        uint32_t moved = side_of(s)->next - before;
        uint32_t twice = moved < bytes ? moved : bytes;
        s->shard->parts.ledger->count[LEDGER_duplicate] += twice;
        data += twice;
        bytes -= twice;
    }
}

static void out_of_order(const struct stream *s, uint32_t seq, const uint8_t *data, uint32_t bytes)
{
    while (bytes) {
        uint32_t done = keep_new(s, seq, data, bytes);
        seq += done;
        data += done;
        bytes -= done;
        if (!bytes)
            return;
        const struct queue *queue = queue_of(s->flow, s->dir);
        if (!queue || ahead(queue->segment[queue->first].seq, seq) > 0) {
            /* Nothing that is kept comes before these bytes: only those in front of them count as missing. */
            gap(s, seq - side_of(s)->next);
        } else {
            skip_hole(s);
        }
        int32_t off = ahead(seq, side_of(s)->next);
        if (off > 0)
            continue;
        if (off < 0) { /* kept segments reached past it */
            uint32_t twice = (uint32_t)-off < bytes ? (uint32_t)-off : bytes;
            s->shard->parts.ledger->count[LEDGER_duplicate] += twice;
            data += twice;
            bytes -= twice;
        }
        in_order(s, data, bytes);
        return;
    }
}

static void tell_fin(const struct stream *s)
{
    struct side *side = side_of(s);
    if ((side->flags & (SIDE_FIN | SIDE_FIN_TOLD)) != SIDE_FIN || ahead(side->next, s->flow->fin_seq[s->dir]) < 0)
        return;
    side->flags |= SIDE_FIN_TOLD;
    const struct flow_shard_parts *parts = &s->shard->parts;
    parts->hooks->end(parts->context, s->flow->space, &s->flow->info, s->dir, WEIR_END_FIN, s->ts_ns, s->frame);
}

/* Bytes before `next` were seen already.  Answers how many; a keep-alive's one byte is no retransmission. */
static uint32_t seen_before(const struct stream *s, uint32_t back, const struct packet *packet)
{
    uint32_t twice = back < packet->payload_bytes ? back : packet->payload_bytes;
    s->shard->parts.ledger->count[LEDGER_duplicate] += twice;
    if (!(back == 1 && packet->payload_wire == 1)) {
        s->flow->retransmits[s->dir]++;
        history_add(s->flow, s->dir, HISTORY_RETRANSMIT);
    }
    return twice;
}

void stream_segment(struct flow_shard *shard, struct flow *flow, int dir, uint32_t seq, const struct packet *packet)
{
    struct stream s = {shard, flow, dir, packet->ts_ns, packet->frame};
    struct side *side = &flow->side[dir];
    const uint8_t *data = packet->data + packet->payload;
    uint32_t bytes = packet->payload_bytes;
    struct ledger *ledger = shard->parts.ledger;
    ledger->count[LEDGER_seen] += bytes;
    if (!(side->flags & SIDE_SEQ) || side->flags & SIDE_FIN_TOLD) {
        ledger->count[LEDGER_unwanted] += bytes;
        return;
    }
    int32_t off = ahead(seq, side->next);
    if (side->flags & SIDE_GUESS && packet->payload_wire) {
        side->flags &= (uint8_t)~SIDE_GUESS;
        if (off == 1) {
            side->next = seq;
            off = 0;
        }
    }
    if (off > 0) {
        uint64_t duplicates = ledger->count[LEDGER_duplicate];
        out_of_order(&s, seq, data, bytes);
        if (bytes && ledger->count[LEDGER_duplicate] - duplicates >= bytes) {
            flow->retransmits[dir]++;
            history_add(flow, dir, HISTORY_RETRANSMIT);
        }
    } else {
        uint32_t wire = packet->payload_wire;
        if (off < 0 && wire) {
            uint32_t back = (uint32_t)-off, twice = seen_before(&s, back, packet);
            data += twice;
            bytes -= twice;
            wire = back < wire ? wire - back : 0;
        }
        in_order(&s, data, bytes < wire ? bytes : wire);
        if (wire > bytes && !queue_of(flow, dir)) /* the capture cut the packet */
            gap(&s, wire - bytes);
    }
    tell_fin(&s);
}

void stream_check(struct flow_shard *shard, struct flow *flow, int dir, uint64_t ts_ns, uint64_t frame)
{
    struct stream s = {shard, flow, dir, ts_ns, frame};
    const struct side *side = &flow->side[dir];
    while (queue_of(flow, dir)) {
        const struct queue *queue = queue_of(flow, dir);
        bool acked = side->flags & SIDE_ACKED && ahead(side->acked, queue->segment[queue->first].seq) >= 0;
        uint64_t wait = acked ? shard->options.hole_acked_ns : shard->options.hole_ns;
        if (ts_ns < flow->hole_ns[dir] + wait)
            return;
        skip_hole(&s);
        if (!acked)
            flow->hole_ns[dir] = ts_ns;
    }
    tell_fin(&s);
}

uint64_t stream_deadline(const struct flow_shard *shard, const struct flow *flow)
{
    uint64_t at = UINT64_MAX;
    for (int dir = 0; dir < 2; dir++)
        if (queue_of(flow, dir) && flow->hole_ns[dir] + shard->options.hole_acked_ns < at)
            at = flow->hole_ns[dir] + shard->options.hole_acked_ns;
    return at;
}

void stream_flush(struct flow_shard *shard, struct flow *flow, int dir, uint64_t ts_ns, uint64_t frame)
{
    struct stream s = {shard, flow, dir, ts_ns, frame};
    struct side *side = &flow->side[dir];
    while (queue_of(flow, dir))
        skip_hole(&s);
    /* What the peer acknowledged, or the FIN counts, was there. */
    const int32_t believable = 16 << 20; /* an acknowledgement alone may be forged */
    int32_t off = 0;
    if (side->flags & SIDE_FIN)
        off = ahead(flow->fin_seq[dir], side->next);
    else if (side->flags & SIDE_ACKED && side->flags & SIDE_SYN)
        off = ahead(side->acked, side->next);
    if (side->flags & SIDE_SEQ && off > 0 && off < believable && !(side->flags & SIDE_FIN_TOLD))
        gap(&s, (uint32_t)off);
    tell_fin(&s);
}
