/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The telling half of the summary: sections under thin rules, within 80 columns, what matters most first, and at the end what
 * was lost and why.
 *
 * Text from the wire is made safe on its way: only characters that print are let through, everything else (control
 * characters, what turns the direction of writing or has no width, bytes that are no UTF-8) shows as `?`.
 */
#include <string.h>
#include <time.h>

#include "cli/summary.h"
#include "cli/summary_parts.h"
#include "export/export.h"

#define WIDTH 80u
#define LABEL 12u /* of a line within a section */

enum ink { INK_PLAIN, INK_TITLE, INK_FAINT, INK_BAR, INK_BAD, INK_GOOD };

/* Where the page stands. */
struct page {
    FILE *to;
    bool colour;
    uint32_t column; /* of the line so far */
};

/* ---- characters ---- */

/* The character at `p` and its bytes; 0 bytes when it is no UTF-8. */
static uint32_t decode(const uint8_t *p, uint32_t left, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t size = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if ((p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4 || size > left)
        return 0;
    *code = size == 1 ? p[0] : p[0] & (0xffu >> (size + 1));
    for (uint32_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (p[i] & 0x3f);
    }
    return *code < least[size] || *code > 0x10ffff ? 0 : size;
}

/* Columns that a character takes; 0 for one that must not reach a terminal. */
static uint32_t columns_of(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } refused[] = {{0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},     {0x300, 0x36f},   {0x600, 0x605},
                   {0x61c, 0x61c},     {0x180e, 0x180e},   {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
                   {0xd800, 0xf8ff},   {0xfe00, 0xfe0f},   {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xfff0, 0xffff},
                   {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff}};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (code >= refused[i].first && code <= refused[i].last)
            return 0;
    bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
                (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
    return wide ? 2 : 1;
}

static void ink(struct page *page, enum ink ink)
{
    static const char *const codes[] = {"0", "1", "2", "36", "1;31", "32"};
    if (page->colour)
        fprintf(page->to, "\033[%sm", codes[ink]);
}

/* Text of ours; counts its columns (one a character). */
static void say(struct page *page, const char *text)
{
    fputs(text, page->to);
    for (; *text; text++)
        page->column += ((uint8_t)*text & 0xc0) != 0x80;
}

static void pad_to(struct page *page, uint32_t column)
{
    while (page->column < column)
        say(page, " ");
}

static void say_right(struct page *page, const char *text, uint32_t width)
{
    uint32_t columns = 0;
    for (const char *p = text; *p; p++)
        columns += ((uint8_t)*p & 0xc0) != 0x80;
    pad_to(page, page->column + (columns < width ? width - columns : 0));
    say(page, text);
}

static void end_line(struct page *page)
{
    fputc('\n', page->to);
    page->column = 0;
}

/* Makes text from the wire safe, in at most `room` columns, `…` where it was cut.  Answers its columns. */
static uint32_t make_safe(char *to, uint32_t room, const char *text, uint32_t size, bool cut)
{
    uint32_t columns = 0, code = 0, last = 0;
    char *before = to; /* where `…` would go */
    for (uint32_t at = 0; at < size;) {
        uint32_t bytes = decode((const uint8_t *)text + at, size - at, &code);
        uint32_t width = bytes ? columns_of(code) : 0;
        if (columns + (width ? width : 1) > room) {
            cut = true;
            break;
        }
        before = to;
        last = columns;
        if (width) {
            memcpy(to, text + at, bytes);
            to += bytes;
        } else {
            *to++ = '?';
        }
        columns += width ? width : 1;
        at += bytes ? bytes : 1;
    }
    if (cut && columns < room) {
        before = to;
        last = columns;
    }
    if (cut && room) {
        memcpy(before, "…", sizeof "…");
        return last + 1;
    }
    *to = 0;
    return columns;
}

static void say_safe(struct page *page, const char *text, uint32_t size, bool cut, uint32_t room)
{
    char safe[4 * 2 * WIDTH + 8];
    room = room < 2 * WIDTH ? room : 2 * WIDTH;
    uint32_t columns = make_safe(safe, room, text, size, cut);
    fputs(safe, page->to);
    page->column += columns;
}

/* ---- quantities ---- */

#define QUANTITY 40u

static const char *count_text(char *to, uint64_t value)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value), at = 0;
    for (int i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0)
            to[at++] = ',';
        to[at++] = digits[i];
    }
    to[at] = 0;
    return to;
}

