/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch: rows turned into columns.
 *
 * Every row of every flow and every transaction passes record_append(), so it is written for the cache and for the
 * branch predictor: how a table's row is taken apart is laid down once, when the batch is made, as steps sorted by the
 * kind of column; numbers then go by in loops that do not branch, and only text and lists ask whether they are null.
 *
 * What is null is kept as one word a row with a bit for each column (a table has at most 63), so a row costs one store
 * for all its nulls, and a reader one load; a bitmap a column is this one transposed.
 *
 * One mapping holds all: the arrays, then the heap of text.  It is claimed at once and touched as rows come.  Arrays
 * start a cache line further each, lest the same row of all of them falls into the same set of the first-level cache.
 *
 * Text is copied, and cut at RECORD_TEXT_MAX.  A row whose text does not fit the rest of the heap is refused, unless it
 * is the first: then each text and list gets an equal share of the heap and is cut to it, so that an empty batch takes
 * any row, and cuts it the same way in every run.
 */
#include "record/batch.h"

#include <sys/mman.h>

#include "base/error.h"

#define LINE 64u
#define PAGE 4096u
#define NO_ROOM UINT32_MAX

static enum batch_group group_of(enum weir_type type)
{
    switch (type) {
    case WEIR_BOOL: return BATCH_BOOL;
    case WEIR_U8: return BATCH_1;
    case WEIR_U16: return BATCH_2;
    case WEIR_U32: return BATCH_4;
    case WEIR_IP: return BATCH_IP;
    case WEIR_STR: return BATCH_STR;
    case WEIR_STRS: return BATCH_STRS;
    default: return BATCH_8;
    }
}

static size_t width_of(uint8_t type)
{
    switch (type) {
    case WEIR_BOOL:
    case WEIR_U8:
    case WEIR_TYPES: return 1;
    case WEIR_U16: return 2;
    case WEIR_U32: return 4;
    case WEIR_IP: return sizeof(struct weir_ip);
    default: return 8;
    }
}

/* Where the next array of `bytes` goes. */
static size_t place(size_t *used, size_t bytes)
{
    size_t at = *used;
    *used += (bytes + LINE - 1) / LINE * LINE + LINE;
    return at;
}

static void plan(struct record_batch *batch)
{
    uint32_t base = batch->table->bare ? 0 : RECORD_BASE_COLUMNS, steps = 0;
    for (uint32_t group = 0; group < BATCH_GROUPS; group++) {
        batch->group[group] = steps;
        for (uint32_t i = 0; i < batch->table->column_count; i++) {
            const struct weir_column *column = &batch->table->columns[i];
            if (group_of(column->type) == group)
                batch->step[steps++] = (struct batch_step){batch->array[base + i], column->offset, base + i};
        }
    }
    batch->group[BATCH_GROUPS] = steps;
}

static uint8_t *claim(struct batch_room *room, size_t bytes)
{
    if (room && (size_t)(room->end - room->at) >= bytes) {
        room->at += bytes;
        return room->at - bytes;
    }
    uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    WEIR_CHECK(memory != MAP_FAILED);
    return memory;
}

struct record_batch *record_batch_new(const struct weir_table *table)
{
    return batch_new_in(NULL, table);
}

struct record_batch *batch_new_in(struct batch_room *room, const struct weir_table *table)
{
    uint32_t count = record_column_count(table);
    WEIR_CHECK(count <= BATCH_COLUMNS);
    uint8_t types[BATCH_COLUMNS];
    size_t arrays[BATCH_COLUMNS], used = (sizeof(struct record_batch) + LINE - 1) / LINE * LINE;
    size_t set = place(&used, RECORD_BATCH_ROWS * sizeof(uint64_t));
    size_t order = place(&used, RECORD_BATCH_ROWS * sizeof(uint64_t));
    for (uint32_t i = 0; i < count; i++) {
        bool proto = !table->bare && i == RECORD_BASE_COLUMNS - 1;
        types[i] = proto ? WEIR_TYPES : (uint8_t)record_column(table, i)->type;
        arrays[i] = place(&used, RECORD_BATCH_ROWS * width_of(types[i]));
    }
    size_t heap = place(&used, RECORD_BATCH_HEAP + RECORD_TEXT_SLACK);
    used = (used + PAGE - 1) / PAGE * PAGE;
    uint8_t *memory = claim(room, used);
    struct record_batch *batch = (struct record_batch *)(void *)memory;
    batch->table = table;
    batch->bytes = used;
    batch->set = (uint64_t *)(void *)(memory + set);
    batch->order = (uint64_t *)(void *)(memory + order);
    batch->heap = memory + heap;
    for (uint32_t i = 0; i < count; i++) {
        batch->array[i] = memory + arrays[i];
        batch->type[i] = types[i];
    }
    plan(batch);
    return batch;
}

