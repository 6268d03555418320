/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapng (draft-ietf-opsawg-pcapng): blocks, each with its type, its length, and its length again at the end.  A
 * Section Header Block may change the byte order and starts the numbering of interfaces anew; here they are numbered
 * through.
 *
 * The loop over blocks is compiled for both byte orders; only a section header leaves it.  A block that holds a
 * packet is taken when all of it is in hand, or, where its options are very long, when the packet is.  Of all others
 * no more than the first OPTION_BYTES are looked at; the rest is skipped as it comes, so that no block, however
 * long, needs memory.
 *
 * Broken framing (lengths that do not add up) ends the reading, as nothing behind it can be trusted; options that
 * do not add up end only the reading of options.
 */
#include <string.h>

#include <weir/bytes.h>

#include "pcapfile/reader.h"

#define SECTION 0x0a0d0d0au
#define INTERFACE 1u
#define PACKET_OBSOLETE 2u
#define PACKET_SIMPLE 3u
#define STATISTICS 5u
#define PACKET_ENHANCED 6u

#define ORDER 0x1a2b3c4du
#define OPTION_BYTES (64u << 10)
#define PACKET_HEAD 28u /* of Enhanced and obsolete Packet Blocks, before the frame */

enum step { ON, WAIT, LIED, NEW_SECTION };

/* One block in hand: [at, end) is what there is from its start, `bytes` what it says it has. */
struct ng_block {
    const uint8_t *at, *end;
    uint32_t type, bytes;
};

static inline uint16_t load16(const uint8_t *at, bool swap)
{
    uint16_t value = weir_load_le16(at);
    return swap ? __builtin_bswap16(value) : value;
}

static inline uint32_t load32(const uint8_t *at, bool swap)
{
    uint32_t value = weir_load_le32(at);
    return swap ? __builtin_bswap32(value) : value;
}

static uint64_t load64(const uint8_t *at, bool swap)
{
    uint64_t value = weir_load_le64(at);
    return swap ? __builtin_bswap64(value) : value;
}

static unsigned long long offset(const struct pcapfile *file, const uint8_t *at)
{
    return pcapfile_offset(file, at);
}

/* Any unit, any offset, any stamp: saturates at both ends. */
__attribute__((noinline)) static uint64_t time_slow(const struct pcapfile_port *port, uint64_t units)
{
    __extension__ unsigned __int128 ns = units;
    if (port->binary) {
        ns = ns * 1000000000u >> port->exponent; /* below 2^94 */
    } else {
        uint64_t factor = 1;
        unsigned powers = port->exponent <= 9 ? 9u - port->exponent : port->exponent - 9u;
        for (unsigned i = 0; i < powers && i < 19; i++) /* 10^19 < 2^64 */
            factor *= 10;
        ns = port->exponent <= 9 ? ns * factor : ns / factor;
        if (powers > 19)
            ns = 0;
    }
    uint64_t since = ns > PCAPFILE_TIME_MAX ? PCAPFILE_TIME_MAX : (uint64_t)ns;
    int64_t sum;
    if (__builtin_add_overflow((int64_t)since, port->offset_ns, &sum))
        return PCAPFILE_TIME_MAX; /* since >= 0, so it can overflow only upwards */
    return sum < 0 ? 0 : (uint64_t)sum;
}

static inline uint64_t time_of(const struct pcapfile_port *port, uint64_t units)
{
    return __builtin_expect(units - 1 < port->fast_below, 1) ? units * port->scale : time_slow(port, units);
}

static inline void append(struct pcapfile *file, struct block *block, uint32_t port, const uint8_t *data,
                          uint32_t caplen, uint32_t wire)
{
    struct packet *packet = block->packets + block->count++;
    packet->data = data;
    packet->ts_ns = file->last_ns;
    packet->caplen = caplen;
    packet->wire_bytes = wire > caplen ? wire : caplen;
    packet->iface = (uint16_t)port;
    packet->flags = wire > caplen ? PACKET_CUT : 0;
    packet->link = pcapfile_port(file, port)->link;
}

/*
 * Goes to the end of a block of which the first `taken` bytes are done with; what is not there is skipped as it
 * comes.
 */
