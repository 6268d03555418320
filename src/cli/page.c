/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of a page: columns are counted as they are written, so that everything can be lined up and nothing runs over.
 */
#include "cli/page.h"

#include <stdarg.h>
#include <string.h>

/* ---- our own words ---- */

uint32_t page_columns(const char *text)
{
    uint32_t columns = 0;
    for (; *text; text++)
        columns += ((uint8_t)*text & 0xc0) != 0x80;
    return columns;
}

void page_ink(struct page *page, enum page_ink ink)
{
    static const char *const codes[] = {
        [PAGE_PLAIN] = "0", [PAGE_TITLE] = "1",  [PAGE_FAINT] = "2",
        [PAGE_BAR] = "36",  [PAGE_BAD] = "1;31", [PAGE_GOOD] = "32",
    };
    if (page->colour)
        fprintf(page->to, "\033[%sm", codes[ink]);
}

void page_say(struct page *page, const char *text)
{
    fputs(text, page->to);
    page->column += page_columns(text);
}

void page_sayf(struct page *page, const char *format, ...)
{
    char text[4 * PAGE_WIDTH];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    page_say(page, text);
}

void page_say_in(struct page *page, enum page_ink ink, const char *text)
{
    page_ink(page, ink);
    page_say(page, text);
    page_ink(page, PAGE_PLAIN);
}

void page_say_right(struct page *page, const char *text, uint32_t width)
{
    uint32_t columns = page_columns(text);
    page_pad_to(page, page->column + (columns < width ? width - columns : 0));
    page_say(page, text);
}

void page_wrap(struct page *page, const char *text, uint32_t from)
{
    bool first = true; /* on its line */
    while (*text) {
        char word[PAGE_WIDTH];
        size_t size = strcspn(text, " ");
        snprintf(word, sizeof word, "%.*s", (int)size, text);
        if (!first && page->column + 1 + page_columns(word) > PAGE_WIDTH) {
            page_end_line(page);
            page_pad_to(page, from);
        } else if (!first) {
            page_say(page, " ");
        }
        page_say(page, word);
        first = false;
        text += size + (text[size] == ' ');
    }
}

void page_pad_to(struct page *page, uint32_t column)
{
    while (page->column < column)
        page_say(page, " ");
}

void page_end_line(struct page *page)
{
    fputc('\n', page->to);
    page->column = 0;
}

/* ---- text from the wire ---- */

/* The character at `p` and its bytes; 0 bytes when it is no UTF-8. */
static uint32_t decode(const uint8_t *p, uint32_t left, uint32_t *code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t size = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if ((p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4 || size > left)
        return 0;
    *code = size == 1 ? p[0] : p[0] & (0xffu >> (size + 1));
    for (uint32_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (p[i] & 0x3f);
    }
    return *code < least[size] || *code > 0x10ffff ? 0 : size;
}

/* Columns that a character takes; 0 for one that must not reach a terminal. */
static uint32_t columns_of(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } refused[] = {{0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},     {0x300, 0x36f},   {0x600, 0x605},
                   {0x61c, 0x61c},     {0x180e, 0x180e},   {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
                   {0xd800, 0xf8ff},   {0xfe00, 0xfe0f},   {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xfff0, 0xffff},
                   {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff}};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (code >= refused[i].first && code <= refused[i].last)
            return 0;
    bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
                (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
    return wide ? 2 : 1;
}

uint32_t page_make_safe(char *to, uint32_t room, const char *text, uint32_t size, bool cut)
{
    uint32_t columns = 0, code = 0, last = 0;
    char *before = to; /* where `…` would go */
    for (uint32_t at = 0; at < size;) {
        uint32_t bytes = decode((const uint8_t *)text + at, size - at, &code);
        uint32_t width = bytes ? columns_of(code) : 0;
        if (columns + (width ? width : 1) > room) {
            cut = true;
            break;
        }
        before = to;
        last = columns;
        if (width) {
            memcpy(to, text + at, bytes);
            to += bytes;
        } else {
            *to++ = '?';
        }
        columns += width ? width : 1;
        at += bytes ? bytes : 1;
    }
    if (cut && columns < room) {
        before = to;
        last = columns;
    }
    if (cut && room) {
        memcpy(before, "…", sizeof "…");
        return last + 1;
    }
    *to = 0;
    return columns;
}

void page_say_safe(struct page *page, const char *text, uint32_t size, bool cut, uint32_t room)
{
    char safe[PAGE_SAFE_TEXT(2 * PAGE_WIDTH)];
    room = room < 2 * PAGE_WIDTH ? room : 2 * PAGE_WIDTH;
    uint32_t columns = page_make_safe(safe, room, text, size, cut);
    fputs(safe, page->to);
    page->column += columns;
}
