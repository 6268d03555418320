/* SPDX-License-Identifier: Apache-2.0 */
/* One file and many: numbers, counts, merging by time, filters with and without VLAN tags, complaints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/capture.h"
#include "capture_writer.h"

#define FILES_MAX 400
#define SEEN_MAX 30000

struct run {
    char *paths[FILES_MAX];
    int path_count;
    const char *filter;
    struct error error;
    struct ledger ledger;
    struct packet seen[SEEN_MAX]; /* `hash` holds the first byte of the frame */
    uint32_t count;
    int complaints;
    char complaint[256]; /* the last */
    char names[4][64];
    uint64_t drops, done, total;
};

static void on_complaint(void *context, const char *text)
{
    struct run *run = context;
    run->complaints++;
    snprintf(run->complaint, sizeof run->complaint, "%s", text);
}

static struct run *run_new(void)
{
    return calloc(1, sizeof(struct run));
}

static void add(struct run *run, struct writer *w)
{
    run->paths[run->path_count++] = write_file(w->bytes, w->used);
    free(w->bytes);
    *w = (struct writer){0};
}

static void look_at(struct run *run, struct capture *capture, struct block *block)
{
    for (uint32_t i = 0; i < block->count && run->count < SEEN_MAX; i++) {
        struct packet *packet = &run->seen[run->count++];
        *packet = block->packets[i];
        packet->hash = packet->caplen ? packet->data[0] : 0;
        assert_true(packet->data >= block->bytes && packet->data + packet->caplen <= block->bytes + block->used);
    }
    assert_true(capture_complaints(capture) == run->complaints);
}

/* False when it does not open. */
static bool go(struct run *run)
{
    struct capture_options options = {.paths = (const char *const *)run->paths,
                                      .path_count = run->path_count,
                                      .filter = run->filter,
                                      .complain = on_complaint,
                                      .context = run};
    struct block *blocks[3] = {block_new(), block_new(), block_new()};
    struct capture *capture = capture_open(&options, &run->error);
    bool more = capture != NULL;
    for (unsigned turn = 0; more; turn++) {
        struct block *block = blocks[turn % 3];
        block->count = block->used = 0;
        more = capture_fill(capture, block, &run->ledger);
        look_at(run, capture, block);
    }
    for (uint16_t i = 0; capture && i < 4; i++)
        snprintf(run->names[i], sizeof run->names[i], "%s", capture_iface_name(capture, i));
    if (capture) {
        run->drops = capture_reported_drops(capture);
        capture_progress(capture, &run->done, &run->total);
        assert_false(capture_fill(capture, blocks[0], &run->ledger));
        assert_int_equal(blocks[0]->count, 0);
    }
    capture_close(capture);
    for (int i = 0; i < 3; i++)
        block_free(blocks[i]);
    return capture != NULL;
}

static void run_free(struct run *run)
{
    for (int i = 0; i < run->path_count; i++)
        drop_file(run->paths[i]);
    free(run);
}

static void one_byte_record(struct writer *w, uint32_t seconds, uint8_t byte)
{
    classic_record_head(w, seconds, 0, 1, 1);
    put(w, &byte, 1);
}

static void frames_of_one_file_are_numbered_and_counted(void **state)
{
    struct run *run = run_new();
    struct writer w = {0};
    classic_head(&w, 0xa1b2c3d4, 1);
    for (uint32_t n = 0; n < 5000; n++) {
        classic_record_head(&w, n % 100 == 99 ? 0 : n, 0, 8, n % 10 ? 8 : 60);
        put_frame(&w, n, 8);
    }
    size_t size = w.used;
    add(run, &w);
    assert_true(go(run));
    assert_int_equal(run->count, 5000);
    for (uint32_t n = 0; n < 5000; n++)
        assert_int_equal(run->seen[n].frame, n + 1);
    assert_int_equal(run->ledger.count[LEDGER_received], 5000);
    assert_int_equal(run->ledger.count[LEDGER_filtered], 0);
    assert_int_equal(run->ledger.count[LEDGER_cut_by_snaplen], 500);
    assert_int_equal(run->ledger.count[LEDGER_time_backwards], 50);
    assert_int_equal(run->done, size);
    assert_int_equal(run->total, size);
    run_free(run);
}

