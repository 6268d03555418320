/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP and transport headers, good and bad, and the flow key that comes of them.
 */
#include "decode_frame.h"

/* Expects the frame, as raw IP, to count as `cause` and to belong to no flow. */
static void refused(struct bench *bench, const struct frame *f, enum ledger_cause cause)
{
    uint64_t before = bench->ledger.count[cause];
    assert_false(bench_frame(bench, f, PACKET_LINK_RAW)->flags & PACKET_FLOW);
    assert_int_equal(bench->ledger.count[cause], before + 1);
}

static void tcp_fields_are_in_host_order(void **state)
{
    struct frame f;
    frame_payload(&f, 7);
    frame_tcp(&f, 40000, 80, 0x01020304, 0xfffefdfc, TCP_PSH | TCP_ACK);
    frame_ipv4(&f, 6, A, B);
    frame_ethernet(&f, 0x0800);
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_ETHERNET);
    assert_int_equal(packet->flags, PACKET_FLOW | PACKET_TCP);
    assert_int_equal(packet->seq, 0x01020304);
    assert_int_equal(packet->ack, 0xfffefdfcu);
    assert_int_equal(packet->window, 501);
    assert_int_equal(packet->tcp_flags, TCP_PSH | TCP_ACK);
    assert_int_equal(packet->network, 14);
    assert_int_equal(packet->transport, 34);
    assert_int_equal(packet->payload, 54);
    assert_int_equal(packet->payload_bytes, 7);
    assert_int_equal(packet->ip_bytes, 47);
    assert_int_equal(packet->key.port[0], 40000);
    assert_int_equal(packet->key.port[1], 80);
    assert_int_equal(packet->key.zero, 0);
}

static void both_directions_have_one_key_and_say_who_sent(void **state)
{
    struct bench *bench = *state;
    for (int v6 = 0; v6 < 2; v6++) {
        struct packet seen[2];
        for (int back = 0; back < 2; back++) {
            struct frame f;
            frame_payload(&f, 1);
            frame_tcp(&f, back ? 80 : 40000, back ? 40000 : 80, 1, 1, TCP_ACK);
            if (v6)
                frame_ipv6(&f, 6, back ? 2 : 1, back ? 1 : 2);
            else
                frame_ipv4(&f, 6, back ? B : A, back ? A : B);
            frame_ethernet(&f, v6 ? 0x86dd : 0x0800);
            seen[back] = *bench_frame(bench, &f, PACKET_LINK_ETHERNET);
        }
        assert_memory_equal(&seen[0].key, &seen[1].key, sizeof seen[0].key);
        assert_int_equal(seen[0].hash, seen[1].hash);
        assert_int_equal(seen[0].shard, seen[1].shard);
        assert_int_equal(seen[0].flags & PACKET_FROM_HIGH, 0);
        assert_int_equal(seen[1].flags & PACKET_FROM_HIGH, PACKET_FROM_HIGH);
        assert_int_equal(seen[0].key.port[0], 40000);
    }
}

static void ends_are_ordered_by_address_bytes_then_port(void **state)
{
    static const struct {
        uint32_t src, dst;
        uint16_t sport, dport;
        bool high;
    } cases[] = {{0x01000002, 0x02000001, 9, 8, false},
                 {0xff000001, 0x01ffffff, 8, 9, true},
                 {A, A, 8, 9, false},
                 {A, A, 9, 8, true},
                 {A, A, 8, 8, false},
                 {A, A, 0x0100, 0x00ff, true}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct frame f;
        frame_payload(&f, 1);
        frame_udp(&f, cases[i].sport, cases[i].dport);
        frame_ipv4(&f, 17, cases[i].src, cases[i].dst);
        const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
        assert_int_equal(!!(packet->flags & PACKET_FROM_HIGH), cases[i].high);
        assert_int_equal(packet->key.port[cases[i].high], cases[i].sport);
        assert_int_equal(weir_load_be32(packet->key.addr[cases[i].high]), cases[i].src);
    }
}

