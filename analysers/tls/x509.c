/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509.c - who a certificate is for, who signed it and when it is valid (RFC 5280).
 *
 * A walk over strict DER along the one path that matters: every step goes into a view of its parent, so that depth is
 * that of this code, and lengths that do not fit end the walk.  Names are written as RFC 4514 says: last part first,
 * special characters escaped; types without a short name as dotted numbers.  What is shown goes into a heap of fixed
 * size, and is cut where that is full.  Nothing is verified: no signature, no chain, no date.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "tls.h"

enum tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_OCTETS = 0x04,
    DER_OID = 0x06,
    DER_UTF8 = 0x0c,
    DER_T61 = 0x14,
    DER_UTC_TIME = 0x17,
    DER_TIME = 0x18,
    DER_UNIVERSAL = 0x1c,
    DER_BMP = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_VERSION = 0xa0,
    DER_EXTENSIONS = 0xa3,
};

#define RDN_MOST 24u     /* parts of a name */
#define NAME_BYTES 512u  /* of a name as text */
#define SAN_BYTES 255u   /* of one alternative name */
#define SERIAL_BYTES 40u /* of a serial number; RFC 5280 allows 20 */

struct tls_text tls_heap_add(struct tls_heap *heap, const void *data, size_t size, size_t most)
{
    size_t room = TLS_TEXT_BYTES - heap->used;
    size = size < most ? size : most;
    size = size < room ? size : room;
    struct tls_text text = {heap->used, (uint16_t)size, true};
    if (size)
        memcpy(heap->text + heap->used, data, size);
    heap->used = (uint16_t)(heap->used + size);
    return text;
}

struct weir_str tls_heap_get(const struct tls_heap *heap, struct tls_text text)
{
    return text.set ? weir_str(heap->text + text.at, text.size) : weir_str(NULL, 0);
}

/* The next element: its tag, and its content as a view.  Tag 0 and a bad view when there is none. */
static uint8_t der_next(struct weir_bytes *b, struct weir_bytes *content)
{
    uint8_t tag = weir_u8(b);
    uint32_t size = weir_u8(b);
    if ((tag & 0x1f) == 0x1f || size == 0x80 || size > 0x84)
        b->bad = true;
    if (size > 0x80) {
        uint32_t n = size & 0x7f;
        size = 0;
        while (n--)
            size = size << 8 | weir_u8(b);
    }
    *content = weir_sub(b, size);
    return content->bad ? 0 : tag;
}

static struct weir_bytes der_want(struct weir_bytes *b, uint8_t tag)
{
    struct weir_bytes content;
    if (der_next(b, &content) != tag)
        b->bad = content.bad = true;
    return content;
}

/* ---- text of names ---- */

struct writer {
    char *to;
    uint32_t used, size;
};

static void put(struct writer *w, const char *text, uint32_t size)
{
    if (w->size - w->used < size)
        w->used = w->size; /* cut whole characters, and nothing comes after a cut */
    else
        memcpy(w->to + w->used, text, size), w->used += size;
}

static void put_text(struct writer *w, const char *text)
{
    put(w, text, (uint32_t)strlen(text));
}

static void put_code_point(struct writer *w, uint32_t c)
{
    char utf8[4];
    if (c < 0x80) {
        utf8[0] = (char)c;
        put(w, utf8, 1);
    } else if (c < 0x800) {
        utf8[0] = (char)(0xc0 | c >> 6), utf8[1] = (char)(0x80 | (c & 0x3f));
        put(w, utf8, 2);
    } else if (c < 0x10000) {
        utf8[0] = (char)(0xe0 | c >> 12), utf8[1] = (char)(0x80 | (c >> 6 & 0x3f)), utf8[2] = (char)(0x80 | (c & 0x3f));
        put(w, utf8, 3);
    } else if (c < 0x110000) {
        utf8[0] = (char)(0xf0 | c >> 18), utf8[1] = (char)(0x80 | (c >> 12 & 0x3f));
        utf8[2] = (char)(0x80 | (c >> 6 & 0x3f)), utf8[3] = (char)(0x80 | (c & 0x3f));
        put(w, utf8, 4);
    }
}

