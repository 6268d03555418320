/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads dialogs.  One pass over the lines; a line's first character says what it is.  The first thing that is wrong ends the reading of
 * that file: a dialog that was half understood proves nothing.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialog.h"

struct reader {
    struct dialogs *dialogs;
    const char *file;
    int line;
    struct dialog *dialog; /* the one being read */
    struct piece *piece;   /* that a '+' line goes on with */
};

void *must_grow(void *block, size_t count, size_t bytes)
{
    block = realloc(block, count * bytes + 1);
    if (!block)
        abort();
    return block;
}

static bool wrong(const struct reader *r, const char *what)
{
    printf("%s:%d: %s\n", r->file, r->line, what);
    return false;
}

/* Takes one character of text with escapes; -1 at a broken escape. */
static int unescape(const char **at)
{
    const char *p = *at;
    if (*p != '\\') {
        *at = p + 1;
        return (unsigned char)*p;
    }
    *at = p + 2;
    switch (p[1]) {
    case 'r': return '\r';
    case 'n': return '\n';
    case 't': return '\t';
    case '0': return 0;
    case '\\': return '\\';
    case '"': return '"';
    case 'x':
        if (isxdigit((unsigned char)p[2]) && isxdigit((unsigned char)p[3])) {
            char hex[3] = {p[2], p[3], 0};
            *at = p + 4;
            return (int)strtol(hex, NULL, 16);
        }
        return -1;
    default: return -1;
    }
}

static void put_byte(struct piece *piece, int byte)
{
    if ((piece->size & (piece->size - 1)) == 0)
        piece->data = must_grow(piece->data, piece->size ? 2 * piece->size : 16, 1);
    piece->data[piece->size++] = (uint8_t)byte;
}

static bool put_bytes(const struct reader *r, struct piece *piece, const char *p)
{
    if (strncmp(p, "hex:", 4) == 0) {
        for (p += 4; *p;) {
            if (isspace((unsigned char)*p)) {
                p++;
                continue;
            }
            if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]))
                return wrong(r, "expected two hexadecimal digits");
            char hex[3] = {p[0], p[1], 0};
            put_byte(piece, (int)strtol(hex, NULL, 16));
            p += 2;
        }
        return true;
    }
    while (*p) {
        int byte = unescape(&p);
        if (byte < 0)
            return wrong(r, "expected one of the escapes \\r \\n \\t \\0 \\\\ \\xNN");
        put_byte(piece, byte);
    }
    return true;
}

static struct piece *new_piece(struct reader *r, enum piece_kind kind, int dir)
{
    struct dialog *d = r->dialog;
    d->pieces = must_grow(d->pieces, d->piece_count + 1, sizeof *d->pieces);
    struct piece *piece = &d->pieces[d->piece_count++];
    *piece = (struct piece){.kind = kind, .dir = dir, .line = r->line};
    return piece;
}

static bool number(const char *p, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(p, &end, 10);
    return end != p && !errno && end[strspn(end, " \t")] == 0;
}

/* `>`, `<` and what stands behind them. */
static bool read_piece(struct reader *r, const char *p)
{
    int dir = *p++ == '>' ? WEIR_ORIG : WEIR_RESP;
    r->piece = NULL;
    if (*p == '~') {
        struct piece *gap = new_piece(r, PIECE_GAP, dir);
        return number(p + 1, &gap->amount) && gap->amount ? true : wrong(r, "expected the number of missing bytes");
    }
    if (*p == '.' && p[1 + strspn(p + 1, " \t")] == 0) {
        new_piece(r, PIECE_FIN, dir);
        return true;
    }
    r->piece = new_piece(r, PIECE_DATA, dir);
    return put_bytes(r, r->piece, *p == ' ' ? p + 1 : p);
}

/* ---- endpoints ---- */

static bool endpoint(char *text, struct weir_ip *ip, uint16_t *port)
{
    char *colon = strrchr(text, ':');
    uint64_t value;
    if (!colon || !number(colon + 1, &value) || value > 65535)
        return false;
    *colon = 0;
    size_t size = strlen(text);
    if (text[0] == '[' && size > 1 && text[size - 1] == ']') {
        text[size - 1] = 0;
        ip->family = 6;
        text++;
    } else {
        ip->family = 4;
    }
    *port = (uint16_t)value;
    return inet_pton(ip->family == 4 ? AF_INET : AF_INET6, text, ip->bytes) == 1;
}

static bool read_start(struct reader *r, char *p)
{
    char *word[4], *save = NULL;
    for (int i = 0; i < 4; i++)
        if (!(word[i] = strtok_r(i ? NULL : p + 1, " \t", &save)))
            return wrong(r, "expected @ ANALYSER tcp|udp ORIGINATOR:PORT RESPONDER:PORT");
    r->dialogs->dialog = must_grow(r->dialogs->dialog, r->dialogs->count + 1, sizeof *r->dialogs->dialog);
    struct dialog *d = r->dialog = &r->dialogs->dialog[r->dialogs->count++];
    *d = (struct dialog){.file = r->file, .line = r->line, .analyser = strdup(word[0])};
    d->flow.proto = strcmp(word[1], "tcp") == 0 ? WEIR_TCP : strcmp(word[1], "udp") == 0 ? WEIR_UDP : 0;
    d->flow.uid = 1;
    d->flow.start_ns = DIALOG_START_NS;
    r->piece = NULL;
    if (!d->flow.proto)
        return wrong(r, "expected tcp or udp");
    if (!endpoint(word[2], &d->flow.src_ip, &d->flow.src_port) ||
        !endpoint(word[3], &d->flow.dst_ip, &d->flow.dst_port))
        return wrong(r, "expected an address and a port: 10.0.0.1:80 or [2001:db8::1]:80");
    return true;
}

