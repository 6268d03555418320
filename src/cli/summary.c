/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counting half of the summary: rows in, a few counters, tallies and histograms out.  summary_print.c tells them.
 *
 * Columns are looked for by name, once a table; one that is not there reads as null, so that the summary goes with any
 * table that has the columns that users rely on.
 */
#include "cli/summary.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/summary_parts.h"

enum kind { KIND_OTHER, KIND_FLOW, KIND_HTTP, KIND_DNS, KIND_TLS };

enum flow_column {
    FLOW_SRC_IP,
    FLOW_DST_IP,
    FLOW_PROTO,
    FLOW_SERVICE,
    FLOW_SRC_PACKETS,
    FLOW_DST_PACKETS,
    FLOW_SRC_BYTES,
    FLOW_DST_BYTES,
    FLOW_STATE,
    FLOW_MISSED_BYTES,
    FLOW_SRC_RETRANSMITS,
    FLOW_DST_RETRANSMITS,
    FLOW_RTT
};
enum http_column { HTTP_METHOD, HTTP_HOST, HTTP_URI, HTTP_STATUS, HTTP_LATENCY };
enum dns_column { DNS_QNAME, DNS_RCODE, DNS_LATENCY };
enum tls_column { TLS_VERSION, TLS_SNI, TLS_RESUMED, TLS_ESTABLISHED };

static const struct {
    const char *table;
    const char *columns[16];
} wanted[] = {
    [KIND_FLOW] = {"flow",
                   {"src_ip", "dst_ip", "proto", "service", "src_packets", "dst_packets", "src_bytes", "dst_bytes",
                    "state", "missed_bytes", "src_retransmits", "dst_retransmits", "rtt_ns"}},
    [KIND_HTTP] = {"http", {"method", "host", "uri", "status", "latency_ns"}},
    [KIND_DNS] = {"dns", {"qname", "rcode", "latency_ns"}},
    [KIND_TLS] = {"tls", {"version", "sni", "resumed", "established"}},
};

/* A row of a table whose columns are known. */
struct row {
    const struct record_batch *batch;
    const int *column;
    uint32_t number;
};

static inline struct weir_uint row_uint(const struct row *row, int column)
{
    if (row->column[column] < 0)
        return (struct weir_uint){0, false};
    return record_uint(row->batch, (uint32_t)row->column[column], row->number);
}

static inline struct weir_str row_str(const struct row *row, int column)
{
    if (row->column[column] < 0)
        return (struct weir_str){NULL, 0};
    return record_str(row->batch, (uint32_t)row->column[column], row->number);
}

static inline struct weir_ip row_ip(const struct row *row, int column)
{
    if (row->column[column] < 0)
        return (struct weir_ip){{0}, 0};
    return record_ip(row->batch, (uint32_t)row->column[column], row->number);
}

/* ---- flow ---- */

static bool is(struct weir_str text, const char *name)
{
    return text.size == strlen(name) && memcmp(text.data, name, text.size) == 0;
}

/* What a flow without a service counts as: "icmp", but "unnamed tcp" where a service could have been named. */
static struct weir_str nameless(const struct row *row)
{
    struct weir_str proto = row_str(row, FLOW_PROTO);
    switch (row_uint(row, FLOW_PROTO).value) {
    case WEIR_TCP: return weir_cstr("unnamed tcp");
    case WEIR_UDP: return weir_cstr("unnamed udp");
    default: return proto.data ? proto : weir_cstr("unnamed");
    }
}

static void count_service(struct summary *summary, const struct row *row, uint64_t packets, uint64_t bytes)
{
    struct weir_str service = row_str(row, FLOW_SERVICE);
    if (!service.data || !service.size)
        service = nameless(row);
    struct tally_entry *entry = tally_add_word(&summary->services, service, bytes);
    entry->more[0] += packets;
    entry->more[1]++;
}

