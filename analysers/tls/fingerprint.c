/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fingerprint.c - JA3, JA3S and JA4 of TLS hellos.
 *
 * JA3 is the MD5 of "version,ciphers,extensions,groups,point formats", each list in decimal and joined with '-';
 * JA3S that of "version,cipher,extensions".  JA4 is, for a client hello,
 *
 *     t13d1516h2_8daaf6152771_e5627efa2ab1
 *     |  | | | |  |            SHA-256[:12] of the sorted extensions without SNI and ALPN, '_', signature algorithms as sent
 *     |  | | | |  SHA-256[:12] of the sorted ciphers
 *     |  | | | first and last character of the first ALPN value
 *     |  | | number of extensions
 *     |  | number of ciphers
 *     |  version, and d where there is a server name, else i
 *     t over TCP, q over QUIC
 *
 * in all of which GREASE values (RFC 8701) are left out.  Text goes into the hash through a small buffer: no hello is
 * too long for JA3, and nothing is allocated.
 */
#include "tls.h"

#define MOST 4096u /* values that JA4 sorts */

struct text {
    struct tls_digest digest;
    uint32_t used;
    char buffer[256];
};

static void text_init(struct text *text, enum tls_digest_kind kind)
{
    tls_digest_init(&text->digest, kind);
    text->used = 0;
}

/* Room for at least 8 more characters. */
static char *text_room(struct text *text)
{
    if (text->used > sizeof text->buffer - 8) {
        tls_digest_add(&text->digest, text->buffer, text->used);
        text->used = 0;
    }
    return text->buffer + text->used;
}

static void text_char(struct text *text, char c)
{
    *text_room(text) = c;
    text->used++;
}

static void text_decimal(struct text *text, uint16_t v)
{
    char digits[5], *to = text_room(text);
    uint32_t n = 0;
    do
        digits[n++] = (char)('0' + v % 10);
    while (v /= 10);
    text->used += n;
    while (n)
        *to++ = digits[--n];
}

static void text_hex(struct text *text, uint16_t v)
{
    uint8_t big[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    tls_hex(text_room(text), big, 2);
    text->used += 4;
}

static void text_end(struct text *text, uint8_t *out)
{
    tls_digest_add(&text->digest, text->buffer, text->used);
    tls_digest_end(&text->digest, out);
}

/* The 16-bit values of a list, in decimal, joined with '-'. */
static void list_decimal(struct text *text, struct weir_bytes list)
{
    bool more = false;
    while (weir_left(&list) >= 2) {
        uint16_t v = weir_be16(&list);
        if (tls_grease(v))
            continue;
        if (more)
            text_char(text, '-');
        text_decimal(text, v);
        more = true;
    }
}

/* The same of the extensions' types. */
static void extensions_decimal(struct text *text, struct weir_bytes list)
{
    bool more = false;
    while (weir_left(&list) >= 4) {
        uint16_t v = weir_be16(&list);
        weir_skip(&list, weir_be16(&list));
        if (tls_grease(v))
            continue;
        if (more)
            text_char(text, '-');
        text_decimal(text, v);
        more = true;
    }
}

void tls_ja3(const struct tls_client *hello, char out[TLS_JA3_BYTES])
{
    struct text text;
    uint8_t md5[16];
    text_init(&text, TLS_MD5);
    text_decimal(&text, hello->legacy_version);
    text_char(&text, ',');
    list_decimal(&text, hello->ciphers);
    text_char(&text, ',');
    extensions_decimal(&text, hello->extensions);
    text_char(&text, ',');
    list_decimal(&text, hello->groups);
    text_char(&text, ',');
    struct weir_bytes formats = hello->formats;
    for (bool more = false; weir_left(&formats); more = true) {
        if (more)
            text_char(&text, '-');
        text_decimal(&text, weir_u8(&formats));
    }
    text_end(&text, md5);
    tls_hex(out, md5, 16);
}

void tls_ja3s(const struct tls_server *hello, char out[TLS_JA3_BYTES])
{
    struct text text;
    uint8_t md5[16];
    text_init(&text, TLS_MD5);
    text_decimal(&text, hello->legacy_version);
    text_char(&text, ',');
    text_decimal(&text, hello->cipher);
    text_char(&text, ',');
    extensions_decimal(&text, hello->extensions);
    text_end(&text, md5);
    tls_hex(out, md5, 16);
}

/* Ascending.  Few values by insertion; many by their two bytes, so that a long list costs no more for each value. */
static void sort(uint16_t *values, uint32_t count)
{
    if (count <= 48) {
        for (uint32_t i = 1; i < count; i++) {
            uint16_t v = values[i];
            uint32_t j = i;
            for (; j && values[j - 1] > v; j--)
                values[j] = values[j - 1];
            values[j] = v;
        }
        return;
    }
    uint16_t other[MOST];
    uint16_t *from = values, *to = other;
    for (int shift = 0; shift < 16; shift += 8) {
        uint32_t start[257] = {0};
        for (uint32_t i = 0; i < count; i++)
            start[(from[i] >> shift & 0xff) + 1]++;
        for (int i = 1; i < 257; i++)
            start[i] += start[i - 1];
        for (uint32_t i = 0; i < count; i++)
            to[start[from[i] >> shift & 0xff]++] = from[i];
        uint16_t *swap = from;
        from = to, to = swap;
    }
}

static void list_hex(struct text *text, const uint16_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            text_char(text, ',');
        text_hex(text, values[i]);
    }
}

