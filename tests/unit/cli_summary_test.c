/* SPDX-License-Identifier: Apache-2.0 */
/* The summary: what it counts, how it tells it, and that nothing from the wire can write to the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/summary.h"
#include "cli/summary_parts.h"

#define FLOW_ROW(X, R)                                                                                                 \
    X(R, STR, service, "", "", "")                                                                                     \
    X(R, U64, src_packets, "", "", "")                                                                                 \
    X(R, U64, dst_packets, "", "", "")                                                                                 \
    X(R, U64, src_bytes, "", "", "")                                                                                   \
    X(R, U64, dst_bytes, "", "", "")                                                                                   \
    X(R, STR, state, "", "", "")                                                                                       \
    X(R, U64, missed_bytes, "", "", "")                                                                                \
    X(R, U32, src_retransmits, "", "", "")                                                                             \
    X(R, U32, dst_retransmits, "", "", "")                                                                             \
    X(R, DURATION, rtt_ns, "", "", "")
WEIR_TABLE(flow, FLOW_ROW, "");

#define HTTP_ROW(X, R)                                                                                                 \
    X(R, STR, method, "", "", "")                                                                                      \
    X(R, STR, host, "", "", "")                                                                                        \
    X(R, STR, uri, "", "", "")                                                                                         \
    X(R, U16, status, "", "", "")                                                                                      \
    X(R, DURATION, latency_ns, "", "", "")
WEIR_TABLE(http, HTTP_ROW, "");

#define DNS_ROW(X, R)                                                                                                  \
    X(R, STR, qname, "", "", "")                                                                                       \
    X(R, STR, rcode, "", "", "")                                                                                       \
    X(R, DURATION, latency_ns, "", "", "")
WEIR_TABLE(dns, DNS_ROW, "");

#define TLS_ROW(X, R)                                                                                                  \
    X(R, STR, version, "", "", "")                                                                                     \
    X(R, STR, sni, "", "", "")                                                                                         \
    X(R, BOOL, resumed, "", "", "")                                                                                    \
    X(R, BOOL, established, "", "", "")
WEIR_TABLE(tls, TLS_ROW, "");
#define FEW_ROW(X, R) X(R, STR, nothing_known, "", "", "")
WEIR_TABLE(few, FEW_ROW, "");

static struct weir_flow flow_between(uint8_t a, uint8_t b, uint8_t proto)
{
    return (struct weir_flow){.src_ip = {{10, 0, 0, a}, 4}, .dst_ip = {{10, 0, 0, b}, 4}, .proto = proto};
}

/* Hands one row to the summary. */
static void give(struct summary *summary, const struct weir_table *table, const struct weir_flow *flow, const void *row)
{
    struct record_batch *batch = record_batch_new(table);
    struct record_sink sink = summary_sink(summary);
    assert_true(record_append(batch, flow, row, 0, 0));
    assert_int_equal(sink.rows(sink.context, batch, 0, 1), 0);
    record_batch_free(batch);
}

static char *printed_as(const struct summary *summary, const struct ledger *ledger, const struct summary_facts *facts,
                        struct summary_look look)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    summary_print(summary, to, ledger, facts, &look);
    fclose(to);
    return text;
}

static char *printed(const struct summary *summary, const struct ledger *ledger, const struct summary_facts *facts,
                     bool colour)
{
    return printed_as(summary, ledger, facts, (struct summary_look){.colour = colour});
}

static const struct ledger clean = {.count = {[LEDGER_received] = 1234, [LEDGER_analysed] = 1234}};
static const struct summary_facts some_facts = {.frames = 1234,
                                                .bytes = 2500000,
                                                .first_ns = 1767225600000000000u,
                                                .last_ns = 1767225612345000000u,
                                                .files = 1,
                                                .seconds = 0.002};

static void has(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("no '%s' in:\n%s", wanted, text);
}

static void has_not(const char *text, const char *unwanted)
{
    if (strstr(text, unwanted))
        fail_msg("'%s' in:\n%s", unwanted, text);
}

static void a_capture_with_nothing_in_it_is_told_in_a_few_lines(void **state)
{
    struct summary *summary = summary_new();
    struct ledger ledger = {{0}};
    struct summary_facts facts = {.files = 1};
    char *text = printed(summary, &ledger, &facts, false);
    has(text, "0 packets, 0 B\n");
    has(text, "\nLost        nothing: 0 frames received, 0 analysed; the sums close\n");
    has_not(text, "HTTP");
    has_not(text, "Protocols");
    free(text);
    summary_free(summary);
}