void record_batch_free(struct record_batch *batch)
{
    if (batch)
        munmap(batch, batch->bytes);
}

void record_batch_reset(struct record_batch *batch)
{
    batch->rows = 0;
    batch->heap_used = 0;
    batch->next = NULL;
}

/* ---- writing ---- */

/* Most text is short: two overlapping moves instead of a call.  May not write beyond `size`. */
static inline void copy_text(uint8_t *to, const void *data, uint32_t size)
{
    const uint8_t *from = data;
    if (size > 32) {
        memcpy(to, from, size);
    } else if (size >= 16) {
        memcpy(to, from, 16);
        memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else if (size) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
}

/* Size of the text once cut to `limit` bytes, not inside a character. */
static uint32_t cut_text(const struct weir_str *text, uint32_t limit)
{
    if (text->size <= limit)
        return text->size;
    for (uint32_t size = limit; size > 0 && limit - size < 4; size--)
        if (((uint8_t)text->data[size] & 0xc0) != 0x80)
            return size;
    return limit;
}

/* A list of `count` items at heap offset `at`: the table of its pieces, then the text.  The end of it, or NO_ROOM. */
static uint32_t put_list(struct record_batch *batch, struct batch_span *out, const struct weir_str *items,
                         uint32_t count, uint32_t at, uint32_t limit)
{
    at = (at + 7) & ~7u;
    if (at > RECORD_BATCH_HEAP || (RECORD_BATCH_HEAP - at) / sizeof *out < count)
        return NO_ROOM;
    struct batch_span *pieces = (struct batch_span *)(void *)(batch->heap + at);
    *out = (struct batch_span){at, count};
    at += count * (uint32_t)sizeof *pieces;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = cut_text(&items[i], limit);
        if (size > RECORD_BATCH_HEAP - at)
            return NO_ROOM;
        copy_text(batch->heap + at, items[i].data, size);
        pieces[i] = (struct batch_span){at, size};
        at += size;
    }
    return at;
}

/* How many of a list's first items fit `share` bytes whole; one, to be cut, if none does. */
static uint32_t list_within(const struct weir_strs *list, uint32_t share)
{
    uint64_t used = 8; /* alignment */
    for (uint32_t i = 0; i < list->count; i++) {
        used += sizeof(struct batch_span) + cut_text(&list->items[i], RECORD_TEXT_MAX);
        if (used > share)
            return i ? i : 1;
    }
    return list->count;
}

/* Text and lists of a row, from heap offset `at` on.  Gives the new end of the heap, or NO_ROOM.  `share` bounds each
 * column where the row must fit, UINT32_MAX where it may be refused. */
