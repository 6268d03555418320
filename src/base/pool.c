/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Size classes are 32, 48, 64, 96, 128 ... 64 KiB: a power of two or three quarters of one, so that at most a third
 * is wasted.  A freed block goes on its class's list and is the next to be handed out, still warm.  A chunk that a class cannot
 * fill to its end is left as it is: at most one block's worth.
 */
#include "base/pool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/error.h"

#define PAGE 4096u
#define HUGE_PAGE ((size_t)2 << 20)
#define CLASSES 23 /* 32 .. 65536 */

struct region {
    void *map; /* as it was mapped; base is its first huge page */
    size_t mapped;
    uint8_t *base;
    size_t bytes;
    atomic_size_t used;
};

struct freed {
    struct freed *next;
};

struct pool {
    struct region *region;
    size_t budget, out;
    struct freed *list[CLASSES];
    struct {
        uint8_t *at, *end; /* what is left of the class's newest chunk */
        uint32_t chunk;    /* its size */
    } fresh[CLASSES];
};

struct region *region_new(size_t bytes)
{
    struct region *region = calloc(1, sizeof *region);
    WEIR_CHECK(region != NULL);
    bytes = (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    region->mapped = bytes + HUGE_PAGE;
    region->map =
        mmap(NULL, region->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    WEIR_CHECK(region->map != MAP_FAILED);
    region->base = (uint8_t *)(((uintptr_t)region->map + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
    region->bytes = bytes;
    /* Random access to many flows is bound by the TLB on small pages, and a trap for each 4 KiB costs more than zeroing. */
    madvise(region->base, bytes, MADV_HUGEPAGE);
    return region;
}

void region_free(struct region *region)
{
    if (!region)
        return;
    munmap(region->map, region->mapped);
    free(region);
}

size_t region_used(const struct region *region)
{
    size_t used = atomic_load_explicit(&region->used, memory_order_relaxed);
    return used < region->bytes ? used : region->bytes;
}

static uint8_t *region_cut(struct region *region, size_t bytes)
{
    size_t at = atomic_fetch_add_explicit(&region->used, bytes, memory_order_relaxed);
    return at + bytes <= region->bytes ? region->base + at : NULL;
}

void *region_take(struct region *region, size_t bytes)
{
    size_t whole = (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
    size_t at = atomic_fetch_add_explicit(&region->used, whole, memory_order_relaxed);
    WEIR_CHECK(at + whole <= region->bytes);
    return region->base + at;
}

/* Class of a size, 1 .. POOL_MAX: even classes are powers of two, odd ones three quarters of the next. */
static unsigned class_of(uint32_t bytes)
{
    if (bytes <= 32)
        return 0;
    unsigned log = 32 - (unsigned)__builtin_clz(bytes - 1); /* 2^(log-1) < bytes <= 2^log */
    unsigned half = bytes <= 3u << (log - 2);
    return 2 * (log - 5) - half;
}

static uint32_t class_bytes(unsigned class)
{
    return class % 2 ? 3u << (class / 2 + 4) : 32u << (class / 2);
}

uint32_t pool_round(uint32_t bytes)
{
    return class_bytes(class_of(bytes));
}

struct pool *pool_new(struct region *region, size_t budget)
{
    struct pool *pool = calloc(1, sizeof *pool);
    WEIR_CHECK(pool != NULL);
    pool->region = region;
    pool->budget = budget;
    return pool;
}

void pool_free(struct pool *pool)
{
    free(pool);
}

size_t pool_out(const struct pool *pool)
{
    return pool->out;
}

/* A new chunk for the class; false when the region has no more. */
static bool refill(struct pool *pool, unsigned class)
{
    uint32_t chunk = pool->fresh[class].chunk ? pool->fresh[class].chunk * 2 : PAGE;
    while (chunk < class_bytes(class))
        chunk *= 2;
    if (chunk > POOL_CHUNK)
        chunk = POOL_CHUNK;
    uint8_t *base = region_cut(pool->region, chunk);
    if (!base)
        return false;
    pool->fresh[class].chunk = chunk;
    pool->fresh[class].at = base;
    pool->fresh[class].end = base + chunk;
    return true;
}

void *pool_get(struct pool *pool, uint32_t bytes)
{
    if (bytes > POOL_MAX)
        return NULL;
    unsigned class = class_of(bytes);
    uint32_t size = class_bytes(class);
    if (pool->out + size > pool->budget)
        return NULL;
    struct freed *block = pool->list[class];
    if (block) {
        pool->list[class] = block->next;
    } else {
        if ((size_t)(pool->fresh[class].end - pool->fresh[class].at) < size && !refill(pool, class))
            return NULL;
        block = (struct freed *)(void *)pool->fresh[class].at;
        pool->fresh[class].at += size;
    }
    pool->out += size;
    return block;
}

void pool_put(struct pool *pool, void *block, uint32_t bytes)
{
    if (!block)
        return;
    unsigned class = class_of(bytes);
    struct freed *freed = block;
    freed->next = pool->list[class];
    pool->list[class] = freed;
    pool->out -= class_bytes(class);
}
