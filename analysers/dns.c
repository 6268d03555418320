/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns.c - DNS over UDP and TCP (RFC 1035), mDNS (RFC 6762), LLMNR (RFC 4795), with EDNS (RFC 6891).
 *
 * One row is one query message with its reply.  A query is kept as the bytes it came in, few as they are, until its
 * reply comes, ten seconds of packet time have gone, or the flow ends; text is made only when the row is.  A reply
 * belongs to the oldest waiting query of the other direction with the same id and question (names without regard
 * to case), or else the same id, so each of two equal queries has a row of its own.  A reply that nobody waits for is
 * a row too, with null latency.  A query to a multicast address is never answered inside its own flow and is given
 * out at once.
 *
 * A row is one message, not one question: mDNS asks several things at once, and its flags, counts and known answers
 * belong to all of them.  The first question is `qname`, the others are listed beside it.
 *
 * `qname` is what a query asked, so that counting it counts queries.  What a reply says that it answers stands in
 * `reply_qname` where no query was seen to ask it: the capture has one side only, the reply is the second to one query
 * or repeats another question, or the query was multicast and so in a flow of its own (LLMNR).  A reply without question
 * (mDNS) has neither, and the owners of its answers are listed instead.
 *
 * Invariants: at most MAX_PENDING queries wait in a flow; a row shows at most MAX_ITEMS answers and TEXT_BYTES of
 * text, and its counts tell when that was not all.  All work on a message is linear in its size.
 *
 * It is not a resolver's view: nothing is validated or cached, and NetBIOS names (port 137) are another protocol.
 */
#include <weir/analyser.h>

#include "dns/dns.h"

#define MAX_PENDING 32u
#define MAX_ITEMS 256u
#define TEXT_BYTES 16384u
#define RESERVED_BYTES 16u       /* for a number after all that */
#define STREAM_VIEW_BYTES 16384u /* of a longer message over TCP the rest is skipped */
#define QUERY_WIRE_BYTES 96u     /* of a waiting query, beside its other fields; most fit */
#define QUERY_HELD_BYTES 512u    /* of one that does not fit */
#define TIMEOUT_NS 10000000000u

#define DNS_ROW(X, R)                                                                                                  \
    X(R, U16, query_id, "dns.id", "", "message id")                                                                    \
    X(R, STR, opcode, "dns.flags.opcode", "", "QUERY, NOTIFY, UPDATE ...; OPCODEn where IANA has no name")             \
    X(R, STR, qname, "dns.qry.name", "dns.question.name",                                                              \
      "name that the query asks for; empty where it cannot be read")                                                   \
    X(R, STR, qtype, "dns.qry.type", "", "type of the first question: A, AAAA, HTTPS ...; TYPEn without a name")       \
    X(R, STR, qclass, "dns.qry.class", "", "class of the first question: IN, CH, ANY ...")                             \
    X(R, STR, rcode, "dns.flags.rcode", "", "NOERROR, NXDOMAIN ... with EDNS's upper bits; null: never answered")      \
    X(R, STRS, answers, "", "dns.answers", "RDATA of the reply's answer section, in presentation format")              \
    X(R, BOOL, aa, "dns.flags.authoritative", "", "the reply is authoritative")                                        \
    X(R, BOOL, tc, "dns.flags.truncated", "", "the reply (without one: the query) says it is truncated")               \
    X(R, BOOL, rd, "dns.flags.recdesired", "", "recursion was asked for")                                              \
    X(R, BOOL, ra, "dns.flags.recavail", "", "the server offers recursion")                                            \
    X(R, BOOL, ad, "dns.flags.authenticated", "", "the reply says its data was validated")                             \
    X(R, BOOL, cd, "dns.flags.checkdisable", "", "the query wants no validation")                                      \
    X(R, DURATION, latency_ns, "dns.time", "", "last byte of the query to first byte of the reply")                    \
    X(R, U16, question_count, "dns.count.queries", "", "questions in the query; without one, in the reply")            \
    X(R, U16, answer_count, "dns.count.answers", "", "answer records that the reply announces")                        \
    X(R, U16, authority_count, "dns.count.auth_rr", "", "authority records that the reply announces")                  \
    X(R, U16, additional_count, "dns.count.add_rr", "", "additional records that the reply announces")                 \
    X(R, U32, min_ttl, "dns.resp.ttl", "", "smallest TTL in the answer section, seconds")                              \
    X(R, STRS, answer_names, "dns.resp.name", "", "owner of each answer, where the reply has no question (mDNS)")      \
    X(R, STR, reply_qname, "", "", "name in the reply's question, where no query was seen to ask for it")              \
    X(R, STRS, more_questions, "", "", "questions after the first (mDNS), each as name, space, type")                  \
    X(R, U16, edns_udp_size, "dns.rr.udp_payload_size", "", "largest datagram the asker takes, as EDNS says")          \
    X(R, BOOL, edns_do, "dns.resp.z.do", "", "DNSSEC records were asked for")                                          \
    X(R, STR, client_subnet, "", "", "EDNS client subnet of the query (RFC 7871), as address/prefix")                  \
    X(R, U16, extended_error, "dns.opt.ext_error.info_code", "", "extended DNS error of the reply (RFC 8914)")