/* Ethernet takes the straight way, the Prism of a raw link the walk: both must tell the same, offsets apart. */
static void the_plain_way_and_the_walk_agree(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 64; i++) {
        struct frame f;
        frame_payload(&f, i & 1 ? 0 : 20);
        bool tcp = i & 2, v6 = i & 4, padded = i & 8, cut = i & 16, back = i & 32;
        if (tcp)
            frame_tcp(&f, back ? 1 : 2, back ? 2 : 1, 77, 99, TCP_ACK);
        else
            frame_udp(&f, back ? 1 : 2, back ? 2 : 1);
        if (v6)
            frame_ipv6(&f, tcp ? 6 : 17, back ? 5 : 4, back ? 4 : 5);
        else
            frame_ipv4(&f, tcp ? 6 : 17, back ? B : A, back ? A : B);
        frame_ethernet(&f, v6 ? 0x86dd : 0x0800);
        struct frame g = f;
        if (padded) {
            memmove(frame_front(&g, 9), frame_data(&f), f.size);
            memset(frame_at(&g, f.size), 0xee, 9);
        }
        uint32_t cap = cut && !(i & 1) ? f.size - 3 : g.size;
        struct packet plain = *bench_cut(bench, frame_data(&g), cap, g.size, PACKET_LINK_ETHERNET);
        struct packet walked = *bench_cut(bench, frame_data(&g) + 14, cap - 14, g.size - 14, PACKET_LINK_RAW);
        assert_int_equal(plain.payload_bytes, i & 1 ? 0 : cap < f.size ? 17 : 20);
        assert_int_equal(plain.payload_wire, i & 1 ? 0 : 20);
        walked.data = plain.data;
        walked.caplen += 14, walked.wire_bytes += 14, walked.network += 14, walked.transport += 14,
            walked.payload += 14;
        walked.link = PACKET_LINK_ETHERNET;
        assert_memory_equal(&plain, &walked, sizeof plain);
    }
}

static void link_padding_is_not_payload(void **state)
{
    struct frame f, g;
    frame_payload(&f, 0);
    frame_tcp(&f, 40000, 80, 1, 1, TCP_ACK);
    frame_ipv4(&f, 6, A, B);
    frame_ethernet(&f, 0x0800);
    g.size = 0;
    frame_front(&g, 60);
    memcpy(frame_at(&g, 0), frame_data(&f), f.size);
    const struct packet *packet = bench_frame(*state, &g, PACKET_LINK_ETHERNET);
    assert_int_equal(packet->payload_bytes, 0);
    assert_int_equal(packet->payload_wire, 0);
    assert_int_equal(packet->ip_bytes, 40);
}

static void an_ip_length_of_zero_means_the_captured_size(void **state)
{
    struct frame f;
    frame_payload(&f, 3000);
    frame_tcp(&f, 40000, 80, 1, 1, TCP_ACK);
    frame_ipv4(&f, 6, A, B);
    frame_put16(frame_at(&f, 2), 0);
    frame_ethernet(&f, 0x0800);
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_ETHERNET);
    assert_int_equal(packet->payload_bytes, 3000);
    assert_int_equal(packet->ip_bytes, 3040);
    frame_payload(&f, 3000);
    frame_tcp(&f, 40000, 80, 1, 1, TCP_ACK);
    frame_ipv6(&f, 6, 1, 2);
    frame_put16(frame_at(&f, 4), 0);
    frame_ethernet(&f, 0x86dd);
    packet = bench_frame(*state, &f, PACKET_LINK_ETHERNET);
    assert_int_equal(packet->payload_bytes, 3000);
    assert_int_equal(packet->ip_bytes, 3060);
}

