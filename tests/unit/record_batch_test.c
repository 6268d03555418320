/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: what goes in comes out, null stays null, and an empty batch takes any row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "record/record.h"

#define EVERY_ROW(X, R)                                                                                                \
    X(R, BOOL, a_bool, "", "", "")                                                                                     \
    X(R, U8, a_u8, "", "", "")                                                                                         \
    X(R, U16, a_u16, "", "", "")                                                                                       \
    X(R, U32, a_u32, "", "", "")                                                                                       \
    X(R, U64, a_u64, "", "", "")                                                                                       \
    X(R, TIME, a_time, "", "", "")                                                                                     \
    X(R, DURATION, a_duration, "", "", "")                                                                             \
    X(R, ID, an_id, "", "", "")                                                                                        \
    X(R, STR, a_str, "", "", "")                                                                                       \
    X(R, IP, an_ip, "", "", "")                                                                                        \
    X(R, STRS, a_list, "", "", "")                                                                                     \
    X(R, STR, more, "", "", "")
WEIR_TABLE(every, EVERY_ROW, "every type");

#define BARE_ROW(X, R) X(R, TIME, ts, "", "", "") X(R, U64, count, "", "", "")
WEIR_TABLE_BARE(bare, BARE_ROW, "no flow");

enum { TS, UID, SRC_IP, SRC_PORT, DST_IP, DST_PORT, PROTO, A_BOOL, A_U8, A_U16, A_U32, A_U64, A_TIME, A_DURATION };
enum { AN_ID = A_DURATION + 1, A_STR, AN_IP, A_LIST, MORE, COLUMNS };

static const struct weir_flow flow = {.src_ip = {{10, 0, 0, 1}, 4},
                                      .dst_ip = {{0x20, 1, 0xd, 0xb8, [15] = 1}, 6},
                                      .src_port = 40000,
                                      .dst_port = 443,
                                      .proto = 6,
                                      .uid = 0x0123456789abcdef};

static bool same(struct weir_str got, const char *text)
{
    return got.data && got.size == strlen(text) && memcmp(got.data, text, got.size) == 0;
}

static void base_columns_stand_before_a_tables_own(void **state)
{
    static const char *const names[] = {"ts", "uid", "src_ip", "src_port", "dst_ip", "dst_port", "proto", "a_bool"};
    assert_int_equal(record_column_count(&every_table), COLUMNS);
    for (uint32_t i = 0; i < 8; i++) {
        assert_string_equal(record_column(&every_table, i)->name, names[i]);
        assert_int_equal(record_column_find(&every_table, names[i]), i);
    }
    assert_int_equal(record_column_find(&every_table, "more"), MORE);
    assert_int_equal(record_column_find(&every_table, "none"), -1);
}

static void a_bare_table_has_only_its_own_columns(void **state)
{
    assert_int_equal(record_column_count(&bare_table), 2);
    assert_string_equal(record_column(&bare_table, 0)->name, "ts");
    assert_int_equal(record_column_find(&bare_table, "uid"), -1);
    struct record_batch *batch = record_batch_new(&bare_table);
    struct bare_row row = {.count = weir_uint(7)};
    assert_true(record_append(batch, NULL, &row, 55, 1));
    row.ts = weir_uint(66);
    assert_true(record_append(batch, NULL, &row, 55, 1));
    assert_int_equal(record_uint(batch, 0, 0).value, 55);
    assert_int_equal(record_uint(batch, 0, 1).value, 66);
    assert_int_equal(record_uint(batch, 1, 1).value, 7);
    record_batch_free(batch);
}

