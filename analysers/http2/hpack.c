/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http2/hpack.c - header blocks and the dynamic table behind them.
 *
 * Entries are a ring of places in a text buffer, whose front is let go as entries are evicted.  When the buffer is full
 * what is in use moves to its front, or to a larger one when that is more than half, so each byte moves a bounded number
 * of times.  An entry that cannot be kept still takes its place in the ring, since indices count places.
 *
 * Work is linear in the block: a name by reference costs at most HTTP2_NAME_KEPT bytes to copy however long it is.
 */
#include "hpack.h"

#define FIXED 61u       /* entries of the static table */
#define ENTRY_BYTES 32u /* RFC 7541 section 4.1 */
#define ENTRIES_LEAST 16u
#define ENTRIES_MOST 1024u
#define TEXT_LEAST 512u
#define TEXT_MOST (2 * HTTP2_TABLE_KEPT)

/* RFC 7541, Appendix A. */
static const struct {
    const char *name, *value;
} fixed[FIXED] = {
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
};

/* ---- the dynamic table ---- */

void http2_table_start(struct http2_table *table)
{
    /* the other side's SETTINGS may have come before this side's first byte */
    if (table->limit < HTTP2_TABLE_DEFAULT)
        table->limit = HTTP2_TABLE_DEFAULT;
    table->max = HTTP2_TABLE_DEFAULT;
}

void http2_table_limit(struct http2_table *table, uint32_t bytes)
{
    /* a smaller one is for the encoder to follow; blocks that it had sent before may still come */
    if (bytes > table->limit)
        table->limit = bytes;
    table->limited = true;
}

void http2_table_lose(struct weir_turn *turn, struct http2_table *table)
{
    if (table->entries)
        weir_release(turn, table->entries);
    if (table->text)
        weir_release(turn, table->text);
    table->entries = NULL;
    table->text = NULL;
    table->first = table->count = table->room = 0;
    table->from = table->used = table->text_room = 0;
    table->bytes = 0;
    table->partial = true;
}

static struct http2_entry *entry_at(const struct http2_table *table, uint32_t age)
{
    return table->entries + ((table->first + table->count - 1 - age) & (table->room - 1));
}

static void evict(struct http2_table *table)
{
    table->bytes -= entry_at(table, table->count - 1)->bytes;
    table->first++;
    table->count--;
    table->from = table->count ? entry_at(table, table->count - 1)->at : 0;
    if (table->count == 0)
        table->used = 0;
}

static void shrink(struct http2_table *table, uint32_t to)
{
    while (table->bytes > to)
        evict(table);
}

/* One more place in the ring. */
static bool entry_room(struct weir_turn *turn, struct http2_table *table)
{
    if (table->count < table->room)
        return true;
    if (table->room < ENTRIES_MOST) {
        uint32_t room = table->room ? 2 * table->room : ENTRIES_LEAST;
        struct http2_entry *more = weir_hold(turn, room * (uint32_t)sizeof *more);
        if (more) {
            for (uint32_t i = 0; i < table->count; i++)
                more[i] = *entry_at(table, table->count - 1 - i);
            if (table->entries)
                weir_release(turn, table->entries);
            table->entries = more;
            table->first = 0;
            table->room = room;
            return true;
        }
    }
    table->partial = true;
    if (table->room == 0)
        return false;
    evict(table);
    return true;
}

/* What is in use, to the front of `to`. */
static void move_text(struct http2_table *table, char *to)
{
    memmove(to, table->text + table->from, table->used - table->from);
    for (uint32_t i = 0; i < table->count; i++)
        entry_at(table, i)->at -= table->from;
    table->used -= table->from;
    table->from = 0;
}

/* Room for `bytes` of text at its end. */
static bool text_room(struct weir_turn *turn, struct http2_table *table, uint32_t bytes)
{
    while (table->count && table->used - table->from + bytes > HTTP2_TABLE_KEPT) {
        evict(table);
        table->partial = true;
    }
    if (table->text_room - table->used >= bytes)
        return true;
    uint32_t live = table->used - table->from + bytes, room = table->text_room ? table->text_room : TEXT_LEAST;
    while (room < 2 * live && room < TEXT_MOST)
        room *= 2;
    if (room == table->text_room) {
        move_text(table, table->text);
        return true;
    }
    char *more = weir_hold(turn, room);
    if (more == NULL)
        return false;
    if (table->text) {
        move_text(table, more);
        weir_release(turn, table->text);
    }
    table->text = more;
    table->text_room = room;
    return true;
}

/* A name or value on its way into the table or to the caller. */
struct text {
    struct weir_str str; /* perhaps cut; data NULL: not known */
    uint32_t bytes;      /* as it was sent */
};

