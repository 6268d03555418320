/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows and TCP reassembly, fed with packets as decode would describe them.
 */
#include "flow_scene.h"

static void segments_in_order_are_handed_on_as_they_come(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    text(scene, 0, 101, 501, "hello ");
    text(scene, 0, 107, 501, "world");
    text(scene, 1, 501, 112, "yes");
    assert_string_equal(scene->told[0].text, "hello world");
    assert_string_equal(scene->told[1].text, "yes");
    scene_free(scene);
}

static void segments_in_reverse_are_put_in_order(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    for (int i = 999; i > 0; i--) {
        char letter[2] = {(char)('a' + i % 26), 0};
        text(scene, 0, 101 + (uint32_t)i, 501, letter);
    }
    assert_string_equal(scene->told[0].text, "");
    text(scene, 0, 101, 501, "a");
    assert_int_equal(scene->told[0].size, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(scene->told[0].text[i], 'a' + i % 26);
    scene_free(scene);
}

static void the_first_copy_of_a_byte_wins(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    text(scene, 0, 105, 501, "EF");
    text(scene, 0, 103, 501, "cdXXgh");
    text(scene, 0, 101, 501, "abYYZZZZij");
    assert_string_equal(scene->told[0].text, "abcdEFghij");
    text(scene, 0, 105, 501, "again");
    assert_string_equal(scene->told[0].text, "abcdEFghij");
    scene_free(scene);
}

static void sequence_numbers_wrap(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    tcp(scene, 0, TCP_SYN, 0xfffffffdu, 0, "", 0);
    text(scene, 0, 2, 501, "efgh");
    text(scene, 0, 0xfffffffeu, 501, "abcd");
    assert_string_equal(scene->told[0].text, "abcdefgh");
    scene_free(scene);
}

static void an_acknowledged_hole_is_given_up_after_a_moment(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    text(scene, 0, 104, 501, "def");
    tcp(scene, 1, TCP_ACK, 501, 107, "", 0);
    assert_string_equal(scene->told[0].text, "");
    scene->now += SECOND / 5;
    tcp(scene, 1, TCP_ACK, 501, 107, "", 0);
    assert_string_equal(scene->told[0].text, "???def");
    scene_free(scene);
}

static void a_hole_waits_for_its_retransmission(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    text(scene, 0, 104, 501, "def");
    scene->now += 3 * SECOND;
    flow_tick(scene->shard, scene->now, scene->frame + 1);
    text(scene, 0, 101, 501, "abc");
    assert_string_equal(scene->told[0].text, "abcdef");
    scene_free(scene);
}

static void a_hole_that_nobody_fills_is_given_up_by_the_timer(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    text(scene, 0, 104, 501, "def");
    for (int i = 0; i < 15; i++) {
        scene->now += SECOND;
        flow_tick(scene->shard, scene->now, scene->frame + 1);
    }
    assert_string_equal(scene->told[0].text, "???def");
    scene_free(scene);
}

static void a_budget_bounds_what_is_kept_and_costs_a_gap(void **state)
{
    struct flow_options options = flow_defaults();
    options.flows = 64;
    options.reorder_bytes = 10;
    struct scene *scene = scene_new(&options, 1 << 20);
    handshake(scene);
    text(scene, 0, 103, 501, "cdefgh");
    text(scene, 0, 111, 501, "klmnop");
    assert_string_equal(scene->told[0].text, "??cdefgh");
    text(scene, 0, 109, 501, "ij");
    assert_string_equal(scene->told[0].text, "??cdefghijklmnop");
    scene_free(scene);
}

static void a_shard_without_memory_loses_bytes_and_counts_them(void **state)
{
    struct scene *scene = scene_new(NULL, 0);
    handshake(scene);
    text(scene, 0, 103, 501, "cd");
    assert_string_equal(scene->told[0].text, "??cd");
    scene_free(scene);
}

static void a_flow_nobody_reads_is_counted_with_its_holes(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    scene->unwanted = true;
    handshake(scene);
    text(scene, 0, 104, 501, "def");
    text(scene, 0, 101, 501, "abc");
    text(scene, 0, 110, 501, "jkl");
    scene_end(scene);
    struct record_batch *batch = rows(scene, 0);
    assert_int_equal(number(batch, "missed_bytes", 0).value, 3);
    assert_int_equal(number(batch, "src_retransmits", 0).value, 0);
    record_out_recycle(scene->out, batch);
    scene_free(scene);
}

static void a_stream_met_in_the_middle_begins_with_its_first_byte(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    /* A keep-alive (RFC 9293, 3.8.4) is one below what comes next.  Who speaks first is taken for the originator. */
    tcp(scene, 1, TCP_ACK, 7000, 9000, "", 0);
    text(scene, 0, 9000, 7000, "abc");
    text(scene, 1, 7001, 9003, "xyz");
    assert_string_equal(scene->told[1].text, "abc");
    assert_string_equal(scene->told[0].text, "xyz");
    scene_end(scene);
    struct record_batch *batch = rows(scene, 0);
    assert_field(batch, "state", "OTH");
    assert_int_equal(number(batch, "missed_bytes", 0).value, 0);
    record_out_recycle(scene->out, batch);
    scene_free(scene);
}

static void data_before_its_syn_is_not_given_twice(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    tcp(scene, 0, TCP_SYN, 100, 0, "", 0);
    text(scene, 1, 501, 101, "early");
    tcp(scene, 1, TCP_SYN | TCP_ACK, 0x80000000u, 101, "", 0);
    text(scene, 1, 506, 101, " bird");
    assert_string_equal(scene->told[1].text, "early bird");
    scene_free(scene);
}

static void a_new_syn_on_the_same_ports_is_a_new_flow(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    text(scene, 0, 101, 501, "one");
    tcp(scene, 0, TCP_SYN, 9100, 0, "", 0);
    text(scene, 0, 9101, 0, "two");
    assert_string_equal(scene->told[0].text, "one$two");
    scene_end(scene);
    struct record_batch *batch = rows(scene, 0);
    assert_int_equal(record_batch_rows(batch), 2);
    assert_int_not_equal(number(batch, "uid", 0).value, number(batch, "uid", 1).value);
    record_out_recycle(scene->out, batch);
    scene_free(scene);
}

static void a_syn_sent_again_is_the_same_flow(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    tcp(scene, 0, TCP_SYN, 100, 0, "", 0);
    tcp(scene, 0, TCP_SYN, 100, 0, "", 0);
    assert_int_equal(flow_count(scene->shard), 1);
    scene_free(scene);
}

static void a_fin_is_told_after_the_last_byte(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    tcp(scene, 0, TCP_FIN | TCP_ACK, 104, 501, "def", 3);
    assert_string_equal(scene->told[0].text, "");
    text(scene, 0, 101, 501, "abc");
    assert_string_equal(scene->told[0].text, "abcdef.");
    scene_free(scene);
}

static void a_reset_from_nowhere_is_not_believed(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    tcp(scene, 1, TCP_RST, 0x70000000u, 0, "", 0);
    text(scene, 0, 101, 501, "on");
    assert_string_equal(scene->told[0].text, "on");
    scene_end(scene);
    struct record_batch *batch = rows(scene, 0);
    assert_field(batch, "state", "S1");
    record_out_recycle(scene->out, batch);
    scene_free(scene);
}

static void a_fin_before_the_answer_to_a_syn_is_not_believed(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    tcp(scene, 0, TCP_SYN, 100, 0, "", 0);
    tcp(scene, 1, TCP_FIN | TCP_ACK, 0, 101, "", 0);
    tcp(scene, 1, TCP_SYN | TCP_ACK, 500, 101, "", 0);
    tcp(scene, 0, TCP_ACK, 101, 501, "", 0);
    text(scene, 1, 501, 101, "still here");
    assert_string_equal(scene->told[1].text, "still here");
    tcp(scene, 1, TCP_FIN | TCP_ACK, 511, 101, "", 0);
    assert_string_equal(scene->told[1].text, "still here.");
    scene_free(scene);
}

static void a_reset_ends_the_flow_a_moment_later(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    tcp(scene, 1, TCP_RST, 501, 0, "", 0);
    text(scene, 0, 101, 501, "forged?");
    assert_string_equal(scene->told[0].text, "forged?");
    flow_tick(scene->shard, scene->now + 7 * SECOND, scene->frame + 1);
    assert_string_equal(scene->told[0].text, "forged?!");
    assert_int_equal(flow_count(scene->shard), 0);
    scene_free(scene);
}

struct step {
    int dir;
    uint8_t flags;
    uint32_t seq, ack;
};

static void a_close_is_over_when_both_fins_are_acknowledged(void **state)
{
    for (int acknowledged = 0; acknowledged < 2; acknowledged++) {
        struct scene *scene = scene_new(NULL, 1 << 20);
        handshake(scene);
        tcp(scene, 1, TCP_FIN | TCP_ACK, 501, 101, "", 0);
        tcp(scene, 0, TCP_FIN | TCP_ACK, 101, 502, "", 0);
        tcp(scene, 1, TCP_ACK, 502, acknowledged ? 102 : 101, "", 0);
        flow_tick(scene->shard, scene->now + 7 * SECOND, scene->frame + 1);
        assert_int_equal(flow_count(scene->shard), !acknowledged);
        flow_tick(scene->shard, scene->now + 62 * SECOND, scene->frame + 1);
        assert_int_equal(flow_count(scene->shard), 0);
        scene_free(scene);
    }
}

static void states_and_histories_are_those_of_zeek(void **state)
{
    const uint8_t S = TCP_SYN, SA = TCP_SYN | TCP_ACK, A = TCP_ACK, F = TCP_FIN | TCP_ACK, R = TCP_RST;
    static const struct {
        const char *state, *history;
    } expected[] = {{"S0", "S"},    {"S1", "ShA"},    {"SF", "ShAFaf"}, {"REJ", "Sr"},    {"S2", "ShAF"},
                    {"S3", "ShAf"}, {"RSTO", "ShAR"}, {"RSTR", "ShAr"}, {"RSTOS0", "SR"}, {"RSTRH", "^hr"},
                    {"SH", "SF"},   {"SHR", "^hf"},   {"OTH", "Aa"}};
    const struct step steps[][6] = {
        {{0, S, 100, 0}},
        {{0, S, 100, 0}, {1, SA, 500, 101}, {0, A, 101, 501}},
        {{0, S, 100, 0}, {1, SA, 500, 101}, {0, A, 101, 501}, {0, F, 101, 501}, {1, A, 501, 102}, {1, F, 501, 102}},
        {{0, S, 100, 0}, {1, R | A, 0, 101}},
        {{0, S, 100, 0}, {1, SA, 500, 101}, {0, A, 101, 501}, {0, F, 101, 501}},
        {{0, S, 100, 0}, {1, SA, 500, 101}, {0, A, 101, 501}, {1, F, 501, 101}},
        {{0, S, 100, 0}, {1, SA, 500, 101}, {0, A, 101, 501}, {0, R, 101, 0}},
        {{0, S, 100, 0}, {1, SA, 500, 101}, {0, A, 101, 501}, {1, R, 501, 0}},
        {{0, S, 100, 0}, {0, R, 101, 0}},
        {{1, SA, 500, 101}, {1, R, 501, 0}},
        {{0, S, 100, 0}, {0, F, 101, 0}},
        {{1, SA, 500, 101}, {1, F, 501, 101}},
        {{0, A, 101, 501}, {1, A, 501, 101}},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct scene *scene = scene_new(NULL, 1 << 20);
        for (const struct step *step = steps[i]; step < steps[i] + 6 && step->flags; step++)
            tcp(scene, step->dir, step->flags, step->seq, step->ack, "", 0);
        scene_end(scene);
        struct record_batch *batch = rows(scene, 0);
        assert_field(batch, "state", expected[i].state);
        assert_field(batch, "history", expected[i].history);
        struct weir_uint port = number(batch, "src_port", 0);
        assert_int_equal(port.value, 40000); /* the originator, whoever was seen first */
        record_out_recycle(scene->out, batch);
        scene_free(scene);
    }
}

static void flags_that_do_not_go_together_have_the_letters_of_zeek(void **state)
{
    static const struct {
        uint8_t flags;
        char letter, no_letter;
    } expected[] = {{TCP_FIN | TCP_RST, 'I', 'Q'}, {TCP_SYN | TCP_FIN, 'Q', 'I'}, {TCP_SYN | TCP_RST, 'Q', 'I'}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct scene *scene = scene_new(NULL, 1 << 20);
        tcp(scene, 0, expected[i].flags, 100, 0, "", 0);
        scene_end(scene);
        struct record_batch *batch = rows(scene, 0);
        struct weir_str history = field(batch, "history", 0);
        assert_non_null(memchr(history.data, expected[i].letter, history.size));
        assert_null(memchr(history.data, expected[i].no_letter, history.size));
        record_out_recycle(scene->out, batch);
        scene_free(scene);
    }
}

static void the_handshake_gives_the_round_trip(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    tcp(scene, 0, TCP_SYN, 100, 0, "", 0);
    scene->now += 3000000;
    tcp(scene, 1, TCP_SYN | TCP_ACK, 500, 101, "", 0);
    scene->now += 4000000;
    tcp(scene, 0, TCP_ACK, 101, 501, "", 0);
    scene_end(scene);
    struct record_batch *batch = rows(scene, 0);
    assert_int_equal(number(batch, "rtt_ns", 0).value, 7000000);
    assert_int_equal(number(batch, "duration_ns", 0).value, 7000000);
    assert_int_equal(number(batch, "first_frame", 0).value, 1);
    assert_int_equal(number(batch, "last_frame", 0).value, 3);
    record_out_recycle(scene->out, batch);
    scene_free(scene);
}

static void idle_flows_end_by_packet_time(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    udp(scene, 4000, 0, "q");
    handshake(scene);
    flow_tick(scene->shard, scene->now + 59 * SECOND, scene->frame + 1);
    assert_int_equal(flow_count(scene->shard), 2);
    flow_tick(scene->shard, scene->now + 62 * SECOND, scene->frame + 1);
    assert_int_equal(flow_count(scene->shard), 1);
    flow_tick(scene->shard, scene->now + 3700 * SECOND, scene->frame + 1);
    assert_int_equal(flow_count(scene->shard), 0);
    scene_free(scene);
}

static void a_long_flow_gives_interim_rows(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        udp(scene, 4000, i & 1, "tick");
        scene->now += SECOND;
        flow_tick(scene->shard, scene->now, scene->frame + 1);
    }
    struct record_batch *batch = rows(scene, 1);
    assert_int_equal(record_batch_rows(batch), 3);
    record_out_recycle(scene->out, batch);
    scene_free(scene);
}

