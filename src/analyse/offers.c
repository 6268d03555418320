/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host offers an analyser during a call: the table behind weir_pass(), weir_emit() and the others.
 *
 * Each function finds its context behind the turn (struct call).  They act on the turn's own direction only, and they
 * never call the analyser that is in its turn; a child's analyser may run inside, one level deeper.
 */
#include <string.h>

#include "analyse/host.h"
#include "base/error.h"

static struct call *call_of(struct weir_turn *turn)
{
    return (struct call *)turn; /* its first member */
}

static void offer_pass(struct weir_turn *turn, enum weir_route route, uint64_t bytes)
{
    struct call *call = call_of(turn);
    struct side *side = &call->stream->side[turn->dir];
    if (bytes == 0)
        return;
    uint32_t now = bytes < turn->left ? (uint32_t)bytes : turn->left;
    if (now) {
        call->stream->touched = true;
        stream_route(call->at, call->stream, route, turn->data, now);
        turn->data += now;
        turn->left -= now;
    }
    if (call->in_order) {
        WEIR_CHECK(side->owed == 0); /* one route a direction at a time */
        side->route = (uint8_t)route;
        side->owed = bytes - now;
        side->due = side->owed == 0;
    }
}

static void offer_emit(struct weir_turn *turn, const struct weir_table *table, const void *row, uint64_t ts_ns)
{
    struct call *call = call_of(turn);
    call->stream->touched = true;
    record_emit(call->at->analyse->out, table, turn->flow, row, ts_ns);
}

static bool offer_wants(struct weir_turn *turn, const struct weir_table *table)
{
    return record_wants(call_of(turn)->at->analyse->out, table);
}

static void *offer_hold(struct weir_turn *turn, uint32_t bytes)
{
    struct call *call = call_of(turn);
    struct stream *stream = call->stream;
    struct analyse *analyse = call->at->analyse;
    struct hold *hold = NULL;
    uint32_t size = 0;
    if (bytes <= POOL_MAX - sizeof *hold) {
        size = pool_round(bytes + (uint32_t)sizeof *hold);
        if (stream->held + size <= ANALYSE_HOLD_BYTES)
            hold = pool_get(analyse->pool, size);
    }
    if (!hold) {
        analyse->ledger->count[LEDGER_hold_refused] += bytes;
        return NULL;
    }
    memset(hold, 0, sizeof *hold + bytes);
    hold->bytes = size;
    hold->next = stream->holds;
    hold->link = &stream->holds;
    if (hold->next)
        hold->next->link = &hold->next;
    stream->holds = hold;
    stream->held += size;
    return hold + 1;
}

static void offer_release(struct weir_turn *turn, void *held)
{
    if (!held)
        return;
    struct call *call = call_of(turn);
    struct hold *hold = (struct hold *)held - 1;
    *hold->link = hold->next;
    if (hold->next)
        hold->next->link = hold->link;
    call->stream->held -= hold->bytes;
    pool_put(call->at->analyse->pool, hold, hold->bytes);
}

static void offer_retag(struct weir_turn *turn, const char *service)
{
    call_of(turn)->at->af->service = service;
}

/* The analyser of that name, if it may be attached to a stream; -1: none. */
static int hinted(const struct analyse *analyse, const char *hint)
{
    for (uint32_t i = 0; hint && i < analyse->count; i++)
        if ((analyse->over_stream >> i & 1) && strcmp(analyse->analysers[i]->name, hint) == 0)
            return (int)i;
    return -1;
}

static int offer_child_open(struct weir_turn *turn, const char *hint)
{
    struct call *call = call_of(turn);
    struct stream *stream = call->stream;
    struct analyse *analyse = call->at->analyse;
    if (stream->child || turn->flow->depth >= ANALYSE_DEPTH)
        return -1;
    struct child *child = pool_get(analyse->pool, sizeof *child);
    if (!child) {
        analyse->ledger->count[LEDGER_hold_refused] += sizeof *child;
        return -1;
    }
    memset(&child->af, 0, sizeof child->af);
    child->flow = *turn->flow;
    child->flow.depth++;
    stream->child = child;
    stream->touched = true;
    int index = hinted(analyse, hint);
    if (index >= 0) {
        struct at at = *call->at;
        at.af = &child->af;
        at.flow = &child->flow;
        stream_attach(&at, (uint32_t)index, 100);
    }
    return 0;
}

static void offer_child_data(struct weir_turn *turn, const uint8_t *data, uint32_t size)
{
    struct call *call = call_of(turn);
    struct child *child = call->stream->child;
    if (!child)
        return;
    call->stream->touched = true;
    struct at at = *call->at;
    at.af = &child->af;
    at.flow = &child->flow;
    at.dir = turn->dir;
    host_data(&at, data, size);
}

static void offer_body_begin(struct weir_turn *turn, const struct weir_body *body)
{
    struct call *call = call_of(turn);
    struct analyse *analyse = call->at->analyse;
    struct side *side = &call->stream->side[turn->dir];
    stream_body_end(call->at, side, false);
    call->stream->touched = true;
    side->body = analyse->sink->begin(analyse->sink_context, turn->flow, turn->dir, turn->ts_ns, body);
    side->body_open = true;
}

static void offer_body_data(struct weir_turn *turn, const uint8_t *data, uint32_t size)
{
    struct call *call = call_of(turn);
    struct side *side = &call->stream->side[turn->dir];
    if (side->body)
        call->at->analyse->sink->data(side->body, data, size);
}

static void offer_body_gap(struct weir_turn *turn, uint64_t bytes)
{
    struct call *call = call_of(turn);
    struct side *side = &call->stream->side[turn->dir];
    if (side->body)
        call->at->analyse->sink->gap(side->body, bytes);
}

static void offer_body_end(struct weir_turn *turn, bool complete)
{
    struct call *call = call_of(turn);
    stream_body_end(call->at, &call->stream->side[turn->dir], complete);
}

const struct weir_host host_offers = {
    .size = sizeof(struct weir_host),
    .pass = offer_pass,
    .emit = offer_emit,
    .wants = offer_wants,
    .hold = offer_hold,
    .release = offer_release,
    .retag = offer_retag,
    .child_open = offer_child_open,
    .child_data = offer_child_data,
    .body_begin = offer_body_begin,
    .body_data = offer_body_data,
    .body_gap = offer_body_gap,
    .body_end = offer_body_end,
};