static inline enum step finish(struct pcapfile *file, struct ng_block *b, uint32_t taken, bool swap)
{
    if ((size_t)(b->end - b->at) >= b->bytes) {
        uint32_t again = load32(b->at + b->bytes - 4, swap);
        if (again != b->bytes) {
            pcapfile_lie(file, "block at byte %llu is %u bytes long at its start and %u at its end",
                         offset(file, b->at), b->bytes, again);
            return LIED;
        }
        b->at += b->bytes;
        return ON;
    }
    file->block_at = pcapfile_offset(file, b->at);
    file->skip = b->bytes - 4 - taken;
    file->trailer = b->bytes;
    b->at += taken;
    return ON;
}

/* Goes on with a block that is being skipped. */
static enum step skip_on(struct pcapfile *file, struct ng_block *b, bool swap)
{
    uint64_t some = (uint64_t)(b->end - b->at);
    if (some > file->skip)
        some = file->skip;
    b->at += some;
    file->skip -= some;
    if (file->skip || b->end - b->at < 4)
        return WAIT;
    uint32_t again = load32(b->at, swap);
    if (again != file->trailer) {
        pcapfile_lie(file, "block at byte %llu is %u bytes long at its start and %u at its end",
                     (unsigned long long)file->block_at, file->trailer, again);
        return LIED;
    }
    file->trailer = 0;
    b->at += 4;
    return ON;
}

static enum step too_short(struct pcapfile *file, const struct ng_block *b)
{
    pcapfile_lie(file, "block at byte %llu claims %u bytes, too few for its type", offset(file, b->at), b->bytes);
    return LIED;
}

/* The bounds that all three packet blocks share.  `head` bytes stand before the frame. */
static inline enum step packet_fits(struct pcapfile *file, const struct ng_block *b, uint32_t caplen, uint32_t head,
                                    uint32_t port)
{
    if (__builtin_expect(caplen > PACKET_CAPLEN_MAX || caplen > b->bytes - head - 4, 0)) {
        pcapfile_lie(file, "packet block at byte %llu claims %u bytes", offset(file, b->at), caplen);
        return LIED;
    }
    if (__builtin_expect(port >= file->port_count - file->section_port, 0)) {
        pcapfile_lie(file, "packet block at byte %llu names interface %u of %u", offset(file, b->at), port,
                     file->port_count - file->section_port);
        return LIED;
    }
    size_t there = (size_t)(b->end - b->at);
    if (there >= b->bytes)
        return ON;
    return b->bytes > PACKET_CAPLEN_MAX && there >= head + caplen ? ON : WAIT;
}

/* Enhanced and obsolete Packet Block: they differ in how they name the interface. */
__attribute__((always_inline)) static inline enum step packet_block(struct pcapfile *file, struct block *block,
                                                                    struct ng_block *b, bool swap)
{
    if (__builtin_expect(b->bytes < PACKET_HEAD + 4, 0))
        return too_short(file, b);
    if ((size_t)(b->end - b->at) < PACKET_HEAD)
        return WAIT;
    uint32_t port = b->type == PACKET_ENHANCED ? load32(b->at + 8, swap) : load16(b->at + 8, swap);
    uint64_t units = (uint64_t)load32(b->at + 12, swap) << 32 | load32(b->at + 16, swap);
    uint32_t caplen = load32(b->at + 20, swap), wire = load32(b->at + 24, swap);
    enum step step = packet_fits(file, b, caplen, PACKET_HEAD, port);
    if (step != ON)
        return step;
    const uint8_t *data = b->at + PACKET_HEAD;
    step = finish(file, b, PACKET_HEAD + caplen, swap);
    if (step != ON)
        return step;
    port += file->section_port;
    file->last_ns = time_of(pcapfile_port(file, port), units);
    append(file, block, port, data, caplen, wire);
    return ON;
}

/* Simple Packet Block: of the section's first interface, with no stamp, so it gets that of the packet before. */
static enum step simple_block(struct pcapfile *file, struct block *block, struct ng_block *b, bool swap)
{
    if (b->bytes < 16)
        return too_short(file, b);
    uint32_t wire = load32(b->at + 8, swap);
    uint32_t caplen = b->bytes - 16;
    if (caplen > wire)
        caplen = wire;
    if (file->port_count > file->section_port) {
        uint32_t snaplen = pcapfile_port(file, file->section_port)->public.snaplen;
        if (snaplen && caplen > snaplen)
            caplen = snaplen;
    }
    enum step step = packet_fits(file, b, caplen, 12, 0);
    const uint8_t *data = b->at + 12;
    if (step == ON)
        step = finish(file, b, 12 + caplen, swap);
    if (step == ON)
        append(file, block, file->section_port, data, caplen, wire);
    return step;
}