static void files_are_merged_by_stamp_then_place(void **state)
{
    struct run *run = run_new();
    static const uint32_t stamps[3][5] = {{1, 4, 4, 9, 9}, {2, 4, 3, 9, 20}, {0, 4, 4, 5, 9}};
    for (uint8_t f = 0; f < 3; f++) {
        struct writer w = {0};
        classic_head(&w, 0xa1b2c3d4, 1);
        for (uint8_t n = 0; n < 5; n++)
            one_byte_record(&w, stamps[f][n], (uint8_t)(f * 16 + n));
        add(run, &w);
    }
    /* within a file the order stays, so 0x12 (3 s) waits behind 0x11 (4 s), and comes before what else has 4 s */
    static const uint8_t order[] = {0x20, 0x00, 0x10, 0x01, 0x02, 0x11, 0x12, 0x21,
                                    0x22, 0x23, 0x03, 0x04, 0x13, 0x24, 0x14};
    assert_true(go(run));
    assert_int_equal(run->count, 15);
    for (uint32_t i = 0; i < 15; i++) {
        assert_int_equal(run->seen[i].hash, order[i]);
        assert_int_equal(run->seen[i].frame, i + 1);
        assert_int_equal(run->seen[i].iface, order[i] / 16);
    }
    assert_int_equal(run->ledger.count[LEDGER_received], 15);
    assert_int_equal(run->ledger.count[LEDGER_time_backwards], 1);
    run_free(run);
}

/* Files of `each` packets whose times overlap or follow each other; the merge must be in order and lose nothing. */
static void merge_many(int files, uint32_t each, uint32_t apart, const char *filter)
{
    struct run *run = run_new();
    for (int f = 0; f < files; f++) {
        struct writer w = {0};
        classic_head(&w, 0xa1b2c3d4, 1);
        for (uint32_t n = 0; n < each; n++)
            classic_record(&w, (uint32_t)f * apart + n * 3 + (uint32_t)f % 3, n, n % 90);
        add(run, &w);
    }
    run->filter = filter;
    assert_true(go(run));
    uint32_t next[FILES_MAX] = {0};
    for (uint32_t i = 0; i < run->count; i++) {
        const struct packet *packet = &run->seen[i];
        assert_true(i == 0 || packet->ts_ns >= run->seen[i - 1].ts_ns);
        assert_true(i == 0 || packet->frame > run->seen[i - 1].frame);
        while (filter && next[packet->iface] % 90 < 30)
            next[packet->iface]++;
        uint32_t n = next[packet->iface]++;
        assert_int_equal(packet->caplen, n % 90);
        assert_int_equal(packet->hash, n % 90 ? frame_byte(n, 0) : 0);
    }
    assert_int_equal(run->ledger.count[LEDGER_received], (uint64_t)files * each);
    assert_int_equal(run->count + run->ledger.count[LEDGER_filtered], (uint64_t)files * each);
    assert_true(filter ? run->count < (uint64_t)files * each * 2 / 3 + 90 : run->count == (uint64_t)files * each);
    assert_int_equal(run->complaints, 0);
    assert_int_equal(run->done, run->total);
    run_free(run);
}

static void many_files_lose_nothing_whether_they_overlap_or_not(void **state)
{
    merge_many(2, 9000, 0, NULL);
    merge_many(7, 3000, 500, NULL);
    merge_many(5, 5000, 15003, NULL);
    merge_many(300, 20, 60, NULL);
    merge_many(4, 4000, 6000, "greater 30");
    merge_many(3, 4000, 12003, "greater 30");
}

static void interfaces_are_numbered_over_all_files(void **state)
{
    struct run *run = run_new();
    static const char names[3][8] = {"eth0", "wlan0", "lo"};
    for (int f = 0; f < 2; f++) {
        struct writer w = {0};
        section(&w, f);
        for (int i = 0; i < 2 - f; i++) {
            interface_begin(&w, 1, 0);
            option_put(&w, 2, names[2 * f + i], (uint16_t)strlen(names[2 * f + i]));
            block_end(&w);
        }
        enhanced(&w, (uint32_t)(1 - f), 10 - (unsigned)f, (uint32_t)f, 20);
        block_begin(&w, 5);
        put32(&w, 0);
        put64(&w, 0);
        option64(&w, 5, 11);
        block_end(&w);
        add(run, &w);
    }
    assert_true(go(run));
    assert_int_equal(run->count, 2);
    assert_int_equal(run->seen[0].iface, 2);
    assert_int_equal(run->seen[1].iface, 1);
    for (int i = 0; i < 3; i++)
        assert_string_equal(run->names[i], names[i]);
    assert_string_equal(run->names[3], "");
    assert_int_equal(run->drops, 22);
    run_free(run);
}

