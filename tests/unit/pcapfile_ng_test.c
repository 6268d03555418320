/* SPDX-License-Identifier: Apache-2.0 */
/* pcapng: sections, interfaces, clocks, every block that is read or skipped, and every way that framing can lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pcapfile_reading.h"

static void sections_of_both_byte_orders_number_their_interfaces_on(void **state)
{
    struct writer w = {0};
    section(&w, false);
    interface_plain(&w, 1);
    interface_plain(&w, 101);
    enhanced(&w, 1, 1000000, 0, 40);
    section(&w, true);
    interface_plain(&w, 113);
    enhanced(&w, 0, 2000000, 1, 41);
    section(&w, false);
    interface_plain(&w, 276);
    enhanced(&w, 0, 3000000, 2, 42);
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->count, 3);
    assert_true(frames_are_right(r));
    static const uint8_t links[] = {PACKET_LINK_RAW, PACKET_LINK_SLL, PACKET_LINK_SLL2};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(r->packets[i].iface, i + 1);
        assert_int_equal(r->packets[i].link, links[i]);
        assert_int_equal(r->packets[i].caplen, 40 + i);
        assert_int_equal(r->packets[i].ts_ns, (i + 1) * 1000000000ull);
    }
    assert_int_equal(r->iface_count, 4);
    assert_int_equal(r->ifaces[3].linktype, 276);
    free(r);
}

/* What a stamp becomes on an interface with these options. */
static uint64_t stamp(bool swap, int resolution, int64_t offset, uint64_t units)
{
    struct writer w = {0};
    uint8_t resolution_byte = (uint8_t)resolution;
    section(&w, swap);
    interface_begin(&w, 1, 0);
    if (resolution >= 0)
        option_put(&w, 9, &resolution_byte, 1);
    if (offset)
        option64(&w, 14, (uint64_t)offset);
    put32(&w, 0);
    block_end(&w);
    enhanced(&w, 0, units, 0, 1);
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->count, 1);
    uint64_t ns = r->packets[0].ts_ns;
    free(r);
    return ns;
}

static void every_clock_resolution_becomes_nanoseconds(void **state)
{
    static const struct {
        int resolution;
        uint64_t units, ns;
    } clocks[] = {
        {-1, 1700000000123456, 1700000000123456000},
        {6, 0, 0},
        {0, 1700000000, 1700000000000000000},
        {3, 1700000000123, 1700000000123000000},
        {9, 1700000000123456789, 1700000000123456789},
        {10, 15, 1},
        {12, 1700000000123456789, 1700000000123456},
        {18, UINT64_MAX, 18446744073},
        {19, UINT64_MAX, 1844674407},
        {27, UINT64_MAX, 18},
        {28, UINT64_MAX, 1},
        {29, UINT64_MAX, 0},
        {127, UINT64_MAX, 0},
        {0, UINT64_MAX, INT64_MAX},
        {9, UINT64_MAX, INT64_MAX},
        {9, INT64_MAX, INT64_MAX},
        {6, INT64_MAX, INT64_MAX},
        {0x80, 1700000000, 1700000000000000000},
        {0x80, UINT64_MAX, INT64_MAX},
        {0x80 + 1, 3, 1500000000},
        {0x80 + 20, 1700000000ull << 20 | 1 << 19, 1700000000500000000},
        {0x80 + 32, 1700000000ull << 32 | 1u << 31, 1700000000500000000},
        {0x80 + 63, UINT64_MAX, 1999999999},
        {0x80 + 64, UINT64_MAX, 999999999},
        {0x80 + 93, UINT64_MAX, 1},
        {0x80 + 127, UINT64_MAX, 0},
    };
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
        for (int swap = 0; swap < 2; swap++)
            assert_int_equal(stamp(swap, clocks[i].resolution, 0, clocks[i].units), clocks[i].ns);
}

