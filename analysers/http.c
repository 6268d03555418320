/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - HTTP/1.0 and 1.1 over streams (RFC 9110, 9112): one row an exchange of request and reply.
 *
 * Each direction is a small machine that steps from head to body to head.  A request whose head is there is kept as an
 * `exchange`, with its row already half filled, in a queue in order of sending (pipelining); a reply takes the oldest
 * of the queue, and its row is given out when both bodies have ended.  What has no partner, because the capture began late,
 * bytes are missing or nobody answered, gives a row with the other half null.
 *
 * Bodies are never looked at: their bytes are routed past by weir_pass(), chunk by chunk where they are chunked.  A
 * gap inside a body therefore does no harm; a gap anywhere else, or bytes that are no message, set the direction to
 * LOST, which looks for the next whole start line.  After replies were lost, packet time tells which of the waiting
 * requests a reply can belong to.
 *
 * A CONNECT that was granted and an upgrade (101) end HTTP on the flow: what follows is a child stream.
 *
 * DNS over HTTPS is handed to a child stream (http/doh.h), where a body has a length.
 *
 * Not here: HTTP/2 (http2.c) and later, content codings, multipart, files.  Credentials (Authorization, Cookie,
 * passwords in URLs) do not enter rows.
 */
#include <weir/analyser.h>

#include "http/doh.h"
#include "http/head.h"
#include "http/row.h"
#include "http/value.h"

#define QUEUE_MAX 256u      /* requests waiting for a reply: many pile up while a hole in the replies is waited for */
#define URI_MAX (24u << 10) /* longer strings are cut in rows */
#define TEXT_MAX 2048u
#define LEAST_MESSAGE 16u /* no head fits into fewer bytes */
#define REPLY_ROOM 192u   /* for the strings of a usual reply, behind those of the request */
#define CHUNK_LINE_MAX 4096u
#define TRAILER_MAX (16u << 10)
#define EARLY_MAX (16u << 10) /* bytes after CONNECT or an upgrade that wait for the answer to it */

/* One request and its reply.  Held; `text` carries what `row` points to. */
struct exchange {
    struct exchange *next;
    char *more;          /* strings of a reply that did not fit behind the request's; NULL mostly */
    uint64_t first_ns;   /* first byte of the request, or of the reply where there is no request */
    uint64_t end_ns;     /* last byte of the request */
    uint64_t reply_ns;   /* first byte of the reply */
    uint32_t room, used; /* of text */
    bool request_done, answered;
    bool head;              /* HEAD: the reply has no body whatever it says */
    bool connect, switches; /* CONNECT; Upgrade was asked for */
    struct http_row row;
    char text[];
};

enum step {
    START, /* between messages, or in a head */
    BODY,  /* the rest of a body with a length is on its way */
    REST,  /* a body up to the end of the stream */
    DNS,   /* a body that is a DNS message, all of it */
    CHUNK, /* a chunk size line */
    CHUNK_DATA,
    CHUNK_END, /* the line end after a chunk */
    TRAILER,
    LOST,     /* out of step: looks for a start line */
    SWITCHED, /* the child's, or nobody's */
};

struct side {
    enum step step;
    bool started;    /* a message has begun: first_ns is its first byte's */
    bool lost_head;  /* and the gap in which it was began between messages */
    bool lost_bytes; /* something was missed since the last good head */
    bool body;       /* weir_body_begin() was called */
    bool counted;    /* body_bytes says something */
    struct http_scan scan;
    uint64_t first_ns;
    uint64_t gap_ns;     /* when the last gap was told */
    uint64_t body_bytes; /* of the current body, those that are on their way included */
};

struct http_state {
    struct side side[2];           /* client, server */
    struct exchange *first, *last; /* answers are awaited, oldest first */
    struct exchange *asking;       /* its request is still coming; in the queue or answering, or answered */
    struct exchange *answering;
    uint32_t waiting;      /* in the queue */
    uint32_t given_out;    /* requests given out for want of room: as many replies have no request */
    bool decided, flipped; /* the originator is the server: the start was not seen */
    bool pipelined;        /* this client does not wait for replies */
    bool missed;           /* requests may have been missed */
    bool loose;            /* the strings of the reply in `answering` are not copied yet */
    bool to_child;         /* SWITCHED: to the child, not dropped */
    struct http_doh_child dns;
};

