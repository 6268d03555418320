/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect.c - Initial packets: keys from a connection id, header protection off, AES-128-CTR.
 *
 * What HMAC makes of a salt before any data comes is a constant, and the labels of one secret share its key, so a side's
 * keys cost 14 compressions of SHA-256.  AES is done with the processor's instructions where there are any, else by
 * libcrypto.
 */
#define OPENSSL_API_COMPAT 0x10101000L /* AES_encrypt(): no allocation, no lock, no context to keep for each thread */
#include <openssl/aes.h>
#include <openssl/modes.h>
#include <string.h>

#include "../tls/digest.h"
#include "protect.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* HMAC keyed with each salt: RFC 9001 section 5.2, RFC 9369 section 3.3.1, draft-ietf-quic-tls 29 and 23. */
static const struct tls_hmac salts[QUIC_SALTS] = {
    [QUIC_SALT_V1] = {{0x2d5eed97, 0x70d71abf, 0x4c9b8799, 0xc4eb86b0, 0xe9b16e41, 0xd04322f6, 0xf73a0cb2, 0x9e23a203},
                      {0x0d3d813d, 0xcffa6f1f, 0x7dbcb03e, 0x923042dc, 0xd15a45f6, 0x55ab0325, 0xf3c23aab, 0x37426939}},
    [QUIC_SALT_V2] = {{0x9f201982, 0x7e771bd0, 0x601a8795, 0x5d7ab60d, 0x2ff30d4b, 0x72201a09, 0x6eaa0d12, 0xca4e4d6b},
                      {0xbb153200, 0x003bcf3a, 0xf99876d1, 0xf698c9aa, 0x804d4d49, 0x7a379cfe, 0xc1eb346e, 0xadaf299f}},
    [QUIC_SALT_29] = {{0x5a14242c, 0x451b6623, 0x8bda6c0c, 0x56a97e94, 0xa7e1ce39, 0x201b10d1, 0x424f7ac4, 0x82ada9c5},
                      {0x85562323, 0x55aa3152, 0x4f429776, 0x5f4cbb4a, 0x1f3a1465, 0x72c5b0e0, 0x0e00e756, 0x23be8427}},
    [QUIC_SALT_23] = {{0xc6f38919, 0x78b648b1, 0x4d6df0c2, 0xa6136e04, 0xa5ec29ac, 0xc58e0267, 0x8a836edc, 0x3bbfb57c},
                      {0x4fe93735, 0xbb79fa70, 0xae1fc5ef, 0x0e65e811, 0x332ef4d8, 0xc0caa806, 0x56e4a622, 0x30febb0e}},
};

void quic_secret(enum quic_salt salt, const uint8_t *id, uint32_t id_bytes, uint8_t secret[QUIC_SECRET_BYTES])
{
    tls_hmac(&salts[salt], id, id_bytes, secret);
}

void quic_keys_of(struct quic_keys *keys, const uint8_t secret[QUIC_SECRET_BYTES], bool server, bool v2)
{
    struct tls_hmac hmac;
    uint8_t side[32];
    tls_hmac_key(&hmac, secret, QUIC_SECRET_BYTES);
    tls_hkdf_expand_label(&hmac, server ? "server in" : "client in", side, 32);
    tls_hmac_key(&hmac, side, 32);
    tls_hkdf_expand_label(&hmac, v2 ? "quicv2 key" : "quic key", keys->key, 16);
    tls_hkdf_expand_label(&hmac, v2 ? "quicv2 iv" : "quic iv", keys->iv, 12);
    tls_hkdf_expand_label(&hmac, v2 ? "quicv2 hp" : "quic hp", keys->hp, 16);
}

/* ---- AES-128 ---- */

static void mask_portable(const uint8_t key[16], const uint8_t *sample, uint8_t mask[16])
{
    AES_KEY aes;
    AES_set_encrypt_key(key, 128, &aes);
    AES_encrypt(sample, mask, &aes);
}

static void ctr_portable(const uint8_t key[16], uint8_t counter[16], const uint8_t *from, uint8_t *to, uint32_t size)
{
    AES_KEY aes;
    uint8_t stream[16] = {0};
    unsigned int used = 0;
    AES_set_encrypt_key(key, 128, &aes);
    CRYPTO_ctr128_encrypt(from, to, size, &aes, counter, stream, &used, (block128_f)AES_encrypt);
}

#ifdef __x86_64__
#define AES_TARGET __attribute__((target("aes,sse4.1")))
#define ROUNDS 10

static bool has_aes; /* of the processor; set once, before main */

__attribute__((constructor)) static void look_for_aes(void)
{
    has_aes = __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
}

