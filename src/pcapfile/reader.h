/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapfile/reader.h - what the walkers of the two formats share.  Private to this folder.
 */
#ifndef PCAPFILE_READER_H
#define PCAPFILE_READER_H

#include "packet/packet.h"
#include "pcapfile/input.h"
#include "pcapfile/pcapfile.h"

/* Stamps stop here (the year 2262), so that those who add to them or want them signed need not look. */
#define PCAPFILE_TIME_MAX ((uint64_t)INT64_MAX)

#define PCAPFILE_IFACES 65536u /* packet.iface has 16 bits */
#define PCAPFILE_IFACES_CHUNK 256u

struct pcapfile_port {
    struct pcapfile_iface public;
    uint8_t link;        /* enum packet_link */
    bool binary;         /* if_tsresol is a power of two */
    uint8_t exponent;    /* of 1/2 or 1/10, 0 .. 127: what a unit of the stamps is, in seconds */
    int64_t offset_ns;   /* if_tsoffset */
    uint64_t scale;      /* ns in a unit, for stamps that ... */
    uint64_t fast_below; /* ... are below this + 1 and not 0; 0: none are */
};

struct pcapfile {
    struct pcapfile_input input;

    /*
     * Steps through the records in [at, end), appends them to the block, and answers the place that it reached: a
     * whole number of records, so that [there, end) comes again with more behind it.  Sets `lied` and `lie` when it
     * cannot go on.
     */
    const uint8_t *(*walk)(struct pcapfile *file, struct block *block, const uint8_t *at, const uint8_t *end);
    const char *record_name; /* "packet record" or "block" */

    uint8_t *keep; /* what was read and did not go into a block */
    uint32_t keep_at, keep_end;
    uint32_t burst; /* bytes that filled a block with packets the last time */
    bool full;      /* the last block ended because it could take no more packets */
    bool unwalked;  /* `keep` is from the opening */
    bool ended;
    bool lied;
    struct error lie;
    uint64_t offset;       /* in the file, uncompressed, of keep[keep_at], or while walking of window[0] */
    const uint8_t *window; /* what is being walked */

    struct pcapfile_port *ports[PCAPFILE_IFACES / PCAPFILE_IFACES_CHUNK];
    uint32_t port_count;

    bool swapped; /* the byte order of the section, or of an old pcap file, is not ours */

    /* pcap before version 2.4 */
    uint32_t version; /* major << 16 | minor */
    uint32_t unit_ns, record_head;

    /* pcapng */
    uint32_t section_port; /* the first interface of the section */
    uint64_t block_at;     /* offset of the block that is being skipped */
    uint64_t skip;         /* its bytes still to skip */
    uint32_t trailer;      /* what its last four bytes must say; 0: none is being skipped */
    uint64_t last_ns;      /* for packets without a stamp */
};

static inline uint64_t pcapfile_offset(const struct pcapfile *file, const uint8_t *at)
{
    return file->offset + (uint64_t)(at - file->window);
}

/* What cannot be gone past: "`format` ..." with the words of the caller, which name the offset. */
void pcapfile_lie(struct pcapfile *file, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* A new interface, zeroed; NULL when there are too many. */
struct pcapfile_port *pcapfile_port_new(struct pcapfile *file);

static inline struct pcapfile_port *pcapfile_port(const struct pcapfile *file, uint32_t index)
{
    return &file->ports[index / PCAPFILE_IFACES_CHUNK][index % PCAPFILE_IFACES_CHUNK];
}

/*
 * Takes up a file that begins with `head`; 1 when it is one of the format, 0 when not, -1 with a reason without its
 * name.
 */
int pcapfile_classic_begin(struct pcapfile *file, const uint8_t *head, uint32_t size, struct error *error);
int pcapfile_ng_begin(struct pcapfile *file, const uint8_t *head, uint32_t size, struct error *error);

#endif
