/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns/dns.h - the door of this folder: DNS messages taken apart (message.c) and their fields as text (text.c, rdata.c).
 *
 *     bytes --> dns_message_read() --> struct dns_message --> dns_rr_read() --> struct dns_rr --> dns_put_rdata() --> text
 *
 * A message and its records are offsets into the caller's bytes; text goes into room that the caller gives.  Nothing
 * here allocates or fails: what cannot be read is told, and text for which there is no room sets a flag.
 *
 * Text is presentation format (RFC 1035 5.1): names without the dot at the end, the root as ".", a dot or backslash
 * inside a label with a backslash before it, control characters as \DDD, all else (spaces, UTF-8) as it is.
 */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include <weir/bytes.h>
#include <weir/record.h>

#define DNS_HEADER_BYTES 12u
#define DNS_MAX_JUMPS 64u /* compression pointers in one name */

/* ---- message.c ---- */

/* Bits of the header's second 16. */
enum {
    DNS_QR = 0x8000,
    DNS_AA = 0x0400,
    DNS_TC = 0x0200,
    DNS_RD = 0x0100,
    DNS_RA = 0x0080,
    DNS_Z = 0x0040,
    DNS_AD = 0x0020,
    DNS_CD = 0x0010,
};
enum { DNS_QUESTION, DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

/* A message: its header, its first question, and where its records begin. */
struct dns_message {
    const uint8_t *data;
    uint32_t size;
    uint32_t question_end; /* one past the first question; 0: there is none that can be read */
    uint32_t records;      /* where the answer section begins; 0: unknown */
    uint16_t id, flags;
    uint16_t counts[DNS_SECTIONS]; /* as the header has them */
    uint16_t qtype, qclass;        /* of the first question */
};

/* One resource record, as offsets into its message. */
struct dns_rr {
    uint32_t name_at, rdata_at;
    uint32_t ttl;  /* seconds */
    uint16_t size; /* of the RDATA */
    uint16_t type, class_;
};

/* What the OPT record says (RFC 6891), as far as rows show it. */
struct dns_edns {
    bool there, dnssec_ok, has_error;
    uint8_t rcode_high; /* the upper eight bits of the twelve */
    uint16_t udp_bytes; /* largest datagram that the sender takes */
    uint16_t error;     /* extended DNS error (RFC 8914) */
    uint16_t subnet_bytes;
    const uint8_t *subnet; /* client subnet option (RFC 7871), or NULL */
};

static inline uint32_t dns_opcode(const struct dns_message *m)
{
    return m->flags >> 11 & 15u;
}

/* Reads header and questions of a message, which may be cut (counts: 0 then); false: not even id and flags. */
bool dns_message_read(struct dns_message *m, const uint8_t *data, uint32_t size);

/* The record at *at, which moves past it; false where there is none that can be read whole. */
bool dns_rr_read(const struct dns_message *m, uint32_t *at, struct dns_rr *rr);

/* Walks `count` records from *at and reads the OPT among them into `edns` (may be NULL); false: broken off. */
bool dns_records_skip(const struct dns_message *m, uint32_t *at, uint32_t count, struct dns_edns *edns);

/* One past the name at `at`, pointers not followed; 0 where it is broken or goes beyond `end`. */
uint32_t dns_name_skip(const uint8_t *data, uint32_t at, uint32_t end);

/* First questions are equal, names without regard to case; one that is missing equals any. */
bool dns_same_question(const struct dns_message *a, const struct dns_message *b);

/* Could software have made this?  Known opcode, reserved bit clear, counts of a sane size. */
bool dns_plausible_header(const struct dns_message *m);
/* ... and only what messages on any port have: one question, and in a query nothing that is a reply's. */
bool dns_strict_header(const struct dns_message *m);
/* A first question of types and classes in use that is not NetBIOS's; `plain`: and printable ASCII at that. */
bool dns_plausible_question(const struct dns_message *m, bool plain);

/* ---- text.c ---- */

/* Room for text; sticky like a cursor. */
struct dns_text {
    char *at, *end;
    bool full; /* something did not fit */
};

static inline void dns_put(struct dns_text *t, char c)
{
    if (t->at < t->end)
        *t->at++ = c;
    else
        t->full = true;
}
static inline struct weir_str dns_text_since(const struct dns_text *t, const char *from)
{
    return weir_str(from, (size_t)(t->at - from));
}

/* Names of numbers (IANA, Domain Name System Parameters); NULL: none. */
const char *dns_type_name(uint16_t type);
const char *dns_class_name(uint16_t class_);
const char *dns_opcode_name(uint32_t opcode);
const char *dns_rcode_name(uint32_t rcode);

void dns_put_cstr(struct dns_text *t, const char *s);
void dns_put_uint(struct dns_text *t, uint64_t value);
void dns_put_type(struct dns_text *t, uint16_t type); /* TYPEn where there is no name */
void dns_put_hex(struct dns_text *t, const uint8_t *p, size_t size);
/* `bits` 5: base32 with the extended hex alphabet, not padded; 6: base64 (RFC 4648). */
void dns_put_base(struct dns_text *t, const uint8_t *p, size_t size, unsigned bits);
/* Text with a backslash before each `special` and backslash. */
void dns_put_escaped(struct dns_text *t, const uint8_t *p, size_t size, char special);
void dns_put_quoted(struct dns_text *t, const uint8_t *p, size_t size);
void dns_put_ipv4(struct dns_text *t, const uint8_t *p);
void dns_put_ipv6(struct dns_text *t, const uint8_t *p); /* RFC 5952 */

/* The name at `at`, pointers followed; false where it is broken (text may have been put). */
bool dns_put_name(struct dns_text *t, const struct dns_message *m, uint32_t at);

/* ---- rdata.c ---- */

/* RDATA by its type's form, or as RFC 3597 shows what it does not know: \# 4 0a000001. */
void dns_put_rdata(struct dns_text *t, const struct dns_message *m, const struct dns_rr *rr);

#endif