/* RFC 4514 section 2.4. */
static void put_escaped(struct writer *w, uint32_t c, bool first, bool last)
{
    bool special = c == '"' || c == '+' || c == ',' || c == ';' || c == '<' || c == '>' || c == '\\';
    if (special || (first && (c == ' ' || c == '#')) || (last && c == ' '))
        put(w, "\\", 1);
    if (c < 0x20 || c == 0x7f) {
        char hex[3] = {'\\'};
        uint8_t byte = (uint8_t)c;
        tls_hex(hex + 1, &byte, 1);
        put(w, hex, 3);
    } else {
        put_code_point(w, c);
    }
}

/* One character of a string of that kind; UTF-8 is passed on byte by byte. */
static uint32_t next_character(struct weir_bytes *b, uint8_t tag)
{
    if (tag == DER_BMP) {
        uint32_t c = weir_be16(b);
        if (c >> 10 == 0x36 && weir_left(b) >= 2 && b->at[0] >> 2 == 0x37) /* a pair of surrogates */
            c = 0x10000 + ((c & 0x3ff) << 10) + (weir_be16(b) & 0x3ff);
        return c;
    }
    return tag == DER_UNIVERSAL ? weir_be32(b) : weir_u8(b);
}

static void put_value(struct writer *w, uint8_t tag, struct weir_bytes value)
{
    for (bool first = true; weir_left(&value); first = false) {
        uint32_t c = next_character(&value, tag);
        if (value.bad)
            break;
        char byte = (char)c;
        if (tag != DER_BMP && tag != DER_UNIVERSAL && tag != DER_T61 && c >= 0x80)
            put(w, &byte, 1);
        else
            put_escaped(w, c, first, !weir_left(&value));
    }
}

static void put_oid(struct writer *w, struct weir_bytes oid)
{
    char number[24];
    bool first = true;
    while (weir_left(&oid)) {
        uint32_t v = 0;
        uint8_t byte;
        do {
            byte = weir_u8(&oid);
            v = v << 7 | (byte & 0x7f);
        } while (byte & 0x80 && weir_left(&oid));
        if (first)
            snprintf(number, sizeof number, "%u.%u", v < 80 ? v / 40 : 2, v < 80 ? v % 40 : v - 80);
        else
            snprintf(number, sizeof number, ".%u", v);
        put_text(w, number);
        first = false;
    }
}

/* Names of RFC 4514 section 3, and the two that are met beyond them. */
static const char *type_name(const struct weir_bytes *oid)
{
    static const struct {
        uint8_t last;
        const char *name;
    } names[] = {{3, "CN"},  {4, "SN"},     {5, "serialNumber"}, {6, "C"},
                 {7, "L"},   {8, "ST"},     {9, "STREET"},       {10, "O"},
                 {11, "OU"}, {12, "title"}, {42, "GN"},          {97, "organizationIdentifier"}};
    static const uint8_t email[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01};
    static const uint8_t pilot[] = {0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01};
    size_t size = weir_left(oid);
    if (size == 3 && oid->at[0] == 0x55 && oid->at[1] == 0x04)
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            if (names[i].last == oid->at[2])
                return names[i].name;
    if (size == sizeof email && memcmp(oid->at, email, size) == 0)
        return "emailAddress";
    if (size == sizeof pilot + 1 && memcmp(oid->at, pilot, sizeof pilot) == 0)
        return oid->at[size - 1] == 1 ? "UID" : oid->at[size - 1] == 25 ? "DC" : NULL;
    return NULL;
}

