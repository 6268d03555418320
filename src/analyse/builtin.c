/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of analysers that are linked in.  builtin.inc has one line ANALYSER(weir_NAME) for each line of analysers/LIST and is
 * made by the build.  It stands alone here so that a program which brings its own analysers links none of these.
 */
#include <string.h>

#include "analyse/analyse.h"

#define ANALYSER(symbol) extern const struct weir_analyser symbol;
#include "builtin.inc"
#undef ANALYSER

const struct weir_analyser *const analyse_builtin[] = {
#define ANALYSER(symbol) &symbol,
#include "builtin.inc"
#undef ANALYSER
    NULL};

const struct weir_analyser *analyse_find(const char *name)
{
    for (const struct weir_analyser *const *a = analyse_builtin; *a; a++)
        if (strcmp((*a)->name, name) == 0)
            return *a;
    return NULL;
}
