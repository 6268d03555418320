/* SPDX-License-Identifier: Apache-2.0 */
/* Writers: rows as text in three formats, and what happens when the text cannot be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export/export.h"

#define EVERY_ROW(X, R)                                                                                                \
    X(R, BOOL, flag, "", "", "")                                                                                       \
    X(R, U16, status, "", "", "")                                                                                      \
    X(R, U64, count, "", "", "")                                                                                       \
    X(R, TIME, when, "", "", "")                                                                                       \
    X(R, DURATION, latency_ns, "", "", "")                                                                             \
    X(R, ID, ident, "", "", "")                                                                                        \
    X(R, STR, text, "", "", "")                                                                                        \
    X(R, IP, addr, "", "", "")                                                                                         \
    X(R, STRS, list, "", "", "")                                                                                       \
    X(R, STR, a_column_with_a_name_that_is_longer_than_most, "", "", "")
WEIR_TABLE(every, EVERY_ROW, "");

static const struct weir_flow flow = {.src_ip = {{10, 0, 0, 1}, 4},
                                      .dst_ip = {{0x20, 1, 0xd, 0xb8, [15] = 1}, 6},
                                      .src_port = 40000,
                                      .dst_port = 443,
                                      .proto = 6,
                                      .uid = 0x0123456789abcdef};

/* What a writer makes of rows of `every`, as text that the caller frees. */
static char *print(enum export_format format, const char *columns, const struct every_row *rows, uint32_t count)
{
    struct error error;
    struct export_options options = {format, columns, NULL};
    int fd = memfd_create("out", MFD_CLOEXEC);
    struct record_batch *batch = record_batch_new(&every_table);
    for (uint32_t i = 0; i < count; i++)
        assert_true(record_append(batch, &flow, &rows[i], 1767225600000000001u + i, i));
    struct export_writer *writer = export_writer_open(&every_table, &options, fd, NULL, &error);
    assert_non_null(writer);
    struct record_sink sink = export_writer_sink(writer);
    assert_int_equal(sink.rows(sink.context, batch, 0, count), 0);
    assert_int_equal(export_writer_written(writer), count);
    assert_int_equal(export_writer_close(writer, true, &error), 0);
    record_batch_free(batch);
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_int_equal(pread(fd, text, (size_t)size, 0), size);
    close(fd);
    return text;
}

static void check(enum export_format format, const char *columns, const struct every_row *row, const char *wanted)
{
    char *text = print(format, columns, row, 1);
    assert_string_equal(text, wanted);
    free(text);
}

static struct every_row full_row(void)
{
    static const struct weir_str items[] = {{"one", 3}, {"two", 3}};
    return (struct every_row){.flag = weir_uint(1),
                              .status = weir_uint(200),
                              .count = weir_uint(UINT64_MAX),
                              .when = weir_uint(0),
                              .latency_ns = weir_uint(1234567),
                              .ident = weir_uint(0xab),
                              .text = weir_cstr("hello"),
                              .addr = {{192, 0, 2, 255}, 4},
                              .list = {items, 2, true},
                              .a_column_with_a_name_that_is_longer_than_most = weir_cstr("x")};
}

static void ndjson_writes_every_type(void **state)
{
    struct every_row row = full_row();
    check(EXPORT_NDJSON, NULL, &row,
          "{\"ts\":\"2026-01-01T00:00:00.000000001Z\",\"uid\":\"0123456789abcdef\",\"src_ip\":\"10.0.0.1\","
          "\"src_port\":40000,\"dst_ip\":\"2001:db8::1\",\"dst_port\":443,\"proto\":\"tcp\",\"flag\":true,"
          "\"status\":200,\"count\":18446744073709551615,\"when\":\"1970-01-01T00:00:00.000000000Z\","
          "\"latency_ns\":1234567,\"ident\":\"00000000000000ab\",\"text\":\"hello\",\"addr\":\"192.0.2.255\","
          "\"list\":[\"one\",\"two\"],\"a_column_with_a_name_that_is_longer_than_most\":\"x\"}\n");
}

static void ndjson_keeps_the_key_of_what_is_null(void **state)
{
    struct every_row row = {0};
    check(EXPORT_NDJSON, "flag,status,when,ident,text,addr,list", &row,
          "{\"flag\":null,\"status\":null,\"when\":null,\"ident\":null,\"text\":null,\"addr\":null,\"list\":null}\n");
}