static void a_jumbogram_has_its_length_in_an_option(void **state)
{
    struct frame f;
    frame_payload(&f, 66000);
    frame_tcp(&f, 40000, 80, 1, 1, TCP_ACK);
    frame_hex(&f, "06 00 c2 04 00 00 00 00");
    frame_put32(frame_at(&f, 4), 66028);
    frame_ipv6(&f, 0, 1, 2);
    frame_put16(frame_at(&f, 4), 0);
    struct frame g = {.size = 0};
    memcpy(frame_front(&g, f.size + 3), frame_data(&f), f.size); /* three bytes behind it */
    const struct packet *packet = bench_frame(*state, &g, PACKET_LINK_RAW);
    assert_int_equal(packet->payload_bytes, 66000);
    assert_int_equal(packet->ip_bytes, 66068);
}

static void a_length_beyond_the_frame_counts_as_not_captured(void **state)
{
    struct frame f;
    frame_payload(&f, 10);
    frame_tcp(&f, 40000, 80, 1, 1, TCP_ACK);
    frame_ipv4(&f, 6, A, B);
    frame_put16(frame_at(&f, 2), 140);
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
    assert_int_equal(packet->payload_bytes, 10);
    assert_int_equal(packet->payload_wire, 100);
}

static void options_and_extension_headers_are_passed_over(void **state)
{
    struct frame f;
    frame_payload(&f, 10);
    frame_udp(&f, 1000, 2000);
    frame_hex(&f, "94 04 00 00");
    frame_ipv4(&f, 17, A, B);
    *frame_at(&f, 0) = 0x46;
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
    assert_int_equal(packet->transport, 24);
    assert_int_equal(packet->payload_bytes, 10);
    frame_payload(&f, 10);
    frame_udp(&f, 1000, 2000);
    frame_hex(&f, "11 01 00 00 00 00 00 01 00 00 00 01"); /* authentication: 12 bytes */
    frame_hex(&f, "33 00 01 04 00 00 00 00");             /* destination options */
    frame_hex(&f, "3c 00 00 00 00 00 00 00");             /* routing, none left */
    frame_hex(&f, "2b 01 01 04 00 00 00 00 01 06 00 00 00 00 00 00");
    frame_ipv6(&f, 0, 1, 2);
    packet = bench_frame(*state, &f, PACKET_LINK_RAW);
    assert_int_equal(packet->key.proto, 17);
    assert_int_equal(packet->transport, 84);
    assert_int_equal(packet->payload_bytes, 10);
    for (uint32_t cap = 40; cap < 92; cap++)
        assert_false(bench_cut(*state, frame_data(&f), cap, f.size, PACKET_LINK_RAW)->flags & PACKET_FLOW);
    frame_payload(&f, 10);
    frame_udp(&f, 1000, 2000);
    frame_hex(&f, "11 01 00 00 00 00 00 01 00 00 00 01");
    frame_ipv4(&f, 51, A, B);
    assert_int_equal(bench_frame(*state, &f, PACKET_LINK_RAW)->transport, 32);
}

static void a_packet_on_a_given_route_is_for_the_last_stop(void **state)
{
    struct frame f;
    frame_payload(&f, 10);
    frame_udp(&f, 1000, 2000);
    frame_hex(&f, "11 02 00 01 00 00 00 00 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 09");
    frame_ipv6(&f, 43, 1, 2);
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
    assert_int_equal(packet->key.addr[1][15], 9);
    assert_int_equal(packet->transport, 64);
}

static void endless_extension_headers_are_not_followed(void **state)
{
    struct bench *bench = *state;
    struct frame f;
    frame_payload(&f, 10);
    frame_udp(&f, 1000, 2000);
    for (int i = 0; i < 100; i++)
        frame_hex(&f, i ? "3c 00 01 04 00 00 00 00" : "11 00 01 04 00 00 00 00");
    frame_ipv6(&f, 60, 1, 2);
    refused(bench, &f, LEDGER_undecodable_depth);
}

static void no_next_header_is_no_flow(void **state)
{
    struct frame f;
    frame_payload(&f, 0);
    frame_ipv6(&f, 59, 1, 2);
    refused(*state, &f, LEDGER_no_flow);
}