static void digest12(struct text *text, char out[12])
{
    uint8_t sha[32];
    text_end(text, sha);
    tls_hex(out, sha, 6);
}

static bool ja4_ciphers(const struct tls_client *hello, char counted[2], char out[12])
{
    uint16_t values[MOST];
    uint32_t count = 0;
    struct weir_bytes list = hello->ciphers;
    while (weir_left(&list) >= 2) {
        uint16_t v = weir_be16(&list);
        if (tls_grease(v))
            continue;
        if (count == MOST)
            return false;
        values[count++] = v;
    }
    uint32_t shown = count < 99 ? count : 99;
    counted[0] = (char)('0' + shown / 10), counted[1] = (char)('0' + shown % 10);
    memset(out, '0', 12);
    if (!count)
        return true;
    sort(values, count);
    struct text text;
    text_init(&text, TLS_SHA256);
    list_hex(&text, values, count);
    digest12(&text, out);
    return true;
}

static bool ja4_extensions(const struct tls_client *hello, char counted[2], char out[12])
{
    uint16_t values[MOST];
    uint32_t count = 0, all = 0;
    struct weir_bytes list = hello->extensions;
    while (weir_left(&list) >= 4) {
        uint16_t v = weir_be16(&list);
        weir_skip(&list, weir_be16(&list));
        if (tls_grease(v))
            continue;
        if (all++ == MOST)
            return false;
        if (v != 0 && v != 16)
            values[count++] = v;
    }
    uint32_t shown = all < 99 ? all : 99;
    counted[0] = (char)('0' + shown / 10), counted[1] = (char)('0' + shown % 10);
    memset(out, '0', 12);
    if (!all)
        return true;
    sort(values, count);
    struct text text;
    text_init(&text, TLS_SHA256);
    list_hex(&text, values, count);
    char before = '_';
    list = hello->signatures;
    while (weir_left(&list) >= 2) {
        uint16_t v = weir_be16(&list);
        if (tls_grease(v))
            continue;
        text_char(&text, before);
        text_hex(&text, v);
        before = ',';
    }
    if (count || before == ',')
        digest12(&text, out);
    return true;
}

static void ja4_version(uint16_t version, char out[2])
{
    const char *text = "00";
    switch (version) {
    case 0x0304: text = "13"; break;
    case 0x0303: text = "12"; break;
    case 0x0302: text = "11"; break;
    case 0x0301: text = "10"; break;
    case 0x0300: text = "s3"; break;
    case 0x0002: text = "s2"; break;
    default: break;
    }
    memcpy(out, text, 2);
}

static bool alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Where either end is no letter or digit, the first and last digit of the value in hexadecimal. */
static void ja4_alpn(const struct tls_client *hello, char out[2])
{
    struct weir_bytes list = hello->alpn;
    uint8_t size = weir_u8(&list);
    const uint8_t *name = weir_take(&list, size);
    out[0] = out[1] = '0';
    if (!name || !size)
        return;
    uint8_t first = name[0], last = name[size - 1];
    if (alphanumeric(first) && alphanumeric(last)) {
        out[0] = (char)first, out[1] = (char)last;
        return;
    }
    out[0] = "0123456789abcdef"[first >> 4];
    out[1] = "0123456789abcdef"[last & 15];
}

bool tls_ja4(const struct tls_client *hello, char transport, char out[TLS_JA4_BYTES])
{
    out[0] = transport;
    ja4_version(hello->version, out + 1);
    out[3] = hello->has_sni ? 'd' : 'i';
    ja4_alpn(hello, out + 8);
    out[10] = out[23] = '_';
    return ja4_ciphers(hello, out + 4, out + 11) && ja4_extensions(hello, out + 6, out + 24);
}
