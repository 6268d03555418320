/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An attached analyser: what it is shown and when, routes, gaps, child streams, bodies, held memory, ends.
 *
 * The analyser of these tests takes orders from the wire: a letter and a number in decimal, ended by ';'.  It logs each one that it
 * takes as "letter+number@first_ns", with a '>' in front for each level of depth.
 */
#include "analyse_bench.h"

#define ROW(X, R) X(R, U32, number, "", "", "")
WEIR_TABLE(order, ROW, "");

static struct {
    uint32_t calls, turns_shown; /* on_data calls, bytes they were shown */
    const uint8_t *last_data;
    void *held;
} seen;

static void say_depth(const struct weir_turn *turn)
{
    for (int i = 0; i < turn->flow->depth; i++)
        bench_say(">");
}

static struct weir_answer obey(struct weir_turn *turn, char order, uint32_t number)
{
    struct order_row row = {weir_uint(number)};
    struct weir_body body = {.size = number};
    switch (order) {
    case 'm': return weir_more(number);
    case 's': weir_pass(turn, WEIR_ROUTE_SKIP, number); break;
    case 'S': weir_pass(turn, WEIR_ROUTE_SKIP, WEIR_ALL); break;
    case 'b':
        weir_body_begin(turn, &body);
        weir_pass(turn, WEIR_ROUTE_BODY, number);
        break;
    case 'e': weir_body_end(turn, true); break;
    case 'o': bench_say("=%d ", weir_child_open(turn, number ? "second" : NULL)); break;
    case 'c': weir_pass(turn, WEIR_ROUTE_CHILD, number); break;
    case 'h': seen.held = weir_hold(turn, number); break;
    case 'f': weir_release(turn, seen.held); break;
    case 'r': weir_emit(turn, &order_table, &row, turn->ts_ns); break;
    case 't': weir_retag(turn, "other"); break;
    case 'd': return weir_done();
    case 'n': return weir_not_mine();
    default: break;
    }
    return weir_more(1);
}

static struct weir_answer order_data(struct weir_turn *turn, void *state)
{
    seen.calls++;
    seen.turns_shown += turn->left;
    seen.last_data = turn->data;
    if (!turn->left) {
        bench_say("nothing ");
        return weir_more(1);
    }
    const uint8_t *end = memchr(turn->data, ';', turn->left);
    if (!end)
        return weir_more(turn->left + 1);
    uint32_t number = 0;
    for (const uint8_t *p = turn->data + 1; p < end; p++)
        number = 10 * number + *p - '0';
    char order = (char)turn->data[0];
    say_depth(turn);
    bench_say("%c%u@%u ", order, number, (unsigned)(turn->first_ns - 1000));
    if (order == 'w') /* waits for that many, and takes nothing before */
        return turn->left >= number ? (weir_consume(turn, number), weir_more(1)) : weir_more(number);
    weir_consume(turn, (uint32_t)(end - turn->data) + 1);
    return obey(turn, order, number);
}

static struct weir_answer order_gap(struct weir_turn *turn, void *state, uint64_t bytes)
{
    say_depth(turn);
    bench_say("gap%u ", (unsigned)bytes);
    assert_int_equal(turn->left, 0);
    return weir_more(1);
}

static void order_end(struct weir_turn *turn, void *state, enum weir_end end)
{
    static const char *const names[] = {"fin", "reset", "idle"};
    say_depth(turn);
    bench_say("%s%d+%u ", names[end], turn->dir, turn->left);
    assert_true(turn->ended);
    if (turn->owed[turn->dir])
        bench_say("owed%u ", (unsigned)turn->owed[turn->dir]);
}

static enum weir_verdict order_probe(const struct weir_probe *probe)
{
    return WEIR_YES;
}

