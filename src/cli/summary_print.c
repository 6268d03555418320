/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The telling half of the summary: what there was by protocol and by pair of addresses, then HTTP, DNS, TLS and TCP in
 * a few lines each, and at the end what was lost and why.
 *
 * A section is a title at the left edge and lines beneath it, labels in columns 2 to 11, facts from column 12.  What
 * is nothing is not told.  `brief` takes fewer lines of everything that is a list, and no empty line between sections,
 * so that a usual capture fits a terminal of 24 lines.
 */
#include <string.h>

#include "cli/page.h"
#include "cli/quantity.h"
#include "cli/summary.h"
#include "cli/summary_parts.h"
#include "export/export.h"

#define FACTS 12u /* column where the facts of a line begin */

/* Lines that lists may take. */
struct extent {
    uint32_t services, talkers, name_lines, slowest;
    bool apart; /* an empty line before each section */
};
static const struct extent brief_extent = {4, 3, 1, 1, false}, usual_extent = {9, 5, 2, SUMMARY_SLOWEST, true};
#define SERVICES_MOST 9u
#define TALKERS_MOST 5u
#define NAMES_MOST 6u

/* ---- lines ---- */

static void title(struct page *page, const struct extent *extent, const char *text)
{
    if (extent->apart)
        page_end_line(page);
    page_say_in(page, PAGE_TITLE, text);
    page_pad_to(page, FACTS);
}

static void label(struct page *page, const char *text)
{
    page_say(page, "  ");
    page_say_in(page, PAGE_FAINT, text);
    page_pad_to(page, FACTS);
}

/* What stands between two facts, or a new line where the next one, of `columns`, does not fit.  False: a new line. */
static bool between(struct page *page, uint32_t columns)
{
    if (page->column <= FACTS)
        return true;
    if (page->column + 3 + columns > PAGE_WIDTH) {
        page_end_line(page);
        page_pad_to(page, FACTS);
        return false;
    }
    page_say_in(page, PAGE_FAINT, " · ");
    return true;
}

static void fact(struct page *page, const char *text)
{
    between(page, page_columns(text));
    page_say(page, text);
}

static const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* "12 refused", unless it is nothing. */
static void counted(struct page *page, uint64_t count, const char *what)
{
    char number[QUANTITY_TEXT], text[192];
    if (!count)
        return;
    snprintf(text, sizeof text, "%s %s", quantity_count(number, count), what);
    fact(page, text);
}

static void latencies(struct page *page, const char *name, const struct tally_spread *spread)
{
    char text[96], number[QUANTITY_TEXT];
    if (!spread->count)
        return;
    label(page, name);
    snprintf(text, sizeof text, "median ~%s", quantity_span(number, tally_quantile(spread, 0.5)));
    fact(page, text);
    snprintf(text, sizeof text, "p95 ~%s", quantity_span(number, tally_quantile(spread, 0.95)));
    fact(page, text);
    snprintf(text, sizeof text, "longest %s", quantity_span(number, spread->longest));
    fact(page, text);
    counted(page, spread->count, "measured");
    page_end_line(page);
}

/* The largest names of a tally with their counts, as many as the lines hold. */
static void names(struct page *page, const struct extent *extent, const char *name, const struct tally *tally)
{
    const struct tally_entry *top[NAMES_MOST];
    char number[QUANTITY_TEXT], safe[PAGE_SAFE_TEXT(PAGE_WIDTH)];
    uint32_t count = tally_top(tally, top, NAMES_MOST), lines = 1;
    if (!tally->count)
        return;
    label(page, name);
    if (!count)
        page_sayf(page, "too many to rank: none has more than %s", quantity_count(number, tally->purged));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t columns = page_make_safe(safe, 44, top[i]->label, top[i]->size, top[i]->cut);
        columns += page_columns(quantity_count(number, top[i]->sum)) + 1 + (top[i]->exact ? 0 : 2);
        if (lines == extent->name_lines && page->column > FACTS && page->column + 3 + columns > PAGE_WIDTH)
            break;
        lines += !between(page, columns);
        page_say_safe(page, top[i]->label, top[i]->size, top[i]->cut, 44);
        page_ink(page, PAGE_FAINT);
        page_sayf(page, " %s%s", top[i]->exact ? "" : ">=", number);
        page_ink(page, PAGE_PLAIN);
    }
    page_end_line(page);
}

/* ---- what was read ---- */

