/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a thread rests that has nothing to do.  Whoever moved something counts an event; a thread rests until the
 * count is another than before it looked around, so that no event between looking and resting is missed.  A few
 * microseconds of spinning come first: a load takes tens of them, a sleep and a wake-up cost about ten.
 */
#include "engine/parts.h"

#define SPINS 200

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void rest_wake(struct engine *engine)
{
    if (engine->options.workers == 1)
        return;
    atomic_fetch_add(&engine->events, 1);
    if (atomic_load(&engine->sleepers) == 0)
        return;
    pthread_mutex_lock(&engine->resting);
    pthread_cond_broadcast(&engine->news);
    pthread_mutex_unlock(&engine->resting);
}

void rest_wait(struct engine *engine, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&engine->events) != seen)
            return;
        pause_cpu();
    }
    pthread_mutex_lock(&engine->resting);
    atomic_fetch_add(&engine->sleepers, 1);
    while (atomic_load(&engine->events) == seen)
        pthread_cond_wait(&engine->news, &engine->resting);
    atomic_fetch_sub(&engine->sleepers, 1);
    pthread_mutex_unlock(&engine->resting);
}
