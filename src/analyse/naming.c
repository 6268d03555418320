/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which analyser a flow gets, from its first bytes.
 *
 * Each probe that has not said NO sees what is unread in a direction.  Most flows are decided by their first packet:
 * then nothing is kept and the analyser is called with the packet's own bytes.  Where a probe says WAIT, the bytes are kept
 * in order of arrival (`runs` over one buffer a direction) and given to whoever is named as if they came then.
 *
 * A probe is not asked again for every single byte: beyond a few, only when there is a quarter more to see or the other
 * direction goes on.  So a flow in 1-byte segments costs what one in large ones does, but for a factor.
 *
 * An analyser that answers NOT_MINE before it took anything is struck from the list, and the others are asked about
 * the same bytes.
 */
#include <string.h>

#include "analyse/host.h"

#define NOBODY (-1)
#define OPEN (-2)         /* not decided yet */
#define RUNS 16u          /* pieces in arrival order; neighbours of a direction count as one, datagrams do not */
#define PACKET_LEAST 512u /* bytes that five packets must have before they are enough to decide */
#define SURE 100
#define LIKELY 60

struct run {
    uint64_t first_ns;
    struct analyse_cause cause; /* of its last byte */
    uint32_t bytes, wire_bytes;
    int dir;
};

struct naming {
    struct {
        uint8_t *data; /* pool block */
        uint32_t bytes, size;
        uint32_t shown; /* to probes */
        uint32_t packets;
        bool shown_whole;
    } side[2];
    uint64_t likely; /* bit i: analyser i said LIKELY */
    uint32_t runs;
    struct run run[RUNS];
};

/* ---- keeping ---- */

static void naming_free(const struct at *at, struct naming *naming)
{
    if (!naming)
        return;
    for (int dir = 0; dir < 2; dir++)
        pool_put(at->analyse->pool, naming->side[dir].data, naming->side[dir].size);
    pool_put(at->analyse->pool, naming, sizeof *naming);
}

static struct naming *naming_make(const struct at *at)
{
    struct naming *naming = pool_get(at->analyse->pool, sizeof *naming);
    if (naming)
        memset(naming, 0, offsetof(struct naming, run));
    return naming;
}

/* Notes that `bytes` came; datagrams stay apart. */
static void add_run(struct naming *naming, const struct at *at, uint32_t bytes, uint32_t wire_bytes, bool apart)
{
    struct run *last = naming->runs ? &naming->run[naming->runs - 1] : NULL;
    if (last && last->dir == at->dir && !apart) {
        last->bytes += bytes;
        last->cause = at->cause;
        return;
    }
    naming->run[naming->runs++] = (struct run){at->first_ns, at->cause, bytes, wire_bytes, at->dir};
}

static bool runs_full(const struct naming *naming, const struct at *at, bool apart)
{
    return naming->runs == RUNS && (apart || naming->run[RUNS - 1].dir != at->dir);
}

/* Copies `size` bytes behind what is kept of this direction.  false: no budget. */
static bool append(struct naming *naming, const struct at *at, const uint8_t *data, uint32_t size)
{
    uint32_t have = naming->side[at->dir].bytes;
    if (size > POOL_MAX - have)
        return false;
    if (have + size > naming->side[at->dir].size) {
        uint32_t room = pool_round(have + size);
        uint8_t *block = pool_get(at->analyse->pool, room);
        if (!block)
            return false;
        if (have)
            memcpy(block, naming->side[at->dir].data, have);
        pool_put(at->analyse->pool, naming->side[at->dir].data, naming->side[at->dir].size);
        naming->side[at->dir].data = block;
        naming->side[at->dir].size = room;
    }
    if (size)
        memcpy(naming->side[at->dir].data + have, data, size);
    naming->side[at->dir].bytes += size;
    return true;
}

static void give_up(const struct at *at)
{
    naming_free(at, at->af->naming);
    at->af->naming = NULL;
    at->af->mode = MODE_UNWANTED;
}

static void no_budget(const struct at *at, uint32_t bytes)
{
    at->analyse->ledger->count[LEDGER_carry_refused] += bytes;
}

/* ---- asking ---- */

