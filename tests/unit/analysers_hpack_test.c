/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dialogs cannot say of HPACK: the whole Huffman code, blocks that are broken at one place, tables larger than what
 * is kept, and memory that is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../analysers/http2/hpack.h"

/* A host that only lends memory. */
struct scene {
    struct weir_turn turn;
    struct http2_table table;
    bool refuse;
    int held;
    char fields[4096]; /* "name: value;" each, values by their length where that is large */
};

static struct scene *scene;

static void *hold(struct weir_turn *turn, uint32_t bytes)
{
    if (scene->refuse)
        return NULL;
    scene->held++;
    return calloc(1, bytes);
}

static void release(struct weir_turn *turn, void *held)
{
    scene->held--;
    free(held);
}

static const struct weir_host host = {.size = sizeof host, .hold = hold, .release = release};

static int enter(void **state)
{
    scene = *state = calloc(1, sizeof *scene);
    scene->turn.host = &host;
    http2_table_start(&scene->table);
    return 0;
}

static int leave(void **state)
{
    http2_table_lose(&scene->turn, &scene->table);
    int held = scene->held;
    free(scene);
    return held;
}

static void on_field(void *context, struct weir_str name, struct weir_str value)
{
    struct scene *s = context;
    size_t at = strlen(s->fields);
    if (value.size > 64)
        snprintf(s->fields + at, sizeof s->fields - at, "%.*s: %u bytes;", (int)name.size, name.data, value.size);
    else
        snprintf(s->fields + at, sizeof s->fields - at, "%.*s: %.*s;", (int)name.size, name.data, (int)value.size,
                 value.data);
}

static bool read_block(const void *data, size_t bytes)
{
    scene->fields[0] = 0;
    return http2_block(&scene->turn, &scene->table, weir_bytes(data, bytes), on_field, scene);
}

