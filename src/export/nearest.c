/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the nearest of a few names, by the number of letters to insert, drop, change or swap with their
 * neighbour.  Longer names may differ in more places; a name that begins with what was typed is near as well.
 */
#include <ctype.h>
#include <string.h>

#include "export/export.h"

#define NAME_MAX_BYTES 48

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Edit distance with swaps of neighbours, case aside; both at most NAME_MAX_BYTES long. */
static int distance(const char *a, int a_size, const char *b, int b_size)
{
    int rows[3][NAME_MAX_BYTES + 1];
    int *before = rows[0], *last = rows[1], *row = rows[2];
    for (int j = 0; j <= b_size; j++)
        last[j] = j;
    for (int i = 1; i <= a_size; i++) {
        row[0] = i;
        for (int j = 1; j <= b_size; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && tolower((unsigned char)a[i - 2]) == y)
                row[j] = least(row[j], before[j - 2] + 1);
        }
        int *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_size];
}

int export_nearest(const char *text, const char *const *choices, int count)
{
    size_t size = strlen(text);
    if (size == 0 || size > NAME_MAX_BYTES)
        return -1;
    int nearest = -1, best = size <= 2 ? 1 : size <= 6 ? 2 : 3;
    best = size == 1 ? 0 : best;
    for (int i = 0; i < count; i++) {
        size_t other = strlen(choices[i]);
        if (other > NAME_MAX_BYTES)
            continue;
        int steps = distance(text, (int)size, choices[i], (int)other);
        if (steps < best || (steps == best && nearest < 0)) {
            best = steps;
            nearest = i;
        }
    }
    for (int i = 0; i < count && nearest < 0 && size >= 3; i++)
        if (strncasecmp(choices[i], text, size) == 0)
            nearest = i;
    return nearest;
}

int export_unknown_column(const struct weir_table *table, const char *name, const char *who, struct error *error)
{
    const char *names[64];
    uint32_t count = record_column_count(table);
    for (uint32_t i = 0; i < count; i++)
        names[i] = record_column(table, i)->name;
    int nearest = export_nearest(name, names, (int)count);
    if (nearest < 0)
        return error_set(error, "%s: table %s has no column '%s'", who, table->name, name);
    return error_set(error, "%s: table %s has no column '%s'; did you mean '%s'?", who, table->name, name,
                     names[nearest]);
}