static const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* Three digits and a unit; `base` units beneath the first. */
static const char *scaled(char *to, double value, const char *const *units)
{
    while (value >= 999.5 && units[1]) {
        value /= 1000;
        units++;
    }
    snprintf(to, QUANTITY, value < 9.995 ? "%.2f %s" : value < 99.95 ? "%.1f %s" : "%.0f %s", value, *units);
    return to;
}

/* At most eleven columns: in full below 10^9. */
static const char *short_count(char *to, uint64_t value)
{
    static const char *const units[] = {"G", "T", "P", NULL};
    return value < 1000000000u ? count_text(to, value) : scaled(to, (double)value / 1e9, units);
}

static const char *bytes_text(char *to, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB", NULL};
    if (bytes < 1000)
        snprintf(to, QUANTITY, "%u B", (unsigned)bytes);
    else
        scaled(to, (double)bytes / 1000, units);
    return to;
}

static const char *span_text(char *to, uint64_t ns)
{
    static const char *const units[] = {"µs", "ms", "s", NULL};
    uint64_t seconds = ns / 1000000000u;
    if (ns < 1000)
        snprintf(to, QUANTITY, "%u ns", (unsigned)ns);
    else if (seconds < 120)
        scaled(to, (double)ns / 1000, units);
    else if (seconds < 7200)
        snprintf(to, QUANTITY, "%u min %u s", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
    else if (seconds < 172800)
        snprintf(to, QUANTITY, "%u h %u min", (unsigned)(seconds / 3600), (unsigned)(seconds / 60 % 60));
    else
        snprintf(to, QUANTITY, "%llu days %u h", (unsigned long long)(seconds / 86400),
                 (unsigned)(seconds / 3600 % 24));
    return to;
}

static const char *time_text(char *to, uint64_t ns, bool with_date)
{
    time_t seconds = (time_t)(ns / 1000000000u);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(to, QUANTITY, with_date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &parts);
    return to;
}

/* ---- lines ---- */

static void rule(struct page *page, const char *title)
{
    ink(page, INK_FAINT);
    say(page, "── ");
    ink(page, INK_PLAIN);
    ink(page, INK_TITLE);
    say(page, title);
    ink(page, INK_PLAIN);
    ink(page, INK_FAINT);
    say(page, " ");
    while (page->column < WIDTH)
        say(page, "─");
    ink(page, INK_PLAIN);
    end_line(page);
}

static void label(struct page *page, const char *text)
{
    say(page, "  ");
    ink(page, INK_FAINT);
    say(page, text);
    ink(page, INK_PLAIN);
    pad_to(page, LABEL);
}

/* One more fact on the line, or on the next one where it does not fit. */
static void fact(struct page *page, const char *text)
{
    uint32_t columns = 0;
    for (const char *p = text; *p; p++)
        columns += ((uint8_t)*p & 0xc0) != 0x80;
    if (page->column > LABEL && page->column + 3 + columns > WIDTH) {
        end_line(page);
        pad_to(page, LABEL);
    }
    if (page->column > LABEL) {
        ink(page, INK_FAINT);
        say(page, " · ");
        ink(page, INK_PLAIN);
    }
    say(page, text);
}

/* "12 refused", unless it is nothing. */
static void counted(struct page *page, uint64_t count, const char *what)
{
    char number[QUANTITY], text[192];
    if (!count)
        return;
    snprintf(text, sizeof text, "%s %s", count_text(number, count), what);
    fact(page, text);
}

static void latencies(struct page *page, const char *name, const struct tally_spread *spread)
{
    char text[96], number[QUANTITY];
    if (!spread->count)
        return;
    label(page, name);
    snprintf(text, sizeof text, "median ~%s", span_text(number, tally_quantile(spread, 0.5)));
    fact(page, text);
    snprintf(text, sizeof text, "p95 ~%s", span_text(number, tally_quantile(spread, 0.95)));
    fact(page, text);
    snprintf(text, sizeof text, "longest %s", span_text(number, spread->longest));
    fact(page, text);
    snprintf(text, sizeof text, "%s measured", count_text(number, spread->count));
    fact(page, text);
    end_line(page);
}

/* The largest names of a tally with their counts, as many as fit in two lines. */
static void names(struct page *page, const char *name, const struct tally *tally)
{
    const struct tally_entry *top[6];
    uint32_t count = tally_top(tally, top, 6), lines = 1;
    if (!tally->count)
        return;
    label(page, name);
    if (!count) {
        char text[96], number[QUANTITY];
        snprintf(text, sizeof text, "too many to rank: none has more than %s", count_text(number, tally->purged));
        say(page, text);
    }
    for (uint32_t i = 0; i < count; i++) {
        char safe[4 * WIDTH + 8], number[QUANTITY];
        uint32_t columns = make_safe(safe, 44, top[i]->label, top[i]->size, top[i]->cut);
        columns += (uint32_t)strlen(count_text(number, top[i]->sum)) + 1 + (top[i]->exact ? 0 : 2);
        if (i && page->column + 3 + columns > WIDTH) {
            if (lines++ == 2)
                break;
            end_line(page);
            pad_to(page, LABEL);
        } else if (i) {
            ink(page, INK_FAINT);
            say(page, " · ");
            ink(page, INK_PLAIN);
        }
        fprintf(page->to, "%s ", safe);
        ink(page, INK_FAINT);
        fprintf(page->to, "%s%s", top[i]->exact ? "" : ">=", number);
        ink(page, INK_PLAIN);
        page->column += columns;
    }
    end_line(page);
}

/* ---- sections ---- */

static void print_head(struct page *page, const struct summary_facts *facts)
{
    char a[QUANTITY], b[QUANTITY], text[160];
    uint64_t span = facts->last_ns - facts->first_ns;
    bool same_day = facts->first_ns / 86400000000000u == facts->last_ns / 86400000000000u;
    ink(page, INK_TITLE);
    snprintf(text, sizeof text, "%s %s, %s", count_text(a, facts->frames), plural(facts->frames, "packet", "packets"),
             bytes_text(b, facts->bytes));
    say(page, text);
    ink(page, INK_PLAIN);
    if (facts->files > 1) {
        snprintf(text, sizeof text, " in %s files", count_text(a, facts->files));
        say(page, text);
    }
    if (facts->frames && facts->seconds > 0) {
        static const char *const units[] = {"", "thousand ", "million ", "billion ", NULL};
        snprintf(text, sizeof text, ", read in %s", span_text(a, (uint64_t)(facts->seconds * 1e9)));
        say(page, text);
        snprintf(text, sizeof text, " (%spackets/s)", scaled(a, (double)facts->frames / facts->seconds, units));
        say(page, text);
    }
    end_line(page);
    if (!facts->frames)
        return;
    ink(page, INK_FAINT);
    snprintf(text, sizeof text, "%s to %s UTC, %s", time_text(a, facts->first_ns, true),
             time_text(b, facts->last_ns, !same_day), span ? "" : "one instant");
    say(page, text);
    if (span) {
        say(page, span_text(a, span));
        if (span >= 1000000000u && facts->bytes >= span / 1000000000u) {
            static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", NULL};
            snprintf(text, sizeof text, ", %s on average",
                     scaled(a, (double)facts->bytes * 8 / ((double)span / 1e9), units));
            say(page, text);
        }
    }
    ink(page, INK_PLAIN);
    end_line(page);
}

#define BAR 20u

static void print_bar(struct page *page, uint64_t part, uint64_t whole)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double share = whole ? (double)part / (double)whole : 0;
    uint32_t steps = (uint32_t)(share * BAR * 8 + 0.5);
    char text[16];
    ink(page, INK_BAR);
    for (uint32_t i = 0; i < steps / 8; i++)
        say(page, "█");
    say(page, eighths[steps % 8]);
    ink(page, INK_PLAIN);
    pad_to(page, WIDTH - 5);
    if (part && share < 0.005)
        snprintf(text, sizeof text, "<1 %%");
    else if (part < whole && share >= 0.995)
        snprintf(text, sizeof text, ">99 %%");
    else
        snprintf(text, sizeof text, "%.0f %%", share * 100);
    say_right(page, text, 5);
}