WEIR_TABLE(dns, DNS_ROW, "one row a DNS, mDNS or LLMNR query with its reply, or a reply without query");

/* A query that waits for its reply. */
struct query {
    uint64_t ts_ns;   /* its first byte */
    uint64_t done_ns; /* its last byte */
    uint8_t *held;    /* its bytes where they do not fit below */
    uint16_t id;
    uint16_t size; /* bytes kept */
    uint8_t dir;
    uint8_t wire[QUERY_WIRE_BYTES];
};

struct dns_state {
    struct query *more; /* held; replaces `first` once two wait at a time */
    uint8_t count, room;
    bool tagged;
    bool in_step[2]; /* over TCP: a message of that direction was read */
    bool lost[2];    /* over TCP: after a gap, the next bytes must prove to be a message */
    struct query first;
};

/* ---- rows ---- */

/* What a row points to while it is made. */
struct draft {
    struct dns_row row;
    struct dns_text text;
    struct weir_str answers[MAX_ITEMS], names[MAX_ITEMS], questions[MAX_ITEMS];
    char space[TEXT_BYTES + RESERVED_BYTES];
};

static struct weir_str draft_named(struct draft *d, const char *name, const char *prefix, uint32_t number)
{
    if (name != NULL)
        return weir_cstr(name);
    char *from = d->text.at;
    dns_put_cstr(&d->text, prefix);
    dns_put_uint(&d->text, number);
    return dns_text_since(&d->text, from);
}

/* The name at `at`; null where it is broken. */
static struct weir_str draft_name(struct draft *d, const struct dns_message *m, uint32_t at)
{
    char *from = d->text.at;
    if (dns_put_name(&d->text, m, at) && !d->text.full)
        return dns_text_since(&d->text, from);
    d->text.at = from;
    return (struct weir_str){0};
}

static void draft_names(struct draft *d, const struct dns_message *query, const struct dns_message *reply)
{
    bool asked = query != NULL && query->question_end != 0;
    if (asked)
        d->row.qname = draft_name(d, query, DNS_HEADER_BYTES);
    else if (query != NULL && query->counts[DNS_QUESTION] > 0)
        d->row.qname = weir_cstr("");
    if (reply != NULL && reply->question_end != 0 && (!asked || !dns_same_question(query, reply)))
        d->row.reply_qname = draft_name(d, reply, DNS_HEADER_BYTES);
}

/* Type and class of the first question, and the questions after it. */
static void draft_question(struct draft *d, const struct dns_message *m, bool mdns)
{
    d->row.qtype = draft_named(d, dns_type_name(m->qtype), "TYPE", m->qtype);
    uint16_t class_ = mdns ? m->qclass & 0x7fff : m->qclass; /* the top bit asks for a unicast reply: RFC 6762 5.4 */
    d->row.qclass = draft_named(d, dns_class_name(class_), "CLASS", class_);
    uint32_t at = m->question_end, n = 0;
    for (uint32_t i = 1; i < m->counts[0] && n < MAX_ITEMS; i++) {
        uint32_t next = dns_name_skip(m->data, at, m->size);
        if (next == 0 || m->size - next < 4)
            break;
        char *from = d->text.at;
        if (dns_put_name(&d->text, m, at)) {
            dns_put(&d->text, ' ');
            dns_put_type(&d->text, weir_load_be16(m->data + next));
            if (d->text.full) {
                d->text.at = from;
                break;
            }
            d->questions[n++] = dns_text_since(&d->text, from);
        }
        at = next + 4;
    }
    if (n > 0)
        d->row.more_questions = (struct weir_strs){d->questions, n, true};
}

