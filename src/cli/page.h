/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/page.h - lines of a page for people: 80 columns, colours where they are wanted, text from the wire made safe.
 *
 * Only characters that print are let through.  Everything else (control characters, what turns the direction of writing
 * or has no width, bytes that are no UTF-8) shows as `?`, so that no packet can write to the terminal.
 */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PAGE_WIDTH 80u
#define PAGE_SAFE_TEXT(columns) (4 * (columns) + 8) /* room for that many columns of safe text */

enum page_ink { PAGE_PLAIN, PAGE_TITLE, PAGE_FAINT, PAGE_BAR, PAGE_BAD, PAGE_GOOD };

/* Where the page stands. */
struct page {
    FILE *to;
    bool colour;
    uint32_t column; /* of the line so far */
};

void page_ink(struct page *page, enum page_ink ink);
/* Text of ours, one column a character. */
void page_say(struct page *page, const char *text);
void page_sayf(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_say_in(struct page *page, enum page_ink ink, const char *text);
/* The same, at the right edge of `width` columns that begin here. */
void page_say_right(struct page *page, const char *text, uint32_t width);
/* The same, as long as it is, over as many lines as it takes; the later ones begin at `from`. */
void page_wrap(struct page *page, const char *text, uint32_t from);
void page_pad_to(struct page *page, uint32_t column);
void page_end_line(struct page *page);
uint32_t page_columns(const char *text);

/* Text from the wire, in at most `room` columns; `…` at its end where it was cut, now or before. */
void page_say_safe(struct page *page, const char *text, uint32_t size, bool cut, uint32_t room);
/* The same as text, PAGE_SAFE_TEXT(room) bytes at most.  Answers its columns. */
uint32_t page_make_safe(char *to, uint32_t room, const char *text, uint32_t size, bool cut);

#endif
