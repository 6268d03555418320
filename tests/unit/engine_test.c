/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine from file to rows, over captures that the tests write.
 *
 * A run's rows are kept as text, so that two runs can be held against each other.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "analyse/analyse.h"
#include "engine/engine.h"
#include "traffic.h"

#define TABLES 4
static const char *const table_names[TABLES] = {"flow", "flow_active", "http", "dns"};

/* What one table's rows came to. */
struct taken {
    struct writer text;
    uint64_t rows, calls, unmatched;
    uint64_t fail_at;     /* answer -1 at this many rows; 0: never */
    uint64_t stop_at;     /* engine_stop() at this many rows; 0: never */
    bool failed, orderly; /* rows came in ascending order */
    uint64_t last_order;
    struct engine *engine; /* for engine_stop() */
};

struct outcome {
    struct taken taken[TABLES];
    struct ledger ledger;
    struct engine_facts facts;
    int answer;
};

struct setting {
    const char *paths[2];
    int workers;
    uint32_t flows;
    uint64_t fail_at, stop_at;
    bool odd_only; /* sinks turn every second row away */
};

static void put_value(struct writer *out, const struct record_batch *batch, uint32_t column, uint32_t row)
{
    char text[64];
    const struct weir_column *c = record_column(record_batch_table(batch), column);
    if (c->type == WEIR_STR) {
        struct weir_str value = record_str(batch, column, row);
        put(out, value.data ? "'" : "-", 1);
        if (value.size)
            put(out, value.data, value.size);
    } else if (c->type == WEIR_IP) {
        struct weir_ip value = record_ip(batch, column, row);
        for (int i = 0; i < 16; i++)
            put(out, text, (size_t)snprintf(text, sizeof text, "%02x", value.bytes[i]));
    } else if (c->type == WEIR_STRS) {
        for (int i = 0, n = record_list(batch, column, row); i < n; i++) {
            struct weir_str value = record_list_item(batch, column, row, (uint32_t)i);
            if (value.size)
                put(out, value.data, value.size);
            put(out, "|", 1);
        }
    } else {
        struct weir_uint value = record_uint(batch, column, row);
        put(out, text, (size_t)snprintf(text, sizeof text, value.set ? "%" PRIu64 : "-", value.value));
    }
    put(out, " ", 1);
}

static int take_rows(void *context, const struct record_batch *batch, uint32_t first, uint32_t count)
{
    struct taken *taken = context;
    if (taken->failed)
        taken->orderly = false; /* called again after it said that it cannot go on */
    taken->calls++;
    uint32_t columns = record_column_count(record_batch_table(batch));
    for (uint32_t row = first; row < first + count; row++) {
        uint64_t order = record_batch_order(batch, row);
        taken->orderly = taken->orderly && order >= taken->last_order;
        taken->last_order = order;
        for (uint32_t column = 0; column < columns; column++)
            put_value(&taken->text, batch, column, row);
        put(&taken->text, "\n", 1);
        taken->rows++;
    }
    if (taken->stop_at && taken->rows >= taken->stop_at)
        engine_stop(taken->engine);
    taken->failed = taken->fail_at && taken->rows >= taken->fail_at;
    return taken->failed ? -1 : 0;
}

static uint64_t half_unmatched(void *context)
{
    const struct taken *taken = context;
    return taken->rows / 2;
}

static void ignore(void *context, const char *text)
{
}

static void run(struct outcome *outcome, const struct setting *setting)
{
    memset(outcome, 0, sizeof *outcome);
    struct engine_output outputs[TABLES];
    for (int t = 0; t < TABLES; t++) {
        outcome->taken[t].orderly = true;
        outcome->taken[t].fail_at = setting->fail_at;
        outcome->taken[t].stop_at = setting->stop_at;
        outputs[t] = (struct engine_output){.table = engine_table_find(table_names[t]),
                                            .sink = {.rows = take_rows, .context = &outcome->taken[t]},
                                            .unmatched = setting->odd_only ? half_unmatched : NULL};
        assert_non_null(outputs[t].table);
    }
    struct error error;
    struct engine *engine = engine_new(&(struct engine_options){.paths = setting->paths,
                                                                .path_count = setting->paths[1] ? 2 : 1,
                                                                .workers = setting->workers,
                                                                .flows = setting->flows,
                                                                .outputs = outputs,
                                                                .output_count = TABLES,
                                                                .analysers = analyse_builtin,
                                                                .complain = ignore},
                                       &error);
    if (!engine)
        fail_msg("%s", error.text);
    for (int t = 0; t < TABLES; t++)
        outcome->taken[t].engine = engine;
    outcome->answer = engine_run(engine);
    engine_ledger(engine, &outcome->ledger);
    outcome->facts = engine_facts(engine);
    engine_free(engine);
}