static void a_file_that_breaks_off_is_told_and_the_others_go_on(void **state)
{
    for (int files = 1; files < 4; files += 2) {
        struct run *run = run_new();
        for (int f = 0; f < files; f++) {
            struct writer w = {0};
            classic_head(&w, 0xa1b2c3d4, 1);
            for (uint8_t n = 0; n < 5; n++)
                one_byte_record(&w, n, (uint8_t)(16 * f + n));
            if (f == 0)
                put(&w, "cut", 3);
            add(run, &w);
        }
        char expected[200];
        snprintf(expected, sizeof expected, "%s: truncated packet record at byte 109; 5 packets read", run->paths[0]);
        assert_true(go(run));
        assert_int_equal(run->count, 5 * files);
        assert_int_equal(run->complaints, 1);
        assert_string_equal(run->complaint, expected);
        run_free(run);
    }
}

static void a_file_that_does_not_open_is_left_out_unless_it_is_the_only_one(void **state)
{
    struct run *run = run_new();
    struct writer w = {0};
    put(&w, "this is no capture", 18);
    add(run, &w);
    assert_false(go(run));
    assert_non_null(strstr(run->error.text, ": neither pcap nor pcapng"));
    assert_int_equal(run->complaints, 0);
    classic_head(&w, 0xa1b2c3d4, 1);
    one_byte_record(&w, 1, 1);
    add(run, &w);
    assert_true(go(run));
    assert_int_equal(run->count, 1);
    assert_int_equal(run->complaints, 1);
    assert_non_null(strstr(run->complaint, ": neither pcap nor pcapng"));
    run_free(run);
}

/* A UDP datagram to port 53 behind `tags` VLAN tags. */
static void put_datagram(struct writer *w, unsigned tags, const uint16_t *kinds, uint32_t caplen)
{
    uint8_t frame[100] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const uint8_t ip[] = {0x08, 0x00, 0x45, 0,  0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10,
                                 0,    0,    1,    10, 0, 0,  2, 4, 0, 0, 53, 0,  8, 0, 0};
    uint32_t size = 12;
    for (unsigned i = 0; i < tags; i++) {
        frame[size] = (uint8_t)(kinds[i] >> 8);
        frame[size + 1] = (uint8_t)kinds[i];
        frame[size + 3] = (uint8_t)(100 + i);
        size += 4;
    }
    memcpy(frame + size, ip, sizeof ip);
    size += sizeof ip;
    if (caplen > size)
        caplen = size;
    classic_record_head(w, 1, 0, caplen, size);
    put(w, frame, caplen);
}

static uint32_t matches(const char *filter, unsigned tags, const uint16_t *kinds, uint32_t caplen)
{
    struct run *run = run_new();
    struct writer w = {0}, frame = {0};
    classic_head(&w, 0xa1b2c3d4, 1);
    put_datagram(&w, tags, kinds, caplen);
    put(&frame, w.bytes + 40, w.used - 40);
    add(run, &w);
    run->filter = filter;
    assert_true(go(run));
    uint32_t count = run->count;
    assert_int_equal(run->ledger.count[LEDGER_received], 1);
    assert_int_equal(run->ledger.count[LEDGER_filtered], 1 - count);
    if (count)
        assert_int_equal(run->seen[0].hash, frame.bytes[0]);
    free(frame.bytes);
    run_free(run);
    return count;
}

static void a_filter_without_vlan_sees_through_tags(void **state)
{
    static const uint16_t kinds[][2] = {{0x8100, 0x8100}, {0x88a8, 0x8100}, {0x9100, 0x8100}};
    for (unsigned tags = 0; tags <= 2; tags++)
        for (unsigned kind = 0; kind < 3; kind++) {
            assert_int_equal(matches("udp port 53", tags, kinds[kind], 99), 1);
            assert_int_equal(matches("udp port 54", tags, kinds[kind], 99), 0);
            assert_int_equal(matches("ether src 07:08:09:0a:0b:0c and len = 42", tags, kinds[kind], 99), 1);
        }
    assert_int_equal(matches("udp port 53", 1, kinds[0], 20), 0);          /* the capture holds no port */
    assert_int_equal(matches("ether[12:2] = 0x8100", 1, kinds[0], 17), 1); /* nor a whole tag with what follows */
}

