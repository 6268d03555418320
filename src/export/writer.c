/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer: runs of rows in, text out, in pieces of about 256 KiB a write().
 *
 * What a column needs - its number, its type, its key with quotes and colon - is laid down at the start.  A row is then
 * a walk over those fields.  Room is asked for before each value, at the worst that the value can become, so that
 * nothing that formats has to look where the buffer ends; a value is at most RECORD_TEXT_MAX bytes, so a fixed buffer
 * always holds the next one, after a write if need be.
 *
 * The first failed write is kept and nothing is written after it.  A file appears under its final name only when
 * it is whole and on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export/export.h"
#include "export/text.h"

#define PIECE (256u << 10)   /* a write */
#define BUFFER (1024u << 10) /* a piece and the largest value behind it */
#define KEY_COPY 32u         /* most keys are shorter: copied whole, without asking */

/* How a field is printed. */
enum field_kind { FIELD_UINT, FIELD_BOOL, FIELD_TIME, FIELD_ID, FIELD_IP, FIELD_STR, FIELD_PROTO, FIELD_STRS };

struct field {
    uint32_t column;
    uint32_t kind;
    uint32_t key_bytes;
    char *key; /* `,"method":`; the first of a row `{"method":`.  At least KEY_COPY bytes. */
};

struct export_writer {
    const struct weir_table *table;
    enum export_format format;
    struct export_where *where;
    struct field *fields;
    uint32_t field_count;
    int fd;
    char *path, *tmp_path; /* NULL for a descriptor of the caller's */
    int failed;            /* errno of the first write that failed */
    uint64_t written, unmatched;
    struct export_clock clock;
    uint8_t *buffer;
    size_t used;
};

/* ---- out ---- */

static int drain(struct export_writer *writer)
{
    size_t done = 0;
    while (done < writer->used && !writer->failed) {
        ssize_t n = write(writer->fd, writer->buffer + done, writer->used - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd ready = {writer->fd, POLLOUT, 0};
            poll(&ready, 1, 1000);
        } else if (errno != EINTR) {
            writer->failed = errno;
        }
    }
    writer->used = 0;
    return writer->failed ? -1 : 0;
}

/* Where the next `bytes` go.  `bytes` is at most BUFFER. */
static inline uint8_t *room(struct export_writer *writer, size_t bytes)
{
    if (__builtin_expect(writer->used + bytes > BUFFER, 0))
        drain(writer);
    return writer->buffer + writer->used;
}

static inline void took(struct export_writer *writer, const uint8_t *end)
{
    writer->used = (size_t)(end - writer->buffer);
}

static void put_raw(struct export_writer *writer, const char *text)
{
    size_t size = strlen(text);
    uint8_t *to = room(writer, size);
    memcpy(to, text, size);
    took(writer, to + size);
}

/* ---- values ---- */

static inline uint8_t *put_number(struct export_writer *writer, uint8_t *to, uint32_t kind, uint64_t value)
{
    switch (kind) {
    case FIELD_BOOL: memcpy(to, value ? "true " : "false", 5); return to + (value ? 4 : 5);
    case FIELD_TIME: return export_put_time(to, value, &writer->clock);
    case FIELD_ID: return export_put_id(to, value);
    default: return export_put_uint(to, value);
    }
}

static inline uint8_t *put_key(struct export_writer *writer, const struct field *field, size_t value_room)
{
    uint8_t *to = room(writer, field->key_bytes + KEY_COPY + value_room);
    if (field->key_bytes <= KEY_COPY)
        memcpy(to, field->key, KEY_COPY);
    else
        memcpy(to, field->key, field->key_bytes);
    return to + field->key_bytes;
}

static uint8_t *put_null(uint8_t *to)
{
    memcpy(to, "null", 4);
    return to + 4;
}

static void json_list(struct export_writer *writer, const struct field *field, const struct record_batch *batch,
                      uint32_t row)
{
    uint8_t *to = put_key(writer, field, EXPORT_FIXED_TEXT);
    int count = record_list(batch, field->column, row);
    if (count < 0) {
        took(writer, put_null(to));
        return;
    }
    *to++ = '[';
    took(writer, to);
    for (int i = 0; i < count; i++) {
        struct weir_str item = record_list_item(batch, field->column, row, (uint32_t)i);
        to = room(writer, EXPORT_TEXT_ROOM(item.size));
        if (i)
            *to++ = ',';
        *to++ = '"';
        to = export_put_json(to, item);
        *to++ = '"';
        took(writer, to);
    }
    to = room(writer, 1);
    *to++ = ']';
    took(writer, to);
}

