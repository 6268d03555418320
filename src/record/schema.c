/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas as readers see them: the columns that every row of a flow starts with, then the table's own, numbered as
 * one list; and the names of IP protocols, after IANA's keywords in lower case ("icmp6" for 58, as filters say it).
 */
#include "record/record.h"

static const struct weir_column base_columns[RECORD_BASE_COLUMNS] = {
    {"ts", "frame.time", "", "packet time of what the row tells of", WEIR_TIME, 0},
    {"uid", "", "", "the flow's identifier, the same in every run over the same packets", WEIR_ID, 0},
    {"src_ip", "ip.src", "source.address", "address of the originator", WEIR_IP, 0},
    {"src_port", "tcp.srcport", "source.port", "port of the originator; null where the protocol has none", WEIR_U16, 0},
    {"dst_ip", "ip.dst", "destination.address", "address of the responder", WEIR_IP, 0},
    {"dst_port", "tcp.dstport", "destination.port", "port of the responder; null where the protocol has none", WEIR_U16,
     0},
    {"proto", "ip.proto", "network.transport", "IP protocol: tcp, udp, sctp, icmp, icmp6 ... or its number", WEIR_STR,
     0},
};

uint32_t record_column_count(const struct weir_table *table)
{
    return table->column_count + (table->bare ? 0 : RECORD_BASE_COLUMNS);
}

const struct weir_column *record_column(const struct weir_table *table, uint32_t i)
{
    if (table->bare)
        return &table->columns[i];
    return i < RECORD_BASE_COLUMNS ? &base_columns[i] : &table->columns[i - RECORD_BASE_COLUMNS];
}

int record_column_find(const struct weir_table *table, const char *name)
{
    uint32_t count = record_column_count(table);
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(record_column(table, i)->name, name) == 0)
            return (int)i;
    return -1;
}

static const char *const proto_names[256] = {
    [0] = "hopopt", [1] = "icmp",     [2] = "igmp",   [3] = "ggp",       [4] = "ipip",       [5] = "st",
    [6] = "tcp",    [8] = "egp",      [9] = "igp",    [17] = "udp",      [33] = "dccp",      [41] = "ipv6",
    [46] = "rsvp",  [47] = "gre",     [50] = "esp",   [51] = "ah",       [58] = "icmp6",     [88] = "eigrp",
    [89] = "ospf",  [97] = "etherip", [103] = "pim",  [108] = "ipcomp",  [112] = "vrrp",     [115] = "l2tp",
    [124] = "isis", [132] = "sctp",   [133] = "fc",   [136] = "udplite", [137] = "mpls",     [138] = "manet",
    [139] = "hip",  [140] = "shim6",  [141] = "wesp", [142] = "rohc",    [143] = "ethernet",
};

#define NUMBERS(tens)                                                                                                  \
#tens "0", #tens "1", #tens "2", #tens "3", #tens "4", #tens "5", #tens "6", #tens "7", #tens "8", #tens "9"
static const char *const proto_numbers[260] = {
    "0",         "1",         "2",         "3",         "4",         "5",         "6",         "7",         "8",
    "9",         NUMBERS(1),  NUMBERS(2),  NUMBERS(3),  NUMBERS(4),  NUMBERS(5),  NUMBERS(6),  NUMBERS(7),  NUMBERS(8),
    NUMBERS(9),  NUMBERS(10), NUMBERS(11), NUMBERS(12), NUMBERS(13), NUMBERS(14), NUMBERS(15), NUMBERS(16), NUMBERS(17),
    NUMBERS(18), NUMBERS(19), NUMBERS(20), NUMBERS(21), NUMBERS(22), NUMBERS(23), NUMBERS(24), NUMBERS(25),
};
#undef NUMBERS

const char *record_proto_name(uint8_t proto)
{
    return proto_names[proto] ? proto_names[proto] : proto_numbers[proto];
}