/* Shows bytes of direction `dir` to those that are left: who says YES, or OPEN. */
static int ask(const struct at *at, uint64_t over, int dir, struct input view, bool whole, uint64_t *likely)
{
    struct analyse_flow *af = at->af;
    const struct weir_probe probe = {view.data, view.size, (uint8_t)dir, whole, at->flow};
    for (uint64_t left = over & ~af->out; left; left &= left - 1) {
        int i = __builtin_ctzll(left);
        switch (at->analyse->analysers[i]->probe(&probe)) {
        case WEIR_NO: af->out |= 1ull << i; break;
        case WEIR_WAIT: break;
        case WEIR_LIKELY: *likely |= 1ull << i; break;
        case WEIR_YES: return i;
        }
    }
    return OPEN;
}

/* Nobody said YES.  `last`: there is nothing more to be shown. */
static int conclude(const struct at *at, uint64_t over, uint64_t likely, bool last)
{
    uint64_t left = over & ~at->af->out;
    likely &= left;
    if (!left || (last && !likely))
        return NOBODY;
    return last || likely == left ? __builtin_ctzll(likely) : OPEN;
}

static bool exhausted(const struct naming *naming, int dir)
{
    uint32_t bytes = naming->side[dir].bytes;
    return bytes >= ANALYSE_PROBE_BYTES ||
           (naming->side[dir].packets >= ANALYSE_PROBE_PACKETS && bytes >= PACKET_LEAST);
}

/* Shows what is kept of `dir` unless that is hardly more than last time. */
static int ask_kept(const struct at *at, struct naming *naming, int dir, bool now, bool last)
{
    uint32_t bytes = naming->side[dir].bytes;
    uint32_t shown = naming->side[dir].shown;
    bool whole = last || at->af->ended[dir];
    bool news = bytes > shown || (whole && !naming->side[dir].shown_whole);
    if (!bytes || !news || (!now && !whole && bytes > 64 && bytes < shown + shown / 4))
        return OPEN;
    naming->side[dir].shown = bytes;
    naming->side[dir].shown_whole = whole;
    struct input view = {naming->side[dir].data, bytes < ANALYSE_PROBE_BYTES ? bytes : ANALYSE_PROBE_BYTES};
    return ask(at, at->analyse->over_stream, dir, view, whole && view.size == bytes, &naming->likely);
}

static uint8_t confidence(const struct at *at, int who, uint64_t likely)
{
    return likely >> who & 1 ? LIKELY : SURE;
}

/* ---- handing over ---- */

/* Gives the analyser that was just attached what was kept, in order of arrival. */
static enum outcome replay_stream(const struct at *at, const struct naming *naming)
{
    uint32_t done[2] = {0, 0};
    for (int dir = 0; dir < 2; dir++) {
        struct at now = *at;
        now.dir = dir;
        if (at->af->ended[dir] && (!naming || !naming->side[dir].bytes))
            stream_fin(&now);
    }
    for (uint32_t i = 0; naming && i < naming->runs; i++) {
        const struct run *run = &naming->run[i];
        struct at then = *at;
        then.dir = run->dir;
        then.cause = run->cause;
        then.first_ns = run->first_ns;
        struct input in = {naming->side[run->dir].data + done[run->dir], run->bytes};
        done[run->dir] += run->bytes;
        enum outcome outcome = stream_feed(&then, &in);
        if (outcome != GOES_ON)
            return outcome;
        if (at->af->ended[run->dir] && done[run->dir] == naming->side[run->dir].bytes)
            stream_fin(&then);
    }
    return GOES_ON;
}

static enum outcome replay_datagrams(const struct at *at, const struct naming *naming)
{
    uint32_t done[2] = {0, 0};
    for (uint32_t i = 0; naming && i < naming->runs; i++) {
        const struct run *run = &naming->run[i];
        struct at then = *at;
        then.dir = run->dir;
        then.cause = run->cause;
        then.first_ns = run->first_ns;
        struct input in = {naming->side[run->dir].data + done[run->dir], run->bytes};
        done[run->dir] += run->bytes;
        enum outcome outcome = stream_datagram(&then, in, run->wire_bytes);
        if (outcome != GOES_ON)
            return outcome;
    }
    return GOES_ON;
}

/* The analyser has rejected the flow: it is FRESH again, without that one, and with what was kept. */
static void take_back(const struct at *at, int who, struct naming *naming)
{
    struct analyse_flow *af = at->af;
    stream_drop(at);
    af->out |= 1ull << who;
    af->read = false;
    af->service = NULL;
    af->confidence = 0;
    af->naming = naming;
    if (naming) {
        naming->likely = 0;
        for (int dir = 0; dir < 2; dir++) {
            naming->side[dir].shown = 0;
            naming->side[dir].shown_whole = false;
        }
    }
}

