/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quic/protect.h - keys of Initial packets, and what takes their protection off (RFC 9001 section 5).
 *
 *     connection id --> quic_secret() --> 32 bytes to keep --> quic_keys_of() --> keys of one side --> quic_open()
 *
 * Nothing here allocates or keeps anything.
 */
#ifndef QUIC_PROTECT_H
#define QUIC_PROTECT_H

#include <stdbool.h>
#include <stdint.h>

/* Salts that Initial secrets are made with, by the first version that has it. */
enum quic_salt { QUIC_SALT_V1, QUIC_SALT_V2, QUIC_SALT_29, QUIC_SALT_23, QUIC_SALTS };

#define QUIC_SECRET_BYTES 32u
#define QUIC_TAG_BYTES 16u
#define QUIC_SAMPLE_AT 4u /* the sample for header protection begins as if the packet number had four bytes */

struct quic_keys {
    uint8_t key[16], hp[16], iv[12];
};

void quic_secret(enum quic_salt salt, const uint8_t *id, uint32_t id_bytes, uint8_t secret[QUIC_SECRET_BYTES]);
/* `v2`: labels of RFC 9369. */
void quic_keys_of(struct quic_keys *keys, const uint8_t secret[QUIC_SECRET_BYTES], bool server, bool v2);

/*
 * Opens the packet with first byte `first`, whose packet number begins at `number` and which ends `left` bytes on, at
 * least QUIC_SAMPLE_AT + 16.  Bytes of plaintext, at most `left`; 0 when it is too short.  The tag is not checked.
 */
uint32_t quic_open(const struct quic_keys *keys, uint8_t first, const uint8_t *number, uint32_t left, uint8_t *plain);

#endif
