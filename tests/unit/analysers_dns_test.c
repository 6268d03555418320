/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dialogs cannot say of the DNS analyser: the passing of seconds, memory that is refused, a table that nobody
 * wants, and how sure the probe is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/analyser.h>

#include "held.h"

extern const struct weir_analyser weir_dns;

#define SECOND 1000000000ull

/* One flow and its host, which writes down each row as "id qname rcode;". */
struct scene {
    struct weir_flow flow;
    uint64_t state[64];
    char rows[512];
    bool refuse, unwanted;
    int held;
    struct held *holds;
};

static struct scene *scene;

static void emit(struct weir_turn *turn, const struct weir_table *table, const void *row, uint64_t ts_ns)
{
    size_t at = strlen(scene->rows);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct weir_column *c = &table->columns[i];
        const void *cell = (const char *)row + c->offset;
        const struct weir_str *text = cell;
        const struct weir_uint *number = cell;
        if (strcmp(c->name, "query_id") == 0)
            at += (size_t)snprintf(scene->rows + at, sizeof scene->rows - at, "%d ", (int)number->value);
        if (strcmp(c->name, "qname") == 0 || strcmp(c->name, "rcode") == 0)
            at +=
                (size_t)snprintf(scene->rows + at, sizeof scene->rows - at, "%.*s%c", text->data ? (int)text->size : 4,
                                 text->data ? text->data : "null", c->name[0] == 'q' ? ' ' : ';');
    }
}
static bool wants(struct weir_turn *turn, const struct weir_table *table)
{
    return !scene->unwanted;
}
static void *hold(struct weir_turn *turn, uint32_t bytes)
{
    if (scene->refuse)
        return NULL;
    scene->held++;
    return held_new(&scene->holds, bytes);
}
static void release(struct weir_turn *turn, void *held)
{
    scene->held--;
    held_free(held);
}
static void retag(struct weir_turn *turn, const char *service)
{
}
static const struct weir_host host = {
    .size = sizeof host, .emit = emit, .wants = wants, .hold = hold, .release = release, .retag = retag};

static struct weir_turn turn_at(uint64_t ts_ns)
{
    return (struct weir_turn){
        .size = sizeof(struct weir_turn), .ts_ns = ts_ns, .first_ns = ts_ns, .flow = &scene->flow, .host = &host};
}

/* A query for the name "x" of type A. */
static void ask(uint8_t id, uint64_t ts_ns)
{
    const uint8_t query[] = {0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'x', 0, 0, 1, 0, 1};
    struct weir_turn turn = turn_at(ts_ns);
    turn.data = query;
    turn.left = turn.wire_bytes = sizeof query;
    assert_int_equal(weir_dns.on_datagram(&turn, scene->state).kind, WEIR_MORE);
}

static void tick(uint64_t ts_ns)
{
    struct weir_turn turn = turn_at(ts_ns);
    weir_dns.on_tick(&turn, scene->state);
}

static void end(void)
{
    struct weir_turn turn = turn_at(0);
    weir_dns.on_end(&turn, scene->state, WEIR_END_IDLE);
}

static int set_up(void **state)
{
    scene = calloc(1, sizeof *scene);
    scene->flow = (struct weir_flow){
        .src_ip.family = 4, .dst_ip.family = 4, .src_port = 40000, .dst_port = 53, .proto = WEIR_UDP};
    *state = scene;
    return scene && weir_dns.state_bytes <= sizeof scene->state ? 0 : -1;
}

static int tear_down(void **state)
{
    held_free_all(&scene->holds);
    free(*state);
    return 0;
}

static void a_query_is_given_out_after_ten_seconds_of_packet_time(void **state)
{
    ask(1, 5 * SECOND);
    ask(2, 9 * SECOND);
    tick(15 * SECOND);
    assert_string_equal(scene->rows, "");
    tick(15 * SECOND + 1);
    assert_string_equal(scene->rows, "1 x null;");
    tick(60 * SECOND);
    assert_string_equal(scene->rows, "1 x null;2 x null;");
    end();
    assert_string_equal(scene->rows, "1 x null;2 x null;");
}

