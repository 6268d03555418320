/* SPDX-License-Identifier: Apache-2.0 */
/* --where: what it lets through, what it says when it cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "export/export.h"

#define SOME_ROW(X, R)                                                                                                 \
    X(R, STR, host, "", "", "")                                                                                        \
    X(R, U16, status, "", "", "")                                                                                      \
    X(R, U64, bytes, "", "", "")                                                                                       \
    X(R, DURATION, latency_ns, "", "", "")                                                                             \
    X(R, BOOL, resumed, "", "", "")                                                                                    \
    X(R, STRS, answers, "", "", "")                                                                                    \
    X(R, TIME, not_before, "", "", "")                                                                                 \
    X(R, STR, nothing, "", "", "")                                                                                     \
    X(R, STRS, no_list, "", "", "")                                                                                    \
    X(R, BOOL, no_bool, "", "", "")
WEIR_TABLE(http, SOME_ROW, "");

/* Does the condition let the one row through that every test looks at? */
static bool matches_host(const char *condition, struct weir_str host)
{
    static const struct weir_flow flow = {.src_ip = {{10, 1, 2, 3}, 4},
                                          .dst_ip = {{0x20, 1, 0xd, 0xb8, [15] = 1}, 6},
                                          .src_port = 40000,
                                          .dst_port = 443,
                                          .proto = 6,
                                          .uid = 0x0123456789abcdef};
    const struct weir_str answers[] = {weir_cstr("192.0.2.1"), weir_cstr("Name.example")};
    struct http_row row = {.host = host,
                           .status = weir_uint(404),
                           .bytes = weir_uint(UINT64_MAX),
                           .latency_ns = weir_uint(1500),
                           .resumed = weir_uint(1),
                           .answers = {answers, 2, true},
                           .not_before = weir_uint(1767225600000000000u)};
    struct error error = {{0}};
    struct export_where *where = export_where_parse(&http_table, condition, &error);
    if (!where)
        fail_msg("%s: %s", condition, error.text);
    struct record_batch *batch = record_batch_new(&http_table);
    assert_true(record_append(batch, &flow, &row, 1767225600500000000u, 0));
    bool result = export_where_matches(where, batch, 0);
    export_where_free(where);
    record_batch_free(batch);
    return result;
}

static void yes(const char *condition)
{
    if (!matches_host(condition, weir_cstr("www.Example.org")))
        fail_msg("turned away by: %s", condition);
}

static void no(const char *condition)
{
    if (matches_host(condition, weir_cstr("www.Example.org")))
        fail_msg("let through by: %s", condition);
}

static void wrong(const char *condition, const char *wanted)
{
    struct error error;
    struct export_where *where = export_where_parse(&http_table, condition, &error);
    if (where)
        fail_msg("accepted: %s", condition);
    assert_string_equal(error.text, wanted);
}

static void numbers_compare_by_value(void **state)
{
    yes("status = 404");
    yes("status == 404");
    no("status != 404");
    no("status <> 404");
    yes("status != 405");
    yes("status > 403");
    no("status > 404");
    yes("status >= 404");
    yes("status < 405");
    no("status < 404");
    yes("status <= 404");
    yes("bytes = 18446744073709551615");
    yes("latency_ns > 1499.5");
    yes("latency_ns < 1500.5");
    no("latency_ns = 1500.5");
    yes("latency_ns = 1500.0");
    yes("status > -1");
    no("status < -1");
    no("status = -404");
    yes("status between 404 and 500");
    no("status between 405 and 500");
    yes("status not between 405 and 500");
    yes("status in (200, 404)");
    no("status not in (200, 404)");
    yes("dst_port = 443");
}

