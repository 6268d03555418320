/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapfile/input.h - the bytes of a capture file, inflated where they have to be.  Private to this folder.
 */
#ifndef PCAPFILE_INPUT_H
#define PCAPFILE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.h"

enum pcapfile_coding { PCAPFILE_PLAIN, PCAPFILE_GZIP, PCAPFILE_ZSTD };

struct pcapfile_input {
    int fd;
    bool owned;   /* fd is ours to close */
    bool regular; /* a read() does not wait for somebody else */
    bool hasty;   /* one that would is given up after a while, as if a signal had come */
    enum pcapfile_coding coding;
    bool inside; /* a gzip member or zstd frame has begun and not ended */
    bool eof;    /* read() gave its last byte */
    bool broken; /* `why` holds from here on */
    struct error why;
    uint8_t *raw; /* bytes as they lie on disk that were read ahead: the head, or what is still compressed */
    size_t raw_at, raw_end;
    uint64_t position; /* bytes read, as they lie on disk */
    uint64_t size;     /* 0: not known */
    z_stream gzip;
    ZSTD_DCtx *zstd;
};

#define PCAPFILE_INPUT_BROKEN (-1)
#define PCAPFILE_INPUT_INTERRUPTED (-2)

/* -1 with the reason, which names the file. */
int pcapfile_input_open(struct pcapfile_input *input, const char *path, struct error *error);
void pcapfile_input_close(struct pcapfile_input *input);

/*
 * Up to `room` bytes, by one read() if the file is plain.  0 at the end; PCAPFILE_INPUT_BROKEN, then and ever after,
 * when all that could be read or inflated was given (`why` has the reason); PCAPFILE_INPUT_INTERRUPTED when a signal
 * came first, or nothing for a while and input->hasty is set.
 */
long pcapfile_input_read(struct pcapfile_input *input, uint8_t *to, size_t room);

#endif
