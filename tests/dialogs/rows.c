/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows as text: those that came are rendered column by column, and compared with those that a dialog lists or with those of another
 * replay.  Rendering keeps to what the columns mean, not to a writer's format: numbers in decimal, identifiers in 16
 * hexadecimal digits, times in nanoseconds.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialog.h"
#include "record/record.h"

static struct text text_copy(const char *data, size_t size)
{
    struct text text = {must_grow(NULL, size, 1), size};
    if (size)
        memcpy(text.data, data, size);
    return text;
}

static struct value value_text(const char *data, size_t size)
{
    struct value value = {.kind = VALUE_TEXT, .count = 1, .items = must_grow(NULL, 1, sizeof(struct text))};
    value.items[0] = text_copy(data, size);
    return value;
}

static struct value value_ip(const struct weir_ip *ip)
{
    char text[INET6_ADDRSTRLEN];
    if (!ip->family)
        return (struct value){0};
    inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->bytes, text, sizeof text);
    return value_text(text, strlen(text));
}

static struct value value_uint(enum weir_type type, struct weir_uint number, uint64_t now_ns)
{
    char text[32];
    if (!number.set)
        return (struct value){0};
    if (type == WEIR_BOOL)
        return value_text(number.value ? "true" : "false", number.value ? 4 : 5);
    snprintf(text, sizeof text, type == WEIR_ID ? "%016" PRIx64 : "%" PRIu64, number.value);
    struct value value = value_text(text, strlen(text));
    value.timed =
        type == WEIR_DURATION || (type == WEIR_TIME && number.value >= DIALOG_START_NS && number.value <= now_ns);
    return value;
}

static struct value value_strs(const struct weir_strs *list)
{
    struct value value = {.kind = list->set ? VALUE_LIST : VALUE_NULL};
    if (!list->set)
        return value;
    value.count = list->count;
    value.items = must_grow(NULL, list->count, sizeof(struct text));
    for (uint32_t i = 0; i < list->count; i++)
        value.items[i] = text_copy(list->items[i].data, list->items[i].size);
    return value;
}

static struct value value_of(const struct weir_column *column, const void *row, uint64_t now_ns)
{
    const uint8_t *member = (const uint8_t *)row + column->offset;
    struct weir_str text;
    switch (column->type) {
    case WEIR_STR:
        memcpy(&text, member, sizeof text);
        return text.data ? value_text(text.data, text.size) : (struct value){0};
    case WEIR_IP: return value_ip((const struct weir_ip *)(const void *)member);
    case WEIR_STRS: return value_strs((const struct weir_strs *)(const void *)member);
    default: return value_uint(column->type, *(const struct weir_uint *)(const void *)member, now_ns);
    }
}

static void add_cell(struct row *row, const char *column, struct value value)
{
    row->cells = must_grow(row->cells, row->count + 1, sizeof *row->cells);
    row->cells[row->count++] = (struct cell){strdup(column), value};
}

void rows_add(struct rows *rows, const struct weir_table *table, const struct weir_flow *flow, const void *data,
              uint64_t ts_ns, uint64_t now_ns)
{
    rows->row = must_grow(rows->row, rows->count + 1, sizeof *rows->row);
    struct row *row = &rows->row[rows->count++];
    *row = (struct row){.table = strdup(table->name)};
    for (uint32_t i = 0; i < table->column_count; i++)
        add_cell(row, table->columns[i].name, value_of(&table->columns[i], data, now_ns));
    if (table->bare)
        return;
    add_cell(row, "ts", value_uint(WEIR_TIME, weir_uint(ts_ns), now_ns));
    add_cell(row, "uid", value_uint(WEIR_ID, weir_uint(flow->uid), now_ns));
    add_cell(row, "src_ip", value_ip(&flow->src_ip));
    add_cell(row, "src_port", value_uint(WEIR_U16, weir_uint(flow->src_port), now_ns));
    add_cell(row, "dst_ip", value_ip(&flow->dst_ip));
    add_cell(row, "dst_port", value_uint(WEIR_U16, weir_uint(flow->dst_port), now_ns));
    const char *proto = record_proto_name(flow->proto);
    add_cell(row, "proto", value_text(proto, strlen(proto)));
}

/* ---- print ---- */

