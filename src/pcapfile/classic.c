/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic pcap (draft-ietf-opsawg-pcap): a 24-byte header, then records of 16 bytes and a frame each.  The loop over
 * the records is written once and compiled for each combination of byte order, unit of time and record header, so
 * that the usual one has no branch but its bounds.  A record costs its 16 bytes read and two cache lines written.
 *
 * Before version 2.3 of the format the two lengths of a record stood the other way round; writers of 2.3 itself did not
 * agree, so there the smaller is that of the bytes captured.  Those files are walked by a loop for all of them.
 */
#include <string.h>

#include <weir/bytes.h>

#include "pcapfile/reader.h"

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u /* microseconds, and 8 bytes more in each record */
#define FILE_HEAD 24u
#define VERSION_OLDEST 0x20000u   /* 2.0; who says less does not know the format's history */
#define VERSION_SWAPPED 0x20002u  /* 2.2: up to this one the length on the wire comes first */
#define VERSION_DOUBTFUL 0x20003u /* 2.3 */

static inline uint32_t load(const uint8_t *at, bool swap)
{
    uint32_t value;
    memcpy(&value, at, 4);
    return swap ? __builtin_bswap32(value) : value;
}

static uint16_t load16(const uint8_t *at, bool swap)
{
    uint16_t value;
    memcpy(&value, at, 2);
    return swap ? __builtin_bswap16(value) : value;
}

__attribute__((always_inline)) static inline const uint8_t *walk(struct pcapfile *file, struct block *block,
                                                                 const uint8_t *at, const uint8_t *end, bool swap,
                                                                 uint32_t unit_ns, size_t head, uint32_t version)
{
    struct packet *packet = block->packets + block->count;
    struct packet *stop = block->packets + PACKET_BLOCK_PACKETS;
    uint8_t link = pcapfile_port(file, 0)->link;
    while (packet < stop && (size_t)(end - at) >= head) {
        uint32_t caplen = load(at + 8, swap), wire = load(at + 12, swap);
        if (version <= VERSION_SWAPPED || (version == VERSION_DOUBTFUL && caplen > wire)) {
            uint32_t first = caplen;
            caplen = wire;
            wire = first;
        }
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
        return walk(file, block, at, end, swap, unit_ns, head, UINT32_MAX);                                            \
    }
WALKER(walk_us, false, 1000, 16)
WALKER(walk_us_swapped, true, 1000, 16)
WALKER(walk_ns, false, 1, 16)
WALKER(walk_ns_swapped, true, 1, 16)
WALKER(walk_modified, false, 1000, 24)
WALKER(walk_modified_swapped, true, 1000, 24)

static const uint8_t *walk_old(struct pcapfile *file, struct block *block, const uint8_t *at, const uint8_t *end)
{
    return walk(file, block, at, end, file->swapped, file->unit_ns, file->record_head, file->version);
}

static const struct {
    uint32_t magic;
    uint32_t unit_ns, head;
    const uint8_t *(*walk)(struct pcapfile *, struct block *, const uint8_t *, const uint8_t *);
    const uint8_t *(*walk_swapped)(struct pcapfile *, struct block *, const uint8_t *, const uint8_t *);
} kinds[] = {
    {MAGIC_US, 1000, 16, walk_us, walk_us_swapped},
    {MAGIC_NS, 1, 16, walk_ns, walk_ns_swapped},
    {MAGIC_MODIFIED, 1000, 24, walk_modified, walk_modified_swapped},
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
        port->public.linktype_at = 20;
        port->public.snaplen = load(head + 16, swap);
        if (network & 0x04000000u) /* the length of the FCS is given, in 16-bit words */
            port->public.fcs_bytes = (uint8_t)(network >> 28) * 2;
        port->link = packet_link_from(port->public.linktype);
        file->walk = swap ? kinds[i].walk_swapped : kinds[i].walk;
        file->version = (uint32_t)load16(head + 4, swap) << 16 | load16(head + 6, swap);
        if (file->version >= VERSION_OLDEST && file->version <= VERSION_DOUBTFUL) {
            file->walk = walk_old;
            file->swapped = swap;
            file->unit_ns = kinds[i].unit_ns;
            file->record_head = kinds[i].head;
        }
        file->record_name = "packet record";
        file->keep_at = FILE_HEAD;
        file->offset = FILE_HEAD;
        return 1;
    }
    return 0;
}