static void a_flow_that_asks_for_ticks_gets_them(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    scene->ticking = true;
    udp(scene, 4000, 0, "q");
    for (int i = 0; i < 10; i++) {
        scene->now += SECOND;
        flow_tick(scene->shard, scene->now, scene->frame + 1);
    }
    assert_in_range(scene->ticks, 5, 11);
    scene_free(scene);
}

static void a_full_shard_gives_up_the_flow_nearest_its_end(void **state)
{
    struct flow_options options = flow_defaults();
    options.flows = 100;
    struct scene *scene = scene_new(&options, 1 << 20);
    for (uint16_t i = 0; i < 100; i++) {
        udp(scene, (uint16_t)(2000 + i), 0, "q");
        scene->now += SECOND / 2;
    }
    udp(scene, 2000, 0, "the first lives on");
    udp(scene, 3000, 0, "one too many");
    assert_int_equal(flow_count(scene->shard), 100);
    assert_int_equal(scene->ledger.count[LEDGER_flow_evicted], 1);
    struct record_batch *batch = rows(scene, 0);
    assert_int_equal(record_batch_rows(batch), 1);
    assert_int_equal(number(batch, "src_port", 0).value, 2001);
    record_out_recycle(scene->out, batch);
    scene_free(scene);
}

static void each_hole_is_waited_for_from_when_it_came(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    text(scene, 0, 104, 501, "def");
    scene->now += 6 * SECOND;
    text(scene, 0, 110, 501, "jkl");
    text(scene, 0, 101, 501, "abc");
    scene->now += 5 * SECOND;
    flow_tick(scene->shard, scene->now, scene->frame + 1);
    text(scene, 0, 107, 501, "ghi");
    assert_string_equal(scene->told[0].text, "abcdefghijkl");
    scene_free(scene);
}