static void drop(struct outcome *outcome)
{
    for (int t = 0; t < TABLES; t++)
        free(outcome->taken[t].text.bytes);
}

static void same_rows(const struct outcome *a, const struct outcome *b)
{
    for (int t = 0; t < TABLES; t++) {
        assert_int_equal(a->taken[t].rows, b->taken[t].rows);
        assert_int_equal(a->taken[t].text.used, b->taken[t].text.used);
        if (a->taken[t].text.used)
            assert_memory_equal(a->taken[t].text.bytes, b->taken[t].text.bytes, a->taken[t].text.used);
    }
}

static void all_close(const struct outcome *outcome)
{
    uint64_t in, out;
    for (enum ledger_unit unit = LEDGER_FRAME; unit <= LEDGER_ROW; unit++)
        if (!ledger_closes(&outcome->ledger, unit, &in, &out))
            fail_msg("%ss: %" PRIu64 " in, %" PRIu64 " out", ledger_unit_name(unit), in, out);
}

static uint64_t rows_of(const struct outcome *outcome)
{
    uint64_t rows = 0;
    for (int t = 0; t < TABLES; t++)
        rows += outcome->taken[t].rows;
    return rows;
}

static char *mingled(uint64_t frames, uint32_t seed, uint64_t step_ns)
{
    struct traffic traffic;
    traffic_begin(&traffic, seed, step_ns);
    traffic_add(&traffic, frames);
    return traffic_end(&traffic);
}

static const int worker_counts[] = {1, 2, 3, 8};

/* Runs at each number of workers; all give what one does.  The outcome of one is the caller's to look at and drop. */
static void same_at_any_count(struct outcome *first, struct setting setting)
{
    for (int i = 0; i < 4; i++) {
        struct outcome other;
        setting.workers = worker_counts[i];
        run(i ? &other : first, &setting);
        if (!i)
            continue;
        same_rows(first, &other);
        assert_memory_equal(&first->ledger, &other.ledger, sizeof first->ledger);
        drop(&other);
    }
}

static void the_same_rows_come_at_any_number_of_workers(void **state)
{
    char *path = mingled(30000, 1, 3000000);
    struct outcome outcome;
    same_at_any_count(&outcome, (struct setting){.paths = {path}});
    for (int t = 0; t < TABLES; t++)
        if (t != 1)
            assert_true(outcome.taken[t].rows > 1000);
    assert_int_equal(outcome.answer, 0);
    drop(&outcome);
    drop_file(path);
}

static void rows_come_in_the_order_of_frames(void **state)
{
    char *path = mingled(20000, 2, 5000000);
    for (int i = 0; i < 4; i++) {
        struct outcome outcome;
        run(&outcome, &(struct setting){.paths = {path}, .workers = worker_counts[i]});
        for (int t = 0; t < TABLES; t++)
            assert_true(outcome.taken[t].orderly);
        drop(&outcome);
    }
    drop_file(path);
}

static void a_flow_that_lives_long_is_told_while_it_lives(void **state)
{
    struct traffic traffic;
    traffic_begin(&traffic, 3, 20000000000ull);
    for (int i = 0; i < 400; i++)
        traffic_udp(&traffic, 0x0a000001, 5000, 0x0a000002, 5001, "still here", 10);
    char *path = traffic_end(&traffic);
    struct outcome outcome;
    same_at_any_count(&outcome, (struct setting){.paths = {path}});
    assert_int_equal(outcome.taken[0].rows, 1);
    assert_in_range(outcome.taken[1].rows, 25, 27); /* 8,000 s, a row each 300 s */
    drop(&outcome);
    drop_file(path);
}

