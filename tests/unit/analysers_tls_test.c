/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests, fingerprints and certificates of analysers/tls, by published vectors and by certificates made for the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analysers/quic/protect.h"
#include "../../analysers/tls/tls.h"

static const char *hex_of(const uint8_t *data, size_t size)
{
    static char text[129];
    tls_hex(text, data, size);
    text[2 * size] = 0;
    return text;
}

static const char *digest_of(enum tls_digest_kind kind, const char *data, size_t step)
{
    struct tls_digest digest;
    uint8_t out[32];
    size_t left = strlen(data);
    tls_digest_init(&digest, kind);
    while (left) {
        size_t n = step < left ? step : left;
        tls_digest_add(&digest, data, n);
        data += n, left -= n;
    }
    tls_digest_end(&digest, out);
    return hex_of(out, kind == TLS_MD5 ? 16 : 32);
}

static void md5_agrees_with_rfc_1321(void **state)
{
    assert_string_equal(digest_of(TLS_MD5, "", 1), "d41d8cd98f00b204e9800998ecf8427e");
    assert_string_equal(digest_of(TLS_MD5, "message digest", 3), "f96b697d7cb7938d525a2f31aaf161d0");
    assert_string_equal(digest_of(TLS_MD5,
                                  "1234567890123456789012345678901234567890"
                                  "1234567890123456789012345678901234567890",
                                  7),
                        "57edf4a22be3c955ac49da2e2107b67a");
}