static void ndjson_tells_empty_from_null(void **state)
{
    struct every_row row = {.text = weir_cstr(""), .list = {NULL, 0, true}, .flag = {0, true}};
    check(EXPORT_NDJSON, "text,list,flag", &row, "{\"text\":\"\",\"list\":[],\"flag\":false}\n");
}

static void columns_come_in_the_order_they_were_asked_for(void **state)
{
    struct every_row row = full_row();
    check(EXPORT_NDJSON, "text, status ,proto", &row, "{\"text\":\"hello\",\"status\":200,\"proto\":\"tcp\"}\n");
    check(EXPORT_CSV, "status,text", &row, "status,text\n200,hello\n");
}

static void wrong_columns_are_errors_with_the_nearest_name(void **state)
{
    struct error error;
    struct export_options options = {EXPORT_CSV, "text,statsu", NULL};
    assert_null(export_writer_open(&every_table, &options, 1, NULL, &error));
    assert_string_equal(error.text, "--columns: table every has no column 'statsu'; did you mean 'status'?");
    options.columns = "text,text";
    assert_null(export_writer_open(&every_table, &options, 1, NULL, &error));
    assert_string_equal(error.text, "--columns: 'text' is named twice");
    options.columns = "";
    assert_null(export_writer_open(&every_table, &options, 1, NULL, &error));
    options.columns = "text,,flag";
    assert_null(export_writer_open(&every_table, &options, 1, NULL, &error));
}

static void csv_has_a_header_and_leaves_null_empty(void **state)
{
    struct every_row rows[2] = {full_row()};
    char *text = print(EXPORT_CSV, "ts,src_ip,flag,status,text,list,ident,addr,when", rows, 2);
    assert_string_equal(text, "ts,src_ip,flag,status,text,list,ident,addr,when\n"
                              "2026-01-01T00:00:00.000000001Z,10.0.0.1,true,200,hello,one|two,00000000000000ab,"
                              "192.0.2.255,1970-01-01T00:00:00.000000000Z\n"
                              "2026-01-01T00:00:00.000000002Z,10.0.0.1,,,,,,,\n");
    free(text);
}

