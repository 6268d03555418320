/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which analyser a flow gets.  The first byte that a probe sees is its verdict on all: each analyser has its letter, upper case for YES,
 * lower case for LIKELY; '.' is WAIT for everybody until a letter follows, other bytes are NO.
 *
 * Attached, an analyser logs its letter, the direction and what it is shown, and takes it all; but '!' in first place is not its own.
 */
#include "analyse_bench.h"

static const struct weir_table *const no_tables[] = {NULL};

static uint32_t probed;

static enum weir_verdict judge(const struct weir_probe *probe, char letter)
{
    probed++;
    uint32_t i = 0;
    while (i < probe->size && (probe->data[i] == '.' || probe->data[i] == '!'))
        i++;
    if (i == probe->size)
        return probe->whole && probe->size > 3 ? WEIR_LIKELY : WEIR_WAIT;
    if (probe->data[i] == letter)
        return WEIR_YES;
    return probe->data[i] == letter + 32 || probe->data[i] == '*' ? WEIR_LIKELY : WEIR_NO;
}
static enum weir_verdict probe_a(const struct weir_probe *probe)
{
    return judge(probe, 'A');
}
static enum weir_verdict probe_b(const struct weir_probe *probe)
{
    return judge(probe, 'B');
}

static struct weir_answer take(struct weir_turn *turn, char letter)
{
    if (letter == 'A' && turn->data[0] == '!')
        return turn->left < 3 ? weir_more(3) : weir_not_mine();
    bench_say("%c%d'%.*s'@%u ", letter, turn->dir, (int)turn->left, (const char *)turn->data,
              (unsigned)(turn->first_ns - 1000));
    weir_consume(turn, turn->left);
    return weir_more(1);
}
static struct weir_answer data_a(struct weir_turn *turn, void *state)
{
    return take(turn, 'A');
}
static struct weir_answer data_b(struct weir_turn *turn, void *state)
{
    return take(turn, 'B');
}

static struct weir_answer gap(struct weir_turn *turn, void *state, uint64_t bytes)
{
    bench_say("gap%d+%u ", turn->dir, (unsigned)bytes);
    return weir_more(1);
}

static void end(struct weir_turn *turn, void *state, enum weir_end how)
{
    bench_say(how == WEIR_END_FIN ? "fin%d " : "end%d ", turn->dir);
}

static void tick(struct weir_turn *turn, void *state)
{
    bench_say("tick@%u ", (unsigned)(turn->ts_ns - 1000));
}

#define ANALYSER(lower, NAME, TICK)                                                                                    \
    {                                                                                                                  \
        .abi = WEIR_ABI, .size = sizeof(struct weir_analyser), .name = NAME, .doc = "",                                \
        .transports = WEIR_OVER_STREAM | WEIR_OVER_DATAGRAM, .tables = no_tables, .probe = probe_##lower,              \
        .on_data = data_##lower, .on_datagram = data_##lower, .on_gap = gap, .on_tick = TICK, .on_end = end            \
    }
static const struct weir_analyser a = ANALYSER(a, "alpha", NULL);
static const struct weir_analyser b = ANALYSER(b, "beta", tick);
static const struct weir_analyser *const both[] = {&a, &b, NULL};

static void open_naming(struct bench *bench, uint8_t proto)
{
    probed = 0;
    bench_open(bench, both, (size_t)1 << 20);
    bench->flow.proto = proto;
}

static uint8_t confidence_of(const struct bench *bench)
{
    const char *by;
    uint8_t confidence;
    analyse_service(bench->af, &by, &confidence);
    return confidence;
}

static void the_first_yes_takes_the_flow_at_once(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, "Bytes");
    bench_said("B0'Bytes'@1");
    assert_string_equal(bench_service(&t), "beta");
    assert_int_equal(confidence_of(&t), 100);
    bench_close(&t);
}

static void the_likeliest_takes_it_when_nobody_waits(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, "bytes");
    bench_said("B0'bytes'@1");
    assert_true(confidence_of(&t) < 100);
    bench_close(&t);
}

static void a_flow_that_nobody_knows_is_unwanted_and_costs_no_memory(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, "xyz");
    assert_false(analyse_wanted(t.af));
    assert_int_equal(pool_out(t.pool), 0);
    bench_text(&t, WEIR_ORIG, "A");
    bench_said("");
    assert_int_equal(probed, 2);
    assert_int_equal(t.ledger.count[LEDGER_unwanted], 4);
    bench_close(&t);
}

static void the_responder_may_come_first(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_RESP, "Able");
    bench_text(&t, WEIR_ORIG, "x");
    bench_said("A1'Able'@1 A0'x'@2");
    bench_close(&t);
}

static void what_probes_saw_is_given_in_the_order_in_which_it_came(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, ".1");
    assert_false(analyse_wanted(t.af));
    bench_close(&t);
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, "..");
    bench_text(&t, WEIR_ORIG, ".");
    bench_text(&t, WEIR_RESP, "..");
    bench_text(&t, WEIR_ORIG, "..");
    bench_said("");
    bench_text(&t, WEIR_RESP, "B");
    bench_said("B0'...'@1 B1'..'@3 B0'..'@4 B1'B'@5");
    assert_int_equal(t.ledger.count[LEDGER_delivered], 8);
    bench_close(&t);
}