/* ---- streams ---- */

/* Asks about bytes of which nothing is kept yet; keeps them if that leaves it open. */
static int name_first(const struct at *at, struct input *in, bool last)
{
    uint64_t likely = 0, over = at->analyse->over_stream;
    struct input view = {in->data, in->size < ANALYSE_PROBE_BYTES ? in->size : ANALYSE_PROBE_BYTES};
    if (!in->size)
        return last ? NOBODY : OPEN;
    bool whole = view.size == in->size && at->af->ended[at->dir];
    int who = ask(at, over, at->dir, view, whole, &likely);
    if (who == OPEN)
        who = conclude(at, over, likely, last || in->size >= ANALYSE_PROBE_BYTES);
    if (who >= 0)
        at->af->confidence = confidence(at, who, likely);
    if (who != OPEN)
        return who;
    struct naming *naming = naming_make(at);
    at->af->naming = naming;
    if (!naming || !append(naming, at, in->data, in->size)) {
        no_budget(at, in->size);
        return NOBODY;
    }
    add_run(naming, at, in->size, 0, false);
    naming->likely = likely;
    naming->side[at->dir].shown = in->size;
    naming->side[at->dir].packets = 1;
    in->data += in->size;
    in->size = 0;
    return OPEN;
}

/* Keeps more of `in`, up to what probes may see, and asks again. */
static int name_more(const struct at *at, struct input *in, bool last)
{
    struct naming *naming = at->af->naming;
    uint32_t have = naming->side[at->dir].bytes;
    uint32_t room = have < ANALYSE_PROBE_BYTES ? ANALYSE_PROBE_BYTES - have : 0;
    uint32_t size = in->size < room ? in->size : room;
    /* the other direction had its say before these bytes came */
    int who = ask_kept(at, naming, !at->dir, true, last);
    bool decide = last || (at->af->ended[0] && at->af->ended[1]);
    if (size && runs_full(naming, at, false)) {
        decide = true;
    } else if (size) {
        if (!append(naming, at, in->data, size)) {
            no_budget(at, have + in->size);
            return NOBODY;
        }
        add_run(naming, at, size, 0, false);
        naming->side[at->dir].packets++;
        in->data += size;
        in->size -= size;
    }
    decide = decide || exhausted(naming, WEIR_ORIG) || exhausted(naming, WEIR_RESP);
    if (who == OPEN)
        who = ask_kept(at, naming, at->dir, decide, last);
    if (who >= 0)
        naming->likely = 0;
    else
        who = conclude(at, at->analyse->over_stream, naming->likely, decide);
    if (who >= 0)
        at->af->confidence = confidence(at, who, naming->likely);
    return who;
}

void naming_data(const struct at *at, struct input *in, bool last)
{
    struct analyse_flow *af = at->af;
    for (;;) {
        struct naming *naming = af->naming;
        int who = naming ? name_more(at, in, last) : name_first(at, in, last);
        if (who == OPEN)
            return;
        if (who == NOBODY) {
            give_up(at);
            return;
        }
        enum outcome outcome = GONE;
        naming = af->naming;
        if (stream_attach(at, (uint32_t)who, af->confidence)) {
            outcome = replay_stream(at, naming);
            if (outcome == GOES_ON)
                outcome = stream_feed(at, in);
        }
        if (outcome != REJECTED) {
            naming_free(at, naming);
            return;
        }
        take_back(at, who, naming);
    }
}

/* Later than its first call: what is unread is in the carries. */
void naming_again(const struct at *at, struct input *in)
{
    struct stream *stream = at->af->stream;
    int who = stream->index;
    struct naming *naming = NULL;
    if (stream->side[0].bytes || stream->side[1].bytes) {
        naming = naming_make(at);
        int first = stream->side[0].bytes && stream->side[1].bytes ? stream->side[1].first_ns < stream->side[0].first_ns
                                                                   : stream->side[0].bytes == 0;
        for (int k = 0; naming && k < 2; k++) {
            struct at then = *at;
            then.dir = k ? !first : first;
            struct side *side = &stream->side[then.dir];
            if (!side->bytes)
                continue;
            then.first_ns = side->first_ns;
            if (!append(naming, &then, side->carry + side->start, side->bytes)) {
                naming_free(at, naming);
                naming = NULL;
                break;
            }
            add_run(naming, &then, side->bytes, 0, false);
        }
        if (!naming) {
            no_budget(at, stream->side[0].bytes + stream->side[1].bytes);
            take_back(at, who, NULL);
            give_up(at);
            return;
        }
    }
    take_back(at, who, naming);
    naming_data(at, in, false);
}