static void bytes_in_front_of_what_is_kept_are_handed_on_when_the_budget_is_used_up(void **state)
{
    struct flow_options options = flow_defaults();
    options.flows = 64;
    options.reorder_bytes = 10;
    struct scene *scene = scene_new(&options, 1 << 20);
    handshake(scene);
    text(scene, 0, 111, 501, "klmnopqrst");
    text(scene, 0, 105, 501, "ef");
    assert_string_equal(scene->told[0].text, "????ef");
    text(scene, 0, 107, 501, "ghij");
    assert_string_equal(scene->told[0].text, "????efghijklmnopqrst");
    assert_int_equal(scene->ledger.count[LEDGER_duplicate], 0);
    scene_free(scene);
}

static void a_fin_from_before_the_next_byte_is_not_believed(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    tcp(scene, 0, TCP_FIN | TCP_ACK, 50, 501, "", 0);
    text(scene, 0, 101, 501, "still here");
    assert_string_equal(scene->told[0].text, "still here");
    scene_end(scene);
    struct record_batch *batch = rows(scene, 0);
    assert_field(batch, "state", "S1");
    record_out_recycle(scene->out, batch);
    scene_free(scene);
}

static void nothing_is_told_of_a_direction_after_its_fin(void **state)
{
    struct scene *scene = scene_new(NULL, 1 << 20);
    handshake(scene);
    text(scene, 0, 110, 501, "jkl");
    tcp(scene, 0, TCP_FIN | TCP_ACK, 101, 501, "abc", 3);
    scene_end(scene);
    assert_string_equal(scene->told[0].text, "abc.$");
    struct record_batch *batch = rows(scene, 0);
    assert_int_equal(number(batch, "missed_bytes", 0).value, 0);
    record_out_recycle(scene->out, batch);
    scene_free(scene);
}

