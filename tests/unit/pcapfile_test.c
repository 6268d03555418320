/* SPDX-License-Identifier: Apache-2.0 */
/* Classic pcap, what is and is not a capture, compression, and how bytes move from read() to block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pcapfile_reading.h"

static void every_kind_of_record_is_read_in_both_byte_orders(void **state)
{
    static const struct {
        uint32_t magic, fraction, extra;
        uint64_t ns;
    } kinds[] = {
        {0xa1b2c3d4, 654321, 0, 1700000000654321000ull},
        {0xa1b23c4d, 987654321, 0, 1700000000987654321ull},
        {0xa1b2cd34, 654321, 8, 1700000000654321000ull},
    };
    for (unsigned i = 0; i < 6; i++) {
        struct writer w = {.swap = i % 2};
        classic_head(&w, kinds[i / 2].magic, 1);
        for (uint32_t n = 0; n < 3; n++) {
            classic_record_head(&w, 1700000000, kinds[i / 2].fraction, 60 + n, 60 + n);
            put(&w, NULL, kinds[i / 2].extra);
            put_frame(&w, n, 60 + n);
        }
        struct reading *r = read_written(&w);
        assert_int_equal(r->answer, 0);
        assert_int_equal(r->count, 3);
        assert_true(frames_are_right(r));
        assert_int_equal(r->packets[2].caplen, 62);
        assert_int_equal(r->packets[2].wire_bytes, 62);
        assert_int_equal(r->packets[2].ts_ns, kinds[i / 2].ns);
        assert_int_equal(r->packets[2].link, PACKET_LINK_ETHERNET);
        assert_int_equal(r->packets[2].flags, 0);
        assert_int_equal(r->ifaces[0].snaplen, 262144);
        free(r);
    }
}

static void the_fcs_bits_are_taken_off_the_link_type(void **state)
{
    struct writer w = {0};
    classic_head(&w, 0xa1b2c3d4, 0x24000000u | 105);
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->ifaces[0].linktype, 105);
    assert_int_equal(r->ifaces[0].fcs_bytes, 4);
    free(r);
}

static void a_frame_that_is_longer_on_the_wire_is_marked_as_cut(void **state)
{
    struct writer w = {0};
    classic_head(&w, 0xa1b2c3d4, 1);
    classic_record_head(&w, 5, 0, 10, 1500);
    put_frame(&w, 0, 10);
    classic_record_head(&w, 4, 0, 10, 3); /* less than was captured, and earlier: neither is believed nor refused */
    put_frame(&w, 1, 10);
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->packets[0].flags, PACKET_CUT);
    assert_int_equal(r->packets[0].wire_bytes, 1500);
    assert_int_equal(r->packets[1].flags, 0);
    assert_int_equal(r->packets[1].wire_bytes, 10);
    assert_int_equal(r->packets[1].ts_ns, 4000000000ull);
    free(r);
}

static void the_two_lengths_of_a_record_are_told_by_the_version(void **state)
{
    static const struct {
        uint16_t major, minor;
        uint32_t first, second;
    } cases[] = {
        {2, 4, 10, 1500}, {2, 3, 10, 1500}, {2, 3, 1500, 10}, {2, 2, 1500, 10}, {2, 0, 1500, 10}, {0, 0, 10, 1500},
    };
    static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0] * 6; i++) {
        struct writer w = {.swap = i % 2};
        classic_head(&w, magics[i / 2 % 3], 1);
        w.used = 4;
        put16(&w, cases[i / 6].major);
        put16(&w, cases[i / 6].minor);
        w.used = 24;
        for (uint32_t n = 0; n < 2; n++) {
            classic_record_head(&w, 7, 5, cases[i / 6].first, cases[i / 6].second);
            put(&w, NULL, i / 2 % 3 == 2 ? 8 : 0);
            put_frame(&w, n, 10);
        }
        struct reading *r = read_written(&w);
        assert_int_equal(r->answer, 0);
        assert_int_equal(r->count, 2);
        assert_true(frames_are_right(r));
        assert_int_equal(r->packets[1].caplen, 10);
        assert_int_equal(r->packets[1].wire_bytes, 1500);
        assert_int_equal(r->packets[1].flags, PACKET_CUT);
        assert_int_equal(r->packets[1].ts_ns, i / 2 % 3 == 1 ? 7000000005ull : 7000005000ull);
        free(r);
    }
}

static void a_file_cut_at_any_byte_gives_what_was_whole_and_the_offset(void **state)
{
    struct writer w = {0};
    classic_head(&w, 0xa1b2c3d4, 1);
    size_t starts[6];
    for (uint32_t n = 0; n < 5; n++) {
        starts[n] = w.used;
        classic_record(&w, n, n, n * 9);
    }
    starts[5] = w.used;
    for (size_t cut = 1; cut <= w.used; cut++) {
        struct reading *r = read_bytes(w.bytes, cut);
        uint32_t whole = 0;
        while (whole < 5 && starts[whole + 1] <= cut)
            whole++;
        char text[80];
        snprintf(text, sizeof text, "truncated packet record at byte %zu", starts[whole]);
        assert_int_equal(r->count, cut < 24 ? 0 : whole);
        assert_true(frames_are_right(r));
        if (cut < 24) {
            assert_int_equal(r->answer, -2);
        } else if (cut == starts[whole]) {
            assert_int_equal(r->answer, 0);
        } else {
            assert_int_equal(r->answer, -1);
            assert_string_equal(r->error.text, text);
        }
        free(r);
    }
    free(w.bytes);
}