static void text_compares_by_its_bytes(void **state)
{
    yes("host = 'www.Example.org'");
    no("host = 'www.example.org'");
    no("host = 'www.Example.orgx'");
    no("host = 'www'");
    yes("host > 'www'");
    yes("host < 'www.Exbmple'");
    yes("host in ('a', 'www.Example.org')");
    yes("proto = 'tcp'");
    yes("proto in ('udp', 'tcp')");
    yes("proto like 't%'");
    no("host = 'it''s'");
    yes("\"host\" <> ''");
}

static void like_knows_percent_and_underscore(void **state)
{
    yes("host like 'www.%'");
    yes("host like '%.org'");
    yes("host like '%Example%'");
    yes("host like '%'");
    yes("host like '%%'");
    yes("host like 'www_Example_org'");
    yes("host like '_______________'");
    no("host like '______________'");
    no("host like '________________'");
    no("host like 'www'");
    no("host like '%example%'");
    yes("host ilike '%EXAMPLE%'");
    yes("host like 'w%E%o%g'");
    no("host like 'w%E%z%g'");
    no("host like 'w%E%o%r'");
    yes("host not like '%.com'");
    no("host like ''");
    yes("host like '%\\.org'");
    assert_true(matches_host("host like '100\\%'", weir_cstr("100%")));
    assert_false(matches_host("host like '100\\%'", weir_cstr("1000")));
    assert_true(matches_host("host like 'a\\_b'", weir_cstr("a_b")));
    assert_false(matches_host("host like 'a\\_b'", weir_cstr("axb")));
    assert_true(matches_host("host like ''", weir_cstr("")));
    assert_true(matches_host("host like '%'", weir_cstr("")));
    assert_false(matches_host("host like '_'", weir_cstr("")));
    assert_true(matches_host("host like '%aab'", weir_cstr("aaaaaab")));
    assert_true(matches_host("host like '%ab%ab'", weir_cstr("abab")));
    assert_false(matches_host("host like '%ab%ab'", weir_cstr("aba")));
}

static void underscore_is_one_character_of_utf8(void **state)
{
    assert_true(matches_host("host like 'gr_n'", weir_cstr("gr\xc3\xbcn")));
    assert_false(matches_host("host like 'gr__n'", weir_cstr("gr\xc3\xbcn")));
    assert_true(matches_host("host like '_'", weir_cstr("\xf0\x9f\x98\x80")));
    assert_false(matches_host("host like '__'", weir_cstr("\xf0\x9f\x98\x80")));
    assert_true(matches_host("host like '%_x'", weir_cstr("\xe2\x82\xacx")));
}

/* The same by the book: a table of pattern against text. */
static bool like_by_the_book(const char *pattern, const char *text)
{
    bool row[80] = {true};
    size_t size = strlen(text);
    for (const char *p = pattern; *p; p++) {
        bool before = row[0];
        row[0] = row[0] && *p == '%';
        for (size_t i = 1; i <= size; i++) {
            bool here = row[i];
            row[i] = *p == '%' ? row[i - 1] || here : before && (*p == '_' || *p == text[i - 1]);
            before = here;
        }
    }
    return row[size];
}

static void patterns_short_and_long_agree_with_the_definition(void **state)
{
    uint32_t random = 12345;
    int matched = 0;
    for (int round = 0; round < 3000; round++) {
        char pattern[160], text[80], condition[200];
        size_t m = 0, n = 0, size = round % 2 ? 8 : 75, fill = round % 2 ? 0 : 66;
        for (; n < size; n++)
            text[n] = (char)('a' + ((random = random * 1664525u + 1013904223u) >> 24) % 2);
        text[n] = 0;
        memcpy(pattern, text, fill); /* long patterns start as the text does, or they would never match */
        for (m = fill; m < fill + 6; m++)
            pattern[m] = "ab%_%_"[((random = random * 1664525u + 1013904223u) >> 24) % 6];
        if (fill && round % 4 == 0)
            pattern[random >> 20 & 63] = '_';
        if (fill && round % 6 == 0)
            pattern[random >> 14 & 63] = '%';
        pattern[m] = 0;
        snprintf(condition, sizeof condition, "host like '%s'", pattern);
        bool wanted = like_by_the_book(pattern, text);
        if (matches_host(condition, weir_cstr(text)) != wanted)
            fail_msg("'%s' like '%s' should be %d", text, pattern, wanted);
        matched += wanted;
    }
    assert_in_range(matched, 300, 2700);
}