static void print_head(struct page *page, const struct ledger *ledger, const struct summary_facts *facts)
{
    static const char *const rates[] = {"", "thousand ", "million ", "billion ", NULL};
    static const char *const speeds[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", NULL};
    char a[QUANTITY_TEXT], b[QUANTITY_TEXT], rest[160] = "";
    uint64_t span = facts->last_ns - facts->first_ns;
    uint64_t left_out = ledger->count[LEDGER_filtered] + ledger->count[LEDGER_duplicate_frame];
    bool same_day = facts->first_ns / 86400000000000u == facts->last_ns / 86400000000000u;
    size_t used = 0;
    page_ink(page, PAGE_TITLE);
    if (left_out && left_out <= facts->frames)
        page_sayf(page, "%s of ", quantity_count(a, facts->frames - left_out));
    page_sayf(page, "%s %s, %s", quantity_count(a, facts->frames), plural(facts->frames, "packet", "packets"),
              quantity_bytes(b, facts->bytes));
    page_ink(page, PAGE_PLAIN);
    if (facts->files > 1)
        used += (size_t)snprintf(rest, sizeof rest, " in %s files", quantity_count(a, facts->files));
    if (facts->frames && facts->seconds > 0)
        used += (size_t)snprintf(rest + used, sizeof rest - used, ", read in %s",
                                 quantity_span(a, (uint64_t)(facts->seconds * 1e9)));
    if (facts->interrupted)
        snprintf(rest + used, sizeof rest - used, ", then interrupted");
    else if (facts->frames && facts->seconds > 0)
        snprintf(rest + used, sizeof rest - used, " (%spackets/s)",
                 quantity_scaled(a, (double)facts->frames / facts->seconds, rates));
    page_wrap(page, rest, 2);
    page_end_line(page);
    if (!facts->frames)
        return;
    used = (size_t)snprintf(rest, sizeof rest, "%s to %s UTC, ", quantity_time(a, facts->first_ns, true),
                            quantity_time(b, facts->last_ns, !same_day));
    used += (size_t)snprintf(rest + used, sizeof rest - used, "%s", span ? quantity_span(a, span) : "one instant");
    if (span >= 1000000000u && facts->bytes >= span / 1000000000u)
        snprintf(rest + used, sizeof rest - used, ", %s on average",
                 quantity_scaled(a, (double)facts->bytes * 8 / ((double)span / 1e9), speeds));
    page_ink(page, PAGE_FAINT);
    page_wrap(page, rest, 2);
    page_ink(page, PAGE_PLAIN);
    page_end_line(page);
}

/* ---- by protocol ---- */

#define BAR 20u

static void print_bar(struct page *page, uint64_t part, uint64_t whole)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double share = whole ? (double)part / (double)whole : 0;
    uint32_t steps = (uint32_t)(share * BAR * 8 + 0.5);
    char text[16];
    page_ink(page, PAGE_BAR);
    for (uint32_t i = 0; i < steps / 8; i++)
        page_say(page, "█");
    page_say(page, eighths[steps % 8]);
    page_ink(page, PAGE_PLAIN);
    page_pad_to(page, PAGE_WIDTH - 5);
    if (part && share < 0.005)
        snprintf(text, sizeof text, "<1 %%");
    else if (part < whole && share >= 0.995)
        snprintf(text, sizeof text, ">99 %%");
    else
        snprintf(text, sizeof text, "%.0f %%", share * 100);
    page_say_right(page, text, 5);
}

/* A number in a column of `width`, with a blank before it. */
static void cell(struct page *page, const char *text, bool exact, uint32_t width)
{
    char marked[QUANTITY_TEXT + 2];
    snprintf(marked, sizeof marked, "%s%s", exact ? "" : ">=", text);
    page_say(page, " ");
    page_say_right(page, marked, width - 1);
}

static void service_line(struct page *page, const struct tally_entry *entry, const char *name, uint64_t whole)
{
    char text[QUANTITY_TEXT];
    page_say(page, "  ");
    if (name)
        page_say(page, name);
    else
        page_say_safe(page, entry->label, entry->size, entry->cut, 15);
    page_pad_to(page, 18);
    cell(page, quantity_short(text, entry->more[1]), entry->exact, 10);
    cell(page, quantity_short(text, entry->more[0]), entry->exact, 12);
    cell(page, quantity_bytes(text, entry->sum), entry->exact, 10);
    page_say(page, "  ");
    print_bar(page, entry->sum, whole);
    page_end_line(page);
}