static void bad_ip_headers_are_undecodable(void **state)
{
    static const struct {
        uint8_t at, value;
    } wrong[] = {{0, 0x44}, {0, 0x55}, {0, 0x4f}, {3, 19}};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct frame f;
        frame_inner(&f);
        *frame_at(&f, wrong[i].at) = wrong[i].value;
        refused(*state, &f, LEDGER_undecodable_network);
    }
    struct frame f;
    frame_payload(&f, 0);
    refused(*state, &f, LEDGER_undecodable_network);
    frame_payload(&f, 10);
    frame_udp(&f, 1000, 2000);
    frame_hex(&f, "11 09 01 04 00 00 00 00"); /* an extension header longer than the packet */
    frame_ipv6(&f, 60, 1, 2);
    refused(*state, &f, LEDGER_undecodable_network);
}

static void a_udp_length_is_cut_to_the_packet_and_less_than_a_header_is_refused(void **state)
{
    static const struct {
        uint16_t size;
        bool good;
        uint16_t payload;
    } cases[] = {{18, true, 10}, {17, true, 9},  {8, true, 0},      {0, false, 0},
                 {7, false, 0},  {19, true, 10}, {0xffff, true, 10}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct frame f;
        frame_inner(&f);
        frame_put16(frame_at(&f, 24), cases[i].size);
        frame_ethernet(&f, 0x0800);
        struct bench *bench = *state;
        const struct packet *packet = bench_frame(bench, &f, PACKET_LINK_ETHERNET);
        assert_int_equal(!!(packet->flags & PACKET_FLOW), cases[i].good);
        assert_int_equal(packet->payload_bytes, cases[i].payload);
        assert_int_equal(packet->payload_wire, cases[i].payload);
    }
}

static void a_udp_length_of_zero_in_ipv6_is_the_rest_of_the_packet(void **state)
{
    struct frame f;
    frame_payload(&f, 10);
    frame_udp(&f, 1000, 2000);
    frame_put16(frame_at(&f, 4), 0);
    frame_ipv6(&f, 17, 1, 2);
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
    assert_true(packet->flags & PACKET_FLOW);
    assert_int_equal(packet->payload_bytes, 10);
    assert_int_equal(packet->payload_wire, 10);
}

static void tcp_header_lengths_are_checked_against_the_packet(void **state)
{
    struct bench *bench = *state;
    for (uint8_t words = 0; words < 16; words++) {
        struct frame f;
        frame_payload(&f, 16);
        frame_tcp(&f, 1, 2, 3, 4, TCP_ACK);
        *frame_at(&f, 12) = (uint8_t)(words << 4);
        frame_ipv4(&f, 6, A, B);
        const struct packet *packet = bench_frame(bench, &f, PACKET_LINK_RAW);
        bool good = words >= 5 && words <= 9;
        assert_int_equal(!!(packet->flags & PACKET_FLOW), good);
        if (good)
            assert_int_equal(packet->payload_bytes, 36 - words * 4);
    }
    assert_int_equal(bench->ledger.count[LEDGER_undecodable_transport], 11);
}

static void tcp_whose_options_the_capture_cut_is_still_a_packet(void **state)
{
    struct bench *bench = *state;
    struct frame f;
    frame_payload(&f, 32);
    frame_tcp(&f, 1, 2, 3, 4, TCP_ACK);
    *frame_at(&f, 12) = 8 << 4;
    frame_ipv4(&f, 6, A, B);
    frame_ethernet(&f, 0x0800);
    const struct packet *packet = bench_cut(bench, frame_data(&f), 60, f.size, PACKET_LINK_ETHERNET);
    assert_int_equal(packet->flags & (PACKET_FLOW | PACKET_TCP | PACKET_CUT), PACKET_FLOW | PACKET_TCP | PACKET_CUT);
    assert_int_equal(packet->payload_bytes, 0);
    assert_int_equal(packet->payload_wire, 20);
    assert_int_equal(packet->payload, 60);
    bench_cut(bench, frame_data(&f), 53, f.size, PACKET_LINK_ETHERNET);
    assert_int_equal(bench->ledger.count[LEDGER_undecodable_transport], 1);
}