/* The next option in `bytes`, its value as a cursor; false at their end. */
static bool option(struct weir_bytes *bytes, bool swap, uint16_t *code, struct weir_bytes *value)
{
    const uint8_t *head = weir_take(bytes, 4);
    if (!head)
        return false;
    *code = load16(head, swap);
    uint16_t size = load16(head + 2, swap);
    *value = weir_sub(bytes, size);
    weir_skip(bytes, -size & 3u);
    return !value->bad && *code != 0;
}

/* A block's options, as far as they are looked at. */
static struct weir_bytes options(const struct ng_block *b, uint32_t head)
{
    uint32_t stop = b->bytes - 4 < OPTION_BYTES ? b->bytes - 4 : OPTION_BYTES;
    return weir_bytes(b->at + head, stop - head);
}

static void set_name(struct pcapfile_iface *iface, const struct weir_bytes *value)
{
    size_t size = strnlen((const char *)value->at, weir_left(value));
    if (size >= sizeof iface->name) {
        size = sizeof iface->name - 1;
        while (size && (value->at[size] & 0xc0) == 0x80) /* not in the middle of a UTF-8 character */
            size--;
    }
    memcpy(iface->name, value->at, size);
    iface->name[size] = '\0';
}

static void set_offset(struct pcapfile_port *port, int64_t seconds)
{
    if (__builtin_mul_overflow(seconds, 1000000000, &port->offset_ns))
        port->offset_ns = seconds < 0 ? INT64_MIN : INT64_MAX;
}

static enum step interface_block(struct pcapfile *file, struct ng_block *b, bool swap)
{
    if (b->bytes < 20)
        return too_short(file, b);
    struct pcapfile_port *port = pcapfile_port_new(file);
    if (!port) {
        pcapfile_lie(file, "interface block at byte %llu is one too many: %u are numbered", offset(file, b->at),
                     PCAPFILE_IFACES);
        return LIED;
    }
    port->public.linktype = load16(b->at + 8, swap);
    port->public.linktype_at = offset(file, b->at) + 8;
    port->public.snaplen = load32(b->at + 12, swap);
    port->link = packet_link_from(port->public.linktype);
    port->exponent = 6;
    struct weir_bytes left = options(b, 16), value;
    uint16_t code;
    while (option(&left, swap, &code, &value)) {
        size_t size = weir_left(&value);
        if (code == 2) { /* if_name */
            set_name(&port->public, &value);
        } else if (code == 9 && size >= 1) { /* if_tsresol */
            port->binary = value.at[0] & 0x80;
            port->exponent = value.at[0] & 0x7f;
        } else if (code == 13 && size >= 1) { /* if_fcslen: in octets; in bits in early drafts */
            port->public.fcs_bytes = value.at[0] >= 16 ? value.at[0] / 8 : value.at[0];
        } else if (code == 14 && size >= 8) { /* if_tsoffset */
            set_offset(port, (int64_t)load64(value.at, swap));
        }
    }
    if (!port->binary && port->exponent <= 9 && port->offset_ns == 0) {
        port->scale = 1;
        for (unsigned i = port->exponent; i < 9; i++)
            port->scale *= 10;
        port->fast_below = PCAPFILE_TIME_MAX / port->scale;
    }
    return finish(file, b, b->bytes < OPTION_BYTES ? b->bytes - 4 : OPTION_BYTES, swap);
}

static enum step statistics_block(struct pcapfile *file, struct ng_block *b, bool swap)
{
    if (b->bytes < 24)
        return too_short(file, b);
    uint32_t index = load32(b->at + 8, swap);
    if (index < file->port_count - file->section_port) {
        struct pcapfile_iface *iface = &pcapfile_port(file, file->section_port + index)->public;
        uint64_t dropped = 0;
        bool has_drops = false;
        struct weir_bytes left = options(b, 20), value;
        uint16_t code;
        while (option(&left, swap, &code, &value)) {
            if (weir_left(&value) < 8)
                continue;
            uint64_t count = load64(value.at, swap);
            if (code == 4) /* isb_ifrecv */
                iface->received = count;
            if (code != 5 && code != 7) /* isb_ifdrop, isb_osdrop */
                continue;
            has_drops = true;
            dropped += count;
        }
        if (has_drops) {
            iface->dropped = dropped;
            iface->has_drops = true;
        }
    }
    return finish(file, b, b->bytes < OPTION_BYTES ? b->bytes - 4 : OPTION_BYTES, swap);
}