static uint32_t put_text(struct record_batch *batch, const uint8_t *row, uint32_t share, uint64_t *set)
{
    uint32_t at = batch->heap_used, n = batch->rows;
    uint32_t limit = share < RECORD_TEXT_MAX ? share : RECORD_TEXT_MAX;
    const struct batch_step *step = &batch->step[batch->group[BATCH_STR]];
    const struct batch_step *lists = &batch->step[batch->group[BATCH_STRS]];
    const struct batch_step *end = &batch->step[batch->group[BATCH_GROUPS]];
    for (; step < lists; step++) {
        const struct weir_str *text = (const struct weir_str *)(const void *)(row + step->offset);
        if (!text->data)
            continue;
        uint32_t size = text->size > limit ? cut_text(text, limit) : text->size;
        if (size > RECORD_BATCH_HEAP - at)
            return NO_ROOM;
        copy_text(batch->heap + at, text->data, size);
        ((struct batch_span *)step->array)[n] = (struct batch_span){at, size};
        *set |= 1ull << step->column;
        at += size;
    }
    for (; step < end; step++) {
        const struct weir_strs *list = (const struct weir_strs *)(const void *)(row + step->offset);
        if (!list->set)
            continue;
        uint32_t count = share == UINT32_MAX ? list->count : list_within(list, share);
        uint32_t item = share - 16 < RECORD_TEXT_MAX ? share - 16 : RECORD_TEXT_MAX; /* beside its piece, aligned */
        at = put_list(batch, &((struct batch_span *)step->array)[n], list->items, count, at, item);
        if (at == NO_ROOM)
            return NO_ROOM;
        *set |= 1ull << step->column;
    }
    return at;
}

/* Numbers and addresses of a row.  The bits of what is set. */
static inline uint64_t put_fixed(struct record_batch *batch, const uint8_t *row, uint32_t n)
{
    const struct batch_step *step = batch->step, *all = batch->step;
    const uint32_t *group = batch->group;
    uint64_t set = 0;
    for (; step < all + group[BATCH_BOOL + 1]; step++) {
        const struct weir_uint *v = (const struct weir_uint *)(const void *)(row + step->offset);
        ((uint8_t *)step->array)[n] = v->value != 0;
        set |= (uint64_t)v->set << step->column;
    }
    for (; step < all + group[BATCH_1 + 1]; step++) {
        const struct weir_uint *v = (const struct weir_uint *)(const void *)(row + step->offset);
        ((uint8_t *)step->array)[n] = (uint8_t)v->value;
        set |= (uint64_t)v->set << step->column;
    }
    for (; step < all + group[BATCH_2 + 1]; step++) {
        const struct weir_uint *v = (const struct weir_uint *)(const void *)(row + step->offset);
        ((uint16_t *)step->array)[n] = (uint16_t)v->value;
        set |= (uint64_t)v->set << step->column;
    }
    for (; step < all + group[BATCH_4 + 1]; step++) {
        const struct weir_uint *v = (const struct weir_uint *)(const void *)(row + step->offset);
        ((uint32_t *)step->array)[n] = (uint32_t)v->value;
        set |= (uint64_t)v->set << step->column;
    }
    for (; step < all + group[BATCH_8 + 1]; step++) {
        const struct weir_uint *v = (const struct weir_uint *)(const void *)(row + step->offset);
        ((uint64_t *)step->array)[n] = v->value;
        set |= (uint64_t)v->set << step->column;
    }
    for (; step < all + group[BATCH_IP + 1]; step++) {
        const struct weir_ip *ip = (const struct weir_ip *)(const void *)(row + step->offset);
        ((struct weir_ip *)step->array)[n] = *ip;
        set |= (uint64_t)(ip->family != 0) << step->column;
    }
    return set;
}

/* The upper-layer protocols that have ports: TCP, UDP, DCCP, SCTP, UDP-Lite. */
static inline bool has_ports(uint8_t proto)
{
    return proto == 6 || proto == 17 || proto == 33 || proto == 132 || proto == 136;
}

static inline uint64_t put_base(struct record_batch *batch, const struct weir_flow *flow, uint64_t ts_ns, uint32_t n)
{
    ((uint64_t *)batch->array[0])[n] = ts_ns;
    ((uint64_t *)batch->array[1])[n] = flow->uid;
    ((struct weir_ip *)batch->array[2])[n] = flow->src_ip;
    ((uint16_t *)batch->array[3])[n] = flow->src_port;
    ((struct weir_ip *)batch->array[4])[n] = flow->dst_ip;
    ((uint16_t *)batch->array[5])[n] = flow->dst_port;
    ((uint8_t *)batch->array[6])[n] = flow->proto;
    uint64_t ports = has_ports(flow->proto);
    return 0x43 | ports << 3 | ports << 5 | (uint64_t)(flow->src_ip.family != 0) << 2 |
           (uint64_t)(flow->dst_ip.family != 0) << 4;
}

