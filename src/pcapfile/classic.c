/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic pcap (draft-ietf-opsawg-pcap): a 24-byte header, then records of 16 bytes and a frame each.  The loop over
 * the records is written once and compiled for each combination of byte order, unit of time and record header, so
 * that the usual one has no branch but its bounds.  A record costs its 16 bytes read and two cache lines written.
 */
#include <string.h>

#include <weir/bytes.h>

#include "pcapfile/reader.h"

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u /* microseconds, and 8 bytes more in each record */
#define FILE_HEAD 24u

static inline uint32_t load(const uint8_t *at, bool swap)
{
    uint32_t value;
    memcpy(&value, at, 4);
    return swap ? __builtin_bswap32(value) : value;
}

__attribute__((always_inline)) static inline const uint8_t *walk(struct pcapfile *file, struct block *block,
                                                                 const uint8_t *at, const uint8_t *end, bool swap,
                                                                 uint32_t unit_ns, size_t head)
{
    struct packet *packet = block->packets + block->count;
    struct packet *stop = block->packets + PACKET_BLOCK_PACKETS;
    uint8_t link = pcapfile_port(file, 0)->link;
    while (packet < stop && (size_t)(end - at) >= head) {
        uint32_t caplen = load(at + 8, swap), wire = load(at + 12, swap);
        if (__builtin_expect(caplen > PACKET_CAPLEN_MAX, 0)) {
            pcapfile_lie(file, "packet record at byte %llu claims %u bytes",
                         (unsigned long long)pcapfile_offset(file, at), caplen);
            break;
        }
        if (__builtin_expect(caplen > (size_t)(end - at) - head, 0))
            break;
        packet->data = at + head;
        packet->ts_ns = load(at, swap) * 1000000000ull + (uint64_t)load(at + 4, swap) * unit_ns;
        packet->caplen = caplen;
        packet->wire_bytes = wire > caplen ? wire : caplen;
        packet->iface = 0;
        packet->flags = wire > caplen ? PACKET_CUT : 0;
        packet->link = link;
        at += head + caplen;
        packet++;
    }
    block->count = (uint32_t)(packet - block->packets);
    return at;
}

#define WALKER(name, swap, unit_ns, head)                                                                              \
    static const uint8_t *name(struct pcapfile *file, struct block *block, const uint8_t *at, const uint8_t *end)      \
    {                                                                                                                  \
        return walk(file, block, at, end, swap, unit_ns, head);                                                        \
    }
WALKER(walk_us, false, 1000, 16)
WALKER(walk_us_swapped, true, 1000, 16)
WALKER(walk_ns, false, 1, 16)
WALKER(walk_ns_swapped, true, 1, 16)
WALKER(walk_modified, false, 1000, 24)
WALKER(walk_modified_swapped, true, 1000, 24)

static const struct {
    uint32_t magic;
    const uint8_t *(*walk)(struct pcapfile *, struct block *, const uint8_t *, const uint8_t *);
    const uint8_t *(*walk_swapped)(struct pcapfile *, struct block *, const uint8_t *, const uint8_t *);
} kinds[] = {
    {MAGIC_US, walk_us, walk_us_swapped},
    {MAGIC_NS, walk_ns, walk_ns_swapped},
    {MAGIC_MODIFIED, walk_modified, walk_modified_swapped},
};

int pcapfile_classic_begin(struct pcapfile *file, const uint8_t *head, uint32_t size, struct error *error)
{
    if (size < 4)
        return 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bool swap = load(head, true) == kinds[i].magic;
        if (!swap && load(head, false) != kinds[i].magic)
            continue;
        if (size < FILE_HEAD)
            return error_set(error, "ends inside its header, at byte %u", size);
        uint32_t network = load(head + 20, swap);
        struct pcapfile_port *port = pcapfile_port_new(file);
        port->public.linktype = network & 0xffff;
        port->public.snaplen = load(head + 16, swap);
        if (network & 0x04000000u) /* the length of the FCS is given, in 16-bit words */
            port->public.fcs_bytes = (uint8_t)(network >> 28) * 2;
        port->link = packet_link_from(port->public.linktype);
        file->walk = swap ? kinds[i].walk_swapped : kinds[i].walk;
        file->record_name = "packet record";
        file->keep_at = FILE_HEAD;
        file->offset = FILE_HEAD;
        return 1;
    }
    return 0;
}