static void csv_quotes_what_rfc_4180_wants_quoted(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {{"plain text", "plain text"},
                 {"a,b", "\"a,b\""},
                 {"say \"hi\"", "\"say \"\"hi\"\"\""},
                 {"two\nlines", "\"two\nlines\""},
                 {"cr\r", "\"cr\r\""},
                 {"tab\there", "tab\there"},
                 {"", "\"\""},
                 {"esc \x1b[0m", "esc \\u001b[0m"},
                 {"0123456789abcdef0123456789abcdef,", "\"0123456789abcdef0123456789abcdef,\""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct every_row row = {.text = weir_cstr(cases[i].text)};
        char wanted[100];
        snprintf(wanted, sizeof wanted, "text\n%s\n", cases[i].wanted);
        check(EXPORT_CSV, "text", &row, wanted);
    }
    const struct weir_str items[] = {weir_cstr("a,b"), weir_cstr("c\"d")};
    struct every_row row = {.list = {items, 2, true}};
    check(EXPORT_CSV, "list", &row, "list\n\"a,b|c\"\"d\"\n");
    row.list.count = 0;
    check(EXPORT_CSV, "list", &row, "list\n\"\"\n");
}

static void tsv_escapes_what_would_break_a_line_or_field(void **state)
{
    struct every_row row = {.text = weir_cstr("a\tb\nc\rd\\e\x01\x7f f,\"g\"")};
    check(EXPORT_TSV, "text,status", &row, "text\tstatus\na\\tb\\nc\\rd\\\\e\\u0001\\u007f f,\"g\"\t\n");
}

static void json_escapes_wherever_a_character_stands(void **state)
{
    static const struct {
        char c;
        const char *escape;
    } cases[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"},   {'\r', "\\r"},    {'\t', "\\t"}, {'\b', "\\b"},
                 {'\f', "\\f"}, {1, "\\u0001"}, {31, "\\u001f"}, {127, "\\u007f"}, {' ', " "},    {'~', "~"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint32_t at = 0; at < 40; at++) {
            char text[40], wanted[80];
            memset(text, 'a', sizeof text);
            text[at] = cases[i].c;
            snprintf(wanted, sizeof wanted, "{\"text\":\"%.*s%s%.*s\"}\n", (int)at, text, cases[i].escape,
                     (int)(39 - at), text + at + 1);
            struct every_row row = {.text = weir_str(text, sizeof text)};
            check(EXPORT_NDJSON, "text", &row, wanted);
        }
    }
    struct every_row row = {.text = weir_str("a\0b", 3)};
    check(EXPORT_NDJSON, "text", &row, "{\"text\":\"a\\u0000b\"}\n");
}

#define BAD "\xef\xbf\xbd"
static void bytes_that_are_not_utf8_become_replacement_characters(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},             /* two bytes */
        {"\xe2\x82\xac 5", "\xe2\x82\xac 5"},                     /* three */
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},                 /* four */
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},                 /* U+10FFFF */
        {"\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"}, /* around the surrogates */
        {"\x80", BAD},                                            /* a continuation alone */
        {"a\xff"
         "b",
         "a" BAD "b"},                         /* never in UTF-8 */
        {"\xc3", BAD},                         /* cut */
        {"\xe2\x82", BAD BAD},                 /* cut */
        {"\xf0\x9f\x98", BAD BAD BAD},         /* cut */
        {"\xc0\xaf", BAD BAD},                 /* overlong */
        {"\xc1\xbf", BAD BAD},                 /* overlong */
        {"\xe0\x80\xaf", BAD BAD BAD},         /* overlong */
        {"\xf0\x80\x80\xaf", BAD BAD BAD BAD}, /* overlong */
        {"\xed\xa0\x80", BAD BAD BAD},         /* surrogate */
        {"\xed\xbf\xbf", BAD BAD BAD},         /* surrogate */
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", BAD BAD BAD BAD}, /* above U+10FFFF */
        {"\xc3\"", BAD "\\\""},                /* the quote is no continuation */
        {"\xc2\x9b[0m", "\\u009b[0m"},         /* a control character of the second kind */
        {"\xc2\xa0", "\xc2\xa0"},              /* the first that is none */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int pad = 0; pad < 18; pad++) {
            char text[64], wanted[96];
            int size = snprintf(text, sizeof text, "%.*s%s", pad, "................................", cases[i].text);
            snprintf(wanted, sizeof wanted, "{\"text\":\"%.*s%s\"}\n", pad, "................................",
                     cases[i].wanted);
            struct every_row row = {.text = weir_str(text, (size_t)size)};
            check(EXPORT_NDJSON, "text", &row, wanted);
        }
    }
    struct every_row row = {.text = weir_cstr("a,\xff\"")};
    check(EXPORT_CSV, "text", &row, "text\n\"a," BAD "\"\"\"\n");
    check(EXPORT_TSV, "text", &row, "text\na," BAD "\"\n");
}