static void one_that_finds_it_not_its_own_leaves_the_bytes_to_the_next(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, "!!*");
    bench_said("B0'!!*'@1");
    assert_string_equal(bench_service(&t), "beta");
    assert_int_equal(t.ledger.count[LEDGER_analyser_wrong], 1);
    bench_close(&t);
}

static void even_when_it_has_waited_for_more(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_RESP, "!*");
    assert_string_equal(bench_service(&t), "alpha");
    bench_text(&t, WEIR_RESP, "cd");
    bench_said("B1'!*cd'@1");
    assert_string_equal(bench_service(&t), "beta");
    bench_text(&t, WEIR_RESP, "e");
    bench_said("B1'e'@3");
    bench_close(&t);
}

static void a_rejected_flow_that_nobody_else_knows_is_unwanted(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, "!A");
    bench_text(&t, WEIR_ORIG, "x");
    assert_false(analyse_wanted(t.af));
    assert_string_equal(bench_service(&t), "none");
    assert_int_equal(pool_out(t.pool), 0);
    bench_close(&t);
}

static void the_allowance_of_bytes_decides(void **state)
{
    struct bench t;
    static char many[3000];
    memset(many, '.', sizeof many);
    open_naming(&t, WEIR_TCP);
    bench_send(&t, WEIR_ORIG, many, ANALYSE_PROBE_BYTES - 1);
    assert_true(analyse_wanted(t.af));
    bench_text(&t, WEIR_ORIG, "..");
    assert_false(analyse_wanted(t.af));
    assert_int_equal(pool_out(t.pool), 0);
    bench_close(&t);
    open_naming(&t, WEIR_TCP);
    bench_send(&t, WEIR_ORIG, many, sizeof many);
    assert_false(analyse_wanted(t.af));
    bench_close(&t);
}

static void five_packets_decide_unless_they_are_tiny(void **state)
{
    struct bench t;
    static char many[200];
    memset(many, '.', sizeof many);
    open_naming(&t, WEIR_TCP);
    for (int i = 0; i < 5; i++) {
        assert_true(analyse_wanted(t.af));
        bench_send(&t, WEIR_ORIG, many, sizeof many);
    }
    assert_false(analyse_wanted(t.af));
    bench_close(&t);
    open_naming(&t, WEIR_TCP);
    for (int i = 0; i < 50; i++)
        bench_send(&t, WEIR_ORIG, many, 1);
    bench_text(&t, WEIR_ORIG, "A");
    assert_string_equal(bench_service(&t), "alpha");
    bench_close(&t);
}

static void probes_are_not_asked_for_every_single_byte(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    for (uint32_t i = 0; i < ANALYSE_PROBE_BYTES; i++)
        bench_text(&t, WEIR_ORIG, ".");
    assert_true(probed < 2 * (64 + 32));
    bench_close(&t);
}

static void a_direction_that_has_ended_is_shown_once_more_and_not_with_every_byte(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, "..");
    bench_fin(&t, WEIR_ORIG);
    uint32_t before = probed;
    for (int i = 0; i < 20; i++)
        bench_text(&t, WEIR_RESP, ".");
    assert_int_equal(probed - before, 2 * 20);
    bench_close(&t);
}

static void the_end_of_the_flow_decides(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, "....");
    analyse_end(t.analyse, t.af, &t.flow, WEIR_ORIG, WEIR_END_RESET, t.now);
    bench_said("A0'....'@1 end0");
    assert_string_equal(bench_service(&t), "alpha");
    bench_close(&t);
}

static void the_end_of_a_direction_shows_it_as_whole(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, "....");
    bench_fin(&t, WEIR_ORIG);
    bench_text(&t, WEIR_RESP, "x");
    bench_said("A0'....'@1 fin0 A1'x'@2");
    bench_close(&t);
    open_naming(&t, WEIR_TCP);
    bench_fin(&t, WEIR_ORIG);
    bench_text(&t, WEIR_RESP, "B");
    bench_said("fin0 B1'B'@1");
    bench_close(&t);
}

static void a_gap_forgets_what_was_before_it(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_TCP);
    bench_text(&t, WEIR_ORIG, "..");
    bench_text(&t, WEIR_RESP, ".");
    bench_gap(&t, WEIR_ORIG, 10);
    bench_text(&t, WEIR_ORIG, "B");
    bench_said("B1'.'@2 B0'B'@3");
    bench_close(&t);
}

/* ---- datagrams ---- */

static void a_datagram_that_nobody_knows_costs_no_memory(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_UDP);
    bench_text(&t, WEIR_ORIG, "x");
    assert_int_equal(pool_out(t.pool), 0);
    assert_int_equal(region_used(t.region), 0);
    assert_false(analyse_wanted(t.af));
    bench_close(&t);
}

static void an_empty_datagram_says_nothing(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_UDP);
    bench_text(&t, WEIR_ORIG, "");
    assert_int_equal(probed, 0);
    bench_text(&t, WEIR_RESP, "B");
    bench_said("B1'B'@2");
    bench_close(&t);
}

