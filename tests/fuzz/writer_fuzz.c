/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random values through every writer.  What comes out must be UTF-8 without control characters; NDJSON must be one
 * strict JSON object a line, CSV and TSV as many fields a record as there are columns.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "export/export.h"

#define FUZZ_ROW(X, R)                                                                                                 \
    X(R, STR, text, "", "", "")                                                                                        \
    X(R, STRS, list, "", "", "")                                                                                       \
    X(R, U8, small, "", "", "")                                                                                        \
    X(R, U64, large, "", "", "")                                                                                       \
    X(R, BOOL, flag, "", "", "")                                                                                       \
    X(R, TIME, at, "", "", "")                                                                                         \
    X(R, IP, address, "", "", "")                                                                                      \
    X(R, STR, more, "", "", "")
WEIR_TABLE(fuzz, FUZZ_ROW, "");
#define FUZZ_COLUMNS 15

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- checking ---- */

static uint32_t character(const uint8_t *p, const uint8_t *end, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t size = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    WEIR_CHECK(p[0] < 0x80 || (p[0] >= 0xc0 && p[0] < 0xf8));
    WEIR_CHECK((size_t)(end - p) >= size);
    *code = size == 1 ? p[0] : p[0] & (0xffu >> (size + 1));
    for (uint32_t i = 1; i < size; i++) {
        WEIR_CHECK((p[i] & 0xc0) == 0x80);
        *code = *code << 6 | (p[i] & 0x3f);
    }
    WEIR_CHECK(*code >= least[size] && *code <= 0x10ffff && (*code < 0xd800 || *code > 0xdfff));
    return size;
}

static void check_text(const uint8_t *p, const uint8_t *end, const char *controls)
{
    for (uint32_t code; p < end; p += character(p, end, &code)) {
        character(p, end, &code);
        WEIR_CHECK((code >= 0x20 && (code < 0x7f || code >= 0xa0)) ||
                   (code && code < 0x80 && strchr(controls, (int)code)));
    }
}

static const uint8_t *json_string(const uint8_t *p, const uint8_t *end)
{
    WEIR_CHECK(p < end && *p == '"');
    for (p++; p < end && *p != '"'; p++) {
        WEIR_CHECK(*p >= 0x20);
        if (*p != '\\')
            continue;
        WEIR_CHECK(++p < end && strchr("\"\\bfnrtu", *p));
        if (*p != 'u')
            continue;
        for (int i = 0; i < 4; i++)
            WEIR_CHECK(++p < end && strchr("0123456789abcdef", *p));
    }
    WEIR_CHECK(p < end);
    return p + 1;
}

static const uint8_t *json_value(const uint8_t *p, const uint8_t *end)
{
    static const char *const words[] = {"null", "true", "false"};
    WEIR_CHECK(p < end);
    if (*p == '"')
        return json_string(p, end);
    if (*p >= '0' && *p <= '9') {
        WEIR_CHECK(*p != '0' || p + 1 == end || p[1] < '0' || p[1] > '9');
        while (p < end && *p >= '0' && *p <= '9')
            p++;
        return p;
    }
    if (*p == '[') {
        if (p + 1 < end && p[1] == ']')
            return p + 2;
        do
            p = json_string(p + 1, end);
        while (p < end && *p == ',');
        WEIR_CHECK(p < end && *p == ']');
        return p + 1;
    }
    for (int i = 0; i < 3; i++)
        if ((size_t)(end - p) >= strlen(words[i]) && memcmp(p, words[i], strlen(words[i])) == 0)
            return p + strlen(words[i]);
    WEIR_CHECK(!"a JSON value");
    return end;
}

static uint32_t json_lines(const uint8_t *p, const uint8_t *end)
{
    uint32_t lines = 0;
    check_text(p, end, "\n");
    for (; p < end; lines++) {
        WEIR_CHECK(*p == '{');
        uint32_t keys = 0;
        do {
            p = json_string(p + 1, end);
            WEIR_CHECK(p < end && *p == ':');
            p = json_value(p + 1, end);
            keys++;
        } while (p < end && *p == ',');
        WEIR_CHECK(keys == FUZZ_COLUMNS && end - p >= 2 && p[0] == '}' && p[1] == '\n');
        p += 2;
    }
    return lines;
}

