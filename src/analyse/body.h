/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyse/body.h - where bodies go: the interface that whoever keeps transferred files implements.
 *
 * The host calls begin once for each body and hands what it answers to the other three; NULL means that this body is not
 * wanted and nothing more is said about it.  Bytes come in order of the body; `complete` says that the analyser saw its
 * declared end.  Until somebody else is set, a sink that counts and drops is in place.
 */
#ifndef ANALYSE_BODY_H
#define ANALYSE_BODY_H

#include "analyse/analyse.h"

struct analyse_body_sink {
    /* `body` and what it points to live through the call, `flow` too. */
    void *(*begin)(void *context, const struct weir_flow *flow, int dir, uint64_t ts_ns, const struct weir_body *body);
    void (*data)(void *handle, const uint8_t *data, uint32_t size);
    void (*gap)(void *handle, uint64_t bytes);
    void (*end)(void *handle, bool complete);
};

/* What the sink that drops has seen. */
struct analyse_body_counts {
    uint64_t bodies, incomplete, bytes, missed_bytes;
};

/* NULL: the one that counts and drops.  Only before the first flow. */
void analyse_set_body_sink(struct analyse *analyse, const struct analyse_body_sink *sink, void *context);
const struct analyse_body_counts *analyse_body_counts(const struct analyse *analyse);

extern const struct analyse_body_sink analyse_body_drop; /* its context: struct analyse_body_counts */

#endif
