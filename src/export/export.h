/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export/export.h - rows as text: NDJSON, CSV, TSV, to standard output or a file a table.
 *
 * A writer is a record_sink: it takes runs of rows, drops those that --where turns away, prints the chosen columns and
 * writes large pieces.  Null is `null` in NDJSON, and empty in CSV and TSV.  Text that is not UTF-8 is mended
 * (U+FFFD for each bad byte), control characters are escaped; TSV escapes tab, line feed, return and backslash
 * as \t \n \r \\; CSV is RFC 4180.  Lists are JSON arrays in NDJSON, and items joined with `|` in CSV and TSV.
 */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "record/record.h"

enum export_format { EXPORT_NDJSON, EXPORT_CSV, EXPORT_TSV };

/* "ndjson", "csv", "tsv"; -1 with the choices in the error. */
int export_format_parse(const char *text, enum export_format *format, struct error *error);
const char *export_format_ending(enum export_format format); /* "ndjson" ... */

/* ---- --where: `a = 1 and (b like '%x%' or c is null) and src_ip in ('10.0.0.1', '10.0.0.0/8')` ---- */

struct export_where;

/*
 * SQL's condition grammar over one table's columns: = != <> < <= > >=, [not] like, [not] in (...), [not] between, is [not]
 * null, and or not, parentheses; numbers, 'text', true false, addresses and prefixes as text, times as RFC 3339 text.  Three-valued: null compares as
 * unknown, and an unknown row is turned away.  Errors name the column of the text and what was expected; an unknown column gets the nearest one.
 */
struct export_where *export_where_parse(const struct weir_table *table, const char *text, struct error *error);
void export_where_free(struct export_where *where);
bool export_where_matches(const struct export_where *where, const struct record_batch *batch, uint32_t row);

/* ---- writers ---- */

struct export_writer;

struct export_options {
    enum export_format format;
    const char *columns; /* "a,b,c" or NULL for all; unknown names are errors with the nearest one */
    const char *where;   /* or NULL */
};

/*
 * For one table, to an open descriptor (not closed), or to `path` if `fd` is -1: written as `path`.tmp, and renamed when
 * the writer closes, so that a file under its final name is whole.  NULL with the reason; errno is then 0 when the
 * options are wrong, else why the file could not be made.
 */
struct export_writer *export_writer_open(const struct weir_table *table, const struct export_options *options, int fd,
                                         const char *path, struct error *error);

struct record_sink export_writer_sink(struct export_writer *writer);

uint64_t export_writer_written(const struct export_writer *writer);
uint64_t export_writer_unmatched(const struct export_writer *writer);

/* Why rows() or flush() answered -1: errno of the write (EPIPE: the reader left, which is no error to speak of). */
int export_writer_errno(const struct export_writer *writer);

/* Writes what is left and frees.  `whole`: rename into place; false leaves what was written, if anything, under
 * PATH.tmp.  errno says
 * why it could not be written, 0 if it could; EPIPE alone is no -1. */
int export_writer_close(struct export_writer *writer, bool whole, struct error *error);

/* ---- what others may use as well ---- */

#define EXPORT_IP_TEXT 64u /* room for an address, its end and what is scribbled behind it */

/* The address in canonical text (RFC 5952), ended by a zero byte; its length.  Empty for null. */
uint32_t export_ip_text(char *to, const struct weir_ip *ip);

/* "WHO: table http has no column 'statsu'; did you mean 'status'?"; -1. */
int export_unknown_column(const struct weir_table *table, const char *name, const char *who, struct error *error);

/* Number of the nearest text among `count` by edit distance, -1 if none is near: "did you mean". */
int export_nearest(const char *text, const char *const *choices, int count);

#endif
