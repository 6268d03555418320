/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture/filter.h - a pcap-filter expression, compiled once per link type.  Private to this folder.
 */
#ifndef CAPTURE_FILTER_H
#define CAPTURE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct capture_filter;

/* The expression as compiled for one link type. */
struct capture_program;

/* `text` is kept by pointer.  Nothing is compiled yet. */
struct capture_filter *capture_filter_new(const char *text);
void capture_filter_free(struct capture_filter *filter);

/* The program for a LINKTYPE_ number; lives as long as the filter.  One that libpcap cannot compile matches nothing. */
const struct capture_program *capture_filter_for(struct capture_filter *filter, uint32_t linktype);

/* NULL, or libpcap's words on why the expression does not go with the link type. */
const char *capture_program_why_not(const struct capture_program *program);

/*
 * 0 when the expression could be compiled for one of the link types that were asked for so far, or, if there were
 * none, for any; else -1 with the expression, libpcap's words and the place.
 */
int capture_filter_check(struct capture_filter *filter, struct error *error);

/* Does the frame match?  Its tags may be taken out for a moment: the bytes are changed and put back. */
bool capture_program_match(const struct capture_program *program, uint8_t *data, uint32_t caplen, uint32_t wire_bytes);

#endif
