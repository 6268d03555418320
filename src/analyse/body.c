/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body sink that is in place while nobody keeps files: four counters, no memory.
 */
#include "analyse/body.h"

static void *drop_begin(void *context, const struct weir_flow *flow, int dir, uint64_t ts_ns,
                        const struct weir_body *body)
{
    struct analyse_body_counts *counts = context;
    counts->bodies++;
    return counts;
}

static void drop_data(void *handle, const uint8_t *data, uint32_t size)
{
    struct analyse_body_counts *counts = handle;
    counts->bytes += size;
}

static void drop_gap(void *handle, uint64_t bytes)
{
    struct analyse_body_counts *counts = handle;
    counts->missed_bytes += bytes;
}

static void drop_end(void *handle, bool complete)
{
    struct analyse_body_counts *counts = handle;
    counts->incomplete += !complete;
}

const struct analyse_body_sink analyse_body_drop = {drop_begin, drop_data, drop_gap, drop_end};