static inline uint8_t *json_quoted_fixed(struct export_writer *writer, uint8_t *to, const struct field *field,
                                         const struct record_batch *batch, uint32_t row)
{
    *to++ = '"';
    uint8_t *from = to;
    if (field->kind == FIELD_IP) {
        struct weir_ip ip = record_ip(batch, field->column, row);
        to = export_put_ip(to, &ip);
    } else if (field->kind == FIELD_PROTO) {
        struct weir_str name = record_str(batch, field->column, row);
        if (name.data)
            memcpy(to, name.data, name.size);
        to += name.size;
    } else {
        struct weir_uint value = record_uint(batch, field->column, row);
        if (value.set)
            to = put_number(writer, to, field->kind, value.value);
    }
    if (to == from)
        return put_null(to - 1);
    *to++ = '"';
    return to;
}

static void json_field(struct export_writer *writer, const struct field *field, const struct record_batch *batch,
                       uint32_t row)
{
    uint8_t *to;
    switch (field->kind) {
    case FIELD_UINT:
    case FIELD_BOOL: {
        struct weir_uint value = record_uint(batch, field->column, row);
        to = put_key(writer, field, EXPORT_FIXED_TEXT);
        to = value.set ? put_number(writer, to, field->kind, value.value) : put_null(to);
        break;
    }
    case FIELD_STR: {
        struct weir_str text = record_str(batch, field->column, row);
        to = put_key(writer, field, EXPORT_TEXT_ROOM(text.size));
        if (!text.data) {
            to = put_null(to);
            break;
        }
        *to++ = '"';
        to = export_put_json(to, text);
        *to++ = '"';
        break;
    }
    case FIELD_STRS: json_list(writer, field, batch, row); return;
    default:
        to = put_key(writer, field, EXPORT_FIXED_TEXT);
        to = json_quoted_fixed(writer, to, field, batch, row);
        break;
    }
    took(writer, to);
}

static void json_row(struct export_writer *writer, const struct record_batch *batch, uint32_t row)
{
    for (uint32_t i = 0; i < writer->field_count; i++)
        json_field(writer, &writer->fields[i], batch, row);
    uint8_t *to = room(writer, 2);
    memcpy(to, "}\n", 2);
    took(writer, to + 2);
}

/* One text of a CSV or TSV field; with `bar`, one more item of a list. */
static void plain_item(struct export_writer *writer, struct weir_str text, bool bar)
{
    uint8_t *to = room(writer, EXPORT_TEXT_ROOM(text.size));
    if (bar)
        *to++ = '|';
    to = writer->format == EXPORT_CSV ? export_put_csv_inside(to, text) : export_put_tsv(to, text);
    took(writer, to);
}

static void plain_quote(struct export_writer *writer, bool quoted)
{
    if (quoted)
        put_raw(writer, "\"");
}

/* In CSV, "" is empty and nothing is null. */
static void plain_text(struct export_writer *writer, struct weir_str text)
{
    if (!text.data)
        return;
    bool quoted = writer->format == EXPORT_CSV && (text.size == 0 || export_csv_quoted(text));
    plain_quote(writer, quoted);
    plain_item(writer, text, false);
    plain_quote(writer, quoted);
}

static void plain_list(struct export_writer *writer, const struct field *field, const struct record_batch *batch,
                       uint32_t row)
{
    int count = record_list(batch, field->column, row);
    bool quoted = count == 0;
    for (int i = 0; i < count && !quoted; i++)
        quoted = export_csv_quoted(record_list_item(batch, field->column, row, (uint32_t)i));
    quoted = quoted && writer->format == EXPORT_CSV;
    plain_quote(writer, quoted);
    for (int i = 0; i < count; i++)
        plain_item(writer, record_list_item(batch, field->column, row, (uint32_t)i), i > 0);
    plain_quote(writer, quoted);
}

