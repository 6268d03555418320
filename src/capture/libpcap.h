/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture/libpcap.h - the functions of libpcap that filters need, for this folder only.
 *
 * The library brings a dozen others with it, and loading them all takes longer than reading a small capture.  So it is
 * loaded when the first expression is compiled.
 */
#ifndef CAPTURE_LIBPCAP_H
#define CAPTURE_LIBPCAP_H

#include <pcap/pcap.h>

struct libpcap {
    pcap_t *(*open_dead)(int dlt, int snaplen);
    void (*close)(pcap_t *handle);
    int (*compile)(pcap_t *handle, struct bpf_program *code, const char *text, int optimise, bpf_u_int32 netmask);
    char *(*geterr)(pcap_t *handle);
    void (*freecode)(struct bpf_program *code);
    u_int (*filter)(const struct bpf_insn *code, const u_char *data, u_int wire_bytes, u_int caplen);
};

/* NULL: it is not installed.  Any thread. */
const struct libpcap *capture_libpcap(void);

#endif
