/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns/message.c - takes a DNS message apart (RFC 1035 4.1) and judges whether bytes are one.
 *
 * Nothing is copied: a message is its header's numbers and offsets.  Names are only stepped over here; following
 * compression is text.c's.  All work is linear in the message's size: a question takes at least 5 bytes of it, a record
 * at least 11, and each is looked at once a walk.
 */
#include "dns.h"

/* `pointers`: a compression pointer may end the name. */
static inline uint32_t name_end(const uint8_t *data, uint32_t at, uint32_t end, bool pointers)
{
    for (uint32_t from = at; at < end && at - from < 255;) {
        uint8_t octet = data[at];
        if (octet == 0)
            return at + 1;
        if (octet >= 0xc0)
            return pointers && end - at >= 2 ? at + 2 : 0;
        if (octet >= 0x40)
            return 0;
        at += 1u + octet;
    }
    return 0;
}

uint32_t dns_name_skip(const uint8_t *data, uint32_t at, uint32_t end)
{
    return name_end(data, at, end, true);
}

/* The first question's name has nothing before it that it could point to; so it is plain, and can be compared as bytes. */
bool dns_message_read(struct dns_message *m, const uint8_t *data, uint32_t size)
{
    uint8_t padded[DNS_HEADER_BYTES] = {0};
    const uint8_t *header = data;
    if (size < 4)
        return false;
    if (size < DNS_HEADER_BYTES)
        header = memcpy(padded, data, size);
    *m = (struct dns_message){.data = data, .size = size};
    m->id = weir_load_be16(header);
    m->flags = weir_load_be16(header + 2);
    for (int i = 0; i < DNS_SECTIONS; i++)
        m->counts[i] = weir_load_be16(header + 4 + 2 * i);
    uint32_t at = DNS_HEADER_BYTES;
    for (uint32_t i = 0; i < m->counts[0]; i++) {
        uint32_t next = name_end(data, at, size, i > 0);
        if (next == 0 || size - next < 4)
            return true;
        if (i == 0) {
            m->question_end = next + 4;
            m->qtype = weir_load_be16(data + next);
            m->qclass = weir_load_be16(data + next + 2);
        }
        at = next + 4;
    }
    m->records = at;
    return true;
}

bool dns_rr_read(const struct dns_message *m, uint32_t *at, struct dns_rr *rr)
{
    uint32_t fixed = dns_name_skip(m->data, *at, m->size);
    if (fixed == 0 || m->size - fixed < 10)
        return false;
    const uint8_t *p = m->data + fixed;
    *rr = (struct dns_rr){.name_at = *at,
                          .rdata_at = fixed + 10,
                          .size = weir_load_be16(p + 8),
                          .type = weir_load_be16(p),
                          .class_ = weir_load_be16(p + 2),
                          .ttl = weir_load_be32(p + 4)};
    if (m->size - rr->rdata_at < rr->size)
        return false;
    *at = rr->rdata_at + rr->size;
    return true;
}

static void edns_read(struct dns_edns *e, const struct dns_message *m, const struct dns_rr *rr)
{
    *e = (struct dns_edns){.there = true,
                           .udp_bytes = rr->class_,
                           .rcode_high = (uint8_t)(rr->ttl >> 24),
                           .dnssec_ok = (rr->ttl & 0x8000) != 0};
    struct weir_bytes b = weir_bytes(m->data + rr->rdata_at, rr->size);
    while (weir_left(&b) >= 4) {
        uint16_t code = weir_be16(&b), size = weir_be16(&b);
        const uint8_t *p = weir_take(&b, size);
        if (p == NULL)
            return;
        if (code == 8) {
            e->subnet = p;
            e->subnet_bytes = size;
        } else if (code == 15 && size >= 2) {
            e->has_error = true;
            e->error = weir_load_be16(p);
        }
    }
}

bool dns_records_skip(const struct dns_message *m, uint32_t *at, uint32_t count, struct dns_edns *e)
{
    struct dns_rr rr;
    for (uint32_t i = 0; i < count; i++) {
        if (!dns_rr_read(m, at, &rr))
            return false;
        if (rr.type == 41 && e != NULL)
            edns_read(e, m, &rr);
    }
    return true;
}

static uint8_t folded(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool dns_same_question(const struct dns_message *a, const struct dns_message *b)
{
    if (a->question_end == 0 || b->question_end == 0)
        return true;
    if (a->question_end != b->question_end || a->qtype != b->qtype)
        return false;
    uint32_t size = a->question_end - 4 - DNS_HEADER_BYTES;
    const uint8_t *p = a->data + DNS_HEADER_BYTES, *q = b->data + DNS_HEADER_BYTES;
    if (memcmp(p, q, size) == 0)
        return true;
    for (uint32_t i = 0; i < size; i++)
        if (folded(p[i]) != folded(q[i]))
            return false;
    return true;
}

bool dns_plausible_header(const struct dns_message *m)
{
    uint32_t opcode = dns_opcode(m), total = 0;
    for (int i = 0; i < 4; i++)
        total += m->counts[i];
    bool says = total > 0 || opcode == 6 || ((m->flags & DNS_QR) && (m->flags & 15)); /* a bare refusal, or DSO */
    return opcode <= 6 && opcode != 3 && (m->flags & DNS_Z) == 0 && says && m->counts[0] <= 64 && total <= 8192;
}

/* RFC 1001 14.1: a NetBIOS name is one label of 32 letters A to P. */
static bool is_netbios_name(const uint8_t *name)
{
    if (name[0] != 32)
        return false;
    for (int i = 1; i <= 32; i++)
        if (name[i] < 'A' || name[i] > 'P')
            return false;
    return true;
}

/* Only printable ASCII in the first question's name, as nearly all names are. */
static bool plain_name(const struct dns_message *m)
{
    for (uint32_t at = DNS_HEADER_BYTES; m->data[at] != 0; at += 1u + m->data[at])
        for (uint32_t i = 1; i <= m->data[at]; i++)
            if (m->data[at + i] <= 0x20 || m->data[at + i] >= 0x7f)
                return false;
    return true;
}

bool dns_plausible_question(const struct dns_message *m, bool plain)
{
    if (m->question_end == 0)
        return false;
    const uint8_t *name = m->data + DNS_HEADER_BYTES;
    return dns_type_name(m->qtype) != NULL && dns_class_name(m->qclass & 0x7fff) != NULL && !is_netbios_name(name) &&
           (!plain || plain_name(m));
}

bool dns_strict_header(const struct dns_message *m)
{
    uint32_t opcode = dns_opcode(m);
    if ((opcode != 0 && opcode != 4 && opcode != 5) || m->counts[0] != 1)
        return false;
    if (m->flags & DNS_QR)
        return true;
    bool asks = opcode != 0 || ((m->flags & DNS_AA) == 0 && m->counts[1] == 0 && m->counts[2] <= 1);
    return asks && (m->flags & (DNS_RA | 15)) == 0 && m->counts[3] <= 8;
}
