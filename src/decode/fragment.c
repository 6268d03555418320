/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP datagrams put together from fragments (RFC 791, 815, 8200, 5722).
 *
 * A datagram is a row of up to 64 cells of 1 KiB, each with a bit for every 8 bytes that have come.  So what a fragment costs hangs on
 * its own bytes only: neither its place, nor the order, nor the number of those before it matters, and a flood of tiny ones is no
 * dearer than as many packets.  The first copy of a byte wins.  IPv4 fragments that overlap with other bytes are
 * counted and fill only what is still missing; in IPv6 any overlap kills the datagram, exact repeats apart.
 *
 * Datagrams hang in a hash table (keyed) and in a list by age: time takes them from its old end, and so does a full
 * budget.  All memory is claimed at the start and touched as it is used.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/hash.h"
#include "decode/layers.h"

#define CELL 1024u
#define CELLS 64u /* of the longest datagram */
#define UNIT 8u
#define LONGEST 65535u
#define NONE 0xffffffffu

struct cell {
    uint64_t have[CELL / UNIT / 64];
    uint8_t bytes[CELL];
};

struct datagram_key {
    uint8_t addr[2][16];
    uint32_t id, tunnel;
    uint16_t vlan;
    uint8_t family, proto; /* proto: 0 in IPv6, where the fragment's may differ from the first one's */
    uint32_t zero;
};
static_assert(sizeof(struct datagram_key) == 48, "hashed as six words");

struct datagram {
    struct datagram_key key;
    uint64_t begun_ns;
    uint32_t next;         /* in its bucket, or of the free ones */
    uint32_t older, newer; /* by age */
    uint32_t bucket;
    uint32_t total;     /* bytes of data, known from the last fragment; 0: not yet */
    uint32_t reach;     /* end of the farthest byte that has come */
    uint32_t got;       /* bytes of data that have come */
    uint32_t ip_bytes;  /* of the fragments, headers included */
    uint32_t fragments; /* frames that it holds */
    uint8_t head_size;  /* of the first fragment's IP header; 0: not yet */
    uint8_t proto;
    bool dead;
    uint8_t head[60];
    uint32_t cells[CELLS]; /* NONE: nothing there yet */
};

struct fragments {
    struct cell *cells;
    struct datagram *datagrams;
    uint32_t *buckets;
    uint32_t *free_cells; /* a stack */
    uint32_t cell_count, free_cell_count;
    uint32_t datagram_count, fresh; /* those from `fresh` on have never been used */
    uint32_t free_datagram;
    uint32_t oldest, newest;
    uint32_t mask; /* of buckets */
    uint64_t timeout_ns;
    uint64_t hash_key[2];
    bool vlan_in_key;
};

static void *claim(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    WEIR_CHECK(p != MAP_FAILED);
    return p;
}

struct fragments *fragment_new(const struct decode_options *options)
{
    struct fragments *f = calloc(1, sizeof *f);
    WEIR_CHECK(f != NULL);
    uint32_t bytes = options->fragment_bytes ? options->fragment_bytes : 4u << 20;
    f->timeout_ns = options->fragment_timeout_ns ? options->fragment_timeout_ns : 30000000000ull;
    f->cell_count = bytes / sizeof *f->cells;
    if (f->cell_count < CELLS)
        f->cell_count = CELLS; /* the longest datagram must fit */
    f->datagram_count = f->cell_count / 2;
    uint32_t buckets = 64;
    while (buckets < f->datagram_count)
        buckets *= 2;
    f->mask = buckets - 1;
    f->cells = claim(f->cell_count * sizeof *f->cells);
    f->datagrams = claim(f->datagram_count * sizeof *f->datagrams);
    f->buckets = claim(buckets * sizeof *f->buckets);
    f->free_cells = claim(f->cell_count * sizeof *f->free_cells);
    memset(f->buckets, 0xff, buckets * sizeof *f->buckets);
    for (uint32_t i = 0; i < f->cell_count; i++)
        f->free_cells[i] = f->cell_count - 1 - i;
    f->free_cell_count = f->cell_count;
    f->free_datagram = f->oldest = f->newest = NONE;
    memcpy(f->hash_key, options->hash_key, sizeof f->hash_key);
    f->vlan_in_key = options->vlan_in_key;
    return f;
}

void fragment_free(struct fragments *f)
{
    if (!f)
        return;
    munmap(f->cells, f->cell_count * sizeof *f->cells);
    munmap(f->datagrams, f->datagram_count * sizeof *f->datagrams);
    munmap(f->buckets, (f->mask + 1) * sizeof *f->buckets);
    munmap(f->free_cells, f->cell_count * sizeof *f->free_cells);
    free(f);
}

static void drop_cells(struct fragments *f, struct datagram *d)
{
    for (uint32_t i = 0; i < CELLS; i++) {
        if (d->cells[i] != NONE)
            f->free_cells[f->free_cell_count++] = d->cells[i];
        d->cells[i] = NONE;
    }
}