static void a_record_that_claims_more_than_a_frame_can_be_is_told_with_its_offset(void **state)
{
    struct writer w = {0};
    classic_head(&w, 0xa1b2c3d4, 1);
    classic_record(&w, 1, 0, 100);
    classic_record_head(&w, 1, 0, PACKET_CAPLEN_MAX + 1, 100);
    put(&w, NULL, 400000);
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, -1);
    assert_int_equal(r->count, 1);
    assert_string_equal(r->error.text, "packet record at byte 140 claims 262145 bytes");
    free(r);
}

static void the_largest_frames_go_through(void **state)
{
    struct writer w = {0};
    classic_head(&w, 0xa1b2c3d4, 1);
    for (uint32_t n = 0; n < 6; n++)
        classic_record(&w, n, n, n % 3 == 2 ? 50 : PACKET_CAPLEN_MAX);
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->count, 6);
    assert_true(frames_are_right(r));
    free(r);
}

static void more_packets_than_a_block_holds_come_in_several(void **state)
{
    struct writer w = {0};
    classic_head(&w, 0xa1b2c3d4, 1);
    for (uint32_t n = 0; n < 20000; n++)
        classic_record(&w, n, n, 0);
    struct reading *r = read_written(&w);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->count, 20000);
    assert_int_equal(r->most, PACKET_BLOCK_PACKETS);
    assert_true(r->fills < 16);
    for (uint32_t n = 0; n < 20000; n++)
        assert_int_equal(r->packets[n].ts_ns, n * 1000000000ull);
    free(r);
}

/* Runs of tiny frames, runs of large ones, and both in turn: every way to leave bytes over. */
static void write_mixture(struct writer *w, uint32_t count, uint32_t run)
{
    uint32_t random = run;
    classic_head(w, 0xa1b2c3d4, 1);
    for (uint32_t n = 0; n < count; n++) {
        random = random * 1664525u + 1013904223u;
        bool large = n / run % 2 && random >> 28 == 0;
        classic_record(w, n, n, large ? (random >> 8) % 200000 : (random >> 8) % 40);
    }
}

static void frames_of_mixed_sizes_come_whole_and_in_order(void **state)
{
    for (uint32_t run = 1; run < 9000; run = run * 5 + 700) {
        struct writer w = {0}, gzip = {0}, zstd = {0};
        write_mixture(&w, 10000, run);
        size_t half = w.used / 2;
        gzip_member(&gzip, w.bytes, half);
        gzip_member(&gzip, w.bytes + half, w.used - half);
        zstd_frame(&zstd, w.bytes, half);
        zstd_frame(&zstd, w.bytes + half, w.used - half);
        struct writer *forms[] = {&w, &gzip, &zstd};
        for (unsigned i = 0; i < 3; i++) {
            struct reading *r = read_written(forms[i]);
            assert_int_equal(r->answer, 0);
            assert_int_equal(r->count, 10000);
            assert_true(frames_are_right(r));
            free(r);
        }
    }
}

static void a_cut_gzip_file_gives_what_could_be_inflated(void **state)
{
    struct writer w = {0}, gzip = {0}, zstd = {0};
    classic_head(&w, 0xa1b2c3d4, 1);
    for (uint32_t n = 0; n < 500; n++)
        classic_record(&w, n * 7919, n, 100 + n % 50);
    gzip_member(&gzip, w.bytes, w.used);
    zstd_frame(&zstd, w.bytes, w.used / 2);
    zstd_frame(&zstd, w.bytes + w.used / 2, w.used - w.used / 2);
    struct reading *r = read_bytes(gzip.bytes, gzip.used - 200);
    assert_int_equal(r->answer, -1);
    assert_in_range(r->count, 100, 499);
    assert_true(frames_are_right(r));
    assert_non_null(strstr(r->error.text, "gzip: stream cut short at byte "));
    free(r);
    r = read_bytes(zstd.bytes, zstd.used - 10);
    assert_int_equal(r->answer, -1);
    assert_in_range(r->count, 200, 499);
    assert_true(frames_are_right(r));
    assert_non_null(strstr(r->error.text, "zstd: stream cut short at byte "));
    free(r);
    free(w.bytes);
    free(gzip.bytes);
    free(zstd.bytes);
}