static void plain_field(struct export_writer *writer, const struct field *field, const struct record_batch *batch,
                        uint32_t row)
{
    if (field->kind == FIELD_STR) {
        plain_text(writer, record_str(batch, field->column, row));
        return;
    }
    if (field->kind == FIELD_STRS) {
        plain_list(writer, field, batch, row);
        return;
    }
    uint8_t *to = room(writer, EXPORT_FIXED_TEXT);
    if (field->kind == FIELD_IP) {
        struct weir_ip ip = record_ip(batch, field->column, row);
        to = export_put_ip(to, &ip);
    } else if (field->kind == FIELD_PROTO) {
        struct weir_str name = record_str(batch, field->column, row);
        memcpy(to, name.data, name.size);
        to += name.size;
    } else {
        struct weir_uint value = record_uint(batch, field->column, row);
        if (value.set)
            to = put_number(writer, to, field->kind, value.value);
    }
    took(writer, to);
}

static void plain_row(struct export_writer *writer, const struct record_batch *batch, uint32_t row)
{
    char separator = writer->format == EXPORT_CSV ? ',' : '\t';
    for (uint32_t i = 0; i < writer->field_count; i++) {
        plain_field(writer, &writer->fields[i], batch, row);
        uint8_t *to = room(writer, 2);
        *to++ = (uint8_t)(i + 1 < writer->field_count ? separator : '\n');
        took(writer, to);
    }
}

/* ---- the sink ---- */

static int writer_rows(void *context, const struct record_batch *batch, uint32_t first, uint32_t count)
{
    struct export_writer *writer = context;
    for (uint32_t row = first; row < first + count && !writer->failed; row++) {
        if (writer->where && !export_where_matches(writer->where, batch, row)) {
            writer->unmatched++;
            continue;
        }
        if (writer->format == EXPORT_NDJSON)
            json_row(writer, batch, row);
        else
            plain_row(writer, batch, row);
        writer->written++;
        if (writer->used >= PIECE)
            drain(writer);
    }
    return writer->failed ? -1 : 0;
}

static int writer_flush(void *context)
{
    return drain(context);
}

struct record_sink export_writer_sink(struct export_writer *writer)
{
    return (struct record_sink){writer_rows, writer_flush, writer};
}

uint64_t export_writer_written(const struct export_writer *writer)
{
    return writer->written;
}

uint64_t export_writer_unmatched(const struct export_writer *writer)
{
    return writer->unmatched;
}

int export_writer_errno(const struct export_writer *writer)
{
    return writer->failed;
}

/* ---- opening and closing ---- */

static const char *const format_names[] = {"ndjson", "csv", "tsv"};

int export_format_parse(const char *text, enum export_format *format, struct error *error)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, format_names[i]) == 0) {
            *format = (enum export_format)i;
            return 0;
        }
    }
    int nearest = export_nearest(text, format_names, 3);
    if (nearest >= 0)
        return error_set(error, "unknown format '%s'; did you mean '%s'? (ndjson, csv, tsv)", text,
                         format_names[nearest]);
    return error_set(error, "unknown format '%s'; expected ndjson, csv or tsv", text);
}

const char *export_format_ending(enum export_format format)
{
    return format_names[format];
}

static enum field_kind kind_of(const struct weir_table *table, uint32_t column)
{
    switch (record_column(table, column)->type) {
    case WEIR_BOOL: return FIELD_BOOL;
    case WEIR_TIME: return FIELD_TIME;
    case WEIR_ID: return FIELD_ID;
    case WEIR_IP: return FIELD_IP;
    case WEIR_STRS: return FIELD_STRS;
    case WEIR_STR: return !table->bare && column == RECORD_BASE_COLUMNS - 1 ? FIELD_PROTO : FIELD_STR;
    default: return FIELD_UINT;
    }
}

/* Adds one column; names of columns are plain words and need no escapes. */
static void add_field(struct export_writer *writer, uint32_t column)
{
    const char *name = record_column(writer->table, column)->name;
    struct field *field = &writer->fields[writer->field_count];
    size_t bytes = strlen(name) + 4;
    field->column = column;
    field->kind = kind_of(writer->table, column);
    field->key = calloc(1, bytes + KEY_COPY + 1);
    WEIR_CHECK(field->key != NULL);
    field->key_bytes = (uint32_t)snprintf(field->key, bytes + 1, "%c\"%s\":", writer->field_count ? ',' : '{', name);
    writer->field_count++;
}