static void addresses_are_written_as_rfc_5952_says(void **state)
{
    static const struct {
        uint16_t groups[8];
        const char *wanted;
    } cases[] = {
        {{0x2001, 0xdb8, 0, 0, 1, 0, 0, 1}, "2001:db8::1:0:0:1"},    /* the first of equal runs */
        {{0x2001, 0xdb8, 0, 1, 1, 1, 1, 1}, "2001:db8:0:1:1:1:1:1"}, /* one group is not shortened */
        {{0x2001, 0, 0, 1, 0, 0, 0, 1}, "2001:0:0:1::1"},            /* the longest run */
        {{0x2001, 0xdb8, 0, 0, 0, 0, 2, 1}, "2001:db8::2:1"},        /* as short as can be */
        {{0x2001, 0xdb8, 0xaaaa, 0xbbbb, 0xcccc, 0xdddd, 0xeeee, 1}, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"},
        {{0, 0, 0, 0, 0, 0, 0, 0}, "::"},
        {{0, 0, 0, 0, 0, 0, 0, 1}, "::1"},
        {{1, 0, 0, 0, 0, 0, 0, 0}, "1::"},
        {{0xfe80, 0, 0, 0, 0x0a00, 0x27ff, 0xfe00, 0x10}, "fe80::a00:27ff:fe00:10"},
        {{0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0280}, "::ffff:192.0.2.128"}, /* section 5 */
        {{0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff}, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {{1, 2, 3, 4, 5, 6, 0, 0}, "1:2:3:4:5:6::"},
        {{0, 0, 1, 2, 3, 4, 5, 6}, "::1:2:3:4:5:6"},
        {{0, 1, 2, 3, 4, 5, 6, 7}, "0:1:2:3:4:5:6:7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct weir_ip ip = {.family = 6};
        char text[EXPORT_IP_TEXT];
        for (int g = 0; g < 8; g++) {
            ip.bytes[2 * g] = (uint8_t)(cases[i].groups[g] >> 8);
            ip.bytes[2 * g + 1] = (uint8_t)cases[i].groups[g];
        }
        assert_int_equal(export_ip_text(text, &ip), strlen(cases[i].wanted));
        assert_string_equal(text, cases[i].wanted);
    }
    char text[EXPORT_IP_TEXT];
    struct weir_ip ip = {{0, 9, 10, 255}, 4}, none = {{0}, 0};
    export_ip_text(text, &ip);
    assert_string_equal(text, "0.9.10.255");
    assert_int_equal(export_ip_text(text, &none), 0);
}

static void times_are_right_across_leap_days_and_centuries(void **state)
{
    static const struct {
        uint64_t ns;
        const char *wanted;
    } cases[] = {{0, "1970-01-01T00:00:00.000000000Z"},
                 {68169600000000000u, "1972-02-29T00:00:00.000000000Z"},
                 {951782400123456789u, "2000-02-29T00:00:00.123456789Z"},
                 {951868799999999999u, "2000-02-29T23:59:59.999999999Z"},
                 {951868800000000000u, "2000-03-01T00:00:00.000000000Z"},
                 {4107542399000000000u, "2100-02-28T23:59:59.000000000Z"},
                 {4107542400000000000u, "2100-03-01T00:00:00.000000000Z"},
                 {1767225599000000001u, "2025-12-31T23:59:59.000000001Z"},
                 {UINT64_MAX, "2554-07-21T23:34:33.709551615Z"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char wanted[60];
        struct every_row row = {.when = weir_uint(cases[i].ns)};
        snprintf(wanted, sizeof wanted, "when\n%s\n", cases[i].wanted);
        check(EXPORT_CSV, "when", &row, wanted);
    }
}

static void numbers_of_every_length_are_written_in_full(void **state)
{
    uint64_t value = 1;
    for (int digits = 1; digits <= 20; digits++, value *= 10) {
        for (int less = 0; less < 2; less++) {
            char wanted[60];
            struct every_row row = {.count = weir_uint(value - (unsigned)less)};
            snprintf(wanted, sizeof wanted, "{\"count\":%llu}\n", (unsigned long long)(value - (unsigned)less));
            check(EXPORT_NDJSON, "count", &row, wanted);
        }
    }
}

static void the_longest_text_of_the_worst_kind_still_fits(void **state)
{
    static char text[RECORD_TEXT_MAX];
    memset(text, 1, sizeof text);
    struct weir_str item = weir_str(text, sizeof text), items[3] = {item, item, item};
    struct every_row row = {.text = item, .list = {items, 3, true}};
    static const char *const ends[] = {"\\u0001\"]}\n", "\\u0001\n", "\\u0001\n"};
    for (int format = 0; format < 3; format++) {
        char *out = print((enum export_format)format, "text,list", &row, 1);
        assert_in_range(strlen(out), 4 * 6 * RECORD_TEXT_MAX, 4 * 6 * RECORD_TEXT_MAX + 40);
        assert_string_equal(out + strlen(out) - strlen(ends[format]), ends[format]);
        free(out);
    }
}

static void rows_turned_away_are_counted_and_not_written(void **state)
{
    struct error error;
    struct export_options options = {EXPORT_CSV, "status", "status >= 3"};
    int fd = memfd_create("out", MFD_CLOEXEC);
    struct record_batch *batch = record_batch_new(&every_table);
    for (uint32_t i = 0; i < 6; i++) {
        struct every_row row = {.status = {i, i != 5}};
        assert_true(record_append(batch, &flow, &row, 0, i));
    }
    struct export_writer *writer = export_writer_open(&every_table, &options, fd, NULL, &error);
    struct record_sink sink = export_writer_sink(writer);
    assert_int_equal(sink.rows(sink.context, batch, 1, 5), 0);
    assert_int_equal(export_writer_written(writer), 2);
    assert_int_equal(export_writer_unmatched(writer), 3);
    assert_int_equal(sink.flush(sink.context), 0);
    char text[64] = {0};
    assert_int_equal(pread(fd, text, sizeof text, 0), 11);
    assert_string_equal(text, "status\n3\n4\n");
    assert_int_equal(export_writer_close(writer, true, &error), 0);
    record_batch_free(batch);
    close(fd);
}

/* A batch that is full of rows with text. */
static struct record_batch *filled(void)
{
    struct record_batch *batch = record_batch_new(&every_table);
    struct every_row row = full_row();
    while (record_append(batch, &flow, &row, 0, 0))
        row.status.value++;
    return batch;
}

static void a_full_disk_stops_the_writer_and_keeps_the_reason(void **state)
{
    struct error error;
    struct export_options options = {EXPORT_NDJSON, NULL, NULL};
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    struct record_batch *batch = filled();
    struct export_writer *writer = export_writer_open(&every_table, &options, fd, NULL, &error);
    struct record_sink sink = export_writer_sink(writer);
    int result = 0;
    for (int i = 0; i < 10 && result == 0; i++)
        result = sink.rows(sink.context, batch, 0, record_batch_rows(batch));
    assert_int_equal(result, -1);
    assert_int_equal(export_writer_errno(writer), ENOSPC);
    assert_int_equal(sink.flush(sink.context), -1);
    assert_int_equal(export_writer_close(writer, true, &error), -1);
    assert_int_equal(errno, ENOSPC);
    assert_string_equal(error.text, "standard output: No space left on device");
    record_batch_free(batch);
    close(fd);
}

static void a_reader_that_left_is_told_by_epipe(void **state)
{
    struct error error;
    struct export_options options = {EXPORT_TSV, NULL, NULL};
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    struct record_batch *batch = filled();
    struct export_writer *writer = export_writer_open(&every_table, &options, ends[1], NULL, &error);
    struct record_sink sink = export_writer_sink(writer);
    assert_int_equal(sink.rows(sink.context, batch, 0, 1), 0); /* still in the buffer */
    assert_int_equal(sink.flush(sink.context), -1);
    assert_int_equal(export_writer_errno(writer), EPIPE);
    assert_int_equal(sink.rows(sink.context, batch, 0, 1), -1);
    assert_int_equal(export_writer_close(writer, true, &error), 0); /* no error to speak of */
    assert_int_equal(errno, EPIPE);
    record_batch_free(batch);
    close(ends[1]);
}

static void *slow_reader(void *context)
{
    int fd = *(int *)context;
    char piece[1000];
    size_t total = 0;
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) > 0;)
        total += (size_t)n;
    return (void *)total;
}

static void a_pipe_that_takes_a_little_at_a_time_gets_everything(void **state)
{
    struct error error;
    struct export_options options = {EXPORT_NDJSON, NULL, NULL};
    int ends[2];
    pthread_t thread;
    void *total;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(pthread_create(&thread, NULL, slow_reader, &ends[0]), 0);
    struct record_batch *batch = filled();
    struct export_writer *writer = export_writer_open(&every_table, &options, ends[1], NULL, &error);
    struct record_sink sink = export_writer_sink(writer);
    for (int i = 0; i < 5; i++)
        assert_int_equal(sink.rows(sink.context, batch, 0, record_batch_rows(batch)), 0);
    assert_int_equal(export_writer_close(writer, true, &error), 0);
    close(ends[1]);
    pthread_join(thread, &total);
    struct every_row row = full_row();
    char *line = print(EXPORT_NDJSON, NULL, &row, 1);
    assert_in_range((size_t)total, 5 * 1024 * strlen(line), 5 * 1024 * (strlen(line) + 1)); /* 200 ... 1223 */
    free(line);
    record_batch_free(batch);
    close(ends[0]);
}

static bool exists(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0;
}

static void a_file_gets_its_name_only_when_it_is_whole(void **state)
{
    char folder[] = "/tmp/weir_export_XXXXXX", path[64], tmp[64], text[64] = {0};
    struct error error;
    struct export_options options = {EXPORT_CSV, "status", NULL};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/http.csv", folder);
    snprintf(tmp, sizeof tmp, "%s/http.csv.tmp", folder);
    struct export_writer *writer = export_writer_open(&every_table, &options, -1, path, &error);
    assert_non_null(writer);
    assert_true(exists(tmp));
    assert_int_equal(export_writer_close(writer, false, &error), 0);
    assert_true(exists(tmp));
    assert_false(exists(path));
    writer = export_writer_open(&every_table, &options, -1, path, &error);
    assert_int_equal(export_writer_close(writer, true, &error), 0);
    assert_false(exists(tmp));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof text), 7);
    assert_string_equal(text, "status\n");
    close(fd);
    unlink(path);
    rmdir(folder);
    assert_null(export_writer_open(&every_table, &options, -1, path, &error));
    assert_non_null(strstr(error.text, "http.csv.tmp: No such file or directory"));
}