static void a_pattern_that_defeats_backtracking_takes_no_longer(void **state)
{
    static char text[RECORD_TEXT_MAX + 1], condition[1100];
    memset(text, 'a', RECORD_TEXT_MAX);
    int size = snprintf(condition, sizeof condition, "host like '%%");
    for (int i = 0; i < 480; i++)
        size += snprintf(condition + size, sizeof condition - (size_t)size, "a%s", i % 2 ? "%" : "");
    snprintf(condition + size, sizeof condition - (size_t)size, "b%%'");
    assert_false(matches_host(condition, weir_cstr(text)));
}

static void addresses_match_by_value_and_by_prefix(void **state)
{
    yes("src_ip = '10.1.2.3'");
    no("src_ip = '10.1.2.4'");
    yes("src_ip = '10.0.0.0/8'");
    yes("src_ip = '10.1.2.77/24'"); /* the bits behind the prefix do not count */
    no("src_ip = '10.1.3.0/24'");
    yes("src_ip = '10.1.2.2/31'");
    no("src_ip = '10.1.2.4/31'");
    yes("src_ip = '0.0.0.0/0'");
    no("dst_ip = '0.0.0.0/0'");
    yes("dst_ip = '::/0'");
    yes("dst_ip = '2001:db8::1'");
    yes("dst_ip = '2001:0DB8:0::0:1'");
    yes("dst_ip = '2001:db8::/32'");
    no("dst_ip = '2001:db9::/32'");
    yes("src_ip in ('192.0.2.1', '10.0.0.0/8')");
    no("src_ip not in ('192.0.2.1', '10.0.0.0/8')");
    yes("src_ip != '10.0.0.0/16'");
    yes("src_ip between '10.1.2.0' and '10.1.2.255'");
    yes("src_ip < '10.1.2.4'");
    yes("src_ip < '::'"); /* IPv4 stands before IPv6 */
}

static void times_and_identifiers_compare_by_value(void **state)
{
    yes("ts > '2026-01-01T00:00:00Z'");
    yes("ts = '2026-01-01T00:00:00.5Z'");
    yes("ts = '2026-01-01 01:00:00.5+01:00'");
    yes("ts = '2025-12-31T23:30:00.500000000-00:30'");
    yes("not_before = '2026-01-01'");
    yes("not_before = '2026-01-01 00:00'");
    no("ts < '2026-01-01'");
    yes("ts between '2026-01-01' and '2026-01-02'");
    yes("not_before < '2028-02-29'");
    yes("uid = '0123456789abcdef'");
    yes("uid = '123456789ABCDEF'");
    no("uid = '0123456789abcdee'");
}

static void booleans_stand_alone_or_compare(void **state)
{
    yes("resumed");
    no("not resumed");
    yes("resumed = true");
    yes("resumed != false");
    no("resumed = FALSE");
    yes("resumed and status = 404");
    yes("(resumed)");
}

static void a_list_compares_as_any_of_its_items_does(void **state)
{
    yes("answers = '192.0.2.1'");
    no("answers = '192.0.2.2'");
    yes("answers like 'Name%'");
    yes("answers ilike 'NAME.%'");
    no("answers not like '%example'");
    no("answers != '192.0.2.1'"); /* none of them equals */
    yes("answers != 'x'");
    yes("answers in ('x', 'Name.example')");
    yes("answers is not null");
    yes("no_list is null");
    no("no_list = 'x'");
}