static void every_frame_byte_and_row_has_a_cause(void **state)
{
    char *path = mingled(20000, 4, 1000000);
    for (int i = 0; i < 4; i++) {
        struct outcome outcome;
        run(&outcome, &(struct setting){.paths = {path}, .workers = worker_counts[i]});
        all_close(&outcome);
        assert_true(outcome.ledger.count[LEDGER_received] >= 20000);
        assert_true(outcome.ledger.count[LEDGER_delivered] > 100000);
        assert_true(outcome.ledger.count[LEDGER_duplicate] > 1000);
        assert_int_equal(outcome.ledger.count[LEDGER_written], rows_of(&outcome));
        assert_int_equal(outcome.facts.frames, outcome.ledger.count[LEDGER_received]);
        drop(&outcome);
    }
    drop_file(path);
}

static void rows_that_a_condition_turns_away_are_unmatched_not_written(void **state)
{
    char *path = mingled(5000, 5, 1000000);
    struct outcome outcome;
    run(&outcome, &(struct setting){.paths = {path}, .workers = 2, .odd_only = true});
    all_close(&outcome);
    uint64_t unmatched = 0;
    for (int t = 0; t < TABLES; t++)
        unmatched += outcome.taken[t].rows / 2;
    assert_int_equal(outcome.ledger.count[LEDGER_unmatched], unmatched);
    assert_int_equal(outcome.ledger.count[LEDGER_written], rows_of(&outcome) - unmatched);
    drop(&outcome);
    drop_file(path);
}

static void stopping_ends_early_and_gives_the_rows_of_what_was_read(void **state)
{
    char *path = mingled(60000, 6, 1000000);
    for (int i = 0; i < 4; i++) {
        struct outcome outcome;
        run(&outcome, &(struct setting){.paths = {path}, .workers = worker_counts[i], .stop_at = 1});
        assert_int_equal(outcome.answer, 0);
        assert_in_range(outcome.ledger.count[LEDGER_received], 1, 59999);
        all_close(&outcome);
        assert_int_equal(outcome.ledger.count[LEDGER_made], rows_of(&outcome));
        assert_true(outcome.taken[0].rows > 64); /* flows that were open are told as well */
        drop(&outcome);
    }
    drop_file(path);
}

static void a_sink_that_cannot_go_on_ends_the_run(void **state)
{
    char *path = mingled(60000, 7, 1000000);
    for (int i = 0; i < 4; i++) {
        struct outcome outcome;
        run(&outcome, &(struct setting){.paths = {path}, .workers = worker_counts[i], .fail_at = 1});
        assert_int_equal(outcome.answer, -1);
        assert_true(outcome.ledger.count[LEDGER_received] < 60000);
        all_close(&outcome);
        assert_true(outcome.ledger.count[LEDGER_dropped] > 0);
        for (int t = 0; t < TABLES; t++)
            assert_true(outcome.taken[t].orderly && outcome.taken[t].calls <= 1);
        drop(&outcome);
    }
    drop_file(path);
}

static void a_capture_without_packets_gives_no_rows(void **state)
{
    char *path = mingled(0, 8, 1);
    for (int i = 0; i < 4; i++) {
        struct outcome outcome;
        run(&outcome, &(struct setting){.paths = {path}, .workers = worker_counts[i]});
        assert_int_equal(outcome.answer, 0);
        assert_int_equal(rows_of(&outcome), 0);
        assert_int_equal(outcome.facts.frames, 0);
        assert_int_equal(outcome.facts.complaints, 0);
        assert_int_equal(outcome.facts.first_ns, 0);
        drop(&outcome);
    }
    drop_file(path);
}

