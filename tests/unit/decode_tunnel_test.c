/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnels: each before the same inner packet, with its kind (and where both directions share it, its id) in the key; and what
 * only looks like one.
 */
#include "decode_frame.h"

#define ETH "02 00 00 00 00 00 02 00 00 00 00 01 "
#define OUTER_SRC 0xc0a80001u
#define OUTER_DST 0xc0a80002u

/* The outer IPv4 packet of `proto` around `hex` and the inner packet, cut at every length on the way. */
static void follow_ip(struct bench *bench, uint8_t proto, const char *hex, uint8_t tunnel, uint32_t id)
{
    struct frame f;
    frame_inner(&f);
    frame_hex(&f, hex);
    frame_ipv4(&f, proto, OUTER_SRC, OUTER_DST);
    frame_ethernet(&f, 0x0800);
    uint32_t at = f.size - 38;
    const struct packet *packet = bench_frame(bench, &f, PACKET_LINK_ETHERNET);
    assert_inner(packet, at, tunnel);
    assert_int_equal(packet->key.tunnel & 0xffffff, id);
    for (uint32_t cap = 0; cap < at + 28; cap++)
        bench_cut(bench, frame_data(&f), cap, f.size, PACKET_LINK_ETHERNET);
}

static void follow_udp(struct bench *bench, uint16_t port, const char *hex, uint8_t tunnel, uint32_t id)
{
    struct frame f;
    frame_inner(&f);
    frame_hex(&f, hex);
    frame_udp(&f, 50000, port);
    frame_ipv4(&f, 17, OUTER_SRC, OUTER_DST);
    frame_ethernet(&f, 0x0800);
    uint32_t at = f.size - 38;
    const struct packet *packet = bench_frame(bench, &f, PACKET_LINK_ETHERNET);
    assert_inner(packet, at, tunnel);
    assert_int_equal(packet->key.tunnel & 0xffffff, id);
    for (uint32_t cap = 42; cap < at + 28; cap++) { /* cut inside a guess: a packet of the outer flow */
        packet = bench_cut(bench, frame_data(&f), cap, f.size, PACKET_LINK_ETHERNET);
        assert_true(packet->flags & PACKET_FLOW);
        assert_int_equal(packet->key.port[packet->key.port[0] == 50000], port);
        assert_int_equal(packet->tunnel, 0);
        assert_int_equal(packet->payload_bytes, cap - 42);
        assert_int_equal(packet->payload_wire, f.size - 42);
    }
}

static void ip_in_ip_is_followed(void **state)
{
    follow_ip(*state, 4, "", PACKET_TUNNEL_IPIP, 0);
    follow_ip(*state, 94, "", PACKET_TUNNEL_IPIP, 0);
    follow_ip(*state, 97, "30 00 " ETH "08 00", PACKET_TUNNEL_ETHERIP, 0);
    follow_ip(*state, 137, "00 01 01 40", PACKET_TUNNEL_MPLS, 0);
}

static void ipv6_around_and_inside_is_followed(void **state)
{
    struct frame f;
    frame_inner(&f);
    frame_ipv6(&f, 4, 1, 2);
    assert_inner(bench_frame(*state, &f, PACKET_LINK_RAW), 40, PACKET_TUNNEL_IPIP);
    frame_payload(&f, 4);
    frame_udp(&f, 1, 2);
    frame_ipv6(&f, 17, 1, 2);
    frame_ipv6(&f, 41, 3, 4);
    frame_ipv4(&f, 41, A, B);
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
    assert_int_equal(packet->key.family, 6);
    assert_int_equal(packet->network, 60);
    assert_int_equal(packet->key.addr[0][15], 1);
    assert_int_equal(packet->tunnel, PACKET_TUNNEL_IPIP);
}

static void gre_is_followed_with_its_optional_fields(void **state)
{
    follow_ip(*state, 47, "00 00 08 00", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "20 00 08 00 00 00 00 63", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "b0 00 08 00 ab cd 00 00 00 00 00 63 00 00 00 01", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "40 00 08 00 00 00 00 00 08 00 00 04 01 02 03 04 00 00 00 00", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "00 00 65 58 " ETH "08 00", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "00 00 65 58 " ETH "81 00 00 05 08 00", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "00 00 88 47 00 01 01 40", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "00 00 88 3e", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "00 00 88 3e 00 00 00 00", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "00 00 89 09 08 00 01 01 00 01 00 00", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "00 00 65 59 18 41 03 cc", PACKET_TUNNEL_GRE, 0);
}

