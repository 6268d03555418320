/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapfile/pcapfile.h - pcap and pcapng files, read.
 *
 * The reader turns a byte stream into packets: classic pcap in both byte orders, with microsecond, nanosecond and
 * modified (0xa1b2cd34) records; pcapng with any number of sections and interfaces, every if_tsresol and if_tsoffset,
 * Enhanced, Simple and the obsolete Packet Block, Interface Statistics, Name Resolution, Decryption Secrets; both
 * plain, gzip or zstd (several members too), told by their first bytes.  Bytes come by large read()s (mmap's page faults cost
 * three to five times as much in guests).
 *
 * A file that breaks off or lies is read as far as it goes: then pcapfile_fill() gives -1 once, with the offset in the
 * error, and nothing after that.
 *
 * Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
 */
#ifndef PCAPFILE_PCAPFILE_H
#define PCAPFILE_PCAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "packet/packet.h"

struct pcapfile;

/* An interface of the file; classic pcap has one. */
struct pcapfile_iface {
    uint32_t linktype;    /* LINKTYPE_ number, as the file has it (the FCS bits of pcap's header taken off) */
    uint64_t linktype_at; /* where that stands: byte of the file, uncompressed */
    uint32_t snaplen;
    uint8_t fcs_bytes;          /* length of the frame check sequence at the end of each frame, 0 if not said */
    char name[64];              /* if_name, or "" */
    uint64_t received, dropped; /* from the last Interface Statistics Block: isb_ifrecv, isb_ifdrop + isb_osdrop */
    bool has_drops;
};

/*
 * Opens `path` ("-": standard input, not closed) and reads its head.  NULL with the reason: no such file, a directory,
 * not a capture ("neither pcap nor pcapng"), empty.  A file that ends inside its header is an error too.
 */
struct pcapfile *pcapfile_open(const char *path, struct error *error);
void pcapfile_close(struct pcapfile *file);

/*
 * Appends records to `block` as packets: data, ts_ns, caplen, wire_bytes, iface, link and PACKET_CUT are set, frame is
 * not.  One read() of up to PACKET_BLOCK_READ bytes goes straight into block->bytes (at block->used, which grows), and data
 * point there; a record that the read cut in two is kept by the file and laid whole into the next block.  So on the packet path nothing is
 * copied but that one record a block.
 *
 * Answers 1 when more may come (the block may still be empty: a pipe gave half a record), 0 at the end, -1 with the byte
 * offset in the error ("truncated packet record at byte 4711") when the file is broken from there on; packets that
 * were whole before that are in the block all the same, and every later call answers 0.
 */
int pcapfile_fill(struct pcapfile *file, struct block *block, struct error *error);

/* The `index`-th interface; NULL past the last.  Valid until close; members change as blocks are read. */
const struct pcapfile_iface *pcapfile_iface(const struct pcapfile *file, uint32_t index);
uint32_t pcapfile_iface_count(const struct pcapfile *file);

/* Progress: bytes of the file as it lies on disk that were read, and its size (0 for a pipe). */
uint64_t pcapfile_position(const struct pcapfile *file);
uint64_t pcapfile_size(const struct pcapfile *file);

#endif