static void what_follows_a_gzip_member_is_zeros_or_another(void **state)
{
    struct writer w = {0}, gzip = {0};
    classic_head(&w, 0xa1b2c3d4, 1);
    classic_record(&w, 1, 0, 100);
    gzip_member(&gzip, w.bytes, w.used);
    put(&gzip, NULL, 300);
    struct reading *r = read_bytes(gzip.bytes, gzip.used);
    assert_int_equal(r->answer, 0);
    assert_int_equal(r->count, 1);
    free(r);
    put(&gzip, "rubbish", 7);
    r = read_written(&gzip);
    assert_int_equal(r->answer, -1);
    assert_int_equal(r->count, 1);
    assert_string_equal(r->error.text, "gzip: what follows the last member is not gzip at byte 140");
    free(r);
    gzip_member(&gzip, w.bytes, w.used);
    gzip.bytes[gzip.used - 8] ^= 1; /* the checksum */
    r = read_written(&gzip);
    assert_int_equal(r->answer, -1);
    assert_int_equal(r->count, 1);
    assert_string_equal(r->error.text, "gzip: incorrect data check at byte 140");
    free(r);
    free(w.bytes);
}

static void what_is_not_a_capture_is_refused_by_name(void **state)
{
    struct error error;
    assert_null(pcapfile_open("/nonexistent/a.pcap", &error));
    assert_string_equal(error.text, "/nonexistent/a.pcap: No such file or directory");
    assert_null(pcapfile_open("/tmp", &error));
    assert_string_equal(error.text, "/tmp: a directory, not a capture");
    static const struct {
        const char *bytes;
        size_t size;
        const char *reason;
    } files[] = {
        {"", 0, ": empty"},
        {"x", 1, ": neither pcap nor pcapng"},
        {"hello, world, this is no capture at all", 39, ": neither pcap nor pcapng"},
        {"\xd4\xc3\xb2\xa1\2\0\4\0", 8, ": ends inside its header, at byte 8"},
        {"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a", 12, ": ends inside its header, at byte 12"},
        {"\x0a\x0d\x0d\x0a\x1c\0\0\0abcdefghijklmnopqrst", 28, ": neither pcap nor pcapng"},
        {"\x1f\x8b\x08\x00", 4, ": gzip: stream cut short at byte 0"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = write_file(files[i].bytes, files[i].size);
        assert_null(pcapfile_open(path, &error));
        assert_memory_equal(error.text, path, strlen(path));
        assert_string_equal(error.text + strlen(path), files[i].reason);
        drop_file(path);
    }
}

static void standard_input_gives_what_is_there_without_waiting_for_more(void **state)
{
    int ends[2], kept = dup(STDIN_FILENO);
    struct writer w = {0};
    struct error error;
    struct block *block = block_new();
    classic_head(&w, 0xa1b2c3d4, 1);
    classic_record(&w, 1, 0, 64);
    size_t first = w.used;
    classic_record(&w, 2, 1, 64);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[0], STDIN_FILENO);
    assert_int_equal(write(ends[1], w.bytes, first), first);
    struct pcapfile *file = pcapfile_open("-", &error);
    assert_non_null(file);
    assert_int_equal(pcapfile_size(file), 0);
    assert_int_equal(pcapfile_fill(file, block, &error), 1); /* would hang here if it waited */
    assert_int_equal(block->count, 1);
    block->count = block->used = 0;
    assert_int_equal(write(ends[1], w.bytes + first, 30), 30);
    assert_int_equal(pcapfile_fill(file, block, &error), 1);
    assert_int_equal(block->count, 0);
    assert_int_equal(write(ends[1], w.bytes + first + 30, w.used - first - 30), w.used - first - 30);
    close(ends[1]);
    assert_int_equal(pcapfile_fill(file, block, &error), 1);
    assert_int_equal(block->count, 1);
    assert_true(frame_is(block->packets, 1));
    assert_int_equal(pcapfile_fill(file, block, &error), 0);
    assert_int_equal(pcapfile_position(file), w.used);
    pcapfile_close(file);
    dup2(kept, STDIN_FILENO); /* also shows that descriptor 0 was left open: it is replaced, not created */
    close(kept);
    close(ends[0]);
    block_free(block);
    free(w.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_record_is_read_in_both_byte_orders),
        cmocka_unit_test(the_fcs_bits_are_taken_off_the_link_type),
        cmocka_unit_test(a_frame_that_is_longer_on_the_wire_is_marked_as_cut),
        cmocka_unit_test(the_two_lengths_of_a_record_are_told_by_the_version),
        cmocka_unit_test(a_file_cut_at_any_byte_gives_what_was_whole_and_the_offset),
        cmocka_unit_test(a_record_that_claims_more_than_a_frame_can_be_is_told_with_its_offset),
        cmocka_unit_test(the_largest_frames_go_through),
        cmocka_unit_test(more_packets_than_a_block_holds_come_in_several),
        cmocka_unit_test(frames_of_mixed_sizes_come_whole_and_in_order),
        cmocka_unit_test(a_cut_gzip_file_gives_what_could_be_inflated),
        cmocka_unit_test(what_follows_a_gzip_member_is_zeros_or_another),
        cmocka_unit_test(what_is_not_a_capture_is_refused_by_name),
        cmocka_unit_test(standard_input_gives_what_is_there_without_waiting_for_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