/* The answer section; leaves *at behind it, or says that it broke off. */
static bool draft_answers(struct draft *d, const struct dns_message *m, uint32_t *at)
{
    bool owners = m->counts[0] == 0, room = true, whole = true;
    uint32_t n = 0, min_ttl = UINT32_MAX, seen = 0;
    struct dns_rr rr;
    for (; seen < m->counts[1]; seen++) {
        if (!dns_rr_read(m, at, &rr)) {
            whole = false;
            break;
        }
        min_ttl = rr.ttl < min_ttl ? rr.ttl : min_ttl;
        if (!room || n == MAX_ITEMS)
            continue;
        char *from = d->text.at;
        if (owners && !dns_put_name(&d->text, m, rr.name_at))
            d->text.at = from;
        d->names[n] = dns_text_since(&d->text, from);
        char *rdata = d->text.at;
        dns_put_rdata(&d->text, m, &rr);
        room = !d->text.full;
        if (room)
            d->answers[n++] = dns_text_since(&d->text, rdata);
        else
            d->text.at = from;
    }
    d->row.answers = (struct weir_strs){d->answers, n, true};
    if (owners && n > 0)
        d->row.answer_names = (struct weir_strs){d->names, n, true};
    if (seen > 0)
        d->row.min_ttl = weir_uint(min_ttl);
    return whole;
}

/* address/prefix of an EDNS client subnet (RFC 7871 6). */
static struct weir_str draft_subnet(struct draft *d, const struct dns_edns *e)
{
    uint8_t address[16] = {0};
    uint16_t family = e->subnet_bytes >= 4 ? weir_load_be16(e->subnet) : 0;
    uint32_t full = family == 1 ? 4 : family == 2 ? 16 : 0;
    if (full == 0 || e->subnet_bytes - 4u > full || e->subnet[2] > full * 8)
        return (struct weir_str){0};
    memcpy(address, e->subnet + 4, e->subnet_bytes - 4u);
    char *from = d->text.at;
    if (family == 1)
        dns_put_ipv4(&d->text, address);
    else
        dns_put_ipv6(&d->text, address);
    dns_put(&d->text, '/');
    dns_put_uint(&d->text, e->subnet[2]);
    return dns_text_since(&d->text, from);
}

static struct weir_uint flag(const struct dns_message *m, uint16_t bit)
{
    return weir_uint((m->flags & bit) != 0);
}

static bool is_port(const struct weir_flow *flow, uint16_t port)
{
    return flow->dst_port == port || flow->src_port == port;
}
static bool is_mdns(const struct weir_flow *flow)
{
    return is_port(flow, 5353) && !is_port(flow, 53);
}
static bool is_llmnr(const struct weir_flow *flow)
{
    return is_port(flow, 5355) && !is_port(flow, 53);
}

static void draft_reply(struct draft *d, const struct dns_message *m, bool llmnr)
{
    struct dns_edns e = {0};
    uint32_t at = m->records;
    if (m->records != 0 && draft_answers(d, m, &at))
        dns_records_skip(m, &at, (uint32_t)m->counts[2] + m->counts[3], &e);
    d->text.end += RESERVED_BYTES;
    d->text.full = false;
    uint32_t rcode = (uint32_t)e.rcode_high << 4 | (m->flags & 15u);
    d->row.rcode = draft_named(d, dns_rcode_name(rcode), "RCODE", rcode);
    d->row.tc = flag(m, DNS_TC);
    d->row.answer_count = weir_uint(m->counts[1]);
    d->row.authority_count = weir_uint(m->counts[2]);
    d->row.additional_count = weir_uint(m->counts[3]);
    if (e.has_error)
        d->row.extended_error = weir_uint(e.error);
    if (llmnr) /* other bits there: RFC 4795 2.1.1 */
        return;
    d->row.aa = flag(m, DNS_AA);
    d->row.ra = flag(m, DNS_RA);
    d->row.ad = flag(m, DNS_AD);
}