static const struct weir_table *const order_tables[] = {&order_table, NULL};
static const struct weir_analyser first = {
    .abi = WEIR_ABI,
    .size = sizeof(struct weir_analyser),
    .name = "first",
    .doc = "",
    .state_bytes = 16,
    .transports = WEIR_OVER_STREAM,
    .tables = order_tables,
    .probe = order_probe,
    .on_data = order_data,
    .on_gap = order_gap,
    .on_end = order_end,
};
static struct weir_analyser second;
static const struct weir_analyser *const both[] = {&first, &second, NULL};

static void open_orders(struct bench *b)
{
    memset(&seen, 0, sizeof seen);
    second = first;
    second.name = "second";
    second.on_gap = NULL;
    assert_null(analyse_check(&first));
    bench_open(b, both, (size_t)4 << 20);
}

static void bytes_reach_the_analyser_without_a_copy(void **state)
{
    struct bench b;
    open_orders(&b);
    static const char orders[] = "x1;x2;";
    bench_text(&b, WEIR_ORIG, orders);
    assert_ptr_equal(seen.last_data, orders + 3);
    bench_said("x1@1 x2@1");
    assert_string_equal(bench_service(&b), "first");
    assert_int_equal(b.ledger.count[LEDGER_delivered], 6);
    bench_close(&b);
    bench_said("idle0+0");
}

static void what_is_left_unread_comes_again_with_what_follows(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "x1;x");
    bench_text(&b, WEIR_RESP, "x3;x");
    bench_text(&b, WEIR_ORIG, "2");
    bench_text(&b, WEIR_ORIG, ";x5;x");
    bench_text(&b, WEIR_RESP, "4;");
    bench_text(&b, WEIR_ORIG, "6;");
    bench_said("x1@1 x3@2 x2@1 x5@4 x4@2 x6@4");
    bench_close(&b);
}

static void an_analyser_is_not_called_before_the_bytes_that_it_asked_for_are_there(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "w10;");
    bench_text(&b, WEIR_ORIG, "12345");
    assert_int_equal(seen.calls, 1);
    bench_text(&b, WEIR_ORIG, "6x7;");
    bench_said("w10@1 w10@1 x7@3");
    bench_close(&b);
}

static void after_taking_something_it_can_ask_for_more_than_is_there(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "m5;x1;");
    bench_text(&b, WEIR_RESP, "x9;");
    assert_int_equal(seen.calls, 2);
    bench_text(&b, WEIR_ORIG, "x2;");
    bench_said("m5@1 x9@2 x1@1 x2@3");
    bench_close(&b);
}

static struct weir_answer stubborn_data(struct weir_turn *turn, void *state)
{
    seen.calls++;
    return weir_more(1);
}

static void an_answer_without_progress_waits_for_another_byte(void **state)
{
    struct bench b;
    struct weir_analyser stubborn = first;
    stubborn.on_data = stubborn_data;
    const struct weir_analyser *const one[] = {&stubborn, NULL};
    memset(&seen, 0, sizeof seen);
    bench_open(&b, one, (size_t)4 << 20);
    bench_text(&b, WEIR_ORIG, "abc");
    assert_int_equal(seen.calls, 1);
    bench_text(&b, WEIR_ORIG, "d");
    assert_int_equal(seen.calls, 2);
    bench_close(&b);
}

static void one_byte_segments_cost_work_in_proportion_to_the_bytes(void **state)
{
    struct bench b;
    open_orders(&b);
    for (int message = 0; message < 20; message++) {
        bench_text(&b, WEIR_ORIG, "w60000;");
        for (int i = 7; i < 60000; i++)
            bench_send(&b, WEIR_ORIG, "a", 1);
        bench_log[0] = 0;
    }
    assert_int_equal(seen.calls, 40);
    assert_int_equal(seen.turns_shown, 20 * (7 + 60000));
    assert_int_equal(b.ledger.count[LEDGER_carry_refused], 0);
    bench_close(&b);
}