static void drop(struct fragments *f, uint32_t index)
{
    struct datagram *d = &f->datagrams[index];
    uint32_t *link = &f->buckets[d->bucket];
    while (*link != index)
        link = &f->datagrams[*link].next;
    *link = d->next;
    *(d->older == NONE ? &f->oldest : &f->datagrams[d->older].newer) = d->newer;
    *(d->newer == NONE ? &f->newest : &f->datagrams[d->newer].older) = d->older;
    drop_cells(f, d);
    d->next = f->free_datagram;
    f->free_datagram = index;
}

/* Gives up the oldest; a dead one's fragments were counted when it died. */
static void give_up_oldest(struct fragments *f, struct ledger *ledger, enum ledger_cause cause)
{
    if (!f->datagrams[f->oldest].dead)
        ledger->count[cause] += f->datagrams[f->oldest].fragments;
    drop(f, f->oldest);
}

static void expire(struct fragments *f, uint64_t now_ns, struct ledger *ledger)
{
    while (f->oldest != NONE) {
        uint64_t begun = f->datagrams[f->oldest].begun_ns;
        if (now_ns <= begun || now_ns - begun <= f->timeout_ns)
            break;
        give_up_oldest(f, ledger, LEDGER_fragment_timeout);
    }
}

static struct datagram_key key_of(const struct walk *walk, const struct fragment *fragment)
{
    const struct ip *ip = &walk->ip;
    struct datagram_key key = {.id = fragment->id, .tunnel = walk->tunnel, .family = ip->family};
    uint32_t size = ip->family == 4 ? 4 : 16;
    memcpy(key.addr[0], ip->src, size);
    memcpy(key.addr[1], ip->dst, size);
    if (ip->family == 4)
        key.proto = fragment->proto;
    if (walk->fragments->vlan_in_key)
        key.vlan = walk->vlan[0];
    return key;
}

/* The datagram of this key, begun if there is none. */
static uint32_t find(struct walk *walk, const struct datagram_key *key)
{
    struct fragments *f = walk->fragments;
    uint32_t bucket = (uint32_t)hash_keyed(key, 6, f->hash_key) & f->mask;
    for (uint32_t i = f->buckets[bucket]; i != NONE; i = f->datagrams[i].next)
        if (memcmp(&f->datagrams[i].key, key, sizeof *key) == 0)
            return i;
    if (f->free_datagram == NONE && f->fresh == f->datagram_count)
        give_up_oldest(f, walk->ledger, LEDGER_fragment_budget);
    uint32_t index = f->free_datagram;
    if (index != NONE)
        f->free_datagram = f->datagrams[index].next;
    else
        index = f->fresh++;
    struct datagram *d = &f->datagrams[index];
    memset(d, 0, offsetof(struct datagram, head));
    memset(d->cells, 0xff, sizeof d->cells);
    d->key = *key;
    d->begun_ns = walk->packet->ts_ns;
    d->bucket = bucket;
    d->next = f->buckets[bucket];
    f->buckets[bucket] = index;
    d->older = f->newest;
    d->newer = NONE;
    *(f->newest == NONE ? &f->oldest : &f->datagrams[f->newest].newer) = index;
    f->newest = index;
    return index;
}

/* Cells for the bytes from `from` to `to`; the budget's oldest make way.  False when the datagram itself had to go. */
static bool provide(struct walk *walk, uint32_t index, uint32_t from, uint32_t to)
{
    struct fragments *f = walk->fragments;
    struct datagram *d = &f->datagrams[index];
    for (uint32_t i = from / CELL; i <= (to - 1) / CELL; i++) {
        if (d->cells[i] != NONE)
            continue;
        while (f->free_cell_count == 0) {
            bool itself = f->oldest == index;
            give_up_oldest(f, walk->ledger, LEDGER_fragment_budget);
            if (itself)
                return false;
        }
        d->cells[i] = f->free_cells[--f->free_cell_count];
        memset(f->cells[d->cells[i]].have, 0, sizeof f->cells[0].have);
    }
    return true;
}

struct overlap {
    uint32_t fresh; /* bytes that had not come before */
    uint32_t again; /* bytes that had */
    bool different; /* and are other ones now */
};

/* Goes over the units of the fragment; with `fill` those that have not come before are laid down. */
static struct overlap lay(struct fragments *f, struct datagram *d, uint32_t from, const uint8_t *data, uint32_t size,
                          bool fill)
{
    struct overlap overlap = {0, 0, false};
    for (uint32_t done = 0; done < size;) {
        uint32_t at = from + done, step = size - done < UNIT ? size - done : UNIT;
        struct cell *cell = &f->cells[d->cells[at / CELL]];
        uint64_t *have = &cell->have[at % CELL / UNIT / 64], bit = 1ull << at / UNIT % 64;
        uint8_t *place = cell->bytes + at % CELL;
        if (!(*have & bit)) {
            overlap.fresh += step;
            if (fill) {
                memcpy(place, data + done, step);
                *have |= bit;
            }
        } else {
            overlap.again += step;
            overlap.different |= memcmp(place, data + done, step) != 0;
        }
        done += step;
    }
    return overlap;
}

