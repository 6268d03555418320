/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http2.c - HTTP/2 in clear (RFC 9113): with prior knowledge, or after an upgrade from HTTP/1.1; rows of table `http`.
 *
 * Each direction is a sequence of frames.  Those that carry a header block are waited for whole and decoded in place, or, where
 * CONTINUATION frames follow, collected first; SETTINGS and RST_STREAM are read, DATA is counted and routed past by
 * weir_pass(), all others are stepped over.  Who is client and who is server is told by the header blocks, so that a
 * connection whose beginning was not captured can be read from the first frame on.
 *
 * A gap inside DATA does no harm.  After any other gap the header table of that direction is unknown and so is where the next
 * frame begins: what follows is taken up again only when it looks like a frame from its first byte; otherwise, and after
 * anything that is no frame, the rest of that direction is skipped and the other one read on.
 *
 * DNS over HTTPS is handed to a child stream (http/doh.h).  Not here: priorities, flow control, WebSocket over HTTP/2.
 */
#include <weir/analyser.h>

#include "http2/exchange.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" /* RFC 9113 section 3.4 */
#define PREFACE_BYTES 24u
#define HEADER_BYTES 9u
#define WHOLE_MAX 65000u      /* of a frame that is waited for: it must fit into the host's carry */
#define BLOCK_MAX (48u << 10) /* of a header block in several frames */
#define BLOCK_LEAST 2048u
#define USUAL_FRAME 16384u /* largest without a setting for it; longer ones do not begin anything */
#define SETTING_TABLE_SIZE 1u

enum type { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, WITH_PRIORITY = 0x20 };

struct frame {
    uint32_t bytes; /* of the payload */
    uint32_t stream;
    uint8_t type, flags;
};

enum step {
    START,   /* the preface, or a frame */
    FRAME,   /* between frames */
    CONTENT, /* bytes of a DATA frame are on their way */
    PADDING, /* behind them */
    DOUBT,   /* after a gap: a frame, if it looks like one */
    LOST,    /* to the end */
};

/* A header block that goes on in CONTINUATION frames. */
struct block {
    uint8_t *data; /* held */
    uint32_t used, room;
    uint32_t stream, promised; /* promised: by PUSH_PROMISE, or 0 */
    uint64_t first_ns;
    bool open, ends_stream;
};

struct side {
    enum step step;
    bool in_step; /* a frame was read */
    struct frame frame;
    uint32_t padding; /* of the DATA frame at hand */
    struct http2_table table;
    struct block block;
};

struct http2_state {
    struct side side[2];
    bool tagged;
    struct http2_exchanges all;
};

enum progress { GO_ON, WAIT, BROKEN };

/* ---- frames ---- */

static struct frame frame_at(const uint8_t *p)
{
    return (struct frame){weir_load_be24(p), weir_load_be32(p + 5) & 0x7fffffff, p[3], p[4]};
}

/* Can this be the header of a frame (RFC 9113 section 6)?  `sure`: of one that may begin a capture. */
static bool is_frame(const uint8_t *p, bool sure)
{
    struct frame f = frame_at(p);
    static const uint8_t flags[] = {
        [DATA] = END_STREAM | PADDED,
        [HEADERS] = END_STREAM | END_HEADERS | PADDED | WITH_PRIORITY,
        [SETTINGS] = ACK,
        [PUSH_PROMISE] = END_HEADERS | PADDED,
        [PING] = ACK,
        [CONTINUATION] = END_HEADERS,
    };
    if (sure && (f.type > CONTINUATION || f.bytes > USUAL_FRAME || p[5] & 0x80))
        return false;
    if (sure && (f.type > WINDOW_UPDATE ? f.flags & ~END_HEADERS : f.flags & ~flags[f.type]))
        return false;
    switch (f.type) {
    case DATA: return f.stream != 0;
    case HEADERS:
    case CONTINUATION:
    case PUSH_PROMISE: return f.stream != 0 && (!sure || f.bytes > 0);
    case PRIORITY: return f.stream != 0 && f.bytes == 5;
    case RST_STREAM: return f.stream != 0 && f.bytes == 4;
    case SETTINGS: return f.stream == 0 && f.bytes % 6 == 0 && !(f.flags & ACK && f.bytes);
    case PING: return f.stream == 0 && f.bytes == 8;
    case GOAWAY: return f.stream == 0 && f.bytes >= 8;
    case WINDOW_UPDATE: return f.bytes == 4;
    default: return true; /* an extension: section 5.5 */
    }
}