static void null_is_unknown_and_unknown_is_turned_away(void **state)
{
    no("nothing = 'x'");
    no("nothing != 'x'");
    no("not nothing = 'x'");
    no("nothing like '%'");
    no("nothing not like '%'");
    no("nothing in ('x')");
    no("nothing not in ('x')");
    yes("nothing is null");
    no("nothing is not null");
    no("no_bool");
    no("not no_bool");
    yes("host is not null");
    /* and, or, not with unknown on either side */
    yes("nothing = 'x' or status = 404");
    yes("status = 404 or nothing = 'x'");
    no("nothing = 'x' or status = 1");
    no("nothing = 'x' and status = 404");
    yes("not (nothing = 'x' and status = 1)"); /* unknown and false is false */
    yes("not (status = 1 and nothing = 'x')");
    no("not (nothing = 'x' and status = 404)"); /* unknown and true is unknown */
    no("not (nothing = 'x' or status = 1)");
}

static void and_binds_closer_than_or_and_not_closest(void **state)
{
    yes("status = 404 or status = 1 and status = 2");
    no("(status = 404 or status = 1) and status = 2");
    yes("not status = 1 and status = 404");
    no("not (status = 1 or status = 404)");
    yes("not not status = 404");
    yes("NOT status = 1 AnD host LIKE 'www%' Or status IN (7)");
    yes("status = 1 or status = 2 or status = 404");
    no("status = 404 and host = 'x' and status = 404");
    yes("((((status=404))))and(host like'%'or(status>1))");
    yes("status between 1 and 500 and host = 'www.Example.org'");
}

static void errors_say_where_and_what(void **state)
{
    wrong("", "--where: column 1: expected a column");
    wrong("host =  ", "--where: column 9: expected a value after '='");
    wrong("status = 1 and", "--where: column 15: expected a column after 'and'");
    wrong("status = 1 ans", "--where: column 12: expected 'and', 'or' or the end after '1'");
    wrong("statsu = 1", "--where: column 1: table http has no column 'statsu'; did you mean 'status'?");
    wrong("zzz = 1", "--where: column 1: table http has no column 'zzz'");
    wrong("host = GET", "--where: column 8: expected a value (text stands in single quotes) after '='");
    wrong("host = 'GET", "--where: column 8: this quote is never closed");
    wrong("host is", "--where: column 8: expected 'null' or 'not null' after 'is'");
    wrong("host not 'x'", "--where: column 10: expected 'like', 'in' or 'between' after 'not'");
    wrong("host = null", "--where: column 8: nothing equals null: write 'is null' or 'is not null'");
    wrong("(status = 1", "--where: column 12: expected 'and', 'or' or ')' after '1'");
    wrong("status in 1", "--where: column 11: expected '(' after 'in'");
    wrong("status in ()", "--where: column 12: expected a value after '('");
    wrong("status in (1,2", "--where: column 15: expected ',' or ')' after '2'");
    wrong("status between 1", "--where: column 17: expected 'and' after '1'");
    wrong("status ! 1", "--where: column 8: '!' has no meaning here");
    wrong("host", "--where: column 5: expected an operator (= != < <= > >= like in between is) after 'host'");
}

