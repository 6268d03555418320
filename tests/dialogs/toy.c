/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toy - an analyser that exists for tests and as the example of docs/guide/writing-an-analyser.md.
 *
 * A client sends lines, the server answers each with one line:
 *
 *     TOY PUT name size LF, then size bytes of body        +OK LF
 *     TOY TUNNEL LF, then both sides are another stream    -NO LF
 *
 * Over UDP a datagram is "TOY? number" and its answer "TOY! number"; a question that nobody answers within five seconds
 * gives a row without one.
 */
#include <weir/analyser.h>

#define LINE_MAX 256u
#define WAITING 8u /* requests, or questions, without an answer */
#define GIVE_UP_NS UINT64_C(5000000000)

#define TOY_ROW(X, R)                                                                                                  \
    X(R, STR, verb, "", "", "what was asked for")                                                                      \
    X(R, STR, name, "", "", "name that was put")                                                                       \
    X(R, U64, body_bytes, "", "", "bytes of body that came")                                                           \
    X(R, BOOL, ok, "", "", "the answer was yes; null: there was none")                                                 \
    X(R, DURATION, latency_ns, "", "", "last byte of the request to first byte of the answer")                         \
    X(R, U8, depth, "", "", "0 on the wire, n inside n tunnels")
WEIR_TABLE(toy, TOY_ROW, "one row a request");

struct request {
    uint64_t ts_ns, end_ns; /* first and last byte */
    uint64_t size;          /* of the body as declared */
    char *name;             /* held */
    uint32_t name_size, number;
    bool tunnel, used;
};

struct toy_state {
    struct request waiting[WAITING];
    uint32_t first, count;
    uint64_t body_left; /* of the newest request */
    bool in_body, tunnel, lost;
};

static enum weir_verdict toy_probe(const struct weir_probe *probe)
{
    static const char client[] = "TOY ", question[] = "TOY? ", answer[] = "TOY! ";
    const char *want = probe->flow->proto == WEIR_UDP && !probe->flow->depth ? probe->dir ? answer : question : client;
    uint32_t size = (uint32_t)strlen(want);
    if (want == client && probe->dir == WEIR_RESP)
        return probe->data[0] == '+' || probe->data[0] == '-' ? WEIR_WAIT : WEIR_NO;
    if (memcmp(probe->data, want, probe->size < size ? probe->size : size) != 0)
        return WEIR_NO;
    return probe->size < size ? WEIR_WAIT : WEIR_YES;
}

static void emit_oldest(struct weir_turn *turn, struct toy_state *s, struct weir_uint ok)
{
    struct request *request = &s->waiting[s->first];
    struct toy_row row = {0};
    row.verb = weir_cstr(request->tunnel ? "TUNNEL" : "PUT");
    if (!request->tunnel)
        row.name = weir_str(request->name, request->name_size);
    row.body_bytes = weir_uint(request->size - (s->count == 1 ? s->body_left : 0));
    row.ok = ok;
    if (ok.set)
        row.latency_ns = weir_uint(turn->first_ns - request->end_ns);
    row.depth = weir_uint(turn->flow->depth);
    weir_emit(turn, &toy_table, &row, request->ts_ns);
    weir_release(turn, request->name);
    *request = (struct request){0};
    s->first = (s->first + 1) % WAITING;
    s->count--;
}

/* "TOY PUT name size" without its end; false: it is none. */
static bool parse_put(struct weir_turn *turn, struct request *request, const char *line, uint32_t size)
{
    const char *name = line + 8, *end = line + size;
    if (size < 8 || memcmp(line, "TOY PUT ", 8) != 0)
        return false;
    const char *space = memchr(name, ' ', (size_t)(end - name));
    if (!space)
        return false;
    for (const char *p = space + 1; p < end; p++) {
        if (*p < '0' || *p > '9' || request->size > UINT32_MAX)
            return false;
        request->size = 10 * request->size + (uint64_t)(*p - '0');
    }
    request->name = weir_hold(turn, (uint32_t)(space - name) + 1);
    request->name_size = request->name ? (uint32_t)(space - name) : 0;
    if (request->name)
        memcpy(request->name, name, request->name_size);
    return true;
}