/* What is inside the padding of a payload that is all there, after its length (section 6.1). */
static struct weir_bytes unpadded(const uint8_t *payload, const struct frame *f)
{
    struct weir_bytes b = weir_bytes(payload, f->bytes);
    uint8_t padding = f->flags & PADDED ? weir_u8(&b) : 0;
    if (padding > weir_left(&b))
        b.bad = true;
    else
        b.end -= padding;
    return b;
}

/* ---- header blocks ---- */

static void ends_stream(struct weir_turn *turn, struct http2_state *s, uint32_t id)
{
    struct http2_exchange *ex = http2_exchange_of(&s->all, id);
    if (ex)
        http2_side_ends(turn, &s->all, ex);
}

static bool read_block(struct weir_turn *turn, struct http2_state *s, struct weir_bytes data, const struct block *block)
{
    struct http2_fields fields;
    struct http2_exchange *ex = NULL;
    if (!http2_fields(turn, &s->side[turn->dir].table, data, &fields))
        return false;
    if (block->promised) {
        if (fields.request)
            ex = http2_request(turn, &s->all, block->promised, !turn->dir, &fields, block->first_ns);
        if (ex) {
            ex->request_done = true;
            ex->end_ns = UINT64_MAX; /* nobody waits for the answer */
        }
        return true;
    }
    if (fields.request)
        ex = http2_request(turn, &s->all, block->stream, turn->dir, &fields, block->first_ns);
    else if (fields.reply && fields.head.status >= 200) /* the others are interim: RFC 9110 section 15.2 */
        ex = http2_reply(turn, &s->all, block->stream, &fields, block->first_ns);
    if (ex && !block->ends_stream)
        http2_content_begins(turn, &s->all, ex, &fields);
    if (block->ends_stream)
        ends_stream(turn, s, block->stream);
    return true;
}

static void block_drop(struct weir_turn *turn, struct block *block)
{
    if (block->data)
        weir_release(turn, block->data);
    *block = (struct block){0};
}

static bool block_add(struct weir_turn *turn, struct block *block, struct weir_bytes data)
{
    uint32_t bytes = (uint32_t)weir_left(&data);
    if (block->used + bytes > BLOCK_MAX)
        return false;
    if (block->used + bytes > block->room) {
        uint32_t room = block->room ? block->room : BLOCK_LEAST;
        while (room < block->used + bytes)
            room *= 2;
        uint8_t *more = weir_hold(turn, room);
        if (more == NULL)
            return false;
        if (block->data) {
            memcpy(more, block->data, block->used);
            weir_release(turn, block->data);
        }
        block->data = more;
        block->room = room;
    }
    if (bytes)
        memcpy(block->data + block->used, data.at, bytes);
    block->used += bytes;
    return true;
}

/* HEADERS, PUSH_PROMISE or CONTINUATION, all there. */
static bool block_frame(struct weir_turn *turn, struct http2_state *s, const uint8_t *payload, const struct frame *f,
                        uint64_t ts_ns)
{
    struct block *block = &s->side[turn->dir].block;
    struct weir_bytes data = weir_bytes(payload, f->bytes);
    if (f->type == CONTINUATION) {
        if (!block->open) /* its beginning was lost */
            return s->side[turn->dir].table.partial;
        if (block->stream != f->stream || !block_add(turn, block, data))
            return false;
        data = weir_bytes(block->data, block->used);
    } else {
        data = unpadded(payload, f);
        *block = (struct block){.stream = f->stream, .first_ns = ts_ns, .open = true};
        block->ends_stream = f->type == HEADERS && f->flags & END_STREAM;
        if (f->type == PUSH_PROMISE)
            block->promised = weir_be32(&data) & 0x7fffffff;
        else if (f->flags & WITH_PRIORITY)
            weir_skip(&data, 5);
        if (data.bad || (f->type == PUSH_PROMISE && block->promised == 0))
            return false;
    }
    if (!(f->flags & END_HEADERS))
        return f->type == CONTINUATION || block_add(turn, block, data);
    bool good = read_block(turn, s, data, block);
    block_drop(turn, block);
    return good;
}

