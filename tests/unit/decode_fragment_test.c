/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams put together from fragments, in any order, against overlap, loss, time and a small budget.
 */
#include "decode_frame.h"

/* A UDP datagram to be sent in pieces: header and `size` bytes. */
struct datagram {
    uint8_t bytes[65536];
    uint32_t size;
};

static void make(struct datagram *d, uint32_t size, uint8_t seed)
{
    struct frame f;
    frame_payload(&f, size);
    for (uint32_t i = 0; i < size; i++)
        *frame_at(&f, i) = (uint8_t)(i * 7 + i / 251 + seed);
    frame_udp(&f, 1000, 2000);
    d->size = f.size;
    memcpy(d->bytes, frame_data(&f), f.size);
}

/* The piece [from, to) of the datagram with this id. */
static struct packet *send(struct bench *bench, const struct datagram *d, uint32_t id, uint32_t from, uint32_t to,
                           bool v6)
{
    struct frame f = {.size = 0};
    memcpy(frame_front(&f, to - from), d->bytes + from, to - from);
    bool more = to < d->size;
    if (v6) {
        uint8_t *p = frame_front(&f, 8);
        p[0] = 17;
        frame_put16(p + 2, from | more);
        frame_put32(p + 4, id);
        frame_ipv6(&f, 44, 1, 2);
    } else {
        frame_ipv4(&f, 17, A, B);
        frame_put16(frame_at(&f, 4), id);
        frame_put16(frame_at(&f, 6), from / 8 | (more ? 0x2000 : 0));
    }
    frame_ethernet(&f, v6 ? 0x86dd : 0x0800);
    return bench_frame(bench, &f, PACKET_LINK_ETHERNET);
}

/* The packet is the whole datagram, rebuilt; its fragments had `ip_bytes`. */
static void assert_whole(const struct bench *bench, const struct packet *packet, const struct datagram *d,
                         uint32_t ip_bytes)
{
    uint32_t head = packet->key.family == 4 ? 20 : 40;
    assert_int_equal(packet->flags, PACKET_FLOW | PACKET_REBUILT);
    assert_int_equal(packet->network, 0);
    assert_int_equal(packet->transport, head);
    assert_int_equal(packet->payload, head + 8);
    assert_int_equal(packet->caplen, head + d->size);
    assert_int_equal(packet->payload_bytes, d->size - 8);
    assert_int_equal(packet->payload_wire, d->size - 8);
    assert_int_equal(packet->ip_bytes, ip_bytes);
    assert_int_equal(packet->key.port[0], 1000);
    assert_memory_equal(packet->data + head, d->bytes, d->size);
    assert_true(packet->data >= bench->block->bytes &&
                packet->data + packet->caplen <= bench->block->bytes + PACKET_BLOCK_BYTES);
}

static void fragments_in_order_become_one_datagram(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    make(&d, 4000, 1);
    for (int v6 = 0; v6 < 2; v6++) {
        assert_false(send(bench, &d, 7, 0, 1480, v6)->flags & PACKET_FLOW);
        assert_false(send(bench, &d, 7, 1480, 2960, v6)->flags & PACKET_FLOW);
        struct packet *packet = send(bench, &d, 7, 2960, d.size, v6);
        assert_whole(bench, packet, &d, d.size + 3 * (v6 ? 48 : 20));
        assert_int_equal(packet->wire_bytes, d.size - 2960 + (v6 ? 62 : 34));
    }
    assert_int_equal(bench->ledger.count[LEDGER_fragment], 6);
    assert_int_equal(bench->ledger.count[LEDGER_no_flow], 4);
    assert_int_equal(bench->ledger.count[LEDGER_analysed], 6);
}