/* A RelativeDistinguishedName: one or more of type and value. */
static void put_rdn(struct writer *w, struct weir_bytes rdn)
{
    for (bool first = true; weir_left(&rdn); first = false) {
        struct weir_bytes pair = der_want(&rdn, DER_SEQUENCE);
        struct weir_bytes oid = der_want(&pair, DER_OID), value;
        uint8_t tag = der_next(&pair, &value);
        if (!tag)
            return;
        if (!first)
            put(w, "+", 1);
        const char *name = type_name(&oid);
        if (name)
            put_text(w, name);
        else
            put_oid(w, oid);
        put(w, "=", 1);
        put_value(w, tag, value);
    }
}

static struct tls_text name_text(struct tls_heap *heap, struct weir_bytes name)
{
    struct weir_bytes parts[RDN_MOST];
    uint32_t count = 0;
    while (weir_left(&name) && count < RDN_MOST) {
        parts[count] = der_want(&name, DER_SET);
        if (!parts[count].bad)
            count++;
    }
    char text[NAME_BYTES];
    struct writer w = {text, 0, sizeof text};
    for (uint32_t i = count; i--;) {
        put_rdn(&w, parts[i]);
        if (i)
            put(&w, ",", 1);
    }
    return tls_heap_add(heap, text, w.used, sizeof text);
}

/* ---- dates ---- */

/* Days since 1970-01-01 in the Gregorian calendar; years are counted from March, so that the leap day is the last. */
static int64_t days_of(int64_t year, uint32_t month, uint32_t day)
{
    year -= month <= 2;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719468;
}

static uint32_t two_digits(struct weir_bytes *b)
{
    uint8_t high = (uint8_t)(weir_u8(b) - '0'), low = (uint8_t)(weir_u8(b) - '0');
    if (high > 9 || low > 9)
        b->bad = true;
    return high * 10u + low;
}

