/* SPDX-License-Identifier: Apache-2.0 */
/* The way out of a worker: sealing, order, and batches that come back from other threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "record/record.h"

#define ONE_ROW(X, R) X(R, U32, number, "", "", "")
WEIR_TABLE(one, ONE_ROW, "");
WEIR_TABLE(two, ONE_ROW, "");
WEIR_TABLE(unwanted, ONE_ROW, "");

static const struct weir_table *const tables[] = {&one_table, &two_table, NULL};
static const struct weir_flow flow = {.proto = 17};

static void emit_numbers(struct record_out *out, const struct weir_table *table, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        struct one_row row = {.number = weir_uint(i)};
        record_out_set_order(out, i * 10ull);
        record_emit(out, table, &flow, &row, i);
    }
}

/* Gives every batch of the list back; the rows in it, which must go on from `first`. */
static uint32_t give_back(struct record_out *out, struct record_batch *batch, uint32_t first)
{
    uint32_t rows = 0;
    while (batch) {
        struct record_batch *next = record_batch_next(batch);
        for (uint32_t i = 0; i < record_batch_rows(batch); i++, rows++) {
            assert_int_equal(record_uint(batch, 7, i).value, first + rows);
            assert_int_equal(record_batch_order(batch, i), (first + rows) * 10ull);
        }
        record_out_recycle(out, batch);
        batch = next;
    }
    return rows;
}

static void only_wanted_tables_get_rows(void **state)
{
    struct record_out *out = record_out_new(tables);
    assert_true(record_wants(out, &one_table));
    assert_true(record_wants(out, &two_table));
    assert_false(record_wants(out, &unwanted_table));
    emit_numbers(out, &unwanted_table, 0, 5);
    assert_int_equal(record_out_made(out), 0);
    assert_null(record_out_take(out, 0));
    assert_null(record_out_take(out, 1));
    record_out_free(out);
}

static void sealed_batches_come_out_in_order_and_whole(void **state)
{
    struct record_out *out = record_out_new(tables);
    emit_numbers(out, &two_table, 100, 3 * RECORD_BATCH_ROWS + 5);
    emit_numbers(out, &one_table, 0, 2);
    assert_int_equal(record_out_made(out), 3 * RECORD_BATCH_ROWS + 7);
    assert_int_equal(give_back(out, record_out_take(out, 1), 100), 3 * RECORD_BATCH_ROWS + 5);
    assert_null(record_out_take(out, 1));
    assert_int_equal(give_back(out, record_out_take(out, 0), 0), 2);
    record_out_free(out);
}

static void batches_that_came_back_are_used_again(void **state)
{
    struct record_out *out = record_out_new(tables);
    for (uint32_t round = 0; round < 50; round++) {
        emit_numbers(out, &one_table, round, 2 * RECORD_BATCH_ROWS);
        emit_numbers(out, &two_table, round, 1);
        assert_int_equal(give_back(out, record_out_take(out, 0), round), 2 * RECORD_BATCH_ROWS);
        assert_int_equal(give_back(out, record_out_take(out, 1), round), 1);
    }
    assert_int_equal(record_out_batches(out), 3);
    record_out_free(out);
}

static void what_was_not_taken_or_not_filled_is_freed(void **state)
{
    struct record_out *out = record_out_new(tables);
    emit_numbers(out, &one_table, 0, 2 * RECORD_BATCH_ROWS + 1); /* sealed ones, and an open one */
    assert_int_equal(record_out_batches(out), 3);
    record_out_free(out);
    record_out_free(NULL);
}

#define BATCHES 2000u
#define SLOTS 8u
struct exchange {
    struct record_out *out;
    _Atomic(struct record_batch *) slots[SLOTS];
    atomic_bool over;
    atomic_uint rows;
};

static void *consumer(void *context)
{
    struct exchange *exchange = context;
    for (bool over = false; !over;) {
        over = atomic_load(&exchange->over);
        for (uint32_t i = 0; i < SLOTS; i++) {
            struct record_batch *batch = atomic_exchange(&exchange->slots[i], NULL);
            if (!batch)
                continue;
            atomic_fetch_add(&exchange->rows, record_batch_rows(batch));
            record_out_recycle(exchange->out, batch);
        }
        sched_yield();
    }
    return NULL;
}

static void other_threads_may_give_batches_back_while_rows_are_made(void **state)
{
    struct exchange exchange = {.out = record_out_new(tables)};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, consumer, &exchange), 0);
    for (uint32_t i = 0; i < BATCHES; i++) {
        emit_numbers(exchange.out, tables[i % 2], 0, 3);
        struct record_batch *batch = record_out_take(exchange.out, i % 2), *none = NULL;
        while (!atomic_compare_exchange_strong(&exchange.slots[i % SLOTS], &none, batch)) {
            none = NULL;
            sched_yield();
        }
    }
    atomic_store(&exchange.over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(exchange.rows, BATCHES * 3);
    assert_in_range(record_out_batches(exchange.out), 1, 4 * SLOTS);
    record_out_free(exchange.out);
}

int main(void)
{
    const struct CMUnitTest tests_of_out[] = {
        cmocka_unit_test(only_wanted_tables_get_rows),
        cmocka_unit_test(sealed_batches_come_out_in_order_and_whole),
        cmocka_unit_test(batches_that_came_back_are_used_again),
        cmocka_unit_test(what_was_not_taken_or_not_filled_is_freed),
        cmocka_unit_test(other_threads_may_give_batches_back_while_rows_are_made),
    };
    return cmocka_run_group_tests(tests_of_out, NULL, NULL);
}
