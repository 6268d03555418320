/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any built-in analyser, hosted as in a shard, under small budgets.
 *
 *     byte 0  which analyser, by its place in analysers/LIST; WEIR_ANALYSER=name in the environment overrides it
 *     byte 1  1: UDP    2: the flow is given to it whatever its probe says    12: budget, smallest to large
 *     then    records: kind | direction << 7, length (16 bits, little-endian), and for bytes and datagrams that many bytes
 *
 * What is shown to analysers is the end of an allocation of its own, so that reading on is seen; rows go through record/,
 * which copies every value.  After the flow's end all of its memory must be back.
 */
#include <stdlib.h>
#include <string.h>

#include "analyse/analyse.h"
#include "base/error.h"

enum kind { KIND_BYTES, KIND_GAP, KIND_DATAGRAM, KIND_FIN, KIND_RESET, KIND_TICK, KINDS };

#define ANALYSERS 200u
#define TABLES 200u

static struct {
    struct region *region;
    struct record_out *out;
    uint32_t analysers, tables;
    struct ledger ledger;
} fuzz;

static enum weir_verdict always(const struct weir_probe *probe)
{
    return WEIR_YES;
}

static void start(void)
{
    static const struct weir_table *tables[TABLES + 1];
    for (; analyse_builtin[fuzz.analysers]; fuzz.analysers++) {
        const struct weir_analyser *analyser = analyse_builtin[fuzz.analysers];
        WEIR_CHECK(fuzz.analysers < ANALYSERS && analyse_check(analyser) == NULL);
        for (uint32_t i = 0; analyser->tables[i] && fuzz.tables < TABLES; i++)
            tables[fuzz.tables++] = analyser->tables[i];
    }
    fuzz.out = record_out_new(tables);
    fuzz.region = region_new((size_t)256 << 20);
}

/* The chosen one comes first, perhaps without a say in the matter; the others may still get its child streams. */
static const struct weir_analyser *const *line_up(uint8_t which, bool by_force)
{
    static const struct weir_analyser *list[ANALYSERS + 2];
    static struct weir_analyser chosen;
    const char *name = getenv("WEIR_ANALYSER");
    const struct weir_analyser *analyser = name ? analyse_find(name) : analyse_builtin[which % fuzz.analysers];
    WEIR_CHECK(analyser != NULL);
    chosen = *analyser;
    if (by_force)
        chosen.probe = always;
    uint32_t count = 0;
    list[count++] = &chosen;
    for (uint32_t i = 0; i < fuzz.analysers; i++)
        if (analyse_builtin[i] != analyser)
            list[count++] = analyse_builtin[i];
    list[count] = NULL;
    return list;
}

struct flow {
    struct analyse *analyse;
    struct weir_flow flow;
    struct analyse_cause now;
    _Alignas(16) uint8_t space[ANALYSE_FLOW_BYTES];
};

static void end(struct flow *f, int dir, enum weir_end how)
{
    analyse_end(f->analyse, (struct analyse_flow *)(void *)f->space, &f->flow, dir, how, f->now);
}

static void give(struct flow *f, enum kind kind, int dir, const uint8_t *data, uint32_t size)
{
    struct analyse_flow *af = (struct analyse_flow *)(void *)f->space;
    uint8_t *copy = malloc(size ? size : 1);
    WEIR_CHECK(copy != NULL);
    uint8_t *at = copy + (size ? 0 : 1);
    memcpy(at, data, size);
    if (kind == KIND_DATAGRAM)
        analyse_datagram(f->analyse, af, &f->flow, dir, at, size, size + f->now.frame % 3, f->now);
    else if (analyse_wanted(af))
        analyse_data(f->analyse, af, &f->flow, dir, at, size, f->now);
    free(copy);
}

static void play(struct flow *f, struct weir_bytes *b)
{
    struct analyse_flow *af = (struct analyse_flow *)(void *)f->space;
    while (weir_left(b) >= 3) {
        uint8_t head = weir_u8(b);
        uint32_t size = weir_le16(b);
        enum kind kind = (head & 0x7f) % KINDS;
        int dir = head >> 7;
        bool datagrams = f->flow.proto == WEIR_UDP;
        f->now.ts_ns += 1000000;
        f->now.frame++;
        record_out_set_order(fuzz.out, f->now.frame << 7);
        if (kind == KIND_BYTES || kind == KIND_DATAGRAM) {
            size = size < weir_left(b) ? size : (uint32_t)weir_left(b);
            give(f, datagrams ? KIND_DATAGRAM : KIND_BYTES, dir, weir_take(b, size), size);
        } else if (kind == KIND_GAP && !datagrams) {
            analyse_gap(f->analyse, af, &f->flow, dir, size > 0xff00 ? (uint64_t)size << 40 : size, f->now);
        } else if (kind == KIND_FIN && !datagrams) {
            end(f, dir, WEIR_END_FIN);
        } else if (kind == KIND_RESET) {
            end(f, dir, WEIR_END_RESET);
            memset(f->space, 0, sizeof f->space); /* and a new flow */
        } else if (kind == KIND_TICK) {
            f->now.ts_ns += UINT64_C(1000000000) * (size % 16);
            if (analyse_ticks(af))
                analyse_tick(f->analyse, af, &f->flow, (struct analyse_cause){f->now.ts_ns, 0});
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t budgets[] = {3000, 20000, 150000, (size_t)4 << 20};
    static struct pool *pools[4];
    struct weir_bytes b = weir_bytes(data, size);
    if (!fuzz.region)
        start();
    uint8_t which = weir_u8(&b), how = weir_u8(&b);
    unsigned budget = how >> 2 & 3;
    if (!pools[budget])
        pools[budget] = pool_new(fuzz.region, budgets[budget]);
    struct analyse_options options = {.analysers = line_up(which, how & 2),
                                      .out = fuzz.out,
                                      .pool = pools[budget],
                                      .ledger = &fuzz.ledger,
                                      .attach_unwanted = true};
    struct flow f = {.analyse = analyse_new(&options), .now = {UINT64_C(1767225600000000000), 0}};
    f.flow = (struct weir_flow){.src_ip = {.family = 4},
                                .dst_ip = {.family = 4},
                                .src_port = 40000,
                                .dst_port = 80,
                                .proto = how & 1 ? WEIR_UDP : WEIR_TCP,
                                .uid = 1,
                                .start_ns = f.now.ts_ns};
    play(&f, &b);
    end(&f, WEIR_ORIG, WEIR_END_IDLE);
    WEIR_CHECK(pool_out(pools[budget]) == 0);
    analyse_free(f.analyse);
    for (uint32_t table = 0; table < fuzz.tables; table++)
        for (struct record_batch *batch = record_out_take(fuzz.out, table), *next; batch; batch = next) {
            next = record_batch_next(batch);
            record_out_recycle(fuzz.out, batch);
        }
    return 0;
}