static void protocols_without_ports_make_flows_by_address(void **state)
{
    static const uint8_t protos[] = {2, 50, 88, 89, 103, 112, 255};
    for (unsigned i = 0; i < sizeof protos; i++) {
        struct frame f;
        frame_payload(&f, 12);
        frame_ipv4(&f, protos[i], B, A);
        const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
        assert_int_equal(packet->flags, PACKET_FLOW | PACKET_FROM_HIGH);
        assert_int_equal(packet->key.proto, protos[i]);
        assert_int_equal(packet->key.port[0] | packet->key.port[1], 0);
        assert_int_equal(packet->payload, 20);
        assert_int_equal(packet->payload_bytes, 12);
    }
}

static void sctp_has_ports_and_a_common_header_of_twelve(void **state)
{
    struct frame f;
    frame_payload(&f, 4);
    frame_hex(&f, "0b 59 0b 5a 00 00 00 01 00 00 00 00");
    frame_ipv4(&f, 132, A, B);
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
    assert_int_equal(packet->key.port[0], 2905);
    assert_int_equal(packet->key.port[1], 2906);
    assert_int_equal(packet->payload, 32);
    assert_int_equal(packet->payload_bytes, 4);
    bench_cut(*state, frame_data(&f), 31, f.size, PACKET_LINK_RAW);
    assert_int_equal(((struct bench *)*state)->ledger.count[LEDGER_undecodable_transport], 1);
}

/* ICMP of `type` and `code` from B to A when `back`, else from A to B. */
static struct packet icmp(struct bench *bench, bool v6, uint8_t type, uint8_t code, bool back)
{
    struct frame f;
    frame_payload(&f, 20);
    *frame_at(&f, 0) = type;
    *frame_at(&f, 1) = code;
    if (v6)
        frame_ipv6(&f, 58, back ? 2 : 1, back ? 1 : 2);
    else
        frame_ipv4(&f, 1, back ? B : A, back ? A : B);
    return *bench_frame(bench, &f, PACKET_LINK_RAW);
}

static void icmp_requests_and_replies_share_a_key(void **state)
{
    static const uint8_t pairs[][3] = {{0, 8, 0},     {0, 13, 14},   {0, 15, 16},   {0, 17, 18},
                                       {0, 10, 9},    {1, 128, 129}, {1, 133, 134}, {1, 135, 136},
                                       {1, 130, 131}, {1, 139, 140}, {1, 144, 145}};
    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct packet ask = icmp(*state, pairs[i][0], pairs[i][1], 0, false);
        struct packet reply = icmp(*state, pairs[i][0], pairs[i][2], 0, true);
        assert_memory_equal(&ask.key, &reply.key, sizeof ask.key);
        assert_int_equal(ask.key.port[0], pairs[i][1]);
        assert_int_equal(ask.key.port[1], pairs[i][2]);
        assert_int_equal(ask.icmp_type, pairs[i][1]);
        assert_int_equal(reply.icmp_type, pairs[i][2]);
        assert_int_equal(reply.flags, PACKET_FLOW | PACKET_FROM_HIGH);
    }
}

static void one_way_icmp_has_type_at_its_source_and_code_at_the_other_end(void **state)
{
    struct packet packet = icmp(*state, false, 3, 13, false);
    assert_int_equal(packet.key.port[0], 3);
    assert_int_equal(packet.key.port[1], 13);
    packet = icmp(*state, false, 3, 13, true);
    assert_int_equal(packet.flags, PACKET_FLOW | PACKET_FROM_HIGH);
    assert_int_equal(packet.key.port[0], 13);
    assert_int_equal(packet.key.port[1], 3);
    packet = icmp(*state, true, 132, 0, false);
    assert_int_equal(packet.key.port[0], 132);
    assert_int_equal(packet.key.port[1], 0);
    assert_int_equal(packet.payload, 44);
    assert_int_equal(packet.payload_bytes, 16);
}