enum { CLIENT, SERVER };
enum progress { GO_ON, WAIT, LEAVE };

/* --- exchanges ---------------------------------------------------------------------------------------------- */

static void free_exchange(struct weir_turn *turn, struct http_state *s, struct exchange *ex)
{
    if (s->asking == ex)
        s->asking = NULL;
    if (s->answering == ex)
        s->answering = NULL;
    if (ex->more)
        weir_release(turn, ex->more);
    weir_release(turn, ex);
}

static void give_out(struct weir_turn *turn, struct http_state *s, struct exchange *ex)
{
    struct http_row *row = &ex->row;
    if (row->method.data && row->status.set && ex->request_done && ex->reply_ns >= ex->end_ns)
        row->latency_ns = weir_uint(ex->reply_ns - ex->end_ns);
    weir_emit(turn, &http_table, row, ex->first_ns);
    free_exchange(turn, s, ex);
}

static struct exchange *pop(struct http_state *s)
{
    struct exchange *ex = s->first;
    s->first = ex->next;
    if (s->first == NULL)
        s->last = NULL;
    s->waiting--;
    return ex;
}

/* The oldest will not be answered, or not that we could tell. */
static void give_out_oldest(struct weir_turn *turn, struct http_state *s)
{
    struct exchange *ex = pop(s);
    give_out(turn, s, ex);
}

static struct exchange *new_exchange(struct weir_turn *turn, struct http_state *s, uint32_t text_bytes)
{
    uint32_t room = text_bytes + REPLY_ROOM;
    struct exchange *ex = weir_hold(turn, (uint32_t)sizeof *ex + room);
    while (ex == NULL && s->first) {
        give_out_oldest(turn, s);
        s->given_out++;
        ex = weir_hold(turn, (uint32_t)sizeof *ex + room);
    }
    if (ex == NULL)
        return NULL;
    ex->room = room;
    ex->row.depth = weir_uint(turn->flow->depth);
    return ex;
}

/* Copies one string into the exchange. */
static struct weir_str keep(struct exchange *ex, struct weir_str text, uint32_t most)
{
    uint32_t size = text.size < most ? text.size : most;
    if (text.data == NULL)
        return text;
    if (size > ex->room - ex->used)
        size = ex->room - ex->used;
    char *to = ex->text + ex->used;
    memcpy(to, text.data, size);
    ex->used += size;
    return weir_str(to, size);
}

/* The same of a URL, whose passwords are left out. */
static struct weir_str keep_url(struct exchange *ex, struct weir_str url)
{
    char *to = ex->text + ex->used;
    uint32_t room = ex->room - ex->used < URI_MAX ? ex->room - ex->used : URI_MAX;
    if (url.data == NULL)
        return url;
    uint32_t size = http_url_copy(to, room, url);
    ex->used += size;
    return weir_str(to, size);
}

static bool is_method(struct weir_str method, const char *name, uint32_t size)
{
    return method.size == size && memcmp(method.data, name, size) == 0;
}

static uint32_t text_bytes(const struct http_head *head, struct weir_str host)
{
    static const uint8_t kept[] = {HTTP_USER_AGENT, HTTP_REFERER, HTTP_CONTENT_TYPE, HTTP_FORWARDED_FOR};
    uint32_t bytes = head->method.size + 3 + 48;
    bytes += head->uri.size < URI_MAX ? head->uri.size : URI_MAX;
    bytes += host.size < TEXT_MAX ? host.size : TEXT_MAX;
    for (size_t i = 0; i < sizeof kept; i++)
        bytes += head->value[kept[i]].size < TEXT_MAX ? head->value[kept[i]].size : TEXT_MAX;
    return bytes;
}

