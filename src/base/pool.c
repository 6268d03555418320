/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Size classes are 32, 48, 64, 96, 128 ... 64 KiB: a power of two or three quarters of one, so that at most a third
 * is wasted.  A freed block goes on its class's list and is the next to be handed out, still warm.  A chunk that a class cannot
 * fill to its end is left as it is: at most one block's worth.
 *
 * Sizes may take turns: all of the budget in one, then in another.  So what a pool cuts is bounded, and when the bound is
 * reached, classes of which nothing is out give their chunks to those that need some.
 */
#include "base/pool.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/error.h"

#define PAGE 4096u
#define PREFETCH 384u /* bytes */
#define HUGE_PAGE ((size_t)2 << 20)
#define CLASSES 23 /* 32 .. 65536 */
static_assert(POOL_SLACK >= CLASSES * POOL_CHUNK, "each class may have a chunk");

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

struct size_class {
    struct freed *list;
    uint8_t *at, *end; /* what is left of the newest chunk */
    uint32_t chunk;    /* size of the last one cut */
    uint32_t out;      /* blocks */
};

struct chunk {
    uint8_t *base;
    uint32_t bytes;
    uint8_t class; /* CLASSES: nobody's */
};

struct pool {
    struct region *region;
    size_t budget, out;
    size_t cut, cut_most; /* of the region */
    struct size_class classes[CLASSES];
    uint32_t chunk_count, chunk_most;
    struct chunk chunks[];
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
    size_t cut_most = 2 * budget + POOL_SLACK;
    uint32_t chunk_most = (uint32_t)(cut_most / POOL_CHUNK) + 4 * CLASSES; /* of 4, 8, 16, 32 KiB */
    struct pool *pool = malloc(sizeof *pool + chunk_most * sizeof pool->chunks[0]);
    WEIR_CHECK(pool != NULL);
    *pool = (struct pool){.region = region, .budget = budget, .cut_most = cut_most, .chunk_most = chunk_most};
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

/* What nothing is out of is nobody's from now on. */
static void gather(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->chunk_count; i++)
        if (pool->chunks[i].class < CLASSES && pool->classes[pool->chunks[i].class].out == 0)
            pool->chunks[i].class = CLASSES;
    for (unsigned i = 0; i < CLASSES; i++)
        if (pool->classes[i].out == 0)
            pool->classes[i] = (struct size_class){.chunk = pool->classes[i].chunk};
}

/* A chunk that is nobody's for the class; false when there is none. */
static bool reuse(struct pool *pool, unsigned class)
{
    for (uint32_t i = 0; i < pool->chunk_count; i++) {
        struct chunk *chunk = &pool->chunks[i];
        if (chunk->class < CLASSES || chunk->bytes < class_bytes(class))
            continue;
        chunk->class = (uint8_t) class;
        pool->classes[class].at = chunk->base;
        pool->classes[class].end = chunk->base + chunk->bytes;
        return true;
    }
    return false;
}

/* A chunk for the class; false when there is none. */
static bool refill(struct pool *pool, unsigned class)
{
    struct size_class *it = &pool->classes[class];
    uint32_t bytes = it->chunk ? it->chunk * 2 : PAGE;
    while (bytes < class_bytes(class))
        bytes *= 2;
    if (bytes > POOL_CHUNK)
        bytes = POOL_CHUNK;
    uint8_t *base = NULL;
    if (pool->cut + bytes <= pool->cut_most && pool->chunk_count < pool->chunk_most)
        base = region_cut(pool->region, bytes);
    if (!base) {
        if (reuse(pool, class))
            return true;
        gather(pool);
        return reuse(pool, class);
    }
    pool->cut += bytes;
    pool->chunks[pool->chunk_count++] = (struct chunk){base, bytes, (uint8_t) class};
    it->chunk = bytes;
    it->at = base;
    it->end = base + bytes;
    return true;
}

/* Of what will be handed out next: it was freed long ago or never touched. */
static void prefetch(const void *block, uint32_t size)
{
    for (uint32_t at = 0; at < size && at < PREFETCH; at += 64)
        __builtin_prefetch((const char *)block + at, 1);
}

void *pool_get(struct pool *pool, uint32_t bytes)
{
    if (bytes > POOL_MAX)
        return NULL;
    unsigned class = class_of(bytes);
    struct size_class *it = &pool->classes[class];
    uint32_t size = class_bytes(class);
    if (pool->out + size > pool->budget)
        return NULL;
    struct freed *block = it->list;
    if (block) {
        it->list = block->next;
    } else {
        if ((size_t)(it->end - it->at) < size && !refill(pool, class))
            return NULL;
        block = (struct freed *)(void *)it->at;
        it->at += size;
    }
    it->out++;
    pool->out += size;
    prefetch(it->list ? (const void *)it->list : it->at, size);
    return block;
}

void pool_put(struct pool *pool, void *block, uint32_t bytes)
{
    if (!block)
        return;
    unsigned class = class_of(bytes);
    struct size_class *it = &pool->classes[class];
    struct freed *freed = block;
    freed->next = it->list;
    it->list = freed;
    it->out--;
    pool->out -= class_bytes(class);
}
