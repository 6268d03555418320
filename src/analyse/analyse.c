/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: options, checks, and what the flow table calls.  Each call finds where the flow stands in one byte and goes to naming.c or
 * stream.c; an unwanted flow costs that byte.
 */
#include "analyse/analyse.h"

#include <stdlib.h>
#include <string.h>

#include "analyse/host.h"
#include "base/error.h"

#define STATE_BYTES_MAX 4096u
#define COLUMNS_MAX 56u
#define STATE_PREFETCH 384u /* bytes */

/* ---- set-up ---- */

static bool name_is_plain(const char *name)
{
    return name && *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == 0;
}

const char *analyse_check(const struct weir_analyser *analyser)
{
    if (analyser->abi != WEIR_ABI)
        return "it was built for another analyser ABI";
    if (analyser->size < sizeof(struct weir_analyser))
        return "its struct weir_analyser is smaller than this ABI's";
    if (!name_is_plain(analyser->name))
        return "its name is not made of a-z, 0-9, _ and -";
    if (analyser->state_bytes > STATE_BYTES_MAX)
        return "its state is larger than 4,096 bytes";
    if (!analyser->transports || (analyser->transports & ~(WEIR_OVER_STREAM | WEIR_OVER_DATAGRAM)))
        return "it names no transport, or one that is not known";
    if (!analyser->probe)
        return "it has no probe";
    if ((analyser->transports & WEIR_OVER_STREAM) && !analyser->on_data)
        return "it is for streams and has no on_data";
    if ((analyser->transports & WEIR_OVER_DATAGRAM) && !analyser->on_datagram)
        return "it is for datagrams and has no on_datagram";
    if (!analyser->tables)
        return "it has no list of tables";
    for (const struct weir_table *const *table = analyser->tables; *table; table++)
        if (!name_is_plain((*table)->name) || (*table)->column_count > COLUMNS_MAX)
            return "one of its tables has no proper name, or too many columns";
    return NULL;
}

/* One that carries others, or has no table, is there for its child streams. */
static bool anybody_wants(const struct analyse *analyse, const struct weir_analyser *analyser)
{
    bool carries = analyser->size > offsetof(struct weir_analyser, carries) && analyser->carries;
    if (analyse->attach_unwanted || carries || !analyser->tables[0])
        return true;
    for (const struct weir_table *const *table = analyser->tables; *table; table++)
        if (record_wants(analyse->out, *table))
            return true;
    return false;
}

void analyse_set_out(struct analyse *analyse, struct record_out *out, struct ledger *ledger)
{
    analyse->out = out;
    analyse->ledger = ledger;
    analyse->wanted = 0;
    for (uint32_t i = 0; i < analyse->count; i++)
        analyse->wanted |= (uint64_t)anybody_wants(analyse, analyse->analysers[i]) << i;
}

struct analyse *analyse_new(const struct analyse_options *options)
{
    struct analyse *analyse = calloc(1, sizeof *analyse);
    WEIR_CHECK(analyse != NULL);
    for (const struct weir_analyser *const *a = options->analysers; *a; a++) {
        WEIR_CHECK(analyse->count < HOST_ANALYSERS);
        uint64_t bit = 1ull << analyse->count;
        if ((*a)->transports & WEIR_OVER_STREAM)
            analyse->over_stream |= bit;
        if ((*a)->transports & WEIR_OVER_DATAGRAM)
            analyse->over_datagram |= bit;
        analyse->analysers[analyse->count++] = *a;
    }
    analyse->pool = options->pool;
    analyse->attach_unwanted = options->attach_unwanted;
    analyse_set_body_sink(analyse, NULL, NULL);
    analyse_set_out(analyse, options->out, options->ledger);
    return analyse;
}

void analyse_free(struct analyse *analyse)
{
    free(analyse);
}

void analyse_set_body_sink(struct analyse *analyse, const struct analyse_body_sink *sink, void *context)
{
    analyse->sink = sink ? sink : &analyse_body_drop;
    analyse->sink_context = sink ? context : &analyse->body_counts;
}

const struct analyse_body_counts *analyse_body_counts(const struct analyse *analyse)
{
    return &analyse->body_counts;
}

/* ---- one level: a flow, or a child stream ---- */

void host_data(const struct at *at, const uint8_t *data, uint32_t size)
{
    struct input in = {data, size};
    switch ((enum mode)at->af->mode) {
    case MODE_ATTACHED:
        if (stream_feed(at, &in) == REJECTED)
            naming_again(at, &in);
        break;
    case MODE_FRESH: naming_data(at, &in, false); break;
    case MODE_UNWANTED: break;
    }
}

