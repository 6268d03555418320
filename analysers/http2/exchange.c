/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http2/exchange.c - fields into heads, heads into rows.
 *
 * Fields are collected into the same struct that the head of an HTTP/1 message becomes, so that what values say is read by
 * the same code (../http/value.h).  They are copied there, since what a field points to lives through its call only,
 * and once more, those that a row shows, into the exchange, which is held until both sides have ended.
 *
 * Bodies: the host takes one body a direction at a time, while streams share the connection.  The first stream with
 * content has it until its side ends; what others send meanwhile is counted and not handed on.
 */
#include "exchange.h"

#include "../http/value.h"

#define URI_MAX 8192u
#define TEXT_MAX 2048u
#define REPLY_ROOM 96u /* for the strings of a usual reply, behind those of the request */

/* ---- fields ---- */

enum known {
    KNOWN_METHOD = HTTP_HEADERS,
    KNOWN_PATH,
    KNOWN_AUTHORITY,
    KNOWN_STATUS,
};

static const struct {
    char name[20];
    uint8_t size, known;
} names[] = {
    {":authority", 10, KNOWN_AUTHORITY},
    {":method", 7, KNOWN_METHOD},
    {":path", 5, KNOWN_PATH},
    {":status", 7, KNOWN_STATUS},
    {"b3", 2, HTTP_B3},
    {"content-disposition", 19, HTTP_CONTENT_DISPOSITION},
    {"content-encoding", 16, HTTP_CONTENT_ENCODING},
    {"content-length", 14, HTTP_CONTENT_LENGTH},
    {"content-range", 13, HTTP_CONTENT_RANGE},
    {"content-type", 12, HTTP_CONTENT_TYPE},
    {"host", 4, HTTP_HOST},
    {"referer", 7, HTTP_REFERER},
    {"server", 6, HTTP_SERVER},
    {"traceparent", 11, HTTP_TRACEPARENT},
    {"user-agent", 10, HTTP_USER_AGENT},
    {"x-b3-spanid", 11, HTTP_B3_SPAN},
    {"x-b3-traceid", 12, HTTP_B3_TRACE},
    {"x-forwarded-for", 15, HTTP_FORWARDED_FOR},
};

/* The number of a name, or of none. */
static uint32_t known(struct weir_str name)
{
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].size == name.size && memcmp(names[i].name, name.data, name.size) == 0)
            return names[i].known;
    return UINT32_MAX;
}

static uint16_t status_of(struct weir_str text)
{
    uint32_t status = 0;
    for (uint32_t i = 0; i < text.size && i < 3; i++)
        status = status * 10 + ((uint8_t)(text.data[i] - '0') < 10 ? (uint32_t)(text.data[i] - '0') : 1000);
    return text.size == 3 && status < 1000 ? (uint16_t)status : 0;
}

static uint64_t length_of(struct weir_str text)
{
    uint64_t length = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        if ((uint8_t)(text.data[i] - '0') > 9 || length > UINT64_MAX / 10 - 1)
            return UINT64_MAX;
        length = length * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.size ? length : UINT64_MAX;
}

static void on_field(void *context, struct weir_str name, struct weir_str value)
{
    struct http2_fields *fields = context;
    struct http_head *head = &fields->head;
    uint32_t which = known(name);
    if (which == UINT32_MAX)
        return;
    struct weir_str *to = which == KNOWN_METHOD      ? &head->method
                          : which == KNOWN_PATH      ? &fields->path
                          : which == KNOWN_AUTHORITY ? &fields->authority
                          : which == KNOWN_STATUS    ? &head->reason
                                                     : &head->value[which];
    if (to->data) /* the first of several */
        return;
    char *text = fields->text + fields->used;
    uint32_t most = which == KNOWN_PATH ? URI_MAX : TEXT_MAX, left = HTTP2_FIELDS_TEXT - fields->used;
    most = most < left ? most : left;
    if (which == KNOWN_AUTHORITY || which == HTTP_HOST)
        value = http_without_user(value);
    uint32_t size = value.size < most ? value.size : most;
    if (which == KNOWN_PATH || which == HTTP_REFERER)
        size = http_url_copy(text, most, value);
    else
        memcpy(text, value.data, size);
    *to = weir_str(text, size);
    fields->used += size;
}

