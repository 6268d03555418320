/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dialogs cannot say of the HTTP/2 analyser: more streams than it keeps, memory that is refused, what a body sink is
 * told, and how sure the probe is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/analyser.h>

extern const struct weir_analyser weir_http2;

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define STREAMS 128

/* One flow and its host, which writes down each row as "method status;" and what bodies it was told of. */
struct scene {
    struct weir_flow flow;
    _Alignas(16) uint8_t state[4096];
    char rows[8192], bodies[1024];
    bool refuse;
    int held, row_count;
};

static struct scene *scene;

static void say(char *to, size_t room, const char *format, ...)
{
    size_t at = strlen(to);
    va_list list;
    va_start(list, format);
    vsnprintf(to + at, room - at, format, list);
    va_end(list);
}

static const void *cell(const struct weir_table *table, const void *row, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return (const char *)row + table->columns[i].offset;
    fail();
    return NULL;
}

static void emit(struct weir_turn *turn, const struct weir_table *table, const void *row, uint64_t ts_ns)
{
    const struct weir_str *method = cell(table, row, "method");
    const struct weir_uint *status = cell(table, row, "status");
    say(scene->rows, sizeof scene->rows, "%.*s %u;", (int)method->size, method->data ? method->data : "",
        (unsigned)status->value);
    scene->row_count++;
}

static void *hold(struct weir_turn *turn, uint32_t bytes)
{
    if (scene->refuse)
        return NULL;
    scene->held++;
    return calloc(1, bytes);
}

static void release(struct weir_turn *turn, void *held)
{
    scene->held -= held != NULL;
    free(held);
}

static void pass(struct weir_turn *turn, enum weir_route route, uint64_t bytes)
{
    turn->data += turn->left;
    turn->left = 0;
}

static void retag(struct weir_turn *turn, const char *service)
{
    assert_string_equal(service, "http");
}

static void body_begin(struct weir_turn *turn, const struct weir_body *body)
{
    say(scene->bodies, sizeof scene->bodies, "%c[", turn->dir ? '<' : '>');
}

static void body_data(struct weir_turn *turn, const uint8_t *data, uint32_t size)
{
    say(scene->bodies, sizeof scene->bodies, "%.*s", (int)size, (const char *)data);
}

static void body_end(struct weir_turn *turn, bool complete)
{
    say(scene->bodies, sizeof scene->bodies, complete ? "]" : "|");
}

static const struct weir_host host = {
    .size = sizeof host,
    .pass = pass,
    .emit = emit,
    .hold = hold,
    .release = release,
    .retag = retag,
    .body_begin = body_begin,
    .body_data = body_data,
    .body_end = body_end,
};

static struct weir_answer give(int dir, const void *data, size_t size)
{
    struct weir_turn turn = {.size = sizeof turn, .dir = (uint8_t)dir, .data = data, .left = (uint32_t)size};
    turn.flow = &scene->flow;
    turn.host = &host;
    return weir_http2.on_data(&turn, scene->state);
}

static struct weir_answer give_frame(int dir, uint8_t type, uint8_t flags, uint32_t stream, const char *payload,
                                     size_t size)
{
    uint8_t frame[9 + 64] = {0, 0, (uint8_t)size, type, flags, 0, 0, (uint8_t)(stream >> 8), (uint8_t)stream};
    memcpy(frame + 9, payload, size);
    return give(dir, frame, 9 + size);
}

static void end(void)
{
    struct weir_turn turn = {.size = sizeof turn, .flow = &scene->flow, .host = &host};
    weir_http2.on_end(&turn, scene->state, WEIR_END_IDLE);
}

static int enter(void **state)
{
    scene = *state = calloc(1, sizeof *scene);
    return 0;
}

static int leave(void **state)
{
    int held = scene->held;
    free(scene);
    return held;
}

static void the_oldest_stream_gives_way_when_too_many_are_open(void **state)
{
    give(WEIR_ORIG, PREFACE, 24);
    for (uint32_t i = 0; i < STREAMS + 2; i++)
        give_frame(WEIR_ORIG, 1, 5, 2 * i + 1, "\x82\x84", 2);
    assert_int_equal(scene->row_count, 2);
    give_frame(WEIR_RESP, 1, 5, 1, "\x89", 1); /* its request is gone, and it takes a place itself */
    assert_string_equal(scene->rows, "GET 0;GET 0;GET 0; 204;");
    give_frame(WEIR_RESP, 1, 5, 7, "\x89", 1);
    assert_string_equal(scene->rows, "GET 0;GET 0;GET 0; 204;GET 204;");
    end();
    assert_int_equal(scene->row_count, STREAMS + 3);
}

