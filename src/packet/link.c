/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/packet.h"

/* LINKTYPE_ numbers as registered with the pcap file format; those of DLT_RAW differ by system. */
uint8_t packet_link_from(uint32_t linktype)
{
    switch (linktype) {
    case 0: return PACKET_LINK_NULL;
    case 1: return PACKET_LINK_ETHERNET;
    case 6: return PACKET_LINK_TOKEN_RING;
    case 9: return PACKET_LINK_PPP;
    case 10: return PACKET_LINK_FDDI;
    case 11: return PACKET_LINK_ATM_RFC1483;
    case 12: return PACKET_LINK_RAW; /* DLT_RAW of most systems */
    case 14: return PACKET_LINK_RAW; /* DLT_RAW of OpenBSD */
    case 50: return PACKET_LINK_PPP; /* in HDLC-like framing, RFC 1662 */
    case 51: return PACKET_LINK_PPPOE;
    case 100: return PACKET_LINK_ATM_RFC1483;
    case 101: return PACKET_LINK_RAW;
    case 104: return PACKET_LINK_CHDLC;
    case 105: return PACKET_LINK_80211;
    case 107: return PACKET_LINK_FRELAY;
    case 108: return PACKET_LINK_LOOP;
    case 109: return PACKET_LINK_ENC;
    case 113: return PACKET_LINK_SLL;
    case 119: return PACKET_LINK_PRISM;
    case 122: return PACKET_LINK_IP_OVER_FC;
    case 127: return PACKET_LINK_RADIOTAP;
    case 129: return PACKET_LINK_ARCNET;
    case 143: return PACKET_LINK_DOCSIS;
    case 149: return PACKET_LINK_PKTAP; /* LINKTYPE_USER2, as Darwin writes it; the header is checked */
    case 163: return PACKET_LINK_AVS;
    case 166: return PACKET_LINK_PPP_DIR;
    case 167: return PACKET_LINK_JUNIPER_PPPOE;
    case 178: return PACKET_LINK_JUNIPER_ETHER;
    case 182: return PACKET_LINK_MFR;
    case 192: return PACKET_LINK_PPI;
    case 204: return PACKET_LINK_PPP_DIR;
    case 228: return PACKET_LINK_RAW; /* IPv4 */
    case 229: return PACKET_LINK_RAW; /* IPv6 */
    case 239: return PACKET_LINK_NFLOG;
    case 242: return PACKET_LINK_INFINIBAND;
    case 258: return PACKET_LINK_PKTAP;
    case 276: return PACKET_LINK_SLL2;
    default: return PACKET_LINK_UNKNOWN;
    }
}