static void a_filter_with_vlan_sees_the_frame_itself(void **state)
{
    static const uint16_t kinds[] = {0x8100};
    assert_int_equal(matches("vlan 100", 1, kinds, 99), 1);
    assert_int_equal(matches("vlan 101", 1, kinds, 99), 0);
    assert_int_equal(matches("vlan", 0, kinds, 99), 0);
    assert_int_equal(matches("vlan and udp port 53", 1, kinds, 99), 1);
    assert_int_equal(matches("udp port 53 or vlan 7", 1, kinds, 99), 0);
}

static void the_frame_is_unchanged_after_a_look_without_its_tags(void **state)
{
    static const uint16_t kinds[] = {0x88a8, 0x8100};
    struct writer w = {0};
    struct error error;
    struct ledger ledger = {0};
    struct block *block = block_new();
    classic_head(&w, 0xa1b2c3d4, 1);
    put_datagram(&w, 2, kinds, 99);
    char *path = write_file(w.bytes, w.used);
    struct capture_options options = {.paths = (const char *const *)&path, .path_count = 1, .filter = "udp"};
    struct capture *capture = capture_open(&options, &error);
    assert_non_null(capture);
    capture_fill(capture, block, &ledger);
    assert_int_equal(block->count, 1);
    assert_int_equal(block->packets[0].caplen, 50);
    assert_memory_equal(block->packets[0].data, w.bytes + 40, 50);
    capture_close(capture);
    block_free(block);
    drop_file(path);
    free(w.bytes);
}

