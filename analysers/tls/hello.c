/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello.c - ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1, RFC 5246 appendix E.2).
 *
 * Reading gives views, never copies.  A hello whose fixed part or cipher list is cut is none; one whose extensions do
 * not add up is still a hello, marked `broken`.
 */
#include "tls.h"

enum extension {
    EXT_SERVER_NAME = 0,
    EXT_GROUPS = 10,
    EXT_POINT_FORMATS = 11,
    EXT_SIGNATURES = 13,
    EXT_ALPN = 16,
    EXT_PRE_SHARED_KEY = 41,
    EXT_EARLY_DATA = 42,
    EXT_VERSIONS = 43,
    EXT_KEY_SHARE = 51,
    EXT_ECH = 0xfe0d,
};

/* The first host_name of a server_name list (RFC 6066 section 3). */
static void server_name(struct tls_client *hello, struct weir_bytes body)
{
    hello->has_sni = true;
    struct weir_bytes list = weir_sub(&body, weir_be16(&body));
    while (weir_left(&list)) {
        uint8_t type = weir_u8(&list);
        uint16_t size = weir_be16(&list);
        const uint8_t *name = weir_take(&list, size);
        if (!name || type != 0)
            continue;
        if (size && !hello->sni.data)
            hello->sni = weir_str(name, size);
    }
}

static void client_versions(struct tls_client *hello, struct weir_bytes body)
{
    struct weir_bytes list = weir_sub(&body, weir_u8(&body));
    uint16_t best = 0;
    while (weir_left(&list) >= 2) {
        uint16_t v = weir_be16(&list);
        if (!tls_grease(v) && v > best)
            best = v;
    }
    if (best)
        hello->version = best;
}

static void client_extension(struct tls_client *hello, uint16_t type, struct weir_bytes body)
{
    switch (type) {
    case EXT_SERVER_NAME: server_name(hello, body); break;
    case EXT_GROUPS: hello->groups = weir_sub(&body, weir_be16(&body)); break;
    case EXT_POINT_FORMATS: hello->formats = weir_sub(&body, weir_u8(&body)); break;
    case EXT_SIGNATURES: hello->signatures = weir_sub(&body, weir_be16(&body)); break;
    case EXT_ALPN: hello->alpn = weir_sub(&body, weir_be16(&body)); break;
    case EXT_VERSIONS: client_versions(hello, body); break;
    case EXT_EARLY_DATA: hello->early_data = true; break;
    case EXT_ECH: hello->ech = true; break;
    default: break;
    }
}

bool tls_client_parse(struct tls_client *hello, const uint8_t *message, uint32_t size)
{
    struct weir_bytes b = weir_bytes(message, size);
    memset(hello, 0, sizeof *hello);
    hello->legacy_version = hello->version = weir_be16(&b);
    weir_skip(&b, 32); /* random */
    hello->session_id = weir_sub(&b, weir_u8(&b));
    hello->ciphers = weir_sub(&b, weir_be16(&b));
    weir_skip(&b, weir_u8(&b)); /* compression methods */
    if (b.bad || hello->legacy_version >> 8 != 3 || weir_left(&hello->session_id) > 32)
        return false;
    if (weir_left(&b) < 2)
        return true;
    hello->has_extensions = true;
    hello->extensions = weir_sub(&b, weir_be16(&b));
    struct weir_bytes list = hello->extensions;
    while (weir_left(&list)) {
        uint16_t type = weir_be16(&list);
        struct weir_bytes body = weir_sub(&list, weir_be16(&list));
        if (!body.bad)
            client_extension(hello, type, body);
    }
    hello->broken = list.bad;
    return true;
}

bool tls_client_parse_v2(struct tls_client *hello, const uint8_t *message, uint32_t size)
{
    struct weir_bytes b = weir_bytes(message, size);
    memset(hello, 0, sizeof *hello);
    hello->v2 = true;
    hello->legacy_version = hello->version = weir_be16(&b);
    uint16_t ciphers = weir_be16(&b), session = weir_be16(&b), challenge = weir_be16(&b);
    hello->ciphers = weir_sub(&b, ciphers);
    hello->session_id = weir_sub(&b, session);
    weir_skip(&b, challenge);
    bool version = hello->version == 0x0002 || (hello->version >= 0x0300 && hello->version <= 0x0304);
    return !b.bad && !weir_left(&b) && version && ciphers && ciphers % 3 == 0 && (session == 0 || session == 16) &&
           challenge >= 16 && challenge <= 32;
}

static void server_extension(struct tls_server *hello, uint16_t type, struct weir_bytes body)
{
    switch (type) {
    case EXT_ALPN: {
        struct weir_bytes list = weir_sub(&body, weir_be16(&body));
        uint8_t size = weir_u8(&list);
        const uint8_t *name = weir_take(&list, size);
        if (name && size)
            hello->alpn = weir_str(name, size);
        break;
    }
    case EXT_VERSIONS: {
        uint16_t v = weir_be16(&body);
        if (!body.bad)
            hello->version = v;
        break;
    }
    case EXT_KEY_SHARE:
        hello->group = weir_be16(&body);
        hello->has_group = !body.bad;
        break;
    case EXT_PRE_SHARED_KEY: hello->psk = true; break;
    default: break;
    }
}

/* SHA-256 of "HelloRetryRequest", in place of the random. */
static const uint8_t retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

bool tls_server_parse(struct tls_server *hello, const uint8_t *message, uint32_t size)
{
    struct weir_bytes b = weir_bytes(message, size);
    memset(hello, 0, sizeof *hello);
    hello->legacy_version = hello->version = weir_be16(&b);
    const uint8_t *random = weir_take(&b, 32);
    hello->retry = random && memcmp(random, retry_random, 32) == 0;
    /* Drafts of TLS 1.3 up to 21 had neither session id nor compression here. */
    bool early_draft = hello->legacy_version >= 0x7f00 && hello->legacy_version <= 0x7f15;
    if (!early_draft)
        hello->session_id = weir_sub(&b, weir_u8(&b));
    hello->cipher = weir_be16(&b);
    if (!early_draft)
        weir_skip(&b, 1); /* compression method */
    if (b.bad || (hello->legacy_version >> 8 != 3 && !early_draft) || weir_left(&hello->session_id) > 32)
        return false;
    if (weir_left(&b) < 2)
        return true;
    hello->extensions = weir_sub(&b, weir_be16(&b));
    struct weir_bytes list = hello->extensions;
    while (weir_left(&list)) {
        uint16_t type = weir_be16(&list);
        struct weir_bytes body = weir_sub(&list, weir_be16(&list));
        if (!body.bad)
            server_extension(hello, type, body);
    }
    return true;
}