static void print_services(struct page *page, const struct extent *extent, const struct summary *summary)
{
    const struct tally_entry *top[SERVICES_MOST];
    const struct tally *services = &summary->services;
    uint32_t shown = tally_top(services, top, extent->services);
    if (shown == extent->services && services->count > shown)
        shown--; /* for the others */
    struct tally_entry others = {.sum = summary->flow_bytes, .exact = true};
    others.more[0] = summary->flow_packets;
    others.more[1] = summary->flows;
    title(page, extent, "Protocols");
    page_say_in(page, PAGE_FAINT, "           flows     packets     bytes  share of bytes");
    page_end_line(page);
    for (uint32_t i = 0; i < shown; i++) {
        service_line(page, top[i], NULL, summary->flow_bytes);
        others.sum -= top[i]->sum;
        others.more[0] -= top[i]->more[0];
        others.more[1] -= top[i]->more[1];
    }
    if (others.more[1])
        service_line(page, &others, services->purged ? "others, at most" : "others", summary->flow_bytes);
}

/* ---- by pair of addresses ---- */

/* Two addresses on one line where they fit, else on two. */
static void talker_line(struct page *page, const struct tally_entry *entry)
{
    struct weir_ip pair[2];
    char from[EXPORT_IP_TEXT], to[EXPORT_IP_TEXT], text[QUANTITY_TEXT];
    memcpy(pair, entry->label, sizeof pair);
    bool one_line = export_ip_text(from, &pair[0]) + export_ip_text(to, &pair[1]) + 3 <= 45;
    page_say(page, "  ");
    page_say(page, from);
    if (!one_line) {
        page_end_line(page);
        page_say(page, "   ");
    }
    page_say_in(page, PAGE_FAINT, " ⇄ ");
    page_say(page, to);
    page_pad_to(page, 48);
    cell(page, quantity_short(text, entry->more[1]), entry->exact, 10);
    cell(page, quantity_bytes(text, entry->more[0]), entry->exact, 11);
    cell(page, quantity_bytes(text, entry->sum - entry->more[0]), entry->exact, 11);
    page_end_line(page);
}

static void print_talkers(struct page *page, const struct extent *extent, const struct summary *summary)
{
    const struct tally_entry *top[TALKERS_MOST];
    char number[QUANTITY_TEXT];
    uint32_t count = tally_top(&summary->talkers, top, extent->talkers);
    if (!summary->talkers.count)
        return;
    title(page, extent, "Top talkers");
    page_say_in(page, PAGE_FAINT, "                                         flows    bytes →    bytes ←");
    page_end_line(page);
    for (uint32_t i = 0; i < count; i++)
        talker_line(page, top[i]);
    if (!summary->talkers.purged)
        return;
    page_ink(page, PAGE_FAINT);
    page_sayf(page, "  too many pairs to keep all: none that is missing here has more than %s",
              quantity_bytes(number, summary->talkers.purged));
    page_ink(page, PAGE_PLAIN);
    page_end_line(page);
}

/* ---- HTTP, DNS, TLS, TCP ---- */

static void print_slowest(struct page *page, const struct extent *extent, const struct summary *summary)
{
    char number[QUANTITY_TEXT];
    for (uint32_t i = 0; i < extent->slowest && summary->slowest[i].latency_ns; i++) {
        const struct slow_request *slow = &summary->slowest[i];
        label(page, i ? "" : "slowest");
        page_say_right(page, quantity_span(number, slow->latency_ns), 7);
        page_say(page, "  ");
        page_say_safe(page, slow->method, slow->method_size, false, 12);
        page_say(page, slow->method_size ? " " : "");
        page_say_safe(page, slow->target, slow->target_size, slow->target_size == sizeof slow->target,
                      PAGE_WIDTH - page->column);
        page_end_line(page);
    }
}

static void print_http(struct page *page, const struct extent *extent, const struct summary *summary)
{
    static const char *const classes[] = {"of another status", "1xx", "2xx", "3xx", "4xx", "5xx"};
    if (!summary->requests && !summary->lone_replies)
        return;
    title(page, extent, "HTTP");
    counted(page, summary->requests, plural(summary->requests, "request", "requests"));
    for (int i = 1; i <= 5; i++)
        counted(page, summary->status[i], classes[i]);
    counted(page, summary->status[0], classes[0]);
    counted(page, summary->unanswered_requests, "without a reply");
    counted(page, summary->lone_replies,
            plural(summary->lone_replies, "reply without its request", "replies without their request"));
    page_end_line(page);
    latencies(page, "latency", &summary->http_latency);
    names(page, extent, "hosts", &summary->hosts);
    print_slowest(page, extent, summary);
}