static void the_head_says_what_was_read_and_how_fast(void **state)
{
    struct summary *summary = summary_new();
    struct summary_facts facts = some_facts;
    facts.files = 3;
    char *text = printed(summary, &clean, &facts, false);
    has(text, "1,234 packets, 2.50 MB in 3 files, read in 2.00 ms (617 thousand packets/s)\n");
    has(text, "2026-01-01 00:00:00 to 00:00:12 UTC, 12.3 s, 1.62 Mbit/s on average\n");
    free(text);
    summary_free(summary);
}

static void flows_are_summed_by_service_and_by_pair(void **state)
{
    struct summary *summary = summary_new();
    struct weir_flow there = flow_between(1, 2, 6), back = flow_between(2, 1, 6), icmp = flow_between(3, 4, 1);
    struct flow_row row = {.service = weir_cstr("http"),
                           .src_packets = weir_uint(10),
                           .dst_packets = weir_uint(20),
                           .src_bytes = weir_uint(1000),
                           .dst_bytes = weir_uint(8000)};
    give(summary, &flow_table, &there, &row);
    give(summary, &flow_table, &back, &row);
    row.service.data = NULL;
    row.src_bytes = row.dst_bytes = weir_uint(1000);
    give(summary, &flow_table, &icmp, &row);
    char *text = printed(summary, &clean, &some_facts, false);
    has(text, "  http                     2          60   18.0 kB  ██████████████████      90 %\n");
    has(text, "  icmp                     1          30   2.00 kB  ██                      10 %\n");
    /* both directions of a pair together, the bytes of each apart */
    has(text, "  10.0.0.1 ⇄ 10.0.0.2                                    2    9.00 kB    9.00 kB\n");
    has(text, "  10.0.0.3 ⇄ 10.0.0.4                                    1    1.00 kB    1.00 kB\n");
    free(text);
    summary_free(summary);
}

static void http_is_told_by_status_host_and_the_slowest(void **state)
{
    struct summary *summary = summary_new();
    struct weir_flow flow = flow_between(1, 2, 6);
    for (unsigned i = 0; i < 10; i++) {
        struct http_row row = {.method = weir_cstr("GET"),
                               .host = weir_cstr(i % 2 ? "WWW.example.org" : "www.example.org"),
                               .uri = weir_cstr("/a"),
                               .status = weir_uint(i < 8 ? 200 : 404),
                               .latency_ns = weir_uint((i + 1) * 1000000)};
        give(summary, &http_table, &flow, &row);
    }
    struct http_row row = {.method = weir_cstr("POST"), .host = weir_cstr("b.example"), .uri = weir_cstr("/no-reply")};
    give(summary, &http_table, &flow, &row);
    row = (struct http_row){.status = weir_uint(503)};
    give(summary, &http_table, &flow, &row);
    row = (struct http_row){.method = weir_cstr("GET"),
                            .host = weir_cstr("proxied"),
                            .uri = weir_cstr("http://proxied/x"),
                            .status = weir_uint(200),
                            .latency_ns = weir_uint(2500000000u)};
    give(summary, &http_table, &flow, &row);
    char *text = printed(summary, &clean, &some_facts, false);
    has(text, "HTTP        12 requests · 9 2xx · 2 4xx · 1 5xx · 1 without a reply\n");
    has(text, "1 reply without its request\n");
    has(text, "longest 2.50 s · 11 measured\n");
    has(text, "  hosts     www.example.org 10 · b.example 1 · proxied 1\n");
    has(text, "  slowest    2.50 s  GET http://proxied/x\n");
    has(text, "            10.0 ms  GET WWW.example.org/a\n");
    has(text, "            9.00 ms  GET www.example.org/a\n");
    has_not(text, "8.00 ms  GET");
    free(text);
    summary_free(summary);
}

