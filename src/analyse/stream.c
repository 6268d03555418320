/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of an attached analyser.
 *
 * Bytes at hand go where the direction stands: to its open route, else straight to the analyser (no copy) when enough of
 * them are there, else into the carry until they are.  Each round takes at least one byte or ends the loop: an analyser that took nothing
 * is not called again before one more byte is there.  So 1-byte segments cost one small append each while MORE(n) is
 * not reached, and the calls of an analyser are bounded by the bytes of the flow.
 *
 * This file does not decide who is attached (naming.c) and keeps no bytes itself (carry.c).
 */
#include <string.h>

#include "analyse/host.h"
#include "base/error.h"

#define FEED_CHUNK 2048u /* most that is added to a carry at once beyond what the analyser asked for */

/* Where empty turns point, so that nobody adds to NULL. */
static const uint8_t nothing[1];

static struct call call_make(const struct at *at, const uint8_t *data, uint32_t size, uint64_t first_ns)
{
    const struct stream *stream = at->af->stream;
    return (struct call){
        .turn = {.size = sizeof(struct weir_turn),
                 .dir = (uint8_t)at->dir,
                 .ended = at->af->ended[at->dir],
                 .ts_ns = at->cause.ts_ns,
                 .first_ns = first_ns,
                 .frame = at->cause.frame,
                 .data = data,
                 .left = size,
                 .flow = at->flow,
                 .host = &host_offers,
                 .owed = {stream->side[0].owed, stream->side[1].owed}},
        .at = at,
        .stream = at->af->stream,
        .in_order = true,
    };
}

/* ---- attach and free ---- */

bool stream_attach(const struct at *at, uint32_t index, uint8_t confidence)
{
    struct analyse *analyse = at->analyse;
    const struct weir_analyser *analyser = analyse->analysers[index];
    struct analyse_flow *af = at->af;
    uint32_t bytes = (uint32_t)sizeof(struct stream) + analyser->state_bytes;
    af->service = analyser->name;
    af->confidence = confidence;
    af->mode = MODE_UNWANTED;
    af->naming = NULL;
    if (!(analyse->wanted >> index & 1))
        return false;
    struct stream *stream = pool_get(analyse->pool, bytes);
    if (!stream) {
        analyse->ledger->count[LEDGER_hold_refused] += bytes;
        return false;
    }
    memset(stream, 0, bytes);
    stream->analyser = analyser;
    stream->index = (uint8_t)index;
    stream->side[0].need = stream->side[1].need = 1;
    af->stream = stream;
    af->ticks = analyser->on_tick != NULL;
    af->mode = MODE_ATTACHED;
    af->read = true;
    return true;
}

void stream_body_end(const struct at *at, struct side *side, bool complete)
{
    if (side->body)
        at->analyse->sink->end(side->body, complete);
    side->body = NULL;
    side->body_open = false;
}

static struct at child_at(const struct at *at, struct child *child)
{
    struct at inner = *at;
    inner.af = &child->af;
    inner.flow = &child->flow;
    return inner;
}

static void child_end(const struct at *at, struct stream *stream, enum weir_end end)
{
    if (!stream->child)
        return;
    struct at inner = child_at(at, stream->child);
    host_end(&inner, end);
    if (end != WEIR_END_FIN) {
        pool_put(at->analyse->pool, stream->child, sizeof *stream->child);
        stream->child = NULL;
    }
}

void stream_drop(const struct at *at)
{
    struct analyse_flow *af = at->af;
    struct stream *stream = af->stream;
    struct pool *pool = at->analyse->pool;
    child_end(at, stream, WEIR_END_IDLE);
    for (int dir = 0; dir < 2; dir++) {
        stream_body_end(at, &stream->side[dir], false);
        if (stream->side[dir].carry)
            carry_drop(pool, &stream->side[dir]);
    }
    for (struct hold *hold = stream->holds, *next; hold; hold = next) {
        next = hold->next;
        pool_put(pool, hold, hold->bytes);
    }
    pool_put(pool, stream, (uint32_t)sizeof *stream + stream->analyser->state_bytes);
    af->stream = NULL;
    af->ticks = false;
    af->mode = MODE_FRESH;
}

/* The analyser leaves; nobody else reads the flow. */
static enum outcome leave(const struct at *at)
{
    stream_drop(at);
    at->af->mode = MODE_UNWANTED;
    return GONE;
}