static void draft_query(struct draft *d, const struct dns_message *m, bool llmnr)
{
    struct dns_edns e = {0};
    uint32_t at = m->records;
    if (m->records != 0 && m->counts[3] > 0)
        dns_records_skip(m, &at, (uint32_t)m->counts[1] + m->counts[2] + m->counts[3], &e);
    if (e.there) {
        d->row.edns_udp_size = weir_uint(e.udp_bytes);
        d->row.edns_do = weir_uint(e.dnssec_ok);
    }
    if (e.subnet != NULL)
        d->row.client_subnet = draft_subnet(d, &e);
    d->row.tc = flag(m, DNS_TC);
    if (!llmnr)
        d->row.cd = flag(m, DNS_CD);
}

/* The row of a query and its reply, one of which may be NULL. */
static void emit(struct weir_turn *turn, const struct dns_message *query, const struct dns_message *reply,
                 uint64_t ts_ns, struct weir_uint latency_ns)
{
    struct draft d;
    memset(&d.row, 0, sizeof d.row);
    d.text = (struct dns_text){d.space, d.space + TEXT_BYTES, false};
    bool mdns = is_mdns(turn->flow), llmnr = is_llmnr(turn->flow);
    const struct dns_message *m = query ? query : reply;
    d.row.query_id = weir_uint(m->id);
    uint32_t opcode = dns_opcode(m);
    d.row.opcode = draft_named(&d, dns_opcode_name(opcode), "OPCODE", opcode);
    d.row.question_count = weir_uint(m->counts[0]);
    if (!llmnr)
        d.row.rd = flag(m, DNS_RD);
    if (query != NULL)
        draft_query(&d, query, llmnr);
    draft_names(&d, query, reply);
    if (m->question_end == 0 && reply != NULL)
        m = reply;
    if (m->question_end != 0)
        draft_question(&d, m, mdns);
    if (reply != NULL)
        draft_reply(&d, reply, llmnr);
    d.row.latency_ns = latency_ns;
    weir_emit(turn, &dns_table, &d.row, ts_ns);
}

/* ---- pairing ---- */

static struct query *queries(struct dns_state *s)
{
    return s->more ? s->more : &s->first;
}

static const uint8_t *query_bytes(const struct query *q)
{
    return q->held ? q->held : q->wire;
}

static void query_remove(struct weir_turn *turn, struct dns_state *s, uint32_t i)
{
    struct query *q = queries(s);
    if (q[i].held != NULL)
        weir_release(turn, q[i].held);
    s->count--;
    memmove(q + i, q + i + 1, (s->count - i) * sizeof *q);
}

static void query_give_up(struct weir_turn *turn, struct dns_state *s, uint32_t i)
{
    const struct query *q = queries(s) + i;
    struct dns_message m;
    if (dns_message_read(&m, query_bytes(q), q->size))
        emit(turn, &m, NULL, q->ts_ns, (struct weir_uint){0});
    query_remove(turn, s, i);
}

/* Room for one more: 1, 3, 7, 15, MAX_PENDING, which with what a hold costs fill whole blocks but for the last; the oldest
 * gives way when there is no more. */
static struct query *query_room(struct weir_turn *turn, struct dns_state *s)
{
    if (s->room == 0)
        s->room = 1;
    if (s->count == s->room && s->room < MAX_PENDING) {
        uint8_t room = s->room < 15 ? (uint8_t)(2 * s->room + 1) : MAX_PENDING;
        struct query *more = weir_hold(turn, room * (uint32_t)sizeof *more);
        if (more != NULL) {
            memcpy(more, queries(s), s->count * sizeof *more);
            if (s->more != NULL)
                weir_release(turn, s->more);
            s->more = more;
            s->room = room;
        }
    }
    if (s->count == s->room)
        query_give_up(turn, s, 0);
    return queries(s) + s->count++;
}

static void query_keep(struct weir_turn *turn, struct dns_state *s, const struct dns_message *m, uint64_t first_ns)
{
    struct query *q = query_room(turn, s);
    uint32_t size = m->size < QUERY_HELD_BYTES ? m->size : QUERY_HELD_BYTES;
    q->held = size > sizeof q->wire ? weir_hold(turn, size) : NULL;
    if (q->held == NULL && size > sizeof q->wire)
        size = sizeof q->wire;
    memcpy(q->held ? q->held : q->wire, m->data, size);
    q->size = (uint16_t)size;
    q->id = m->id;
    q->dir = turn->dir;
    q->ts_ns = first_ns;
    q->done_ns = turn->ts_ns;
}