static void the_offset_of_a_clock_is_added_and_never_wraps(void **state)
{
    assert_int_equal(stamp(false, 6, 1700000000, 5), 1700000000000005000);
    assert_int_equal(stamp(true, 6, -1, 3000000), 2000000000);
    assert_int_equal(stamp(false, 9, -5, 3000000000), 0);
    assert_int_equal(stamp(false, 9, INT64_MAX, 1), INT64_MAX);
    assert_int_equal(stamp(true, 9, INT64_MIN, UINT64_MAX), 0);
    assert_int_equal(stamp(false, 0, 9223372036, UINT64_MAX), INT64_MAX);
}

static void an_interface_has_its_name_and_drops(void **state)
{
    struct writer w = {0};
    char name[200];
    memset(name, 'x', sizeof name);
    memcpy(name + 62, "\xc3\xa4", 2); /* 62 bytes, then a character of two */
    for (int swap = 0; swap < 2; swap++) {
        uint8_t bits = 32;
        section(&w, swap);
        interface_begin(&w, 1, 100);
        option_put(&w, 2, "eth0", 4);
        option_put(&w, 13, &bits, 1);
        put32(&w, 0);
        block_end(&w);
        interface_begin(&w, 1, 0);
        option_put(&w, 2, name, sizeof name);
        block_end(&w);
        block_begin(&w, 5);
        put32(&w, 0);
        put64(&w, 0);
        option64(&w, 4, 1000);
        option64(&w, 5, 20);
        option64(&w, 7, 3);
        put32(&w, 0);
        block_end(&w);
    }
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->iface_count, 4);
    for (int i = 0; i < 4; i += 2) {
        assert_string_equal(r->ifaces[i].name, "eth0");
        assert_int_equal(r->ifaces[i].snaplen, 100);
        assert_int_equal(r->ifaces[i].fcs_bytes, 4);
        assert_true(r->ifaces[i].has_drops);
        assert_int_equal(r->ifaces[i].received, 1000);
        assert_int_equal(r->ifaces[i].dropped, 23);
        assert_false(r->ifaces[i + 1].has_drops);
        assert_int_equal(strlen(r->ifaces[i + 1].name), 62);
    }
    free(r);
}

static void simple_and_obsolete_packet_blocks_are_read(void **state)
{
    for (int swap = 0; swap < 2; swap++) {
        struct writer w = {0};
        section(&w, swap);
        interface_begin(&w, 1, 50);
        block_end(&w);
        interface_plain(&w, 1);
        block_begin(&w, 2);
        put16(&w, 1);
        put16(&w, 7);
        put32(&w, 0);
        put32(&w, 4000000);
        put32(&w, 31);
        put32(&w, 80);
        put_frame(&w, 0, 31);
        block_end(&w);
        block_begin(&w, 3);
        put32(&w, 33); /* shorter than the snaplen */
        put_frame(&w, 1, 33);
        block_end(&w);
        block_begin(&w, 3);
        put32(&w, 900);
        put_frame(&w, 2, 52); /* 50 and padding */
        block_end(&w);
        struct reading *r = read_written(&w);
        assert_int_equal(r->answer, 0);
        assert_int_equal(r->count, 3);
        assert_true(frames_are_right(r));
        assert_int_equal(r->packets[0].iface, 1);
        assert_int_equal(r->packets[0].wire_bytes, 80);
        assert_int_equal(r->packets[0].flags, PACKET_CUT);
        assert_int_equal(r->packets[1].caplen, 33);
        assert_int_equal(r->packets[1].iface, 0);
        assert_int_equal(r->packets[1].ts_ns, 4000000000);
        assert_int_equal(r->packets[2].caplen, 50);
        assert_int_equal(r->packets[2].wire_bytes, 900);
        free(r);
    }
}

