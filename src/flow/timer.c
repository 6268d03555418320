/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers: a wheel of 4,096 slots of a second each, lazily kept.
 *
 * A flow lies in the slot of the deadline that it had when it was put there.  Packets only move the flow's last time, which
 * costs nothing here; when the slot's second has come, a flow whose deadline has moved on is put into its new slot.
 * The front of the wheel is therefore close to the flow that is nearest to its end, which is what eviction takes.
 */
#include "base/error.h"
#include "flow/entry.h"

#define ENDS_A_TICK 1024u /* flows that one tick ends in one shard: bounds the rows of a tick */
#define TICK_NS 1000000000ull

static uint64_t idle_deadline(const struct flow_shard *shard, const struct flow *flow)
{
    uint64_t timeout = flow->flags & FLOW_TCP ? tcp_timeout_ns(shard, flow) : shard->options.udp_idle_ns;
    return flow->last_ns + timeout;
}

static uint64_t deadline(const struct flow_shard *shard, const struct flow *flow)
{
    uint64_t at = idle_deadline(shard, flow);
    uint64_t active = flow->active_ns + shard->options.active_ns;
    if (active < at)
        at = active;
    uint64_t holes = stream_deadline(shard, flow);
    if (holes < at)
        at = holes;
    if (shard->parts.hooks->ticks(flow->space) && shard->clock_ns + TICK_NS < at)
        at = shard->clock_ns + TICK_NS;
    return at;
}

/* Slots from now to the one where a deadline fires: 1 .. WHEEL_SLOTS - 1. */
static uint64_t distance(const struct wheel *wheel, uint64_t at_ns)
{
    uint64_t second = at_ns / WHEEL_SLOT_NS + 1;
    if (second <= wheel->now)
        return 1;
    return second - wheel->now < WHEEL_SLOTS ? second - wheel->now : WHEEL_SLOTS - 1;
}

static void put(struct wheel *wheel, struct flow *flow, uint64_t away)
{
    uint32_t slot = (uint32_t)((wheel->now + away) % WHEEL_SLOTS);
    flow->slot = slot;
    flow->timer_next = NULL;
    flow->timer_prev = wheel->tail[slot];
    if (wheel->tail[slot])
        wheel->tail[slot]->timer_next = flow;
    else
        wheel->head[slot] = flow;
    wheel->tail[slot] = flow;
    wheel->used[slot / 64] |= 1ull << slot % 64;
}

void timer_put(struct flow_shard *shard, struct flow *flow)
{
    struct wheel *wheel = &shard->wheel;
    if (!wheel->started) {
        wheel->started = true;
        wheel->now = shard->clock_ns / WHEEL_SLOT_NS;
    }
    put(wheel, flow, distance(wheel, deadline(shard, flow)));
}

void timer_take(struct flow_shard *shard, struct flow *flow)
{
    struct wheel *wheel = &shard->wheel;
    uint32_t slot = flow->slot;
    if (flow->timer_prev)
        flow->timer_prev->timer_next = flow->timer_next;
    else
        wheel->head[slot] = flow->timer_next;
    if (flow->timer_next)
        flow->timer_next->timer_prev = flow->timer_prev;
    else
        wheel->tail[slot] = flow->timer_prev;
    if (!wheel->head[slot])
        wheel->used[slot / 64] &= ~(1ull << slot % 64);
}

void timer_sooner(struct flow_shard *shard, struct flow *flow)
{
    struct wheel *wheel = &shard->wheel;
    uint64_t away = distance(wheel, deadline(shard, flow));
    if (away >= (flow->slot - wheel->now) % WHEEL_SLOTS)
        return;
    timer_take(shard, flow);
    put(wheel, flow, away);
}