static void a_message_up_to_the_carrys_bound_arrives_whole(void **state)
{
    struct bench b;
    static char large[ANALYSE_CARRY_BYTES + 4];
    open_orders(&b);
    memset(large, 'a', sizeof large);
    memcpy(large, "w65536;", 7);
    memcpy(large + ANALYSE_CARRY_BYTES, "x1;", 3);
    for (size_t at = 0; at < sizeof large - 1; at += 1460)
        bench_send(&b, WEIR_ORIG, large + at, sizeof large - 1 - at < 1460 ? sizeof large - 1 - at : 1460);
    bench_said("w65536@1 w65536@1 x1@45");
    bench_close(&b);
}

static void asking_for_more_than_a_carry_holds_is_a_gap(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "w65537;abc");
    bench_said("w65537@1 gap10");
    assert_int_equal(b.ledger.count[LEDGER_carry_refused], 10);
    bench_text(&b, WEIR_ORIG, "x1;");
    bench_said("x1@2");
    bench_close(&b);
}

static void a_carry_that_the_budget_refuses_is_a_gap(void **state)
{
    struct bench b;
    static char large[4000];
    memset(large, 'a', sizeof large);
    memcpy(large, "w5000;", 6);
    memset(&seen, 0, sizeof seen);
    bench_open(&b, both, 2000);
    bench_text(&b, WEIR_ORIG, "w5000;");
    bench_send(&b, WEIR_ORIG, large, 100);
    bench_said("w5000@1");
    bench_send(&b, WEIR_ORIG, large, sizeof large);
    bench_said("gap4106");
    assert_int_equal(b.ledger.count[LEDGER_carry_refused], 4106);
    bench_text(&b, WEIR_ORIG, "x1;");
    bench_said("x1@4");
    bench_close(&b);
}

static void a_flow_whose_state_the_budget_refuses_is_named_and_not_read(void **state)
{
    struct bench b;
    bench_open(&b, both, 64);
    bench_text(&b, WEIR_ORIG, "x1;");
    bench_said("");
    assert_string_equal(bench_service(&b), "first");
    assert_false(analyse_wanted(b.af));
    assert_true(b.ledger.count[LEDGER_hold_refused] > 0);
    assert_int_equal(b.ledger.count[LEDGER_unwanted], 3);
    bench_close(&b);
}

/* ---- routes ---- */

static void a_route_spans_segments_and_gaps(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "s10;12");
    bench_text(&b, WEIR_ORIG, "345");
    bench_gap(&b, WEIR_ORIG, 4);
    bench_text(&b, WEIR_RESP, "x1;");
    bench_text(&b, WEIR_ORIG, "0x2;s3;123x3;");
    bench_said("s10@1 x1@3 x2@4 s3@4 x3@4");
    bench_close(&b);
}

static void the_end_of_a_route_is_told_even_with_nothing_behind_it(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "s4;1234");
    bench_said("s4@1 nothing");
    bench_text(&b, WEIR_ORIG, "s4;12");
    bench_said("s4@2");
    bench_text(&b, WEIR_ORIG, "34");
    bench_said("nothing");
    bench_text(&b, WEIR_ORIG, "s4;");
    bench_gap(&b, WEIR_ORIG, 4);
    bench_said("s4@4 nothing");
    bench_text(&b, WEIR_ORIG, "s4;");
    bench_gap(&b, WEIR_ORIG, 9);
    bench_said("s4@5 nothing gap5");
    bench_close(&b);
}

static void what_is_owed_at_the_end_can_be_counted(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "s10;123");
    bench_fin(&b, WEIR_ORIG);
    bench_said("s10@1 fin0+0 owed7");
    bench_close(&b);
}

static void a_route_of_all_that_comes_never_ends(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "S0;x1;");
    bench_gap(&b, WEIR_ORIG, 1u << 30);
    bench_text(&b, WEIR_ORIG, "x2;");
    bench_text(&b, WEIR_RESP, "x3;");
    bench_said("S0@1 x3@3");
    bench_close(&b);
}

/* ---- gaps ---- */

