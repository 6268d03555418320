/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line, written over itself: share, bar, packets, rate and the time that is left at that rate.
 */
#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BAR 30
#define QUIET_SECONDS 0.5

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void progress_init(struct progress *progress)
{
    *progress = (struct progress){.enabled = isatty(STDERR_FILENO), .start = seconds()};
}

double progress_seconds(const struct progress *progress)
{
    return seconds() - progress->start;
}

void progress_update(struct progress *progress, uint64_t done_bytes, uint64_t total_bytes, uint64_t frames)
{
    double elapsed = progress_seconds(progress);
    if (!progress->enabled || elapsed < QUIET_SECONDS)
        return;
    progress->shown = true;
    double rate = (double)done_bytes / elapsed;
    if (!total_bytes) {
        fprintf(stderr, "\r\033[K%llu packets  %.0f MB/s", (unsigned long long)frames, rate * 1e-6);
        return;
    }
    double share = (double)done_bytes / (double)total_bytes;
    share = share > 1 ? 1 : share;
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(share * BAR) ? '#' : '.';
    bar[BAR] = 0;
    double left = rate > 0 ? (double)(total_bytes - (done_bytes < total_bytes ? done_bytes : total_bytes)) / rate : 0;
    fprintf(stderr, "\r\033[K%3.0f %% [%s] %llu packets  %.0f MB/s  %d:%02d left", share * 100, bar,
            (unsigned long long)frames, rate * 1e-6, (int)left / 60, (int)left % 60);
}

void progress_fini(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
}
