/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a capture file.  A plain file is read straight to where the caller wants it, by one read() each time,
 * but for the first few KiB, which had to be looked at to tell what the file is.  gzip (RFC 1952) and zstd (RFC 8878)
 * are inflated to the same place; members and frames follow each other without a seam.
 *
 * What is broken gives all that came before the break, then the reason, and that again at each later call.  A pipe
 * is never waited for while there is something to give.
 */
#include "pcapfile/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/bytes.h>

#define HEAD_BYTES (4u << 10)  /* of the first read: most files' headers, and no more than a page */
#define RAW_BYTES (128u << 10) /* of the later ones, compressed */
#define HASTY_MS 100

/* A signal may have gone to another thread, or be one after which read() goes on waiting; so who wants to look up now
 * and then waits here. */
static bool nothing_for_a_while(const struct pcapfile_input *input)
{
    struct pollfd wait = {.fd = input->fd, .events = POLLIN};
    if (input->regular || !input->hasty)
        return false;
    int ready = poll(&wait, 1, HASTY_MS);
    return ready == 0 || (ready < 0 && errno == EINTR);
}

/* read() that takes a descriptor in non-blocking mode as well. */
static long take(struct pcapfile_input *input, uint8_t *to, size_t room)
{
    for (;;) {
        if (nothing_for_a_while(input))
            return PCAPFILE_INPUT_INTERRUPTED;
        ssize_t got = read(input->fd, to, room);
        if (got >= 0) {
            input->position += (uint64_t)got;
            input->eof = got == 0;
            return got;
        }
        if (errno == EINTR)
            return PCAPFILE_INPUT_INTERRUPTED;
        if (errno != EAGAIN) {
            input->broken = true;
            error_errno(&input->why, errno, "read error");
            return PCAPFILE_INPUT_BROKEN;
        }
        struct pollfd wait = {.fd = input->fd, .events = POLLIN};
        poll(&wait, 1, -1);
    }
}

/* 0, or what take() says when it gives nothing. */
static long refill(struct pcapfile_input *input)
{
    long got = take(input, input->raw, RAW_BYTES);
    input->raw_at = 0;
    input->raw_end = got > 0 ? (size_t)got : 0;
    return got < 0 ? got : 0;
}

static int start_coding(struct pcapfile_input *input, const char *name, struct error *error)
{
    const uint8_t *raw = input->raw;
    size_t size = input->raw_end;
    if (size >= 2 && raw[0] == 0x1f && raw[1] == 0x8b) {
        input->coding = PCAPFILE_GZIP;
        if (inflateInit2(&input->gzip, 15 + 16) != Z_OK)
            return error_set(error, "%s: no memory to inflate it", name);
    } else if (size >= 4 && (weir_load_le32(raw) == 0xfd2fb528u || (weir_load_le32(raw) & ~15u) == 0x184d2a50u)) {
        input->coding = PCAPFILE_ZSTD;
        input->zstd = ZSTD_createDCtx();
        if (!input->zstd)
            return error_set(error, "%s: no memory to inflate it", name);
    }
    return 0;
}

static int read_head(struct pcapfile_input *input, const char *name, struct error *error)
{
    while (input->raw_end < 4 && !input->eof) {
        long got = take(input, input->raw + input->raw_end, HEAD_BYTES - input->raw_end);
        if (got == PCAPFILE_INPUT_BROKEN)
            return error_set(error, "%s: %s", name, input->why.text);
        if (got == PCAPFILE_INPUT_INTERRUPTED)
            return error_set(error, "%s: interrupted", name);
        input->raw_end += (size_t)got;
    }
    if (input->raw_end == 0)
        return error_set(error, "%s: empty", name);
    return 0;
}