static struct weir_answer on_request(struct weir_turn *turn, struct toy_state *s)
{
    if (s->in_body) { /* the host has passed its last byte */
        s->in_body = false;
        s->body_left = 0;
        s->waiting[(s->first + s->count - 1) % WAITING].end_ns = turn->ts_ns;
        weir_body_end(turn, true);
        if (!turn->left)
            return weir_more(1);
    }
    const char *line = (const char *)turn->data;
    const char *end = memchr(line, '\n', turn->left < LINE_MAX ? turn->left : LINE_MAX);
    if (!end)
        return turn->left < LINE_MAX ? weir_more(turn->left + 1) : weir_not_mine();
    if (s->count == WAITING)
        emit_oldest(turn, s, (struct weir_uint){0});
    struct request *request = &s->waiting[(s->first + s->count) % WAITING];
    *request = (struct request){.ts_ns = turn->first_ns, .end_ns = turn->ts_ns};
    uint32_t size = (uint32_t)(end - line);
    request->tunnel = size == 10 && memcmp(line, "TOY TUNNEL", 10) == 0;
    if (!request->tunnel && !parse_put(turn, request, line, size))
        return weir_not_mine();
    s->count++;
    weir_consume(turn, size + 1);
    if (request->tunnel) {
        s->tunnel = true;
        weir_child_open(turn, NULL);
        weir_pass(turn, WEIR_ROUTE_CHILD, WEIR_ALL);
    } else if (request->size) {
        struct weir_body body = {.filename = weir_str(request->name, request->name_size), .size = request->size};
        weir_body_begin(turn, &body);
        s->body_left = request->size;
        s->in_body = true;
        weir_pass(turn, WEIR_ROUTE_BODY, request->size);
    }
    return weir_more(1);
}

static struct weir_answer on_answer(struct weir_turn *turn, struct toy_state *s)
{
    const char *end = memchr(turn->data, '\n', turn->left);
    if (!end)
        return turn->left < LINE_MAX ? weir_more(turn->left + 1) : weir_not_mine();
    bool tunnel = s->count && s->waiting[s->first].tunnel, ok = turn->data[0] == '+';
    if (s->count) {
        s->body_left = s->count == 1 ? turn->owed[WEIR_ORIG] : s->body_left;
        if (tunnel)
            s->body_left = 0;
        emit_oldest(turn, s, weir_uint(ok));
    }
    weir_consume(turn, (uint32_t)(end - (const char *)turn->data) + 1);
    if (tunnel) {
        weir_retag(turn, "toy-tunnel");
        weir_pass(turn, WEIR_ROUTE_CHILD, WEIR_ALL);
    }
    return weir_more(1);
}

static struct weir_answer toy_data(struct weir_turn *turn, void *state)
{
    return turn->dir == WEIR_ORIG ? on_request(turn, state) : on_answer(turn, state);
}

/* Lines have no mark that one could start again at. */
static struct weir_answer toy_gap(struct weir_turn *turn, void *state, uint64_t bytes)
{
    return weir_done();
}

static void emit_question(struct weir_turn *turn, struct request *request, bool answered)
{
    struct toy_row row = {.verb = weir_cstr("ASK"), .depth = weir_uint(0)};
    if (answered) {
        row.ok = weir_uint(true);
        row.latency_ns = weir_uint(turn->ts_ns - request->ts_ns);
    }
    weir_emit(turn, &toy_table, &row, request->ts_ns);
    *request = (struct request){0};
}

static struct weir_answer toy_datagram(struct weir_turn *turn, void *state)
{
    struct toy_state *s = state;
    struct weir_bytes b = weir_bytes(turn->data, turn->left);
    weir_skip(&b, 5);
    uint8_t number = weir_u8(&b);
    if (b.bad || memcmp(turn->data, turn->dir ? "TOY! " : "TOY? ", 5) != 0)
        return weir_not_mine();
    struct request *request = &s->waiting[number % WAITING];
    if (turn->dir == WEIR_RESP) {
        if (request->used && request->number == number)
            emit_question(turn, request, true);
        return weir_more(1);
    }
    if (request->used)
        emit_question(turn, request, false);
    *request = (struct request){.ts_ns = turn->ts_ns, .number = number, .used = true};
    return weir_more(1);
}

static void toy_tick(struct weir_turn *turn, void *state)
{
    struct toy_state *s = state;
    for (uint32_t i = 0; i < WAITING; i++)
        if (s->waiting[i].used && turn->ts_ns - s->waiting[i].ts_ns >= GIVE_UP_NS)
            emit_question(turn, &s->waiting[i], false);
}

static void toy_end(struct weir_turn *turn, void *state, enum weir_end end)
{
    struct toy_state *s = state;
    if (end == WEIR_END_FIN)
        return;
    if (s->in_body)
        s->body_left = turn->owed[WEIR_ORIG];
    while (s->count)
        emit_oldest(turn, s, (struct weir_uint){0});
    for (uint32_t i = 0; i < WAITING; i++)
        if (s->waiting[i].used)
            emit_question(turn, &s->waiting[i], false);
}

static const struct weir_table *const toy_tables[] = {&toy_table, NULL};

const struct weir_analyser toy_analyser = {
    .abi = WEIR_ABI,
    .size = sizeof(struct weir_analyser),
    .name = "toy",
    .doc = "A protocol that nobody speaks, for tests.",
    .state_bytes = sizeof(struct toy_state),
    .transports = WEIR_OVER_STREAM | WEIR_OVER_DATAGRAM,
    .tables = toy_tables,
    .probe = toy_probe,
    .on_data = toy_data,
    .on_gap = toy_gap,
    .on_datagram = toy_datagram,
    .on_end = toy_end,
    .on_tick = toy_tick,
};
