/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as text, by hand, since this is where the time of a writer goes.
 *
 * Text from the wire is looked at sixteen bytes at once: they are copied before anybody knows whether they are good,
 * then a mask says where the first byte is that cannot stand as it is; what was copied behind it is written over.
 * Such a byte is a control character, a character of the format's own, or the start of something beyond ASCII, which is
 * checked against the well-formed sequences of Unicode (table 3-7: nothing overlong, no surrogates, nothing above
 * U+10FFFF).  A byte that is no part of one becomes U+FFFD, so what is written is UTF-8 whatever came in.  The control
 * characters U+0080 to U+009F, which some terminals obey, are escaped as those below U+0020 are.
 */
#include "export/text.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "export/export.h"

const char export_digits[200] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
static const char hex_digits[16] = "0123456789abcdef";

/* ---- numbers ---- */

uint8_t *export_put_id(uint8_t *to, uint64_t value)
{
    for (int i = 15; i >= 0; i--, value >>= 4)
        to[i] = (uint8_t)hex_digits[value & 15];
    return to + 16;
}

static void put_pair(char *to, uint32_t value)
{
    memcpy(to, export_digits + 2 * (size_t)value, 2);
}

/* Days since 1970-01-01 as a date of the Gregorian calendar; years counted from March, so that the leap day is last. */
static void put_date(char *to, uint64_t days)
{
    uint32_t since = (uint32_t)(days + 719468); /* since 0000-03-01 */
    uint32_t era = since / 146097, day = since % 146097;
    uint32_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    uint32_t of_year = day - (365 * year + year / 4 - year / 100);
    uint32_t month = (5 * of_year + 2) / 153;
    uint32_t of_month = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2);
    put_pair(to, year / 100);
    put_pair(to + 2, year % 100);
    to[4] = '-';
    put_pair(to + 5, month);
    to[7] = '-';
    put_pair(to + 8, of_month);
}

uint8_t *export_put_time(uint8_t *to, uint64_t ns, struct export_clock *clock)
{
    uint64_t second = ns / 1000000000u;
    uint32_t rest = (uint32_t)(ns % 1000000000u);
    if (clock->second != second + 1) {
        uint32_t of_day = (uint32_t)(second % 86400);
        clock->second = second + 1;
        put_date(clock->text, second / 86400);
        clock->text[10] = 'T';
        put_pair(clock->text + 11, of_day / 3600);
        clock->text[13] = ':';
        put_pair(clock->text + 14, of_day / 60 % 60);
        clock->text[16] = ':';
        put_pair(clock->text + 17, of_day % 60);
        clock->text[19] = '.';
    }
    memcpy(to, clock->text, 20);
    char *digits = (char *)to + 20;
    put_pair(digits, rest / 10000000);
    put_pair(digits + 2, rest / 100000 % 100);
    put_pair(digits + 4, rest / 1000 % 100);
    put_pair(digits + 6, rest / 10 % 100);
    digits[8] = (char)('0' + rest % 10);
    digits[9] = 'Z';
    return to + 30;
}

/* ---- addresses ---- */

static uint8_t *put_byte(uint8_t *to, uint32_t value)
{
    if (value >= 100) {
        *to++ = (uint8_t)('0' + value / 100);
        put_pair((char *)to, value % 100);
        return to + 2;
    }
    if (value >= 10) {
        put_pair((char *)to, value);
        return to + 2;
    }
    *to = (uint8_t)('0' + value);
    return to + 1;
}

static uint8_t *put_ipv4(uint8_t *to, const uint8_t *bytes)
{
    for (int i = 0; i < 4; i++) {
        to = put_byte(to, bytes[i]);
        *to++ = '.';
    }
    return to - 1;
}

static uint8_t *put_group(uint8_t *to, uint32_t group)
{
    if (group >= 0x1000)
        *to++ = (uint8_t)hex_digits[group >> 12];
    if (group >= 0x100)
        *to++ = (uint8_t)hex_digits[group >> 8 & 15];
    if (group >= 0x10)
        *to++ = (uint8_t)hex_digits[group >> 4 & 15];
    *to++ = (uint8_t)hex_digits[group & 15];
    return to;
}

static uint8_t *put_ipv6(uint8_t *to, const uint8_t *bytes)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (memcmp(bytes, mapped, 12) == 0) {
        memcpy(to, "::ffff:", 7);
        return put_ipv4(to + 7, bytes + 12);
    }
    uint32_t groups[8], best = 8, best_run = 1; /* a single zero group is not shortened: section 4.2.2 */
    for (uint32_t i = 0, run = 0; i < 8; i++) {
        groups[i] = (uint32_t)bytes[2 * i] << 8 | bytes[2 * i + 1];
        run = groups[i] ? 0 : run + 1;
        if (run > best_run) { /* the first of equal runs: section 4.2.3 */
            best_run = run;
            best = i + 1 - run;
        }
    }
    for (uint32_t i = 0; i < 8; i++) {
        if (i == best) {
            *to++ = ':';
            if (i == 0)
                *to++ = ':';
            i += best_run - 1;
            continue;
        }
        to = put_group(to, groups[i]);
        if (i < 7)
            *to++ = ':';
    }
    return to;
}

uint8_t *export_put_ip(uint8_t *to, const struct weir_ip *ip)
{
    if (ip->family == 4)
        return put_ipv4(to, ip->bytes);
    return ip->family == 6 ? put_ipv6(to, ip->bytes) : to;
}

uint32_t export_ip_text(char *to, const struct weir_ip *ip)
{
    uint8_t *end = export_put_ip((uint8_t *)to, ip);
    *end = 0;
    return (uint32_t)((char *)end - to);
}