/* The exchange that a request begins, at the end of the queue; NULL when there is no memory: its row is out already. */
static struct exchange *ask(struct weir_turn *turn, struct http_state *s, const struct http_head *head)
{
    struct weir_str host = head->value[HTTP_HOST].size ? http_without_user(head->value[HTTP_HOST])
                                                       : http_authority(head->method, head->uri),
                    trace, span;
    while (s->waiting >= QUEUE_MAX) {
        give_out_oldest(turn, s);
        s->given_out++;
    }
    struct exchange *ex = new_exchange(turn, s, text_bytes(head, host));
    if (ex == NULL) {
        struct http_row row = {.method = head->method, .host = host, .version = head->version};
        row.depth = weir_uint(turn->flow->depth);
        if (head->uri.size && memchr(head->uri.data, '@', head->uri.size) == NULL) /* others may hold a password */
            row.uri = head->uri;
        s->given_out++;
        weir_emit(turn, &http_table, &row, s->side[CLIENT].first_ns);
        return NULL;
    }
    http_trace(head, &trace, &span);
    struct http_row *row = &ex->row;
    row->method = keep(ex, head->method, TEXT_MAX);
    row->uri = keep_url(ex, head->uri);
    row->version = keep(ex, head->version, TEXT_MAX);
    row->host = keep(ex, host, TEXT_MAX);
    row->user_agent = keep(ex, head->value[HTTP_USER_AGENT], TEXT_MAX);
    row->referer = keep_url(ex, head->value[HTTP_REFERER]);
    row->request_content_type = keep(ex, head->value[HTTP_CONTENT_TYPE], TEXT_MAX);
    row->forwarded_for = keep(ex, head->value[HTTP_FORWARDED_FOR], TEXT_MAX);
    row->trace_id = keep(ex, trace, TEXT_MAX);
    row->span_id = keep(ex, span, TEXT_MAX);
    ex->first_ns = s->side[CLIENT].first_ns;
    ex->head = is_method(head->method, "HEAD", 4);
    ex->connect = is_method(head->method, "CONNECT", 7);
    ex->switches = head->value[HTTP_UPGRADE].size > 0;
    if (s->last)
        s->last->next = ex;
    else
        s->first = ex;
    s->last = s->asking = ex;
    s->waiting++;
    return ex;
}

/*
 * Replies were lost: gives out the requests that they belonged to.  A client that is not known to pipeline has sent its
 * next request only after it had the reply before, so what was asked in full before this reply began is not what it answers,
 * but for the newest.  Replies that the gap held up all seem to begin with it: then just the one whose head is lost goes.
 */
static void give_out_lost(struct weir_turn *turn, struct http_state *s)
{
    const struct side *side = &s->side[SERVER];
    s->given_out = 0;
    if (s->pipelined)
        return;
    if (side->first_ns == side->gap_ns) {
        if (side->lost_head && s->waiting > 1)
            give_out_oldest(turn, s);
        return;
    }
    while (s->waiting > 1 && s->first->next->request_done && s->first->next->end_ns <= side->first_ns)
        give_out_oldest(turn, s);
}

/* The exchange that a reply belongs to; NULL when there is no memory. */
static struct exchange *answered_by(struct weir_turn *turn, struct http_state *s, const struct http_head *head)
{
    struct side *side = &s->side[SERVER];
    if (side->lost_bytes)
        give_out_lost(turn, s);
    else if (s->waiting > 1 && s->first->next->first_ns < side->first_ns && side->gap_ns != side->first_ns)
        s->pipelined = true;
    struct exchange *ex = s->first;
    if (ex && s->given_out == 0 && !(s->missed && ex->first_ns > side->first_ns)) {
        pop(s);
    } else {
        s->given_out -= s->given_out > 0;
        if ((ex = new_exchange(turn, s, head->version.size)) == NULL)
            return NULL;
        ex->row.version = keep(ex, head->version, TEXT_MAX);
        ex->first_ns = side->first_ns;
        ex->request_done = true;
    }
    side->lost_bytes = false;
    ex->answered = true;
    ex->reply_ns = side->first_ns;
    return ex;
}