/* ---- answers ---- */

static enum outcome settle(const struct at *at, struct stream *stream, struct weir_answer answer, uint32_t left,
                           uint32_t taken)
{
    struct side *side = &stream->side[at->dir];
    if (taken)
        stream->touched = true;
    switch (answer.kind) {
    case WEIR_MORE:
        side->need = answer.bytes ? answer.bytes : 1;
        if (side->need <= left && !taken)
            side->need = left + 1; /* no progress without another byte */
        return GOES_ON;
    case WEIR_DONE: return leave(at);
    case WEIR_NOT_MINE: break;
    }
    at->analyse->ledger->count[LEDGER_analyser_wrong]++;
    if (!stream->touched)
        return REJECTED;
    at->af->service = NULL;
    at->af->confidence = 0;
    return leave(at);
}

/* Shows `size` unread bytes; `*taken` gets how many of them were taken or passed. */
static enum outcome show(const struct at *at, struct stream *stream, const uint8_t *data, uint32_t size,
                         uint64_t first_ns, uint32_t *taken)
{
    struct call call = call_make(at, data, size, first_ns);
    stream->side[at->dir].due = false;
    struct weir_answer answer = stream->analyser->on_data(&call.turn, stream_state(stream));
    WEIR_CHECK(call.turn.left <= size);
    *taken = size - call.turn.left;
    return settle(at, stream, answer, call.turn.left, *taken);
}

/* ---- gaps ---- */

static enum outcome tell_gap(const struct at *at, struct stream *stream, uint64_t bytes)
{
    struct side *side = &stream->side[at->dir];
    stream->touched = true;
    bytes += side->bytes;
    if (side->carry)
        carry_drop(at->analyse->pool, side);
    side->need = 1;
    if (!stream->analyser->on_gap)
        return leave(at);
    struct call call = call_make(at, nothing, 0, at->first_ns);
    struct weir_answer answer = stream->analyser->on_gap(&call.turn, stream_state(stream), bytes);
    return settle(at, stream, answer, 0, 0);
}

static void route_gap(const struct at *at, struct stream *stream, struct side *side, uint64_t bytes)
{
    stream->touched = true;
    if (side->route == WEIR_ROUTE_BODY && side->body)
        at->analyse->sink->gap(side->body, bytes);
    if (side->route == WEIR_ROUTE_CHILD && stream->child) {
        struct at inner = child_at(at, stream->child);
        host_gap(&inner, bytes);
    }
}

enum outcome stream_gap(const struct at *at, uint64_t bytes)
{
    struct stream *stream = at->af->stream;
    struct side *side = &stream->side[at->dir];
    while (bytes && side->owed) {
        uint64_t inside = bytes < side->owed ? bytes : side->owed;
        side->owed -= inside;
        side->due = side->owed == 0;
        route_gap(at, stream, side, inside);
        bytes -= inside;
        if (side->due) {
            struct input none = {nothing, 0};
            enum outcome outcome = stream_feed(at, &none);
            if (outcome != GOES_ON)
                return outcome;
        }
    }
    return bytes ? tell_gap(at, stream, bytes) : GOES_ON;
}

/* ---- bytes in order ---- */

void stream_route(const struct at *at, struct stream *stream, enum weir_route route, const uint8_t *data, uint32_t size)
{
    const struct side *side = &stream->side[at->dir];
    switch (route) {
    case WEIR_ROUTE_SKIP: break;
    case WEIR_ROUTE_BODY:
        if (side->body)
            at->analyse->sink->data(side->body, data, size);
        break;
    case WEIR_ROUTE_CHILD:
        if (stream->child) {
            struct at inner = child_at(at, stream->child);
            host_data(&inner, data, size);
        }
        break;
    }
}

/* The analyser waits for more than is at hand, or a carry is there already: keeps some of `in`. */
static bool keep(const struct at *at, struct side *side, struct input *in)
{
    uint32_t want = side->need > side->bytes ? side->need - side->bytes : 1;
    uint32_t room = ANALYSE_CARRY_BYTES - side->bytes;
    uint32_t size = want > FEED_CHUNK ? want : FEED_CHUNK;
    if (size > in->size)
        size = in->size;
    if (size > room)
        size = room;
    if (side->need > ANALYSE_CARRY_BYTES || !carry_append(at->analyse->pool, side, in->data, size))
        return false;
    /* What is unread starts in the newest bytes, or else before them: there it has not moved. */
    if (side->bytes == size)
        side->first_ns = at->first_ns;
    in->data += size;
    in->size -= size;
    return true;
}