static void pptp_is_followed_and_its_acknowledgements_are_the_tunnels_own(void **state)
{
    follow_ip(*state, 47, "20 01 88 0b 00 28 00 07 00 21", PACKET_TUNNEL_GRE, 0);
    follow_ip(*state, 47, "30 81 88 0b 00 2a 00 07 00 00 00 01 00 00 00 02 ff 03 00 21", PACKET_TUNNEL_GRE, 0);
    struct frame f = {.size = 0};
    frame_hex(&f, "20 81 88 0b 00 00 00 07 00 00 00 02");
    frame_ipv4(&f, 47, OUTER_SRC, OUTER_DST);
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
    assert_int_equal(packet->key.proto, 47);
    assert_int_equal(packet->key.port[0] | packet->key.port[1], 0);
    assert_int_equal(packet->tunnel, 0);
    assert_int_equal(packet->payload_bytes, 12);
}

static void erspan_of_all_types_is_followed(void **state)
{
    follow_ip(*state, 47, "00 00 88 be " ETH "08 00", PACKET_TUNNEL_ERSPAN, 0);
    follow_ip(*state, 47, "10 00 88 be 00 00 00 01 10 07 08 64 00 00 00 00 " ETH "08 00", PACKET_TUNNEL_ERSPAN, 0x64);
    follow_ip(*state, 47, "10 00 22 eb 00 00 00 01 20 07 08 64 00 00 00 00 00 00 00 00 " ETH "08 00",
              PACKET_TUNNEL_ERSPAN, 0x64);
    follow_ip(*state, 47,
              "10 00 22 eb 00 00 00 01 20 07 08 64 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 " ETH "08 00",
              PACKET_TUNNEL_ERSPAN, 0x64);
}

static void vxlan_is_followed_with_its_network_id(void **state)
{
    follow_udp(*state, 4789, "08 00 00 00 00 12 34 00 " ETH "08 00", PACKET_TUNNEL_VXLAN, 0x1234);
    follow_udp(*state, 8472, "08 00 00 00 00 12 34 00 " ETH "81 00 00 05 08 00", PACKET_TUNNEL_VXLAN, 0x1234);
    follow_udp(*state, 4789, "88 00 00 0f 00 12 34 00 " ETH "08 00", PACKET_TUNNEL_VXLAN, 0x1234);
    follow_udp(*state, 4790, "0c 00 00 01 00 12 34 00", PACKET_TUNNEL_VXLAN, 0x1234);
    follow_udp(*state, 4790, "08 00 00 01 00 12 34 00", PACKET_TUNNEL_VXLAN, 0x1234);
    follow_udp(*state, 4790, "08 00 00 00 00 12 34 00 " ETH "08 00", PACKET_TUNNEL_VXLAN, 0x1234);
}