/* Whether the length can be that of a block at all. */
static inline bool length_is_sane(struct pcapfile *file, const struct ng_block *b)
{
    if (__builtin_expect(b->bytes >= 12 && b->bytes % 4 == 0, 1))
        return true;
    if (b->bytes % 4)
        pcapfile_lie(file, "block at byte %llu claims %u bytes, not a multiple of 4", offset(file, b->at), b->bytes);
    else
        too_short(file, b);
    return false;
}

static enum step section_block(struct pcapfile *file, struct ng_block *b)
{
    if (b->end - b->at < 28)
        return WAIT;
    uint32_t order = load32(b->at + 8, false);
    bool swap = order == __builtin_bswap32(ORDER);
    if (!swap && order != ORDER) {
        pcapfile_lie(file, "section header at byte %llu has no byte order", offset(file, b->at));
        return LIED;
    }
    b->bytes = load32(b->at + 4, swap);
    if (!length_is_sane(file, b))
        return LIED;
    if (b->bytes < 28)
        return too_short(file, b);
    if (load16(b->at + 12, swap) != 1) {
        pcapfile_lie(file, "section header at byte %llu has version %u, not 1", offset(file, b->at),
                     load16(b->at + 12, swap));
        return LIED;
    }
    file->swapped = swap;
    file->section_port = file->port_count;
    return finish(file, b, 24, swap) == LIED ? LIED : NEW_SECTION;
}

static enum step other_block(struct pcapfile *file, struct block *block, struct ng_block *b, bool swap)
{
    if (b->type == PACKET_SIMPLE)
        return simple_block(file, block, b, swap);
    if (b->type != INTERFACE && b->type != STATISTICS)
        return finish(file, b, 8, swap);
    uint32_t wanted = b->bytes < OPTION_BYTES ? b->bytes : OPTION_BYTES;
    if ((size_t)(b->end - b->at) < wanted)
        return WAIT;
    return b->type == INTERFACE ? interface_block(file, b, swap) : statistics_block(file, b, swap);
}

__attribute__((always_inline)) static inline enum step walk_section(struct pcapfile *file, struct block *block,
                                                                    struct ng_block *b, bool swap)
{
    enum step step = ON;
    while (step == ON && block->count < PACKET_BLOCK_PACKETS) {
        if (__builtin_expect(file->trailer != 0, 0)) {
            step = skip_on(file, b, swap);
            continue;
        }
        if (b->end - b->at < 12)
            return WAIT;
        b->type = load32(b->at, swap);
        b->bytes = load32(b->at + 4, swap);
        if (b->type == SECTION)
            step = section_block(file, b);
        else if (!length_is_sane(file, b))
            step = LIED;
        else if (b->type == PACKET_ENHANCED || b->type == PACKET_OBSOLETE)
            step = packet_block(file, block, b, swap);
        else
            step = other_block(file, block, b, swap);
    }
    return step;
}

static const uint8_t *walk(struct pcapfile *file, struct block *block, const uint8_t *at, const uint8_t *end)
{
    struct ng_block b = {.at = at, .end = end};
    enum step step;
    do {
        step = file->swapped ? walk_section(file, block, &b, true) : walk_section(file, block, &b, false);
    } while (step == NEW_SECTION);
    return b.at;
}

int pcapfile_ng_begin(struct pcapfile *file, const uint8_t *head, uint32_t size, struct error *error)
{
    if (size < 4 || weir_load_le32(head) != SECTION)
        return 0;
    if (size >= 12 && weir_load_le32(head + 8) != ORDER && weir_load_be32(head + 8) != ORDER)
        return 0;
    if (size < 28)
        return error_set(error, "ends inside its header, at byte %u", size);
    file->walk = walk;
    file->record_name = "block";
    return 1;
}