/* A number in a column of `width`, with a blank before it. */
static void cell(struct page *page, const char *text, bool exact, uint32_t width)
{
    char marked[QUANTITY + 2];
    snprintf(marked, sizeof marked, "%s%s", exact ? "" : ">=", text);
    say(page, " ");
    say_right(page, marked, width - 1);
}

static void service_line(struct page *page, const struct tally_entry *entry, const char *name, uint64_t whole)
{
    char text[QUANTITY];
    say(page, "  ");
    if (name)
        say(page, name);
    else
        say_safe(page, entry->label, entry->size, entry->cut, 15);
    pad_to(page, 18);
    cell(page, short_count(text, entry->more[1]), entry->exact, 10);
    cell(page, short_count(text, entry->more[0]), entry->exact, 12);
    cell(page, bytes_text(text, entry->sum), entry->exact, 10);
    say(page, "  ");
    print_bar(page, entry->sum, whole);
    end_line(page);
}

static void heading(struct page *page, const char *text)
{
    ink(page, INK_FAINT);
    say(page, text);
    ink(page, INK_PLAIN);
    end_line(page);
}

static void print_services(struct page *page, const struct summary *summary)
{
    const struct tally_entry *top[9];
    const struct tally *services = &summary->services;
    uint32_t shown = tally_top(services, top, 9);
    if (shown == 9 && services->count > 9)
        shown = 8;
    struct tally_entry others = {.sum = summary->flow_bytes, .exact = true};
    others.more[0] = summary->flow_packets;
    others.more[1] = summary->flows;
    rule(page, "Protocols");
    heading(page, "  service             flows     packets     bytes  share of bytes");
    for (uint32_t i = 0; i < shown; i++) {
        service_line(page, top[i], NULL, summary->flow_bytes);
        others.sum -= top[i]->sum;
        others.more[0] -= top[i]->more[0];
        others.more[1] -= top[i]->more[1];
    }
    if (others.more[1])
        service_line(page, &others, services->purged ? "others, at most" : "others", summary->flow_bytes);
}

