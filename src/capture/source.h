/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture/source.h - one file of a capture, and the capture.  Private to this folder.
 */
#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/filter.h"
#include "pcapfile/pcapfile.h"

#define CAPTURE_IFACES 65536u /* packet.iface has 16 bits; the last number is shared by those that are too many */

struct capture_port {
    uint16_t number; /* over all files */
    const struct capture_program *program;
};

struct capture_source {
    char *path;
    const char *name;      /* for people */
    uint32_t place;        /* in the argument list */
    bool pipe;             /* cannot be opened again; a read may wait for somebody else */
    struct pcapfile *file; /* NULL: parked (not pipe, not ended), or ended */
    bool ended;
    bool strange;        /* has an interface of a link type that is not known, */
    bool strange_told;   /* which was complained of */
    bool misfit_told;    /* so was a link type that the filter does not go with */
    uint64_t packets;    /* read so far */
    uint64_t size, done; /* bytes on disk, once it is not open */
    uint64_t dropped;    /* as the file itself says, once it has ended */
    struct capture_port *ports;
    uint32_t port_count, port_room;

    /* merging */
    struct block *block; /* NULL while it is not being read */
    uint32_t head;       /* its first packet that was not given out */
    uint64_t key_ns;     /* not after the next packet's stamp */
};

struct capture {
    struct capture_options options;
    char *filter_text;
    struct capture_filter *filter; /* NULL: all match */
    bool checked;                  /* the filter is right for at least one link type */
    struct capture_source *sources;
    uint32_t source_count;
    int complaints;
    char **names; /* CAPTURE_IFACES of them */
    uint32_t name_count;
    struct capture_duplicates *duplicates; /* NULL while there is but one interface */

    _Atomic uint64_t done; /* bytes on disk over all sources; read by other threads */
    uint64_t total;        /* 0: not known */

    uint64_t frames;  /* given numbers */
    uint64_t last_ns; /* stamp of the frame before */
    struct {
        uint64_t filtered, cut, backwards;
    } tally; /* of one fill */

    /* merging: sources that have more, the one with the least (key_ns, place) first; blocks that rest */
    uint64_t
        alone_until_ns; /* the block just filled is of one interface, and others have nothing before this; 0: not so */
    struct capture_source **heap;
    uint32_t heap_count;
    struct block **spare;
    uint32_t spare_count;
};

void capture_complain(struct capture *capture, const char *text);

/* Opens the file and learns the interfaces that its head shows; -1 with the reason. */
int capture_source_open(struct capture *capture, struct capture_source *source, struct error *error);

/* Fills `block`; false when the source has ended (the block may still have got packets). */
bool capture_source_fill(struct capture *capture, struct capture_source *source, struct block *block);

/* Merging, see merge.c.  Sources are open (pipes) or parked, with their key set. */
void capture_merge_start(struct capture *capture);
void capture_merge_stop(struct capture *capture);
bool capture_merge_fill(struct capture *capture, struct block *block);

/* Frames seen on several interfaces, see duplicate.c. */
struct capture_duplicates *capture_duplicates_new(void);

/*
 * Takes those out of the block that were seen on another interface a moment ago; how many.  `until_ns`: all of it is of one
 * interface, and no other has a packet before this; 0: that is not known.
 */
uint32_t capture_duplicates_drop(struct capture_duplicates *duplicates, struct block *block, uint64_t until_ns);

/* Numbers, counts and filters the packets of a block that one source filled; they stay where they are. */
void capture_admit_block(struct capture *capture, const struct capture_source *source, struct block *block);

/* What a source sets of a packet: all in the first cache line, and the link. */
static inline void capture_copy_packet(struct packet *to, const struct packet *from)
{
    memcpy(to, from, offsetof(struct packet, key));
    to->link = from->link;
}

/* Numbers and counts one packet; false: it is filtered out. */
static inline bool capture_admit(struct capture *capture, const struct capture_source *source, struct packet *packet,
                                 uint8_t *data)
{
    const struct capture_port *port = source->ports + packet->iface;
    packet->frame = ++capture->frames;
    packet->iface = port->number;
    capture->tally.cut += packet->flags / PACKET_CUT;
    capture->tally.backwards += packet->ts_ns < capture->last_ns;
    capture->last_ns = packet->ts_ns;
    return !port->program || capture_program_match(port->program, data, packet->caplen, packet->wire_bytes);
}

#endif
