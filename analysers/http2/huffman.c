/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http2/huffman.c - the Huffman code of RFC 7541, Appendix B.
 *
 * The code is canonical: codes of one length are consecutive numbers, in order of their symbols, and follow those that
 * are shorter.  So it is said by the symbols in that order and, for each length, where its codes begin.  A code is found by
 * comparing the next 32 bits with where each length's codes end; most text is in the first three lengths.
 */
#include "hpack.h"

#define EOS 256u

/* All symbols but EOS, which is last, by length of their code and then by value. */
static const uint8_t symbols[EOS] = {
    48,  49,  50,  97,  99,  101, 105, 111, 115, 116, 32,  37,  45,  46,  47,  51,  52,  53,  54,  55,  56,  57,
    61,  65,  95,  98,  100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58,  66,  67,  68,  69,  70,  71,  72,
    73,  74,  75,  76,  77,  78,  79,  80,  81,  82,  83,  84,  85,  86,  87,  89,  106, 107, 113, 118, 119, 120,
    121, 122, 38,  42,  44,  59,  88,  90,  33,  34,  40,  41,  63,  39,  43,  124, 35,  62,  0,   36,  64,  91,
    93,  126, 94,  125, 60,  96,  123, 92,  195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172,
    176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170,
    173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1,   135, 137, 138, 139, 140, 141, 143, 147,
    149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239, 9,   142,
    144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193, 200, 201, 202, 205, 210, 213,
    218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250,
    251, 252, 253, 254, 2,   3,   4,   5,   6,   7,   8,   11,  12,  14,  15,  16,  17,  18,  19,  20,  21,  23,
    24,  25,  26,  27,  28,  29,  30,  31,  127, 220, 249, 10,  13,  22,
};

/* Codes of one length, with their first bit as the highest of 32. */
static const struct length {
    uint32_t first; /* the smallest code */
    uint32_t last;  /* the largest one, and all bits behind it set */
    uint16_t index; /* of the smallest one's symbol */
    uint8_t bits;
} lengths[] = {
    {0x00000000, 0x4fffffff, 0, 5},    {0x50000000, 0xb7ffffff, 10, 6},   {0xb8000000, 0xf7ffffff, 36, 7},
    {0xf8000000, 0xfdffffff, 68, 8},   {0xfe000000, 0xff3fffff, 74, 10},  {0xff400000, 0xff9fffff, 79, 11},
    {0xffa00000, 0xffbfffff, 82, 12},  {0xffc00000, 0xffefffff, 84, 13},  {0xfff00000, 0xfff7ffff, 90, 14},
    {0xfff80000, 0xfffdffff, 92, 15},  {0xfffe0000, 0xfffe5fff, 95, 19},  {0xfffe6000, 0xfffedfff, 98, 20},
    {0xfffee000, 0xffff47ff, 106, 21}, {0xffff4800, 0xffffafff, 119, 22}, {0xffffb000, 0xffffe9ff, 145, 23},
    {0xffffea00, 0xfffff5ff, 174, 24}, {0xfffff600, 0xfffff7ff, 186, 25}, {0xfffff800, 0xfffffbbf, 190, 26},
    {0xfffffbc0, 0xfffffe1f, 205, 27}, {0xfffffe20, 0xffffffef, 224, 28}, {0xfffffff0, 0xffffffff, 253, 30},
};

bool http2_huffman(const uint8_t *data, uint32_t bytes, char *out, uint32_t room, uint32_t *size)
{
    const uint8_t *end = data + bytes;
    uint64_t next = 0; /* bits that were not decoded yet, the first one highest */
    uint32_t have = 0, n = 0;
    for (;;) {
        for (; have <= 56 && data < end; have += 8)
            next |= (uint64_t)*data++ << (56 - have);
        uint64_t ones = have < 64 ? UINT64_MAX >> have : 0;
        uint32_t code = (uint32_t)((next | ones) >> 32); /* padding is the first bits of EOS, which are ones */
        const struct length *length = lengths;
        while (code > length->last)
            length++;
        if (length->bits > have)
            break;
        uint32_t index = length->index + ((code - length->first) >> (32 - length->bits));
        if (index >= EOS)
            return false;
        if (n < room)
            out[n] = (char)symbols[index];
        n++;
        next <<= length->bits;
        have -= length->bits;
    }
    *size = n;
    return have < 8 && (next | UINT64_MAX >> have) == UINT64_MAX;
}