void host_gap(const struct at *at, uint64_t bytes)
{
    if (at->af->mode == MODE_FRESH)
        naming_gap(at);
    if (at->af->mode == MODE_ATTACHED)
        stream_gap(at, bytes);
}

void host_end(const struct at *at, enum weir_end end)
{
    struct analyse_flow *af = at->af;
    if (end == WEIR_END_FIN) {
        if (af->ended[at->dir])
            return;
        af->ended[at->dir] = true;
        if (af->mode == MODE_ATTACHED)
            stream_fin(at);
        else if (af->mode == MODE_FRESH)
            naming_fin(at);
        return;
    }
    if (af->mode == MODE_FRESH)
        naming_flow_end(at, at->flow->proto != WEIR_TCP && at->flow->depth == 0);
    if (af->mode == MODE_ATTACHED)
        stream_over(at, end);
    /* What was named stays for the flow's row. */
    *af = (struct analyse_flow){.mode = MODE_UNWANTED, .confidence = af->confidence, .service = af->service};
}

/* ---- what the flow table calls ---- */

static struct at at_flow(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow, int dir,
                         struct analyse_cause cause)
{
    return (struct at){analyse, af, flow, cause, cause.data_ns ? cause.data_ns : cause.ts_ns, dir};
}

/* The middle of a body, or of what is skipped: most bytes of most traffic. */
static bool route_goes_on(struct analyse *analyse, const struct analyse_flow *af, int dir, const uint8_t *data,
                          uint32_t size)
{
    if (af->mode != MODE_ATTACHED)
        return false;
    struct side *side = &af->stream->side[dir];
    if (side->owed <= size || side->route == WEIR_ROUTE_CHILD)
        return false;
    side->owed -= size;
    if (side->route == WEIR_ROUTE_BODY && side->body)
        analyse->sink->data(side->body, data, size);
    analyse->ledger->count[LEDGER_delivered] += size;
    return true;
}

void analyse_data(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow, int dir,
                  const uint8_t *data, uint32_t size, struct analyse_cause cause)
{
    if (!size || route_goes_on(analyse, af, dir, data, size))
        return;
    bool nobody = af->mode == MODE_UNWANTED;
    if (!nobody) {
        struct at at = at_flow(analyse, af, flow, dir, cause);
        host_data(&at, data, size);
        nobody = af->mode == MODE_UNWANTED && !af->read;
    }
    analyse->ledger->count[nobody ? LEDGER_unwanted : LEDGER_delivered] += size;
}

void analyse_gap(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow, int dir,
                 uint64_t bytes, struct analyse_cause cause)
{
    struct at at = at_flow(analyse, af, flow, dir, cause);
    if (bytes)
        host_gap(&at, bytes);
}

void analyse_datagram(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow, int dir,
                      const uint8_t *data, uint32_t size, uint32_t wire_bytes, struct analyse_cause cause)
{
    struct at at = at_flow(analyse, af, flow, dir, cause);
    struct input in = {data, size};
    switch ((enum mode)af->mode) {
    case MODE_ATTACHED:
        /* a flow whose first datagram was taken does not go back to the probes */
        stream_datagram(&at, in, wire_bytes);
        break;
    case MODE_FRESH: naming_datagram(&at, in, wire_bytes); break;
    case MODE_UNWANTED: break;
    }
}

void analyse_end(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow, int dir,
                 enum weir_end end, struct analyse_cause cause)
{
    struct at at = at_flow(analyse, af, flow, dir, cause);
    host_end(&at, end);
}

void analyse_tick(struct analyse *analyse, struct analyse_flow *af, const struct weir_flow *flow,
                  struct analyse_cause cause)
{
    if (!af->ticks)
        return;
    struct at at = at_flow(analyse, af, flow, WEIR_ORIG, cause);
    stream_tick(&at);
}

bool analyse_wanted(const struct analyse_flow *af)
{
    return af->mode != MODE_UNWANTED;
}

void analyse_prefetch(const struct analyse_flow *af)
{
    const char *state = af->mode == MODE_ATTACHED ? (const char *)af->stream : NULL;
    for (unsigned at = 0; state && at < STATE_PREFETCH; at += 64)
        __builtin_prefetch(state + at, 1);
}

const char *analyse_service(const struct analyse_flow *af, const char **by, uint8_t *confidence)
{
    *by = af->service ? "analyser" : NULL;
    *confidence = af->confidence;
    return af->service;
}

bool analyse_ticks(const struct analyse_flow *af)
{
    return af->ticks;
}