/* The same traffic, dealt to two files at random.  Its retransmissions are equal to the bit; 6 ms apart they are no duplicates. */
static void two_files_merged_give_what_one_does(void **state)
{
    struct traffic traffic;
    traffic_begin(&traffic, 9, 6000000);
    traffic_add(&traffic, 10000);
    struct writer part[2] = {{0}};
    classic_head(&part[0], 0xa1b23c4d, 1);
    classic_head(&part[1], 0xa1b23c4d, 1);
    uint32_t caplen;
    for (size_t at = 24; at < traffic.out.used; at += 16 + caplen) {
        memcpy(&caplen, traffic.out.bytes + at + 8, 4);
        put(&part[traffic_dice(&traffic, 2)], traffic.out.bytes + at, 16 + caplen);
    }
    char *whole = traffic_end(&traffic);
    char *paths[2] = {write_file(part[0].bytes, part[0].used), write_file(part[1].bytes, part[1].used)};
    struct outcome one, two;
    run(&one, &(struct setting){.paths = {whole}, .workers = 1});
    same_at_any_count(&two, (struct setting){.paths = {paths[0], paths[1]}});
    same_rows(&one, &two);
    assert_memory_equal(&one.ledger, &two.ledger, sizeof one.ledger);
    drop(&one);
    drop(&two);
    for (int i = 0; i < 2; i++) {
        free(part[i].bytes);
        drop_file(paths[i]);
    }
    drop_file(whole);
}

static void a_table_too_small_for_the_flows_gives_the_same_rows_at_any_number_of_workers(void **state)
{
    struct traffic traffic;
    traffic_begin(&traffic, 10, 1000);
    for (uint32_t i = 0; i < 60000; i++) {
        uint32_t back = i % 3 ? i : i / 2; /* every third belongs to an older flow, open or evicted */
        traffic_udp(&traffic, 0x0a000000u + back, 5000, 0x0b000001, 5001, "one of many", 11);
        if (i % 16 == 0)
            traffic_add(&traffic, 2);
    }
    char *path = traffic_end(&traffic);
    struct outcome outcome;
    same_at_any_count(&outcome, (struct setting){.paths = {path}, .flows = 16384});
    assert_true(outcome.ledger.count[LEDGER_flow_evicted] > 10000);
    all_close(&outcome);
    drop(&outcome);
    drop_file(path);
}

static void the_last_step_of_closing_is_done_by_every_worker(void **state)
{
    struct traffic traffic;
    traffic_begin(&traffic, 11, 1000);
    for (uint32_t i = 0; i < 20000; i++)
        traffic_udp(&traffic, 0x0a000000u + i, 5000, 0x0b000001, 5001, "one of many", 11);
    char *path = traffic_end(&traffic);
    struct outcome outcome;
    /* 40 flows a shard: a whole step and a quarter of the last one */
    same_at_any_count(&outcome, (struct setting){.paths = {path}, .flows = 64 * 40});
    assert_int_equal(outcome.taken[0].rows, 20000);
    drop(&outcome);
    drop_file(path);
}

static void a_file_that_is_not_there_is_told_at_the_start(void **state)
{
    const char *const paths[] = {"/nowhere/at/all.pcap"};
    struct error error = {""};
    assert_null(engine_new(
        &(struct engine_options){
            .paths = paths, .path_count = 1, .workers = 1, .analysers = analyse_builtin, .complain = ignore},
        &error));
    assert_non_null(strstr(error.text, "/nowhere/at/all.pcap"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_rows_come_at_any_number_of_workers),
        cmocka_unit_test(rows_come_in_the_order_of_frames),
        cmocka_unit_test(a_flow_that_lives_long_is_told_while_it_lives),
        cmocka_unit_test(every_frame_byte_and_row_has_a_cause),
        cmocka_unit_test(rows_that_a_condition_turns_away_are_unmatched_not_written),
        cmocka_unit_test(stopping_ends_early_and_gives_the_rows_of_what_was_read),
        cmocka_unit_test(a_sink_that_cannot_go_on_ends_the_run),
        cmocka_unit_test(a_capture_without_packets_gives_no_rows),
        cmocka_unit_test(two_files_merged_give_what_one_does),
        cmocka_unit_test(a_table_too_small_for_the_flows_gives_the_same_rows_at_any_number_of_workers),
        cmocka_unit_test(the_last_step_of_closing_is_done_by_every_worker),
        cmocka_unit_test(a_file_that_is_not_there_is_told_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
