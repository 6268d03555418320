/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of any link kind through src/decode, several a run so that fragments meet.
 *
 * Input: a byte for the link kind, one for settings; then packets, each with two bytes of length (little-endian), one of bytes that the
 * capture cut, one of time passed (100 ms each).  Every packet is laid into memory of its own, so that reads beyond it are seen.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "decode/decode.h"

#define PACKETS_MAX 64u

static void check(const struct packet *packet)
{
    if (!(packet->flags & PACKET_FLOW)) {
        WEIR_CHECK(packet->payload_bytes == 0 && packet->key.family == 0);
        return;
    }
    WEIR_CHECK(packet->key.family == 4 || packet->key.family == 6);
    WEIR_CHECK(packet->network < packet->caplen && packet->transport <= packet->caplen);
    WEIR_CHECK(packet->network < packet->transport && packet->transport <= packet->payload);
    WEIR_CHECK(packet->payload_bytes <= packet->caplen && packet->payload <= packet->caplen - packet->payload_bytes);
    WEIR_CHECK(packet->payload_bytes <= packet->payload_wire);
    WEIR_CHECK(packet->shard < PACKET_SHARDS && packet->key.zero == 0);
    WEIR_CHECK(packet->data[packet->network] >> 4 == packet->key.family);
    if (packet->flags & PACKET_TCP)
        WEIR_CHECK(packet->key.proto == 6 && packet->transport + 20u <= packet->caplen);
    uint32_t sum = 0; /* payload is there to be read */
    for (uint32_t i = 0; i < packet->payload_bytes; i++)
        sum += packet->data[packet->payload + i];
    WEIR_CHECK(sum <= packet->payload_bytes * 255u);
    WEIR_CHECK(memcmp(packet->key.addr[0], packet->key.addr[1], 16) <= 0);
}

static void check_ledger(const struct ledger *ledger, uint32_t frames)
{
    uint64_t out = ledger->count[LEDGER_analysed];
    for (int i = LEDGER_undecodable_link; i <= LEDGER_undecodable_depth; i++)
        out += ledger->count[i];
    WEIR_CHECK(out == frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct block *block;
    if (!block)
        block = block_new();
    if (size < 2)
        return 0;
    uint8_t link = data[0] % (PACKET_LINKS + 1);
    struct decode_options options = {
        .hash_key = {1, 2}, .vlan_in_key = data[1] & 1, .fragment_bytes = data[1] & 2 ? 1 : 1u << 20};
    struct decode *decode = decode_new(&options);
    struct ledger ledger = {0};
    uint8_t *copies[PACKETS_MAX];
    uint64_t now_ns = 0;
    block->count = 0;
    block->used = data[1] & 4 ? PACKET_BLOCK_BYTES - 600 : 0;
    for (size_t at = 2; at + 4 <= size && block->count < PACKETS_MAX;) {
        uint32_t caplen = data[at] | data[at + 1] << 8, cut = data[at + 2];
        now_ns += data[at + 3] * 100000000ull;
        at += 4;
        if (caplen > size - at)
            caplen = (uint32_t)(size - at);
        uint8_t *copy = copies[block->count] = malloc(caplen ? caplen : 1);
        memcpy(copy, data + at, caplen);
        at += caplen;
        block->packets[block->count++] = (struct packet){.data = copy,
                                                         .caplen = caplen,
                                                         .wire_bytes = caplen + cut,
                                                         .ts_ns = now_ns,
                                                         .flags = cut ? PACKET_CUT : 0,
                                                         .link = link};
    }
    decode_block(decode, block, &ledger);
    check_ledger(&ledger, block->count);
    for (uint32_t i = 0; i < block->count; i++) {
        check(&block->packets[i]);
        free(copies[i]);
    }
    decode_free(decode);
    return 0;
}