static void formats_go_by_their_names(void **state)
{
    struct error error;
    enum export_format format;
    assert_int_equal(export_format_parse("tsv", &format, &error), 0);
    assert_int_equal(format, EXPORT_TSV);
    assert_string_equal(export_format_ending(EXPORT_NDJSON), "ndjson");
    assert_int_equal(export_format_parse("njson", &format, &error), -1);
    assert_string_equal(error.text, "unknown format 'njson'; did you mean 'ndjson'? (ndjson, csv, tsv)");
    assert_int_equal(export_format_parse("parquet", &format, &error), -1);
    assert_string_equal(error.text, "unknown format 'parquet'; expected ndjson, csv or tsv");
}

static void the_nearest_name_is_found_if_it_is_near(void **state)
{
    static const char *const names[] = {"read", "dump", "devices", "query", "user_agent"};
    assert_int_equal(export_nearest("raed", names, 5), 0); /* neighbours swapped */
    assert_int_equal(export_nearest("dupm", names, 5), 1);
    assert_int_equal(export_nearest("device", names, 5), 2);
    assert_int_equal(export_nearest("QUERY", names, 5), 3);
    assert_int_equal(export_nearest("user", names, 5), 4); /* the start of it */
    assert_int_equal(export_nearest("xyz", names, 5), -1);
    assert_int_equal(export_nearest("", names, 5), -1);
    assert_int_equal(export_nearest("a name that is much longer than any name that there could be", names, 5), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ndjson_writes_every_type),
        cmocka_unit_test(ndjson_keeps_the_key_of_what_is_null),
        cmocka_unit_test(ndjson_tells_empty_from_null),
        cmocka_unit_test(columns_come_in_the_order_they_were_asked_for),
        cmocka_unit_test(wrong_columns_are_errors_with_the_nearest_name),
        cmocka_unit_test(csv_has_a_header_and_leaves_null_empty),
        cmocka_unit_test(csv_quotes_what_rfc_4180_wants_quoted),
        cmocka_unit_test(tsv_escapes_what_would_break_a_line_or_field),
        cmocka_unit_test(json_escapes_wherever_a_character_stands),
        cmocka_unit_test(bytes_that_are_not_utf8_become_replacement_characters),
        cmocka_unit_test(addresses_are_written_as_rfc_5952_says),
        cmocka_unit_test(times_are_right_across_leap_days_and_centuries),
        cmocka_unit_test(numbers_of_every_length_are_written_in_full),
        cmocka_unit_test(the_longest_text_of_the_worst_kind_still_fits),
        cmocka_unit_test(rows_turned_away_are_counted_and_not_written),
        cmocka_unit_test(a_full_disk_stops_the_writer_and_keeps_the_reason),
        cmocka_unit_test(a_reader_that_left_is_told_by_epipe),
        cmocka_unit_test(a_pipe_that_takes_a_little_at_a_time_gets_everything),
        cmocka_unit_test(a_file_gets_its_name_only_when_it_is_whole),
        cmocka_unit_test(formats_go_by_their_names),
        cmocka_unit_test(the_nearest_name_is_found_if_it_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
