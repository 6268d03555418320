/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIKE in time linear in the text, whatever the pattern and whatever the text: the pattern is a row of states, one
 * before each of its characters and one at the end, kept as bits of a few words and moved all at once for each byte of
 * text.  A state with `%` before it stays on any byte; a state after `_` stays on the bytes that continue a character,
 * so that `_` takes one character of UTF-8 (a stray continuation byte counts with the character before it).
 */
#include <stdlib.h>
#include <string.h>

#include "export/where.h"

#define LIKE_WORDS (WHERE_LIKE_MAX / 64 + 1)

struct where_like {
    uint32_t words;
    uint32_t last;             /* number of the final state */
    bool open;                 /* ends in `%`: reaching the final state is enough */
    uint64_t any[LIKE_WORDS];  /* states that stay on any byte */
    uint64_t more[LIKE_WORDS]; /* states that stay on a continuation byte */
    uint64_t step[];           /* [byte][word]: states that this byte moves on by one */
};

static void set_bit(uint64_t *words, uint32_t bit)
{
    words[bit / 64] |= 1ull << bit % 64;
}

static void let_byte(struct where_like *like, uint32_t state, uint8_t byte, bool any_case)
{
    set_bit(&like->step[byte * like->words], state);
    if (any_case && byte >= 'a' && byte <= 'z')
        set_bit(&like->step[(byte - 32u) * like->words], state);
    if (any_case && byte >= 'A' && byte <= 'Z')
        set_bit(&like->step[(byte + 32u) * like->words], state);
}

struct where_like *where_like_new(const char *pattern, size_t size, bool any_case)
{
    if (size > WHERE_LIKE_MAX)
        return NULL;
    uint32_t words = (uint32_t)size / 64 + 1, state = 0;
    struct where_like *like = calloc(1, sizeof *like + 256u * words * sizeof(uint64_t));
    WEIR_CHECK(like != NULL);
    like->words = words;
    for (size_t i = 0; i < size; i++) {
        uint8_t c = (uint8_t)pattern[i];
        if (c == '%') {
            set_bit(like->any, state);
            continue;
        }
        if (c == '_') {
            for (uint32_t byte = 0; byte < 256; byte++)
                if ((byte & 0xc0) != 0x80)
                    set_bit(&like->step[byte * words], state);
            set_bit(like->more, ++state);
            continue;
        }
        if (c == '\\' && i + 1 < size)
            c = (uint8_t)pattern[++i];
        let_byte(like, state++, c, any_case);
    }
    like->last = state;
    like->open = like->any[state / 64] >> state % 64 & 1;
    return like;
}

void where_like_free(struct where_like *like)
{
    free(like);
}

/* Most patterns fit one word. */
static bool match_short(const struct where_like *like, struct weir_str text)
{
    const uint8_t *p = (const uint8_t *)text.data, *end = p + text.size;
    uint64_t states = 1, any = like->any[0], more = like->more[0], final = 1ull << like->last;
    uint64_t stop = like->open ? final : 0;
    for (; p < end && states && !(states & stop); p++) {
        uint64_t stay = (*p & 0xc0) == 0x80 ? any | more : any;
        states = (states & like->step[*p]) << 1 | (states & stay);
    }
    return states & final;
}

static bool match_long(const struct where_like *like, struct weir_str text)
{
    uint64_t states[LIKE_WORDS] = {1};
    for (uint32_t i = 0; i < text.size; i++) {
        uint8_t c = (uint8_t)text.data[i];
        uint64_t continues = (c & 0xc0) == 0x80 ? UINT64_MAX : 0, carry = 0;
        for (uint32_t w = 0; w < like->words; w++) {
            uint64_t moved = states[w] & like->step[c * like->words + w];
            states[w] = moved << 1 | carry | (states[w] & (like->any[w] | (like->more[w] & continues)));
            carry = moved >> 63;
        }
    }
    return states[like->last / 64] >> like->last % 64 & 1;
}

bool where_like_matches(const struct where_like *like, struct weir_str text)
{
    return like->words == 1 ? match_short(like, text) : match_long(like, text);
}
