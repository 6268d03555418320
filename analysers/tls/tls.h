/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.h - the door of this folder: hellos, fingerprints, certificates and rows, for TLS over streams (../tls.c) and for
 * QUIC (../quic.c), which carries the same handshake.
 *
 *     bytes --> tls_client_parse() --> struct tls_client (views) --> tls_exchange_client() --> struct tls_exchange --> row
 *               tls_server_parse() --> struct tls_server (views) --> tls_exchange_server() ----^
 *
 * A parsed hello is made of views into the message and lives as long as that; an exchange copies what a row needs and
 * is what an analyser keeps between packets.  Nothing here allocates.
 */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include <weir/analyser.h>

#include "digest.h"

enum tls_message {
    TLS_CLIENT_HELLO = 1,
    TLS_SERVER_HELLO = 2,
    TLS_CERTIFICATE = 11,
    TLS_SERVER_KEY_EXCHANGE = 12,
    TLS_CLIENT_KEY_EXCHANGE = 16,
};

/* RFC 8701: values that clients send so that servers learn to ignore what they do not know. */
static inline bool tls_grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

/* ---- hello.c: the two hellos, without the handshake header ---- */

/* Views into the message.  Lists are bare: their own length fields are gone. */
struct tls_client {
    uint16_t legacy_version;
    uint16_t version; /* highest offered: of supported_versions without GREASE, or legacy_version */
    struct weir_bytes session_id, ciphers, extensions;
    struct weir_bytes groups, formats, signatures, alpn;
    struct weir_str sni;
    bool has_extensions, has_sni, early_data, ech;
    bool v2;     /* in the form of SSL 2.0: ciphers are of three bytes, and there is nothing to make a fingerprint of */
    bool broken; /* the extensions do not add up; what came before them is right */
};

struct tls_server {
    uint16_t legacy_version;
    uint16_t version; /* chosen */
    uint16_t cipher, group;
    struct weir_bytes session_id, extensions;
    struct weir_str alpn;
    bool has_group, psk;
    bool retry; /* HelloRetryRequest (RFC 8446 section 4.1.4) */
};

/* false: this is no hello. */
bool tls_client_parse(struct tls_client *hello, const uint8_t *message, uint32_t size);
bool tls_client_parse_v2(struct tls_client *hello, const uint8_t *message, uint32_t size);
bool tls_server_parse(struct tls_server *hello, const uint8_t *message, uint32_t size);

/* ---- fingerprint.c ---- */

#define TLS_JA3_BYTES 32u /* hexadecimal */
#define TLS_JA4_BYTES 36u

void tls_ja3(const struct tls_client *hello, char out[TLS_JA3_BYTES]);
void tls_ja3s(const struct tls_server *hello, char out[TLS_JA3_BYTES]);
/* `transport` is 't' or 'q'.  false: more ciphers or extensions than fingerprints are made of (4,096). */
bool tls_ja4(const struct tls_client *hello, char transport, char out[TLS_JA4_BYTES]);

/* ---- x509.c ---- */

/* A value is a place in the text of its exchange. */
struct tls_text {
    uint16_t at, size;
    bool set;
};

#define TLS_TEXT_BYTES 2560u
#define TLS_NAMES 24u /* most names of a certificate, or protocols of an offer, that a row shows */

struct tls_names {
    struct tls_text items[TLS_NAMES];
    uint8_t count;
    bool set;
};

/* Where text is collected: on the stack while a message is read, so that the exchange holds no more than there is. */
struct tls_heap {
    uint16_t used;
    char text[TLS_TEXT_BYTES];
};
/* Copies; cut to what there is room for. */
struct tls_text tls_heap_add(struct tls_heap *heap, const void *data, size_t size, size_t most);
struct weir_str tls_heap_get(const struct tls_heap *heap, struct tls_text text);

struct tls_x509 {
    struct tls_text subject, issuer, serial;
    struct tls_names san;
    struct weir_uint not_before, not_after; /* nanoseconds since 1970 */
};

/* One DER certificate, which may be cut; what could be read before it broke is there.  true: up to its validity and subject. */
bool tls_x509_parse(struct tls_x509 *certificate, struct tls_heap *heap, const uint8_t *der, size_t size);
/* Only the subject's name. */
bool tls_x509_subject(struct tls_text *subject, struct tls_heap *heap, const uint8_t *der, size_t size);

/* ---- names.c ---- */

#define TLS_NAME_ROOM 24u /* for numbers without a name */

struct weir_str tls_name_version(uint16_t number, char room[TLS_NAME_ROOM]);
struct weir_str tls_name_cipher(uint16_t number, char room[TLS_NAME_ROOM]);
struct weir_str tls_name_group(uint16_t number, char room[TLS_NAME_ROOM]);
struct weir_str tls_name_alert(uint8_t number, char room[TLS_NAME_ROOM]);

/* ---- exchange.c: one client hello and what came of it ---- */

struct tls_exchange {
    uint64_t ts_ns; /* of the client hello */
    bool open;      /* there is a client hello that no row was made of yet */
    bool answered;  /* a server hello was seen */
    bool retry, has_group, ech, early_data;
    bool has_alert;
    uint8_t alert;
    uint16_t client_version, version, cipher, group;
    struct weir_uint resumed, established;
    char ja3[TLS_JA3_BYTES], ja3s[TLS_JA3_BYTES], ja4[TLS_JA4_BYTES];
    bool has_ja3, has_ja4;
    bool quic;
    uint8_t session_bytes; /* the client's session id */
    uint8_t session[32];
    struct tls_text sni, alpn, client_subject;
    struct tls_names offered;
    struct tls_x509 x509;
    uint16_t text_bytes;
    bool text_lost; /* memory was refused: nothing is put behind what is kept */
    char *text;     /* held */
};

/* `tls`, and for QUIC `quic` and `tls`; NULL-ended. */
extern const struct weir_table *const tls_tables[];
extern const struct weir_table *const tls_quic_tables[];

/* Is a row of any of these tables wanted?  Fingerprints are made only then. */
bool tls_exchange_wanted(struct weir_turn *turn, bool quic);

/* Starts over with a client hello of `ts_ns`. */
void tls_exchange_client(struct weir_turn *turn, struct tls_exchange *exchange, const struct tls_client *hello,
                         bool quic, uint64_t ts_ns);
void tls_exchange_server(struct weir_turn *turn, struct tls_exchange *exchange, const struct tls_server *hello);
/* The first certificate of a side's chain: all of the server's first one is kept, of the client's whom it is for. */
void tls_exchange_certificate(struct weir_turn *turn, struct tls_exchange *exchange, bool client, const uint8_t *der,
                              size_t size);
/* Makes the row, once: nothing happens unless `open`. */
void tls_exchange_emit(struct weir_turn *turn, struct tls_exchange *exchange);
/* The row of table `quic` for the same hello; `version` as text. */
void tls_exchange_emit_quic(struct weir_turn *turn, const struct tls_exchange *exchange, struct weir_str version);

/* TLS 1.3 or a draft of it: everything after the hellos is encrypted. */
static inline bool tls_is_13(uint16_t version)
{
    return version == 0x0304 || version >> 8 == 0x7f;
}

#endif