/* ---- expected rows ---- */

/* One value or list item: bare up to one of `stop`, or in quotes. */
static bool read_text(const char **at, const char *stop, struct text *text)
{
    const char *p = *at;
    bool quoted = *p == '"';
    p += quoted;
    text->data = must_grow(NULL, strlen(p), 1);
    text->size = 0;
    while (*p && (quoted ? *p != '"' : !strchr(stop, *p))) {
        int byte = unescape(&p);
        if (byte < 0)
            return false;
        text->data[text->size++] = (char)byte;
    }
    if (quoted && *p++ != '"')
        return false;
    *at = p;
    return true;
}

static bool read_list(const char **at, struct value *value)
{
    value->kind = VALUE_LIST;
    ++*at;
    while (**at && **at != ']') {
        value->items = must_grow(value->items, value->count + 1, sizeof *value->items);
        if (!read_text(at, ",]", &value->items[value->count++]))
            return false;
        *at += **at == ',';
    }
    return *(*at)++ == ']';
}

static bool read_value(const char **at, struct value *value)
{
    *value = (struct value){0};
    if (**at == '[')
        return read_list(at, value);
    bool quoted = **at == '"';
    value->kind = VALUE_TEXT;
    value->items = must_grow(NULL, 1, sizeof *value->items);
    value->count = 1;
    if (!read_text(at, " \t", value->items))
        return false;
    if (!quoted && value->items->size == 4 && memcmp(value->items->data, "null", 4) == 0)
        *value = (struct value){0};
    return true;
}

static bool read_row(struct reader *r, const char *p)
{
    struct rows *rows = &r->dialog->expected;
    rows->row = must_grow(rows->row, rows->count + 1, sizeof *rows->row);
    struct row *row = &rows->row[rows->count++];
    p += 1 + strspn(p + 1, " \t");
    size_t size = strcspn(p, " \t");
    *row = (struct row){.table = strndup(p, size), .line = r->line};
    for (p += size; *(p += strspn(p, " \t"));) {
        size = strcspn(p, "= \t");
        if (!size || p[size] != '=')
            return wrong(r, "expected COLUMN=VALUE");
        row->cells = must_grow(row->cells, row->count + 1, sizeof *row->cells);
        struct cell *cell = &row->cells[row->count++];
        cell->column = strndup(p, size);
        p += size + 1;
        if (!read_value(&p, &cell->value) || (*p && !isspace((unsigned char)*p)))
            return wrong(r, "expected a value: bare, \"quoted\", null or [a,b]");
    }
    return *row->table ? true : wrong(r, "expected = TABLE COLUMN=VALUE ...");
}

/* ---- lines ---- */

static bool read_word(struct reader *r, char *p)
{
    p[strcspn(p, "\r")] = 0;
    if (strncmp(p, "service ", 8) == 0) {
        p += 8 + strspn(p + 8, " ");
        r->dialog->service = strndup(p, strcspn(p, " \t"));
        r->dialog->service_line = r->line;
        return true;
    }
    if (strncmp(p, "wait ", 5) == 0) {
        r->piece = NULL;
        return number(p + 5, &new_piece(r, PIECE_WAIT, 0)->amount) ? true : wrong(r, "expected wait SECONDS");
    }
    return wrong(r, "expected a line that starts with @ > + < ! = # service or wait");
}

static bool read_line(struct reader *r, char *p)
{
    if (*p == '#' || p[strspn(p, " \t")] == 0)
        return true;
    if (*p == '@')
        return read_start(r, p);
    if (!r->dialog)
        return wrong(r, "expected @ ANALYSER ... first");
    const struct dialog *d = r->dialog;
    if (strchr("><!+", *p) && d->piece_count && d->pieces[d->piece_count - 1].kind == PIECE_RESET)
        return wrong(r, "nothing comes after a reset");
    switch (*p) {
    case '>':
    case '<': return read_piece(r, p);
    case '+':
        if (!r->piece)
            return wrong(r, "there is no piece that this line could go on with");
        return put_bytes(r, r->piece, p[1] == ' ' ? p + 2 : p + 1);
    case '!': r->piece = NULL; return new_piece(r, PIECE_RESET, WEIR_ORIG)->kind == PIECE_RESET;
    case '=': return read_row(r, p);
    default: return read_word(r, p);
    }
}

bool dialogs_read(struct dialogs *dialogs, const char *file)
{
    struct reader reader = {.dialogs = dialogs, .file = file};
    size_t before = dialogs->count, room = 0;
    char *line = NULL;
    FILE *f = fopen(file, "re");
    if (!f)
        return wrong(&reader, strerror(errno));
    bool good = true;
    for (ssize_t size; good && (size = getline(&line, &room, f)) >= 0;) {
        if (size && line[size - 1] == '\n')
            line[size - 1] = 0;
        reader.line++;
        good = read_line(&reader, line);
    }
    free(line);
    fclose(f);
    if (good && dialogs->count == before)
        return wrong(&reader, "there is no dialog in it");
    if (!good)
        dialogs->count = before;
    return good;
}