/* Both directions of a pair count together; the label has the originator of the first flow in front. */
static void count_talkers(struct summary *summary, const struct row *row, uint64_t from_src, uint64_t from_dst)
{
    struct weir_ip pair[2] = {row_ip(row, FLOW_SRC_IP), row_ip(row, FLOW_DST_IP)};
    if (!pair[0].family || !pair[1].family)
        return;
    uint64_t hash = tally_hash(&pair[0], sizeof pair[0]) + tally_hash(&pair[1], sizeof pair[1]);
    struct tally_entry *entry = tally_add(&summary->talkers, hash, pair, sizeof pair, from_src + from_dst);
    entry->more[0] += memcmp(entry->label, &pair[0], sizeof pair[0]) == 0 ? from_src : from_dst;
    entry->more[1]++;
}

static void count_tcp(struct summary *summary, const struct row *row, uint64_t packets)
{
    struct weir_uint rtt = row_uint(row, FLOW_RTT);
    struct weir_str state = row_str(row, FLOW_STATE);
    uint64_t missed = row_uint(row, FLOW_MISSED_BYTES).value;
    summary->tcp_flows++;
    summary->tcp_packets += packets;
    summary->retransmits += row_uint(row, FLOW_SRC_RETRANSMITS).value + row_uint(row, FLOW_DST_RETRANSMITS).value;
    summary->missed_bytes += missed;
    summary->missed_flows += missed > 0;
    if (rtt.set)
        tally_spread_add(&summary->rtt, rtt.value);
    if (!state.data)
        return;
    summary->resets += state.size >= 4 && memcmp(state.data, "RST", 3) == 0; /* RSTO RSTR RSTOS0 RSTRH */
    summary->refused += is(state, "REJ");
    summary->unanswered_syns += is(state, "S0");
}

static void count_flow(struct summary *summary, const struct row *row)
{
    uint64_t packets = row_uint(row, FLOW_SRC_PACKETS).value + row_uint(row, FLOW_DST_PACKETS).value;
    uint64_t from_src = row_uint(row, FLOW_SRC_BYTES).value, from_dst = row_uint(row, FLOW_DST_BYTES).value;
    summary->flows++;
    summary->flow_packets += packets;
    summary->flow_bytes += from_src + from_dst;
    count_service(summary, row, packets, from_src + from_dst);
    count_talkers(summary, row, from_src, from_dst);
    if (row_uint(row, FLOW_PROTO).value == WEIR_TCP)
        count_tcp(summary, row, packets);
}

/* ---- http ---- */

static uint8_t put_some(char *to, size_t room, size_t used, struct weir_str text)
{
    size_t size = text.size < room - used ? text.size : room - used;
    if (text.data)
        memcpy(to + used, text.data, size);
    return (uint8_t)(text.data ? used + size : used);
}

/* Only a few requests in any capture get here. */
static void __attribute__((noinline)) keep_slow(struct summary *summary, const struct row *row, uint64_t latency_ns)
{
    uint32_t at = SUMMARY_SLOWEST - 1;
    for (; at > 0 && summary->slowest[at - 1].latency_ns < latency_ns; at--)
        summary->slowest[at] = summary->slowest[at - 1];
    struct slow_request *slow = &summary->slowest[at];
    slow->latency_ns = latency_ns;
    slow->method_size = put_some(slow->method, sizeof slow->method, 0, row_str(row, HTTP_METHOD));
    struct weir_str uri = row_str(row, HTTP_URI);
    slow->target_size = 0;
    if (!uri.size || uri.data[0] == '/' || uri.data[0] == '*') /* others name the host themselves: RFC 9112, 3.2 */
        slow->target_size = put_some(slow->target, sizeof slow->target, 0, row_str(row, HTTP_HOST));
    slow->target_size = put_some(slow->target, sizeof slow->target, slow->target_size, uri);
}

static void count_http(struct summary *summary, const struct row *row)
{
    struct weir_str method = row_str(row, HTTP_METHOD), host = row_str(row, HTTP_HOST);
    struct weir_uint status = row_uint(row, HTTP_STATUS), latency = row_uint(row, HTTP_LATENCY);
    if (method.data)
        summary->requests++;
    else
        summary->lone_replies++;
    if (status.set)
        summary->status[status.value >= 100 && status.value < 600 ? status.value / 100 : 0]++;
    else
        summary->unanswered_requests++;
    if (host.data && host.size)
        tally_add_text(&summary->hosts, host, 1);
    if (!latency.set)
        return;
    tally_spread_add(&summary->http_latency, latency.value);
    if (latency.value > summary->slowest[SUMMARY_SLOWEST - 1].latency_ns)
        keep_slow(summary, row, latency.value);
}