static void a_wrong_filter_is_one_line_with_the_place(void **state)
{
    static const struct {
        const char *filter, *end;
    } wrong[] = {
        {"tcp port 80 adn udp", ", at 'adn' in column 13"},
        {"udp and (tcp or", ", at its end"},
        {"tcp and udp", "rejects all packets"}, /* right, but matches nothing: no place */
        {"port 80 and port nosuchport", ", at 'nosuchport' in column 18"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct run *run = run_new();
        struct writer w = {0};
        classic_head(&w, 0xa1b2c3d4, 1);
        add(run, &w);
        run->filter = wrong[i].filter;
        assert_false(go(run));
        const char *text = run->error.text;
        char start[80];
        snprintf(start, sizeof start, "filter '%s': ", wrong[i].filter);
        assert_memory_equal(text, start, strlen(start));
        assert_null(strchr(text, '\n'));
        assert_true(strlen(text) > strlen(wrong[i].end));
        assert_string_equal(text + strlen(text) - strlen(wrong[i].end), wrong[i].end);
        run_free(run);
    }
}

static void filters_are_compiled_for_each_link_type(void **state)
{
    struct run *run = run_new();
    struct writer w = {0};
    static const uint16_t links[] = {1, 101, 113, 147, 148};
    static const uint32_t heads[] = {14, 0, 16, 0, 0};
    static const uint8_t ip[] = {0x45, 0, 0, 20, 0, 0, 0, 0, 64, 47, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
    section(&w, false);
    for (uint32_t i = 0; i < 5; i++) {
        interface_plain(&w, links[i]);
        enhanced_begin(&w, i, 1, heads[i] + 20, heads[i] + 20);
        if (heads[i])
            put(&w, NULL, heads[i] - 2);
        if (heads[i])
            put(&w, "\x08\x00", 2);
        put(&w, ip, 20);
        block_end(&w);
    }
    add(run, &w);
    run->filter = "proto 47";
    assert_true(go(run));
    assert_int_equal(run->count, 3); /* the others have link types that libpcap cannot filter */
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(run->seen[i].iface, i);
    assert_int_equal(run->complaints, 1); /* one line a file, however many interfaces it claims */
    assert_non_null(strstr(run->complaint, ": the filter does not go with its link type: "));
    run_free(run);
}

static void packets_of_an_unknown_link_type_are_given_and_told_once(void **state)
{
    struct run *run = run_new();
    struct writer w = {0};
    classic_head(&w, 0xa1b2c3d4, 147);
    classic_record(&w, 1, 0, 20);
    classic_record(&w, 2, 0, 20);
    add(run, &w);
    assert_true(go(run));
    assert_int_equal(run->count, 2);
    assert_int_equal(run->seen[0].link, PACKET_LINK_UNKNOWN);
    assert_int_equal(run->complaints, 1);
    assert_non_null(strstr(run->complaint, ": unknown link type 147 at byte 20;"));
    run_free(run);
}

static void an_interface_of_an_unknown_link_type_without_packets_is_no_complaint(void **state)
{
    struct run *run = run_new();
    struct writer w = {0};
    section(&w, false);
    interface_plain(&w, 147);
    interface_plain(&w, 1);
    enhanced(&w, 1, 1, 7, 60);
    add(run, &w);
    assert_true(go(run));
    assert_int_equal(run->count, 1);
    assert_int_equal(run->complaints, 0);
    run_free(run);
}

/* One frame: where, when (in microseconds) and from which seed. */
struct sight {
    uint32_t iface, us, seed;
    bool given;
};

static void see(const struct sight *sights, uint32_t count)
{
    struct run *run = run_new();
    struct writer w = {0};
    uint32_t given = 0;
    section(&w, false);
    for (int i = 0; i < 70; i++)
        interface_plain(&w, 1);
    for (uint32_t i = 0; i < count; i++)
        enhanced(&w, sights[i].iface, sights[i].us, sights[i].seed, 100);
    add(run, &w);
    assert_true(go(run));
    for (uint32_t i = 0; i < count; i++)
        if (sights[i].given)
            assert_int_equal(run->seen[given++].frame, i + 1);
    assert_int_equal(run->count, given);
    assert_int_equal(run->ledger.count[LEDGER_received], count);
    assert_int_equal(run->ledger.count[LEDGER_duplicate_frame], count - given);
    run_free(run);
}

static void a_frame_seen_on_another_interface_within_5_ms_is_a_duplicate(void **state)
{
    static const struct sight sights[] = {
        {0, 1000000, 1, true},  {1, 1000001, 1, false}, /* a copy */
        {1, 1000002, 2, true},  {2, 1004999, 1, false}, /* a third one */
        {0, 1005002, 2, false}, {3, 1005001, 1, true},  /* too late by a microsecond */
        {0, 2000000, 9, true},  {1, 1996000, 9, false}, /* a little back in time */
        {0, 3000000, 8, true},  {64, 3000001, 8, true}, /* these two numbers are taken for one interface */
    };
    see(sights, sizeof sights / sizeof sights[0]);
}

static void every_interface_has_its_own_first_sight_of_a_frame_sent_twice(void **state)
{
    static const struct sight sights[] = {
        {0, 1000, 1, true},  {1, 1001, 1, false}, {1, 2000, 1, true}, /* sent again, seen on the other one first */
        {0, 2001, 1, false}, {0, 3000, 1, true},  {1, 3001, 1, false},
    };
    see(sights, sizeof sights / sizeof sights[0]);
}

static void frames_that_come_again_on_one_interface_are_no_duplicates(void **state)
{
    static const struct sight sights[] = {
        {0, 1000, 1, true}, {0, 1001, 1, true}, {0, 1002, 1, true}, {1, 1003, 2, true}, {1, 1003, 2, true}};
    see(sights, sizeof sights / sizeof sights[0]);
}

static void frames_that_differ_in_a_byte_a_length_or_their_link_type_are_no_duplicates(void **state)
{
    for (uint32_t caplen = 1; caplen < 200; caplen += caplen < 80 ? 1 : 9) {
        struct run *run = run_new();
        struct writer w = {0};
        section(&w, false);
        for (int i = 0; i < 6; i++)
            interface_plain(&w, i == 5 ? 101 : 1);
        for (uint32_t i = 0; i < 6; i++) {
            enhanced_begin(&w, i, 1, caplen - (i == 3), caplen + (i == 4));
            size_t frame = w.used;
            put_frame(&w, 1, caplen - (i == 3));
            if (i == 1)
                w.bytes[frame] ^= 1;
            if (i == 2)
                w.bytes[frame + caplen - 1] ^= 0x80;
            block_end(&w);
        }
        add(run, &w);
        assert_true(go(run));
        assert_int_equal(run->count, 6);
        run_free(run);
    }
}

static void the_same_file_twice_is_once_the_frames_and_once_duplicates(void **state)
{
    struct run *run = run_new();
    for (int file = 0; file < 2; file++) {
        struct writer w = {0};
        classic_head(&w, 0xa1b2c3d4, 1);
        for (uint32_t i = 0; i < 9000; i++) {
            classic_record_head(&w, 1 + i / 1000, i % 1000 * 1000, 80, 80);
            put_frame(&w, i, 76);
            put32(&w, i);
        }
        add(run, &w);
    }
    assert_true(go(run));
    assert_int_equal(run->count, 9000);
    for (uint32_t i = 0; i < run->count; i++)
        assert_int_equal(run->seen[i].iface, 0);
    assert_int_equal(run->ledger.count[LEDGER_received], 18000);
    assert_int_equal(run->ledger.count[LEDGER_duplicate_frame], 9000);
    run_free(run);
}

static void files_that_follow_one_another_are_compared_where_they_meet(void **state)
{
    struct run *run = run_new();
    for (uint32_t file = 0; file < 3; file++) {
        struct writer w = {0};
        classic_head(&w, 0xa1b23c4d, 1);
        for (uint32_t i = 0; i < 5000; i++) { /* a microsecond apart, the last 100 again as the next file's first */
            uint32_t number = file * 4900 + i;
            classic_record_head(&w, 1, number * 1000, 80, 80);
            put_frame(&w, number, 76);
            put32(&w, number);
        }
        add(run, &w);
    }
    assert_true(go(run));
    assert_int_equal(run->count, 14800);
    assert_int_equal(run->ledger.count[LEDGER_duplicate_frame], 200);
    run_free(run);
}

static void every_copy_is_found_among_the_last_16384_frames_and_none_beyond(void **state)
{
    for (uint32_t between = 16383; between < 16385; between++) {
        struct run *run = run_new();
        struct writer w = {0};
        uint32_t count = 2 * between + 2;
        section(&w, false);
        interface_plain(&w, 1);
        interface_plain(&w, 1);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t number = i % (between + 1); /* each frame comes again when `between` others have come */
            enhanced_begin(&w, i > between, 1, 80, 80);
            put_frame(&w, number, 76);
            put32(&w, number);
            block_end(&w);
        }
        add(run, &w);
        assert_true(go(run));
        assert_int_equal(run->ledger.count[LEDGER_received], count);
        assert_int_equal(run->ledger.count[LEDGER_duplicate_frame], between < 16384 ? between + 1 : 0);
        run_free(run);
    }
}

static void a_filtered_frame_is_not_also_a_duplicate(void **state)
{
    struct run *run = run_new();
    struct writer w = {0};
    section(&w, false);
    interface_plain(&w, 1);
    interface_plain(&w, 1);
    for (uint32_t i = 0; i < 8; i++)
        enhanced(&w, i % 2, 1, i / 2, i / 2 % 2 ? 60 : 90);
    add(run, &w);
    run->filter = "less 70";
    assert_true(go(run));
    assert_int_equal(run->count, 2);
    assert_int_equal(run->ledger.count[LEDGER_received], 8);
    assert_int_equal(run->ledger.count[LEDGER_filtered], 4);
    assert_int_equal(run->ledger.count[LEDGER_duplicate_frame], 2);
    run_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_one_file_are_numbered_and_counted),
        cmocka_unit_test(files_are_merged_by_stamp_then_place),
        cmocka_unit_test(many_files_lose_nothing_whether_they_overlap_or_not),
        cmocka_unit_test(interfaces_are_numbered_over_all_files),
        cmocka_unit_test(a_file_that_breaks_off_is_told_and_the_others_go_on),
        cmocka_unit_test(a_file_that_does_not_open_is_left_out_unless_it_is_the_only_one),
        cmocka_unit_test(a_filter_without_vlan_sees_through_tags),
        cmocka_unit_test(a_filter_with_vlan_sees_the_frame_itself),
        cmocka_unit_test(the_frame_is_unchanged_after_a_look_without_its_tags),
        cmocka_unit_test(a_wrong_filter_is_one_line_with_the_place),
        cmocka_unit_test(filters_are_compiled_for_each_link_type),
        cmocka_unit_test(packets_of_an_unknown_link_type_are_given_and_told_once),
        cmocka_unit_test(an_interface_of_an_unknown_link_type_without_packets_is_no_complaint),
        cmocka_unit_test(a_frame_seen_on_another_interface_within_5_ms_is_a_duplicate),
        cmocka_unit_test(every_interface_has_its_own_first_sight_of_a_frame_sent_twice),
        cmocka_unit_test(frames_that_differ_in_a_byte_a_length_or_their_link_type_are_no_duplicates),
        cmocka_unit_test(the_same_file_twice_is_once_the_frames_and_once_duplicates),
        cmocka_unit_test(files_that_follow_one_another_are_compared_where_they_meet),
        cmocka_unit_test(frames_that_come_again_on_one_interface_are_no_duplicates),
        cmocka_unit_test(every_copy_is_found_among_the_last_16384_frames_and_none_beyond),
        cmocka_unit_test(a_filtered_frame_is_not_also_a_duplicate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
