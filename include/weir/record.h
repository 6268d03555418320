/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir/record.h - what a row is, seen by the code that makes one.
 *
 * A table is written once, as a list of columns:
 *
 *     #define PING_ROW(X, R)                                                                   \
 *         X(R, U16, sequence, "icmp.seq", "", "sequence number")                               \
 *         X(R, DURATION, latency_ns, "icmp.resptime", "", "request to reply")
 *     WEIR_TABLE(ping, PING_ROW, "one row an echo request");
 *
 * which yields `struct ping_row` with a member for each column and `ping_table`, the schema that writers,
 * documentation and field names come from.  The columns that every row starts with (ts uid src_ip src_port
 * dst_ip dst_port proto) are put in front by the engine; they are not in the list.
 *
 * Absent is null: a row that is zeroed has every column null.
 */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How a column is kept and written.  The member of the row that carries it stands beside it. */
enum weir_type {
    WEIR_BOOL,     /* struct weir_uint; true, false */
    WEIR_U8,       /* struct weir_uint */
    WEIR_U16,      /* struct weir_uint */
    WEIR_U32,      /* struct weir_uint */
    WEIR_U64,      /* struct weir_uint */
    WEIR_TIME,     /* struct weir_uint: nanoseconds since 1970 UTC; in text RFC 3339 with nine digits */
    WEIR_DURATION, /* struct weir_uint: nanoseconds; in text an integer */
    WEIR_ID,       /* struct weir_uint: 64 bits, written as 16 hexadecimal digits */
    WEIR_STR,      /* struct weir_str: text as it was on the wire, hopefully UTF-8; writers mend what is not */
    WEIR_IP,       /* struct weir_ip: in text canonical (RFC 5952) */
    WEIR_STRS,     /* struct weir_strs: a list of text */
    WEIR_TYPES
};

struct weir_uint {
    uint64_t value;
    bool set; /* false: null */
};

struct weir_str {
    const char *data; /* NULL: null.  Need not end in a zero byte; need not live past the call it is given to */
    uint32_t size;
};

struct weir_ip {
    uint8_t bytes[16]; /* network order; IPv4 in the first four, the others zero */
    uint8_t family;    /* 4, 6, or 0 for null */
};

struct weir_strs {
    const struct weir_str *items; /* at most 65,535; none may be null */
    uint32_t count;
    bool set; /* false: null; an empty list is set with count 0 */
};

static inline struct weir_uint weir_uint(uint64_t value)
{
    return (struct weir_uint){value, true};
}
static inline struct weir_str weir_str(const void *data, size_t size)
{
    return (struct weir_str){(const char *)data, (uint32_t)size};
}
static inline struct weir_str weir_cstr(const char *text)
{
    return (struct weir_str){text, text ? (uint32_t)strlen(text) : 0};
}

struct weir_column {
    const char *name;      /* column and JSON key, as the user writes it */
    const char *wireshark; /* display-filter field of the same meaning, "" where there is none */
    const char *otel;      /* OpenTelemetry attribute, "" where there is none */
    const char *doc;       /* meaning and unit, half a sentence */
    enum weir_type type;
    uint32_t offset; /* of the member in the row struct */
};

struct weir_table {
    const char *name;
    const char *doc;
    const struct weir_column *columns;
    uint32_t column_count; /* at most 56 */
    uint32_t row_bytes;    /* sizeof the row struct */
    bool bare;             /* no flow columns in front (table `ledger`); its first column is then `ts` */
};

#define WEIR_MEMBER_BOOL struct weir_uint
#define WEIR_MEMBER_U8 struct weir_uint
#define WEIR_MEMBER_U16 struct weir_uint
#define WEIR_MEMBER_U32 struct weir_uint
#define WEIR_MEMBER_U64 struct weir_uint
#define WEIR_MEMBER_TIME struct weir_uint
#define WEIR_MEMBER_DURATION struct weir_uint
#define WEIR_MEMBER_ID struct weir_uint
#define WEIR_MEMBER_STR struct weir_str
#define WEIR_MEMBER_IP struct weir_ip
#define WEIR_MEMBER_STRS struct weir_strs

#define WEIR_MEMBER(row, type, name, wireshark, otel, doc) WEIR_MEMBER_##type name;
#define WEIR_COLUMN(row, type, name, wireshark, otel, doc)                                                             \
    {#name, wireshark, otel, doc, WEIR_##type, (uint32_t)offsetof(row, name)},

/* Declares `struct NAME_row` and the static schema `NAME_table` from a list. */
#define WEIR_TABLE_(NAME, LIST, DOC, BARE)                                                                             \
    struct NAME##_row {                                                                                                \
        LIST(WEIR_MEMBER, )                                                                                            \
    };                                                                                                                 \
    static const struct weir_column NAME##_columns[] = {LIST(WEIR_COLUMN, struct NAME##_row)};                         \
    static const struct weir_table NAME##_table = {                                                                    \
        #NAME, DOC, NAME##_columns, sizeof NAME##_columns / sizeof NAME##_columns[0], sizeof(struct NAME##_row), BARE}
#define WEIR_TABLE(NAME, LIST, DOC) WEIR_TABLE_(NAME, LIST, DOC, false)
#define WEIR_TABLE_BARE(NAME, LIST, DOC) WEIR_TABLE_(NAME, LIST, DOC, true)

#endif