static void both_directions_share_a_key_although_their_ids_differ(void **state)
{
    static const struct {
        uint16_t port; /* 0: GRE */
        const char *there, *back;
    } cases[] = {
        {0, "20 00 08 00 00 00 00 63", "20 00 08 00 00 00 00 64"},
        {6081, "00 00 08 00 00 00 0a 00", "00 00 08 00 00 00 0b 00"},
        {2152, "30 ff 00 26 00 00 00 07", "30 ff 00 26 00 00 00 08"},
        {1701, "00 02 00 07 00 01 ff 03 00 21", "00 02 00 08 00 02 ff 03 00 21"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct packet_key keys[2];
        for (int back = 0; back < 2; back++) {
            struct frame f;
            frame_payload(&f, 10);
            frame_udp(&f, back ? 2000 : 1000, back ? 1000 : 2000);
            frame_ipv4(&f, 17, back ? B : A, back ? A : B);
            frame_hex(&f, back ? cases[i].back : cases[i].there);
            if (cases[i].port)
                frame_udp(&f, 50000, cases[i].port);
            frame_ipv4(&f, cases[i].port ? 17 : 47, back ? OUTER_DST : OUTER_SRC, back ? OUTER_SRC : OUTER_DST);
            const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
            assert_int_not_equal(packet->tunnel, 0);
            keys[back] = packet->key;
        }
        assert_memory_equal(&keys[0], &keys[1], sizeof keys[0]);
    }
}

static void networks_of_vxlan_and_sessions_of_erspan_have_keys_of_their_own(void **state)
{
    static const char *const ids[2][2] = {
        {"08 00 00 00 00 12 34 00 " ETH "08 00", "08 00 00 00 00 12 35 00 " ETH "08 00"},
        {"10 00 88 be 00 00 00 01 10 07 08 64 00 00 00 00 " ETH "08 00",
         "10 00 88 be 00 00 00 01 10 07 08 65 00 00 00 00 " ETH "08 00"},
    };
    for (int i = 0; i < 2; i++) {
        struct packet_key keys[2];
        for (int other = 0; other < 2; other++) {
            struct frame f;
            frame_inner(&f);
            frame_hex(&f, ids[i][other]);
            if (i == 0)
                frame_udp(&f, 50000, 4789);
            frame_ipv4(&f, i == 0 ? 17 : 47, OUTER_SRC, OUTER_DST);
            keys[other] = bench_frame(*state, &f, PACKET_LINK_RAW)->key;
        }
        assert_int_not_equal(keys[0].tunnel, keys[1].tunnel);
    }
}

static void geneve_is_followed_over_its_options(void **state)
{
    follow_udp(*state, 6081, "00 00 65 58 00 12 34 00 " ETH "08 00", PACKET_TUNNEL_GENEVE, 0);
    follow_udp(*state, 6081, "02 40 65 58 00 12 34 00 01 02 03 01 aa bb cc dd " ETH "08 00", PACKET_TUNNEL_GENEVE, 0);
    follow_udp(*state, 6081, "00 00 08 00 00 12 34 00", PACKET_TUNNEL_GENEVE, 0);
}

static void gtp_user_packets_are_followed_and_both_directions_share_a_key(void **state)
{
    follow_udp(*state, 2152, "30 ff 00 26 00 00 00 07", PACKET_TUNNEL_GTP, 0);
    follow_udp(*state, 2152, "32 ff 00 2a 12 34 56 78 00 01 00 00", PACKET_TUNNEL_GTP, 0);
    follow_udp(*state, 2152, "34 ff 00 2e 12 34 56 78 00 01 00 85 01 00 09 00", PACKET_TUNNEL_GTP, 0);
}

static void other_udp_tunnels_are_followed(void **state)
{
    follow_udp(*state, 1701, "00 02 00 01 00 02 ff 03 00 21", PACKET_TUNNEL_L2TP, 0);
    follow_udp(*state, 1701, "48 02 00 36 00 01 00 02 00 00 00 00 ff 03 00 21", PACKET_TUNNEL_L2TP, 0);
    follow_udp(*state, 1701, "02 02 00 01 00 02 00 02 aa bb 00 21", PACKET_TUNNEL_L2TP, 0);
    follow_udp(*state, 5247, "00 10 02 00 00 00 00 00 " ETH "08 00", PACKET_TUNNEL_CAPWAP, 0);
    follow_udp(*state, 5247,
               "00 10 03 00 00 00 00 00 08 01 00 00 " ETH "02 00 00 00 00 02 00 00 aa aa 03 00 00 00 08 00",
               PACKET_TUNNEL_CAPWAP, 0);
    follow_udp(*state, 5247,
               "00 10 03 00 00 00 00 00 01 08 00 00 " ETH "02 00 00 00 00 02 00 00 aa aa 03 00 00 00 08 00",
               PACKET_TUNNEL_CAPWAP, 0);
    follow_udp(*state, 6635, "00 01 01 40", PACKET_TUNNEL_MPLS, 0);
    follow_udp(*state, 4754, "20 00 08 00 00 00 00 63", PACKET_TUNNEL_GRE, 0);
}

static void teredo_is_followed_behind_its_indications(void **state)
{
    static const char *const fronts[] = {"", "00 00 11 22 33 44 55 66",
                                         "00 01 00 00 01 02 03 04 05 06 07 08 00 00 00 11 22 33 44 55 66"};
    for (int i = 0; i < 3; i++) {
        struct frame f;
        frame_payload(&f, 5);
        frame_udp(&f, 7, 8);
        frame_ipv6(&f, 17, 1, 2);
        memcpy(frame_at(&f, 8), "\x20\x01\0\0", 4);
        frame_hex(&f, fronts[i]);
        frame_udp(&f, 3544, 50000);
        frame_ipv4(&f, 17, OUTER_SRC, OUTER_DST);
        struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RAW);
        assert_int_equal(packet->tunnel, PACKET_TUNNEL_TEREDO);
        assert_int_equal(packet->key.family, 6);
        assert_int_equal(packet->payload_bytes, 5);
        frame_at(&f, f.size - 53)[9] = 0x02; /* neither end is of Teredo's prefix */
        assert_int_equal(bench_frame(*state, &f, PACKET_LINK_RAW)->tunnel, 0);
    }
}

/* UDP from 50000 to `port` with `hex` stays UDP. */
static void stays_udp(struct bench *bench, uint16_t port, const char *hex)
{
    struct frame f = {.size = 0};
    frame_hex(&f, hex);
    uint32_t size = f.size;
    frame_udp(&f, 50000, port);
    frame_ipv4(&f, 17, OUTER_SRC, OUTER_DST);
    frame_ethernet(&f, 0x0800);
    const struct packet *packet = bench_frame(bench, &f, PACKET_LINK_ETHERNET);
    assert_true(packet->flags & PACKET_FLOW);
    assert_int_equal(packet->tunnel, 0);
    assert_int_equal(packet->key.tunnel, 0);
    assert_int_equal(packet->key.proto, 17);
    assert_int_equal(packet->payload, 42);
    assert_int_equal(packet->payload_bytes, size);
}