/* What was kept of a direction is no longer in front of what will come. */
static void forget(const struct at *at, struct naming *naming)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < naming->runs; i++)
        if (naming->run[i].dir != at->dir)
            naming->run[kept++] = naming->run[i];
    naming->runs = kept;
    pool_put(at->analyse->pool, naming->side[at->dir].data, naming->side[at->dir].size);
    memset(&naming->side[at->dir], 0, sizeof naming->side[at->dir]);
}

void naming_gap(const struct at *at)
{
    struct naming *naming = at->af->naming;
    struct input none = {(const uint8_t *)"", 0};
    if (naming && naming->likely)
        naming_data(at, &none, true);
    else if (naming)
        forget(at, naming);
}

void naming_fin(const struct at *at)
{
    struct input none = {(const uint8_t *)"", 0};
    if (at->af->naming)
        naming_data(at, &none, false);
}

void naming_flow_end(const struct at *at, bool datagrams)
{
    struct naming *naming = at->af->naming;
    if (!naming)
        return;
    if (!datagrams) {
        struct input none = {(const uint8_t *)"", 0};
        naming_data(at, &none, true);
        return;
    }
    int who = conclude(at, at->analyse->over_datagram, naming->likely, true);
    if (who < 0) {
        give_up(at);
        return;
    }
    if (stream_attach(at, (uint32_t)who, LIKELY) && replay_datagrams(at, naming) == REJECTED)
        take_back(at, who, NULL);
    naming_free(at, naming);
}

/* ---- datagrams ---- */

/* Shows again what is kept, after an analyser rejected it. */
static int ask_datagrams(const struct at *at, struct naming *naming)
{
    uint32_t done[2] = {0, 0};
    int who = OPEN;
    for (uint32_t i = 0; i < naming->runs && who == OPEN; i++) {
        const struct run *run = &naming->run[i];
        struct input view = {naming->side[run->dir].data + done[run->dir], run->bytes};
        done[run->dir] += run->bytes;
        who = ask(at, at->analyse->over_datagram, run->dir, view, true, &naming->likely);
    }
    return who;
}

/* What is left open is kept; no memory before that. */
static int keep_datagram(const struct at *at, struct input in, uint32_t wire_bytes, uint64_t likely)
{
    struct naming *naming = at->af->naming;
    if (!naming)
        naming = at->af->naming = naming_make(at);
    if (!naming || !append(naming, at, in.data, in.size)) {
        no_budget(at, in.size);
        return NOBODY;
    }
    naming->likely = likely;
    naming->side[at->dir].packets++;
    add_run(naming, at, in.size, wire_bytes, true);
    return OPEN;
}

static int name_datagram(const struct at *at, struct input in, uint32_t wire_bytes, bool again)
{
    struct naming *naming = at->af->naming;
    uint64_t over = at->analyse->over_datagram;
    int who = naming && again ? ask_datagrams(at, naming) : OPEN;
    uint64_t likely = naming ? naming->likely : 0;
    if (who == OPEN)
        who = ask(at, over, at->dir, in, true, &likely);
    if (who >= 0) {
        at->af->confidence = SURE;
        return who;
    }
    bool last = naming && (naming->side[at->dir].packets + 1 >= ANALYSE_PROBE_PACKETS || runs_full(naming, at, true));
    who = conclude(at, over, likely, last);
    at->af->confidence = LIKELY;
    return who == OPEN ? keep_datagram(at, in, wire_bytes, likely) : who;
}

void naming_datagram(const struct at *at, struct input in, uint32_t wire_bytes)
{
    struct analyse_flow *af = at->af;
    if (!in.size) /* says nothing, and probes may count on a first byte */
        return;
    for (bool again = false;; again = true) {
        int who = name_datagram(at, in, wire_bytes, again);
        if (who == OPEN)
            return;
        struct naming *naming = af->naming;
        if (who == NOBODY) {
            give_up(at);
            return;
        }
        enum outcome outcome = GONE;
        if (stream_attach(at, (uint32_t)who, af->confidence)) {
            outcome = replay_datagrams(at, naming);
            if (outcome == GOES_ON)
                outcome = stream_datagram(at, in, wire_bytes);
        }
        if (outcome != REJECTED) {
            naming_free(at, naming);
            return;
        }
        take_back(at, who, naming);
    }
}
