/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways to an IP packet: every link header and tunnel before the same inner packet, which must be found where it is, at every
 * length that a capture may cut the frame to.
 */
#include "decode_frame.h"

/*
 * The inner packet behind the header `hex` is found, and as much of it as the capture left: cut inside the headers it is
 * undecodable, cut in the payload it says how much is there.
 */
static void follow(struct bench *bench, uint8_t link, const char *hex, uint8_t tunnel)
{
    struct frame f;
    frame_inner(&f);
    frame_hex(&f, hex);
    uint32_t at = f.size - 38;
    assert_inner(bench_frame(bench, &f, link), at, tunnel);
    for (uint32_t cap = 0; cap < f.size; cap++) {
        const struct packet *packet = bench_cut(bench, frame_data(&f), cap, f.size, link);
        if (cap < at + 28) {
            assert_false(packet->flags & PACKET_FLOW && packet->key.port[1] == 2000);
            continue;
        }
        assert_true(packet->flags & PACKET_FLOW);
        assert_true(packet->flags & PACKET_CUT);
        assert_int_equal(packet->payload_bytes, cap - at - 28);
        assert_int_equal(packet->payload_wire, 10);
    }
}

#define ETH "02 00 00 00 00 00 02 00 00 00 00 01 "
#define SNAP "aa aa 03 00 00 00 "

static void ethernet_is_followed_with_its_tags(void **state)
{
    follow(*state, PACKET_LINK_ETHERNET, ETH "08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "81 00 00 07 08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 a8 00 07 81 00 00 08 08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "91 00 00 07 91 00 00 08 81 00 00 09 08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "89 3f 00 00 00 00 00 00 81 00 00 09 08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "89 26 00 00 00 00 08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "f1 c1 00 00 00 01 08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 e7 00 00 00 01 " ETH "08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 e5 00 00 00 00 00 01 08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 e5 20 00 00 00 00 01 01 02 03 04 05 06 07 08 08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "89 09 01 01 00 01 00 00 08 00", 0);
}

static void ieee_802_3_is_followed_through_llc_and_snap(void **state)
{
    follow(*state, PACKET_LINK_ETHERNET, ETH "00 2e " SNAP "08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "00 2e aa aa 03 00 00 f8 08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "00 29 06 06 03", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "00 2a fe fe 03 cc", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 70 " SNAP "08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "81 00 00 07 00 2e " SNAP "08 00", 0);
}

static void the_outermost_vlan_is_told(void **state)
{
    struct frame f;
    frame_inner(&f);
    frame_hex(&f, ETH "08 00");
    assert_int_equal(bench_frame(*state, &f, PACKET_LINK_ETHERNET)->vlan, 0xffff);
    frame_inner(&f);
    frame_hex(&f, ETH "88 a8 20 07 81 00 00 08 08 00");
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_ETHERNET);
    assert_int_equal(packet->vlan, 7);
    assert_int_equal(packet->key.vlan, 0);
    frame_inner(&f);
    frame_hex(&f, ETH "91 00 20 09 81 00 00 08 81 00 00 0a 08 00");
    assert_int_equal(bench_frame(*state, &f, PACKET_LINK_ETHERNET)->vlan, 9);
}

static void mpls_is_followed_to_ip_and_through_pseudowires(void **state)
{
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 47 00 01 01 40", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 47 00 01 00 40 00 02 00 40 00 03 01 40", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 47 00 01 01 40 00 00 00 00 " ETH "08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 48 00 01 01 40 " ETH "08 00", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 47 00 01 01 40 " ETH "81 00 00 05 08 00", 0);
}

static void ppp_is_followed_in_all_its_framings(void **state)
{
    follow(*state, PACKET_LINK_PPP, "00 21", 0);
    follow(*state, PACKET_LINK_PPP, "21", 0);
    follow(*state, PACKET_LINK_PPP, "ff 03 00 21", 0);
    follow(*state, PACKET_LINK_PPP, "ff 03 21", 0);
    follow(*state, PACKET_LINK_PPP, "0f 00 08 00", 0);
    follow(*state, PACKET_LINK_PPP, "ff 03 02 81 00 01 01 40", 0);
    follow(*state, PACKET_LINK_PPP, "ff 03 00 31 00 01 " ETH "08 00", 0);
    follow(*state, PACKET_LINK_PPP_DIR, "01 ff 03 00 21", 0);
    follow(*state, PACKET_LINK_PPP_DIR, "01 00 21", 0);
    follow(*state, PACKET_LINK_PPP_DIR, "01 03 00 21", 0);
    follow(*state, PACKET_LINK_PPPOE, "11 00 00 01 00 28 00 21", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "88 64 11 00 00 01 00 28 00 21", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "81 00 00 07 88 64 11 00 00 01 00 28 00 21", 0);
}

