/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dialogs cannot say of the HTTP analyser: heads that are too long, memory that is refused, what a body sink is
 * told, and how sure the probe is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/analyser.h>

#include "held.h"

extern const struct weir_analyser weir_http;

/* One flow and its host, which writes down each row as "method uri status;" and what bodies it was told of. */
struct scene {
    struct weir_flow flow;
    uint64_t state[128];
    char rows[1024], bodies[1024];
    uint64_t owed[2];
    bool refuse;
    int held;
    struct held *holds;
    uint64_t now_ns;
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
    fail_msg("no column %s", name);
    return NULL;
}

static void emit(struct weir_turn *turn, const struct weir_table *table, const void *row, uint64_t ts_ns)
{
    const struct weir_str *method = cell(table, row, "method"), *uri = cell(table, row, "uri");
    const struct weir_uint *status = cell(table, row, "status");
    (void)turn;
    (void)ts_ns;
    say(scene->rows, sizeof scene->rows, "%.*s %.*s %u;", (int)method->size, method->data ? method->data : "",
        (int)(uri->size < 20 ? uri->size : 20), uri->data ? uri->data : "", (unsigned)status->value);
}

static bool wants(struct weir_turn *turn, const struct weir_table *table)
{
    (void)turn;
    (void)table;
    return true;
}

static void pass(struct weir_turn *turn, enum weir_route route, uint64_t bytes)
{
    uint32_t now = bytes < turn->left ? (uint32_t)bytes : turn->left;
    (void)route;
    weir_consume(turn, now);
    scene->owed[turn->dir] = bytes - now;
}

static void *hold(struct weir_turn *turn, uint32_t bytes)
{
    (void)turn;
    scene->held += !scene->refuse;
    return scene->refuse ? NULL : held_new(&scene->holds, bytes);
}

static void release(struct weir_turn *turn, void *held)
{
    (void)turn;
    scene->held--;
    held_free(held);
}

static void retag(struct weir_turn *turn, const char *service)
{
    (void)turn;
    (void)service;
}

static int child_open(struct weir_turn *turn, const char *hint)
{
    (void)turn;
    (void)hint;
    return -1;
}

static void bytes(struct weir_turn *turn, const uint8_t *data, uint32_t size)
{
    (void)turn;
    say(scene->bodies, sizeof scene->bodies, "%.*s", (int)size, (const char *)data);
}

static void body_begin(struct weir_turn *turn, const struct weir_body *body)
{
    (void)turn;
    say(scene->bodies, sizeof scene->bodies, "[%.*s|%.*s|%.*s|%.*s%.*s|%lld|%llu/%llu:", (int)body->content_type.size,
        body->content_type.data ? body->content_type.data : "", (int)body->content_encoding.size,
        body->content_encoding.data ? body->content_encoding.data : "", (int)body->filename.size,
        body->filename.data ? body->filename.data : "", (int)body->host.size, body->host.data ? body->host.data : "",
        (int)body->uri.size, body->uri.data ? body->uri.data : "", (long long)body->size,
        (unsigned long long)body->range_first, (unsigned long long)body->range_size);
}

static void body_gap(struct weir_turn *turn, uint64_t size)
{
    (void)turn;
    (void)size;
}

static void body_end(struct weir_turn *turn, bool complete)
{
    (void)turn;
    say(scene->bodies, sizeof scene->bodies, complete ? "]" : ")");
}

static const struct weir_host host = {
    .size = sizeof host,
    .pass = pass,
    .emit = emit,
    .wants = wants,
    .hold = hold,
    .release = release,
    .retag = retag,
    .child_open = child_open,
    .child_data = bytes,
    .body_begin = body_begin,
    .body_data = bytes,
    .body_gap = body_gap,
    .body_end = body_end,
};

