/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the pages of docs/reference/ from what the engine itself knows: every table with its columns, and every cause
 * of the loss ledger.  So those pages cannot say anything else than the code does; a test holds the committed files
 * against what this program prints.
 *
 * usage: tools_tables tables|ledger             prints the page
 *        tools_tables tables|ledger FILE        compares FILE with it: exit 1 and the first line that differs
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/analyse.h"
#include "engine/engine.h"

static const char *type_name(enum weir_type type)
{
    static const char *const names[WEIR_TYPES] = {
        [WEIR_BOOL] = "boolean", [WEIR_U8] = "u8",     [WEIR_U16] = "u16",           [WEIR_U32] = "u32",
        [WEIR_U64] = "u64",      [WEIR_TIME] = "time", [WEIR_DURATION] = "duration", [WEIR_ID] = "id",
        [WEIR_STR] = "text",     [WEIR_IP] = "ip",     [WEIR_STRS] = "list of text",
    };
    return names[type];
}

/* Text inside a cell of a Markdown table. */
static void put_cell(FILE *to, const char *text, const char *quote)
{
    fprintf(to, " %s", *text ? quote : "");
    for (const char *c = text; *c; c++) {
        if (*c == '|')
            fputc('\\', to);
        fputc(*c, to);
    }
    fprintf(to, "%s |", *text ? quote : "");
}

static void put_columns(FILE *to, const struct weir_table *table, uint32_t first, uint32_t end)
{
    fputs("| column | type | Wireshark | OpenTelemetry | meaning |\n|---|---|---|---|---|\n", to);
    for (uint32_t i = first; i < end; i++) {
        const struct weir_column *column = record_column(table, i);
        fputc('|', to);
        put_cell(to, column->name, "`");
        put_cell(to, type_name(column->type), "");
        put_cell(to, column->wireshark, "`");
        put_cell(to, column->otel, "`");
        put_cell(to, column->doc, "");
        fputc('\n', to);
    }
}

/* The analysers that may emit rows of the table, as "a, b"; nothing for the engine's own tables. */
static void put_makers(FILE *to, const struct weir_table *table)
{
    int count = 0;
    for (const struct weir_analyser *const *a = analyse_builtin; *a; a++)
        for (const struct weir_table *const *made = (*a)->tables; *made; made++)
            if (*made == table)
                fprintf(to, "%s`%s`", count++ ? ", " : "Filled by: ", (*a)->name);
    fputs(count ? ".\n\n" : "", to);
}

/* The table listed before this one that has the very same columns, or NULL. */
static const struct weir_table *same_columns(const struct weir_table *table)
{
    for (const struct weir_table *const *before = engine_tables(); *before != table; before++)
        if ((*before)->columns == table->columns)
            return *before;
    return NULL;
}

static void put_table(FILE *to, const struct weir_table *table)
{
    const struct weir_table *same = same_columns(table);
    fprintf(to, "\n## %s\n\n%s.\n\n", table->name, table->doc);
    put_makers(to, table);
    if (same) {
        fprintf(to, "The columns are those of [`%s`](#%s).\n", same->name, same->name);
        return;
    }
    uint32_t first = table->bare ? 0 : RECORD_BASE_COLUMNS;
    put_columns(to, table, first, record_column_count(table));
}

static void put_tables(FILE *to)
{
    fputs("# Tables\n\n"
          "This page is printed by `tools/tables.c` from the schemas in the code. Do not edit it: change the column "
          "list and run\n"
          "`build/tools/tools_tables tables > docs/reference/tables.md`.\n\n"
          "A value that is not known is null, never 0 or empty text. The columns *Wireshark* and *OpenTelemetry* give "
          "the\n"
          "display-filter field and the attribute of the same meaning, where there is one.\n\n"
          "| type | in NDJSON | in CSV and TSV |\n|---|---|---|\n"
          "| boolean | `true`, `false` | the same |\n"
          "| u8, u16, u32, u64 | an unsigned number of that many bits | the same |\n"
          "| time | RFC 3339 in UTC with nine digits of a second, as text | the same |\n"
          "| duration | nanoseconds, a whole number | the same |\n"
          "| id | 16 hexadecimal digits, as text | the same |\n"
          "| ip | canonical text (RFC 5952) | the same |\n"
          "| text | text; bytes that are not UTF-8 become U+FFFD | CSV quotes as RFC 4180, TSV escapes `\\t \\n \\r "
          "\\\\` |\n"
          "| list of text | an array | items joined with `\\|` |\n"
          "| null | `null` | empty |\n\n"
          "## Columns of every table\n\n"
          "Every row of every table but `ledger` starts with these.\n\n",
          to);
    put_columns(to, engine_tables()[0], 0, RECORD_BASE_COLUMNS);
    for (const struct weir_table *const *table = engine_tables(); *table; table++)
        put_table(to, *table);
}