static void serial_links_are_followed(void **state)
{
    follow(*state, PACKET_LINK_CHDLC, "0f 00 08 00", 0);
    follow(*state, PACKET_LINK_FRELAY, "18 41 03 cc", 0);
    follow(*state, PACKET_LINK_FRELAY, "18 40 41 03 cc", 0);
    follow(*state, PACKET_LINK_FRELAY, "18 40 40 41 03 00 cc", 0);
    follow(*state, PACKET_LINK_FRELAY, "18 41 03 00 80 00 00 00 08 00", 0);
    follow(*state, PACKET_LINK_FRELAY, "18 41 03 00 80 00 80 c2 00 07 " ETH "08 00", 0);
    follow(*state, PACKET_LINK_FRELAY, "18 41 08 00", 0);
    follow(*state, PACKET_LINK_MFR, "c0 01 18 41 03 cc", 0);
}

static void captures_of_an_operating_system_are_followed(void **state)
{
    follow(*state, PACKET_LINK_RAW, "", 0);
    follow(*state, PACKET_LINK_NULL, "02 00 00 00", 0);
    follow(*state, PACKET_LINK_NULL, "00 00 00 02", 0);
    follow(*state, PACKET_LINK_LOOP, "00 00 00 02", 0);
    follow(*state, PACKET_LINK_ENC, "02 00 00 00 00 00 00 01 00 00 00 00", 0);
    follow(*state, PACKET_LINK_SLL, "00 00 00 01 00 06 02 00 00 00 00 01 00 00 08 00", 0);
    follow(*state, PACKET_LINK_SLL, "00 00 00 01 00 06 02 00 00 00 00 01 00 00 81 00 00 07 08 00", 0);
    follow(*state, PACKET_LINK_SLL, "00 00 00 01 00 06 02 00 00 00 00 01 00 00 00 04 " SNAP "08 00", 0);
    follow(*state, PACKET_LINK_SLL2, "08 00 00 00 00 00 00 02 00 01 00 06 02 00 00 00 00 01 00 00", 0);
    follow(*state, PACKET_LINK_NFLOG, "02 00 00 05 08 00 01 00 08 00 01 00 05 00 0a 00 78 00 00 00 2a 00 09 00", 0);
    follow(*state, PACKET_LINK_NFLOG, "02 00 00 05 00 08 00 01 08 00 01 00 00 2a 00 09", 0);
    follow(*state, PACKET_LINK_PKTAP, "10 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00 " ETH "08 00", 0);
}

static void rarer_networks_are_followed(void **state)
{
    follow(*state, PACKET_LINK_TOKEN_RING, "10 40 02 00 00 00 00 00 02 00 00 00 00 01 " SNAP "08 00", 0);
    follow(*state, PACKET_LINK_TOKEN_RING, "10 40 02 00 00 00 00 00 82 00 00 00 00 01 04 30 00 10 " SNAP "08 00", 0);
    follow(*state, PACKET_LINK_FDDI, "50 " ETH SNAP "08 00", 0);
    follow(*state, PACKET_LINK_ATM_RFC1483, SNAP "08 00", 0);
    follow(*state, PACKET_LINK_ATM_RFC1483, "aa aa 03 00 80 c2 00 07 00 00 " ETH "08 00", 0);
    follow(*state, PACKET_LINK_IP_OVER_FC, "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 " SNAP "08 00", 0);
    follow(*state, PACKET_LINK_DOCSIS, "00 00 00 34 00 00 " ETH "08 00", 0);
    follow(*state, PACKET_LINK_DOCSIS, "01 02 00 34 aa bb 00 00 " ETH "08 00", 0);
    follow(*state, PACKET_LINK_JUNIPER_ETHER, "4d 47 43 01 " ETH "08 00", 0);
    follow(*state, PACKET_LINK_JUNIPER_ETHER, "4d 47 43 81 00 03 01 01 09 " ETH "08 00", 0);
    follow(*state, PACKET_LINK_JUNIPER_PPPOE, "4d 47 43 02 00 00 00 00", 0);
    follow(*state, PACKET_LINK_ARCNET, "01 02 00 00 f0", 0);
    follow(*state, PACKET_LINK_ARCNET, "01 02 00 00 d4 00 00 01", 0);
    follow(*state, PACKET_LINK_ETHERNET, ETH "89 4f 00 02 01 01 00 00 00 00", 0);
}