static struct weir_turn turn_of(int dir, const void *data, size_t size)
{
    scene->now_ns += 1000;
    return (struct weir_turn){.size = sizeof(struct weir_turn),
                              .dir = (uint8_t)dir,
                              .ts_ns = scene->now_ns,
                              .first_ns = scene->now_ns,
                              .data = data,
                              .left = (uint32_t)size,
                              .flow = &scene->flow,
                              .host = &host,
                              .owed = {scene->owed[0], scene->owed[1]}};
}

/* Gives bytes; answers how many were left unread. */
static uint32_t give(int dir, const void *data, size_t size)
{
    struct weir_turn turn = turn_of(dir, data, size);
    assert_int_equal(weir_http.on_data(&turn, scene->state).kind, WEIR_MORE);
    return turn.left;
}

static void ask(const char *text)
{
    assert_int_equal(give(WEIR_ORIG, text, strlen(text)), 0);
}

static void answer(const char *text)
{
    assert_int_equal(give(WEIR_RESP, text, strlen(text)), 0);
}

static void end(void)
{
    struct weir_turn turn = turn_of(WEIR_ORIG, NULL, 0);
    weir_http.on_end(&turn, scene->state, WEIR_END_IDLE);
}

static int begin(void **state)
{
    scene = *state = calloc(1, sizeof *scene);
    scene->flow.dst_port = 80;
    assert_true(weir_http.state_bytes <= sizeof scene->state);
    return 0;
}

static int finish(void **state)
{
    held_free_all(&scene->holds);
    free(*state);
    return 0;
}

static enum weir_verdict probe(const char *text, int dir, uint16_t port)
{
    struct weir_flow flow = {.dst_port = port};
    struct weir_probe seen = {(const uint8_t *)text, (uint32_t)strlen(text), (uint8_t)dir, false, &flow};
    return weir_http.probe(&seen);
}