static void a_clock_that_jumps_by_a_century_costs_no_more_than_a_turn_of_the_wheel(void **state)
{
    struct flow_options options = flow_defaults();
    options.flows = 4096;
    struct scene *scene = scene_new(&options, 1 << 20);
    /* More than one tick ends: the wheel is behind when new flows come. */
    for (uint16_t i = 0; i < 1500; i++)
        udp(scene, (uint16_t)(2000 + i), 0, "q");
    scene->now += 36500ull * 86400 * SECOND;
    flow_tick(scene->shard, scene->now, scene->frame + 1);
    assert_int_equal(flow_count(scene->shard), 476);
    for (uint16_t i = 0; i < 10; i++)
        udp(scene, (uint16_t)(6000 + i), 0, "q");
    asked = 0;
    flow_tick(scene->shard, scene->now + SECOND, scene->frame + 1);
    assert_int_equal(flow_count(scene->shard), 10);
    assert_in_range(asked, 10, 2000);
    flow_tick(scene->shard, scene->now + 62 * SECOND, scene->frame + 1);
    assert_int_equal(flow_count(scene->shard), 0);
    scene_free(scene);
}

static void a_uid_is_the_same_for_a_slice_and_the_whole(void **state)
{
    uint64_t uid[2];
    for (int i = 0; i < 2; i++) {
        struct scene *scene = scene_new(NULL, 1 << 20);
        if (i == 0)
            udp(scene, 7777, 0, "something else in front");
        handshake(scene);
        scene_end(scene);
        struct record_batch *batch = rows(scene, 0);
        uid[i] = number(batch, "uid", record_batch_rows(batch) - 1).value;
        record_out_recycle(scene->out, batch);
        scene_free(scene);
    }
    assert_true(uid[0] == uid[1] && uid[0] != 0);
}

