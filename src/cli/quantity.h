/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/quantity.h - numbers as people read them: 12,345 packets, 1.62 Mbit/s, 2.95 ms, 3 h 12 min.
 *
 * Each function writes at most QUANTITY_TEXT bytes at `to` and answers `to`.  Units are decimal; three digits tell.
 */
#ifndef CLI_QUANTITY_H
#define CLI_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#define QUANTITY_TEXT 40u

const char *quantity_count(char *to, uint64_t value);
/* At most eleven columns: in full below 10^9. */
const char *quantity_short(char *to, uint64_t value);
const char *quantity_bytes(char *to, uint64_t bytes);
const char *quantity_span(char *to, uint64_t ns);
/* In UTC, to the second. */
const char *quantity_time(char *to, uint64_t ns, bool with_date);
/* A value and the first of `units` (ends with NULL) of which it is fewer than a thousand; each is a thousand of the one before. */
const char *quantity_scaled(char *to, double value, const char *const *units);

#endif