/* ---- text ---- */

/* Copies sixteen bytes and answers a bit for each that is a control character, `a`, `b` or beyond ASCII. */
static inline uint32_t copy_and_look(uint8_t *to, const uint8_t *from, char a, char b)
{
#if defined(__SSE2__)
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);
    _mm_storeu_si128((__m128i *)(void *)to, v);
    __m128i bad = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)); /* signed: from 0x80 up as well */
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8(a)));
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(v, _mm_set1_epi8(b)));
    return (uint32_t)_mm_movemask_epi8(bad);
#else
    uint32_t bad = 0;
    uint8_t bytes[16];
    memcpy(bytes, from, 16);
    memcpy(to, bytes, 16);
    for (uint32_t i = 0; i < 16; i++)
        bad |= (uint32_t)(bytes[i] < 0x20 || bytes[i] >= 0x7f || bytes[i] == (uint8_t)a || bytes[i] == (uint8_t)b) << i;
    return bad;
#endif
}

/* Length of the well-formed sequence of two to four bytes at `p`, 0 if there is none. */
static uint32_t utf8_length(const uint8_t *p, uint32_t left)
{
    uint32_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < length)
        return 0;
    uint8_t low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (uint32_t i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static uint8_t *put_escape(uint8_t *to, uint8_t control)
{
    memcpy(to, "\\u00", 4);
    to[4] = (uint8_t)hex_digits[control >> 4];
    to[5] = (uint8_t)hex_digits[control & 15];
    return to + 6;
}

/* The character at `*from`, which is no plain ASCII: a control character or something beyond, good or bad. */
static uint8_t *put_odd(uint8_t *to, const uint8_t **from, uint32_t left)
{
    const uint8_t *p = *from;
    uint32_t length = p[0] < 0x80 ? 1 : utf8_length(p, left);
    *from += length ? length : 1;
    if (length == 0) {
        memcpy(to, "\xef\xbf\xbd", 3);
        return to + 3;
    }
    if (length == 1)
        return put_escape(to, p[0]);
    if (length == 2 && p[0] == 0xc2 && p[1] < 0xa0)
        return put_escape(to, p[1]);
    memcpy(to, p, length);
    return to + length;
}

static uint8_t *put_escaped_json(uint8_t *to, const uint8_t **from, uint32_t left)
{
    static const char short_escapes[0x20] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    uint8_t c = **from;
    char letter = 0;
    if (c == '"' || c == '\\')
        letter = (char)c;
    else if (c < 0x20)
        letter = short_escapes[c];
    if (!letter)
        return put_odd(to, from, left);
    *to++ = '\\';
    *to++ = (uint8_t)letter;
    (*from)++;
    return to;
}

static uint8_t *put_escaped_tsv(uint8_t *to, const uint8_t **from, uint32_t left)
{
    uint8_t c = **from;
    char letter = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\\' ? '\\' : 0;
    if (!letter)
        return put_odd(to, from, left);
    *to++ = '\\';
    *to++ = (uint8_t)letter;
    (*from)++;
    return to;
}

/* Inside quotes: only the quote itself is doubled; line ends, tabs and commas may stand (RFC 4180). */
static uint8_t *put_escaped_csv(uint8_t *to, const uint8_t **from, uint32_t left)
{
    uint8_t c = **from;
    if (c != '"' && c != ',' && c != '\r' && c != '\n' && c != '\t')
        return put_odd(to, from, left);
    if (c == '"')
        *to++ = '"';
    *to++ = c;
    (*from)++;
    return to;
}

static inline uint8_t *put_text(uint8_t *to, struct weir_str text, char a, char b,
                                uint8_t *(*escape)(uint8_t *, const uint8_t **, uint32_t))
{
    const uint8_t *from = (const uint8_t *)text.data, *end = from + text.size;
    for (;;) {
        size_t left = (size_t)(end - from);
        uint32_t bad = copy_and_look(to, from, a, b);
        if (left < 16)
            bad |= 1u << left;
        if (!bad) {
            to += 16;
            from += 16;
            continue;
        }
        uint32_t good = (uint32_t)__builtin_ctz(bad);
        to += good;
        from += good;
        if (from == end)
            return to;
        do
            to = escape(to, &from, (uint32_t)(end - from));
        while (from < end && *from >= 0x80);
    }
}

uint8_t *export_put_json(uint8_t *to, struct weir_str text)
{
    return put_text(to, text, '"', '\\', put_escaped_json);
}

uint8_t *export_put_tsv(uint8_t *to, struct weir_str text)
{
    return put_text(to, text, '\\', '\\', put_escaped_tsv);
}

uint8_t *export_put_csv_inside(uint8_t *to, struct weir_str text)
{
    return put_text(to, text, '"', ',', put_escaped_csv);
}

bool export_csv_quoted(struct weir_str text)
{
    static const bool needs[256] = {['"'] = true, [','] = true, ['\r'] = true, ['\n'] = true};
    const uint8_t *p = (const uint8_t *)text.data;
    uint32_t at = 0;
#if defined(__SSE2__)
    for (; at + 16 <= text.size; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8(',')));
        found = _mm_or_si128(found, _mm_cmpeq_epi8(v, _mm_set1_epi8('\r')));
        found = _mm_or_si128(found, _mm_cmpeq_epi8(v, _mm_set1_epi8('\n')));
        if (_mm_movemask_epi8(found))
            return true;
    }
#endif
    for (; at < text.size; at++)
        if (needs[p[at]])
            return true;
    return false;
}