static void sha256_agrees_with_its_standard(void **state)
{
    assert_string_equal(digest_of(TLS_SHA256, "abc", 1),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(digest_of(TLS_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 5),
                        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void quic_keys_agree_with_the_rfcs(void **state)
{
    static const uint8_t id[8] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};
    uint8_t initial[QUIC_SECRET_BYTES];
    struct quic_keys keys;
    quic_secret(QUIC_SALT_V1, id, sizeof id, initial); /* RFC 9001 appendix A.1 */
    assert_string_equal(hex_of(initial, 32), "7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44");
    quic_keys_of(&keys, initial, false, false);
    assert_string_equal(hex_of(keys.key, 16), "1f369613dd76d5467730efcbe3b1a22d");
    assert_string_equal(hex_of(keys.iv, 12), "fa044b2f42a3fd3b46fb255c");
    assert_string_equal(hex_of(keys.hp, 16), "9f50449e04a0e810283a1e9933adedd2");
    quic_keys_of(&keys, initial, true, false);
    assert_string_equal(hex_of(keys.key, 16), "cf3a5331653c364c88f0f379b6067e37");
    quic_secret(QUIC_SALT_V2, id, sizeof id, initial); /* RFC 9369 appendix A.1 */
    quic_keys_of(&keys, initial, false, true);
    assert_string_equal(hex_of(keys.key, 16), "8b1a0bc121284290a29e0971b5cd045d");
    assert_string_equal(hex_of(keys.iv, 12), "91f73e2351d8fa91660e909f");
}

static uint8_t hello_bytes[70000];

static uint32_t put16(uint32_t at, uint32_t v)
{
    hello_bytes[at] = (uint8_t)(v >> 8), hello_bytes[at + 1] = (uint8_t)v;
    return at + 2;
}

/* A hello with `ciphers` ciphers, counting down from 0xc0ff so that they come unsorted, and no extensions. */
static bool hello_of(struct tls_client *hello, uint32_t ciphers)
{
    memset(hello_bytes, 0, sizeof hello_bytes);
    uint32_t at = put16(0, 0x0303) + 32 + 1;
    at = put16(at, ciphers * 2);
    for (uint32_t i = 0; i < ciphers; i++)
        at = put16(at, (0xc0ffu - i * 7) & 0xffff);
    hello_bytes[at++] = 1;
    return tls_client_parse(hello, hello_bytes, at + 1);
}

static void ja4_counts_at_most_99_and_gives_up_beyond_4096(void **state)
{
    struct tls_client hello;
    char ja4[TLS_JA4_BYTES];
    assert_true(hello_of(&hello, 2000));
    assert_true(tls_ja4(&hello, 't', ja4));
    assert_memory_equal(ja4, "t12i990000_", 11);
    assert_true(hello_of(&hello, 5000));
    assert_false(tls_ja4(&hello, 't', ja4));
}

static void many_ciphers_sort_like_few(void **state)
{
    /* the same 60 ciphers, forwards and backwards, and 40 of them: one sort for short lists, one for long */
    for (uint32_t count = 40; count <= 60; count += 20) {
        struct tls_client hello;
        char down[TLS_JA4_BYTES], up[TLS_JA4_BYTES];
        assert_true(hello_of(&hello, count));
        assert_true(tls_ja4(&hello, 't', down));
        uint8_t *list = hello_bytes + 2 + 32 + 1 + 2;
        for (uint32_t i = 0, j = count - 1; i < j; i++, j--) {
            uint8_t swap[2];
            memcpy(swap, list + 2 * i, 2);
            memcpy(list + 2 * i, list + 2 * j, 2);
            memcpy(list + 2 * j, swap, 2);
        }
        assert_true(tls_ja4(&hello, 't', up));
        assert_memory_equal(down, up, TLS_JA4_BYTES);
    }
}

static void a_hello_cut_anywhere_is_read_within_its_bytes(void **state)
{
    struct tls_client hello;
    assert_true(hello_of(&hello, 4));
    for (uint32_t size = 0; size < 2 + 32 + 1 + 2 + 8 + 2; size++)
        assert_false(tls_client_parse(&hello, hello_bytes, size));
}

/* ---- certificates ---- */

static uint8_t der[1024];

/* An element around what stands at der[at..end): its end. */
static uint32_t wrap(uint32_t at, uint32_t end, uint8_t tag)
{
    uint32_t size = end - at;
    memmove(der + at + 4, der + at, size);
    der[at] = tag, der[at + 1] = 0x82, der[at + 2] = (uint8_t)(size >> 8), der[at + 3] = (uint8_t)size;
    return end + 4;
}

static uint32_t put(uint32_t at, uint8_t tag, const void *data, uint32_t size)
{
    memcpy(der + at, data, size);
    return wrap(at, at + size, tag);
}

/* One RDN of one pair; `oid` ends in zero. */
static uint32_t put_pair(uint32_t at, const char *oid, uint8_t tag, const void *value, uint32_t size)
{
    uint32_t end = put(at, 0x06, oid, (uint32_t)strlen(oid));
    end = put(end, tag, value, size);
    return wrap(at, wrap(at, end, 0x30), 0x31);
}

static uint32_t certificate(const char *before, const char *after)
{
    static const uint8_t bmp[] = {0, 'B', 0, 0xf6, 0xd8, 0x3d, 0xde, 0x00};
    uint32_t at = put(0, 0x02, "\0\x8f", 2);
    at = put(at, 0x30, "", 0);
    uint32_t start = at;
    at = put_pair(at, "\x55\x04\x06", 0x13, "XX", 2);
    at = put_pair(at, "\x55\x04\x0a", 0x0c, " a,b ", 5);
    at = wrap(start, at, 0x30);
    start = at;
    at = put(at, strlen(before) == 13 ? 0x17 : 0x18, before, (uint32_t)strlen(before));
    at = put(at, strlen(after) == 13 ? 0x17 : 0x18, after, (uint32_t)strlen(after));
    at = wrap(start, at, 0x30);
    start = at;
    at = put_pair(at, "\x55\x04\x03", 0x1e, bmp, sizeof bmp);
    at = put_pair(at, "\x2a\x03\x84\x01", 0x14, "\xe9", 1);
    at = wrap(start, at, 0x30);
    return wrap(0, wrap(0, at, 0x30), 0x30);
}

static const char *text_of(const struct tls_heap *heap, struct tls_text text)
{
    static char out[TLS_TEXT_BYTES + 1];
    struct weir_str s = tls_heap_get(heap, text);
    memcpy(out, s.data, s.size);
    out[s.size] = 0;
    return out;
}

static void names_are_written_as_rfc_4514_says(void **state)
{
    static struct tls_heap heap;
    struct tls_x509 x;
    heap.used = 0;
    assert_true(tls_x509_parse(&x, &heap, der, certificate("700101000000Z", "491231235959Z")));
    assert_string_equal(text_of(&heap, x.issuer), "O=\\ a\\,b\\ ,C=XX");
    assert_string_equal(text_of(&heap, x.subject), "1.2.3.513=\xc3\xa9,CN=B\xc3\xb6\xf0\x9f\x98\x80");
    assert_string_equal(text_of(&heap, x.serial), "8f");
}

static void dates_are_nanoseconds_and_null_beyond_their_range(void **state)
{
    static struct tls_heap heap;
    struct tls_x509 x;
    heap.used = 0;
    assert_true(tls_x509_parse(&x, &heap, der, certificate("700101000000Z", "491231235959Z")));
    assert_true(x.not_before.set);
    assert_int_equal(x.not_before.value, 0);
    assert_int_equal(x.not_after.value, 2524607999000000000ull);
    assert_true(tls_x509_parse(&x, &heap, der, certificate("20240229120000Z", "99991231235959Z")));
    assert_int_equal(x.not_before.value, 1709208000000000000ull);
    assert_false(x.not_after.set);
    assert_true(tls_x509_parse(&x, &heap, der, certificate("241301000000Z", "2401010000x0Z")));
    assert_false(x.not_before.set);
    assert_false(x.not_after.set);
}

static void a_certificate_cut_before_its_subject_is_none(void **state)
{
    static struct tls_heap heap;
    struct tls_x509 x;
    uint32_t size = certificate("700101000000Z", "491231235959Z");
    for (uint32_t cut = 0; cut < size; cut++) {
        heap.used = 0;
        assert_false(tls_x509_parse(&x, &heap, der, cut));
    }
}

/* ---- rows ---- */

static bool refuse;
static char row_text[256];

static void *hold(struct weir_turn *turn, uint32_t bytes)
{
    return refuse ? NULL : calloc(1, bytes);
}

static void release(struct weir_turn *turn, void *held)
{
    free(held);
}

/* "sni|number of protocols offered|subject", "-" for null. */
static void emit(struct weir_turn *turn, const struct weir_table *table, const void *row, uint64_t ts_ns)
{
    row_text[0] = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct weir_column *column = &table->columns[i];
        const void *cell = (const char *)row + column->offset;
        const struct weir_str *text = cell;
        const struct weir_strs *list = cell;
        char *to = row_text + strlen(row_text);
        size_t room = sizeof row_text - strlen(row_text);
        if (strcmp(column->name, "sni") == 0 || strcmp(column->name, "subject") == 0)
            snprintf(to, room, "%.*s|", text->data ? (int)text->size : 1, text->data ? text->data : "-");
        else if (strcmp(column->name, "alpn_offered") == 0)
            snprintf(to, room, list->set ? "%u|" : "-|", list->count);
    }
}

static const char *row_of_a_hello_and_a_certificate(bool no_memory_for_the_hello)
{
    static const uint8_t offer[] = {2, 'h', '2'};
    const struct weir_host host = {.size = sizeof host, .hold = hold, .release = release, .emit = emit};
    struct weir_turn turn = {.size = sizeof turn, .host = &host};
    struct tls_client hello = {.legacy_version = 0x0303, .version = 0x0303, .sni = weir_cstr("a.example")};
    struct tls_exchange x = {0};
    hello.alpn = weir_bytes(offer, sizeof offer);
    refuse = no_memory_for_the_hello;
    tls_exchange_client(&turn, &x, &hello, false, 0);
    refuse = false;
    tls_exchange_certificate(&turn, &x, false, der, certificate("700101000000Z", "491231235959Z"));
    tls_exchange_emit(&turn, &x);
    return row_text;
}

static void text_that_could_not_be_kept_is_null_whatever_comes_later(void **state)
{
    assert_string_equal(row_of_a_hello_and_a_certificate(false),
                        "a.example|1|1.2.3.513=\xc3\xa9,CN=B\xc3\xb6\xf0\x9f\x98\x80|");
    assert_string_equal(row_of_a_hello_and_a_certificate(true), "-|-|-|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(md5_agrees_with_rfc_1321),
        cmocka_unit_test(sha256_agrees_with_its_standard),
        cmocka_unit_test(quic_keys_agree_with_the_rfcs),
        cmocka_unit_test(ja4_counts_at_most_99_and_gives_up_beyond_4096),
        cmocka_unit_test(many_ciphers_sort_like_few),
        cmocka_unit_test(a_hello_cut_anywhere_is_read_within_its_bytes),
        cmocka_unit_test(names_are_written_as_rfc_4514_says),
        cmocka_unit_test(dates_are_nanoseconds_and_null_beyond_their_range),
        cmocka_unit_test(a_certificate_cut_before_its_subject_is_none),
        cmocka_unit_test(text_that_could_not_be_kept_is_null_whatever_comes_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