static void datagrams_that_left_it_open_are_given_one_by_one(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_UDP);
    bench_text(&t, WEIR_ORIG, ".1.");
    bench_close(&t);
    open_naming(&t, WEIR_UDP);
    bench_text(&t, WEIR_ORIG, ".");
    bench_text(&t, WEIR_ORIG, "..");
    bench_text(&t, WEIR_RESP, "B");
    bench_text(&t, WEIR_RESP, "x");
    bench_said("B0'.'@1 B0'..'@2 B1'B'@3 B1'x'@4");
    assert_true(analyse_ticks(t.af));
    t.now = (struct analyse_cause){1009, 0};
    analyse_tick(t.analyse, t.af, &t.flow, t.now);
    bench_said("tick@9");
    bench_close(&t);
    bench_said("end0");
}

static void a_rejected_datagram_goes_to_the_next(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_UDP);
    bench_text(&t, WEIR_ORIG, "!!*");
    bench_said("B0'!!*'@1");
    bench_close(&t);
    open_naming(&t, WEIR_UDP);
    bench_text(&t, WEIR_ORIG, "!!!");
    bench_text(&t, WEIR_RESP, "*");
    bench_said("B0'!!!'@1 B1'*'@2");
    bench_close(&t);
}

/* 'w': alpha waits, beta finds it likely.  'x': alpha takes it and finds it not its own, beta waits. */
static enum weir_verdict probe_waiting(const struct weir_probe *probe)
{
    return probe->data[0] == 'x' ? WEIR_YES : WEIR_WAIT;
}
static enum weir_verdict probe_likely(const struct weir_probe *probe)
{
    return probe->data[0] == 'w' ? WEIR_LIKELY : WEIR_WAIT;
}
static struct weir_answer reject(struct weir_turn *turn, void *state)
{
    return weir_not_mine();
}

static void what_was_likely_of_kept_datagrams_counts_after_a_rejection(void **state)
{
    struct weir_analyser waiting = a, likely = b;
    waiting.probe = probe_waiting;
    waiting.on_datagram = reject;
    likely.probe = probe_likely;
    const struct weir_analyser *const pair[] = {&waiting, &likely, NULL};
    struct bench t;
    bench_open(&t, pair, (size_t)1 << 20);
    t.flow.proto = WEIR_UDP;
    bench_text(&t, WEIR_ORIG, "w");
    bench_text(&t, WEIR_ORIG, "x");
    bench_said("B0'w'@1 B0'x'@2");
    assert_string_equal(bench_service(&t), "beta");
    bench_close(&t);
}

static void five_datagrams_decide(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_UDP);
    for (int i = 0; i < 5; i++) {
        assert_true(analyse_wanted(t.af));
        bench_text(&t, WEIR_ORIG, ".");
    }
    assert_false(analyse_wanted(t.af));
    assert_int_equal(pool_out(t.pool), 0);
    bench_close(&t);
}

static void the_likeliest_gets_kept_datagrams_at_the_end(void **state)
{
    struct bench t;
    open_naming(&t, WEIR_UDP);
    bench_text(&t, WEIR_ORIG, ".");
    bench_text(&t, WEIR_ORIG, "....");
    bench_said("A0'.'@1 A0'....'@2");
    bench_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_yes_takes_the_flow_at_once),
        cmocka_unit_test(the_likeliest_takes_it_when_nobody_waits),
        cmocka_unit_test(a_flow_that_nobody_knows_is_unwanted_and_costs_no_memory),
        cmocka_unit_test(the_responder_may_come_first),
        cmocka_unit_test(what_probes_saw_is_given_in_the_order_in_which_it_came),
        cmocka_unit_test(one_that_finds_it_not_its_own_leaves_the_bytes_to_the_next),
        cmocka_unit_test(even_when_it_has_waited_for_more),
        cmocka_unit_test(a_rejected_flow_that_nobody_else_knows_is_unwanted),
        cmocka_unit_test(the_allowance_of_bytes_decides),
        cmocka_unit_test(five_packets_decide_unless_they_are_tiny),
        cmocka_unit_test(probes_are_not_asked_for_every_single_byte),
        cmocka_unit_test(a_direction_that_has_ended_is_shown_once_more_and_not_with_every_byte),
        cmocka_unit_test(the_end_of_the_flow_decides),
        cmocka_unit_test(the_end_of_a_direction_shows_it_as_whole),
        cmocka_unit_test(a_gap_forgets_what_was_before_it),
        cmocka_unit_test(a_datagram_that_nobody_knows_costs_no_memory),
        cmocka_unit_test(an_empty_datagram_says_nothing),
        cmocka_unit_test(datagrams_that_left_it_open_are_given_one_by_one),
        cmocka_unit_test(a_rejected_datagram_goes_to_the_next),
        cmocka_unit_test(what_was_likely_of_kept_datagrams_counts_after_a_rejection),
        cmocka_unit_test(five_datagrams_decide),
        cmocka_unit_test(the_likeliest_gets_kept_datagrams_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