int pcapfile_input_open(struct pcapfile_input *input, const char *path, struct error *error)
{
    *input = (struct pcapfile_input){.fd = STDIN_FILENO};
    const char *name = "standard input";
    if (strcmp(path, "-") != 0) {
        name = path;
        input->owned = true;
        input->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (input->fd < 0)
            return error_errno(error, errno, "%s", path);
    }
    struct stat status;
    if (fstat(input->fd, &status) != 0)
        error_errno(error, errno, "%s", name);
    else if (S_ISDIR(status.st_mode))
        error_set(error, "%s: a directory, not a capture", name);
    else {
        input->regular = S_ISREG(status.st_mode);
        input->size = input->regular ? (uint64_t)status.st_size : 0;
        if (input->regular)
            (void)posix_fadvise(input->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        input->raw = malloc(RAW_BYTES);
        WEIR_CHECK(input->raw != NULL);
        if (read_head(input, name, error) == 0 && start_coding(input, name, error) == 0)
            return 0;
    }
    pcapfile_input_close(input);
    return -1;
}

void pcapfile_input_close(struct pcapfile_input *input)
{
    if (input->owned && input->fd >= 0)
        close(input->fd);
    input->fd = -1;
    if (input->coding == PCAPFILE_GZIP)
        inflateEnd(&input->gzip);
    ZSTD_freeDCtx(input->zstd);
    free(input->raw);
    input->raw = NULL;
}

static long read_plain(struct pcapfile_input *input, uint8_t *to, size_t room)
{
    size_t ahead = input->raw_end - input->raw_at;
    if (ahead == 0)
        return take(input, to, room);
    if (ahead > room)
        ahead = room;
    memcpy(to, input->raw + input->raw_at, ahead);
    input->raw_at += ahead;
    if (!input->regular || ahead == room)
        return (long)ahead;
    long got = take(input, to + ahead, room - ahead);
    return (long)ahead + (got > 0 ? got : 0);
}

static int break_off(struct pcapfile_input *input, const char *coding, const char *why)
{
    input->broken = true;
    return error_set(&input->why, "%s: %s", coding, why);
}

/* Between members: zeros may pad (as tapes did, and as gzip(1) allows), else another member begins. */
static bool next_member(struct pcapfile_input *input)
{
    while (input->raw_at < input->raw_end && input->raw[input->raw_at] == 0)
        input->raw_at++;
    if (input->raw_at == input->raw_end)
        return false;
    if (input->raw[input->raw_at] == 0x1f)
        input->inside = true;
    else
        break_off(input, "gzip", "what follows the last member is not gzip");
    return input->inside;
}

/* One step of inflate; false: it cannot go on without more input. */
static bool step_gzip(struct pcapfile_input *input, uint8_t **to, size_t *room)
{
    z_stream *z = &input->gzip;
    if (!input->inside && !next_member(input))
        return false;
    z->next_in = input->raw + input->raw_at;
    z->avail_in = (uInt)(input->raw_end - input->raw_at);
    z->next_out = *to;
    z->avail_out = (uInt)*room;
    int answer = inflate(z, Z_NO_FLUSH);
    bool moved = z->avail_out < *room || input->raw_end - input->raw_at > z->avail_in;
    input->raw_at = input->raw_end - z->avail_in;
    *to = z->next_out;
    *room = z->avail_out;
    if (answer == Z_STREAM_END) {
        input->inside = false;
        inflateReset(z);
        return true;
    }
    if (answer != Z_OK && answer != Z_BUF_ERROR)
        break_off(input, "gzip", z->msg ? z->msg : "data that cannot be inflated");
    return moved;
}

static bool step_zstd(struct pcapfile_input *input, uint8_t **to, size_t *room)
{
    if (!input->inside && input->raw_at == input->raw_end)
        return false;
    ZSTD_inBuffer in = {input->raw + input->raw_at, input->raw_end - input->raw_at, 0};
    ZSTD_outBuffer out = {*to, *room, 0};
    size_t answer = ZSTD_decompressStream(input->zstd, &out, &in);
    input->raw_at += in.pos;
    *to += out.pos;
    *room -= out.pos;
    if (ZSTD_isError(answer)) {
        break_off(input, "zstd", ZSTD_getErrorName(answer));
        return false;
    }
    input->inside = answer != 0;
    return in.pos || out.pos;
}

static long read_coded(struct pcapfile_input *input, uint8_t *to, size_t room)
{
    uint8_t *start = to;
    bool gzip = input->coding == PCAPFILE_GZIP;
    long nothing = 0;
    while (room && !input->broken) {
        if (gzip ? step_gzip(input, &to, &room) : step_zstd(input, &to, &room))
            continue;
        if (input->broken || input->raw_at < input->raw_end)
            continue;
        if (input->eof) {
            if (input->inside)
                break_off(input, gzip ? "gzip" : "zstd", "stream cut short");
            break;
        }
        if (to > start && !input->regular)
            break;
        nothing = refill(input);
        if (nothing < 0)
            break;
    }
    if (to > start)
        return to - start;
    return input->broken ? PCAPFILE_INPUT_BROKEN : nothing;
}

long pcapfile_input_read(struct pcapfile_input *input, uint8_t *to, size_t room)
{
    if (input->broken)
        return PCAPFILE_INPUT_BROKEN;
    return input->coding == PCAPFILE_PLAIN ? read_plain(input, to, room) : read_coded(input, to, room);
}