/* The strings of a reply that goes on after this call. */
static void keep_reply(struct weir_turn *turn, struct exchange *ex)
{
    struct weir_str *text[] = {&ex->row.reason, &ex->row.content_type, &ex->row.content_encoding, &ex->row.server};
    uint32_t bytes = 0, used = 0, room = ex->room - ex->used;
    char *to = ex->text + ex->used;
    for (size_t i = 0; i < 4; i++)
        bytes += text[i]->size < TEXT_MAX ? text[i]->size : TEXT_MAX;
    if (bytes > room && (ex->more = weir_hold(turn, bytes)) != NULL) {
        to = ex->more;
        room = bytes;
    }
    for (size_t i = 0; i < 4; i++) {
        uint32_t size = text[i]->size < TEXT_MAX ? text[i]->size : TEXT_MAX;
        if (text[i]->data == NULL)
            continue;
        if (size > room - used)
            size = room - used;
        memcpy(to + used, text[i]->data, size);
        *text[i] = weir_str(to + used, size);
        used += size;
    }
    if (to != ex->more)
        ex->used += used;
}

/* --- ends of messages --------------------------------------------------------------------------------------- */

static void request_done(struct weir_turn *turn, struct http_state *s, bool complete)
{
    struct side *side = &s->side[CLIENT];
    struct exchange *ex = s->asking;
    s->asking = NULL;
    if (ex == NULL)
        return;
    if (side->counted)
        ex->row.request_body_bytes = weir_uint(side->body_bytes);
    ex->request_done = true;
    ex->end_ns = complete ? turn->ts_ns : UINT64_MAX;
    if (ex->answered && ex != s->answering)
        give_out(turn, s, ex);
}

static void reply_done(struct weir_turn *turn, struct http_state *s, bool complete)
{
    struct side *side = &s->side[SERVER];
    struct exchange *ex = s->answering;
    s->answering = NULL;
    if (ex == NULL)
        return;
    if (side->counted)
        ex->row.response_body_bytes = weir_uint(side->body_bytes);
    if (complete && ex->row.method.data && turn->ts_ns >= ex->first_ns)
        ex->row.duration_ns = weir_uint(turn->ts_ns - ex->first_ns);
    if (ex->request_done)
        give_out(turn, s, ex);
    else if (s->loose)
        keep_reply(turn, ex);
    s->loose = false;
}

/* The message of this side has ended, as it should or cut short. */
static void message_done(struct weir_turn *turn, struct http_state *s, int who, bool complete)
{
    struct side *side = &s->side[who];
    if (side->body && who == (turn->dir ^ s->flipped))
        weir_body_end(turn, complete);
    if (who == CLIENT)
        request_done(turn, s, complete);
    else
        reply_done(turn, s, complete);
    side->body = side->started = side->counted = false;
    side->scan = (struct http_scan){0};
    side->step = START;
}

static void lose(struct weir_turn *turn, struct http_state *s, int who)
{
    struct side *side = &s->side[who];
    message_done(turn, s, who, false);
    side->lost_bytes = true;
    side->lost_head = false;
    s->missed |= who == CLIENT;
    side->step = LOST;
}

/* --- bodies ------------------------------------------------------------------------------------------------- */

static void begin_body(struct weir_turn *turn, struct side *side, const struct exchange *ex,
                       const struct http_head *head, uint64_t size)
{
    struct weir_body body = {
        .content_type = head->value[HTTP_CONTENT_TYPE],
        .content_encoding = head->value[HTTP_CONTENT_ENCODING],
        .filename = http_filename(head->value[HTTP_CONTENT_DISPOSITION]),
        .size = size,
    };
    if (ex) {
        body.host = ex->row.host;
        body.uri = ex->row.uri;
    }
    if (head->status == 206)
        http_content_range(&body, head->value[HTTP_CONTENT_RANGE]);
    weir_body_begin(turn, &body);
    side->body = true;
}