bool http2_fields(struct weir_turn *turn, struct http2_table *table, struct weir_bytes block,
                  struct http2_fields *fields)
{
    struct http_head *head = &fields->head;
    memset(fields, 0, offsetof(struct http2_fields, text));
    if (!http2_block(turn, table, block, on_field, fields))
        return false;
    head->status = status_of(head->reason);
    head->reason = (struct weir_str){0};
    head->length = length_of(head->value[HTTP_CONTENT_LENGTH]);
    head->version = weir_cstr("2");
    head->uri = fields->path.data ? fields->path : fields->authority; /* CONNECT has no path (RFC 9113 section 8.5) */
    if (!fields->path.data && !(head->method.size == 7 && memcmp(head->method.data, "CONNECT", 7) == 0))
        head->uri = (struct weir_str){0};
    if (fields->authority.size)
        head->value[HTTP_HOST] = fields->authority;
    fields->request = head->method.size > 0;
    fields->reply = head->status > 0;
    return true;
}

/* ---- exchanges ---- */

struct http2_exchange *http2_exchange_of(const struct http2_exchanges *all, uint32_t id)
{
    for (uint32_t i = all->count; i-- > 0;)
        if (all->id[i] == id)
            return all->of[i];
    return NULL;
}

static void give_out(struct weir_turn *turn, struct http2_exchanges *all, struct http2_exchange *ex)
{
    struct http_row *row = &ex->row;
    uint32_t i = 0;
    while (all->of[i] != ex)
        i++;
    all->count--;
    memmove(all->id + i, all->id + i + 1, (all->count - i) * sizeof all->id[0]);
    memmove(all->of + i, all->of + i + 1, (all->count - i) * sizeof all->of[0]);
    if (ex->asked)
        row->request_body_bytes = weir_uint(ex->body_bytes[ex->client]);
    if (ex->answered)
        row->response_body_bytes = weir_uint(ex->body_bytes[!ex->client]);
    weir_emit(turn, &http_table, row, ex->first_ns);
    for (int dir = 0; dir < 2; dir++) {
        http_doh_end(turn, &all->child, &ex->message[dir], false);
        if (all->body[dir] == ex->id)
            all->body[dir] = 0;
    }
    if (ex->more)
        weir_release(turn, ex->more);
    weir_release(turn, ex);
}

static struct weir_str cut(struct weir_str text, uint32_t most)
{
    return text.size > most ? weir_str(text.data, most) : text;
}

/* Copies strings behind those that are there, as far as there is room. */
static void keep(char *to, uint32_t room, uint32_t *used, struct weir_str *text)
{
    if (text->data == NULL)
        return;
    uint32_t size = text->size < room - *used ? text->size : room - *used;
    memcpy(to + *used, text->data, size);
    *text = weir_str(to + *used, size);
    *used += size;
}

static struct http2_exchange *new_exchange(struct weir_turn *turn, struct http2_exchanges *all, uint32_t id, int client,
                                           uint32_t text_bytes)
{
    uint32_t room = (text_bytes + REPLY_ROOM + 63) & ~63u;
    if (all->count == HTTP2_STREAMS)
        give_out(turn, all, all->of[0]);
    struct http2_exchange *ex = weir_hold(turn, (uint32_t)sizeof *ex + room);
    while (ex == NULL && all->count) {
        give_out(turn, all, all->of[0]);
        ex = weir_hold(turn, (uint32_t)sizeof *ex + room);
    }
    if (ex == NULL)
        return NULL;
    ex->id = id;
    ex->client = (uint8_t)client;
    ex->room = room;
    ex->row.depth = weir_uint(turn->flow->depth);
    all->id[all->count] = id;
    all->of[all->count++] = ex;
    return ex;
}

/* The strings of a request, as views into its fields. */
static void request_strings(const struct http_head *head, struct http_row *row)
{
    row->method = cut(head->method, TEXT_MAX);
    row->uri = cut(head->uri, URI_MAX);
    row->version = head->version;
    row->host = cut(head->value[HTTP_HOST], TEXT_MAX);
    row->user_agent = cut(head->value[HTTP_USER_AGENT], TEXT_MAX);
    row->referer = cut(head->value[HTTP_REFERER], TEXT_MAX);
    row->request_content_type = cut(head->value[HTTP_CONTENT_TYPE], TEXT_MAX);
    row->forwarded_for = cut(head->value[HTTP_FORWARDED_FOR], TEXT_MAX);
    http_trace(head, &row->trace_id, &row->span_id);
}

