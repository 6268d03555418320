/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/hash.h - two hashes of a flow key.
 *
 * hash_fixed() deals flows onto shards: the same in every process, since row order hangs on it; CRC32C, in hardware where the CPU has it.
 * hash_keyed() places them in tables: mixed with a key that is random per process (64 x 64 -> 128 bit multiply and fold), so that
 * nobody outside can make flows collide.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
static inline uint64_t hash_crc(uint64_t crc, uint64_t word)
{
    return _mm_crc32_u64(crc, word);
}
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
static inline uint64_t hash_crc(uint64_t crc, uint64_t word)
{
    return __crc32cd((uint32_t)crc, word);
}
#else
static inline uint64_t hash_crc(uint64_t crc, uint64_t word)
{
    crc ^= word & 0xffffffffu;
    for (int half = 0; half < 2; half++) {
        for (int bit = 0; bit < 32; bit++)
            crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1));
        if (half == 0)
            crc ^= word >> 32;
    }
    return crc;
}
#endif

static inline uint64_t hash_word(const void *p, unsigned i)
{
    uint64_t v;
    memcpy(&v, (const uint8_t *)p + 8 * i, 8);
    return v;
}

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 p = (unsigned __int128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* `words` eight-byte words; the upper 6 bits of the 32-bit result are well spread. */
static inline uint32_t hash_fixed(const void *key, unsigned words)
{
    uint64_t crc = 0xffffffffu;
    for (unsigned i = 0; i < words; i++)
        crc = hash_crc(crc, hash_word(key, i));
    return (uint32_t)crc * 0x9e3779b1u;
}

/* An even number of words. */
static inline uint64_t hash_keyed(const void *key, unsigned words, const uint64_t secret[2])
{
    uint64_t h = secret[0];
    for (unsigned i = 0; i + 1 < words; i += 2)
        h = hash_mix(hash_word(key, i) ^ secret[1] ^ (0x9e3779b97f4a7c15u * (i + 1)), hash_word(key, i + 1) ^ h);
    return hash_mix(h ^ secret[1], 0xe7037ed1a0b428dbu);
}

#endif
