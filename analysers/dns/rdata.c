/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns/rdata.c - RDATA as text.
 *
 * What RDATA looks like stands in one table of forms, a string a type and a letter a field, which one small
 * interpreter follows.  RDATA that does not fit its form to the byte is not trusted to be of that form: it is shown
 * as its bytes, like that of a type without a form.
 */
#include "dns.h"

/*
 * How RDATA of a type is shown, a letter a field, a space between fields:
 *   1 2 4  unsigned integer of so many bytes           a A    IPv4, IPv6 address
 *   n      name                                        T      type
 *   s S    character-string in quotes; all that follow  q      the rest in quotes
 *   g      character-string as it is                   x b    the rest as hex, as base64
 *   h i    counted bytes as hex ("-": none), as base32  B      type bitmaps (RFC 4034 4.1.2)
 *   P      service parameters (RFC 9460 2.1)
 */
static const char *const rdata_forms[] = {
    [1] = "a",     [2] = "n",          [3] = "n",     [4] = "n",     [5] = "n",    [6] = "nn44444",
    [7] = "n",     [8] = "n",          [9] = "n",     [12] = "n",    [13] = "ss",  [14] = "nn",
    [15] = "2n",   [16] = "S",         [17] = "nn",   [18] = "2n",   [19] = "s",   [20] = "S",
    [21] = "2n",   [24] = "T114442nb", [25] = "211b", [26] = "2nn",  [27] = "sss", [28] = "A",
    [33] = "222n", [35] = "22sssn",    [36] = "2n",   [37] = "221b", [39] = "n",   [43] = "211x",
    [44] = "11x",  [46] = "T114442nb", [47] = "nB",   [48] = "211b", [49] = "b",   [50] = "112hiB",
    [51] = "112h", [52] = "111x",      [53] = "111x", [56] = "S",    [58] = "nn",  [59] = "211x",
    [60] = "211b", [61] = "b",         [62] = "42B",  [63] = "411x", [64] = "2nP", [65] = "2nP",
    [99] = "S",    [107] = "2n",       [256] = "22q", [257] = "1gq", [258] = "S",  [261] = "S",
    [262] = "S",
};

/* The name of a field inside RDATA, whose bytes must end inside it. */
static void put_name_field(struct dns_text *t, const struct dns_message *m, struct weir_bytes *b)
{
    if (b->bad)
        return;
    uint32_t at = (uint32_t)(b->at - m->data);
    uint32_t next = dns_name_skip(m->data, at, (uint32_t)(b->end - m->data));
    if (next == 0 || !dns_put_name(t, m, at))
        b->bad = true;
    else
        weir_skip(b, next - at);
}

/* One counted run of bytes: character-string, salt, hash ... */
static struct weir_bytes counted(struct weir_bytes *b)
{
    return weir_sub(b, weir_u8(b));
}

static void put_type_bitmaps(struct dns_text *t, struct weir_bytes *b)
{
    while (weir_left(b) > 0 && !t->full) {
        uint32_t window = weir_u8(b);
        struct weir_bytes bits = counted(b);
        for (uint32_t i = 0, n = (uint32_t)weir_left(&bits) * 8; i < n; i++) {
            if (bits.at[i / 8] & 0x80u >> i % 8) {
                dns_put(t, ' ');
                dns_put_type(t, (uint16_t)(window << 8 | i));
            }
        }
    }
}

static void put_service_key(struct dns_text *t, uint16_t key)
{
    static const char *const names[] = {"mandatory", "alpn",     "no-default-alpn", "port", "ipv4hint",
                                        "ech",       "ipv6hint", "dohpath",         "ohttp"};
    bool known = key < sizeof names / sizeof names[0];
    dns_put_cstr(t, known ? names[key] : "key");
    if (!known)
        dns_put_uint(t, key);
}