/* Two addresses on one line where they fit, else on two. */
static void talker_line(struct page *page, const struct tally_entry *entry)
{
    struct weir_ip pair[2];
    char from[EXPORT_IP_TEXT], to[EXPORT_IP_TEXT], text[QUANTITY];
    memcpy(pair, entry->label, sizeof pair);
    bool one_line = export_ip_text(from, &pair[0]) + export_ip_text(to, &pair[1]) + 3 <= 45;
    say(page, "  ");
    say(page, from);
    if (!one_line) {
        end_line(page);
        say(page, "   ");
    }
    ink(page, INK_FAINT);
    say(page, " ⇄ ");
    ink(page, INK_PLAIN);
    say(page, to);
    pad_to(page, 48);
    cell(page, short_count(text, entry->more[1]), entry->exact, 10);
    cell(page, bytes_text(text, entry->more[0]), entry->exact, 11);
    cell(page, bytes_text(text, entry->sum - entry->more[0]), entry->exact, 11);
    end_line(page);
}

static void print_talkers(struct page *page, const struct summary *summary)
{
    const struct tally_entry *top[6];
    char text[160], number[QUANTITY];
    uint32_t count = tally_top(&summary->talkers, top, 6);
    if (!summary->talkers.count)
        return;
    rule(page, "Top talkers");
    heading(page, "  addresses                                          flows    bytes →    bytes ←");
    for (uint32_t i = 0; i < count; i++)
        talker_line(page, top[i]);
    if (!summary->talkers.purged)
        return;
    snprintf(text, sizeof text, "  too many pairs to keep all: none that is missing here has more than %s",
             bytes_text(number, summary->talkers.purged));
    heading(page, text);
}

static void print_http(struct page *page, const struct summary *summary)
{
    static const char *const classes[] = {"of another status", "1xx", "2xx", "3xx", "4xx", "5xx"};
    if (!summary->requests && !summary->lone_replies)
        return;
    rule(page, "HTTP");
    label(page, "requests");
    counted(page, summary->requests, plural(summary->requests, "request", "requests"));
    for (int i = 1; i <= 5; i++)
        counted(page, summary->status[i], classes[i]);
    counted(page, summary->status[0], classes[0]);
    counted(page, summary->unanswered_requests, "without a reply");
    counted(page, summary->lone_replies, "replies without their request");
    end_line(page);
    latencies(page, "latency", &summary->http_latency);
    names(page, "hosts", &summary->hosts);
    for (uint32_t i = 0; i < SUMMARY_SLOWEST && summary->slowest[i].latency_ns; i++) {
        const struct slow_request *slow = &summary->slowest[i];
        char number[QUANTITY];
        label(page, i ? "" : "slowest");
        say_right(page, span_text(number, slow->latency_ns), 7);
        say(page, "  ");
        say_safe(page, slow->method, slow->method_size, false, 12);
        say(page, slow->method_size ? " " : "");
        say_safe(page, slow->target, slow->target_size, slow->target_size == sizeof slow->target, WIDTH - page->column);
        end_line(page);
    }
}