static int choose_columns(struct export_writer *writer, const char *list, struct error *error)
{
    uint32_t count = record_column_count(writer->table);
    writer->fields = calloc(count, sizeof *writer->fields);
    WEIR_CHECK(writer->fields != NULL);
    for (uint32_t i = 0; i < count && !list; i++)
        add_field(writer, i);
    while (list) {
        char name[64];
        size_t size = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)(size < sizeof name ? size : sizeof name), list);
        list = list[size] ? list + size + 1 : NULL;
        char *word = name + strspn(name, " ");
        word[strcspn(word, " ")] = 0;
        int column = record_column_find(writer->table, word);
        if (column < 0)
            return export_unknown_column(writer->table, word, "--columns", error);
        for (uint32_t i = 0; i < writer->field_count; i++)
            if (writer->fields[i].column == (uint32_t)column)
                return error_set(error, "--columns: '%s' is named twice", word);
        add_field(writer, (uint32_t)column);
    }
    return 0;
}

static void put_header(struct export_writer *writer)
{
    for (uint32_t i = 0; i < writer->field_count && writer->format != EXPORT_NDJSON; i++) {
        if (i)
            put_raw(writer, writer->format == EXPORT_CSV ? "," : "\t");
        put_raw(writer, record_column(writer->table, writer->fields[i].column)->name);
    }
    if (writer->format != EXPORT_NDJSON)
        put_raw(writer, "\n");
}

static int open_file(struct export_writer *writer, const char *path, struct error *error)
{
    if (asprintf(&writer->path, "%s", path) < 0 || asprintf(&writer->tmp_path, "%s.tmp", path) < 0)
        return error_set(error, "%s: out of memory", path);
    writer->fd = open(writer->tmp_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (writer->fd < 0)
        return error_errno(error, errno, "%s", writer->tmp_path);
    return 0;
}

static void writer_free(struct export_writer *writer)
{
    for (uint32_t i = 0; i < writer->field_count; i++)
        free(writer->fields[i].key);
    free(writer->fields);
    export_where_free(writer->where);
    free(writer->path);
    free(writer->tmp_path);
    munmap(writer->buffer, BUFFER);
    free(writer);
}

struct export_writer *export_writer_open(const struct weir_table *table, const struct export_options *options, int fd,
                                         const char *path, struct error *error)
{
    struct export_writer *writer = calloc(1, sizeof *writer);
    WEIR_CHECK(writer != NULL);
    writer->buffer = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WEIR_CHECK(writer->buffer != MAP_FAILED);
    writer->table = table;
    writer->format = options->format;
    writer->fd = fd;
    bool good = choose_columns(writer, options->columns, error) == 0;
    if (good && options->where)
        good = (writer->where = export_where_parse(table, options->where, error)) != NULL;
    if (good && fd < 0)
        good = open_file(writer, path, error) == 0;
    if (!good) {
        int number = writer->fd < 0 && writer->tmp_path ? errno : 0;
        writer_free(writer);
        errno = number;
        return NULL;
    }
    put_header(writer);
    return writer;
}

/* What was written is on disk before it gets its name. */
static int finish_file(struct export_writer *writer, bool whole, struct error *error)
{
    int result = 0;
    if (whole && fsync(writer->fd) != 0 && errno != EINVAL)
        result = error_errno(error, errno, "%s", writer->tmp_path);
    struct stat status;
    if (!whole && fstat(writer->fd, &status) == 0 && status.st_size == 0) /* nothing that anybody could want */
        unlink(writer->tmp_path);
    if (close(writer->fd) != 0 && result == 0)
        result = error_errno(error, errno, "%s", writer->tmp_path);
    if (whole && result == 0 && rename(writer->tmp_path, writer->path) != 0)
        result = error_errno(error, errno, "%s", writer->path);
    return result;
}

int export_writer_close(struct export_writer *writer, bool whole, struct error *error)
{
    if (!writer)
        return 0;
    int failed = drain(writer) == 0 ? 0 : writer->failed, result = 0;
    if (failed && failed != EPIPE) /* a reader that left had what it wanted */
        result = error_errno(error, failed, "%s", writer->path ? writer->tmp_path : "standard output");
    if (writer->path && finish_file(writer, whole && !failed, failed ? NULL : error) != 0 && !failed) {
        failed = errno;
        result = -1;
    }
    writer_free(writer);
    errno = failed;
    return result;
}