/* One word of FIPS 197's key expansion, over four lanes. */
AES_TARGET static inline __m128i next_key(__m128i key, __m128i assist)
{
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, _mm_shuffle_epi32(assist, 0xff));
}

AES_TARGET static void expand(__m128i k[ROUNDS + 1], const uint8_t key[16])
{
    k[0] = _mm_loadu_si128((const __m128i *)(const void *)key);
    k[1] = next_key(k[0], _mm_aeskeygenassist_si128(k[0], 0x01));
    k[2] = next_key(k[1], _mm_aeskeygenassist_si128(k[1], 0x02));
    k[3] = next_key(k[2], _mm_aeskeygenassist_si128(k[2], 0x04));
    k[4] = next_key(k[3], _mm_aeskeygenassist_si128(k[3], 0x08));
    k[5] = next_key(k[4], _mm_aeskeygenassist_si128(k[4], 0x10));
    k[6] = next_key(k[5], _mm_aeskeygenassist_si128(k[5], 0x20));
    k[7] = next_key(k[6], _mm_aeskeygenassist_si128(k[6], 0x40));
    k[8] = next_key(k[7], _mm_aeskeygenassist_si128(k[7], 0x80));
    k[9] = next_key(k[8], _mm_aeskeygenassist_si128(k[8], 0x1b));
    k[10] = next_key(k[9], _mm_aeskeygenassist_si128(k[9], 0x36));
}

/* Four blocks at once hide the latency of a round. */
AES_TARGET static inline void encrypt4(const __m128i k[ROUNDS + 1], __m128i b[4])
{
    for (int j = 0; j < 4; j++)
        b[j] = _mm_xor_si128(b[j], k[0]);
    for (int i = 1; i < ROUNDS; i++)
        for (int j = 0; j < 4; j++)
            b[j] = _mm_aesenc_si128(b[j], k[i]);
    for (int j = 0; j < 4; j++)
        b[j] = _mm_aesenclast_si128(b[j], k[ROUNDS]);
}

AES_TARGET static void mask_native(const uint8_t key[16], const uint8_t *sample, uint8_t mask[16])
{
    __m128i k[ROUNDS + 1], block;
    expand(k, key);
    block = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)sample), k[0]);
    for (int i = 1; i < ROUNDS; i++)
        block = _mm_aesenc_si128(block, k[i]);
    _mm_storeu_si128((__m128i *)(void *)mask, _mm_aesenclast_si128(block, k[ROUNDS]));
}

AES_TARGET static void ctr_native(const uint8_t key[16], const uint8_t counter[16], const uint8_t *from, uint8_t *to,
                                  uint32_t size)
{
    __m128i k[ROUNDS + 1], b[4], base = _mm_loadu_si128((const __m128i *)(const void *)counter);
    uint8_t tail[64];
    expand(k, key);
    for (uint32_t at = 0, block = 2; at < size; at += 64) {
        for (int j = 0; j < 4; j++)
            b[j] = _mm_insert_epi32(base, (int)__builtin_bswap32(block++), 3);
        encrypt4(k, b);
        bool whole = size - at >= 64;
        const uint8_t *p = whole ? from + at : memcpy(tail, from + at, size - at);
        for (int j = 0; j < 4; j++) {
            __m128i text = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * j));
            _mm_storeu_si128((__m128i *)(void *)(whole ? to + at + 16 * j : tail + 16 * j), _mm_xor_si128(text, b[j]));
        }
        if (!whole)
            memcpy(to + at, tail, size - at);
    }
}
#else
#define has_aes false
#define mask_native mask_portable
#define ctr_native ctr_portable
#endif

uint32_t quic_open(const struct quic_keys *keys, uint8_t first, const uint8_t *number, uint32_t left, uint8_t *plain)
{
    uint8_t mask[16], counter[16];
    if (has_aes)
        mask_native(keys->hp, number + QUIC_SAMPLE_AT, mask);
    else
        mask_portable(keys->hp, number + QUIC_SAMPLE_AT, mask);
    uint32_t number_bytes = ((first ^ mask[0]) & 3u) + 1;
    if (left < number_bytes + QUIC_TAG_BYTES + 1)
        return 0;
    /* The nonce is the packet number, xored into the iv; GCM counts blocks of text from 2 (NIST SP 800-38D). */
    memcpy(counter, keys->iv, 12);
    memcpy(counter + 12, "\0\0\0\2", 4);
    for (uint32_t i = 0; i < number_bytes; i++)
        counter[12 - number_bytes + i] ^= number[i] ^ mask[1 + i];
    uint32_t size = left - number_bytes - QUIC_TAG_BYTES;
    if (has_aes)
        ctr_native(keys->key, counter, number + number_bytes, plain, size);
    else
        ctr_portable(keys->key, counter, number + number_bytes, plain, size);
    return size;
}