static void print_text(const struct text *text, bool in_list)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+*;()?&%$<>{}|~^'`!=#";
    bool bare = text->size > 0 && !(text->size == 4 && memcmp(text->data, "null", 4) == 0);
    for (size_t i = 0; i < text->size; i++)
        if (!text->data[i] || (!strchr(plain, text->data[i]) && (in_list || text->data[i] != ',')))
            bare = false;
    if (bare) {
        printf("%.*s", (int)text->size, text->data);
        return;
    }
    putchar('"');
    for (size_t i = 0; i < text->size; i++) {
        unsigned char c = (unsigned char)text->data[i];
        const char *at = memchr("\r\n\t\\\"", c, 5);
        if (at)
            printf("\\%c", "rnt\\\""[strchr("\r\n\t\\\"", c) - "\r\n\t\\\""]);
        else if (c < 32 || c == 127)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_value(const struct value *value)
{
    if (value->kind == VALUE_NULL)
        printf("null");
    else if (value->kind == VALUE_TEXT)
        print_text(&value->items[0], false);
    if (value->kind != VALUE_LIST)
        return;
    putchar('[');
    for (size_t i = 0; i < value->count; i++) {
        if (i)
            putchar(',');
        print_text(&value->items[i], true);
    }
    putchar(']');
}

void row_print(const struct row *row)
{
    printf("= %s", row->table);
    for (size_t i = 0; i < row->count; i++) {
        printf(" %s=", row->cells[i].column);
        print_value(&row->cells[i].value);
    }
    putchar('\n');
}

/* ---- compare ---- */

static bool value_same(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].size != b->items[i].size || memcmp(a->items[i].data, b->items[i].data, a->items[i].size) != 0)
            return false;
    return true;
}

static const struct value *find(const struct row *row, const char *column)
{
    for (size_t i = 0; i < row->count; i++)
        if (strcmp(row->cells[i].column, column) == 0)
            return &row->cells[i].value;
    return NULL;
}

static bool row_expected(const struct dialog *dialog, const struct row *want, const struct row *came)
{
    if (strcmp(want->table, came->table) != 0) {
        printf("%s:%d: expected a row of %s, came ", dialog->file, want->line, want->table);
        row_print(came);
        return false;
    }
    bool good = true;
    for (size_t i = 0; i < want->count; i++) {
        const struct value *value = find(came, want->cells[i].column);
        if (value && value_same(&want->cells[i].value, value))
            continue;
        good = false;
        printf("%s:%d: expected %s=", dialog->file, want->line, want->cells[i].column);
        print_value(&want->cells[i].value);
        printf(value ? ", came " : ", but table %s has no such column\n", want->table);
        if (value) {
            print_value(value);
            putchar('\n');
        }
    }
    return good;
}

bool rows_expected(const struct dialog *dialog, const struct rows *came)
{
    bool good = true;
    const struct rows *want = &dialog->expected;
    for (size_t i = 0; i < want->count && i < came->count; i++)
        good = row_expected(dialog, &want->row[i], &came->row[i]) && good;
    for (size_t i = came->count; i < want->count; i++) {
        good = false;
        printf("%s:%d: expected a row of %s, none came\n", dialog->file, want->row[i].line, want->row[i].table);
    }
    for (size_t i = want->count; i < came->count; i++) {
        good = false;
        printf("%s:%d: no further row is expected, came ", dialog->file, dialog->line);
        row_print(&came->row[i]);
    }
    return good;
}

static bool row_same(const struct row *a, const struct row *b)
{
    if (strcmp(a->table, b->table) != 0 || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!(a->cells[i].value.timed && b->cells[i].value.timed) &&
            !value_same(&a->cells[i].value, &b->cells[i].value))
            return false;
    return true;
}

bool rows_same(const struct dialog *dialog, const struct rows *whole, const struct rows *cut, const char *how)
{
    for (size_t i = 0; i < whole->count || i < cut->count; i++) {
        const struct row *a = i < whole->count ? &whole->row[i] : NULL;
        const struct row *b = i < cut->count ? &cut->row[i] : NULL;
        if (a && b && row_same(a, b))
            continue;
        printf("%s:%d: row %zu differs %s\n    whole  ", dialog->file, dialog->line, i + 1, how);
        a ? row_print(a) : (void)puts("no row");
        printf("    cut    ");
        b ? row_print(b) : (void)puts("no row");
        return false;
    }
    return true;
}