/* ---- dns, tls ---- */

static void count_dns(struct summary *summary, const struct row *row)
{
    struct weir_str qname = row_str(row, DNS_QNAME), rcode = row_str(row, DNS_RCODE);
    struct weir_uint latency = row_uint(row, DNS_LATENCY);
    summary->queries++;
    if (rcode.data)
        tally_add_word(&summary->rcodes, rcode, 1);
    else
        summary->unanswered_queries++;
    if (qname.data)
        tally_add_text(&summary->names, qname.size ? qname : weir_cstr("."), 1);
    if (latency.set)
        tally_spread_add(&summary->dns_latency, latency.value);
}

static void count_tls(struct summary *summary, const struct row *row)
{
    struct weir_str version = row_str(row, TLS_VERSION), sni = row_str(row, TLS_SNI);
    summary->hellos++;
    summary->resumed += row_uint(row, TLS_RESUMED).value;
    summary->established += row_uint(row, TLS_ESTABLISHED).value;
    if (version.data)
        tally_add_word(&summary->versions, version, 1);
    if (sni.data && sni.size)
        tally_add_text(&summary->servers, sni, 1);
}

/* ---- the sink ---- */

static const struct summary_table *table_of(struct summary *summary, const struct weir_table *table)
{
    static const struct summary_table none = {.kind = KIND_OTHER};
    uint32_t known = sizeof summary->tables / sizeof summary->tables[0];
    for (uint32_t i = 0; i < summary->table_count; i++)
        if (summary->tables[i].table == table)
            return &summary->tables[i];
    for (int kind = KIND_FLOW; kind <= KIND_TLS && summary->table_count < known; kind++) {
        if (strcmp(wanted[kind].table, table->name) != 0)
            continue;
        struct summary_table *found = &summary->tables[summary->table_count++];
        found->table = table;
        found->kind = kind;
        for (int i = 0; i < 16; i++)
            found->column[i] = wanted[kind].columns[i] ? record_column_find(table, wanted[kind].columns[i]) : -1;
        return found;
    }
    return &none;
}

static int summary_rows(void *context, const struct record_batch *batch, uint32_t first, uint32_t count)
{
    struct summary *summary = context;
    const struct summary_table *table = table_of(summary, record_batch_table(batch));
    struct row row = {batch, table->column, first};
    for (; row.number < first + count; row.number++) {
        switch (table->kind) {
        case KIND_FLOW: count_flow(summary, &row); break;
        case KIND_HTTP: count_http(summary, &row); break;
        case KIND_DNS: count_dns(summary, &row); break;
        case KIND_TLS: count_tls(summary, &row); break;
        default: return 0;
        }
    }
    return 0;
}

static int summary_flush(void *context)
{
    (void)context;
    return 0;
}

struct record_sink summary_sink(struct summary *summary)
{
    return (struct record_sink){summary_rows, summary_flush, summary};
}

struct summary *summary_new(void)
{
    struct summary *summary = calloc(1, sizeof *summary);
    WEIR_CHECK(summary != NULL);
    tally_init(&summary->services, 512);
    tally_init(&summary->talkers, 8192);
    tally_init(&summary->hosts, 4096);
    tally_init(&summary->rcodes, 64);
    tally_init(&summary->names, 4096);
    tally_init(&summary->versions, 64);
    tally_init(&summary->servers, 4096);
    return summary;
}

void summary_free(struct summary *summary)
{
    if (!summary)
        return;
    tally_fini(&summary->services);
    tally_fini(&summary->talkers);
    tally_fini(&summary->hosts);
    tally_fini(&summary->rcodes);
    tally_fini(&summary->names);
    tally_fini(&summary->versions);
    tally_fini(&summary->servers);
    free(summary);
}
