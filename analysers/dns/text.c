/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns/text.c - names of numbers, and numbers, addresses and names as text.
 *
 * A compression pointer must lead back behind the start of the piece of name that holds it, so a name cannot loop; it
 * has at most 255 octets and DNS_MAX_JUMPS pointers, so that many names in one message cost no more than that each.
 */
#include "dns.h"

static const char *const type_names[] = {
    [1] = "A",          [2] = "NS",        [3] = "MD",          [4] = "MF",     [5] = "CNAME",     [6] = "SOA",
    [7] = "MB",         [8] = "MG",        [9] = "MR",          [10] = "NULL",  [11] = "WKS",      [12] = "PTR",
    [13] = "HINFO",     [14] = "MINFO",    [15] = "MX",         [16] = "TXT",   [17] = "RP",       [18] = "AFSDB",
    [19] = "X25",       [20] = "ISDN",     [21] = "RT",         [22] = "NSAP",  [23] = "NSAP-PTR", [24] = "SIG",
    [25] = "KEY",       [26] = "PX",       [27] = "GPOS",       [28] = "AAAA",  [29] = "LOC",      [30] = "NXT",
    [31] = "EID",       [32] = "NIMLOC",   [33] = "SRV",        [34] = "ATMA",  [35] = "NAPTR",    [36] = "KX",
    [37] = "CERT",      [38] = "A6",       [39] = "DNAME",      [40] = "SINK",  [41] = "OPT",      [42] = "APL",
    [43] = "DS",        [44] = "SSHFP",    [45] = "IPSECKEY",   [46] = "RRSIG", [47] = "NSEC",     [48] = "DNSKEY",
    [49] = "DHCID",     [50] = "NSEC3",    [51] = "NSEC3PARAM", [52] = "TLSA",  [53] = "SMIMEA",   [55] = "HIP",
    [56] = "NINFO",     [57] = "RKEY",     [58] = "TALINK",     [59] = "CDS",   [60] = "CDNSKEY",  [61] = "OPENPGPKEY",
    [62] = "CSYNC",     [63] = "ZONEMD",   [64] = "SVCB",       [65] = "HTTPS", [66] = "DSYNC",    [67] = "HHIT",
    [68] = "BRID",      [99] = "SPF",      [100] = "UINFO",     [101] = "UID",  [102] = "GID",     [103] = "UNSPEC",
    [104] = "NID",      [105] = "L32",     [106] = "L64",       [107] = "LP",   [108] = "EUI48",   [109] = "EUI64",
    [128] = "NXNAME",   [249] = "TKEY",    [250] = "TSIG",      [251] = "IXFR", [252] = "AXFR",    [253] = "MAILB",
    [254] = "MAILA",    [255] = "ANY",     [256] = "URI",       [257] = "CAA",  [258] = "AVC",     [259] = "DOA",
    [260] = "AMTRELAY", [261] = "RESINFO", [262] = "WALLET",    [263] = "CLA",  [264] = "IPN",
};
#define TYPE_NAMES (sizeof type_names / sizeof type_names[0])

static const char *const rcode_names[] = {"NOERROR", "FORMERR",   "SERVFAIL",       "NXDOMAIN", "NOTIMP",
                                          "REFUSED", "YXDOMAIN",  "YXRRSET",        "NXRRSET",  "NOTAUTH",
                                          "NOTZONE", "DSOTYPENI", [16] = "BADVERS", "BADKEY",   "BADTIME",
                                          "BADMODE", "BADNAME",   "BADALG",         "BADTRUNC", "BADCOOKIE"};
static const char *const opcode_names[] = {"QUERY", "IQUERY", "STATUS", NULL, "NOTIFY", "UPDATE", "DSO"};

const char *dns_type_name(uint16_t type)
{
    if (type < TYPE_NAMES)
        return type_names[type];
    return type == 32768 ? "TA" : type == 32769 ? "DLV" : NULL;
}

const char *dns_class_name(uint16_t class_)
{
    switch (class_) {
    case 1: return "IN";
    case 3: return "CH";
    case 4: return "HS";
    case 254: return "NONE";
    case 255: return "ANY";
    default: return NULL;
    }
}

const char *dns_opcode_name(uint32_t opcode)
{
    return opcode < sizeof opcode_names / sizeof opcode_names[0] ? opcode_names[opcode] : NULL;
}

const char *dns_rcode_name(uint32_t rcode)
{
    return rcode < sizeof rcode_names / sizeof rcode_names[0] ? rcode_names[rcode] : NULL;
}

void dns_put_cstr(struct dns_text *t, const char *s)
{
    while (*s)
        dns_put(t, *s++);
}

void dns_put_uint(struct dns_text *t, uint64_t value)
{
    char digits[20];
    int n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (n > 0)
        dns_put(t, digits[--n]);
}

