/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as people read them.
 */
#include "cli/quantity.h"

#include <stdio.h>
#include <time.h>

const char *quantity_count(char *to, uint64_t value)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value), at = 0;
    for (int i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0)
            to[at++] = ',';
        to[at++] = digits[i];
    }
    to[at] = 0;
    return to;
}

const char *quantity_scaled(char *to, double value, const char *const *units)
{
    while (value >= 999.5 && units[1]) {
        value /= 1000;
        units++;
    }
    snprintf(to, QUANTITY_TEXT, value < 9.995 ? "%.2f %s" : value < 99.95 ? "%.1f %s" : "%.0f %s", value, *units);
    return to;
}

const char *quantity_short(char *to, uint64_t value)
{
    static const char *const units[] = {"G", "T", "P", NULL};
    return value < 1000000000u ? quantity_count(to, value) : quantity_scaled(to, (double)value / 1e9, units);
}

const char *quantity_bytes(char *to, uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB", NULL};
    if (bytes < 1000)
        snprintf(to, QUANTITY_TEXT, "%u B", (unsigned)bytes);
    else
        quantity_scaled(to, (double)bytes / 1000, units);
    return to;
}

const char *quantity_span(char *to, uint64_t ns)
{
    static const char *const units[] = {"µs", "ms", "s", NULL};
    uint64_t seconds = ns / 1000000000u;
    if (ns < 1000)
        snprintf(to, QUANTITY_TEXT, "%u ns", (unsigned)ns);
    else if (seconds < 120)
        quantity_scaled(to, (double)ns / 1000, units);
    else if (seconds < 7200)
        snprintf(to, QUANTITY_TEXT, "%u min %u s", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
    else if (seconds < 172800)
        snprintf(to, QUANTITY_TEXT, "%u h %u min", (unsigned)(seconds / 3600), (unsigned)(seconds / 60 % 60));
    else
        snprintf(to, QUANTITY_TEXT, "%llu days %u h", (unsigned long long)(seconds / 86400),
                 (unsigned)(seconds / 3600 % 24));
    return to;
}

const char *quantity_time(char *to, uint64_t ns, bool with_date)
{
    time_t seconds = (time_t)(ns / 1000000000u);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(to, QUANTITY_TEXT, with_date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &parts);
    return to;
}