static void put_causes(FILE *to, enum ledger_unit unit, bool notes)
{
    static const char *const roles[] = {[LEDGER_IN] = "in", [LEDGER_OUT] = "out", [LEDGER_NOTE] = "note"};
    int count = 0;
    for (int i = 0; i < LEDGER_COUNT; i++) {
        const struct ledger_entry *entry = &ledger_entries[i];
        if (entry->unit != unit || (entry->role == LEDGER_NOTE) != notes)
            continue;
        if (count++ == 0)
            fputs("| cause | side | meaning |\n|---|---|---|\n", to);
        fprintf(to, "| `%s` | %s |", entry->name, roles[entry->role]);
        put_cell(to, entry->doc, "");
        fputc('\n', to);
    }
}

static bool has_sum(enum ledger_unit unit)
{
    for (int i = 0; i < LEDGER_COUNT; i++)
        if (ledger_entries[i].unit == unit && ledger_entries[i].role == LEDGER_IN)
            return true;
    return false;
}

static bool has_notes(enum ledger_unit unit)
{
    for (int i = 0; i < LEDGER_COUNT; i++)
        if (ledger_entries[i].unit == unit && ledger_entries[i].role == LEDGER_NOTE)
            return true;
    return false;
}

static void put_ledger(FILE *to)
{
    fputs("# The loss ledger\n\n"
          "This page is printed by `tools/tables.c` from the list of causes in `src/base/ledger.h`. Do not edit it: "
          "change the\n"
          "list and run `build/tools/tools_tables ledger > docs/reference/ledger.md`.\n\n"
          "Each unit has one cause on the side `in`. What came in is counted once more on the side `out`, under the "
          "cause that\n"
          "says what became of it. A sum closes when both sides are equal. A `note` stands beside the sums: it tells "
          "more of\n"
          "things that were counted there already, and belongs to no sum. Table `ledger` has a row for each cause, "
          "those that\n"
          "are zero included.\n",
          to);
    for (int u = LEDGER_FRAME; u <= LEDGER_FLOW; u++) {
        enum ledger_unit unit = (enum ledger_unit)u;
        fprintf(to, "\n## Unit `%s`\n\n", ledger_unit_name(unit));
        if (has_sum(unit))
            put_causes(to, unit, false);
        if (has_sum(unit) && has_notes(unit))
            fputs("\nNotes:\n\n", to);
        if (has_notes(unit))
            put_causes(to, unit, true);
    }
}

/* 0 when the file holds exactly `text`. */
static int compare(const char *path, const char *text)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return 1;
    }
    char *line = NULL;
    size_t room = 0;
    int number = 0, answer = 0;
    ssize_t size;
    while (answer == 0 && (size = getline(&line, &room, file)) >= 0) {
        number++;
        answer = strncmp(text, line, (size_t)size) != 0;
        if (answer == 0)
            text += size;
    }
    if (answer == 0 && *text)
        answer = 1;
    if (answer)
        fprintf(stderr, "%s: line %d is not what the code says, which is:\n%.*s\n", path, number,
                (int)strcspn(text, "\n"), text);
    free(line);
    fclose(file);
    return answer;
}

int main(int argc, char **argv)
{
    bool tables = argc > 1 && strcmp(argv[1], "tables") == 0;
    if (argc < 2 || argc > 3 || (!tables && strcmp(argv[1], "ledger") != 0)) {
        fputs("usage: tools_tables tables|ledger [FILE]\n", stderr);
        return 2;
    }
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return 3;
    if (tables)
        put_tables(to);
    else
        put_ledger(to);
    fclose(to);
    int answer = argc == 3 ? compare(argv[2], text) : fputs(text, stdout) < 0;
    free(text);
    return answer;
}
