/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tally keeps the largest of however many names there are, in a table that does not grow.  While there is room it
 * just counts.  When it is full, a weight is chosen that at least half of the entries do not exceed; it is taken off
 * every entry, and those with nothing left go (Misra and Gries's scheme with weights, many at a time).  So an
 * addition is amortised constant, an entry that stays has its sum since it was made, and what went never had more than
 * all that was ever taken off.
 *
 * Names are told apart by a keyed 64-bit hash, so that nobody can choose names that collide.  The result does not depend
 * on the key: what goes depends on weights only, and equal weights are ordered by label.
 *
 * A spread is a histogram whose buckets are a 32nd of a power of two wide.
 */
#include "cli/tally.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/error.h"
#include "base/hash.h"

/* ---- names ---- */

uint64_t tally_hash(const void *data, uint32_t size)
{
    static uint64_t secret; /* one thread at a time calls a sink; chosen once a process */
    const uint8_t *p = data;
    if (!secret) {
        if (getrandom(&secret, sizeof secret, GRND_NONBLOCK) != sizeof secret)
            secret = (uint64_t)(uintptr_t)&secret;
        secret |= 1;
    }
    uint64_t hash = secret ^ size;
    uint32_t left = size;
    for (; left >= 8; left -= 8, p += 8)
        hash = hash_mix(hash_word(p, 0) ^ 0xa0761d6478bd642fu, hash ^ secret);
    uint64_t last = 0;
    memcpy(&last, p, left);
    return hash_mix(last ^ 0xe7037ed1a0b428dbu, hash ^ secret);
}

void tally_init(struct tally *tally, uint32_t capacity)
{
    WEIR_CHECK(capacity <= 16384 && (capacity & (capacity - 1)) == 0);
    *tally = (struct tally){.capacity = capacity, .mask = 2 * capacity - 1};
    tally->entries = malloc(capacity * sizeof *tally->entries);
    tally->slots = calloc(2 * (size_t)capacity, sizeof *tally->slots);
    WEIR_CHECK(tally->entries && tally->slots);
}

void tally_fini(struct tally *tally)
{
    free(tally->entries);
    free(tally->slots);
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) & 0xffff0000u;
}

static void place(struct tally *tally, uint32_t entry)
{
    uint64_t hash = tally->entries[entry].hash;
    uint32_t at = (uint32_t)hash & tally->mask;
    while (tally->slots[at])
        at = (at + 1) & tally->mask;
    tally->slots[at] = tag_of(hash) | (entry + 1);
}

/* Which of 8 buckets a power of two; the highest value of a bucket. */
static uint32_t bucket_of(uint64_t value)
{
    if (value < 8)
        return (uint32_t)value;
    uint32_t power = 63 - (uint32_t)__builtin_clzll(value);
    return (power - 2) * 8 + (uint32_t)(value >> (power - 3) & 7);
}

static uint64_t bucket_end(uint32_t bucket)
{
    if (bucket < 8)
        return bucket;
    uint32_t power = bucket / 8 + 2;
    return ((8ull + bucket % 8 + 1) << (power - 3)) - 1;
}

/* Makes room for at least half of the capacity. */
static void purge(struct tally *tally)
{
    uint32_t population[512] = {0}, gone = 0, bucket = 0, kept = 0;
    for (uint32_t i = 0; i < tally->count; i++)
        population[bucket_of(tally->entries[i].rank)]++;
    while ((gone += population[bucket]) < (tally->count + 1) / 2)
        bucket++;
    uint64_t off = bucket_end(bucket);
    for (uint32_t i = 0; i < tally->count; i++) {
        if (tally->entries[i].rank <= off)
            continue;
        tally->entries[kept] = tally->entries[i];
        tally->entries[kept++].rank -= off;
    }
    tally->count = kept;
    tally->purged += off;
    memset(tally->slots, 0, (tally->mask + 1) * sizeof *tally->slots);
    for (uint32_t i = 0; i < kept; i++)
        place(tally, i);
}

static void set_label(struct tally_entry *entry, const char *label, uint32_t size)
{
    entry->cut = size > TALLY_LABEL;
    if (entry->cut) { /* not inside a character */
        for (size = TALLY_LABEL; size > 0 && ((uint8_t)label[size] & 0xc0) == 0x80;)
            size--;
    }
    entry->size = (uint8_t)size;
    memcpy(entry->label, label, size);
}