/* The names of a small tally as facts: "20 NXDOMAIN". */
static void kinds(struct page *page, const struct tally *tally)
{
    const struct tally_entry *top[5];
    uint32_t count = tally_top(tally, top, 5);
    for (uint32_t i = 0; i < count; i++) {
        char safe[128];
        make_safe(safe, 24, top[i]->label, top[i]->size, top[i]->cut);
        counted(page, top[i]->sum, safe);
    }
}

static void print_dns(struct page *page, const struct summary *summary)
{
    if (!summary->queries)
        return;
    rule(page, "DNS");
    label(page, "queries");
    counted(page, summary->queries, plural(summary->queries, "query", "queries"));
    kinds(page, &summary->rcodes);
    counted(page, summary->unanswered_queries, "unanswered");
    end_line(page);
    latencies(page, "latency", &summary->dns_latency);
    names(page, "names", &summary->names);
}

static void print_tls(struct page *page, const struct summary *summary)
{
    if (!summary->hellos)
        return;
    rule(page, "TLS");
    label(page, "hellos");
    counted(page, summary->hellos, plural(summary->hellos, "client hello", "client hellos"));
    kinds(page, &summary->versions);
    counted(page, summary->established, "established");
    counted(page, summary->resumed, "resumed");
    end_line(page);
    names(page, "servers", &summary->servers);
}

static void print_tcp(struct page *page, const struct summary *summary)
{
    char text[160], number[QUANTITY];
    if (!summary->tcp_flows)
        return;
    rule(page, "TCP");
    latencies(page, "handshake", &summary->rtt);
    label(page, "health");
    if (summary->retransmits) {
        double share = summary->tcp_packets ? (double)summary->retransmits * 100 / (double)summary->tcp_packets : 0;
        snprintf(text, sizeof text, "%s retransmitted (%.*f %% of packets)", count_text(number, summary->retransmits),
                 share < 0.1 ? 3 : 1, share);
        fact(page, text);
    } else {
        fact(page, "no retransmissions");
    }
    counted(page, summary->unanswered_syns, plural(summary->unanswered_syns, "SYN unanswered", "SYNs unanswered"));
    counted(page, summary->refused, "refused");
    counted(page, summary->resets, "reset");
    snprintf(text, sizeof text, "of %s %s", count_text(number, summary->tcp_flows),
             plural(summary->tcp_flows, "flow", "flows"));
    fact(page, text);
    end_line(page);
}

/* ---- what was lost ---- */

/* Causes that mean that something was not seen, in the order of the ledger. */
static bool is_loss(enum ledger_cause cause)
{
    switch (cause) {
    case LEDGER_undecodable_link:
    case LEDGER_undecodable_network:
    case LEDGER_undecodable_transport:
    case LEDGER_undecodable_depth:
    case LEDGER_dropped_ring:
    case LEDGER_cut_by_snaplen:
    case LEDGER_fragment_timeout:
    case LEDGER_fragment_budget:
    case LEDGER_over_budget:
    case LEDGER_dropped:
    case LEDGER_flow_evicted:
    case LEDGER_hold_refused:
    case LEDGER_carry_refused: return true;
    default: return false;
    }
}

/* Our own words, as long as they are, over as many lines as they take. */
static void wrapped(struct page *page, const char *text, uint32_t from)
{
    while (*text) {
        size_t size = strcspn(text, " ");
        if (page->column > from && page->column + 1 + size > WIDTH) {
            end_line(page);
            pad_to(page, from);
        } else if (page->column > from) {
            say(page, " ");
        }
        fprintf(page->to, "%.*s", (int)size, text);
        page->column += (uint32_t)size;
        text += size;
        text += *text == ' ';
    }
}