static uint32_t tsv_lines(const uint8_t *p, const uint8_t *end)
{
    uint32_t lines = 0, tabs = 0;
    check_text(p, end, "\n\t");
    for (; p < end; p++) {
        tabs += *p == '\t';
        if (*p == '\n') {
            WEIR_CHECK(tabs == FUZZ_COLUMNS - 1);
            tabs = 0;
            lines++;
        }
    }
    return lines;
}

static uint32_t csv_records(const uint8_t *p, const uint8_t *end)
{
    uint32_t records = 0, fields = 1;
    check_text(p, end, "\n\r\t");
    while (p < end) {
        if (*p == '"') {
            for (p++; WEIR_CHECK(p < end), *p != '"' || (p + 1 < end && p[1] == '"'); p++)
                p += *p == '"';
            p++;
        } else {
            for (; p < end && *p != ',' && *p != '\n'; p++)
                WEIR_CHECK(*p != '"' && *p != '\r');
        }
        WEIR_CHECK(p < end && (*p == ',' || *p == '\n'));
        if (*p++ == ',') {
            fields++;
            continue;
        }
        WEIR_CHECK(fields == FUZZ_COLUMNS);
        fields = 1;
        records++;
    }
    return records;
}

/* ---- rows from the input ---- */

static struct weir_str some_text(struct weir_bytes *in)
{
    uint8_t size = weir_u8(in);
    if (size == 255)
        return (struct weir_str){NULL, 0};
    if (size > weir_left(in))
        size = (uint8_t)weir_left(in);
    return weir_str(size ? (const char *)weir_take(in, size) : "", size);
}

static struct weir_uint some_number(struct weir_bytes *in)
{
    uint8_t kind = weir_u8(in);
    if (kind & 1)
        return (struct weir_uint){0, false};
    return weir_uint(weir_be64(in) >> (kind >> 2));
}

static void some_ip(struct weir_bytes *in, struct weir_ip *ip)
{
    static const uint8_t families[4] = {0, 4, 6, 6};
    ip->family = families[weir_u8(in) & 3];
    for (int i = 0; i < (ip->family == 4 ? 4 : 16); i++)
        ip->bytes[i] = weir_u8(in);
}

static void some_row(struct weir_bytes *in, struct record_batch *batch)
{
    struct weir_str items[8];
    struct fuzz_row row = {.text = some_text(in), .more = some_text(in)};
    struct weir_flow flow = {.proto = weir_u8(in), .uid = weir_be64(in), .src_port = weir_be16(in)};
    row.list.set = weir_u8(in) & 1;
    row.list.items = items;
    for (uint32_t count = weir_u8(in) & 7; row.list.count < count; row.list.count++) {
        items[row.list.count] = some_text(in);
        if (!items[row.list.count].data)
            items[row.list.count] = weir_cstr("");
    }
    row.small = some_number(in);
    row.large = some_number(in);
    row.flag = some_number(in);
    row.at = some_number(in);
    some_ip(in, &row.address);
    some_ip(in, &flow.dst_ip);
    record_append(batch, &flow, &row, weir_be64(in), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record_batch *batch;
    static int fd = -1;
    static uint8_t *out;
    if (!batch) {
        batch = record_batch_new(&fuzz_table);
        fd = memfd_create("out", MFD_CLOEXEC);
        out = malloc(64u << 20);
    }
    record_batch_reset(batch);
    struct weir_bytes in = weir_bytes(data, size);
    while (weir_left(&in) && record_batch_rows(batch) < 200)
        some_row(&in, batch);
    uint32_t rows = record_batch_rows(batch);
    for (int format = 0; format < 3; format++) {
        struct export_options options = {(enum export_format)format, NULL, NULL};
        WEIR_CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
        struct export_writer *writer = export_writer_open(&fuzz_table, &options, fd, NULL, NULL);
        struct record_sink sink = export_writer_sink(writer);
        WEIR_CHECK(sink.rows(sink.context, batch, 0, rows) == 0 && export_writer_close(writer, true, NULL) == 0);
        ssize_t got = pread(fd, out, 64u << 20, 0);
        WEIR_CHECK(got >= 0);
        uint32_t lines = format == EXPORT_NDJSON ? json_lines(out, out + got) + 1
                         : format == EXPORT_TSV  ? tsv_lines(out, out + got)
                                                 : csv_records(out, out + got);
        WEIR_CHECK(lines == rows + 1);
    }
    return 0;
}