static void a_gap_loses_what_was_unread_and_says_how_much_in_all(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "x1;x22");
    bench_gap(&b, WEIR_ORIG, 100);
    bench_text(&b, WEIR_ORIG, "x3;");
    bench_said("x1@1 gap103 x3@2");
    bench_close(&b);
}

static void an_analyser_without_on_gap_gets_no_more_of_the_flow(void **state)
{
    struct bench b;
    second = first;
    second.name = "second";
    second.on_gap = NULL;
    const struct weir_analyser *const one[] = {&second, NULL};
    bench_open(&b, one, (size_t)1 << 20);
    bench_text(&b, WEIR_ORIG, "x1;");
    bench_gap(&b, WEIR_ORIG, 1);
    assert_false(analyse_wanted(b.af));
    bench_text(&b, WEIR_ORIG, "x2;");
    bench_said("x1@1");
    assert_string_equal(bench_service(&b), "second");
    assert_int_equal(b.ledger.count[LEDGER_delivered], 3);
    assert_int_equal(b.ledger.count[LEDGER_unwanted], 3);
    bench_close(&b);
}

/* ---- child streams ---- */

static void a_child_stream_is_named_and_read_one_level_deeper(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "o0;c9;x1;x");
    bench_text(&b, WEIR_ORIG, "2;x");
    bench_text(&b, WEIR_ORIG, "33c5;");
    bench_text(&b, WEIR_RESP, "c3;x4;");
    bench_said("o0@1 =0 c9@1 >x1@1 >x2@1 c5@3 c3@4 >x4@4 nothing");
    bench_close(&b);
    bench_said(">idle0+3 idle0+0 owed5");
}

static void a_hint_names_the_childs_analyser(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "o1;c9;x1;");
    bench_gap(&b, WEIR_ORIG, 3); /* `second` has no on_gap */
    bench_text(&b, WEIR_ORIG, "x2;x3;");
    bench_said("o1@1 =0 c9@1 >x1@1 x3@2");
    bench_close(&b);
}

static void a_gap_inside_a_childs_route_is_the_childs(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "o0;c9;x1;");
    bench_gap(&b, WEIR_ORIG, 3);
    bench_text(&b, WEIR_ORIG, "x2;x3;");
    bench_said("o0@1 =0 c9@1 >x1@1 >gap3 >x2@2 x3@2");
    bench_close(&b);
}

static void a_second_child_is_refused(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "o0;o0;");
    bench_said("o0@1 =0 o0@1 =-1");
    bench_close(&b);
}

static void children_go_four_levels_deep(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "o0;c99;o0;c99;o0;c99;o0;c99;o0;x1;");
    bench_said("o0@1 =0 c99@1 >o0@1 =0 >c99@1 >>o0@1 =0 >>c99@1 >>>o0@1 =0 >>>c99@1 >>>>o0@1 =-1 >>>>x1@1");
    bench_fin(&b, WEIR_ORIG);
    bench_said(">>>>fin0+0 >>>fin0+0 owed93 >>fin0+0 owed86 >fin0+0 owed79 fin0+0 owed72");
    bench_close(&b);
}

/* ---- bodies ---- */

static void *body_begin(void *context, const struct weir_flow *flow, int dir, uint64_t ts_ns,
                        const struct weir_body *body)
{
    bench_say("begin%u ", (unsigned)body->size);
    return context;
}
static void body_data(void *handle, const uint8_t *data, uint32_t size)
{
    bench_say("'%.*s' ", (int)size, (const char *)data);
}
static void body_gap(void *handle, uint64_t bytes)
{
    bench_say("hole%u ", (unsigned)bytes);
}
static void body_end(void *handle, bool complete)
{
    bench_say(complete ? "whole " : "broken ");
}

