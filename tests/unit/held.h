/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an analyser holds, for tests that stand in for its host: as there, what was not released is freed after the
 * flow's end.
 */
#ifndef UNIT_HELD_H
#define UNIT_HELD_H

#include <stdint.h>
#include <stdlib.h>

struct held {
    struct held *next, **here; /* what points to this one */
    _Alignas(16) uint8_t bytes[];
};

static void *held_new(struct held **list, uint32_t bytes)
{
    struct held *held = calloc(1, sizeof *held + bytes);
    if (!held)
        abort();
    held->next = *list;
    held->here = list;
    if (held->next)
        held->next->here = &held->next;
    *list = held;
    return held->bytes;
}

static void held_free(void *bytes)
{
    struct held *held = (struct held *)(void *)((uint8_t *)bytes - offsetof(struct held, bytes));
    *held->here = held->next;
    if (held->next)
        held->next->here = held->here;
    free(held);
}

static void held_free_all(struct held **list)
{
    while (*list)
        held_free((*list)->bytes);
}

#endif
