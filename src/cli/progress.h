/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/progress.h - the bar of long work: on a terminal, after half a second, on stderr; nowhere else.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown, enabled;
    double start;
};

void progress_init(struct progress *progress);
/* One thread at a time.  `total` 0: unknown. */
void progress_update(struct progress *progress, uint64_t done_bytes, uint64_t total_bytes, uint64_t frames);
/* Takes the bar away. */
void progress_fini(struct progress *progress);
double progress_seconds(const struct progress *progress);

#endif