static void dns_and_tls_are_told_by_code_name_and_version(void **state)
{
    struct summary *summary = summary_new();
    struct weir_flow flow = flow_between(1, 2, 17);
    struct dns_row dns = {
        .qname = weir_cstr("Example.ORG"), .rcode = weir_cstr("NOERROR"), .latency_ns = weir_uint(20)};
    give(summary, &dns_table, &flow, &dns);
    dns = (struct dns_row){.qname = weir_cstr("")};
    give(summary, &dns_table, &flow, &dns);
    struct tls_row tls = {.version = weir_cstr("TLS 1.3"), .sni = weir_cstr("example.org"), .resumed = weir_uint(0)};
    give(summary, &tls_table, &flow, &tls);
    tls.established = weir_uint(1);
    give(summary, &tls_table, &flow, &tls);
    char *text = printed(summary, &clean, &some_facts, false);
    has(text, "DNS         2 queries · 1 NOERROR · 1 unanswered\n");
    has(text, "  latency   median ~20 ns");
    has(text, "  names     . 1 · example.org 1\n");
    has(text, "TLS         2 client hellos · 2 TLS 1.3 · 1 established\n");
    has(text, "  servers   example.org 2\n");
    free(text);
    summary_free(summary);
}

static void tcp_health_counts_tcp_only(void **state)
{
    struct summary *summary = summary_new();
    struct weir_flow tcp = flow_between(1, 2, 6), udp = flow_between(1, 2, 17);
    static const char *const states[] = {"S0", "S0", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SF"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct flow_row row = {.state = weir_cstr(states[i]),
                               .src_packets = weir_uint(100),
                               .src_retransmits = weir_uint(1),
                               .dst_retransmits = weir_uint(1),
                               .rtt_ns = weir_uint(5000000),
                               .missed_bytes = weir_uint(i == 7 ? 5000 : 0)};
        give(summary, &flow_table, &tcp, &row);
        row.missed_bytes.value = 0;
        give(summary, &flow_table, &udp, &row);
    }
    char *text = printed(summary, &clean, &some_facts, false);
    has(text, "  handshake median ~5.00 ms · p95 ~5.00 ms · longest 5.00 ms · 8 measured\n");
    has(text, "TCP         8 flows · 16 retransmitted (2.0 % of packets) · 2 SYNs unanswered\n"
              "            1 refused · 4 reset\n");
    has(text, "Lost        5.00 kB  of TCP streams that the capture does not hold, in 1 flow\n");
    has_not(text, "nothing");
    free(text);
    summary_free(summary);
}

static void what_was_lost_is_told_by_cause_and_the_sums_are_checked(void **state)
{
    struct summary *summary = summary_new();
    struct ledger ledger = {.count = {[LEDGER_received] = 100,
                                      [LEDGER_analysed] = 90,
                                      [LEDGER_undecodable_link] = 7,
                                      [LEDGER_filtered] = 3,
                                      [LEDGER_fragment_timeout] = 2,
                                      [LEDGER_seen] = 5000,
                                      [LEDGER_over_budget] = 4000,
                                      [LEDGER_delivered] = 1000,
                                      [LEDGER_made] = 10,
                                      [LEDGER_written] = 9}};
    struct summary_facts facts = some_facts;
    facts.reported_drops = 12;
    char *text = printed(summary, &ledger, &facts, false);
    has(text, "Lost              7  frames with a bad, cut or unknown link-layer header\n");
    has(text, "                  2  fragments given up because the rest did not come in time\n");
    has(text, "            4.00 kB  payload bytes dropped because a reassembly budget was used\n"
              "                     up\n");
    has(text, "                 12  packets dropped before the capture, as its files say\n");
    has(text, "1,231 of 1,234 packets, 2.50 MB, read in");
    has(text, "  ledger    100 frames received, 90 analysed, 3 filtered\n");
    has(text, "            the rows do not add up: 10 came in, 9 are accounted for\n");
    has_not(text, "the frames do not");
    has_not(text, "the bytes do not");
    has_not(text, "nothing");
    free(text);
    summary_free(summary);
}