static void community_ids_are_those_of_the_specification(void **state)
{
    static const struct {
        struct packet_key key;
        bool from_high;
        uint8_t icmp_type;
        const char *text;
    } vectors[] = {
        {{.addr = {{66, 35, 250, 204}, {128, 232, 110, 120}}, .port = {80, 34855}, .family = 4, .proto = 6},
         true,
         0,
         "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
        {{.addr = {{8, 8, 8, 8}, {192, 168, 1, 52}}, .port = {53, 54585}, .family = 4, .proto = 17},
         true,
         0,
         "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
        {{.addr = {{192, 168, 170, 8}, {192, 168, 170, 56}}, .port = {7, 80}, .family = 4, .proto = 132},
         false,
         0,
         "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="},
        {{.addr = {{192, 168, 0, 1}, {192, 168, 0, 89}}, .port = {0, 8}, .family = 4, .proto = 1},
         true,
         8,
         "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
        {{.addr = {{0xfe, 0x80, [15] = 1}, {0xfe, 0x80, [15] = 2}}, .port = {0, 132}, .family = 6, .proto = 58},
         true,
         132,
         "1:50JHVQqfdcjvcH8dNlQttRJcPZ4="}, /* MLD's Done has no answer */
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char id[32];
        flow_community_id(&vectors[i].key, vectors[i].from_high, vectors[i].icmp_type, id);
        assert_string_equal(id, vectors[i].text);
    }
}

/* A stream cut, shuffled, repeated and partly lost at random: what is told is the stream, with holes where nothing came. */
static void any_order_of_segments_gives_the_stream(void **state)
{
    enum { BYTES = 4000 };
    static char stream[BYTES];
    static bool sent[BYTES];
    srand(7);
    for (int round = 0; round < 300; round++) {
        struct scene *scene = scene_new(NULL, 4 << 20);
        uint32_t isn = (uint32_t)rand() * 2u;
        for (int i = 0; i < BYTES; i++)
            stream[i] = (char)('A' + rand() % 26);
        memset(sent, 0, sizeof sent);
        tcp(scene, 0, TCP_SYN, isn, 0, "", 0);
        for (int i = 0; i < 150; i++) {
            int start = rand() % BYTES, size = 1 + rand() % 200;
            size = start + size > BYTES ? BYTES - start : size;
            tcp(scene, 0, TCP_ACK, isn + 1 + (uint32_t)start, 0, stream + start, (size_t)size);
            memset(sent + start, 1, (size_t)size);
        }
        tcp(scene, 0, TCP_FIN | TCP_ACK, isn + 1 + BYTES, 0, "", 0);
        scene_end(scene);
        const char *told = scene->told[0].text;
        uint64_t missing = 0;
        for (int i = 0; i < BYTES; i++) {
            missing += !sent[i];
            if (!sent[i] && i && !sent[i - 1])
                continue;
            if (!sent[i])
                told += strspn(told, "?");
            else
                assert_int_equal(*told++, stream[i]);
        }
        assert_int_equal(scene->told[0].gaps, missing);
        scene_free(scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_in_order_are_handed_on_as_they_come),
        cmocka_unit_test(segments_in_reverse_are_put_in_order),
        cmocka_unit_test(the_first_copy_of_a_byte_wins),
        cmocka_unit_test(sequence_numbers_wrap),
        cmocka_unit_test(an_acknowledged_hole_is_given_up_after_a_moment),
        cmocka_unit_test(a_hole_waits_for_its_retransmission),
        cmocka_unit_test(a_hole_that_nobody_fills_is_given_up_by_the_timer),
        cmocka_unit_test(a_budget_bounds_what_is_kept_and_costs_a_gap),
        cmocka_unit_test(a_shard_without_memory_loses_bytes_and_counts_them),
        cmocka_unit_test(a_flow_nobody_reads_is_counted_with_its_holes),
        cmocka_unit_test(a_stream_met_in_the_middle_begins_with_its_first_byte),
        cmocka_unit_test(data_before_its_syn_is_not_given_twice),
        cmocka_unit_test(a_new_syn_on_the_same_ports_is_a_new_flow),
        cmocka_unit_test(a_syn_sent_again_is_the_same_flow),
        cmocka_unit_test(a_fin_is_told_after_the_last_byte),
        cmocka_unit_test(a_reset_from_nowhere_is_not_believed),
        cmocka_unit_test(a_fin_before_the_answer_to_a_syn_is_not_believed),
        cmocka_unit_test(a_reset_ends_the_flow_a_moment_later),
        cmocka_unit_test(a_close_is_over_when_both_fins_are_acknowledged),
        cmocka_unit_test(states_and_histories_are_those_of_zeek),
        cmocka_unit_test(flags_that_do_not_go_together_have_the_letters_of_zeek),
        cmocka_unit_test(the_handshake_gives_the_round_trip),
        cmocka_unit_test(idle_flows_end_by_packet_time),
        cmocka_unit_test(a_long_flow_gives_interim_rows),
        cmocka_unit_test(a_flow_that_asks_for_ticks_gets_them),
        cmocka_unit_test(a_full_shard_gives_up_the_flow_nearest_its_end),
        cmocka_unit_test(each_hole_is_waited_for_from_when_it_came),
        cmocka_unit_test(bytes_in_front_of_what_is_kept_are_handed_on_when_the_budget_is_used_up),
        cmocka_unit_test(a_fin_from_before_the_next_byte_is_not_believed),
        cmocka_unit_test(nothing_is_told_of_a_direction_after_its_fin),
        cmocka_unit_test(a_clock_that_jumps_by_a_century_costs_no_more_than_a_turn_of_the_wheel),
        cmocka_unit_test(a_uid_is_the_same_for_a_slice_and_the_whole),
        cmocka_unit_test(community_ids_are_those_of_the_specification),
        cmocka_unit_test(any_order_of_segments_gives_the_stream),
    };
    return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