static void insert(struct weir_turn *turn, struct http2_table *table, const struct text *name, const struct text *value)
{
    char name_copy[HTTP2_NAME_KEPT]; /* it may be in an entry that is evicted or moved (RFC 7541 section 4.4) */
    uint32_t size = name->bytes + value->bytes + ENTRY_BYTES;
    struct http2_entry entry = {.bytes = size, .name_bytes = name->bytes};
    entry.name = (uint16_t)(name->str.size < HTTP2_NAME_KEPT ? name->str.size : HTTP2_NAME_KEPT);
    entry.value = (uint16_t)value->str.size;
    if (turn == NULL || table->blind)
        return;
    if (entry.name)
        memcpy(name_copy, name->str.data, entry.name);
    shrink(table, size > table->max ? 0 : table->max - size);
    if (size > table->max)
        return;
    if (!entry_room(turn, table)) {
        table->blind = true;
        return;
    }
    if (!text_room(turn, table, entry.name + entry.value))
        entry.name = entry.value = 0;
    entry.at = table->used;
    if (entry.name)
        memcpy(table->text + entry.at, name_copy, entry.name);
    if (entry.value)
        memcpy(table->text + entry.at + entry.name, value->str.data, entry.value);
    table->used += entry.name + entry.value;
    table->count++;
    *entry_at(table, 0) = entry;
    if (table->count == 1)
        table->from = entry.at;
    table->bytes += size;
}

/* The entry of an index (RFC 7541 section 2.3.3).  false: there can be none. */
static bool look_up(const struct http2_table *table, uint32_t index, struct text *name, struct text *value)
{
    *name = *value = (struct text){0};
    if (index == 0)
        return false;
    if (index <= FIXED) {
        name->str = weir_cstr(fixed[index - 1].name);
        value->str = weir_cstr(fixed[index - 1].value);
        name->bytes = name->str.size;
        value->bytes = value->str.size;
        return true;
    }
    index -= FIXED + 1;
    if (index >= table->count)
        return table->partial || table->blind;
    const struct http2_entry *entry = entry_at(table, index);
    if (entry->name) {
        const char *text = table->text + entry->at;
        name->str = weir_str(text, entry->name);
        value->str = weir_str(text + entry->name, entry->value);
    }
    name->bytes = entry->name_bytes;
    value->bytes = entry->bytes - ENTRY_BYTES - entry->name_bytes;
    return true;
}

/* ---- header blocks ---- */

/* RFC 7541 section 5.1: an integer whose first byte has `bits` bits for it. */
static uint32_t integer(struct weir_bytes *b, uint32_t bits)
{
    uint32_t most = (1u << bits) - 1, value = weir_u8(b) & most, shift = 0;
    if (value < most)
        return value;
    for (;; shift += 7) {
        uint8_t byte = weir_u8(b);
        if (shift > 21 || b->bad) {
            b->bad = true;
            return 0;
        }
        value += (uint32_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

/* RFC 7541 section 5.2; `room` is where a coded string is decoded to. */
static struct text string(struct weir_bytes *b, char *room, uint32_t room_bytes)
{
    struct text text = {0};
    bool coded = weir_left(b) && *b->at & 0x80;
    uint32_t bytes = integer(b, 7);
    const uint8_t *data = weir_take(b, bytes);
    if (data == NULL)
        return text;
    text.bytes = bytes;
    text.str = weir_str(data, bytes);
    if (coded) {
        b->bad = !http2_huffman(data, bytes, room, room_bytes, &text.bytes);
        text.str = weir_str(room, text.bytes);
    }
    if (text.str.size > room_bytes)
        text.str.size = room_bytes;
    return text;
}

bool http2_block(struct weir_turn *turn, struct http2_table *table, struct weir_bytes block, http2_on_field *on_field,
                 void *context)
{
    char name_room[HTTP2_NAME_KEPT], value_room[HTTP2_VALUE_KEPT];
    while (weir_left(&block)) {
        uint8_t kind = *block.at;
        struct text name, value;
        if ((kind & 0xe0) == 0x20) { /* section 6.3: a new size */
            uint32_t max = integer(&block, 5);
            if (block.bad || (table->limited && max > table->limit))
                return false;
            table->max = max;
            shrink(table, max);
            continue;
        }
        bool indexed = kind & 0x80, kept = (kind & 0xc0) == 0x40;
        uint32_t index = integer(&block, indexed ? 7 : kept ? 6 : 4);
        if (index ? !look_up(table, index, &name, &value) : indexed)
            return false;
        if (index == 0)
            name = string(&block, name_room, sizeof name_room);
        if (!indexed)
            value = string(&block, value_room, sizeof value_room);
        if (block.bad)
            return false;
        if (name.str.data && value.str.data)
            on_field(context, name.str, value.str);
        if (kept)
            insert(turn, table, &name, &value);
    }
    return !block.bad;
}