static void kill(struct walk *walk, struct datagram *d)
{
    drop_cells(walk->fragments, d);
    d->dead = true;
}

static uint8_t *room(struct block *block, uint32_t size)
{
    uint32_t at = (block->used + 63) & ~63u;
    if (at > PACKET_BLOCK_BYTES || size > PACKET_BLOCK_BYTES - at)
        return NULL;
    block->used = at + size;
    return block->bytes + at;
}

/* The header as that of a whole datagram: lengths right, no fragment left in it, no checksum. */
static void mend_head(uint8_t *head, const struct datagram *d)
{
    uint32_t size = d->key.family == 4 ? d->head_size + d->total : d->total, at = d->key.family == 4 ? 2 : 4;
    head[at] = (uint8_t)(size >> 8);
    head[at + 1] = (uint8_t)size;
    if (d->key.family == 4)
        memset(head + 6, 0, 2), memset(head + 10, 0, 2);
    else
        head[6] = d->proto;
}

static enum layer rebuild(struct walk *walk, uint32_t index)
{
    struct fragments *f = walk->fragments;
    struct datagram *d = &f->datagrams[index];
    uint32_t size = d->head_size + d->total;
    if (d->key.family == 4 && size > LONGEST) {
        drop(f, index);
        return LAYER_BAD_NETWORK;
    }
    uint8_t *to = room(walk->block, size);
    if (!to) {
        walk->ledger->count[LEDGER_fragment_budget] += d->fragments;
        drop(f, index);
        return LAYER_NO_FLOW;
    }
    memcpy(to, d->head, d->head_size);
    mend_head(to, d);
    for (uint32_t at = 0; at < d->total; at += CELL)
        memcpy(to + d->head_size + at, f->cells[d->cells[at / CELL]].bytes,
               d->total - at < CELL ? d->total - at : CELL);
    walk->data = to;
    walk->at = 0;
    walk->end = walk->wire_end = size;
    walk->joined = d->ip_bytes;
    walk->found = (struct found){0};
    walk->packet->data = to;
    walk->packet->caplen = size;
    walk->packet->link = PACKET_LINK_RAW;
    walk->packet->flags |= PACKET_REBUILT;
    drop(f, index);
    return LAYER_IP;
}

/* Does the fragment agree with what the others said of the datagram's length? */
static bool agrees(const struct datagram *d, uint32_t to, bool more)
{
    if (d->total && (to > d->total || (!more && to != d->total)))
        return false;
    return more || d->reach <= to;
}

/* Lays the fragment down.  False when it was refused or its datagram is gone. */
static bool take(struct walk *walk, uint32_t index, const struct fragment *fragment, uint32_t size)
{
    struct fragments *f = walk->fragments;
    struct datagram *d = &f->datagrams[index];
    uint32_t to = fragment->offset + size;
    const uint8_t *data = walk_here(walk);
    bool v6 = d->key.family == 6;
    if (!agrees(d, to, fragment->more)) {
        walk->ledger->count[LEDGER_fragment_overlap]++;
        if (v6)
            kill(walk, d);
        return false;
    }
    if (!provide(walk, index, fragment->offset, to))
        return false;
    struct overlap overlap = lay(f, d, fragment->offset, data, size, !v6);
    if (overlap.different || (v6 && overlap.again && overlap.fresh)) {
        walk->ledger->count[LEDGER_fragment_overlap]++;
        if (v6) {
            kill(walk, d);
            return false;
        }
    }
    if (v6 && overlap.fresh)
        lay(f, d, fragment->offset, data, size, true);
    d->got += overlap.fresh;
    d->reach = to > d->reach ? to : d->reach;
    if (!fragment->more)
        d->total = to;
    return true;
}

enum layer fragment_add(struct walk *walk, const struct fragment *fragment)
{
    struct fragments *f = walk->fragments;
    uint32_t size = walk->wire_end - walk->at;
    if (size == 0 || (fragment->more && size % UNIT) || fragment->offset + size > LONGEST)
        return LAYER_BAD_NETWORK;
    if (walk_left(walk) < size) /* cut by the capture: its datagram will never be whole */
        return fragment->offset == 0 ? LAYER_OTHER : LAYER_NO_FLOW;
    expire(f, walk->packet->ts_ns, walk->ledger);
    struct datagram_key key = key_of(walk, fragment);
    uint32_t index = find(walk, &key);
    struct datagram *d = &f->datagrams[index];
    d->fragments++;
    if (d->dead || !take(walk, index, fragment, size))
        return LAYER_NO_FLOW;
    d->ip_bytes += walk->ip.bytes;
    if (fragment->offset == 0 && !d->head_size) {
        d->head_size = (uint8_t)fragment->head_size;
        d->proto = fragment->proto;
        memcpy(d->head, walk->data + walk->ip.network, fragment->head_size);
    }
    return d->total && d->got == d->total && d->head_size ? rebuild(walk, index) : LAYER_NO_FLOW;
}