/* The query that a reply of turn->dir belongs to, read into `query`; s->count: none. */
static uint32_t query_of(const struct weir_turn *turn, struct dns_state *s, const struct dns_message *reply,
                         struct dns_message *query)
{
    const struct query *q = queries(s);
    uint32_t by_id = s->count;
    for (uint32_t i = 0; i < s->count; i++) {
        if (q[i].id != reply->id || q[i].dir == turn->dir)
            continue;
        dns_message_read(query, query_bytes(q + i), q[i].size);
        if (dns_same_question(query, reply))
            return i;
        if (by_id == s->count)
            by_id = i;
    }
    if (by_id < s->count)
        dns_message_read(query, query_bytes(q + by_id), q[by_id].size);
    return by_id;
}

static void on_reply(struct weir_turn *turn, struct dns_state *s, const struct dns_message *reply, uint64_t first_ns)
{
    struct dns_message query;
    uint32_t i = query_of(turn, s, reply, &query);
    if (i < s->count) {
        const struct query *q = queries(s) + i;
        uint64_t latency_ns = first_ns > q->done_ns ? first_ns - q->done_ns : 0;
        emit(turn, &query, reply, q->ts_ns, weir_uint(latency_ns));
        query_remove(turn, s, i);
        return;
    }
    emit(turn, NULL, reply, first_ns, (struct weir_uint){0});
}

static bool to_many(const struct weir_ip *ip)
{
    return ip->family == 4 ? ip->bytes[0] >> 4 == 14 || ip->bytes[0] == 255 : ip->bytes[0] == 255;
}

static void on_message(struct weir_turn *turn, struct dns_state *s, const uint8_t *data, uint32_t size,
                       uint64_t first_ns)
{
    struct dns_message m;
    if (!weir_wants(turn, &dns_table) || !dns_message_read(&m, data, size))
        return;
    if (m.flags & DNS_QR)
        on_reply(turn, s, &m, first_ns);
    else if (to_many(&turn->flow->dst_ip))
        emit(turn, &m, NULL, first_ns, (struct weir_uint){0});
    else
        query_keep(turn, s, &m, first_ns);
}

/* ---- probe ---- */

static bool is_known_port(const struct weir_flow *flow)
{
    return is_port(flow, 53) || is_port(flow, 5353) || is_port(flow, 5355);
}

static enum weir_verdict probe_datagram(const struct weir_probe *probe)
{
    struct dns_message m;
    bool known = is_known_port(probe->flow);
    if (is_port(probe->flow, 137) || !dns_message_read(&m, probe->data, probe->size))
        return known ? WEIR_WAIT : WEIR_NO;
    bool header = dns_plausible_header(&m), question = dns_plausible_question(&m, !known);
    uint32_t at = m.records;
    bool whole = at != 0 && dns_records_skip(&m, &at, (uint32_t)m.counts[1] + m.counts[2] + m.counts[3], NULL);
    if (known) {
        if (header && (question || (whole && m.counts[0] == 0)))
            return WEIR_YES;
        bool one = dns_opcode(&m) == 0 && !(m.flags & DNS_Z) && m.counts[DNS_QUESTION] == 1;
        return header || question || one ? WEIR_LIKELY : WEIR_WAIT;
    }
    if (!header || !question || !dns_strict_header(&m) || (whole && at != m.size))
        return WEIR_NO;
    return whole ? WEIR_YES : WEIR_LIKELY;
}

static enum weir_verdict probe_stream(const struct weir_probe *probe)
{
    enum weir_verdict later = probe->whole ? WEIR_NO : WEIR_WAIT;
    if (probe->size < 2)
        return later;
    uint32_t size = weir_load_be16(probe->data), seen = probe->size - 2;
    const uint8_t *data = probe->data + 2;
    if (size < DNS_HEADER_BYTES + 5 || (seen >= 4 && (data[3] & DNS_Z)) || (seen >= 6 && weir_load_be16(data + 4) != 1))
        return WEIR_NO;
    struct dns_message m;
    if (seen < DNS_HEADER_BYTES || !dns_message_read(&m, data, seen < size ? seen : size))
        return later;
    if (!dns_plausible_header(&m) || !dns_strict_header(&m))
        return WEIR_NO;
    if (m.question_end == 0)
        return seen < size && seen < DNS_HEADER_BYTES + 255 + 4 ? later : WEIR_NO;
    if (!dns_plausible_question(&m, !is_known_port(probe->flow)))
        return WEIR_NO;
    bool alone = m.counts[1] + m.counts[2] + m.counts[3] == 0;
    return alone && size != m.question_end ? WEIR_NO : WEIR_YES;
}