/* ---- the other frames ---- */

static void settings(struct http2_state *s, int dir, const uint8_t *payload, const struct frame *f)
{
    uint32_t table_size = HTTP2_TABLE_DEFAULT;
    if (f->flags & ACK)
        return;
    for (uint32_t at = 0; at + 6 <= f->bytes; at += 6)
        if (weir_load_be16(payload + at) == SETTING_TABLE_SIZE)
            table_size = weir_load_be32(payload + at + 2);
    http2_table_limit(&s->side[!dir].table, table_size); /* it binds the other side's encoder */
}

/* DATA: all of it has passed, or the last byte of it is here. */
static enum progress data_done(struct weir_turn *turn, struct http2_state *s)
{
    struct side *side = &s->side[turn->dir];
    side->step = FRAME;
    if (side->frame.flags & END_STREAM)
        ends_stream(turn, s, side->frame.stream);
    return GO_ON;
}

/* The next bytes are routed.  GO_ON when they are all here. */
static enum progress route(struct weir_turn *turn, bool body, uint32_t bytes)
{
    if (bytes <= turn->left) {
        if (body)
            weir_body_data(turn, turn->data, bytes);
        weir_consume(turn, bytes);
        return GO_ON;
    }
    weir_pass(turn, body ? WEIR_ROUTE_BODY : WEIR_ROUTE_SKIP, bytes);
    return WAIT;
}

static enum progress padding(struct weir_turn *turn, struct http2_state *s)
{
    struct side *side = &s->side[turn->dir];
    uint32_t bytes = side->padding;
    side->padding = 0;
    side->step = PADDING;
    if (bytes && route(turn, false, bytes) == WAIT)
        return WAIT;
    return data_done(turn, s);
}

/* DATA, whose header is not taken yet.  A DNS message is waited for whole. */
static enum progress data(struct weir_turn *turn, struct http2_state *s, const struct frame *f)
{
    struct side *side = &s->side[turn->dir];
    struct http2_exchange *ex = http2_exchange_of(&s->all, f->stream);
    uint32_t front = HEADER_BYTES + (f->flags & PADDED ? 1 : 0), bytes = f->bytes;
    if (turn->left < front)
        return WAIT;
    uint32_t pad = f->flags & PADDED ? turn->data[HEADER_BYTES] : 0;
    if (f->flags & PADDED && pad + 1 > f->bytes)
        return BROKEN;
    bytes -= f->flags & PADDED ? pad + 1 : 0;
    if (ex && ex->message[turn->dir].on && bytes <= HTTP_DOH_MAX) {
        if (turn->left < front + bytes)
            return WAIT;
        http_doh_add(turn, &ex->message[turn->dir], turn->data + front, bytes);
    } else if (ex) {
        http_doh_end(turn, &s->all.child, &ex->message[turn->dir], false);
    }
    weir_consume(turn, front);
    side->frame = *f;
    side->padding = pad;
    side->step = CONTENT;
    if (ex)
        ex->body_bytes[turn->dir] += bytes;
    if (route(turn, s->all.body[turn->dir] == f->stream, bytes) == WAIT)
        return WAIT;
    return padding(turn, s);
}