/* Calls the analyser with the carry while it takes something and has enough. */
static enum outcome feed_carry(const struct at *at, struct stream *stream, struct side *side, uint32_t newest)
{
    enum outcome outcome = GOES_ON;
    while (side->bytes && (side->due || side->bytes >= side->need) && outcome == GOES_ON) {
        uint32_t taken;
        outcome = show(at, stream, side->carry + side->start, side->bytes, side->first_ns, &taken);
        if (outcome == GONE)
            return GONE;
        if (taken)
            carry_taken(at->analyse->pool, side, taken);
        if (side->bytes <= newest)
            side->first_ns = at->first_ns;
    }
    return outcome;
}

enum outcome stream_feed(const struct at *at, struct input *in)
{
    struct stream *stream = at->af->stream;
    struct side *side = &stream->side[at->dir];
    enum outcome outcome = GOES_ON;
    while ((in->size || side->due) && outcome == GOES_ON) {
        if (side->owed) {
            uint32_t now = in->size < side->owed ? in->size : (uint32_t)side->owed;
            side->owed -= now;
            side->due = side->owed == 0;
            stream_route(at, stream, (enum weir_route)side->route, in->data, now);
            in->data += now;
            in->size -= now;
        } else if (side->bytes == 0 && (side->due || in->size >= side->need)) {
            uint32_t taken;
            outcome = show(at, stream, in->data, in->size, at->first_ns, &taken);
            in->data += taken;
            in->size -= taken;
        } else {
            uint32_t before = in->size;
            if (keep(at, side, in)) {
                outcome = feed_carry(at, stream, side, before - in->size);
            } else {
                uint32_t lost = in->size;
                at->analyse->ledger->count[LEDGER_carry_refused] += side->bytes + lost;
                in->size = 0;
                outcome = tell_gap(at, stream, lost);
            }
        }
    }
    return outcome;
}

enum outcome stream_datagram(const struct at *at, struct input in, uint32_t wire_bytes)
{
    struct stream *stream = at->af->stream;
    struct call call = call_make(at, in.data, in.size, at->first_ns);
    call.turn.wire_bytes = wire_bytes;
    call.turn.ended = true;
    call.in_order = false;
    struct weir_answer answer = stream->analyser->on_datagram(&call.turn, stream_state(stream));
    if (answer.kind == WEIR_MORE) {
        stream->touched = true;
        return GOES_ON;
    }
    return settle(at, stream, answer, call.turn.left, in.size - call.turn.left);
}

/* ---- ends ---- */

static void tell_end(const struct at *at, struct stream *stream, enum weir_end end)
{
    if (!stream->analyser->on_end)
        return;
    const struct side *side = &stream->side[at->dir];
    uint64_t first_ns = side->bytes ? side->first_ns : at->cause.ts_ns;
    struct call call = call_make(at, side->bytes ? side->carry + side->start : nothing, side->bytes, first_ns);
    call.turn.ended = true;
    call.in_order = false;
    stream->analyser->on_end(&call.turn, stream_state(stream), end);
}

void stream_fin(const struct at *at)
{
    struct stream *stream = at->af->stream;
    child_end(at, stream, WEIR_END_FIN);
    tell_end(at, stream, WEIR_END_FIN);
    if (stream->side[at->dir].carry)
        carry_drop(at->analyse->pool, &stream->side[at->dir]);
}

/* The flow is over: the child's analyser hears of it first, then this one, with what the direction at hand, or else the
 * other one, left unread. */
void stream_over(const struct at *at, enum weir_end end)
{
    struct stream *stream = at->af->stream;
    child_end(at, stream, end);
    struct at last = *at;
    if (stream->side[at->dir].bytes == 0 && stream->side[!at->dir].bytes)
        last.dir = !at->dir;
    tell_end(&last, stream, end);
    stream_drop(at);
}

void stream_tick(const struct at *at)
{
    struct stream *stream = at->af->stream;
    struct call call = call_make(at, nothing, 0, at->first_ns);
    call.in_order = false;
    stream->analyser->on_tick(&call.turn, stream_state(stream));
}
