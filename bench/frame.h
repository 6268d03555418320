/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/frame.h - frames and capture files for the generators: a writer of classic pcap, headers with right checksums, and a
 * generator of pseudo-random numbers whose sequence is the same everywhere.
 */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FRAME_START_S 1700000000u /* time of the first packet */
#define FRAME_TCP 54u             /* Ethernet, IPv4 and TCP headers without options */
#define FRAME_UDP 42u

/* One connection: [0] the client, [1] the server. */
struct frame_ends {
    uint32_t addr[2];
    uint16_t port[2];
    uint32_t seq[2]; /* next sequence number of each side; the caller moves it */
    uint16_t ident;  /* of the next IPv4 header */
};

/* Next of a sequence that `state` stands for (xorshift64*). */
uint64_t frame_random(uint64_t *state);
/* Even over 0 .. below-1. */
uint32_t frame_below(uint64_t *state, uint32_t below);
/* True with the given chance. */
bool frame_chance(uint64_t *state, double chance);

/* Classic pcap, little-endian, microseconds, Ethernet; exits with a message when the file cannot be written. */
struct frame_file {
    FILE *file;
    uint64_t packets, bytes, wire_bytes;
};
void frame_open(struct frame_file *out, const char *path);
void frame_write(struct frame_file *out, uint64_t us, const uint8_t *frame, uint32_t caplen, uint32_t wire);
/* Prints the counts on stderr. */
void frame_close(struct frame_file *out);

/*
 * Writes a frame of `side` with n payload bytes, of which `data` may be null to leave what is there already; returns its
 * length.  `seq` and `ack` are what the header says.
 */
uint32_t frame_tcp(uint8_t *frame, struct frame_ends *ends, int side, uint8_t flags, uint32_t seq, uint32_t ack,
                   const void *data, uint32_t n);
uint32_t frame_udp(uint8_t *frame, struct frame_ends *ends, int side, const void *data, uint32_t n);
/* An IPv4 header at `at` with the rest of the datagram, n bytes, behind it. */
void frame_ipv4(uint8_t *at, uint32_t src, uint32_t dst, uint8_t proto, uint16_t ident, uint16_t offset_field,
                uint32_t n);
void frame_ethernet(uint8_t *frame, int side, uint16_t type);

#endif
