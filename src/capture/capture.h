/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture/capture.h - where packets come from: capture files, one or many, filtered.
 *
 * A source fills blocks.  Of one file, packets point into what was read; of several files, their records are merged by
 * (ts, place in the argument list, place in the file) and copied into the block.  A pcap-filter expression is compiled by libpcap
 * once per link type; one without the word `vlan` in it sees each frame with its VLAN tags taken out, so that
 * "port 80" means the same on a trunk; one with `vlan` sees the frame itself.  Where there are several interfaces, a frame
 * that is seen again on another within 5 ms, equal in every byte, is counted as a duplicate and not given.
 *
 * One thread at a time calls a source; which one may change between calls.
 */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/ledger.h"
#include "packet/packet.h"

struct capture;

struct capture_options {
    const char *const *paths; /* "-": standard input */
    int path_count;
    const char *filter; /* pcap-filter(7) expression, or NULL */

    /* Told of each file that could not be read to its end, "FILE: reason at byte N; M packets read", and once of each with
     * packets of an unknown link type. */
    void (*complain)(void *context, const char *text);
    void *context;
};

/*
 * Opens every file at once.  NULL with the reason when the filter is wrong (the expression, libpcap's words, the
 * place where it can be told) or when not one file can be opened; a file among several that cannot be opened is complained
 * of and left out, and capture_complaints() counts it.
 */
struct capture *capture_open(const struct capture_options *options, struct error *error);
void capture_close(struct capture *capture);

/*
 * Fills an empty block: count, packets with data, ts_ns, frame, caplen, wire_bytes, iface, link.  Counts `received`, `filtered`,
 * `duplicate_frame`, `cut_by_snaplen` and `time_backwards` into the ledger.  Frame numbers count what was received, so they are those that other tools show.
 * Returns false when nothing more will come (the block may still hold packets).  Blocks when a pipe has nothing;
 * returns with what there is as soon as there is something.  True with an empty block when all was filtered out, a
 * pipe gave half a record, or a signal came.  When files are merged, block->packets and block->bytes may be
 * exchanged for others of the same sizes.
 */
bool capture_fill(struct capture *capture, struct block *block, struct ledger *ledger);

/* How many complaints there were so far. */
int capture_complaints(const struct capture *capture);

/* Names for packet.iface: the interface's if_name or "" ; interfaces are numbered over all files in the order they were met. */
const char *capture_iface_name(const struct capture *capture, uint16_t iface);

/* Progress over all files in bytes as they lie on disk; `*total` is 0 when unknown (a pipe).  From any thread. */
void capture_progress(const struct capture *capture, uint64_t *done, uint64_t *total);

/* Drops that the files themselves tell of (pcapng Interface Statistics), 0 if none do. */
uint64_t capture_reported_drops(const struct capture *capture);

#endif