static void other_blocks_are_skipped_however_long_they_are(void **state)
{
    static const uint32_t types[] = {4, 10, 0xbad, 0x40000bad, 77};
    struct writer w = {0};
    section(&w, false);
    interface_plain(&w, 1);
    for (uint32_t n = 0; n < 20; n++) {
        unknown_block(&w, types[n % 5], n % 4 * n * 40000);
        enhanced(&w, 0, n, n, 90);
    }
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->count, 20);
    assert_true(frames_are_right(r));
    free(r);
}

static void options_longer_than_a_block_of_ours_are_skipped(void **state)
{
    struct writer w = {0};
    char *comment = calloc(1, 65000);
    section(&w, true);
    interface_begin(&w, 1, 0);
    option_put(&w, 2, "first", 5);
    for (int i = 0; i < 9; i++)
        option_put(&w, 1, comment, 65000);
    block_end(&w);
    for (uint32_t n = 0; n < 12; n++) {
        enhanced_begin(&w, 0, n, 70000, 70000);
        put_frame(&w, n, 70000);
        put(&w, NULL, -w.used & 3);
        for (uint32_t i = 0; i < n; i++)
            option_put(&w, 1, comment, 65000);
        block_end(&w);
    }
    free(comment);
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->count, 12);
    assert_true(frames_are_right(r));
    assert_string_equal(r->ifaces[0].name, "first");
    free(r);
}

static void many_tiny_packets_come_whole_and_in_order(void **state)
{
    struct writer w = {0};
    section(&w, false);
    interface_plain(&w, 1);
    for (uint32_t n = 0; n < 12000; n++)
        enhanced(&w, 0, n, n, n % 7);
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->count, 12000);
    assert_int_equal(r->most, PACKET_BLOCK_PACKETS);
    assert_true(frames_are_right(r));
    free(r);
}

static void a_file_cut_at_any_byte_gives_what_was_whole_and_the_offset(void **state)
{
    struct writer w = {0};
    size_t starts[10];
    section(&w, false);
    starts[0] = w.used;
    interface_plain(&w, 1);
    for (uint32_t n = 0; n < 7; n++) {
        starts[n + 1] = w.used;
        enhanced(&w, 0, n, n, n * 5);
    }
    starts[8] = w.used;
    unknown_block(&w, 4, 60);
    starts[9] = w.used;
    for (size_t cut = 29; cut <= w.used; cut++) {
        struct reading *r = read_bytes(w.bytes, cut);
        uint32_t at = 0;
        while (at < 9 && starts[at + 1] <= cut)
            at++;
        char text[80];
        snprintf(text, sizeof text, "truncated block at byte %zu", cut < starts[0] ? (size_t)0 : starts[at]);
        assert_int_equal(r->answer, cut == starts[at] ? 0 : -1);
        if (r->answer)
            assert_string_equal(r->error.text, text);
        assert_int_equal(r->count, at > 8 ? 7 : at ? at - 1 : 0);
        assert_true(frames_are_right(r));
        free(r);
    }
    free(w.bytes);
}

/* A packet, one of 60 bytes at byte 96 that is changed to lie, and another. */
static struct reading *read_with(void (*change)(uint8_t *block))
{
    struct writer w = {0};
    section(&w, false);
    w.block_at = w.used;
    interface_plain(&w, 1);
    enhanced(&w, 0, 1, 0, 0);
    size_t at = w.used;
    enhanced(&w, 0, 2, 1, 28);
    enhanced(&w, 0, 3, 2, 28);
    assert_int_equal(at, 96);
    change(w.bytes + at);
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, -1);
    assert_int_equal(r->count, 1);
    return r;
}

