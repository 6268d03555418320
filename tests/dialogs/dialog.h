/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialogs/dialog.h - a dialog as it was read, rows as they came, and how the two are compared.
 *
 * The format is described in docs/guide/writing-an-analyser.md.  Memory is never given back before the program ends: it is small, and
 * a test's pointers are then always good.
 */
#ifndef DIALOGS_DIALOG_H
#define DIALOGS_DIALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/analyser.h>

enum piece_kind { PIECE_DATA, PIECE_GAP, PIECE_FIN, PIECE_RESET, PIECE_WAIT };

struct piece {
    enum piece_kind kind;
    int dir, line;
    uint8_t *data;
    size_t size;     /* DATA */
    uint64_t amount; /* GAP: bytes; WAIT: seconds */
};

struct text {
    char *data;
    size_t size;
};

enum value_kind { VALUE_NULL, VALUE_TEXT, VALUE_LIST };
struct value {
    enum value_kind kind;
    struct text *items; /* TEXT: one */
    size_t count;
    bool timed; /* says when, in packet time: differs with how the bytes were cut */
};

struct cell {
    char *column;
    struct value value;
};

/* An expected row, or one that came. */
struct row {
    char *table;
    int line;
    struct cell *cells;
    size_t count;
};

struct rows {
    struct row *row;
    size_t count;
};

struct dialog {
    const char *file;
    int line;
    char *analyser;
    struct weir_flow flow;
    struct piece *pieces;
    size_t piece_count;
    struct rows expected;
    char *service; /* NULL: not asked; "none": no service */
    int service_line;
};

struct dialogs {
    struct dialog *dialog;
    size_t count;
};

#define DIALOG_START_NS UINT64_C(1767225600000000000) /* 2026-01-01T00:00:00Z */
#define DIALOG_STEP_NS UINT64_C(1000000)

/* Adds the dialogs of `file`; false: `file:line: what is wrong` was printed. */
bool dialogs_read(struct dialogs *dialogs, const char *file);

/* Appends a row to `rows`, every column as text. */
void rows_add(struct rows *rows, const struct weir_table *table, const struct weir_flow *flow, const void *row,
              uint64_t ts_ns, uint64_t now_ns);
/* Says how `came` differs from what the dialog expects, on stdout; true: it does not. */
bool rows_expected(const struct dialog *dialog, const struct rows *came);
/* The same for two replays of a dialog; times may differ.  `how` names the second. */
bool rows_same(const struct dialog *dialog, const struct rows *whole, const struct rows *cut, const char *how);
void row_print(const struct row *row);

/* calloc or realloc that cannot fail. */
void *must_grow(void *block, size_t count, size_t bytes);

#endif