static void a_head_that_does_not_end_within_64_kilobytes_is_dropped(void **state)
{
    static char head[65535];
    (void)state;
    memset(head, 'x', sizeof head);
    memcpy(head, "GET /long HTTP/1.1\r\nX: ", 23);
    assert_int_equal(give(WEIR_ORIG, head, 60000), 60000);
    assert_int_equal(give(WEIR_ORIG, head, sizeof head), 0);
    ask("xxx\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    end();
    assert_string_equal(scene->rows, "GET /next 0;");
}

static void a_long_head_within_the_limit_is_read(void **state)
{
    static char head[60000];
    (void)state;
    memset(head, 'x', sizeof head);
    memcpy(head, "GET /long HTTP/1.1\r\nX: ", 23);
    memcpy(head + sizeof head - 4, "\r\n\r\n", 4);
    for (uint32_t size = 1; size < sizeof head; size += size / 3 + 1)
        assert_int_equal(give(WEIR_ORIG, head, size), size);
    assert_int_equal(give(WEIR_ORIG, head, sizeof head), 0);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(scene->rows, "GET /long 200;");
}

static void without_memory_requests_and_replies_have_rows_of_their_own(void **state)
{
    (void)state;
    ask("GET /1 HTTP/1.1\r\n\r\n");
    scene->refuse = true;
    ask("GET /2 HTTP/1.1\r\n\r\n");
    assert_string_equal(scene->rows, "GET /1 0;GET /2 0;");
    scene->refuse = false;
    answer("HTTP/1.1 201 A\r\nContent-Length: 0\r\n\r\nHTTP/1.1 202 B\r\nContent-Length: 0\r\n\r\n");
    ask("GET /3 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 203 C\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(scene->rows, "GET /1 0;GET /2 0;  201;  202;GET /3 203;");
}

static void nothing_is_held_between_exchanges(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_int_equal(scene->held, 0);
    }
}

static void more_requests_than_are_kept_go_without_their_replies(void **state)
{
    char text[64];
    (void)state;
    for (int i = 1; i <= 257; i++) {
        snprintf(text, sizeof text, "GET /%d HTTP/1.1\r\n\r\n", i);
        ask(text);
    }
    assert_string_equal(scene->rows, "GET /1 0;");
    for (int i = 1; i <= 257; i++) {
        scene->rows[0] = 0;
        snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", 204 + i);
        answer(text);
        snprintf(text, sizeof text, i == 1 ? "  205;" : "GET /%d %d;", i, 204 + i);
        assert_string_equal(scene->rows, text);
    }
}

/* One reply is missing; those behind it were held back with the gap, so that none tells when it came. */
static void replies_that_a_gap_held_up_find_their_requests(void **state)
{
    (void)state;
    ask("GET /1 HTTP/1.1\r\n\r\n");
    ask("GET /2 HTTP/1.1\r\n\r\n");
    ask("GET /3 HTTP/1.1\r\n\r\n");
    struct weir_turn turn = turn_of(WEIR_RESP, NULL, 0);
    assert_int_equal(weir_http.on_gap(&turn, scene->state, 300).kind, WEIR_MORE);
    scene->now_ns -= 1000;
    answer("HTTP/1.1 202 B\r\nContent-Length: 0\r\n\r\n");
    scene->now_ns -= 1000;
    answer("HTTP/1.1 203 C\r\nContent-Length: 0\r\n\r\n");
    ask("GET /4 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 205 D\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(scene->rows, "GET /1 0;GET /2 202;GET /3 203;GET /4 205;");
}

static void a_gap_too_small_for_a_message_loses_none(void **state)
{
    (void)state;
    ask("GET /1 HTTP/1.1\r\n\r\n");
    ask("GET /2 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 201 A\r\nContent-Length: 0\r\n\r\n");
    struct weir_turn turn = turn_of(WEIR_RESP, NULL, 0);
    assert_int_equal(weir_http.on_gap(&turn, scene->state, 2).kind, WEIR_MORE);
    ask("GET /3 HTTP/1.1\r\n\r\n");
    answer("HTTP/1.1 202 B\r\nContent-Length: 0\r\n\r\n");
    answer("HTTP/1.1 203 C\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(scene->rows, "GET /1 201;GET /2 202;GET /3 203;");
}

static void a_body_is_told_with_its_type_name_and_place(void **state)
{
    (void)state;
    ask("GET /a.bin HTTP/1.1\r\nHost: h\r\n\r\n");
    answer("HTTP/1.1 206 Partial Content\r\nContent-Type: a/b\r\nContent-Encoding: gzip\r\n"
           "Content-Disposition: attachment; filename=\"x y.bin\"\r\nContent-Range: bytes 10-14/400\r\n"
           "Content-Length: 5\r\n\r\nhello");
    assert_string_equal(scene->bodies, "[a/b|gzip|x y.bin|h/a.bin|5|10/400:hello]");
}

static void chunks_are_one_body_without_their_framing(void **state)
{
    (void)state;
    ask("POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert_string_equal(scene->bodies, "[|||h/up|-1|0/0:abcde]");
}

static void file_names_come_in_three_spellings(void **state)
{
    static const struct {
        const char *header, *name;
    } cases[] = {{"attachment; filename=plain.txt; size=3", "plain.txt"},
                 {"attachment; filename*=UTF-8''na%C3%AFve.txt", "na%C3%AFve.txt"},
                 {"inline; filename=\"open", "open"},
                 {"inline", ""}};
    char text[256], want[256];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene->bodies[0] = 0;
        snprintf(text, sizeof text, "PUT /p HTTP/1.1\r\nContent-Disposition: %s\r\nContent-Length: 1\r\n\r\nx",
                 cases[i].header);
        snprintf(want, sizeof want, "[||%s|/p|1|0/0:x]", cases[i].name);
        ask(text);
        assert_string_equal(scene->bodies, want);
    }
}

static void a_request_line_with_a_version_is_evidence_on_any_port(void **state)
{
    (void)state;
    assert_int_equal(probe("GET / HTTP/1.1\r\n", WEIR_ORIG, 9), WEIR_YES);
    assert_int_equal(probe("\r\nPROPFIND /x HTTP/1.0\n", WEIR_ORIG, 9), WEIR_YES);
    assert_int_equal(probe("HTTP/1.1 2", WEIR_RESP, 9), WEIR_YES);
    assert_int_equal(probe("GET /no/version\r\n", WEIR_ORIG, 9), WEIR_LIKELY);
}

static void a_long_path_is_known_before_its_end(void **state)
{
    (void)state;
    char text[400] = "GET /";
    memset(text + 5, 'q', 300);
    assert_int_equal(probe(text, WEIR_ORIG, 9), WEIR_YES);
    text[100] = ' '; /* what follows is no version */
    assert_int_equal(probe(text, WEIR_ORIG, 9), WEIR_WAIT);
    text[100] = 'q', text[3] = 'S';
    assert_int_not_equal(probe(text, WEIR_ORIG, 9), WEIR_YES);
    memcpy(text, "FOO /", 5);
    assert_int_not_equal(probe(text, WEIR_ORIG, 9), WEIR_YES);
}

static void what_may_still_become_http_waits(void **state)
{
    (void)state;
    assert_int_equal(probe("G", WEIR_ORIG, 9), WEIR_WAIT);
    assert_int_equal(probe("GET /a/long/path", WEIR_ORIG, 9), WEIR_WAIT);
    assert_int_equal(probe("HTT", WEIR_RESP, 9), WEIR_WAIT);
    assert_int_equal(probe("\r\n", WEIR_ORIG, 9), WEIR_WAIT);
}

static void other_protocols_are_refused(void **state)
{
    static const char *const others[] = {"GETTY / HTTP/2.0\r\n",
                                         "OPTIONS sip:a SIP/2.0\r\n",
                                         "PLAY rtsp://h RTSP/1.0\r\n",
                                         "PRI * HTTP/2.0\r\n",
                                         "EHLO there\r\n",
                                         "\x16\x03\x01",
                                         "get key\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(probe(others[i], WEIR_ORIG, 9), WEIR_NO);
}

static void on_a_web_port_an_unreadable_request_waits_for_the_reply(void **state)
{
    (void)state;
    assert_int_equal(probe("GET/ HTTP/1.1\r\n", WEIR_ORIG, 80), WEIR_WAIT);
    assert_int_equal(probe("GET/ HTTP/1.1\r\n", WEIR_RESP, 80), WEIR_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_head_that_does_not_end_within_64_kilobytes_is_dropped, begin, finish),
        cmocka_unit_test_setup_teardown(a_long_head_within_the_limit_is_read, begin, finish),
        cmocka_unit_test_setup_teardown(without_memory_requests_and_replies_have_rows_of_their_own, begin, finish),
        cmocka_unit_test_setup_teardown(nothing_is_held_between_exchanges, begin, finish),
        cmocka_unit_test_setup_teardown(more_requests_than_are_kept_go_without_their_replies, begin, finish),
        cmocka_unit_test_setup_teardown(replies_that_a_gap_held_up_find_their_requests, begin, finish),
        cmocka_unit_test_setup_teardown(a_gap_too_small_for_a_message_loses_none, begin, finish),
        cmocka_unit_test_setup_teardown(a_body_is_told_with_its_type_name_and_place, begin, finish),
        cmocka_unit_test_setup_teardown(chunks_are_one_body_without_their_framing, begin, finish),
        cmocka_unit_test_setup_teardown(file_names_come_in_three_spellings, begin, finish),
        cmocka_unit_test(a_request_line_with_a_version_is_evidence_on_any_port),
        cmocka_unit_test(a_long_path_is_known_before_its_end),
        cmocka_unit_test(what_may_still_become_http_waits),
        cmocka_unit_test(other_protocols_are_refused),
        cmocka_unit_test(on_a_web_port_an_unreadable_request_waits_for_the_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