static void a_comparison_across_types_is_an_error(void **state)
{
    wrong("status = '200'", "--where: column 10: text '200' cannot be compared with 'status', which is a number: "
                            "write it without quotes");
    wrong("host = 200", "--where: column 8: number '200' cannot be compared with 'host', which is text: write the "
                        "value in quotes");
    wrong("answers = 1", "--where: column 11: number '1' cannot be compared with 'answers', which is a list of text: "
                         "write the value in quotes");
    wrong("ts > 5", "--where: column 6: number '5' cannot be compared with 'ts', which is a time: write it as "
                    "'2026-01-31T12:00:00Z'");
    wrong("ts > '2026-02-30'", "--where: column 6: text '2026-02-30' cannot be compared with 'ts', which is a time: "
                               "write it as '2026-01-31T12:00:00Z'");
    wrong("src_ip = '10.0.0.999'", "--where: column 10: text '10.0.0.999' cannot be compared with 'src_ip', which is "
                                   "an address: write it as '192.0.2.1', '10.0.0.0/8' or '2001:db8::/32'");
    wrong("src_ip = '10.0.0.0/33'", "--where: column 10: text '10.0.0.0/33' cannot be compared with 'src_ip', which "
                                    "is an address: write it as '192.0.2.1', '10.0.0.0/8' or '2001:db8::/32'");
    wrong("src_ip < '10.0.0.0/8'", "--where: column 10: a prefix has no order: compare it with =, != or in");
    wrong("uid = 'xyz'", "--where: column 7: text 'xyz' cannot be compared with 'uid', which is an identifier: write "
                         "it as up to 16 hexadecimal digits in quotes");
    wrong("resumed = 1", "--where: column 11: number '1' cannot be compared with 'resumed', which is true or false");
    wrong("resumed > true", "--where: column 9: 'resumed' is true or false: compare it with = or !=");
    wrong("status = true", "--where: column 10: 'true' cannot be compared with 'status', which is a number: write it "
                           "without quotes");
    wrong("status like '2%'", "--where: column 8: like is for text, and 'status' is a number: write it without quotes");
    wrong("status = 5ms", "--where: column 10: '5ms' is not a number");
    wrong("bytes = 18446744073709551616", "--where: column 9: this number is larger than any column holds");
}

static void depth_and_length_are_bounded(void **state)
{
    static char text[70000];
    struct error error;
    int size = 0;
    for (int i = 0; i < 64; i++)
        text[size++] = '(';
    size += sprintf(text + size, "status = 404");
    for (int i = 0; i < 64; i++)
        text[size++] = ')';
    text[size] = 0;
    yes(text);
    memmove(text + 1, text, (size_t)size + 1);
    assert_null(export_where_parse(&http_table, text, &error));
    assert_string_equal(error.text, "--where: column 65: more than 64 levels of 'not' and parentheses");
    memset(text, ' ', sizeof text - 1);
    assert_null(export_where_parse(&http_table, text, &error));
    /* a deep condition that needs the whole stack: (404 and (no or (404 and (no or ... */
    size = 0;
    for (int i = 0; i < 63; i++)
        size += sprintf(text + size, i % 2 ? "status = 1 or (" : "status = 1 or status = 404 and (");
    size += sprintf(text + size, "status = 404");
    for (int i = 0; i < 63; i++)
        text[size++] = ')';
    text[size] = 0;
    yes(text);
    /* a long flat one */
    size = sprintf(text, "status = 1");
    for (int i = 0; i < 3000; i++)
        size += sprintf(text + size, " or status = 2");
    sprintf(text + size, " or status = 404");
    yes(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_compare_by_value),
        cmocka_unit_test(text_compares_by_its_bytes),
        cmocka_unit_test(like_knows_percent_and_underscore),
        cmocka_unit_test(underscore_is_one_character_of_utf8),
        cmocka_unit_test(patterns_short_and_long_agree_with_the_definition),
        cmocka_unit_test(a_pattern_that_defeats_backtracking_takes_no_longer),
        cmocka_unit_test(addresses_match_by_value_and_by_prefix),
        cmocka_unit_test(times_and_identifiers_compare_by_value),
        cmocka_unit_test(booleans_stand_alone_or_compare),
        cmocka_unit_test(a_list_compares_as_any_of_its_items_does),
        cmocka_unit_test(null_is_unknown_and_unknown_is_turned_away),
        cmocka_unit_test(and_binds_closer_than_or_and_not_closest),
        cmocka_unit_test(errors_say_where_and_what),
        cmocka_unit_test(a_comparison_across_types_is_an_error),
        cmocka_unit_test(depth_and_length_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
