/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.c - MD5 (RFC 1321), SHA-256 (FIPS 180-4), HMAC (RFC 2104) and HKDF-Expand-Label (RFC 8446).
 *
 * Both hashes take blocks of 64 bytes and differ in the round function, the byte order and the number of words, so
 * they share one buffer and one padding.  SHA-256 uses the processor's instructions for it where there are any.
 */
#include <stdbool.h>
#include <string.h>

#include "digest.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

static uint32_t rotl(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* floor(2^32 * abs(sin(i + 1))) */
static const uint32_t md5_k[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static void md5_block(uint32_t h[8], const uint8_t *p)
{
    static const uint8_t shift[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t w[16];
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3];
    memcpy(w, p, 64);
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t f, g;
        switch (i >> 4) {
        case 0: f = d ^ (b & (c ^ d)), g = i; break;
        case 1: f = c ^ (d & (b ^ c)), g = 5 * i + 1; break;
        case 2: f = b ^ c ^ d, g = 3 * i + 5; break;
        default: f = c ^ (b | ~d), g = 7 * i; break;
        }
        uint32_t next = b + rotl(a + f + md5_k[i] + w[g & 15], shift[i >> 4][i & 3]);
        a = d, d = c, c = b, b = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d;
}

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void sha256_portable(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], s[8];
    memcpy(w, p, 64);
    for (int i = 0; i < 16; i++)
        w[i] = __builtin_bswap32(w[i]);
    for (int i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) + (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
    }
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t e = s[4], a = s[0];
        uint32_t t1 =
            s[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (s[6] ^ (e & (s[5] ^ s[6]))) + sha256_k[i] + w[i];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & s[1]) | (s[2] & (a | s[1])));
        s[7] = s[6], s[6] = s[5], s[5] = e, s[4] = s[3] + t1;
        s[3] = s[2], s[2] = s[1], s[1] = a, s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += s[i];
}

#ifdef __x86_64__
/* Four rounds, from the words in `w`. */
#define SHA256_TARGET __attribute__((target("sha,sse4.1")))
SHA256_TARGET static inline void sha256_rounds(__m128i *abef, __m128i *cdgh, __m128i w, int i)
{
    __m128i wk = _mm_add_epi32(w, _mm_loadu_si128((const __m128i *)(const void *)(sha256_k + i)));
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, wk);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

/* The instructions keep the state as two registers, a b e f and c d g h, highest word first. */
SHA256_TARGET static void sha256_native(uint32_t h[8], const uint8_t *p)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i *state = (__m128i *)(void *)h;
    __m128i dcba = _mm_loadu_si128(state), hgfe = _mm_loadu_si128(state + 1), w[4];
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    const __m128i abef_first = abef, cdgh_first = cdgh;
    for (int i = 0; i < 4; i++) {
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i)), swap);
        sha256_rounds(&abef, &cdgh, w[i], 4 * i);
    }
#pragma GCC unroll 12
    for (int i = 4; i < 16; i++) {
        __m128i last = w[(i + 3) & 3];
        __m128i sum =
            _mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]), _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
        w[i & 3] = _mm_sha256msg2_epu32(sum, last);
        sha256_rounds(&abef, &cdgh, w[i & 3], 4 * i);
    }
    abef = _mm_add_epi32(abef, abef_first);
    cdgh = _mm_add_epi32(cdgh, cdgh_first);
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(state + 1, _mm_alignr_epi8(dchg, feba, 8));
}

static bool has_sha; /* of the processor; set once, before main */

__attribute__((constructor)) static void look_for_sha(void)
{
    unsigned a, b, c, d;
    has_sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) && __builtin_cpu_supports("sse4.1");
}
#endif

static void sha256_block(uint32_t h[8], const uint8_t *p)
{
#ifdef __x86_64__
    if (has_sha) {
        sha256_native(h, p);
        return;
    }
#endif
    sha256_portable(h, p);
}

static void block(struct tls_digest *digest, const uint8_t *p)
{
    if (digest->kind == TLS_MD5)
        md5_block(digest->h, p);
    else
        sha256_block(digest->h, p);
}

void tls_digest_init(struct tls_digest *digest, enum tls_digest_kind kind)
{
    static const uint32_t start[2][8] = {
        {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476},
        {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
    };
    memcpy(digest->h, start[kind], sizeof digest->h);
    digest->bytes = 0;
    digest->kind = kind;
}

void tls_digest_add(struct tls_digest *digest, const void *data, size_t size)
{
    const uint8_t *p = data;
    size_t fill = digest->bytes & 63;
    digest->bytes += size;
    if (fill) {
        size_t n = 64 - fill < size ? 64 - fill : size;
        memcpy(digest->block + fill, p, n);
        p += n, size -= n;
        if (fill + n < 64)
            return;
        block(digest, digest->block);
    }
    for (; size >= 64; p += 64, size -= 64)
        block(digest, p);
    if (size)
        memcpy(digest->block, p, size);
}

void tls_digest_end(struct tls_digest *digest, uint8_t *out)
{
    static const uint8_t padding[64] = {0x80};
    uint64_t bits = digest->bytes * 8;
    bool big = digest->kind == TLS_SHA256;
    int words = big ? 8 : 4;
    tls_digest_add(digest, padding, 1 + (119 - digest->bytes % 64) % 64);
    bits = big ? __builtin_bswap64(bits) : bits;
    tls_digest_add(digest, &bits, 8);
    for (int i = 0; i < words; i++) {
        uint32_t v = big ? __builtin_bswap32(digest->h[i]) : digest->h[i];
        memcpy(out + 4 * i, &v, 4);
    }
}

void tls_hmac_key(struct tls_hmac *hmac, const uint8_t *key, size_t key_bytes)
{
    struct tls_digest digest;
    uint8_t pad[64] = {0};
    memcpy(pad, key, key_bytes <= 64 ? key_bytes : 64);
    for (int i = 0; i < 64; i++)
        pad[i] ^= 0x36;
    tls_digest_init(&digest, TLS_SHA256);
    tls_digest_add(&digest, pad, 64);
    memcpy(hmac->inner, digest.h, 32);
    for (int i = 0; i < 64; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    tls_digest_init(&digest, TLS_SHA256);
    tls_digest_add(&digest, pad, 64);
    memcpy(hmac->outer, digest.h, 32);
}

void tls_hmac(const struct tls_hmac *hmac, const uint8_t *data, size_t size, uint8_t out[32])
{
    struct tls_digest digest = {.bytes = 64, .kind = TLS_SHA256};
    uint8_t inner[32];
    memcpy(digest.h, hmac->inner, 32);
    tls_digest_add(&digest, data, size);
    tls_digest_end(&digest, inner);
    digest.bytes = 64;
    memcpy(digest.h, hmac->outer, 32);
    tls_digest_add(&digest, inner, 32);
    tls_digest_end(&digest, out);
}

void tls_hkdf_expand_label(const struct tls_hmac *secret, const char *label, uint8_t *out, size_t size)
{
    uint8_t info[64], full[32];
    size_t n = strlen(label);
    info[0] = 0, info[1] = (uint8_t)size;
    info[2] = (uint8_t)(6 + n);
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, n);
    info[9 + n] = 0;  /* no context */
    info[10 + n] = 1; /* first and only block of HKDF-Expand (RFC 5869 section 2.3) */
    tls_hmac(secret, info, 11 + n, full);
    memcpy(out, full, size);
}

void tls_hex(char *to, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        to[2 * i] = "0123456789abcdef"[data[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[data[i] & 15];
    }
}