static void a_body_is_told_as_it_comes(void **state)
{
    static const struct analyse_body_sink sink = {body_begin, body_data, body_gap, body_end};
    struct bench b;
    open_orders(&b);
    analyse_set_body_sink(b.analyse, &sink, &b);
    bench_text(&b, WEIR_ORIG, "b9;abc");
    bench_gap(&b, WEIR_ORIG, 4);
    bench_text(&b, WEIR_ORIG, "hie0;b2;xyb1;z");
    bench_said("b9@1 begin9 'abc' hole4 'hi' e0@2 whole b2@2 begin2 'xy' b1@2 broken begin1 'z' nothing");
    bench_close(&b);
    bench_said("idle0+0 broken");
}

static void bodies_that_nobody_keeps_are_counted(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "b9;abc");
    bench_gap(&b, WEIR_ORIG, 6);
    bench_text(&b, WEIR_ORIG, "e0;b5;x");
    analyse_end(b.analyse, b.af, &b.flow, WEIR_RESP, WEIR_END_RESET, b.now);
    const struct analyse_body_counts *counts = analyse_body_counts(b.analyse);
    assert_int_equal(counts->bodies, 2);
    assert_int_equal(counts->bytes, 4);
    assert_int_equal(counts->missed_bytes, 6);
    assert_int_equal(counts->incomplete, 1);
    bench_close(&b);
}

/* ---- held memory ---- */

static void held_memory_is_zero_and_aligned_and_can_be_given_back(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "h1000;");
    size_t out = pool_out(b.pool);
    assert_non_null(seen.held);
    assert_int_equal((uintptr_t)seen.held % 16, 0);
    memset(seen.held, 0xff, 1000);
    bench_text(&b, WEIR_ORIG, "f0;");
    assert_true(pool_out(b.pool) + 1000 <= out);
    bench_text(&b, WEIR_ORIG, "h1000;");
    for (int i = 0; i < 1000; i++)
        assert_int_equal(((const uint8_t *)seen.held)[i], 0);
    bench_text(&b, WEIR_ORIG, "h10;h20;f0;h30;");
    bench_close(&b);
}

static void a_flow_holds_no_more_than_its_bound(void **state)
{
    struct bench b;
    open_orders(&b);
    for (int i = 0; i < 4; i++) {
        bench_text(&b, WEIR_ORIG, "h65000;");
        assert_non_null(seen.held);
    }
    bench_text(&b, WEIR_ORIG, "h1;");
    assert_null(seen.held);
    bench_text(&b, WEIR_ORIG, "h70000;");
    assert_null(seen.held);
    assert_int_equal(b.ledger.count[LEDGER_hold_refused], 70001);
    bench_close(&b);
}

/* ---- answers and ends ---- */

static void done_keeps_the_service_and_reads_no_more(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "h100;t0;d0;x1;");
    bench_said("h100@1 t0@1 d0@1");
    assert_false(analyse_wanted(b.af));
    assert_string_equal(bench_service(&b), "other");
    assert_int_equal(pool_out(b.pool), 0);
    bench_close(&b);
    bench_said("");
}

static void not_mine_after_progress_leaves_the_flow_without_a_name(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "x1;n0;");
    bench_said("x1@1 n0@1");
    assert_false(analyse_wanted(b.af));
    assert_string_equal(bench_service(&b), "none");
    assert_int_equal(b.ledger.count[LEDGER_analyser_wrong], 1);
    bench_close(&b);
}

static void the_end_of_a_direction_shows_what_is_unread(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_RESP, "x1;abc");
    bench_fin(&b, WEIR_RESP);
    bench_fin(&b, WEIR_RESP);
    bench_text(&b, WEIR_ORIG, "x2;ab");
    analyse_end(b.analyse, b.af, &b.flow, WEIR_RESP, WEIR_END_RESET, b.now);
    bench_said("x1@1 fin1+3 x2@2 reset0+2");
    bench_close(&b);
}

static void rows_go_out_with_the_flow(void **state)
{
    struct bench b;
    open_orders(&b);
    bench_text(&b, WEIR_ORIG, "r5;");
    bench_said("r5@1 row(order)");
    bench_close(&b);
}