static void time_that_goes_back_gives_nothing_out(void **state)
{
    ask(1, 50 * SECOND);
    tick(1 * SECOND);
    assert_string_equal(scene->rows, "");
    end();
    assert_string_equal(scene->rows, "1 x null;");
}

static void without_memory_one_query_waits_and_the_older_is_given_out(void **state)
{
    scene->refuse = true;
    ask(1, 1);
    ask(2, 2);
    assert_string_equal(scene->rows, "1 x null;");
    ask(3, 3);
    assert_string_equal(scene->rows, "1 x null;2 x null;");
    end();
    assert_string_equal(scene->rows, "1 x null;2 x null;3 x null;");
}

static void a_table_that_nobody_wants_costs_no_memory(void **state)
{
    scene->unwanted = true;
    for (int i = 0; i < 40; i++)
        ask((uint8_t)i, (uint64_t)i);
    assert_int_equal(scene->held, 0);
    end();
    assert_string_equal(scene->rows, "");
}

static enum weir_verdict probed(uint16_t port, uint8_t proto, const void *data, size_t size)
{
    struct weir_flow flow = {.src_port = 40000, .dst_port = port, .proto = proto};
    uint8_t *exact = malloc(size ? size : 1); /* so that a sanitiser sees a read behind it */
    memcpy(exact, data, size);
    struct weir_probe probe = {exact, (uint32_t)size, WEIR_ORIG, proto == WEIR_UDP, &flow};
    enum weir_verdict verdict = weir_dns.probe(&probe);
    free(exact);
    return verdict;
}

static const uint8_t plain[] = {0,   29,  0x12, 0x34, 1,   0,   0, 1,   0,   0,   0, 0, 0, 0, 7, 'e',
                                'x', 'a', 'm',  'p',  'l', 'e', 3, 'c', 'o', 'm', 0, 0, 1, 0, 1};

static void the_port_alone_gives_no_name(void **state)
{
    static const uint8_t zeros[64], other[64] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    assert_int_equal(probed(53, WEIR_UDP, zeros, 12), WEIR_WAIT);
    assert_int_equal(probed(53, WEIR_UDP, other, sizeof other), WEIR_WAIT);
    assert_int_equal(probed(53, WEIR_UDP, zeros, 3), WEIR_WAIT);
    assert_int_equal(probed(9999, WEIR_UDP, zeros, 12), WEIR_NO);
    assert_int_equal(probed(53, WEIR_TCP, zeros, sizeof zeros), WEIR_NO);
}

static void a_query_is_known_on_any_port(void **state)
{
    assert_int_equal(probed(53, WEIR_UDP, plain + 2, sizeof plain - 2), WEIR_YES);
    assert_int_equal(probed(9999, WEIR_UDP, plain + 2, sizeof plain - 2), WEIR_YES);
    assert_int_equal(probed(9999, WEIR_UDP, plain + 2, sizeof plain - 3), WEIR_NO);
    assert_int_equal(probed(137, WEIR_UDP, plain + 2, sizeof plain - 2), WEIR_NO);
    assert_int_equal(probed(9999, WEIR_TCP, plain, sizeof plain), WEIR_YES);
}

static void a_stream_is_waited_for_until_its_question_is_there(void **state)
{
    for (size_t size = 0; size < sizeof plain; size++)
        assert_int_equal(probed(53, WEIR_TCP, plain, size), WEIR_WAIT);
    uint8_t longer[sizeof plain];
    memcpy(longer, plain, sizeof plain);
    longer[1]++; /* one byte more than the question, and no record announced */
    assert_int_equal(probed(53, WEIR_TCP, longer, sizeof longer), WEIR_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_query_is_given_out_after_ten_seconds_of_packet_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_that_goes_back_gives_nothing_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_one_query_waits_and_the_older_is_given_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_table_that_nobody_wants_costs_no_memory, set_up, tear_down),
        cmocka_unit_test(the_port_alone_gives_no_name),
        cmocka_unit_test(a_query_is_known_on_any_port),
        cmocka_unit_test(a_stream_is_waited_for_until_its_question_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
