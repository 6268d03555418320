/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/summary.h - what `weir read FILE` tells a person: one screen about everything that was in the capture.
 *
 * It is a sink for rows of flow, http, dns and tls; rows of other tables are let by.  Memory is claimed by
 * summary_new() and does not grow (about 3 MB, touched as needed).  What is counted is exact; what is kept in a bounded
 * table or a histogram is marked: `>=` where a name may have been counted from its second sight on only, `~` for
 * quantiles, which are within 2 %.
 */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/ledger.h"
#include "record/record.h"

struct summary;

/* What the engine knows about the run as a whole. */
struct summary_facts {
    uint64_t frames;            /* read from the source */
    uint64_t bytes;             /* on the wire, of those frames that were neither filtered nor duplicates */
    uint64_t first_ns, last_ns; /* lowest and highest packet time */
    uint64_t reported_drops;    /* packets that the capture files themselves say were dropped */
    uint32_t files;
    uint32_t complaints; /* files among them that broke off or could not be opened */
    bool interrupted;    /* not read to the end: the user stopped it */
    double seconds;      /* that the run took */
};

struct summary_look {
    bool colour; /* ANSI colours */
    bool brief;  /* about 24 lines, else about 40 */
};

struct summary *summary_new(void);
void summary_free(struct summary *summary);
struct record_sink summary_sink(struct summary *summary);

/* At most 80 columns, UTF-8.  No byte from the wire reaches the terminal unless it is part of a printable character. */
void summary_print(const struct summary *summary, FILE *to, const struct ledger *ledger,
                   const struct summary_facts *facts, const struct summary_look *look);

#endif