/* The next bytes are the body's.  GO_ON when all of them are here: no route is opened, the call need not be repeated. */
static enum progress body_bytes(struct weir_turn *turn, uint64_t size)
{
    if (size <= turn->left) {
        weir_body_data(turn, turn->data, (uint32_t)size);
        weir_consume(turn, (uint32_t)size);
        return GO_ON;
    }
    weir_pass(turn, WEIR_ROUTE_BODY, size);
    return WAIT;
}

/* Routes the body after a head that was consumed.  GO_ON: the message may end in this call. */
static enum progress start_body(struct weir_turn *turn, struct http_state *s, int who, const struct exchange *ex,
                                const struct http_head *head, bool bodiless)
{
    struct side *side = &s->side[who];
    enum http_framing framing = bodiless ? HTTP_LENGTH : head->framing;
    uint64_t length = bodiless ? 0 : head->length;
    side->body_bytes = 0;
    side->counted = true;
    if (framing == HTTP_BAD_LENGTH) { /* nothing that can be believed: look for what comes next */
        side->counted = false;
        lose(turn, s, who);
        return GO_ON;
    }
    if (framing == HTTP_CHUNKED) {
        begin_body(turn, side, ex, head, UINT64_MAX);
        side->step = CHUNK;
        return GO_ON;
    }
    if (who == SERVER ? framing != HTTP_LENGTH : framing == HTTP_CODED) { /* up to the end (RFC 9112 section 6.3) */
        begin_body(turn, side, ex, head, UINT64_MAX);
        side->step = REST;
        weir_pass(turn, WEIR_ROUTE_BODY, WEIR_ALL);
        return WAIT;
    }
    if (framing == HTTP_NO_LENGTH || length == 0) {
        message_done(turn, s, who, true);
        return GO_ON;
    }
    begin_body(turn, side, ex, head, length);
    side->step = BODY;
    side->body_bytes = length;
    if (length <= HTTP_DOH_MAX && http_doh_is(head->value[HTTP_CONTENT_TYPE], head->value[HTTP_CONTENT_ENCODING])) {
        side->step = DNS;
        return GO_ON;
    }
    return body_bytes(turn, length);
}

static enum progress dns_body(struct weir_turn *turn, struct http_state *s, int who)
{
    struct http_doh message = {0};
    uint32_t bytes = (uint32_t)s->side[who].body_bytes;
    if (turn->left < bytes)
        return WAIT;
    http_doh_begin(&message);
    http_doh_add(turn, &message, turn->data, bytes);
    http_doh_end(turn, &s->dns, &message, true);
    body_bytes(turn, bytes);
    message_done(turn, s, who, true);
    return GO_ON;
}

/* A chunk size line (RFC 9112 section 7.1): hexadecimal number, extensions after a semicolon. */
static enum progress chunk_line(struct weir_turn *turn, struct http_state *s, int who)
{
    struct side *side = &s->side[who];
    const uint8_t *p = turn->data, *end = memchr(p, '\n', turn->left < CHUNK_LINE_MAX ? turn->left : CHUNK_LINE_MAX);
    uint64_t size = 0;
    uint32_t digits = 0;
    bool endless = false;
    if (end == NULL) {
        if (turn->left < CHUNK_LINE_MAX)
            return WAIT;
        lose(turn, s, who);
        return GO_ON;
    }
    for (; p < end; p++, digits++) {
        uint8_t c = *p, low = (uint8_t)(c | 0x20);
        uint8_t digit = (uint8_t)(c - '0') < 10 ? c - '0' : (uint8_t)(low - 'a') < 6 ? low - 'a' + 10 : 16;
        if (digit == 16)
            break;
        endless |= size >> 59 != 0; /* no stream is as long: the rest of it is this chunk */
        size = size << 4 | digit;
    }
    if (digits == 0 || (*p != '\r' && *p != '\n' && *p != ';' && *p != ' ' && *p != '\t')) {
        lose(turn, s, who);
        return GO_ON;
    }
    weir_consume(turn, (uint32_t)(end + 1 - turn->data));
    if (size == 0 && !endless) {
        side->step = TRAILER;
        return GO_ON;
    }
    if (endless) {
        side->step = REST;
        weir_pass(turn, WEIR_ROUTE_BODY, WEIR_ALL);
        return WAIT;
    }
    side->step = CHUNK_DATA;
    side->body_bytes += size;
    return body_bytes(turn, size);
}

