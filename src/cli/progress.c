/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line, written over itself: share, bar, packets, rate and the time that is left at that rate.
 */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/quantity.h"

#define BAR 24
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

/* Of the terminal that shows it. */
static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

void progress_update(struct progress *progress, uint64_t done_bytes, uint64_t total_bytes, uint64_t frames)
{
    static const char *const speeds[] = {"B/s", "kB/s", "MB/s", "GB/s", NULL};
    char bar[BAR + 1] = "", count[QUANTITY_TEXT], speed[QUANTITY_TEXT], line[160];
    double elapsed = progress_seconds(progress);
    if (!progress->enabled || elapsed < QUIET_SECONDS)
        return;
    progress->shown = true;
    double rate = (double)done_bytes / elapsed;
    quantity_count(count, frames);
    quantity_scaled(speed, rate, speeds);
    int size = snprintf(line, sizeof line, "%s packets  %s", count, speed);
    if (total_bytes) {
        uint64_t done = done_bytes < total_bytes ? done_bytes : total_bytes;
        double share = (double)done / (double)total_bytes;
        uint64_t left = rate > 0 ? (uint64_t)((double)(total_bytes - done) / rate + 0.5) : 0;
        int full = (int)(share * BAR);
        memset(bar, '#', (size_t)full);
        memset(bar + full, '.', (size_t)(BAR - full));
        size = snprintf(line, sizeof line, "%3.0f %% [%s] %s packets  %s  %u:%02u left", share * 100, bar, count, speed,
                        (unsigned)(left / 60), (unsigned)(left % 60));
    }
    fprintf(stderr, "\r%.*s\033[K", size < columns() ? size : columns() - 1, line);
}

void progress_fini(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
}