/* A literal that enters the table, with names and values of these lengths below 16,511. */
static size_t put_string(uint8_t *to, char fill, uint32_t bytes)
{
    size_t n = 0;
    to[n++] = 0x7f;
    for (uint32_t rest = bytes - 127;; rest >>= 7) {
        to[n++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        if (rest <= 0x7f)
            break;
    }
    memset(to + n, fill, bytes);
    return n + bytes;
}

static bool read_long(char name, uint32_t name_bytes, char value, uint32_t value_bytes)
{
    static uint8_t block[64 << 10];
    size_t n = 0;
    block[n++] = 0x40;
    n += put_string(block + n, name, name_bytes);
    n += put_string(block + n, value, value_bytes);
    return read_block(block, n);
}

static void every_symbol_is_decoded(void **state)
{
    /* 0 to 255 in order, coded by another implementation */
    static const uint8_t coded[] = {
        0xff, 0xc7, 0xff, 0xfd, 0x8f, 0xff, 0xff, 0xe2, 0xff, 0xff, 0xfe, 0x3f, 0xff, 0xff, 0xe4, 0xff, 0xff, 0xfe,
        0x5f, 0xff, 0xff, 0xe6, 0xff, 0xff, 0xfe, 0x7f, 0xff, 0xff, 0xe8, 0xff, 0xff, 0xea, 0xff, 0xff, 0xff, 0xf3,
        0xff, 0xff, 0xfa, 0x7f, 0xff, 0xff, 0xab, 0xff, 0xff, 0xff, 0xdf, 0xff, 0xff, 0xeb, 0xff, 0xff, 0xfe, 0xcf,
        0xff, 0xff, 0xed, 0xff, 0xff, 0xfe, 0xef, 0xff, 0xff, 0xef, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xf1, 0xff,
        0xff, 0xff, 0x2f, 0xff, 0xff, 0xff, 0xbf, 0xff, 0xff, 0xcf, 0xff, 0xff, 0xfd, 0x3f, 0xff, 0xff, 0xd7, 0xff,
        0xff, 0xfd, 0xbf, 0xff, 0xff, 0xdf, 0xff, 0xff, 0xfe, 0x3f, 0xff, 0xff, 0xe7, 0xff, 0xff, 0xfe, 0xbf, 0xff,
        0xff, 0xed, 0x4f, 0xe3, 0xf9, 0xff, 0xaf, 0xfc, 0xab, 0xf1, 0xfe, 0xbf, 0xaf, 0xef, 0xe7, 0xfd, 0xfd, 0x2c,
        0xbb, 0x00, 0x08, 0x99, 0x69, 0xb7, 0x1d, 0x79, 0xfb, 0x9f, 0x7f, 0xff, 0x20, 0xff, 0xbf, 0xf3, 0xff, 0x50,
        0xdd, 0xbd, 0x7f, 0x06, 0x1c, 0x58, 0xf2, 0x65, 0xcd, 0x9f, 0x46, 0x9d, 0x5a, 0xf6, 0x6d, 0xdd, 0xbf, 0x87,
        0x1e, 0x5f, 0x9c, 0xff, 0x7f, 0xf7, 0xff, 0xfc, 0x3f, 0xf9, 0xff, 0xe4, 0x5f, 0xff, 0x47, 0x19, 0x24, 0x2c,
        0xb3, 0x4e, 0x6e, 0x9d, 0x68, 0xa6, 0xa3, 0xd7, 0xda, 0xc4, 0x26, 0xde, 0xfe, 0x3c, 0xfa, 0xf7, 0xff, 0xfb,
        0xfe, 0x7f, 0xfb, 0xff, 0xdf, 0xff, 0xff, 0xfc, 0xff, 0xfe, 0x6f, 0xff, 0xf4, 0xbf, 0xff, 0x9f, 0xff, 0xfa,
        0x3f, 0xff, 0xd3, 0xff, 0xff, 0x53, 0xff, 0xfd, 0x5f, 0xff, 0xfb, 0x3f, 0xff, 0xeb, 0x7f, 0xff, 0xda, 0xff,
        0xff, 0xb7, 0xff, 0xff, 0x73, 0xff, 0xfe, 0xef, 0xff, 0xfd, 0xef, 0xff, 0xfe, 0xbf, 0xff, 0xfb, 0xff, 0xff,
        0xfd, 0x9f, 0xff, 0xfd, 0xbf, 0xff, 0xeb, 0xff, 0xff, 0xe0, 0xff, 0xff, 0xee, 0xff, 0xff, 0xc3, 0xff, 0xff,
        0x8b, 0xff, 0xff, 0x1f, 0xff, 0xfe, 0x4f, 0xff, 0xee, 0x7f, 0xff, 0xb1, 0xff, 0xff, 0x97, 0xff, 0xfd, 0x9f,
        0xff, 0xfc, 0xdf, 0xff, 0xf9, 0xff, 0xff, 0xfb, 0xff, 0xff, 0xda, 0xff, 0xfe, 0xef, 0xff, 0xf4, 0xff, 0xff,
        0xb7, 0xff, 0xfe, 0xe7, 0xff, 0xfe, 0x8f, 0xff, 0xfd, 0x3f, 0xff, 0xde, 0xff, 0xff, 0xd5, 0xff, 0xfe, 0xef,
        0xff, 0xfb, 0xdf, 0xff, 0xfe, 0x1f, 0xff, 0xdf, 0xff, 0xff, 0x7f, 0xff, 0xff, 0x5f, 0xff, 0xfe, 0xcf, 0xff,
        0xf0, 0x7f, 0xff, 0x87, 0xff, 0xfe, 0x0f, 0xff, 0xf1, 0x7f, 0xff, 0xed, 0xff, 0xff, 0x87, 0xff, 0xff, 0x77,
        0xff, 0xfe, 0xff, 0xff, 0xea, 0xff, 0xff, 0x8b, 0xff, 0xfe, 0x3f, 0xff, 0xf9, 0x3f, 0xff, 0xf8, 0x7f, 0xff,
        0xcb, 0xff, 0xff, 0x37, 0xff, 0xff, 0x1f, 0xff, 0xff, 0x83, 0xff, 0xff, 0xe1, 0xff, 0xfe, 0xbf, 0xff, 0xe3,
        0xff, 0xff, 0x3f, 0xff, 0xff, 0x2f, 0xff, 0xfa, 0x3f, 0xff, 0xfd, 0x9f, 0xff, 0xff, 0x17, 0xff, 0xff, 0xc7,
        0xff, 0xff, 0xf2, 0x7f, 0xff, 0xfd, 0xef, 0xff, 0xff, 0xbf, 0xff, 0xff, 0xf2, 0xff, 0xff, 0xf8, 0xff, 0xff,
        0xfb, 0x7f, 0xff, 0x97, 0xff, 0xf8, 0xff, 0xff, 0xfe, 0x6f, 0xff, 0xff, 0xc1, 0xff, 0xff, 0xf8, 0x7f, 0xff,
        0xfe, 0x7f, 0xff, 0xff, 0xc5, 0xff, 0xff, 0xe5, 0xff, 0xfe, 0x4f, 0xff, 0xf2, 0xff, 0xff, 0xfd, 0x1f, 0xff,
        0xff, 0x4f, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xfe, 0x3f, 0xff, 0xff, 0xc9, 0xff, 0xff, 0xf9, 0x7f, 0xff, 0xb3,
        0xff, 0xff, 0xcf, 0xff, 0xfb, 0x7f, 0xff, 0xcd, 0xff, 0xff, 0x4f, 0xff, 0xf9, 0xff, 0xff, 0xd1, 0xff, 0xff,
        0xcf, 0xff, 0xfe, 0xaf, 0xff, 0xfa, 0xff, 0xff, 0xfd, 0xdf, 0xff, 0xfe, 0xff, 0xff, 0xff, 0x4f, 0xff, 0xff,
        0x5f, 0xff, 0xff, 0xab, 0xff, 0xff, 0xa7, 0xff, 0xff, 0xd7, 0xff, 0xff, 0xf9, 0xbf, 0xff, 0xfe, 0xcf, 0xff,
        0xff, 0xb7, 0xff, 0xff, 0xf3, 0xff, 0xff, 0xfe, 0x8f, 0xff, 0xff, 0xd3, 0xff, 0xff, 0xfa, 0xbf, 0xff, 0xff,
        0x5f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xfe, 0xcf, 0xff, 0xff, 0xdb, 0xff, 0xff, 0xfb, 0xbf, 0xff, 0xff, 0x7f,
        0xff, 0xff, 0xf0, 0xff, 0xff, 0xfb, 0xbf};
    char out[256];
    uint32_t size;
    assert_true(http2_huffman(coded, sizeof coded, out, sizeof out, &size));
    assert_int_equal(size, 256);
    for (int i = 0; i < 256; i++)
        assert_int_equal((uint8_t)out[i], i);
}

static void a_coded_string_is_counted_beyond_the_room_for_it(void **state)
{
    static const uint8_t zeros[10] = {0}; /* sixteen times the code of five zero bits */
    char out[4] = "....";
    uint32_t size;
    assert_true(http2_huffman(zeros, sizeof zeros, out, 3, &size));
    assert_int_equal(size, 16);
    assert_memory_equal(out, "000.", 4);
}

static void padding_is_less_than_a_byte_of_ones(void **state)
{
    char out[8];
    uint32_t size;
    assert_true(http2_huffman((const uint8_t *)"\x07", 1, out, sizeof out, &size));
    assert_int_equal(size, 1);
    assert_false(http2_huffman((const uint8_t *)"\x06", 1, out, sizeof out, &size));
    assert_false(http2_huffman((const uint8_t *)"\x07\xff", 2, out, sizeof out, &size));
    assert_false(http2_huffman((const uint8_t *)"\xff", 1, out, sizeof out, &size));
    assert_false(http2_huffman((const uint8_t *)"\xff\xff\xff\xff", 4, out, sizeof out, &size)); /* EOS */
    assert_true(http2_huffman((const uint8_t *)"", 0, out, sizeof out, &size));
}

static void broken_blocks_are_told(void **state)
{
    assert_false(read_block("\x80", 1));                     /* index 0 */
    assert_false(read_block("\xbe", 1));                     /* the newest entry of an empty table */
    assert_false(read_block("\x7e\x01x", 3));                /* a name from it */
    assert_false(read_block("\xff", 1));                     /* an integer that does not go on */
    assert_false(read_block("\xff\xff\xff\xff\xff\x7f", 6)); /* one without end */
    assert_false(read_block("\x40\x01"
                            "a\x02"
                            "b",
                            5)); /* a string that is cut */
    assert_false(read_block("\x40\x01"
                            "a\x81\x06",
                            5)); /* bad padding */
    assert_true(read_block("\x40\x01"
                           "a\x01"
                           "b\xbe",
                           6));
    assert_string_equal(scene->fields, "a: b;a: b;");
}

static void a_size_beyond_the_setting_is_broken_once_the_setting_is_known(void **state)
{
    assert_true(read_block("\x3f\xe1\x3f", 3)); /* 8192 */
    http2_table_limit(&scene->table, HTTP2_TABLE_DEFAULT);
    assert_false(read_block("\x3f\xe1\x3f", 3));
    http2_table_limit(&scene->table, 8192);
    assert_true(read_block("\x3f\xe1\x3f", 3));
    http2_table_limit(&scene->table, 100); /* what was agreed on before may still be on its way */
    assert_true(read_block("\x3f\xe1\x3f", 3));
}

static void an_entry_larger_than_the_table_empties_it(void **state)
{
    assert_true(read_block("\x40\x01"
                           "a\x01"
                           "b",
                           5));
    assert_true(read_long('n', 200, 'v', 4000));
    assert_string_equal(scene->fields + HTTP2_NAME_KEPT, ": 4000 bytes;");
    assert_false(read_block("\xbe", 1));
}

static void a_long_name_is_kept_cut_and_counted_whole(void **state)
{
    assert_true(read_long('n', 1000, 'v', 200)); /* 1232 bytes of 4096 */
    assert_true(read_block("\x7e\x01x", 3));     /* the same name: 1033 */
    assert_true(read_block("\x7f\x00\x01y", 4)); /* and once more */
    assert_int_equal(scene->table.bytes, 1232 + 1033 + 1033);
    assert_true(scene->table.used - scene->table.from < 1000);
    assert_true(read_block("\x40\x01"
                           "a\x01"
                           "b",
                           5)); /* 34, all fit */
    assert_int_equal(scene->table.count, 4);
    assert_true(read_long('m', 500, 'v', 300)); /* 832: the oldest goes */
    assert_int_equal(scene->table.count, 4);
}

static void a_table_larger_than_what_is_kept_forgets_the_oldest(void **state)
{
    http2_table_limit(&scene->table, 1 << 20);
    assert_true(read_block("\x3f\xe1\xff\x3f", 4)); /* 1 MiB */
    for (int i = 0; i < 100; i++)
        assert_true(read_long('n', 130, (char)('a' + i % 26), 1000));
    assert_true(scene->table.text_room <= 2 * HTTP2_TABLE_KEPT);
    assert_true(read_block("\xbe", 1));
    assert_true(strstr(scene->fields, ": 1000 bytes;") != NULL);
    assert_true(read_block("\xff\x10", 2)); /* the 81st newest: it may well be there, but not here */
    assert_string_equal(scene->fields, "");
}

static void entries_without_memory_are_unknown_and_keep_their_place(void **state)
{
    assert_true(read_block("\x40\x01"
                           "a\x01"
                           "b",
                           5));
    scene->refuse = true;
    assert_true(read_long('n', 130, 'v', 1000));
    assert_true(read_block("\xbe\xbf", 2));
    assert_string_equal(scene->fields, "a: b;");
}

static void a_table_without_any_memory_makes_its_fields_unknown(void **state)
{
    scene->refuse = true;
    assert_true(read_block("\x40\x01"
                           "a\x01"
                           "b\xbe\x82",
                           7));
    assert_string_equal(scene->fields, "a: b;:method: GET;");
}

static void after_a_loss_only_what_is_new_is_known(void **state)
{
    assert_true(read_block("\x40\x01"
                           "a\x01"
                           "b",
                           5));
    http2_table_lose(&scene->turn, &scene->table);
    assert_true(read_block("\x40\x01"
                           "c\x01"
                           "d",
                           5));
    assert_true(read_block("\xbf\xbe", 2));
    assert_string_equal(scene->fields, "c: d;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_symbol_is_decoded),
        cmocka_unit_test(a_coded_string_is_counted_beyond_the_room_for_it),
        cmocka_unit_test(padding_is_less_than_a_byte_of_ones),
        cmocka_unit_test_setup_teardown(broken_blocks_are_told, enter, leave),
        cmocka_unit_test_setup_teardown(a_size_beyond_the_setting_is_broken_once_the_setting_is_known, enter, leave),
        cmocka_unit_test_setup_teardown(an_entry_larger_than_the_table_empties_it, enter, leave),
        cmocka_unit_test_setup_teardown(a_long_name_is_kept_cut_and_counted_whole, enter, leave),
        cmocka_unit_test_setup_teardown(a_table_larger_than_what_is_kept_forgets_the_oldest, enter, leave),
        cmocka_unit_test_setup_teardown(entries_without_memory_are_unknown_and_keep_their_place, enter, leave),
        cmocka_unit_test_setup_teardown(a_table_without_any_memory_makes_its_fields_unknown, enter, leave),
        cmocka_unit_test_setup_teardown(after_a_loss_only_what_is_new_is_known, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