/* One item of a parameter that is a list. */
static void put_service_item(struct dns_text *t, uint16_t key, struct weir_bytes *v)
{
    const uint8_t *p;
    struct weir_bytes id;
    switch (key) {
    case 0: put_service_key(t, weir_be16(v)); break;
    case 1:
        id = counted(v);
        dns_put_escaped(t, id.at, weir_left(&id), ',');
        break;
    case 3: dns_put_uint(t, weir_be16(v)); break;
    case 4:
        if ((p = weir_take(v, 4)) != NULL)
            dns_put_ipv4(t, p);
        break;
    case 6:
        if ((p = weir_take(v, 16)) != NULL)
            dns_put_ipv6(t, p);
        break;
    case 5:
        dns_put_base(t, v->at, weir_left(v), 6);
        weir_skip(v, weir_left(v));
        break;
    default: dns_put_quoted(t, v->at, weir_left(v)); weir_skip(v, weir_left(v));
    }
}

static void put_service_params(struct dns_text *t, struct weir_bytes *b)
{
    while (weir_left(b) > 0 && !t->full) {
        dns_put(t, ' ');
        uint16_t key = weir_be16(b);
        struct weir_bytes value = weir_sub(b, weir_be16(b));
        put_service_key(t, key);
        for (char before = '='; weir_left(&value) > 0 && !t->full; before = ',') {
            dns_put(t, before);
            put_service_item(t, key, &value);
        }
        b->bad |= value.bad;
    }
}

/* All that is left of a cursor. */
static const uint8_t *take_rest(struct weir_bytes *b, size_t *size)
{
    *size = weir_left(b);
    return weir_take(b, *size);
}

static void put_field(struct dns_text *t, const struct dns_message *m, struct weir_bytes *b, char form)
{
    const uint8_t *p;
    struct weir_bytes run;
    size_t size;
    switch (form) {
    case '1': dns_put_uint(t, weir_u8(b)); break;
    case '2': dns_put_uint(t, weir_be16(b)); break;
    case '4': dns_put_uint(t, weir_be32(b)); break;
    case 'a':
        if ((p = weir_take(b, 4)) != NULL)
            dns_put_ipv4(t, p);
        break;
    case 'A':
        if ((p = weir_take(b, 16)) != NULL)
            dns_put_ipv6(t, p);
        break;
    case 'n': put_name_field(t, m, b); break;
    case 'T': dns_put_type(t, weir_be16(b)); break;
    case 's':
    case 'S':
        do {
            run = counted(b);
            dns_put_quoted(t, run.at, weir_left(&run));
            if (form == 'S' && weir_left(b) > 0)
                dns_put(t, ' ');
        } while (form == 'S' && weir_left(b) > 0 && !t->full);
        break;
    case 'g':
        run = counted(b);
        dns_put_escaped(t, run.at, weir_left(&run), ' ');
        break;
    case 'q':
        p = take_rest(b, &size);
        dns_put_quoted(t, p, size);
        break;
    case 'x':
        p = take_rest(b, &size);
        dns_put_hex(t, p, size);
        break;
    case 'b':
        p = take_rest(b, &size);
        dns_put_base(t, p, size, 6);
        break;
    case 'h':
        run = counted(b);
        if (weir_left(&run) == 0)
            dns_put(t, '-');
        dns_put_hex(t, run.at, weir_left(&run));
        break;
    case 'i':
        run = counted(b);
        dns_put_base(t, run.at, weir_left(&run), 5);
        break;
    case 'B': put_type_bitmaps(t, b); break;
    case 'P': put_service_params(t, b); break;
    }
}

void dns_put_rdata(struct dns_text *t, const struct dns_message *m, const struct dns_rr *rr)
{
    char *from = t->at;
    const char *form = rr->type < sizeof rdata_forms / sizeof rdata_forms[0] ? rdata_forms[rr->type] : NULL;
    if (form != NULL && rr->size > 0) {
        struct weir_bytes b = weir_bytes(m->data + rr->rdata_at, rr->size);
        for (const char *f = form; *f && !t->full; f++) {
            if (f != form && *f != 'B' && *f != 'P')
                dns_put(t, ' ');
            put_field(t, m, &b, *f);
        }
        if (!b.bad && (weir_left(&b) == 0 || t->full))
            return;
        t->at = from;
        t->full = false;
    }
    dns_put_cstr(t, "\\# ");
    dns_put_uint(t, rr->size);
    if (rr->size > 0)
        dns_put(t, ' ');
    dns_put_hex(t, m->data + rr->rdata_at, rr->size);
}