static enum progress chunk_end(struct weir_turn *turn, struct http_state *s, int who)
{
    if (turn->left == 0 || (turn->left == 1 && turn->data[0] == '\r'))
        return WAIT;
    if (turn->data[0] == '\n' || (turn->data[0] == '\r' && turn->data[1] == '\n')) {
        weir_consume(turn, turn->data[0] == '\n' ? 1 : 2);
        s->side[who].step = CHUNK;
    } else {
        lose(turn, s, who);
    }
    return GO_ON;
}

/* Trailer lines and the empty line (RFC 9112 section 7.1.2). */
static enum progress trailer(struct weir_turn *turn, struct http_state *s, int who)
{
    const uint8_t *end = memchr(turn->data, '\n', turn->left);
    if (end == NULL) {
        if (turn->left < TRAILER_MAX)
            return WAIT;
        lose(turn, s, who);
        return GO_ON;
    }
    uint32_t size = (uint32_t)(end - turn->data);
    bool last = size == 0 || (size == 1 && turn->data[0] == '\r');
    weir_consume(turn, size + 1);
    if (last)
        message_done(turn, s, who, true);
    return GO_ON;
}

/* --- heads -------------------------------------------------------------------------------------------------- */

static void end_side(struct weir_turn *turn, struct http_state *s, int who, bool fin);

/* HTTP ends on this flow (RFC 9110 sections 7.8 and 9.3.6); the turn is the server's. */
static enum progress switch_over(struct weir_turn *turn, struct http_state *s, struct weir_str protocol)
{
    const char *child = http_has_word(protocol, "websocket", 9) ? "websocket"
                        : http_has_word(protocol, "h2c", 3)     ? "http2"
                                                                : NULL;
    s->side[SERVER].body_bytes = 0;
    s->side[SERVER].counted = true;
    message_done(turn, s, SERVER, true);
    end_side(turn, s, CLIENT, false); /* a request whose body is still coming has its row now or never */
    while (s->first)
        give_out_oldest(turn, s);
    if (child && child[0] == 'w')
        weir_retag(turn, child);
    s->to_child = weir_child_open(turn, child) == 0;
    s->side[CLIENT].step = s->side[SERVER].step = SWITCHED;
    return GO_ON;
}

static enum progress reply(struct weir_turn *turn, struct http_state *s, struct http_head *head)
{
    struct side *side = &s->side[SERVER];
    if (head->status < 200 && head->status != 101) { /* interim: the reply is still to come (RFC 9110 section 15.2) */
        side->started = false;
        side->scan = (struct http_scan){0};
        return GO_ON;
    }
    struct exchange *ex = s->answering = answered_by(turn, s, head);
    bool bodiless = head->status == 204 || head->status == 304 || head->status == 101;
    if (ex) {
        struct http_row *row = &ex->row;
        row->status = weir_uint(head->status);
        row->reason = head->reason;
        row->content_type = head->value[HTTP_CONTENT_TYPE];
        row->content_encoding = head->value[HTTP_CONTENT_ENCODING];
        row->server = head->value[HTTP_SERVER];
        s->loose = true;
        bodiless |= ex->head;
    }
    bool granted = ex && ex->connect && head->status / 100 == 2;
    if (granted || head->status == 101)
        return switch_over(turn, s, granted ? (struct weir_str){0} : head->value[HTTP_UPGRADE]);
    return start_body(turn, s, SERVER, ex, head, bodiless);
}