bool record_append(struct record_batch *batch, const struct weir_flow *flow, const void *row, uint64_t ts_ns,
                   uint64_t order)
{
    uint32_t n = batch->rows;
    if (n == RECORD_BATCH_ROWS)
        return false;
    uint64_t text = 0, fixed = put_fixed(batch, row, n);
    uint32_t end = put_text(batch, row, UINT32_MAX, &text);
    if (__builtin_expect(end == NO_ROOM, 0)) {
        if (n)
            return false;
        text = 0;
        uint32_t texts = batch->group[BATCH_GROUPS] - batch->group[BATCH_STR];
        WEIR_CHECK(texts != 0);
        end = put_text(batch, row, RECORD_BATCH_HEAP / texts, &text);
        WEIR_CHECK(end != NO_ROOM);
    }
    if (!batch->table->bare) {
        fixed |= put_base(batch, flow, ts_ns, n);
    } else if (!(fixed & 1)) {
        ((uint64_t *)batch->array[0])[n] = ts_ns;
        fixed |= 1;
    }
    batch->set[n] = fixed | text;
    batch->order[n] = order;
    batch->heap_used = end;
    batch->rows = n + 1;
    return true;
}

/* ---- reading ---- */

const struct weir_table *record_batch_table(const struct record_batch *batch)
{
    return batch->table;
}

uint32_t record_batch_rows(const struct record_batch *batch)
{
    return batch->rows;
}

uint64_t record_batch_order(const struct record_batch *batch, uint32_t row)
{
    return batch->order[row];
}

struct record_batch *record_batch_next(const struct record_batch *batch)
{
    return batch->next;
}

static inline bool is_set(const struct record_batch *batch, uint32_t column, uint32_t row)
{
    return batch->set[row] >> column & 1;
}

struct weir_uint record_uint(const struct record_batch *batch, uint32_t column, uint32_t row)
{
    const void *array = batch->array[column];
    if (!is_set(batch, column, row))
        return (struct weir_uint){0, false};
    switch (batch->type[column]) {
    case WEIR_BOOL:
    case WEIR_U8:
    case WEIR_TYPES: return weir_uint(((const uint8_t *)array)[row]);
    case WEIR_U16: return weir_uint(((const uint16_t *)array)[row]);
    case WEIR_U32: return weir_uint(((const uint32_t *)array)[row]);
    case WEIR_U64:
    case WEIR_TIME:
    case WEIR_DURATION:
    case WEIR_ID: return weir_uint(((const uint64_t *)array)[row]);
    default: return (struct weir_uint){0, false};
    }
}

struct weir_str record_str(const struct record_batch *batch, uint32_t column, uint32_t row)
{
    if (!is_set(batch, column, row))
        return (struct weir_str){NULL, 0};
    if (batch->type[column] == WEIR_STR) {
        struct batch_span span = ((const struct batch_span *)batch->array[column])[row];
        return weir_str(batch->heap + span.at, span.count);
    }
    if (batch->type[column] == WEIR_TYPES)
        return weir_cstr(record_proto_name(((const uint8_t *)batch->array[column])[row]));
    return (struct weir_str){NULL, 0};
}

struct weir_ip record_ip(const struct record_batch *batch, uint32_t column, uint32_t row)
{
    if (batch->type[column] != WEIR_IP || !is_set(batch, column, row))
        return (struct weir_ip){{0}, 0};
    return ((const struct weir_ip *)batch->array[column])[row];
}

int record_list(const struct record_batch *batch, uint32_t column, uint32_t row)
{
    if (batch->type[column] != WEIR_STRS || !is_set(batch, column, row))
        return -1;
    return (int)((const struct batch_span *)batch->array[column])[row].count;
}

struct weir_str record_list_item(const struct record_batch *batch, uint32_t column, uint32_t row, uint32_t item)
{
    struct batch_span span = ((const struct batch_span *)batch->array[column])[row];
    WEIR_CHECK(item < span.count);
    struct batch_span piece = ((const struct batch_span *)(const void *)(batch->heap + span.at))[item];
    return weir_str(batch->heap + piece.at, piece.count);
}
