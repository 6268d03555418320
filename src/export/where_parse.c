/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the text of a condition to a program of tests and three-valued operators.
 *
 *     or      := and { OR and }
 *     and     := not { AND not }
 *     not     := NOT not | '(' or ')' | test
 *     test    := column                                     (a boolean one)
 *              | column ( = | == | != | <> | < | <= | > | >= ) value
 *              | column [NOT] ( LIKE 'pattern' | ILIKE 'pattern' | IN (value, ...) | BETWEEN value AND value )
 *              | column IS [NOT] NULL
 *
 * Recursive descent, as deep as WHERE_DEPTH at most.  Every value is read as what its column is, so that a comparison that
 * cannot be true is an error here and costs nothing later.  A negation is the test and WHERE_NOT behind it, which
 * leaves unknown unknown.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "export/where.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_NAME, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_SIGN, TOKEN_BAD };

struct token {
    enum token_kind kind;
    size_t at, size; /* in the text, quotes included */
};

struct parser {
    const struct weir_table *table;
    const char *text;
    struct token token;    /* the next one */
    struct token previous; /* the last one taken */
    uint32_t depth;
    bool failed;
    struct error *error;
    struct export_where *where;
};

/* ---- errors: the first one stays ---- */

static bool fail(struct parser *parser, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail(struct parser *parser, size_t at, const char *format, ...)
{
    char reason[400];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    if (!parser->failed)
        error_set(parser->error, "--where: column %zu: %s", at + 1, reason);
    parser->failed = true;
    return false;
}

/* "expected WHAT after 'x'" */
static bool expected(struct parser *parser, const char *what)
{
    const struct token *last = &parser->previous;
    if (last->size == 0)
        return fail(parser, parser->token.at, "expected %s", what);
    int shown = last->size < 40 ? (int)last->size : 40;
    return fail(parser, parser->token.at, "expected %s after %s%.*s%s", what, last->kind == TOKEN_TEXT ? "" : "'",
                shown, parser->text + last->at, last->kind == TOKEN_TEXT ? "" : "'");
}

/* ---- tokens ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Size of what stands in quotes, those included; a doubled quote is one inside.  0: never closed. */
static size_t quoted_size(const char *text)
{
    for (size_t i = 1; text[i]; i++) {
        if (text[i] == text[0]) {
            if (text[i + 1] != text[0])
                return i + 1;
            i++;
        }
    }
    return 0;
}

static size_t sign_size(const char *text)
{
    static const char *const signs[] = {"==", "!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ","};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (strncmp(text, signs[i], strlen(signs[i])) == 0)
            return strlen(signs[i]);
    return 0;
}

static void advance(struct parser *parser)
{
    struct token *token = &parser->token;
    parser->previous = *token;
    size_t at = token->at + token->size;
    at += strspn(parser->text + at, " \t\r\n");
    const char *text = parser->text + at;
    size_t size = 0;
    enum token_kind kind;
    if (!*text) {
        kind = TOKEN_END;
    } else if (is_letter(*text)) {
        kind = TOKEN_WORD;
        while (is_letter(text[size]) || is_digit(text[size]))
            size++;
    } else if (is_digit(*text) || (*text == '-' && is_digit(text[1]))) {
        kind = TOKEN_NUMBER;
        for (size = 1; is_letter(text[size]) || is_digit(text[size]) || text[size] == '.';)
            size++;
    } else if (*text == '\'' || *text == '"') {
        size = quoted_size(text);
        kind = size == 0 ? TOKEN_BAD : *text == '"' ? TOKEN_NAME : TOKEN_TEXT;
        if (size == 0)
            fail(parser, at, "this quote is never closed");
    } else {
        size = sign_size(text);
        kind = size ? TOKEN_SIGN : TOKEN_BAD;
        if (size == 0)
            fail(parser, at, "'%c' has no meaning here", (unsigned char)*text < 0x80 ? *text : '?');
    }
    *token = (struct token){kind, at, size};
}

static bool next_is(const struct parser *parser, const char *word)
{
    const struct token *token = &parser->token;
    return (token->kind == TOKEN_WORD || token->kind == TOKEN_SIGN) && token->size == strlen(word) &&
           strncasecmp(parser->text + token->at, word, token->size) == 0;
}

static bool accept(struct parser *parser, const char *word)
{
    if (!next_is(parser, word))
        return false;
    advance(parser);
    return true;
}

static bool is_keyword(const struct parser *parser)
{
    static const char *const words[] = {"and", "or", "not", "like", "ilike", "in", "between", "is", "null"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (next_is(parser, words[i]))
            return true;
    return false;
}

/* What the token says, out of its quotes.  The caller frees it. */
static char *token_text(const struct parser *parser, const struct token *token)
{
    const char *from = parser->text + token->at;
    char *text = malloc(token->size + 1);
    WEIR_CHECK(text != NULL);
    size_t size = 0;
    if (token->kind != TOKEN_TEXT && token->kind != TOKEN_NAME) {
        memcpy(text, from, token->size);
        size = token->size;
    } else {
        for (size_t i = 1; i + 1 < token->size; i++) {
            text[size++] = from[i];
            i += from[i] == from[0];
        }
    }
    text[size] = 0;
    return text;
}

/* ---- the program ---- */

/* Space for one more of `bytes`, zeroed; grown in powers of two. */
static void *one_more(void *array, uint32_t count, size_t bytes)
{
    if ((count & (count - 1)) == 0) {
        array = realloc(array, (count ? 2 * (size_t)count : 1) * bytes);
        WEIR_CHECK(array != NULL);
    }
    memset((char *)array + count * bytes, 0, bytes);
    return array;
}

static uint32_t emit(struct parser *parser, enum where_op op, uint32_t arg)
{
    struct export_where *where = parser->where;
    where->steps = one_more(where->steps, where->step_count, sizeof *where->steps);
    where->steps[where->step_count] = (struct where_step){op, arg};
    return where->step_count++;
}

static struct where_value *new_value(struct parser *parser)
{
    struct export_where *where = parser->where;
    where->values = one_more(where->values, where->value_count, sizeof *where->values);
    return &where->values[where->value_count++];
}

static void emit_test(struct parser *parser, const struct where_test *test, bool negated)
{
    struct export_where *where = parser->where;
    where->tests = one_more(where->tests, where->test_count, sizeof *where->tests);
    where->tests[where->test_count] = *test;
    emit(parser, WHERE_TEST, where->test_count++);
    if (negated)
        emit(parser, WHERE_NOT, 0);
}

/* ---- values ---- */

static enum where_class class_of(enum weir_type type)
{
    switch (type) {
    case WEIR_BOOL: return WHERE_BOOL;
    case WEIR_TIME: return WHERE_TIME;
    case WEIR_ID: return WHERE_ID;
    case WEIR_STR: return WHERE_TEXT;
    case WEIR_IP: return WHERE_IP;
    case WEIR_STRS: return WHERE_LIST;
    default: return WHERE_NUMBER;
    }
}

/* What a column of this class is, and how its values are written. */
static const char *const class_hint[] = {
    [WHERE_NUMBER] = "a number: write it without quotes",
    [WHERE_BOOL] = "true or false",
    [WHERE_TIME] = "a time: write it as '2026-01-31T12:00:00Z'",
    [WHERE_ID] = "an identifier: write it as up to 16 hexadecimal digits in quotes",
    [WHERE_TEXT] = "text: write the value in quotes",
    [WHERE_IP] = "an address: write it as '192.0.2.1', '10.0.0.0/8' or '2001:db8::/32'",
    [WHERE_LIST] = "a list of text: write the value in quotes",
};

static bool mismatch(struct parser *parser, uint32_t column, uint8_t class)
{
    char *shown = token_text(parser, &parser->token);
    const char *kind = parser->token.kind == TOKEN_TEXT ? "text " : parser->token.kind == TOKEN_NUMBER ? "number " : "";
    fail(parser, parser->token.at, "%s'%.60s' cannot be compared with '%s', which is %s", kind, shown,
         record_column(parser->table, column)->name, class_hint[class]);
    free(shown);
    return false;
}

static bool number_value(struct parser *parser, struct where_value *value)
{
    const struct token *token = &parser->token;
    const char *text = parser->text + token->at;
    size_t used;
    bool minus = *text == '-', fits = where_value_number(text + minus, value, &used);
    if (!fits)
        return fail(parser, token->at, "this number is larger than any column holds");
    if (used + minus != token->size)
        return fail(parser, token->at, "'%.*s' is not a number", token->size < 40 ? (int)token->size : 40, text);
    value->negative = minus && (value->number || value->fraction);
    return true;
}

static bool quoted_value(struct parser *parser, const struct where_test *test, struct where_value *value)
{
    value->text = token_text(parser, &parser->token);
    value->text_bytes = (uint32_t)strlen(value->text);
    switch (test->class) {
    case WHERE_TEXT:
    case WHERE_LIST: return true;
    case WHERE_TIME:
        return where_value_time(value->text, &value->number) || mismatch(parser, test->column, test->class);
    case WHERE_ID: return where_value_id(value->text, &value->number) || mismatch(parser, test->column, test->class);
    case WHERE_IP:
        if (!where_value_ip(value->text, value))
            return mismatch(parser, test->column, test->class);
        if (test->compare != WHERE_EQ && value->prefix != (value->ip.family == 4 ? 32 : 128))
            return fail(parser, parser->token.at, "a prefix has no order: compare it with =, != or in");
        return true;
    default: return mismatch(parser, test->column, test->class);
    }
}

/* One more value of the test, read as what its column is. */
static bool parse_value(struct parser *parser, struct where_test *test)
{
    struct where_value *value = new_value(parser);
    enum token_kind kind = parser->token.kind;
    bool good = true;
    test->count++;
    if (kind == TOKEN_NUMBER) {
        good = test->class == WHERE_NUMBER ? number_value(parser, value) : mismatch(parser, test->column, test->class);
    } else if (kind == TOKEN_TEXT) {
        good = quoted_value(parser, test, value);
    } else if (next_is(parser, "true") || next_is(parser, "false")) {
        value->number = next_is(parser, "true");
        good = test->class == WHERE_BOOL || mismatch(parser, test->column, test->class);
    } else if (next_is(parser, "null")) {
        return fail(parser, parser->token.at, "nothing equals null: write 'is null' or 'is not null'");
    } else if (kind == TOKEN_NAME || (kind == TOKEN_WORD && !is_keyword(parser))) {
        return expected(parser, "a value (text stands in single quotes)");
    } else {
        return expected(parser, "a value");
    }
    if (good)
        advance(parser);
    return good;
}

/* ---- tests ---- */

static bool parse_column(struct parser *parser, struct where_test *test)
{
    struct token token = parser->token;
    if ((token.kind != TOKEN_WORD && token.kind != TOKEN_NAME) || is_keyword(parser))
        return expected(parser, "a column");
    char *name = token_text(parser, &token);
    int column = record_column_find(parser->table, name);
    if (column < 0) {
        struct error reason;
        char who[48];
        snprintf(who, sizeof who, "--where: column %zu", token.at + 1);
        export_unknown_column(parser->table, name, who, &reason);
        if (!parser->failed)
            error_set(parser->error, "%s", reason.text);
        parser->failed = true;
        free(name);
        return false;
    }
    free(name);
    test->column = (uint32_t)column;
    test->class = (uint8_t)class_of(record_column(parser->table, test->column)->type);
    test->first = parser->where->value_count;
    advance(parser);
    return true;
}

static bool parse_like(struct parser *parser, struct where_test *test, bool any_case)
{
    const char *name = record_column(parser->table, test->column)->name;
    if (test->class != WHERE_TEXT && test->class != WHERE_LIST)
        return fail(parser, parser->previous.at, "like is for text, and '%s' is %s", name, class_hint[test->class]);
    if (parser->token.kind != TOKEN_TEXT)
        return expected(parser, "a pattern in quotes");
    char *pattern = token_text(parser, &parser->token);
    test->compare = WHERE_LIKE;
    test->like = where_like_new(pattern, strlen(pattern), any_case);
    free(pattern);
    if (!test->like)
        return fail(parser, parser->token.at, "a pattern is at most %u bytes long", WHERE_LIKE_MAX);
    advance(parser);
    return true;
}

static bool parse_in(struct parser *parser, struct where_test *test)
{
    test->compare = WHERE_EQ;
    if (!accept(parser, "("))
        return expected(parser, "'('");
    do {
        if (!parse_value(parser, test))
            return false;
    } while (accept(parser, ","));
    return accept(parser, ")") || expected(parser, "',' or ')'");
}

static bool parse_between(struct parser *parser, struct where_test *test)
{
    test->compare = WHERE_BETWEEN;
    if (test->class == WHERE_BOOL)
        return mismatch(parser, test->column, test->class);
    if (!parse_value(parser, test))
        return false;
    if (!accept(parser, "and"))
        return expected(parser, "'and'");
    return parse_value(parser, test);
}

/* The sign of a comparison; != is = with a negation. */
static bool parse_sign(struct parser *parser, struct where_test *test, bool *negated)
{
    static const struct {
        const char *sign;
        enum where_compare compare;
    } signs[] = {{"=", WHERE_EQ}, {"==", WHERE_EQ}, {"!=", WHERE_EQ}, {"<>", WHERE_EQ},
                 {"<", WHERE_LT}, {"<=", WHERE_LE}, {">", WHERE_GT},  {">=", WHERE_GE}};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (!next_is(parser, signs[i].sign))
            continue;
        *negated = signs[i].sign[0] == '!' || signs[i].sign[1] == '>';
        test->compare = (uint8_t)signs[i].compare;
        if (test->class == WHERE_BOOL && test->compare != WHERE_EQ)
            return fail(parser, parser->token.at, "'%s' is true or false: compare it with = or !=",
                        record_column(parser->table, test->column)->name);
        advance(parser);
        return parse_value(parser, test);
    }
    return expected(parser, "an operator (= != < <= > >= like in between is)");
}

static bool parse_after_column(struct parser *parser, struct where_test *test, bool *negated)
{
    if (accept(parser, "is")) {
        test->compare = WHERE_NULL;
        *negated = accept(parser, "not");
        return accept(parser, "null") || expected(parser, *negated ? "'null'" : "'null' or 'not null'");
    }
    *negated = accept(parser, "not");
    if (accept(parser, "like"))
        return parse_like(parser, test, false);
    if (accept(parser, "ilike"))
        return parse_like(parser, test, true);
    if (accept(parser, "in"))
        return parse_in(parser, test);
    if (accept(parser, "between"))
        return parse_between(parser, test);
    if (*negated)
        return expected(parser, "'like', 'in' or 'between'");
    bool ends =
        parser->token.kind == TOKEN_END || next_is(parser, ")") || next_is(parser, "and") || next_is(parser, "or");
    if (test->class == WHERE_BOOL && ends) {
        test->compare = WHERE_HOLDS;
        return true;
    }
    return parse_sign(parser, test, negated);
}

static bool parse_test(struct parser *parser)
{
    struct where_test test = {0};
    bool negated = false;
    bool good = parse_column(parser, &test) && parse_after_column(parser, &test, &negated);
    emit_test(parser, &test, negated); /* in any case: the program owns the pattern */
    return good;
}

/* ---- and, or, not ---- */

static bool parse_or(struct parser *parser);

static bool parse_not(struct parser *parser)
{
    if (!next_is(parser, "not") && !next_is(parser, "("))
        return parse_test(parser);
    if (parser->depth == WHERE_DEPTH)
        return fail(parser, parser->token.at, "more than %u levels of 'not' and parentheses", WHERE_DEPTH);
    parser->depth++;
    bool good;
    if (accept(parser, "not")) {
        good = parse_not(parser);
        emit(parser, WHERE_NOT, 0);
    } else {
        advance(parser);
        good = parse_or(parser) && (accept(parser, ")") || expected(parser, "'and', 'or' or ')'"));
    }
    parser->depth--;
    return good;
}

static bool parse_and(struct parser *parser)
{
    bool good = parse_not(parser);
    while (good && accept(parser, "and")) {
        uint32_t jump = emit(parser, WHERE_IF_FALSE, 0);
        good = parse_not(parser);
        emit(parser, WHERE_AND, 0);
        parser->where->steps[jump].arg = parser->where->step_count;
    }
    return good;
}

static bool parse_or(struct parser *parser)
{
    bool good = parse_and(parser);
    while (good && accept(parser, "or")) {
        uint32_t jump = emit(parser, WHERE_IF_TRUE, 0);
        good = parse_and(parser);
        emit(parser, WHERE_OR, 0);
        parser->where->steps[jump].arg = parser->where->step_count;
    }
    return good;
}

struct export_where *export_where_parse(const struct weir_table *table, const char *text, struct error *error)
{
    if (strlen(text) > WHERE_TEXT_MAX) {
        error_set(error, "--where: the condition is longer than %u bytes", WHERE_TEXT_MAX);
        return NULL;
    }
    struct export_where *where = calloc(1, sizeof *where);
    WEIR_CHECK(where != NULL);
    struct parser parser = {.table = table, .text = text, .error = error, .where = where};
    advance(&parser);
    bool good = parse_or(&parser);
    if (good && parser.token.kind != TOKEN_END)
        good = expected(&parser, "'and', 'or' or the end");
    if (good && !parser.failed)
        return where;
    export_where_free(where);
    return NULL;
}