static void what_only_has_the_port_of_a_tunnel_is_udp(void **state)
{
    stays_udp(*state, 4789, "00 00 00 00 00 12 34 00 " ETH "08 00 45 00");
    stays_udp(*state, 4789, "08 01 00 00 00 12 34 00 " ETH "08 00 45 00");
    stays_udp(*state, 4789, "08 00 00 00 00 12 34 00 " ETH "08 00 45 00 00 20");
    stays_udp(*state, 6081, "40 00 65 58 00 12 34 00");
    stays_udp(*state, 6081, "3f 00 65 58 00 12 34 00");
    stays_udp(*state, 2152, "32 01 00 04 00 00 00 00 00 01 00 00");
    stays_udp(*state, 2152, "30 ff 00 ff 00 00 00 07 45");
    stays_udp(*state, 2152, "34 ff 00 08 00 00 00 07 00 00 00 85 00 00 00 00");
    stays_udp(*state, 2152, "30 ff 00 02 00 00 00 07 11 22");
    stays_udp(*state, 1701, "c8 02 00 0c 00 01 00 00 00 00 00 00");
    stays_udp(*state, 5247, "01 00 00 00 16 fe ff 00");
    stays_udp(*state, 5247, "00 10 02 80 00 00 00 00 00");
    stays_udp(*state, 3544, "60 00 00 00 00 08 3b 40");
}

static void a_tunnel_that_carries_no_ip_is_a_packet_of_its_own_flow(void **state)
{
    struct bench *bench = *state;
    stays_udp(bench, 4789, "08 00 00 00 00 12 34 00 " ETH "08 06 00 01 08 00");
    struct frame f = {.size = 0};
    frame_hex(&f, "00 00 65 58 " ETH "08 06 00 01 08 00");
    frame_ipv4(&f, 47, OUTER_SRC, OUTER_DST);
    const struct packet *packet = bench_frame(bench, &f, PACKET_LINK_RAW);
    assert_true(packet->flags & PACKET_FLOW);
    assert_int_equal(packet->key.proto, 47);
    assert_int_equal(bench->ledger.count[LEDGER_not_ip], 0);
}

static void a_bad_packet_in_a_declared_tunnel_is_undecodable(void **state)
{
    struct bench *bench = *state;
    struct frame f;
    frame_inner(&f);
    *frame_at(&f, 0) = 0x44;
    frame_ipv4(&f, 4, OUTER_SRC, OUTER_DST);
    assert_false(bench_frame(bench, &f, PACKET_LINK_RAW)->flags & PACKET_FLOW);
    assert_int_equal(bench->ledger.count[LEDGER_undecodable_network], 1);
    frame_inner(&f);
    frame_put16(frame_at(&f, 24), 7);
    frame_ipv4(&f, 4, OUTER_SRC, OUTER_DST);
    bench_frame(bench, &f, PACKET_LINK_RAW);
    assert_int_equal(bench->ledger.count[LEDGER_undecodable_transport], 1);
    f.size = 0;
    frame_hex(&f, "20 00 08 00 00 00");
    frame_ipv4(&f, 47, OUTER_SRC, OUTER_DST);
    bench_frame(bench, &f, PACKET_LINK_RAW);
    assert_int_equal(bench->ledger.count[LEDGER_undecodable_network], 2);
}

static void each_tunnel_has_a_name(void **state)
{
    assert_null(decode_tunnel_name(PACKET_TUNNEL_NONE));
    for (uint8_t i = 1; i < PACKET_TUNNELS; i++)
        assert_non_null(decode_tunnel_name(i));
    assert_null(decode_tunnel_name(PACKET_TUNNELS));
    assert_string_equal(decode_tunnel_name(PACKET_TUNNEL_VXLAN), "vxlan");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_start, bench_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ip_in_ip_is_followed),
        TEST(ipv6_around_and_inside_is_followed),
        TEST(gre_is_followed_with_its_optional_fields),
        TEST(pptp_is_followed_and_its_acknowledgements_are_the_tunnels_own),
        TEST(erspan_of_all_types_is_followed),
        TEST(vxlan_is_followed_with_its_network_id),
        TEST(geneve_is_followed_over_its_options),
        TEST(both_directions_share_a_key_although_their_ids_differ),
        TEST(networks_of_vxlan_and_sessions_of_erspan_have_keys_of_their_own),
        TEST(gtp_user_packets_are_followed_and_both_directions_share_a_key),
        TEST(other_udp_tunnels_are_followed),
        TEST(teredo_is_followed_behind_its_indications),
        TEST(what_only_has_the_port_of_a_tunnel_is_udp),
        TEST(a_tunnel_that_carries_no_ip_is_a_packet_of_its_own_flow),
        TEST(a_bad_packet_in_a_declared_tunnel_is_undecodable),
        cmocka_unit_test(each_tunnel_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
