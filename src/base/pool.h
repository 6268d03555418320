/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/pool.h - memory for things that come and go with flows, without malloc on the packet path.
 *
 * A `region` is address space claimed at start and touched only as it is used; pools cut chunks of 4 to 64 KiB from it.  A
 * `pool` belongs to one shard: it hands out blocks of a few size classes from those chunks, keeps freed ones for the
 * next, and never gives out more than its budget.  Nothing is returned to the system before the end.  Whatever sizes take
 * turns, a pool cuts at most twice its budget and POOL_SLACK, so a region that has this for each of its pools is never used
 * up, and what one pool does is not felt in another.
 *
 * A pool is used by one thread at a time; the region is shared by all (one atomic add a chunk).
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#define POOL_CHUNK (64u << 10)
#define POOL_MAX (64u << 10)  /* largest block; larger ones are refused */
#define POOL_SLACK (3u << 19) /* what a pool may cut from its region beyond twice its budget: a chunk a size class */

struct region;
struct pool;

/* Reserves `bytes` of address space.  Aborts when there is none. */
struct region *region_new(size_t bytes);
void region_free(struct region *region);
size_t region_used(const struct region *region); /* bytes cut so far */

/* `bytes` for good, zeroed, on a page border.  For set-up: aborts when the region is too small. */
void *region_take(struct region *region, size_t bytes);

/* `budget`: bytes that may be out at once, classes' rounding included. */
struct pool *pool_new(struct region *region, size_t budget);
void pool_free(struct pool *pool);

/* 16-byte aligned, not zeroed.  NULL over budget or POOL_MAX.  A few nanoseconds. */
void *pool_get(struct pool *pool, uint32_t bytes);
/* `bytes` as it was asked for. */
void pool_put(struct pool *pool, void *block, uint32_t bytes);
size_t pool_out(const struct pool *pool); /* bytes that are out */

/* The size that a request is rounded up to: a power of two or three quarters of one. */
uint32_t pool_round(uint32_t bytes);

#endif