static void loss_line(struct page *page, const char *amount, const char *what)
{
    ink(page, INK_BAD);
    say(page, "  ");
    say_right(page, amount, 12);
    ink(page, INK_PLAIN);
    say(page, "  ");
    wrapped(page, what, page->column);
    end_line(page);
}

/* How many lines of losses there were. */
static uint32_t print_losses(struct page *page, const struct summary *summary, const struct ledger *ledger,
                             const struct summary_facts *facts)
{
    char number[QUANTITY], text[160];
    uint32_t lines = 0;
    for (int cause = 0; cause < LEDGER_COUNT; cause++) {
        uint64_t count = ledger->count[cause];
        if (!count || !is_loss((enum ledger_cause)cause))
            continue;
        const char *doc = ledger_entries[cause].doc;
        bool bytes = ledger_entries[cause].unit == LEDGER_BYTE;
        if (bytes && strncmp(doc, "bytes ", 6) == 0) /* the amount names the unit already */
            doc += 6;
        loss_line(page, bytes ? bytes_text(number, count) : count_text(number, count), doc);
        lines++;
    }
    if (summary->missed_bytes) {
        char flows[QUANTITY];
        snprintf(text, sizeof text, "of TCP streams that the capture does not hold, in %s %s",
                 count_text(flows, summary->missed_flows), plural(summary->missed_flows, "flow", "flows"));
        loss_line(page, bytes_text(number, summary->missed_bytes), text);
        lines++;
    }
    if (facts->reported_drops) {
        loss_line(page, count_text(number, facts->reported_drops),
                  "packets dropped before the capture, as its files say");
        lines++;
    }
    return lines;
}

static void print_sums(struct page *page, const struct ledger *ledger)
{
    static const enum ledger_unit units[] = {LEDGER_FRAME, LEDGER_BYTE, LEDGER_ROW};
    char text[160], a[QUANTITY], b[QUANTITY];
    bool all = true;
    for (int i = 0; i < 3; i++) {
        uint64_t in, out;
        if (ledger_closes(ledger, units[i], &in, &out))
            continue;
        all = false;
        ink(page, INK_BAD);
        pad_to(page, 2);
        snprintf(text, sizeof text, "the %ss do not add up: %s came in, %s are accounted for",
                 ledger_unit_name(units[i]), count_text(a, in), count_text(b, out));
        wrapped(page, text, 2);
        ink(page, INK_PLAIN);
        end_line(page);
    }
    if (all)
        heading(page, "  every frame, byte and row is accounted for: the sums close");
}

static void print_ledger(struct page *page, const struct summary *summary, const struct ledger *ledger,
                         const struct summary_facts *facts)
{
    char text[240], a[QUANTITY], b[QUANTITY];
    uint64_t received = ledger->count[LEDGER_received], filtered = ledger->count[LEDGER_filtered],
             duplicate = ledger->count[LEDGER_duplicate_frame];
    rule(page, "What was lost");
    bool lost = print_losses(page, summary, ledger, facts) > 0;
    pad_to(page, 2);
    if (!lost) {
        ink(page, INK_GOOD);
        say(page, "nothing lost: ");
        ink(page, INK_PLAIN);
    }
    int size = snprintf(text, sizeof text, "%s %s received, %s analysed", count_text(a, received),
                        plural(received, "frame", "frames"), count_text(b, ledger->count[LEDGER_analysed]));
    if (filtered)
        size += snprintf(text + size, sizeof text - (size_t)size, ", %s filtered", count_text(a, filtered));
    if (duplicate)
        snprintf(text + size, sizeof text - (size_t)size, ", %s duplicate", count_text(a, duplicate));
    wrapped(page, text, lost ? 2 : page->column);
    end_line(page);
    print_sums(page, ledger);
}

void summary_print(const struct summary *summary, FILE *to, const struct ledger *ledger,
                   const struct summary_facts *facts, bool colour)
{
    struct page page = {to, colour, 0};
    print_head(&page, facts);
    if (summary->flows) {
        print_services(&page, summary);
        print_talkers(&page, summary);
    }
    print_http(&page, summary);
    print_dns(&page, summary);
    print_tls(&page, summary);
    print_tcp(&page, summary);
    print_ledger(&page, summary, ledger, facts);
}