static void every_type_comes_out_as_it_went_in(void **state)
{
    struct record_batch *batch = record_batch_new(&every_table);
    const struct weir_str items[] = {weir_cstr("one"), weir_cstr(""), weir_cstr("three")};
    struct every_row row = {
        .a_bool = weir_uint(1),
        .a_u8 = weir_uint(255),
        .a_u16 = weir_uint(65535),
        .a_u32 = weir_uint(4294967295),
        .a_u64 = weir_uint(UINT64_MAX),
        .a_time = weir_uint(1),
        .a_duration = weir_uint(2),
        .an_id = weir_uint(3),
        .a_str = weir_cstr("text"),
        .an_ip = {{192, 0, 2, 1}, 4},
        .a_list = {items, 3, true},
        .more = weir_cstr(""),
    };
    assert_true(record_append(batch, &flow, &row, 1234, 99));
    assert_int_equal(record_batch_rows(batch), 1);
    assert_ptr_equal(record_batch_table(batch), &every_table);
    assert_int_equal(record_batch_order(batch, 0), 99);
    const uint64_t values[] = {1, 255, 65535, 4294967295, UINT64_MAX, 1, 2, 3};
    for (uint32_t i = 0; i < 8; i++) {
        assert_true(record_uint(batch, A_BOOL + i, 0).set);
        assert_true(record_uint(batch, A_BOOL + i, 0).value == values[i]);
    }
    assert_int_equal(record_uint(batch, TS, 0).value, 1234);
    assert_true(record_uint(batch, UID, 0).value == flow.uid);
    assert_int_equal(record_uint(batch, SRC_PORT, 0).value, 40000);
    assert_int_equal(record_uint(batch, DST_PORT, 0).value, 443);
    struct weir_ip ip = record_ip(batch, SRC_IP, 0);
    assert_memory_equal(&ip, &flow.src_ip, sizeof ip);
    ip = record_ip(batch, DST_IP, 0);
    assert_memory_equal(&ip, &flow.dst_ip, sizeof ip);
    ip = record_ip(batch, AN_IP, 0);
    assert_memory_equal(&ip, &row.an_ip, sizeof ip);
    assert_true(same(record_str(batch, PROTO, 0), "tcp"));
    assert_true(same(record_str(batch, A_STR, 0), "text"));
    assert_true(same(record_str(batch, MORE, 0), ""));
    assert_int_equal(record_list(batch, A_LIST, 0), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(same(record_list_item(batch, A_LIST, 0, i), items[i].data));
    record_batch_free(batch);
}

static void a_zeroed_row_is_null_in_every_column_of_its_own(void **state)
{
    struct record_batch *batch = record_batch_new(&every_table);
    struct every_row full = {.a_u16 = weir_uint(7), .a_str = weir_cstr("x"), .an_ip = {{1}, 4}}, row = {0};
    assert_true(record_append(batch, &flow, &full, 1, 1));
    record_batch_reset(batch); /* what was there before does not shine through */
    row.a_u16.value = 9;       /* a value that is not set is null */
    assert_true(record_append(batch, &flow, &row, 1, 1));
    for (uint32_t i = A_BOOL; i <= AN_ID; i++) {
        assert_false(record_uint(batch, i, 0).set);
        assert_int_equal(record_uint(batch, i, 0).value, 0);
    }
    assert_null(record_str(batch, A_STR, 0).data);
    assert_int_equal(record_ip(batch, AN_IP, 0).family, 0);
    assert_int_equal(record_list(batch, A_LIST, 0), -1);
    record_batch_free(batch);
}

static void an_empty_list_is_not_null(void **state)
{
    struct record_batch *batch = record_batch_new(&every_table);
    struct every_row row = {.a_list = {NULL, 0, true}};
    assert_true(record_append(batch, &flow, &row, 1, 1));
    assert_int_equal(record_list(batch, A_LIST, 0), 0);
    record_batch_free(batch);
}

static void ports_are_null_where_the_protocol_has_none(void **state)
{
    struct record_batch *batch = record_batch_new(&every_table);
    struct every_row row = {0};
    struct weir_flow icmp = flow;
    icmp.proto = 58;
    icmp.src_ip.family = 0;
    assert_true(record_append(batch, &icmp, &row, 1, 1));
    assert_false(record_uint(batch, SRC_PORT, 0).set);
    assert_false(record_uint(batch, DST_PORT, 0).set);
    assert_int_equal(record_ip(batch, SRC_IP, 0).family, 0);
    assert_int_equal(record_ip(batch, DST_IP, 0).family, 6);
    assert_true(same(record_str(batch, PROTO, 0), "icmp6"));
    record_batch_free(batch);
}

static void protocols_without_a_name_read_as_their_number(void **state)
{
    static const struct {
        uint8_t number;
        const char *name;
    } known[] = {{1, "icmp"}, {6, "tcp"}, {17, "udp"}, {58, "icmp6"}, {132, "sctp"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_string_equal(record_proto_name(known[i].number), known[i].name);
    assert_string_equal(record_proto_name(7), "7");
    assert_string_equal(record_proto_name(99), "99");
    assert_string_equal(record_proto_name(100), "100");
    assert_string_equal(record_proto_name(255), "255");
    for (int i = 0; i < 256; i++) {
        const char *name = record_proto_name((uint8_t)i);
        if (name[0] >= '0' && name[0] <= '9')
            assert_int_equal(atoi(name), i);
    }
}

static void a_full_batch_refuses_the_next_row(void **state)
{
    struct record_batch *batch = record_batch_new(&every_table);
    struct every_row row = {0};
    for (uint32_t i = 0; i < RECORD_BATCH_ROWS; i++) {
        row.a_u32 = weir_uint(i);
        row.a_bool = (struct weir_uint){i, i % 3 == 0};
        assert_true(record_append(batch, &flow, &row, i, i));
    }
    assert_false(record_append(batch, &flow, &row, 0, 0));
    assert_int_equal(record_batch_rows(batch), RECORD_BATCH_ROWS);
    for (uint32_t i = 0; i < RECORD_BATCH_ROWS; i++) {
        assert_int_equal(record_uint(batch, A_U32, i).value, i);
        assert_int_equal(record_uint(batch, A_BOOL, i).set, i % 3 == 0);
        assert_int_equal(record_batch_order(batch, i), i);
    }
    record_batch_free(batch);
}

static void a_row_that_the_heap_has_no_room_for_leaves_the_batch_as_it_was(void **state)
{
    struct record_batch *batch = record_batch_new(&every_table);
    static char big[60000];
    memset(big, 'x', sizeof big);
    struct every_row row = {.a_str = weir_str(big, sizeof big)};
    uint32_t rows = 0;
    while (record_append(batch, &flow, &row, rows, rows))
        rows++;
    assert_int_equal(rows, RECORD_BATCH_HEAP / sizeof big);
    assert_int_equal(record_batch_rows(batch), rows);
    row.a_str = weir_cstr("small");
    assert_true(record_append(batch, &flow, &row, 0, 0));
    assert_true(same(record_str(batch, A_STR, rows), "small"));
    for (uint32_t i = 0; i < rows; i++)
        assert_int_equal(record_str(batch, A_STR, i).size, sizeof big);
    record_batch_free(batch);
}

static void text_of_every_length_is_copied_exactly(void **state)
{
    struct record_batch *batch = record_batch_new(&every_table);
    char text[100];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('0' + i % 70);
    for (uint32_t size = 0; size < sizeof text; size++) {
        char *exact = malloc(size + 1); /* so that a sanitiser sees a read beyond the end */
        memcpy(exact, text, size);
        struct every_row row = {.a_str = weir_str(exact, size), .more = weir_cstr("behind")};
        assert_true(record_append(batch, &flow, &row, 0, 0));
        free(exact);
        struct weir_str got = record_str(batch, A_STR, size);
        assert_int_equal(got.size, size);
        assert_memory_equal(got.data, text, size);
        assert_true(same(record_str(batch, MORE, size), "behind"));
    }
    record_batch_free(batch);
}

static void long_text_is_cut_at_the_border_of_a_character(void **state)
{
    struct record_batch *batch = record_batch_new(&every_table);
    static char text[RECORD_TEXT_MAX + 100];
    memset(text, 'a', sizeof text);
    memcpy(text + RECORD_TEXT_MAX - 2, "\xf0\x9f\x98\x80", 4); /* the limit falls into it */
    struct every_row row = {.a_str = weir_str(text, sizeof text)};
    assert_true(record_append(batch, &flow, &row, 0, 0));
    assert_int_equal(record_str(batch, A_STR, 0).size, RECORD_TEXT_MAX - 2);
    memset(text, 0x80, sizeof text); /* no character at all: cut where the limit is */
    assert_true(record_append(batch, &flow, &row, 0, 0));
    assert_int_equal(record_str(batch, A_STR, 1).size, RECORD_TEXT_MAX);
    row.a_str.size = RECORD_TEXT_MAX;
    assert_true(record_append(batch, &flow, &row, 0, 0));
    assert_int_equal(record_str(batch, A_STR, 2).size, RECORD_TEXT_MAX);
    record_batch_free(batch);
}

static void an_empty_batch_takes_any_row_by_cutting_it(void **state)
{
    struct record_batch *batch = record_batch_new(&every_table);
    static char text[RECORD_TEXT_MAX];
    static struct weir_str items[65535];
    memset(text, 'y', sizeof text);
    for (uint32_t i = 0; i < 65535; i++)
        items[i] = weir_str(text, i % 50);
    struct every_row row = {.a_str = weir_str(text, sizeof text), .a_list = {items, 65535, true}};
    row.more = row.a_str;
    assert_true(record_append(batch, &flow, &row, 0, 0));
    assert_int_equal(record_batch_rows(batch), 1);
    int kept = record_list(batch, A_LIST, 0);
    assert_in_range(kept, 1000, 65534);
    for (int i = 0; i < kept; i++) /* what is kept is whole */
        assert_int_equal(record_list_item(batch, A_LIST, 0, (uint32_t)i).size, i % 50);
    assert_int_equal(record_str(batch, A_STR, 0).size, sizeof text);
    assert_false(record_append(batch, &flow, &row, 0, 0));
    record_batch_reset(batch);
    for (uint32_t i = 0; i < 65535; i++)
        items[i] = weir_str(text, sizeof text);
    assert_true(record_append(batch, &flow, &row, 0, 0));
    assert_int_equal(record_list(batch, A_LIST, 0), 2);
    record_batch_free(batch);
}

#define WIDE(X, R, n)                                                                                                  \
    X(R, STR, a##n, "", "", "")                                                                                        \
    X(R, STR, b##n, "", "", "")                                                                                        \
    X(R, STR, c##n, "", "", "")                                                                                        \
    X(R, STR, d##n, "", "", "") X(R, STR, e##n, "", "", "") X(R, STR, f##n, "", "", "") X(R, STRS, g##n, "", "", "")
#define WIDE_ROW(X, R)                                                                                                 \
    WIDE(X, R, 0) WIDE(X, R, 1) WIDE(X, R, 2) WIDE(X, R, 3) WIDE(X, R, 4) WIDE(X, R, 5) WIDE(X, R, 6) WIDE(X, R, 7)
WEIR_TABLE(wide, WIDE_ROW, "as many columns as a table may have");

static void the_widest_row_shares_the_heap_evenly(void **state)
{
    static char text[RECORD_TEXT_MAX];
    memset(text, 'z', sizeof text);
    struct weir_str item = weir_str(text, sizeof text);
    struct wide_row row;
    assert_int_equal(wide_table.column_count, 56);
    for (uint32_t i = 0; i < 56; i++) {
        char *member = (char *)&row + wide_table.columns[i].offset;
        if (wide_table.columns[i].type == WEIR_STR)
            *(struct weir_str *)(void *)member = item;
        else
            *(struct weir_strs *)(void *)member = (struct weir_strs){&item, 1, true};
    }
    struct record_batch *batch = record_batch_new(&wide_table);
    assert_true(record_append(batch, &flow, &row, 0, 0));
    for (uint32_t i = 0; i < 56; i++) {
        bool list = wide_table.columns[i].type == WEIR_STRS;
        struct weir_str got = list ? record_list_item(batch, i + 7, 0, 0) : record_str(batch, i + 7, 0);
        assert_in_range(got.size, 9000, RECORD_BATCH_HEAP / 56);
    }
    record_batch_free(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_columns_stand_before_a_tables_own),
        cmocka_unit_test(a_bare_table_has_only_its_own_columns),
        cmocka_unit_test(every_type_comes_out_as_it_went_in),
        cmocka_unit_test(a_zeroed_row_is_null_in_every_column_of_its_own),
        cmocka_unit_test(an_empty_list_is_not_null),
        cmocka_unit_test(ports_are_null_where_the_protocol_has_none),
        cmocka_unit_test(protocols_without_a_name_read_as_their_number),
        cmocka_unit_test(a_full_batch_refuses_the_next_row),
        cmocka_unit_test(a_row_that_the_heap_has_no_room_for_leaves_the_batch_as_it_was),
        cmocka_unit_test(text_of_every_length_is_copied_exactly),
        cmocka_unit_test(long_text_is_cut_at_the_border_of_a_character),
        cmocka_unit_test(an_empty_batch_takes_any_row_by_cutting_it),
        cmocka_unit_test(the_widest_row_shares_the_heap_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