static enum progress frame(struct weir_turn *turn, struct http2_state *s, uint64_t ts_ns)
{
    struct side *side = &s->side[turn->dir];
    if (turn->left < HEADER_BYTES)
        return WAIT;
    struct frame f = frame_at(turn->data);
    if (!is_frame(turn->data, !side->in_step || side->step == DOUBT) ||
        (side->block.open && (f.type != CONTINUATION || f.stream != side->block.stream)))
        return BROKEN;
    const uint8_t *payload = turn->data + HEADER_BYTES;
    bool headers = f.type == HEADERS || f.type == PUSH_PROMISE || f.type == CONTINUATION;
    if (headers || f.type == SETTINGS || f.type == RST_STREAM) {
        if (f.bytes > WHOLE_MAX)
            return BROKEN;
        if (turn->left < HEADER_BYTES + f.bytes)
            return WAIT;
    }
    side->in_step = true;
    side->step = FRAME;
    if (f.type == DATA)
        return data(turn, s, &f);
    if (headers && !block_frame(turn, s, payload, &f, ts_ns))
        return BROKEN;
    if (f.type == SETTINGS)
        settings(s, turn->dir, payload, &f);
    struct http2_exchange *ex = f.type == RST_STREAM ? http2_exchange_of(&s->all, f.stream) : NULL;
    if (ex)
        http2_exchange_reset(turn, &s->all, ex);
    return route(turn, false, HEADER_BYTES + f.bytes);
}

/* ---- the calls ---- */

static enum progress start(struct weir_turn *turn, struct http2_state *s)
{
    struct side *side = &s->side[turn->dir];
    uint32_t size = turn->left < PREFACE_BYTES ? turn->left : PREFACE_BYTES;
    bool preface = memcmp(turn->data, PREFACE, size) == 0;
    if (preface && size < PREFACE_BYTES)
        return WAIT;
    http2_table_start(&side->table);
    side->table.partial = !preface && (turn->flow->midstream || turn->dir == WEIR_ORIG);
    side->step = FRAME;
    side->in_step = preface;
    if (preface)
        weir_consume(turn, PREFACE_BYTES);
    return GO_ON;
}

static enum progress step(struct weir_turn *turn, struct http2_state *s, uint64_t ts_ns)
{
    struct side *side = &s->side[turn->dir];
    if (side->step == CONTENT)
        return padding(turn, s);
    if (side->step == PADDING)
        return data_done(turn, s);
    if (turn->left == 0)
        return WAIT;
    if (side->step == START)
        return start(turn, s);
    return side->step == LOST ? BROKEN : frame(turn, s, ts_ns);
}

/* The rest of this direction is nothing that could be read. */
static struct weir_answer give_up(struct weir_turn *turn, struct http2_state *s)
{
    struct side *side = &s->side[turn->dir];
    if (!side->in_step && !s->side[!turn->dir].in_step)
        return weir_not_mine();
    side->step = LOST;
    block_drop(turn, &side->block);
    http2_table_lose(turn, &side->table);
    if (s->side[!turn->dir].step == LOST) {
        http2_exchanges_end(turn, &s->all);
        return weir_done();
    }
    weir_pass(turn, WEIR_ROUTE_SKIP, WEIR_ALL);
    return weir_more(1);
}

static struct weir_answer http2_data(struct weir_turn *turn, void *state)
{
    struct http2_state *s = state;
    const uint8_t *begin = turn->data;
    enum progress progress;
    do {
        /* what begins later in this call came with the frame that caused it */
        progress = step(turn, s, turn->data == begin ? turn->first_ns : turn->ts_ns);
    } while (progress == GO_ON);
    if (progress == BROKEN)
        return give_up(turn, s);
    if (!s->tagged && s->side[turn->dir].in_step) {
        s->tagged = true;
        weir_retag(turn, "http");
    }
    if (s->side[turn->dir].step == FRAME && turn->left >= HEADER_BYTES) {
        struct frame f = frame_at(turn->data);
        uint32_t whole = HEADER_BYTES + f.bytes;
        return weir_more(whole > turn->left && f.bytes <= WHOLE_MAX ? whole : turn->left + 1);
    }
    return weir_more(turn->left + 1);
}