#define WLAN "02 00 00 00 00 00 02 00 00 00 00 01 02 00 00 00 00 02 00 00 "

static void data_frames_of_802_11_are_followed(void **state)
{
    follow(*state, PACKET_LINK_80211, "08 01 00 00 " WLAN SNAP "08 00", 0);
    follow(*state, PACKET_LINK_80211, "88 01 00 00 " WLAN "00 00 " SNAP "08 00", 0);
    follow(*state, PACKET_LINK_80211, "08 03 00 00 " WLAN "02 00 00 00 00 03 " SNAP "08 00", 0);
    follow(*state, PACKET_LINK_80211, "88 83 00 00 " WLAN "02 00 00 00 00 03 00 00 00 00 00 00 " SNAP "08 00", 0);
    follow(*state, PACKET_LINK_80211, "88 01 00 00 " WLAN "80 00 " ETH "00 2e " SNAP "08 00", 0);
    follow(*state, PACKET_LINK_RADIOTAP, "00 00 08 00 00 00 00 00 08 01 00 00 " WLAN SNAP "08 00", 0);
    follow(*state, PACKET_LINK_RADIOTAP,
           "00 00 19 00 03 00 00 80 00 00 00 00 00 00 00 00 01 02 03 04 05 06 07 08 20 88 01 00 00 " WLAN
           "00 00 00 00 " SNAP "08 00",
           0);
    follow(*state, PACKET_LINK_AVS, "80 21 10 01 00 00 00 08 08 01 00 00 " WLAN SNAP "08 00", 0);
    follow(*state, PACKET_LINK_PRISM, "44 00 00 00 0a 00 00 00 00 00 08 01 00 00 " WLAN SNAP "08 00", 0);
    follow(*state, PACKET_LINK_PRISM, "00 00 00 44 00 00 00 0a 00 00 08 01 00 00 " WLAN SNAP "08 00", 0);
    follow(*state, PACKET_LINK_PRISM, "80 21 10 01 00 00 00 08 08 01 00 00 " WLAN SNAP "08 00", 0);
    follow(*state, PACKET_LINK_PPI, "00 00 08 00 69 00 00 00 08 01 00 00 " WLAN SNAP "08 00", 0);
    follow(*state, PACKET_LINK_PPI, "00 00 08 00 01 00 00 00 " ETH "08 00", 0);
}

/* What ends the walk without error or with one; `cause` must grow, and the frame belongs to no flow. */
static void ends(struct bench *bench, uint8_t link, const char *hex, enum ledger_cause cause)
{
    struct frame f;
    frame_inner(&f);
    frame_hex(&f, hex);
    uint64_t before = bench->ledger.count[cause];
    const struct packet *packet = bench_frame(bench, &f, link);
    assert_false(packet->flags & PACKET_FLOW);
    assert_int_equal(packet->payload_bytes, 0);
    assert_int_equal(bench->ledger.count[cause], before + 1);
}

static void what_carries_no_ip_is_analysed_and_noted(void **state)
{
    ends(*state, PACKET_LINK_ETHERNET, ETH "08 06", LEDGER_not_ip);
    ends(*state, PACKET_LINK_ETHERNET, ETH "88 cc", LEDGER_not_ip);
    ends(*state, PACKET_LINK_ETHERNET, ETH "00 26 42 42 03", LEDGER_not_ip);
    ends(*state, PACKET_LINK_ETHERNET, ETH "88 63 11 09 00 00 00 00", LEDGER_not_ip);
    ends(*state, PACKET_LINK_ETHERNET, ETH "88 e5 0c 00 00 00 00 01 08 00", LEDGER_not_ip);
    ends(*state, PACKET_LINK_PPP, "ff 03 c0 21", LEDGER_not_ip);
    ends(*state, PACKET_LINK_80211, "80 00 00 00 " WLAN, LEDGER_not_ip);
    ends(*state, PACKET_LINK_80211, "08 41 00 00 " WLAN, LEDGER_not_ip);
    ends(*state, PACKET_LINK_80211, "48 01 00 00 " WLAN, LEDGER_not_ip);
    ends(*state, PACKET_LINK_80211, "08 05 00 00 " WLAN SNAP "08 00", LEDGER_not_ip);
    ends(*state, PACKET_LINK_SLL, "00 00 03 38 00 06 02 00 00 00 00 01 00 00 08 00", LEDGER_not_ip);
    ends(*state, PACKET_LINK_NULL, "07 00 00 00", LEDGER_not_ip);
    ends(*state, PACKET_LINK_MFR, "80 01 18 41 03 cc", LEDGER_not_ip);
}

