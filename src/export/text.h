/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export/text.h - values as text; for the files of this folder only.
 *
 * Every function writes at `to`, says where it stopped, and may scribble up to 16 bytes behind that.  The caller has
 * seen to the room: EXPORT_FIXED_TEXT for anything but text, EXPORT_TEXT_ROOM() for text.
 */
#ifndef EXPORT_TEXT_H
#define EXPORT_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <weir/record.h>

#define EXPORT_FIXED_TEXT 80u                            /* an address is 45, a time 30, a number 20 */
#define EXPORT_TEXT_ROOM(size) (6 * (size_t)(size) + 64) /* a control character becomes six */

extern const char export_digits[200]; /* "00" "01" ... "99" */

static inline uint8_t *export_put_uint(uint8_t *to, uint64_t value)
{
    uint8_t digits[20];
    unsigned at = 20;
    while (value >= 100) {
        at -= 2;
        memcpy(digits + at, export_digits + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(digits + at, export_digits + 2 * value, 2);
    } else {
        digits[--at] = (uint8_t)('0' + value);
    }
    memcpy(to, digits + at, 20 - at);
    return to + 20 - at;
}

/* Sixteen hexadecimal digits. */
uint8_t *export_put_id(uint8_t *to, uint64_t value);

/* The text of the last second, which the next time most likely shares. */
struct export_clock {
    uint64_t second; /* + 1, so that zero is none */
    char text[20];   /* 2026-01-31T23:59:59. */
};
/* RFC 3339 in UTC with nine digits of a second: 30 bytes. */
uint8_t *export_put_time(uint8_t *to, uint64_t ns, struct export_clock *clock);

/* RFC 5952; IPv4-mapped addresses end in dotted decimal (its section 5).  Nothing for family 0. */
uint8_t *export_put_ip(uint8_t *to, const struct weir_ip *ip);

/* The inside of a JSON string.  `text` may be loaded 16 bytes beyond its end. */
uint8_t *export_put_json(uint8_t *to, struct weir_str text);
/* The inside of a TSV field; the same holds. */
uint8_t *export_put_tsv(uint8_t *to, struct weir_str text);
/* Must this text stand in quotes in CSV? */
bool export_csv_quoted(struct weir_str text);
/* The inside of a CSV field, quoted or not; text may be loaded 16 bytes beyond its end. */
uint8_t *export_put_csv_inside(uint8_t *to, struct weir_str text);

#endif
