/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unread bytes of one direction, in one pool block that grows by its class up to ANALYSE_CARRY_BYTES.
 *
 * What was taken stays in front until the room behind is used up; then the rest moves to the front if that moves no more
 * than was taken, and else the block doubles.  So a byte is moved a bounded number of times, in whatever pieces it came.
 * Under the address sanitiser the room behind the unread bytes is out of bounds for analysers.
 */
#include <string.h>

#include "analyse/host.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CARRY_GUARDED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(CARRY_GUARDED)
#define CARRY_GUARDED
#endif

#ifdef CARRY_GUARDED
#include <sanitizer/asan_interface.h>
static void guard(const struct side *side)
{
    uint32_t used = side->start + side->bytes;
    ASAN_UNPOISON_MEMORY_REGION(side->carry, used);
    ASAN_POISON_MEMORY_REGION(side->carry + used, side->size - used);
}
static void unguard(const struct side *side)
{
    if (side->carry)
        ASAN_UNPOISON_MEMORY_REGION(side->carry, side->size);
}
#else
static void guard(const struct side *side)
{
}
static void unguard(const struct side *side)
{
}
#endif

void carry_drop(struct pool *pool, struct side *side)
{
    unguard(side);
    pool_put(pool, side->carry, side->size);
    side->carry = NULL;
    side->start = side->bytes = side->size = 0;
}

void carry_taken(struct pool *pool, struct side *side, uint32_t bytes)
{
    side->start += bytes;
    side->bytes -= bytes;
    if (side->bytes == 0)
        carry_drop(pool, side);
}

/* Makes room for `bytes` unread ones in all. */
static bool make_room(struct pool *pool, struct side *side, uint32_t bytes)
{
    if (side->start >= side->bytes && side->size >= bytes) {
        memcpy(side->carry, side->carry + side->start, side->bytes);
        side->start = 0;
        return true;
    }
    uint32_t size = 2 * side->size > bytes ? 2 * side->size : bytes;
    if (size > ANALYSE_CARRY_BYTES)
        size = ANALYSE_CARRY_BYTES;
    if (size == side->size) {
        memmove(side->carry, side->carry + side->start, side->bytes);
        side->start = 0;
        return true;
    }
    size = pool_round(size);
    uint8_t *block = pool_get(pool, size);
    if (!block)
        return false;
    if (side->carry) {
        memcpy(block, side->carry + side->start, side->bytes);
        pool_put(pool, side->carry, side->size);
    }
    side->carry = block;
    side->size = size;
    side->start = 0;
    return true;
}

/* Adds `size` bytes behind what is unread.  false: too many, or no budget; nothing has changed. */
bool carry_append(struct pool *pool, struct side *side, const uint8_t *data, uint32_t size)
{
    if (size > ANALYSE_CARRY_BYTES - side->bytes)
        return false;
    unguard(side);
    if (side->start + side->bytes + size > side->size && !make_room(pool, side, side->bytes + size)) {
        if (side->carry)
            guard(side);
        return false;
    }
    memcpy(side->carry + side->start + side->bytes, data, size);
    side->bytes += size;
    guard(side);
    return true;
}
