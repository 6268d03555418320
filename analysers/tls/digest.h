/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - MD5 and SHA-256 of short texts, and HKDF on the latter.
 *
 * Fingerprints hash a few hundred bytes for each hello.  Doing that here costs no fetch, no lock and no allocation; a
 * context is a plain struct on the stack.  Not for anything secret: nothing here runs in constant time.
 */
#ifndef TLS_DIGEST_H
#define TLS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum tls_digest_kind { TLS_MD5, TLS_SHA256 };

struct tls_digest {
    uint32_t h[8];
    uint64_t bytes; /* so far */
    uint8_t block[64];
    enum tls_digest_kind kind;
};

void tls_digest_init(struct tls_digest *digest, enum tls_digest_kind kind);
void tls_digest_add(struct tls_digest *digest, const void *data, size_t size);
/* 16 bytes for MD5, 32 for SHA-256.  The context is used up. */
void tls_digest_end(struct tls_digest *digest, uint8_t *out);

/* HMAC-SHA-256 once its key is taken in: what a key costs is paid once however much is hashed under it. */
struct tls_hmac {
    uint32_t inner[8], outer[8];
};
void tls_hmac_key(struct tls_hmac *hmac, const uint8_t *key, size_t key_bytes); /* at most 64 */
void tls_hmac(const struct tls_hmac *hmac, const uint8_t *data, size_t size, uint8_t out[32]);
/* HKDF-Expand-Label with an empty context (RFC 8446 section 7.1); `size` at most 32, `label` at most 32 bytes. */
void tls_hkdf_expand_label(const struct tls_hmac *secret, const char *label, uint8_t *out, size_t size);

/* Lower-case hexadecimal, 2 * size characters, no zero byte. */
void tls_hex(char *to, const uint8_t *data, size_t size);

#endif