struct tally_entry *tally_add(struct tally *tally, uint64_t hash, const void *label, uint32_t size, uint64_t weight)
{
    uint32_t tag = tag_of(hash);
    for (uint32_t at = (uint32_t)hash & tally->mask; tally->slots[at]; at = (at + 1) & tally->mask) {
        uint32_t slot = tally->slots[at];
        struct tally_entry *entry = &tally->entries[(slot & 0xffff) - 1];
        if ((slot & 0xffff0000u) == tag && entry->hash == hash) {
            entry->rank += weight;
            entry->sum += weight;
            return entry;
        }
    }
    if (tally->count == tally->capacity)
        purge(tally);
    struct tally_entry *entry = &tally->entries[tally->count++];
    *entry = (struct tally_entry){.hash = hash, .rank = weight, .sum = weight, .exact = tally->purged == 0};
    set_label(entry, label, size);
    place(tally, tally->count - 1);
    return entry;
}

struct tally_entry *tally_add_word(struct tally *tally, struct weir_str text, uint64_t weight)
{
    return tally_add(tally, tally_hash(text.data, text.size), text.data, text.size, weight);
}

struct tally_entry *tally_add_text(struct tally *tally, struct weir_str text, uint64_t weight)
{
    char lower[256];
    uint32_t size = text.size < sizeof lower ? text.size : sizeof lower;
    for (uint32_t i = 0; i < size; i++) {
        char c = text.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    uint64_t hash = tally_hash(size ? lower : "", size);
    if (text.size > size) /* a name longer than any should be: its rest counts as it is */
        hash ^= tally_hash(text.data + size, text.size - size);
    return tally_add(tally, hash, lower, size, weight);
}

static int by_sum(const void *a, const void *b)
{
    const struct tally_entry *x = *(const struct tally_entry *const *)a, *y = *(const struct tally_entry *const *)b;
    if (x->sum != y->sum)
        return x->sum < y->sum ? 1 : -1;
    uint32_t size = x->size < y->size ? x->size : y->size;
    int order = memcmp(x->label, y->label, size);
    return order ? order : (int)x->size - (int)y->size;
}

uint32_t tally_top(const struct tally *tally, const struct tally_entry **top, uint32_t most)
{
    const struct tally_entry **all = malloc((tally->count + 1) * sizeof *all);
    uint32_t certain = 0;
    WEIR_CHECK(all != NULL);
    for (uint32_t i = 0; i < tally->count; i++)
        if (tally->entries[i].sum >= tally->purged)
            all[certain++] = &tally->entries[i];
    qsort(all, certain, sizeof *all, by_sum);
    uint32_t count = certain < most ? certain : most;
    memcpy(top, all, count * sizeof *all);
    free(all);
    return count;
}

/* ---- quantiles ---- */

void tally_spread_add(struct tally_spread *spread, uint64_t value)
{
    uint32_t bucket = (uint32_t)value;
    if (value >= TALLY_SPREAD_STEPS) {
        uint32_t power = 63 - (uint32_t)__builtin_clzll(value); /* at least 5 */
        bucket = (power - 4) * TALLY_SPREAD_STEPS + (uint32_t)(value >> (power - 5) & (TALLY_SPREAD_STEPS - 1));
    }
    spread->buckets[bucket < TALLY_SPREAD_BUCKETS ? bucket : TALLY_SPREAD_BUCKETS - 1]++;
    spread->count++;
    if (value > spread->longest)
        spread->longest = value;
}

uint64_t tally_quantile(const struct tally_spread *spread, double share)
{
    uint64_t seen = 0, rank = (uint64_t)(share * (double)spread->count);
    if (rank >= spread->count)
        return spread->longest;
    for (uint32_t i = 0; i < TALLY_SPREAD_BUCKETS; i++) {
        seen += spread->buckets[i];
        if (seen <= rank)
            continue;
        if (i < TALLY_SPREAD_STEPS)
            return i;
        uint32_t power = i / TALLY_SPREAD_STEPS + 4;
        uint64_t middle =
            ((uint64_t)(TALLY_SPREAD_STEPS + i % TALLY_SPREAD_STEPS) << (power - 5)) + (1ull << (power - 5)) / 2;
        return middle < spread->longest ? middle : spread->longest;
    }
    return 0;
}