static void bad_link_headers_are_undecodable(void **state)
{
    ends(*state, PACKET_LINK_UNKNOWN, "", LEDGER_undecodable_link);
    ends(*state, 200, "", LEDGER_undecodable_link);
    ends(*state, PACKET_LINK_PPPOE, "21 00 00 01 00 28 00 21", LEDGER_undecodable_link);
    ends(*state, PACKET_LINK_FRELAY, "18 40 40 40 41 03 cc", LEDGER_undecodable_link);
    ends(*state, PACKET_LINK_RADIOTAP, "00 00 07 00 00 00 00 00", LEDGER_undecodable_link);
    ends(*state, PACKET_LINK_RADIOTAP, "00 00 ff 00 00 00 00 00", LEDGER_undecodable_link);
    ends(*state, PACKET_LINK_RADIOTAP, "00 00 08 00 00 00 00 80", LEDGER_undecodable_link);
    ends(*state, PACKET_LINK_PPI, "00 00 ff 00 69 00 00 00", LEDGER_undecodable_link);
    ends(*state, PACKET_LINK_NFLOG, "02 00 00 05 03 00 01 00", LEDGER_undecodable_link);
    ends(*state, PACKET_LINK_JUNIPER_ETHER, "4d 47 44 01", LEDGER_undecodable_link);
    ends(*state, PACKET_LINK_PKTAP, "00 ff 00 00 01 00 00 00 01 00 00 00", LEDGER_undecodable_link);
}

static void layers_beyond_the_bound_are_counted_as_depth(void **state)
{
    struct bench *bench = *state;
    struct frame f;
    frame_inner(&f);
    for (int i = 0; i < 40; i++) {
        frame_ipv4(&f, 4, A, B);
    }
    assert_false(bench_frame(bench, &f, PACKET_LINK_RAW)->flags & PACKET_FLOW);
    assert_int_equal(bench->ledger.count[LEDGER_undecodable_depth], 1);
    frame_inner(&f);
    frame_hex(&f, "08 00");
    for (int i = 0; i < 200; i++)
        frame_hex(&f, "81 00 00 01");
    frame_hex(&f, ETH);
    bench_frame(bench, &f, PACKET_LINK_ETHERNET);
    assert_int_equal(bench->ledger.count[LEDGER_undecodable_depth], 2);
    ends(bench, PACKET_LINK_ETHERNET,
         ETH "88 47 00 01 00 40 00 01 00 40 00 01 00 40 00 01 00 40 00 01 00 40 00 01 00 40 00 01 00 40 00 01 00 40 00 "
             "01 00 40 "
             "00 01 00 40 00 01 00 40 00 01 00 40 00 01 00 40 00 01 00 40 00 01 00 40 00 01 00 40 00 01 01 40",
         LEDGER_undecodable_depth);
}

static void a_frame_check_sequence_is_not_payload(void **state)
{
    /* an 802.11 frame that ends in four bytes of check sequence; a bound is needed where IP gives no length of its own */
    struct frame f;
    frame_payload(&f, 14); /* ten, and four of the check sequence */
    frame_udp(&f, 1000, 2000);
    frame_put16(frame_at(&f, 4), 18);
    frame_ipv4(&f, 17, A, B);
    frame_put16(frame_at(&f, 2), 0);
    frame_hex(&f, "00 00 09 00 02 00 00 00 10 08 01 00 00 " WLAN SNAP "08 00");
    const struct packet *packet = bench_frame(*state, &f, PACKET_LINK_RADIOTAP);
    assert_inner(packet, f.size - 42, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_start, bench_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ethernet_is_followed_with_its_tags),
        TEST(ieee_802_3_is_followed_through_llc_and_snap),
        TEST(the_outermost_vlan_is_told),
        TEST(mpls_is_followed_to_ip_and_through_pseudowires),
        TEST(ppp_is_followed_in_all_its_framings),
        TEST(serial_links_are_followed),
        TEST(captures_of_an_operating_system_are_followed),
        TEST(rarer_networks_are_followed),
        TEST(data_frames_of_802_11_are_followed),
        TEST(what_carries_no_ip_is_analysed_and_noted),
        TEST(bad_link_headers_are_undecodable),
        TEST(layers_beyond_the_bound_are_counted_as_depth),
        TEST(a_frame_check_sequence_is_not_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