static enum weir_verdict probe(const struct weir_probe *probe_)
{
    return probe_->flow->proto == WEIR_UDP && probe_->flow->depth == 0 ? probe_datagram(probe_) : probe_stream(probe_);
}

/* ---- calls ---- */

static void tag(struct weir_turn *turn, struct dns_state *s)
{
    s->tagged = true;
    if (is_mdns(turn->flow))
        weir_retag(turn, "mdns");
    else if (is_llmnr(turn->flow))
        weir_retag(turn, "llmnr");
}

static struct weir_answer on_datagram(struct weir_turn *turn, void *state)
{
    struct dns_state *s = state;
    if (!s->tagged)
        tag(turn, s);
    on_message(turn, s, turn->data, turn->left, turn->ts_ns);
    return weir_more(1);
}

/* Nothing more of this direction: it is out of step. */
static struct weir_answer give_up_direction(struct weir_turn *turn, const struct dns_state *s)
{
    if (!s->in_step[0] && !s->in_step[1])
        return weir_not_mine();
    weir_pass(turn, WEIR_ROUTE_SKIP, WEIR_ALL);
    return weir_more(1);
}

static struct weir_answer on_data(struct weir_turn *turn, void *state)
{
    struct dns_state *s = state;
    if (!s->tagged)
        tag(turn, s);
    for (uint64_t first_ns = turn->first_ns; turn->left >= 2; first_ns = turn->ts_ns) {
        uint32_t size = weir_load_be16(turn->data);
        uint32_t view = size < STREAM_VIEW_BYTES ? size : STREAM_VIEW_BYTES;
        struct dns_message m;
        if (size < DNS_HEADER_BYTES)
            return give_up_direction(turn, s);
        if (turn->left < 2 + DNS_HEADER_BYTES)
            return weir_more(2 + DNS_HEADER_BYTES);
        if (!dns_message_read(&m, turn->data + 2, turn->left - 2 < view ? turn->left - 2 : view) ||
            !dns_plausible_header(&m) || (s->lost[turn->dir] && !dns_strict_header(&m)))
            return give_up_direction(turn, s);
        if (turn->left - 2 < view)
            return weir_more(2 + view);
        if (s->lost[turn->dir] && !dns_plausible_question(&m, true))
            return give_up_direction(turn, s);
        s->in_step[turn->dir] = true;
        s->lost[turn->dir] = false;
        on_message(turn, s, turn->data + 2, view, first_ns);
        weir_consume(turn, 2 + view);
        if (size > view) {
            weir_pass(turn, WEIR_ROUTE_SKIP, size - view);
            return weir_more(1);
        }
    }
    return weir_more(2);
}

static struct weir_answer on_gap(struct weir_turn *turn, void *state, uint64_t bytes)
{
    struct dns_state *s = state;
    s->lost[turn->dir] = true;
    return weir_more(2 + DNS_HEADER_BYTES);
}

/* A direction that has ended answers nothing more; an ended flow has no one left to answer. */
static void on_end(struct weir_turn *turn, void *state, enum weir_end end)
{
    struct dns_state *s = state;
    for (uint32_t i = 0; i < s->count;) {
        if (end == WEIR_END_FIN && queries(s)[i].dir == turn->dir)
            i++;
        else
            query_give_up(turn, s, i);
    }
}

static void on_tick(struct weir_turn *turn, void *state)
{
    struct dns_state *s = state;
    while (s->count > 0 && turn->ts_ns > queries(s)->done_ns && turn->ts_ns - queries(s)->done_ns > TIMEOUT_NS)
        query_give_up(turn, s, 0);
}

static const struct weir_table *const tables[] = {&dns_table, NULL};

const struct weir_analyser weir_dns = {
    .abi = WEIR_ABI,
    .size = sizeof(struct weir_analyser),
    .name = "dns",
    .doc = "Domain Name System over UDP and TCP, with mDNS and LLMNR.",
    .state_bytes = sizeof(struct dns_state),
    .transports = WEIR_OVER_STREAM | WEIR_OVER_DATAGRAM,
    .tables = tables,
    .probe = probe,
    .on_data = on_data,
    .on_gap = on_gap,
    .on_datagram = on_datagram,
    .on_end = on_end,
    .on_tick = on_tick,
};