void dns_put_type(struct dns_text *t, uint16_t type)
{
    const char *name = dns_type_name(type);
    dns_put_cstr(t, name ? name : "TYPE");
    if (name == NULL)
        dns_put_uint(t, type);
}

void dns_put_hex(struct dns_text *t, const uint8_t *p, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < size && !t->full; i++) {
        dns_put(t, hex[p[i] >> 4]);
        dns_put(t, hex[p[i] & 15]);
    }
}

void dns_put_base(struct dns_text *t, const uint8_t *p, size_t size, unsigned bits)
{
    static const char base32[] = "0123456789abcdefghijklmnopqrstuv";
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *alphabet = bits == 5 ? base32 : base64;
    uint32_t pool = 0;
    unsigned have = 0, chars = 0;
    for (size_t i = 0; i < size && !t->full; i++) {
        pool = pool << 8 | p[i];
        for (have += 8; have >= bits; chars++)
            dns_put(t, alphabet[pool >> (have -= bits) & ((1u << bits) - 1)]);
    }
    if (have > 0) {
        dns_put(t, alphabet[pool << (bits - have) & ((1u << bits) - 1)]);
        chars++;
    }
    while (bits == 6 && chars++ % 4 != 0)
        dns_put(t, '=');
}

/* One byte as at most four characters. */
static inline char *escape(char *to, uint8_t c, uint8_t special)
{
    if (c < 0x20 || c == 0x7f) {
        *to++ = '\\';
        *to++ = (char)('0' + c / 100);
        *to++ = (char)('0' + c / 10 % 10);
        *to++ = (char)('0' + c % 10);
        return to;
    }
    if (c == special || c == '\\')
        *to++ = '\\';
    *to++ = (char)c;
    return to;
}

void dns_put_escaped(struct dns_text *t, const uint8_t *p, size_t size, char special)
{
    if ((size_t)(t->end - t->at) >= 4 * size) {
        char *to = t->at;
        for (size_t i = 0; i < size; i++)
            to = escape(to, p[i], (uint8_t)special);
        t->at = to;
        return;
    }
    for (size_t i = 0; i < size && !t->full; i++) {
        char four[4];
        for (char *c = four, *end = escape(four, p[i], (uint8_t)special); c < end; c++)
            dns_put(t, *c);
    }
}

void dns_put_quoted(struct dns_text *t, const uint8_t *p, size_t size)
{
    dns_put(t, '"');
    dns_put_escaped(t, p, size, '"');
    dns_put(t, '"');
}

void dns_put_ipv4(struct dns_text *t, const uint8_t *p)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            dns_put(t, '.');
        dns_put_uint(t, p[i]);
    }
}

static void put_hex16(struct dns_text *t, uint16_t value)
{
    int shift = 12;
    while (shift > 0 && value >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        dns_put(t, "0123456789abcdef"[value >> shift & 15]);
}

void dns_put_ipv6(struct dns_text *t, const uint8_t *p)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (memcmp(p, mapped, sizeof mapped) == 0) {
        dns_put_cstr(t, "::ffff:");
        dns_put_ipv4(t, p + 12);
        return;
    }
    int best = -1, best_run = 1;
    for (int i = 0, run = 0; i < 8; i++) {
        run = weir_load_be16(p + 2 * i) == 0 ? run + 1 : 0;
        if (run > best_run) {
            best_run = run;
            best = i - run + 1;
        }
    }
    for (int i = 0; i < 8;) {
        if (i == best) {
            dns_put_cstr(t, "::");
            i += best_run;
            continue;
        }
        if (i > 0 && i != best + best_run)
            dns_put(t, ':');
        put_hex16(t, weir_load_be16(p + 2 * i++));
    }
}

bool dns_put_name(struct dns_text *t, const struct dns_message *m, uint32_t at)
{
    uint32_t start = at, octets = 1, jumps = 0;
    for (bool first = true; at < m->size;) {
        uint8_t octet = m->data[at];
        if (octet == 0) {
            if (first)
                dns_put(t, '.');
            return true;
        }
        if (octet >= 0xc0) {
            if (at + 2 > m->size || ++jumps > DNS_MAX_JUMPS)
                return false;
            uint32_t target = weir_load_be16(m->data + at) & 0x3fffu;
            if (target >= start || target < DNS_HEADER_BYTES)
                return false;
            start = at = target;
            continue;
        }
        octets += 1u + octet;
        if (octet >= 0x40 || octet >= m->size - at || octets > 255)
            return false;
        if (!first)
            dns_put(t, '.');
        dns_put_escaped(t, m->data + at + 1, octet, '.');
        first = false;
        at += 1u + octet;
    }
    return false;
}