static void text_from_the_wire_cannot_reach_the_terminal(void **state)
{
    static const char *const hostile[] = {"\x1b[2J\x1b]0;title\x07",
                                          "\xc2\x9b"
                                          "31m", /* CSI as one character */
                                          "\xe2\x80\xae"
                                          "gro",            /* writes from right to left */
                                          "a\xff\xc0\xafz", /* no UTF-8 */
                                          "\r\n\x08\x7f",
                                          "\xe2\x80\x8b\xef\xbb\xbf"};
    struct weir_flow flow = flow_between(1, 2, 6);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct summary *summary = summary_new();
        struct weir_str bad = weir_cstr(hostile[i]);
        struct http_row http = {bad, bad, bad, weir_uint(200), weir_uint(1000)};
        struct dns_row dns = {bad, bad, weir_uint(1)};
        struct tls_row tls = {bad, bad, weir_uint(1), weir_uint(1)};
        struct flow_row row = {.service = bad, .src_bytes = weir_uint(1), .state = bad};
        give(summary, &http_table, &flow, &http);
        give(summary, &dns_table, &flow, &dns);
        give(summary, &tls_table, &flow, &tls);
        give(summary, &flow_table, &flow, &row);
        char *text = printed(summary, &clean, &some_facts, false);
        for (const uint8_t *p = (const uint8_t *)text; *p; p++) {
            assert_true(*p >= 0x20 || *p == '\n');
            assert_true(*p != 0x7f && *p != 0xff && *p != 0xc0);
            assert_false(p[0] == 0xc2 && p[1] < 0xa0);
            assert_false(p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xae || p[2] == 0x8b));
            assert_false(p[0] == 0xef);
        }
        has(text, "?");
        free(text);
        summary_free(summary);
    }
}

/* Columns of the longest line, colours not counted. */
static uint32_t widest(const char *text)
{
    uint32_t most = 0, columns = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '\033')
            p = strchr(p, 'm');
        else if (*p == '\n')
            columns = 0;
        else if (((uint8_t)*p & 0xc0) != 0x80 && ++columns > most)
            most = columns;
    }
    return most;
}

