/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export/where.h - a condition as a program; for the files of this folder only.
 *
 * Parsing (where_parse.c) makes a list of steps, running (where.c) walks it with a small stack of three-valued truths.
 */
#ifndef EXPORT_WHERE_H
#define EXPORT_WHERE_H

#include "export/export.h"

#define WHERE_TEXT_MAX (64u << 10) /* longest condition */
#define WHERE_DEPTH 64u            /* of parentheses and `not` */
#define WHERE_STACK (2 * WHERE_DEPTH + 4)
#define WHERE_LIKE_MAX 1024u /* longest pattern of like, in bytes */

/* As numbers they make `and` the lesser and `or` the greater. */
enum where_truth { WHERE_FALSE, WHERE_UNKNOWN, WHERE_TRUE };

enum where_op {
    WHERE_TEST,     /* push the truth of test `arg` */
    WHERE_AND,      /* pop two, push the lesser */
    WHERE_OR,       /* pop two, push the greater */
    WHERE_NOT,      /* turn the top around */
    WHERE_IF_FALSE, /* top is false: go on at `arg` */
    WHERE_IF_TRUE,  /* top is true: go on at `arg` */
};

struct where_step {
    uint32_t op, arg;
};

/* What a column is compared as. */
enum where_class { WHERE_NUMBER, WHERE_BOOL, WHERE_TIME, WHERE_ID, WHERE_TEXT, WHERE_IP, WHERE_LIST };

/* One value of the condition. */
struct where_value {
    uint64_t number;   /* whole part of a number; time; id; bool */
    bool fraction;     /* the number is a little more than its whole part */
    bool negative;     /* less than any value of a column */
    uint8_t prefix;    /* of an address: bits that count */
    struct weir_ip ip; /* with the bits behind the prefix zero */
    char *text;        /* owned */
    uint32_t text_bytes;
};

enum where_compare {
    WHERE_EQ, /* any of the values */
    WHERE_LT,
    WHERE_LE,
    WHERE_GT,
    WHERE_GE,
    WHERE_BETWEEN, /* two values, both included */
    WHERE_LIKE,    /* pattern */
    WHERE_NULL,    /* is null */
    WHERE_HOLDS,   /* a boolean column by itself */
};

struct where_like;

struct where_test {
    uint32_t column;
    uint8_t class;         /* enum where_class */
    uint8_t compare;       /* enum where_compare */
    uint32_t first, count; /* of its values */
    struct where_like *like;
};

struct export_where {
    struct where_step *steps;
    struct where_test *tests;
    struct where_value *values;
    uint32_t step_count, test_count, value_count;
};

/* ---- values from text (where_value.c): false when the text is not one ---- */

bool where_value_ip(const char *text, struct where_value *value);
bool where_value_time(const char *text, uint64_t *ns);
bool where_value_id(const char *text, uint64_t *id);
/* Decimal digits with an optional fraction; `*used` gets how many bytes.  False when it is too large. */
bool where_value_number(const char *text, struct where_value *value, size_t *used);

/* ---- patterns (like.c) ---- */

/* `%` any text, `_` any one character, `\` takes the next as it is.  NULL when out of WHERE_LIKE_MAX. */
struct where_like *where_like_new(const char *pattern, size_t size, bool any_case);
void where_like_free(struct where_like *like);
bool where_like_matches(const struct where_like *like, struct weir_str text);

#endif