/* The first slot at or after `from` that has flows, going once around; WHEEL_SLOTS: none. */
static uint32_t next_used(const struct wheel *wheel, uint32_t from)
{
    const uint32_t words = WHEEL_SLOTS / 64;
    for (uint32_t i = 0; i <= words; i++) {
        uint32_t word = (from / 64 + i) % words;
        uint64_t bits = wheel->used[word];
        if (i == 0)
            bits &= ~0ull << from % 64;
        else if (i == words)
            bits &= ~(~0ull << from % 64);
        if (bits)
            return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return WHEEL_SLOTS;
}

struct flow *timer_first(const struct flow_shard *shard)
{
    uint32_t slot = next_used(&shard->wheel, (uint32_t)(shard->wheel.now % WHEEL_SLOTS));
    return slot == WHEEL_SLOTS ? NULL : shard->wheel.head[slot];
}

struct flow *timer_oldest(struct flow_shard *shard)
{
    struct wheel *wheel = &shard->wheel;
    for (int moved = 0;; moved++) {
        uint32_t slot = next_used(wheel, (uint32_t)(wheel->now % WHEEL_SLOTS));
        if (slot == WHEEL_SLOTS)
            return NULL;
        struct flow *flow = wheel->head[slot];
        uint64_t away = distance(wheel, deadline(shard, flow));
        if (moved == 16 || away <= (slot - wheel->now) % WHEEL_SLOTS)
            return flow;
        timer_take(shard, flow);
        put(wheel, flow, away);
    }
}

/* Of the flow after the next one in a slot: what a look at its deadline takes. */
static void prefetch_after(const struct flow *flow)
{
    const struct flow *next = flow->timer_next;
    const char *after = next ? (const char *)next->timer_next : NULL;
    if (!after)
        return;
    __builtin_prefetch(after + offsetof(struct flow, key), 1);
    __builtin_prefetch(after + offsetof(struct flow, side), 1);
    __builtin_prefetch(after + offsetof(struct flow, queue), 1);
}

/* A flow whose slot has come: ended (true), or put where its next deadline is. */
static bool fire(struct flow_shard *shard, struct flow *flow)
{
    uint64_t now = shard->clock_ns;
    const struct flow_hooks *hooks = shard->parts.hooks;
    prefetch_after(flow);
    if (idle_deadline(shard, flow) <= now) {
        flow_end(shard, flow, WEIR_END_IDLE, now, 0);
        return true;
    }
    for (int dir = 0; dir < 2; dir++)
        if (queue_of(flow, dir))
            stream_check(shard, flow, dir, now, 0);
    if (hooks->ticks(flow->space))
        hooks->tick(shard->parts.context, flow->space, &flow->info, now);
    if (flow->active_ns + shard->options.active_ns <= now) {
        row_emit(shard, flow, true);
        flow->active_ns = now;
    }
    timer_take(shard, flow);
    put(&shard->wheel, flow, distance(&shard->wheel, deadline(shard, flow)));
    return false;
}

/*
 * After a jump of the clock one turn, and what is left of the next, comes to every flow; more would only put those that
 * are not due from slot to slot.  Whole turns are left out, so each flow stays in its slot.
 */
static void catch_up(struct wheel *wheel, uint64_t second)
{
    if (second > wheel->now + 2 * WHEEL_SLOTS)
        wheel->now += ((second - wheel->now) / WHEEL_SLOTS - 1) * WHEEL_SLOTS;
}

void flow_tick(struct flow_shard *shard, uint64_t ts_ns, uint64_t frame)
{
    struct wheel *wheel = &shard->wheel;
    record_out_set_order(shard->parts.out, frame << 7 | shard->number);
    if (ts_ns > shard->clock_ns)
        shard->clock_ns = ts_ns;
    if (!wheel->started)
        return;
    uint64_t second = shard->clock_ns / WHEEL_SLOT_NS;
    uint32_t ended = 0;
    catch_up(wheel, second);
    while (wheel->now <= second) {
        uint32_t slot = next_used(wheel, (uint32_t)(wheel->now % WHEEL_SLOTS));
        if (slot == WHEEL_SLOTS) {
            wheel->now = second + 1;
            return;
        }
        uint64_t skip = (slot - wheel->now) % WHEEL_SLOTS;
        if (wheel->now + skip > second) {
            wheel->now = second + 1;
            return;
        }
        wheel->now += skip;
        while (wheel->head[slot]) {
            ended += fire(shard, wheel->head[slot]);
            if (ended == ENDS_A_TICK)
                return;
        }
        wheel->now++;
    }
}