static uint32_t lines_of(const char *text)
{
    uint32_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void fill_with_long_names(struct summary *summary)
{
    static char name[300];
    memset(name, 'n', sizeof name);
    struct weir_str text = weir_str(name, sizeof name);
    for (unsigned i = 0; i < 30; i++) {
        struct weir_flow flow = flow_between(1, (uint8_t)i, (uint8_t)(i % 3 ? 6 : 200 + i));
        flow.src_ip =
            (struct weir_ip){{0x20, 1, 0xd, 0xb8, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf1, 1, 2, 3, 4}, 6};
        flow.dst_ip = flow.src_ip;
        flow.dst_ip.bytes[15] = (uint8_t)i;
        name[0] = (char)('a' + i % 26);
        struct http_row http = {text, text, text, weir_uint(100 * (i % 7)), weir_uint(1000000007u * i)};
        struct dns_row dns = {text, text, weir_uint(1000u * i)};
        struct tls_row tls = {text, text, weir_uint(1), weir_uint(1)};
        struct flow_row row = {i % 2 ? text : (struct weir_str){NULL, 0},
                               weir_uint(123456789u * i),
                               weir_uint(987654321u * i),
                               weir_uint(UINT32_MAX * (uint64_t)i),
                               weir_uint(12345678901u),
                               weir_cstr("RSTO"),
                               weir_uint(77777),
                               weir_uint(1000000),
                               weir_uint(2000000),
                               weir_uint(1u << i)};
        give(summary, &http_table, &flow, &http);
        give(summary, &dns_table, &flow, &dns);
        give(summary, &tls_table, &flow, &tls);
        give(summary, &flow_table, &flow, &row);
    }
}

static void the_worst_case_stays_within_80_columns(void **state)
{
    struct summary *summary = summary_new();
    struct ledger ledger;
    fill_with_long_names(summary);
    struct summary_facts facts = {99999999999u, UINT64_MAX / 2, 1, UINT64_MAX, 77, 4096, 3, false, 123456.7};
    for (int i = 0; i < LEDGER_COUNT; i++)
        ledger.count[i] = 12345678901u + (uint64_t)i;
    char *text = printed(summary, &ledger, &facts, false);
    assert_in_range(widest(text), 60, 80);
    assert_in_range(lines_of(text), 30, 88); /* with every cause of loss there is */
    free(text);
    summary_free(summary);
}

static void a_brief_summary_of_a_usual_capture_leaves_a_line_of_24_for_the_prompt(void **state)
{
    struct summary *summary = summary_new();
    static const char *const names[] = {"a.example", "b.example", "c.example", "d.example", "e.example", "f.example"};
    for (uint8_t i = 0; i < 6; i++) {
        struct weir_flow flow = flow_between(1, (uint8_t)(2 + i), 6);
        struct weir_str name = weir_cstr(names[i]);
        struct http_row http = {weir_cstr("GET"), name, weir_cstr("/"), weir_uint(200), weir_uint(1000u * (i + 1))};
        struct dns_row dns = {name, weir_cstr("NOERROR"), weir_uint(1000)};
        struct tls_row tls = {weir_cstr("TLS 1.3"), name, weir_uint(0), weir_uint(1)};
        struct flow_row row = {.service = name, .src_bytes = weir_uint(1000), .rtt_ns = weir_uint(1000)};
        give(summary, &http_table, &flow, &http);
        give(summary, &dns_table, &flow, &dns);
        give(summary, &tls_table, &flow, &tls);
        give(summary, &flow_table, &flow, &row);
    }
    char *text = printed_as(summary, &clean, &some_facts, (struct summary_look){.brief = true});
    assert_int_equal(lines_of(text), 23);
    has(text, "  a.example                1           0   1.00 kB");
    has(text, "  others                   3           0   3.00 kB");
    has(text, "6.00 µs  GET f.example/\n");
    has_not(text, "5.00 µs  GET");
    has_not(text, "\n\n");
    free(text);
    text = printed(summary, &clean, &some_facts, false);
    assert_in_range(lines_of(text), 30, 39);
    has_not(text, "others");
    free(text);
    summary_free(summary);
}

static void a_broken_file_and_an_early_end_are_told(void **state)
{
    struct summary *summary = summary_new();
    struct summary_facts facts = some_facts;
    facts.complaints = 1;
    facts.interrupted = true;
    char *text = printed(summary, &clean, &facts, false);
    has(text, "1,234 packets, 2.50 MB, read in 2.00 ms, then interrupted\n2026-01-01");
    has(text, "Lost        1  file that is cut, damaged or not readable: stderr says why\n");
    has_not(text, "nothing");
    free(text);
    summary_free(summary);
}

static void colours_come_only_when_asked_for_and_change_no_column(void **state)
{
    struct summary *summary = summary_new();
    fill_with_long_names(summary);
    char *plain = printed(summary, &clean, &some_facts, false), *colour = printed(summary, &clean, &some_facts, true);
    assert_null(strchr(plain, '\033'));
    assert_non_null(strchr(colour, '\033'));
    assert_int_equal(widest(plain), widest(colour));
    for (char *from = colour, *to = colour;; from++, to++) {
        while (*from == '\033')
            from = strchr(from, 'm') + 1;
        *to = *from;
        if (!*from)
            break;
    }
    assert_string_equal(plain, colour);
    free(plain);
    free(colour);
    summary_free(summary);
}

static void tables_with_other_columns_are_let_by(void **state)
{
    struct summary *summary = summary_new();
    struct weir_flow flow = flow_between(1, 2, 6);
    struct few_row row = {.nothing_known = weir_cstr("x")};
    struct weir_table poor = few_table; /* a flow table without any of the columns looked for */
    give(summary, &few_table, &flow, &row);
    poor.name = "flow";
    give(summary, &poor, &flow, &row);
    assert_int_equal(summary->flows, 1);
    assert_int_equal(summary->tcp_flows, 1);
    char *text = printed(summary, &clean, &some_facts, false);
    has(text, "  unnamed tcp              1           0       0 B");
    free(text);
    summary_free(summary);
}

static void a_tally_is_exact_while_it_has_room(void **state)
{
    struct tally tally;
    tally_init(&tally, 64);
    for (uint64_t i = 0; i < 640; i++) {
        uint64_t name = i % 64;
        tally_add(&tally, tally_hash(&name, 8), &name, 8, name + 1);
    }
    const struct tally_entry *top[64];
    assert_int_equal(tally_top(&tally, top, 64), 64);
    for (uint32_t i = 0; i < 64; i++) {
        assert_true(top[i]->exact);
        assert_int_equal(top[i]->sum, 10 * (64 - i));
    }
    assert_int_equal(tally.purged, 0);
    tally_fini(&tally);
}

static void a_tally_that_overflows_keeps_the_largest_and_never_overstates(void **state)
{
    struct tally tally;
    static uint64_t truth[20000];
    uint32_t random = 7;
    tally_init(&tally, 64);
    for (uint32_t i = 0; i < 200000; i++) {
        random = random * 1664525u + 1013904223u;
        uint64_t name = random & 0x40000000 ? (random >> 10) % 5 : 5 + (random >> 8) % 19995;
        truth[name] += 3;
        tally_add(&tally, tally_hash(&name, 8), &name, 8, 3);
    }
    const struct tally_entry *top[5];
    assert_int_equal(tally_top(&tally, top, 5), 5);
    for (uint32_t i = 0; i < 5; i++) {
        uint64_t name;
        memcpy(&name, top[i]->label, 8);
        assert_in_range(name, 0, 4);
        assert_true(top[i]->sum <= truth[name]);
        assert_true(top[i]->sum + tally.purged >= truth[name]);
        assert_true(!top[i]->exact || top[i]->sum == truth[name]);
    }
    assert_true(tally.purged > 0);
    assert_true(tally.purged < 100000); /* 600,000 in all, over at least half of 64 entries a purge */
    tally_fini(&tally);
}

static void names_too_many_to_rank_are_not_ranked(void **state)
{
    struct summary *summary = summary_new();
    struct record_sink sink = summary_sink(summary);
    struct record_batch *batch = record_batch_new(&dns_table);
    for (unsigned i = 0; i < 20000; i++) {
        char name[32];
        struct weir_flow flow = flow_between(1, 2, 17);
        struct dns_row row = {.qname = weir_str(name, (size_t)snprintf(name, sizeof name, "n%u.example", i))};
        if (i % 2) /* one of them is half of all */
            row.qname = weir_cstr("often.example");
        if (!record_append(batch, &flow, &row, 0, 0)) {
            sink.rows(sink.context, batch, 0, record_batch_rows(batch));
            record_batch_reset(batch);
            i--;
        }
    }
    sink.rows(sink.context, batch, 0, record_batch_rows(batch));
    char *text = printed(summary, &clean, &some_facts, false);
    has(text, "  names     often.example 10,000\n"); /* there from the start, so exact; and alone */
    free(text);
    for (uint32_t i = 0; i < summary->names.count; i++)
        summary->names.entries[i].sum = 0;
    text = printed(summary, &clean, &some_facts, false);
    has(text, "  names     too many to rank: none has more than ");
    free(text);
    record_batch_free(batch);
    summary_free(summary);
}

static void quantiles_are_within_two_percent(void **state)
{
    struct tally_spread *spread = calloc(1, sizeof *spread);
    assert_int_equal(tally_quantile(spread, 0.5), 0);
    for (uint64_t i = 1; i <= 100000; i++)
        tally_spread_add(spread, i * 1000);
    assert_in_range(tally_quantile(spread, 0.5), 49000000, 51000000);
    assert_in_range(tally_quantile(spread, 0.95), 93200000, 96800000);
    assert_int_equal(tally_quantile(spread, 1.0), spread->longest);
    tally_spread_add(spread, UINT64_MAX);
    tally_spread_add(spread, 0);
    assert_true(spread->longest == UINT64_MAX);
    assert_int_equal(tally_quantile(spread, 0.0), 0);
    free(spread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_capture_with_nothing_in_it_is_told_in_a_few_lines),
        cmocka_unit_test(the_head_says_what_was_read_and_how_fast),
        cmocka_unit_test(flows_are_summed_by_service_and_by_pair),
        cmocka_unit_test(http_is_told_by_status_host_and_the_slowest),
        cmocka_unit_test(dns_and_tls_are_told_by_code_name_and_version),
        cmocka_unit_test(tcp_health_counts_tcp_only),
        cmocka_unit_test(what_was_lost_is_told_by_cause_and_the_sums_are_checked),
        cmocka_unit_test(text_from_the_wire_cannot_reach_the_terminal),
        cmocka_unit_test(the_worst_case_stays_within_80_columns),
        cmocka_unit_test(a_brief_summary_of_a_usual_capture_leaves_a_line_of_24_for_the_prompt),
        cmocka_unit_test(a_broken_file_and_an_early_end_are_told),
        cmocka_unit_test(colours_come_only_when_asked_for_and_change_no_column),
        cmocka_unit_test(tables_with_other_columns_are_let_by),
        cmocka_unit_test(a_tally_is_exact_while_it_has_room),
        cmocka_unit_test(a_tally_that_overflows_keeps_the_largest_and_never_overstates),
        cmocka_unit_test(names_too_many_to_rank_are_not_ranked),
        cmocka_unit_test(quantiles_are_within_two_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
