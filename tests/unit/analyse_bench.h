/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of analyse/ share: a host over analysers of the test's own, and a log that those write into as they are called.
 */
#ifndef UNIT_ANALYSE_BENCH_H
#define UNIT_ANALYSE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyse/body.h"

struct bench {
    struct region *region;
    struct pool *pool;
    struct analyse *analyse;
    struct ledger ledger;
    struct weir_flow flow;
    _Alignas(16) uint8_t space[ANALYSE_FLOW_BYTES];
    struct analyse_flow *af;
    struct analyse_cause now;
};

static char bench_log[4096];

__attribute__((format(printf, 1, 2))) static inline void bench_say(const char *format, ...)
{
    size_t used = strlen(bench_log);
    va_list args;
    va_start(args, format);
    vsnprintf(bench_log + used, sizeof bench_log - used, format, args);
    va_end(args);
}

/* The rows of these tests are their log; what record/ does with rows is tested there. */
bool record_wants(const struct record_out *out, const struct weir_table *table)
{
    return out == NULL;
}

void record_emit(struct record_out *out, const struct weir_table *table, const struct weir_flow *flow, const void *row,
                 uint64_t ts_ns)
{
    bench_say("row(%s) ", table->name);
}

static inline void bench_open(struct bench *b, const struct weir_analyser *const *analysers, size_t budget)
{
    memset(b, 0, sizeof *b);
    bench_log[0] = 0;
    b->region = region_new((size_t)8 << 20);
    b->pool = pool_new(b->region, budget);
    struct analyse_options options = {
        .analysers = analysers, .pool = b->pool, .ledger = &b->ledger, .attach_unwanted = true};
    b->analyse = analyse_new(&options);
    b->af = (struct analyse_flow *)(void *)b->space;
    b->flow = (struct weir_flow){.proto = WEIR_TCP, .uid = 7};
    b->now = (struct analyse_cause){1000, 1};
}

/* After the flow's end nothing may be out. */
static inline void bench_close(struct bench *b)
{
    analyse_end(b->analyse, b->af, &b->flow, WEIR_ORIG, WEIR_END_IDLE, b->now);
    assert_false(analyse_wanted(b->af) || analyse_ticks(b->af));
    assert_int_equal(pool_out(b->pool), 0);
    analyse_free(b->analyse);
    pool_free(b->pool);
    region_free(b->region);
}

static inline void bench_send(struct bench *b, int dir, const void *data, size_t size)
{
    b->now.ts_ns++;
    b->now.frame++;
    if (b->flow.proto == WEIR_UDP)
        analyse_datagram(b->analyse, b->af, &b->flow, dir, data, (uint32_t)size, (uint32_t)size, b->now);
    else
        analyse_data(b->analyse, b->af, &b->flow, dir, data, (uint32_t)size, b->now);
}

static inline void bench_text(struct bench *b, int dir, const char *text)
{
    bench_send(b, dir, text, strlen(text));
}

static inline void bench_gap(struct bench *b, int dir, uint64_t bytes)
{
    analyse_gap(b->analyse, b->af, &b->flow, dir, bytes, b->now);
}

static inline void bench_fin(struct bench *b, int dir)
{
    analyse_end(b->analyse, b->af, &b->flow, dir, WEIR_END_FIN, b->now);
}

/* Compares what was said since the last time. */
static inline void bench_said(const char *want)
{
    char said[sizeof bench_log];
    size_t size = strlen(bench_log);
    memcpy(said, bench_log, size + 1);
    bench_log[0] = 0;
    if (size && said[size - 1] == ' ')
        said[size - 1] = 0;
    assert_string_equal(said, want);
}

static inline const char *bench_service(const struct bench *b)
{
    const char *by;
    uint8_t confidence;
    const char *service = analyse_service(b->af, &by, &confidence);
    assert_true(!service == !by);
    return service ? service : "none";
}

#endif