static void an_analyser_that_nobody_wants_rows_of_only_gives_its_name(void **state)
{
    struct bench b;
    open_orders(&b);
    int out;
    struct analyse_options options = {
        .analysers = both, .pool = b.pool, .ledger = &b.ledger, .out = (struct record_out *)&out};
    struct analyse *narrow = analyse_new(&options);
    analyse_data(narrow, b.af, &b.flow, WEIR_ORIG, (const uint8_t *)"x1;", 3, b.now);
    assert_string_equal(bench_service(&b), "first");
    assert_false(analyse_wanted(b.af));
    assert_int_equal(b.ledger.count[LEDGER_unwanted], 3);
    bench_said("");
    analyse_free(narrow);
    bench_close(&b);
}

static void a_broken_analyser_is_told_what_is_wrong(void **state)
{
    struct weir_analyser a = first;
    a.abi++;
    assert_non_null(strstr(analyse_check(&a), "ABI"));
    a = first;
    a.state_bytes = 4097;
    assert_non_null(strstr(analyse_check(&a), "state"));
    a = first;
    a.transports |= WEIR_OVER_DATAGRAM;
    assert_non_null(strstr(analyse_check(&a), "on_datagram"));
    a = first;
    a.name = "Not plain";
    assert_non_null(strstr(analyse_check(&a), "name"));
    a = first;
    a.probe = NULL;
    assert_non_null(strstr(analyse_check(&a), "probe"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_reach_the_analyser_without_a_copy),
        cmocka_unit_test(what_is_left_unread_comes_again_with_what_follows),
        cmocka_unit_test(an_analyser_is_not_called_before_the_bytes_that_it_asked_for_are_there),
        cmocka_unit_test(after_taking_something_it_can_ask_for_more_than_is_there),
        cmocka_unit_test(an_answer_without_progress_waits_for_another_byte),
        cmocka_unit_test(one_byte_segments_cost_work_in_proportion_to_the_bytes),
        cmocka_unit_test(a_message_up_to_the_carrys_bound_arrives_whole),
        cmocka_unit_test(asking_for_more_than_a_carry_holds_is_a_gap),
        cmocka_unit_test(a_carry_that_the_budget_refuses_is_a_gap),
        cmocka_unit_test(a_flow_whose_state_the_budget_refuses_is_named_and_not_read),
        cmocka_unit_test(a_route_spans_segments_and_gaps),
        cmocka_unit_test(the_end_of_a_route_is_told_even_with_nothing_behind_it),
        cmocka_unit_test(what_is_owed_at_the_end_can_be_counted),
        cmocka_unit_test(a_route_of_all_that_comes_never_ends),
        cmocka_unit_test(a_gap_loses_what_was_unread_and_says_how_much_in_all),
        cmocka_unit_test(an_analyser_without_on_gap_gets_no_more_of_the_flow),
        cmocka_unit_test(a_child_stream_is_named_and_read_one_level_deeper),
        cmocka_unit_test(a_hint_names_the_childs_analyser),
        cmocka_unit_test(a_gap_inside_a_childs_route_is_the_childs),
        cmocka_unit_test(a_second_child_is_refused),
        cmocka_unit_test(children_go_four_levels_deep),
        cmocka_unit_test(a_body_is_told_as_it_comes),
        cmocka_unit_test(bodies_that_nobody_keeps_are_counted),
        cmocka_unit_test(held_memory_is_zero_and_aligned_and_can_be_given_back),
        cmocka_unit_test(a_flow_holds_no_more_than_its_bound),
        cmocka_unit_test(done_keeps_the_service_and_reads_no_more),
        cmocka_unit_test(not_mine_after_progress_leaves_the_flow_without_a_name),
        cmocka_unit_test(the_end_of_a_direction_shows_what_is_unread),
        cmocka_unit_test(rows_go_out_with_the_flow),
        cmocka_unit_test(an_analyser_that_nobody_wants_rows_of_only_gives_its_name),
        cmocka_unit_test(a_broken_analyser_is_told_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