static enum progress request(struct weir_turn *turn, struct http_state *s, struct http_head *head)
{
    const struct exchange *ex = ask(turn, s, head);
    s->side[CLIENT].lost_bytes = false;
    if (is_method(head->method, "GET", 3))
        http_doh_get(turn, &s->dns, head->uri);
    return start_body(turn, s, CLIENT, ex, head, false);
}

/* Bytes that begin no message.  After CONNECT or an upgrade they may be the new protocol, before it was granted. */
static enum progress no_message(struct weir_turn *turn, struct http_state *s, int who)
{
    const struct exchange *ex = s->last;
    if (who == CLIENT && ex && (ex->connect || ex->switches) && turn->left < EARLY_MAX)
        return WAIT;
    lose(turn, s, who);
    weir_consume(turn, 1);
    return GO_ON;
}

static enum progress message(struct weir_turn *turn, struct http_state *s, int who, uint64_t ts_ns,
                             struct http_head *head)
{
    struct side *side = &s->side[who];
    while (!side->started && turn->left && (turn->data[0] == '\r' || turn->data[0] == '\n'))
        weir_consume(turn, 1); /* RFC 9112 section 2.2 */
    if (turn->left == 0)
        return WAIT;
    if (!side->started) {
        side->started = true;
        side->first_ns = ts_ns;
    }
    enum http_parse parsed = who == CLIENT ? http_request_head(turn->data, turn->left, &side->scan, head)
                                           : http_reply_head(turn->data, turn->left, &side->scan, head);
    if (parsed == HTTP_BAD)
        return no_message(turn, s, who);
    if (parsed == HTTP_MORE) {
        if (turn->left < HTTP_HEAD_MAX)
            return WAIT;
        lose(turn, s, who);
        weir_consume(turn, turn->left);
        return WAIT;
    }
    weir_consume(turn, head->size);
    return who == CLIENT ? request(turn, s, head) : reply(turn, s, head);
}

static enum progress search(struct weir_turn *turn, struct http_state *s, int who)
{
    struct side *side = &s->side[who];
    bool found;
    weir_consume(turn, who == CLIENT ? http_find_request(turn->data, turn->left, side->scan.at, &found)
                                     : http_find_reply(turn->data, turn->left, &found));
    side->scan = (struct http_scan){.at = found ? 0 : turn->left};
    side->step = found ? START : LOST;
    return found ? GO_ON : WAIT;
}

/* --- the calls ---------------------------------------------------------------------------------------------- */

/*
 * Who is the client?  Not the originator, where the first packet that was captured is the server's.  Told by the first
 * bytes of the flow, once; false: more of them are needed.
 */
static bool decide(struct http_state *s, const struct weir_turn *turn)
{
    uint32_t size = turn->left;
    bool from_server = memcmp(turn->data, "HTTP/", size < 5 ? size : 5) == 0;
    bool from_client = http_maybe_method(turn->data, size);
    if (size < 5 && (from_server || from_client))
        return false;
    s->decided = true;
    s->flipped = turn->dir == WEIR_ORIG ? from_server : from_client;
    return true;
}

static enum progress step(struct weir_turn *turn, struct http_state *s, int who, uint64_t ts_ns, struct http_head *head)
{
    if (turn->left == 0 && s->side[who].step != BODY && s->side[who].step != CHUNK_DATA)
        return WAIT;
    switch (s->side[who].step) {
    case START: return message(turn, s, who, ts_ns, head);
    case CHUNK: return chunk_line(turn, s, who);
    case CHUNK_END: return chunk_end(turn, s, who);
    case TRAILER: return trailer(turn, s, who);
    case LOST: return search(turn, s, who);
    case CHUNK_DATA: s->side[who].step = CHUNK_END; return GO_ON;
    case BODY: message_done(turn, s, who, true); return GO_ON;
    case REST: return WAIT;
    case DNS: return dns_body(turn, s, who);
    case SWITCHED:
        if (!s->to_child)
            return LEAVE;
        weir_pass(turn, WEIR_ROUTE_CHILD, WEIR_ALL);
        return WAIT;
    }
    return LEAVE;
}