static int start_with_vlans(void **state)
{
    struct decode_options options = {.hash_key = {1, 2}, .vlan_in_key = true};
    return bench_start_with(state, &options);
}

static void vlans_part_flows_when_asked_for(void **state)
{
    static const char *const tags[] = {"08 00", "81 00 00 05 08 00", "81 00 00 06 08 00",
                                       "88 a8 00 05 81 00 00 05 08 00", "88 a8 00 05 81 00 00 06 08 00"};
    struct packet_key keys[5];
    for (int i = 0; i < 5; i++) {
        struct frame f;
        frame_inner(&f);
        frame_hex(&f, tags[i]);
        memset(frame_front(&f, 12), 2, 12);
        keys[i] = bench_frame(*state, &f, PACKET_LINK_ETHERNET)->key;
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(&keys[i], &keys[j], sizeof keys[0]);
    }
    assert_int_equal(keys[0].vlan, 0);
    assert_int_equal(keys[1].vlan, 5);
}

static void hashes_follow_the_key_and_the_secret(void **state)
{
    uint64_t hash[2];
    uint8_t shard[2];
    for (int i = 0; i < 2; i++) {
        struct decode_options options = {.hash_key = {i + 1u, 99}};
        void *bench;
        bench_start_with(&bench, &options);
        struct frame f;
        frame_inner(&f);
        const struct packet *packet = bench_frame(bench, &f, PACKET_LINK_RAW);
        hash[i] = packet->hash;
        shard[i] = packet->shard;
        bench_stop(&bench);
    }
    assert_int_not_equal(hash[0], hash[1]);
    assert_int_equal(shard[0], shard[1]);
    unsigned used[PACKET_SHARDS] = {0};
    for (uint16_t port = 1; port < 6400; port++) {
        struct frame f;
        frame_payload(&f, 1);
        frame_udp(&f, port, 53);
        frame_ipv4(&f, 17, A, B);
        used[bench_frame(*state, &f, PACKET_LINK_RAW)->shard]++;
    }
    for (int i = 0; i < PACKET_SHARDS; i++) /* a hundred each, if evenly dealt */
        assert_in_range(used[i], 50, 150);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_start, bench_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tcp_fields_are_in_host_order),
        TEST(both_directions_have_one_key_and_say_who_sent),
        TEST(ends_are_ordered_by_address_bytes_then_port),
        TEST(the_plain_way_and_the_walk_agree),
        TEST(link_padding_is_not_payload),
        TEST(an_ip_length_of_zero_means_the_captured_size),
        TEST(a_jumbogram_has_its_length_in_an_option),
        TEST(a_length_beyond_the_frame_counts_as_not_captured),
        TEST(options_and_extension_headers_are_passed_over),
        TEST(a_packet_on_a_given_route_is_for_the_last_stop),
        TEST(endless_extension_headers_are_not_followed),
        TEST(no_next_header_is_no_flow),
        TEST(bad_ip_headers_are_undecodable),
        TEST(a_udp_length_is_cut_to_the_packet_and_less_than_a_header_is_refused),
        TEST(a_udp_length_of_zero_in_ipv6_is_the_rest_of_the_packet),
        TEST(tcp_header_lengths_are_checked_against_the_packet),
        TEST(tcp_whose_options_the_capture_cut_is_still_a_packet),
        TEST(protocols_without_ports_make_flows_by_address),
        TEST(sctp_has_ports_and_a_common_header_of_twelve),
        TEST(icmp_requests_and_replies_share_a_key),
        TEST(one_way_icmp_has_type_at_its_source_and_code_at_the_other_end),
        cmocka_unit_test_setup_teardown(vlans_part_flows_when_asked_for, start_with_vlans, bench_stop),
        TEST(hashes_follow_the_key_and_the_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