static void set32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, 4);
}
static void odd_length(uint8_t *block)
{
    set32(block + 4, 59);
}
static void short_length(uint8_t *block)
{
    set32(block + 4, 8);
}
static void short_packet(uint8_t *block)
{
    set32(block + 4, 28);
}
static void other_trailer(uint8_t *block)
{
    set32(block + 56, 64);
}
static void large_frame(uint8_t *block)
{
    set32(block + 20, 29);
}
static void huge_frame(uint8_t *block)
{
    set32(block + 4, 0xfffffffc);
    set32(block + 20, 0xffffffff);
}
static void unknown_interface(uint8_t *block)
{
    set32(block + 8, 1);
}
static void no_byte_order(uint8_t *block)
{
    set32(block, 0x0a0d0d0a);
}
static void other_version(uint8_t *block)
{
    set32(block, 0x0a0d0d0a);
    set32(block + 8, 0x1a2b3c4d);
    set32(block + 12, 2);
}
static void endless_block(uint8_t *block)
{
    set32(block, 4);
    set32(block + 4, 0xfffffff0);
}

static void framing_that_lies_is_told_with_its_offset(void **state)
{
    static const struct {
        void (*change)(uint8_t *block);
        const char *text;
    } lies[] = {
        {odd_length, "block at byte 96 claims 59 bytes, not a multiple of 4"},
        {short_length, "block at byte 96 claims 8 bytes, too few for its type"},
        {short_packet, "block at byte 96 claims 28 bytes, too few for its type"},
        {other_trailer, "block at byte 96 is 60 bytes long at its start and 64 at its end"},
        {large_frame, "packet block at byte 96 claims 29 bytes"},
        {huge_frame, "packet block at byte 96 claims 4294967295 bytes"},
        {unknown_interface, "packet block at byte 96 names interface 1 of 1"},
        {no_byte_order, "section header at byte 96 has no byte order"},
        {other_version, "section header at byte 96 has version 2, not 1"},
        {endless_block, "truncated block at byte 96"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct reading *r = read_with(lies[i].change);
        assert_string_equal(r->error.text, lies[i].text);
        free(r);
    }
}

static void a_skipped_block_must_end_as_it_began(void **state)
{
    struct writer w = {0};
    section(&w, false);
    interface_plain(&w, 1);
    size_t at = w.used;
    unknown_block(&w, 10, 700000);
    w.bytes[w.used - 4] ^= 4;
    enhanced(&w, 0, 1, 0, 10);
    struct reading *r = read_written(&w);
    char text[120];
    snprintf(text, sizeof text, "block at byte %zu is 700012 bytes long at its start and 700008 at its end", at);
    assert_int_equal(r->answer, -1);
    assert_int_equal(r->count, 0);
    assert_string_equal(r->error.text, text);
    free(r);
}

static void more_interfaces_than_can_be_numbered_are_an_error(void **state)
{
    struct writer w = {0};
    section(&w, false);
    for (uint32_t i = 0; i < 65536; i++)
        interface_plain(&w, 1);
    enhanced(&w, 65535, 0, 0, 10);
    size_t at = w.used;
    interface_plain(&w, 1);
    struct reading *r = read_written(&w);
    char text[120];
    snprintf(text, sizeof text, "interface block at byte %zu is one too many: 65536 are numbered", at);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->packets[0].iface, 65535);
    assert_int_equal(r->answer, -1);
    assert_string_equal(r->error.text, text);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_of_both_byte_orders_number_their_interfaces_on),
        cmocka_unit_test(every_clock_resolution_becomes_nanoseconds),
        cmocka_unit_test(the_offset_of_a_clock_is_added_and_never_wraps),
        cmocka_unit_test(an_interface_has_its_name_and_drops),
        cmocka_unit_test(simple_and_obsolete_packet_blocks_are_read),
        cmocka_unit_test(other_blocks_are_skipped_however_long_they_are),
        cmocka_unit_test(options_longer_than_a_block_of_ours_are_skipped),
        cmocka_unit_test(many_tiny_packets_come_whole_and_in_order),
        cmocka_unit_test(a_file_cut_at_any_byte_gives_what_was_whole_and_the_offset),
        cmocka_unit_test(framing_that_lies_is_told_with_its_offset),
        cmocka_unit_test(a_skipped_block_must_end_as_it_began),
        cmocka_unit_test(more_interfaces_than_can_be_numbered_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