struct http2_exchange *http2_request(struct weir_turn *turn, struct http2_exchanges *all, uint32_t id, int client,
                                     const struct http2_fields *fields, uint64_t first_ns)
{
    struct http_row row = {0};
    struct weir_str *const strings[] = {&row.method,        &row.uri,      &row.host,
                                        &row.user_agent,    &row.referer,  &row.request_content_type,
                                        &row.forwarded_for, &row.trace_id, &row.span_id};
    uint32_t bytes = 0;
    if (http2_exchange_of(all, id))
        return NULL;
    request_strings(&fields->head, &row);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        bytes += strings[i]->size;
    struct http2_exchange *ex = new_exchange(turn, all, id, client, bytes);
    if (ex == NULL) {
        row.depth = weir_uint(turn->flow->depth);
        weir_emit(turn, &http_table, &row, first_ns);
        return NULL;
    }
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        keep(ex->text, ex->room, &ex->used, strings[i]);
    row.depth = ex->row.depth;
    ex->row = row;
    ex->asked = true;
    ex->first_ns = first_ns;
    if (row.method.size == 3 && memcmp(row.method.data, "GET", 3) == 0 && client == turn->dir)
        http_doh_get(turn, &all->child, row.uri);
    return ex;
}

struct http2_exchange *http2_reply(struct weir_turn *turn, struct http2_exchanges *all, uint32_t id,
                                   const struct http2_fields *fields, uint64_t first_ns)
{
    const struct http_head *head = &fields->head;
    struct http2_exchange *ex = http2_exchange_of(all, id);
    if (ex && (ex->answered || ex->client == turn->dir))
        return NULL;
    if (ex == NULL) {
        ex = new_exchange(turn, all, id, !turn->dir, 0);
        if (ex == NULL)
            return NULL;
        ex->request_done = true;
        ex->first_ns = first_ns;
        ex->row.version = head->version;
    } else if (ex->request_done && first_ns >= ex->end_ns) {
        ex->row.latency_ns = weir_uint(first_ns - ex->end_ns);
    }
    ex->answered = true;
    ex->reply_ns = first_ns;
    struct http_row *row = &ex->row;
    struct weir_str *const strings[] = {&row->content_type, &row->content_encoding, &row->server};
    row->status = weir_uint(head->status);
    row->content_type = cut(head->value[HTTP_CONTENT_TYPE], TEXT_MAX);
    row->content_encoding = cut(head->value[HTTP_CONTENT_ENCODING], TEXT_MAX);
    row->server = cut(head->value[HTTP_SERVER], TEXT_MAX);
    uint32_t bytes = row->content_type.size + row->content_encoding.size + row->server.size, used = 0;
    if (bytes > ex->room - ex->used)
        ex->more = weir_hold(turn, bytes);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        keep(ex->more ? ex->more : ex->text, ex->more ? bytes : ex->room, ex->more ? &used : &ex->used, strings[i]);
    return ex;
}

void http2_content_begins(struct weir_turn *turn, struct http2_exchanges *all, struct http2_exchange *ex,
                          const struct http2_fields *fields)
{
    const struct http_head *head = &fields->head;
    struct weir_body body = {
        .content_type = head->value[HTTP_CONTENT_TYPE],
        .content_encoding = head->value[HTTP_CONTENT_ENCODING],
        .filename = http_filename(head->value[HTTP_CONTENT_DISPOSITION]),
        .host = ex->row.host,
        .uri = ex->row.uri,
        .size = head->length,
    };
    if (http_doh_is(body.content_type, body.content_encoding))
        http_doh_begin(&ex->message[turn->dir]);
    if (all->body[turn->dir])
        return;
    if (head->status == 206)
        http_content_range(&body, head->value[HTTP_CONTENT_RANGE]);
    all->body[turn->dir] = ex->id;
    weir_body_begin(turn, &body);
}

static void body_ends(struct weir_turn *turn, struct http2_exchanges *all, const struct http2_exchange *ex,
                      bool complete)
{
    if (all->body[turn->dir] != ex->id)
        return;
    all->body[turn->dir] = 0;
    weir_body_end(turn, complete);
}

void http2_side_ends(struct weir_turn *turn, struct http2_exchanges *all, struct http2_exchange *ex)
{
    body_ends(turn, all, ex, true);
    http_doh_end(turn, &all->child, &ex->message[turn->dir], true);
    if (turn->dir == ex->client) {
        ex->request_done = true;
        ex->end_ns = turn->ts_ns;
    } else {
        ex->replied = true;
        if (ex->asked && turn->ts_ns >= ex->first_ns)
            ex->row.duration_ns = weir_uint(turn->ts_ns - ex->first_ns);
    }
    if (ex->request_done && ex->replied)
        give_out(turn, all, ex);
}

void http2_exchange_reset(struct weir_turn *turn, struct http2_exchanges *all, struct http2_exchange *ex)
{
    body_ends(turn, all, ex, false);
    give_out(turn, all, ex);
}

void http2_exchanges_end(struct weir_turn *turn, struct http2_exchanges *all)
{
    while (all->count)
        give_out(turn, all, all->of[0]);
}