static struct weir_answer http2_gap(struct weir_turn *turn, void *state, uint64_t bytes)
{
    (void)bytes;
    struct http2_state *s = state;
    struct side *side = &s->side[turn->dir];
    if (side->step == START) {
        http2_table_start(&side->table);
    } else if (side->step == LOST) {
        return weir_more(1);
    }
    block_drop(turn, &side->block);
    http2_table_lose(turn, &side->table);
    side->step = DOUBT;
    return weir_more(HEADER_BYTES);
}

static void http2_end(struct weir_turn *turn, void *state, enum weir_end end)
{
    struct http2_state *s = state;
    if (end == WEIR_END_FIN)
        return;
    for (int dir = 0; dir < 2; dir++) { /* of content that was announced, what did not come */
        const struct side *side = &s->side[dir];
        struct http2_exchange *ex = side->step == CONTENT ? http2_exchange_of(&s->all, side->frame.stream) : NULL;
        if (ex)
            ex->body_bytes[dir] -= turn->owed[dir] < ex->body_bytes[dir] ? turn->owed[dir] : ex->body_bytes[dir];
    }
    http2_exchanges_end(turn, &s->all);
}

/* ---- probe ---- */

/* Is there a request or a reply in a HEADERS frame that is all there? */
static bool tells(const uint8_t *payload, const struct frame *f)
{
    struct http2_table table = {.partial = true};
    struct http2_fields fields;
    struct weir_bytes data = unpadded(payload, f);
    if (f->flags & WITH_PRIORITY)
        weir_skip(&data, 5);
    return !data.bad && http2_fields(NULL, &table, data, &fields) && (fields.request || fields.reply);
}

/*
 * The client's preface, or frames: the server's SETTINGS with something in it, a header block that can be read, or three
 * frames in a row, if not all they say is nothing.
 */
static enum weir_verdict http2_probe(const struct weir_probe *probe)
{
    const uint8_t *p = probe->data;
    uint32_t size = probe->size, frames = 0;
    if (memcmp(p, PREFACE, size < PREFACE_BYTES ? size : PREFACE_BYTES) == 0)
        return size < PREFACE_BYTES ? WEIR_WAIT : WEIR_YES;
    if (p[0] != 0)
        return WEIR_NO;
    for (uint32_t at = 0; at < size; frames++) {
        if (size - at < HEADER_BYTES)
            return size >= 4 && p[3] > CONTINUATION ? WEIR_NO : probe->whole ? WEIR_NO : WEIR_WAIT;
        struct frame f = frame_at(p + at);
        const uint8_t *payload = p + at + HEADER_BYTES;
        if (!is_frame(p + at, true))
            return WEIR_NO;
        bool there = size - at - HEADER_BYTES >= f.bytes;
        if (f.type == SETTINGS && f.bytes && size - at >= HEADER_BYTES + 6)
            return weir_load_be16(payload) > 0 && weir_load_be16(payload) <= 16 ? WEIR_YES : WEIR_NO;
        if (f.type == HEADERS && f.flags & END_HEADERS && there && tells(payload, &f))
            return WEIR_YES;
        if (frames >= 2 && there)
            return WEIR_YES;
        if (!there)
            return probe->whole ? WEIR_NO : WEIR_WAIT;
        at += HEADER_BYTES + f.bytes;
    }
    return probe->whole ? WEIR_NO : WEIR_WAIT;
}

extern const struct weir_analyser weir_http2;
const struct weir_analyser weir_http2 = {
    .abi = WEIR_ABI,
    .size = sizeof(struct weir_analyser),
    .name = "http2",
    .doc = "HTTP/2 in clear: requests with their replies, and DNS over HTTPS in them",
    .state_bytes = sizeof(struct http2_state),
    .transports = WEIR_OVER_STREAM,
    .tables = http_tables,
    .probe = http2_probe,
    .on_data = http2_data,
    .on_gap = http2_gap,
    .on_end = http2_end,
    .carries = true,
};