/* The names of a small tally as facts: "20 NXDOMAIN". */
static void kinds(struct page *page, const struct tally *tally)
{
    const struct tally_entry *top[5];
    uint32_t count = tally_top(tally, top, 5);
    for (uint32_t i = 0; i < count; i++) {
        char safe[PAGE_SAFE_TEXT(24)];
        page_make_safe(safe, 24, top[i]->label, top[i]->size, top[i]->cut);
        counted(page, top[i]->sum, safe);
    }
}

static void print_dns(struct page *page, const struct extent *extent, const struct summary *summary)
{
    if (!summary->queries)
        return;
    title(page, extent, "DNS");
    counted(page, summary->queries, plural(summary->queries, "query", "queries"));
    kinds(page, &summary->rcodes);
    counted(page, summary->unanswered_queries, "unanswered");
    page_end_line(page);
    latencies(page, "latency", &summary->dns_latency);
    names(page, extent, "names", &summary->names);
}

static void print_tls(struct page *page, const struct extent *extent, const struct summary *summary)
{
    if (!summary->hellos)
        return;
    title(page, extent, "TLS");
    counted(page, summary->hellos, plural(summary->hellos, "client hello", "client hellos"));
    kinds(page, &summary->versions);
    counted(page, summary->established, "established");
    counted(page, summary->resumed, "resumed");
    page_end_line(page);
    names(page, extent, "servers", &summary->servers);
}

static void print_tcp(struct page *page, const struct extent *extent, const struct summary *summary)
{
    char text[160], number[QUANTITY_TEXT];
    if (!summary->tcp_flows)
        return;
    title(page, extent, "TCP");
    counted(page, summary->tcp_flows, plural(summary->tcp_flows, "flow", "flows"));
    if (summary->retransmits) {
        double share = summary->tcp_packets ? (double)summary->retransmits * 100 / (double)summary->tcp_packets : 0;
        snprintf(text, sizeof text, "%s retransmitted (%.*f %% of packets)",
                 quantity_count(number, summary->retransmits), share < 0.1 ? 3 : 1, share);
        fact(page, text);
    } else {
        fact(page, "no retransmissions");
    }
    counted(page, summary->unanswered_syns, plural(summary->unanswered_syns, "SYN unanswered", "SYNs unanswered"));
    counted(page, summary->refused, "refused");
    counted(page, summary->resets, "reset");
    page_end_line(page);
    latencies(page, "handshake", &summary->rtt);
}

/* ---- what was lost ---- */

struct loss {
    char amount[QUANTITY_TEXT], what[160];
};
#define LOSSES_MOST (LEDGER_COUNT + 3)

/* Causes that mean that something was not seen. */
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

static uint32_t losses_of_ledger(const struct ledger *ledger, struct loss *losses)
{
    uint32_t count = 0;
    for (int cause = 0; cause < LEDGER_COUNT; cause++) {
        uint64_t lost = ledger->count[cause];
        if (!lost || !is_loss((enum ledger_cause)cause))
            continue;
        const char *doc = ledger_entries[cause].doc;
        struct loss *loss = &losses[count++];
        if (ledger_entries[cause].unit == LEDGER_BYTE) {
            quantity_bytes(loss->amount, lost);
            doc += strncmp(doc, "bytes ", 6) == 0 ? 6 : 0; /* the amount names the unit already */
        } else {
            quantity_count(loss->amount, lost);
        }
        snprintf(loss->what, sizeof loss->what, "%s", doc);
    }
    return count;
}

/* At most LOSSES_MOST. */
static uint32_t find_losses(const struct summary *summary, const struct ledger *ledger,
                            const struct summary_facts *facts, struct loss *losses)
{
    char number[QUANTITY_TEXT];
    uint32_t count = 0;
    if (facts->complaints) {
        struct loss *loss = &losses[count++];
        quantity_count(loss->amount, facts->complaints);
        snprintf(loss->what, sizeof loss->what, "%s",
                 plural(facts->complaints, "file that is cut, damaged or not readable: stderr says why",
                        "files that are cut, damaged or not readable: stderr says why"));
    }
    count += losses_of_ledger(ledger, losses + count);
    if (summary->missed_bytes) {
        struct loss *loss = &losses[count++];
        quantity_bytes(loss->amount, summary->missed_bytes);
        snprintf(loss->what, sizeof loss->what, "of TCP streams that the capture does not hold, in %s %s",
                 quantity_count(number, summary->missed_flows), plural(summary->missed_flows, "flow", "flows"));
    }
    if (facts->reported_drops) {
        struct loss *loss = &losses[count++];
        quantity_count(loss->amount, facts->reported_drops);
        snprintf(loss->what, sizeof loss->what, "packets dropped before the capture, as its files say");
    }
    return count;
}