/* UTCTime or GeneralizedTime, in the form of RFC 5280 section 4.1.2.5; null where it is not, or outside 1970 to 2261. */
static struct weir_uint time_value(uint8_t tag, struct weir_bytes b)
{
    uint32_t year = two_digits(&b);
    if (tag == DER_TIME)
        year = year * 100 + two_digits(&b);
    else
        year += year < 50 ? 2000 : 1900;
    uint32_t month = two_digits(&b), day = two_digits(&b), hour = two_digits(&b), minute = two_digits(&b);
    uint32_t second = weir_left(&b) > 1 ? two_digits(&b) : 0;
    bool form = weir_u8(&b) == 'Z' && !b.bad && !weir_left(&b) && (tag == DER_UTC_TIME || tag == DER_TIME);
    bool range = year >= 1970 && year < 2262 && month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 &&
                 minute < 60 && second <= 60;
    if (!form || !range)
        return (struct weir_uint){0, false};
    int64_t seconds = ((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    return weir_uint((uint64_t)seconds * 1000000000u);
}

/* ---- alternative names ---- */

static void add_name(struct tls_names *names, struct tls_heap *heap, const void *data, size_t size)
{
    if (names->count < TLS_NAMES && heap->used < TLS_TEXT_BYTES && size)
        names->items[names->count++] = tls_heap_add(heap, data, size, SAN_BYTES);
}

static void alternative_names(struct tls_names *names, struct tls_heap *heap, struct weir_bytes list)
{
    names->set = true;
    while (weir_left(&list)) {
        struct weir_bytes value;
        uint8_t tag = der_next(&list, &value);
        size_t size = weir_left(&value);
        char address[INET6_ADDRSTRLEN];
        switch (tag) {
        case 0x81: /* rfc822Name */
        case 0x82: /* dNSName */
        case 0x86: /* uniformResourceIdentifier */ add_name(names, heap, value.at, size); break;
        case 0x87: /* iPAddress */
            if ((size == 4 || size == 16) &&
                inet_ntop(size == 4 ? AF_INET : AF_INET6, value.at, address, sizeof address))
                add_name(names, heap, address, strlen(address));
            break;
        default: break;
        }
    }
}

static void extensions(struct tls_x509 *certificate, struct tls_heap *heap, struct weir_bytes list)
{
    static const uint8_t subject_alt_name[] = {0x55, 0x1d, 0x11};
    while (weir_left(&list)) {
        struct weir_bytes extension = der_want(&list, DER_SEQUENCE), value;
        struct weir_bytes oid = der_want(&extension, DER_OID);
        uint8_t tag = der_next(&extension, &value);
        if (tag == DER_BOOLEAN)
            tag = der_next(&extension, &value);
        if (tag == DER_OCTETS && weir_left(&oid) == 3 && memcmp(oid.at, subject_alt_name, 3) == 0)
            alternative_names(&certificate->san, heap, der_want(&value, DER_SEQUENCE));
    }
}

/* ---- the certificate ---- */

struct fields {
    struct weir_bytes serial, issuer, subject, rest;
    struct weir_bytes before, after;
    uint8_t before_tag, after_tag;
};

/* A certificate that is cut stands in an outer sequence that claims more than is there; the walk goes on in what is. */
static struct weir_bytes der_open(struct weir_bytes *b)
{
    struct weir_bytes probe = *b, content;
    if (der_next(&probe, &content) == DER_SEQUENCE)
        return content;
    probe = *b;
    if (weir_u8(&probe) != DER_SEQUENCE)
        return content;
    uint8_t size = weir_u8(&probe);
    weir_skip(&probe, size > 0x80 && size <= 0x84 ? size & 0x7f : 0);
    return probe;
}

static bool walk(struct fields *f, const uint8_t *der, size_t size)
{
    struct weir_bytes b = weir_bytes(der, size);
    struct weir_bytes certificate = der_open(&b), tbs = der_open(&certificate), content;
    memset(f, 0, sizeof *f);
    uint8_t tag = der_next(&tbs, &content);
    if (tag == DER_VERSION)
        tag = der_next(&tbs, &content);
    if (tag != DER_INTEGER)
        return false;
    f->serial = content;
    (void)der_want(&tbs, DER_SEQUENCE); /* signature algorithm */
    f->issuer = der_want(&tbs, DER_SEQUENCE);
    struct weir_bytes validity = der_want(&tbs, DER_SEQUENCE);
    f->before_tag = der_next(&validity, &f->before);
    f->after_tag = der_next(&validity, &f->after);
    f->subject = der_want(&tbs, DER_SEQUENCE);
    f->rest = tbs;
    return !tbs.bad;
}

bool tls_x509_parse(struct tls_x509 *certificate, struct tls_heap *heap, const uint8_t *der, size_t size)
{
    struct fields f;
    memset(certificate, 0, sizeof *certificate);
    if (!walk(&f, der, size))
        return false;
    certificate->subject = name_text(heap, f.subject);
    certificate->issuer = name_text(heap, f.issuer);
    certificate->not_before = time_value(f.before_tag, f.before);
    certificate->not_after = time_value(f.after_tag, f.after);
    char hex[2 * SERIAL_BYTES];
    size_t serial = weir_left(&f.serial);
    if (serial > 1 && f.serial.at[0] == 0) /* only there to keep the number positive */
        weir_skip(&f.serial, 1), serial--;
    serial = serial < SERIAL_BYTES ? serial : SERIAL_BYTES;
    tls_hex(hex, f.serial.at, serial);
    certificate->serial = tls_heap_add(heap, hex, 2 * serial, sizeof hex);
    while (weir_left(&f.rest)) {
        struct weir_bytes content;
        if (der_next(&f.rest, &content) == DER_EXTENSIONS)
            extensions(certificate, heap, der_want(&content, DER_SEQUENCE));
    }
    return true;
}

bool tls_x509_subject(struct tls_text *subject, struct tls_heap *heap, const uint8_t *der, size_t size)
{
    struct fields f;
    if (!walk(&f, der, size))
        return false;
    *subject = name_text(heap, f.subject);
    return true;
}