static void a_request_without_memory_is_a_row_at_once(void **state)
{
    give(WEIR_ORIG, PREFACE, 24);
    scene->refuse = true;
    give_frame(WEIR_ORIG, 1, 5, 1, "\x82\x84", 2);
    assert_string_equal(scene->rows, "GET 0;");
    scene->refuse = false;
    give_frame(WEIR_ORIG, 1, 5, 3, "\x83\x84", 2);
    end();
    assert_string_equal(scene->rows, "GET 0;POST 0;");
}

static void one_body_at_a_time_is_handed_on(void **state)
{
    give(WEIR_ORIG, PREFACE, 24);
    give_frame(WEIR_ORIG, 1, 4, 1, "\x83\x84", 2);
    give_frame(WEIR_ORIG, 1, 4, 3, "\x83\x84", 2);
    give_frame(WEIR_ORIG, 0, 0, 1, "ab", 2);
    give_frame(WEIR_ORIG, 0, 1, 3, "xy", 2);
    give_frame(WEIR_ORIG, 0, 9, 1,
               "\x01"
               "c\0",
               3);
    assert_string_equal(scene->bodies, ">[abc]");
    give_frame(WEIR_ORIG, 1, 4, 5, "\x83\x84", 2);
    give_frame(WEIR_ORIG, 3, 0, 5, "\0\0\0\x08", 4);
    assert_string_equal(scene->bodies, ">[abc]>[|");
    end();
}

static void content_after_its_end_is_nobodys(void **state)
{
    give(WEIR_ORIG, PREFACE, 24);
    give_frame(WEIR_ORIG, 1, 4, 1, "\x83\x84", 2);
    give_frame(WEIR_ORIG, 0, 1, 1, "ab", 2);
    give_frame(WEIR_RESP, 1, 5, 1, "\x88", 1);
    assert_string_equal(scene->rows, "POST 200;");
    assert_int_equal(give_frame(WEIR_ORIG, 0, 1, 1, "cd", 2).kind, WEIR_MORE);
    assert_string_equal(scene->bodies, ">[ab]");
    end();
}

static enum weir_verdict judge(int dir, const void *data, uint32_t size, bool whole)
{
    const struct weir_probe probe = {data, size, (uint8_t)dir, whole, &scene->flow};
    return weir_http2.probe(&probe);
}

static void the_probe_knows_the_preface_and_waits_for_it(void **state)
{
    for (uint32_t size = 1; size < 24; size++)
        assert_int_equal(judge(WEIR_ORIG, PREFACE, size, false), WEIR_WAIT);
    assert_int_equal(judge(WEIR_ORIG, PREFACE, 24, false), WEIR_YES);
    assert_int_equal(judge(WEIR_ORIG, "PRI / HTTP/1.1\r\n", 16, false), WEIR_NO);
}

static void the_probe_knows_settings_and_requests_and_no_zeros(void **state)
{
    assert_int_equal(judge(WEIR_RESP, "\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64", 15, false), WEIR_YES);
    assert_int_equal(judge(WEIR_RESP, "\0\0\x06\x04\0\0\0\0\0\xee\x03\0\0\0\x64", 15, false), WEIR_NO);
    assert_int_equal(judge(WEIR_RESP, "\0\0\0\x04\x01\0\0\0\0", 9, false), WEIR_WAIT);
    assert_int_equal(judge(WEIR_ORIG, "\0\0\x02\x01\x05\0\0\0\x01\x82\x84", 11, false), WEIR_YES);
    assert_int_equal(judge(WEIR_ORIG, "\0\0\x02\x01\x05\0\0\0\x01\x82", 10, false), WEIR_WAIT);
    assert_int_equal(judge(WEIR_ORIG, "\0\0\x02\x01\x05\0\0\0\0\x82\x84", 11, false), WEIR_NO);
    assert_int_equal(judge(WEIR_ORIG, "\0\0\0\0\0\0\0\0\0\0\0\0", 12, false), WEIR_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_stream_gives_way_when_too_many_are_open, enter, leave),
        cmocka_unit_test_setup_teardown(a_request_without_memory_is_a_row_at_once, enter, leave),
        cmocka_unit_test_setup_teardown(one_body_at_a_time_is_handed_on, enter, leave),
        cmocka_unit_test_setup_teardown(content_after_its_end_is_nobodys, enter, leave),
        cmocka_unit_test_setup_teardown(the_probe_knows_the_preface_and_waits_for_it, enter, leave),
        cmocka_unit_test_setup_teardown(the_probe_knows_settings_and_requests_and_no_zeros, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