static void print_losses(struct page *page, const struct loss *losses, uint32_t count)
{
    uint32_t width = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t columns = page_columns(losses[i].amount);
        width = columns > width ? columns : width;
    }
    for (uint32_t i = 0; i < count; i++) {
        page_pad_to(page, FACTS);
        page_ink(page, PAGE_BAD);
        page_say_right(page, losses[i].amount, width);
        page_ink(page, PAGE_PLAIN);
        page_say(page, "  ");
        page_wrap(page, losses[i].what, FACTS + width + 2);
        page_end_line(page);
    }
}

static const enum ledger_unit summed[] = {LEDGER_FRAME, LEDGER_BYTE, LEDGER_ROW};
#define SUMMED (sizeof summed / sizeof summed[0])

static bool all_close(const struct ledger *ledger)
{
    uint64_t in, out;
    for (size_t i = 0; i < SUMMED; i++)
        if (!ledger_closes(ledger, summed[i], &in, &out))
            return false;
    return true;
}

static void print_open_sums(struct page *page, const struct ledger *ledger)
{
    char text[160], a[QUANTITY_TEXT], b[QUANTITY_TEXT];
    for (size_t i = 0; i < SUMMED; i++) {
        uint64_t in, out;
        if (ledger_closes(ledger, summed[i], &in, &out))
            continue;
        page_pad_to(page, FACTS);
        page_ink(page, PAGE_BAD);
        snprintf(text, sizeof text, "the %ss do not add up: %s came in, %s are accounted for",
                 ledger_unit_name(summed[i]), quantity_count(a, in), quantity_count(b, out));
        page_wrap(page, text, FACTS);
        page_ink(page, PAGE_PLAIN);
        page_end_line(page);
    }
}

static void print_ledger(struct page *page, const struct extent *extent, const struct summary *summary,
                         const struct ledger *ledger, const struct summary_facts *facts)
{
    char text[240], number[QUANTITY_TEXT];
    struct loss losses[LOSSES_MOST];
    uint32_t lost = find_losses(summary, ledger, facts, losses);
    uint64_t received = ledger->count[LEDGER_received], analysed = ledger->count[LEDGER_analysed],
             filtered = ledger->count[LEDGER_filtered], duplicate = ledger->count[LEDGER_duplicate_frame];
    title(page, extent, "Lost");
    if (lost) {
        print_losses(page, losses, lost);
        label(page, "ledger");
    } else {
        page_say_in(page, PAGE_GOOD, "nothing: ");
    }
    int used = snprintf(text, sizeof text, "%s %s received, ", quantity_count(number, received),
                        plural(received, "frame", "frames"));
    used += snprintf(text + used, sizeof text - (size_t)used, "%s analysed",
                     received && received == analysed ? "all" : quantity_count(number, analysed));
    if (filtered)
        used += snprintf(text + used, sizeof text - (size_t)used, ", %s filtered", quantity_count(number, filtered));
    if (duplicate)
        used += snprintf(text + used, sizeof text - (size_t)used, ", %s duplicate", quantity_count(number, duplicate));
    if (all_close(ledger))
        snprintf(text + used, sizeof text - (size_t)used, "; the sums close");
    page_wrap(page, text, FACTS);
    page_end_line(page);
    print_open_sums(page, ledger);
}

void summary_print(const struct summary *summary, FILE *to, const struct ledger *ledger,
                   const struct summary_facts *facts, const struct summary_look *look)
{
    struct page page = {to, look->colour, 0};
    const struct extent *extent = look->brief ? &brief_extent : &usual_extent;
    print_head(&page, ledger, facts);
    if (summary->flows) {
        print_services(&page, extent, summary);
        print_talkers(&page, extent, summary);
    }
    print_http(&page, extent, summary);
    print_dns(&page, extent, summary);
    print_tls(&page, extent, summary);
    print_tcp(&page, extent, summary);
    print_ledger(&page, extent, summary, ledger, facts);
}