static void fragments_of_any_size_come_in_any_order(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    uint32_t random = 12345;
    for (int round = 0; round < 60; round++) {
        make(&d, 1 + random % 9000, (uint8_t)round);
        uint32_t cut[128], count = 0, at = 0;
        while (at < d.size) {
            cut[count++] = at;
            random = random * 1103515245 + 12345;
            at += 8 * (1 + (random >> 8) % (1 + d.size / 100));
        }
        assert_true(count > 1);
        uint32_t order[128];
        for (uint32_t i = 0; i < count; i++) {
            random = random * 1103515245 + 12345;
            uint32_t j = (random >> 8) % (i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        struct packet *packet = NULL;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t k = order[i];
            packet = send(bench, &d, (uint32_t)round, cut[k], k + 1 < count ? cut[k + 1] : d.size, round & 1);
            assert_int_equal(!!(packet->flags & PACKET_FLOW), i + 1 == count);
        }
        assert_whole(bench, packet, &d, d.size + count * (round & 1 ? 48 : 20));
    }
}

static void the_longest_datagram_is_put_together(void **state)
{
    struct datagram d;
    make(&d, 65535 - 28, 3);
    struct packet *packet = NULL;
    for (uint32_t at = 0; at < d.size; at += 8192)
        packet = send(*state, &d, 1, at, at + 8192 < d.size ? at + 8192 : d.size, false);
    assert_whole(*state, packet, &d, d.size + 8 * 20);
}

static void a_datagram_that_would_be_too_long_is_refused(void **state)
{
    struct bench *bench = *state;
    struct datagram d = {.size = 65536};
    send(bench, &d, 1, 65528, 65536, false);
    assert_int_equal(bench->ledger.count[LEDGER_undecodable_network], 1);
    d.size = 65528; /* fits by itself, but not behind its header */
    for (uint32_t at = 0; at < d.size; at += 32764 / 8 * 8)
        send(bench, &d, 1, at, at + 32760 < d.size ? at + 32760 : d.size, false);
    assert_int_equal(bench->ledger.count[LEDGER_undecodable_network], 2);
}

static void interleaved_datagrams_do_not_mix(void **state)
{
    struct datagram a, b;
    make(&a, 2000, 1);
    make(&b, 2000, 2);
    send(*state, &a, 1, 0, 1000, false);
    send(*state, &b, 2, 0, 1000, false);
    assert_whole(*state, send(*state, &b, 2, 1000, b.size, false), &b, b.size + 40);
    assert_whole(*state, send(*state, &a, 1, 1000, a.size, false), &a, a.size + 40);
}

static void repeated_fragments_change_nothing(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    make(&d, 2000, 1);
    for (int v6 = 0; v6 < 2; v6++) {
        send(bench, &d, 1, 0, 1000, v6);
        send(bench, &d, 1, 0, 1000, v6);
        struct packet *packet = send(bench, &d, 1, 1000, d.size, v6);
        assert_memory_equal(packet->data + packet->transport, d.bytes, d.size);
    }
    assert_int_equal(bench->ledger.count[LEDGER_fragment_overlap], 0);
}

static void the_first_copy_wins_when_ipv4_fragments_overlap(void **state)
{
    struct bench *bench = *state;
    struct datagram first, second;
    make(&first, 2000, 1);
    make(&second, 2000, 99);
    send(bench, &first, 1, 0, 1000, false);
    send(bench, &second, 1, 504, 1504, false);
    struct packet *packet = send(bench, &first, 1, 1000, first.size, false);
    assert_true(packet->flags & PACKET_REBUILT);
    assert_memory_equal(packet->data + 20, first.bytes, 1000);
    assert_memory_equal(packet->data + 20 + 1000, second.bytes + 1000, 504);
    assert_memory_equal(packet->data + 20 + 1504, first.bytes + 1504, first.size - 1504);
    assert_int_equal(bench->ledger.count[LEDGER_fragment_overlap], 2);
}

static void an_ipv6_datagram_with_overlap_is_given_up_whole(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    make(&d, 2000, 1);
    send(bench, &d, 1, 0, 1000, true);
    send(bench, &d, 1, 504, 1504, true); /* the same bytes: RFC 5722 makes no difference */
    assert_int_equal(bench->ledger.count[LEDGER_fragment_overlap], 1);
    send(bench, &d, 1, 1000, d.size, true);
    assert_false(send(bench, &d, 1, 0, 1000, true)->flags & PACKET_FLOW);
    make(&d, 2000, 2);
    send(bench, &d, 2, 0, 1000, true);
    assert_whole(bench, send(bench, &d, 2, 1000, d.size, true), &d, d.size + 96);
}

static void ends_that_disagree_are_refused(void **state)
{
    struct bench *bench = *state;
    struct datagram d, shorter;
    make(&d, 2000, 1);
    shorter = d;
    shorter.size = 1200;
    send(bench, &d, 1, 1600, d.size, false);
    assert_false(send(bench, &shorter, 1, 800, 1200, false)->flags & PACKET_FLOW);
    assert_int_equal(bench->ledger.count[LEDGER_fragment_overlap], 1);
    assert_whole(bench, send(bench, &d, 1, 0, 1600, false), &d, d.size + 40);
}

static void malformed_fragments_are_undecodable(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    make(&d, 2000, 1);
    send(bench, &d, 1, 0, 1001, false); /* not the last and no multiple of eight */
    send(bench, &d, 1, 0, 1001, true);
    send(bench, &d, 1, 1000, 1000, false);
    assert_int_equal(bench->ledger.count[LEDGER_undecodable_network], 3);
}

static void a_datagram_waits_thirty_seconds_of_packet_time(void **state)
{
    struct bench *bench = *state;
    struct datagram d, e;
    make(&d, 2000, 1);
    make(&e, 2000, 2);
    send(bench, &d, 1, 0, 1000, false);
    send(bench, &e, 2, 0, 1000, false);
    bench->now_ns += 30000 * MS;
    assert_whole(bench, send(bench, &e, 2, 1000, e.size, false), &e, e.size + 40);
    assert_int_equal(bench->ledger.count[LEDGER_fragment_timeout], 0);
    bench->now_ns += 1;
    assert_false(send(bench, &d, 1, 1000, d.size, false)->flags & PACKET_FLOW);
    assert_int_equal(bench->ledger.count[LEDGER_fragment_timeout], 1);
}

static void a_whole_packet_in_a_fragment_header_goes_its_way(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    make(&d, 100, 1);
    struct packet *packet = send(bench, &d, 1, 0, d.size, true);
    assert_int_equal(packet->flags, PACKET_FLOW);
    assert_int_equal(packet->payload_bytes, 100);
    assert_int_equal(packet->transport, 62);
    assert_int_equal(bench->ledger.count[LEDGER_fragment], 1);
}

static void a_first_fragment_that_the_capture_cut_is_a_packet_of_its_flow(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    make(&d, 2000, 1);
    struct packet *packet = send(bench, &d, 1, 0, 1000, false);
    uint8_t frame[1034];
    memcpy(frame, packet->data, packet->caplen);
    packet = bench_cut(bench, frame, 96, 1034, PACKET_LINK_ETHERNET);
    assert_int_equal(packet->flags, PACKET_FLOW | PACKET_CUT);
    assert_int_equal(packet->key.port[1], 2000);
    assert_int_equal(packet->payload_bytes, 96 - 42);
    assert_int_equal(packet->payload_wire, 1000 - 8);
    frame[20] = 0x20, frame[21] = 4; /* not the first */
    packet = bench_cut(bench, frame, 96, 1034, PACKET_LINK_ETHERNET);
    assert_false(packet->flags & PACKET_FLOW);
}

static int start_small(void **state)
{
    struct decode_options options = {.hash_key = {1, 2}, .fragment_bytes = 1, .fragment_timeout_ns = 1000 * MS};
    return bench_start_with(state, &options);
}

static void a_full_budget_gives_up_the_oldest(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    make(&d, 2000, 1);
    for (uint32_t id = 0; id < 33; id++) /* one more than there is room for */
        send(bench, &d, id, 0, 1000, false);
    assert_int_equal(bench->ledger.count[LEDGER_fragment_budget], 1);
    assert_false(send(bench, &d, 0, 1000, d.size, false)->flags & PACKET_FLOW);
    assert_int_equal(bench->ledger.count[LEDGER_fragment_budget], 2);
    assert_whole(bench, send(bench, &d, 32, 1000, d.size, false), &d, d.size + 40);
    make(&d, 60000, 1);
    struct packet *packet = NULL; /* takes the cells of all others */
    for (uint32_t at = 0; at < d.size; at += 1480)
        packet = send(bench, &d, 100, at, at + 1480 < d.size ? at + 1480 : d.size, false);
    assert_true(packet->flags & PACKET_REBUILT);
    assert_memory_equal(packet->data + 20, d.bytes, d.size);
}

static void a_block_without_room_gives_the_datagram_up(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    make(&d, 2000, 1);
    send(bench, &d, 1, 0, 1000, false);
    struct frame f = {.size = 0};
    memcpy(frame_front(&f, d.size - 1000), d.bytes + 1000, d.size - 1000);
    frame_ipv4(&f, 17, A, B);
    frame_put16(frame_at(&f, 4), 1);
    frame_put16(frame_at(&f, 6), 125);
    struct packet *packet = &bench->block->packets[0];
    *packet = (struct packet){.data = frame_data(&f),
                              .caplen = f.size,
                              .wire_bytes = f.size,
                              .ts_ns = bench->now_ns,
                              .link = PACKET_LINK_RAW};
    bench->block->used = PACKET_BLOCK_BYTES - 2000;
    decode_block(bench->decode, bench->block, &bench->ledger);
    assert_false(packet->flags & (PACKET_FLOW | PACKET_REBUILT));
    assert_int_equal(bench->ledger.count[LEDGER_fragment_budget], 2);
}

static void a_tunnel_inside_a_rebuilt_datagram_is_followed(void **state)
{
    struct datagram d;
    struct frame f;
    frame_inner(&f);
    frame_hex(&f, "08 00 00 00 00 12 34 00 02 00 00 00 00 00 02 00 00 00 00 01 08 00");
    frame_udp(&f, 50000, 4789);
    d.size = f.size;
    memcpy(d.bytes, frame_data(&f), f.size);
    send(*state, &d, 1, 0, 24, false);
    struct packet *packet = send(*state, &d, 1, 24, d.size, false);
    assert_int_equal(packet->flags, PACKET_FLOW | PACKET_REBUILT);
    assert_int_equal(packet->tunnel, PACKET_TUNNEL_VXLAN);
    assert_int_equal(packet->network, 50);
    assert_int_equal(packet->payload_bytes, 10);
    assert_int_equal(packet->ip_bytes, 38);
}

static void fragments_inside_a_tunnel_are_put_together(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    make(&d, 100, 1);
    struct packet *packet = NULL;
    for (int part = 0; part < 2; part++) {
        struct frame f = {.size = 0};
        uint32_t from = part ? 64 : 0, to = part ? d.size : 64;
        memcpy(frame_front(&f, to - from), d.bytes + from, to - from);
        frame_ipv4(&f, 17, A, B);
        frame_put16(frame_at(&f, 6), from / 8 | (part ? 0 : 0x2000));
        frame_hex(&f, "20 00 08 00 00 00 00 05");
        frame_ipv4(&f, 47, B, A);
        packet = bench_frame(bench, &f, PACKET_LINK_RAW);
    }
    assert_whole(bench, packet, &d, d.size + 40);
    assert_int_equal(packet->key.tunnel, (uint32_t)PACKET_TUNNEL_GRE << 24);
}

static void tiny_fragments_stay_within_the_budget_of_their_datagrams(void **state)
{
    struct bench *bench = *state;
    struct datagram d;
    make(&d, 60000, 1);
    for (uint32_t round = 0; round < 5; round++)
        for (uint32_t at = 8; at + 16 < d.size; at += 16) /* never a first one, every other eight bytes */
            send(bench, &d, round, at, at + 8, round & 1);
    assert_int_equal(bench->ledger.count[LEDGER_no_flow], bench->ledger.count[LEDGER_analysed]);
    assert_int_equal(bench->ledger.count[LEDGER_fragment_budget], 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_start, bench_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fragments_in_order_become_one_datagram),
        TEST(fragments_of_any_size_come_in_any_order),
        TEST(the_longest_datagram_is_put_together),
        TEST(a_datagram_that_would_be_too_long_is_refused),
        TEST(interleaved_datagrams_do_not_mix),
        TEST(repeated_fragments_change_nothing),
        TEST(the_first_copy_wins_when_ipv4_fragments_overlap),
        TEST(an_ipv6_datagram_with_overlap_is_given_up_whole),
        TEST(ends_that_disagree_are_refused),
        TEST(malformed_fragments_are_undecodable),
        TEST(a_datagram_waits_thirty_seconds_of_packet_time),
        TEST(a_whole_packet_in_a_fragment_header_goes_its_way),
        TEST(a_first_fragment_that_the_capture_cut_is_a_packet_of_its_flow),
        cmocka_unit_test_setup_teardown(a_full_budget_gives_up_the_oldest, start_small, bench_stop),
        TEST(a_block_without_room_gives_the_datagram_up),
        TEST(a_tunnel_inside_a_rebuilt_datagram_is_followed),
        TEST(fragments_inside_a_tunnel_are_put_together),
        TEST(tiny_fragments_stay_within_the_budget_of_their_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