static struct weir_answer http_data(struct weir_turn *turn, void *state)
{
    struct http_state *s = state;
    struct http_head head;
    const uint8_t *begin = turn->data;
    enum progress progress;
    if (!s->decided && (turn->left == 0 || !decide(s, turn)))
        return weir_more(turn->left + 1);
    int who = turn->dir ^ s->flipped;
    do {
        /* what begins later in this call came with the frame that caused it */
        uint64_t ts_ns = turn->data == begin ? turn->first_ns : turn->ts_ns;
        progress = step(turn, s, who, ts_ns, &head);
    } while (progress == GO_ON);
    if (s->loose && s->answering)
        keep_reply(turn, s->answering);
    s->loose = false;
    if (progress == LEAVE)
        return weir_done();
    return weir_more(turn->left + 1);
}

static struct weir_answer http_gap(struct weir_turn *turn, void *state, uint64_t bytes)
{
    struct http_state *s = state;
    struct side *side = &s->side[turn->dir ^ s->flipped];
    if (side->step == SWITCHED)
        return weir_more(1);
    side->gap_ns = turn->ts_ns;
    bool between = side->step == START && !side->started;
    if (between &&
        bytes < LEAST_MESSAGE) /* a stray line end after a body, say: still in step, or soon seen not to be */
        return weir_more(1);
    lose(turn, s, turn->dir ^ s->flipped);
    side->lost_head = between;
    return weir_more(1);
}

/* A head whose end did not come counts when its start line did. */
static void cut_head(struct weir_turn *turn, struct http_state *s, int who)
{
    struct http_head head;
    if (http_cut_head(turn->data, turn->left, who == SERVER, &head) != HTTP_WHOLE)
        return;
    if (who == CLIENT) {
        ask(turn, s, &head);
    } else if (head.status >= 200) {
        head.framing = HTTP_BAD_LENGTH;
        reply(turn, s, &head);
    }
}

static void end_side(struct weir_turn *turn, struct http_state *s, int who, bool fin)
{
    struct side *side = &s->side[who];
    bool ours = who == (turn->dir ^ s->flipped), complete = false;
    uint64_t owed = turn->owed[who ^ s->flipped];
    if (side->step == SWITCHED || side->step == LOST) {
        if (side->step == SWITCHED && s->to_child && ours && turn->left)
            weir_pass(turn, WEIR_ROUTE_CHILD, WEIR_ALL);
        return;
    }
    if (side->step == START && ours && turn->left)
        cut_head(turn, s, who);
    if (side->step == DNS) {
        side->body_bytes = ours ? turn->left : 0;
    } else if (side->step == BODY || side->step == CHUNK_DATA) {
        side->body_bytes -= owed < side->body_bytes ? owed : side->body_bytes;
        complete = side->step == BODY && owed == 0;
    } else if (side->step == REST) {
        side->body_bytes += WEIR_ALL - owed;
        complete = fin && ours;
    }
    message_done(turn, s, who, complete);
}

static void http_end(struct weir_turn *turn, void *state, enum weir_end end)
{
    struct http_state *s = state;
    int who = turn->dir ^ s->flipped;
    if (end == WEIR_END_FIN) {
        end_side(turn, s, who, true);
    } else {
        end_side(turn, s, who, false);
        end_side(turn, s, !who, false);
    }
    if (end != WEIR_END_FIN || who == SERVER)
        while (s->first)
            give_out_oldest(turn, s);
}

const struct weir_analyser weir_http = {
    .abi = WEIR_ABI,
    .size = sizeof(struct weir_analyser),
    .name = "http",
    .doc = "HTTP/1.0 and 1.1: requests with their replies",
    .state_bytes = sizeof(struct http_state),
    .transports = WEIR_OVER_STREAM,
    .tables = http_tables,
    .probe = http_probe,
    .on_data = http_data,
    .carries = true,
    .on_gap = http_gap,
    .on_end = http_end,
};
