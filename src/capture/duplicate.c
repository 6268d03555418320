/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames seen twice.  Who captures on several interfaces of one machine, or merges the captures of several taps, has many a
 * frame more than once: as it came in, as the bridge handed it on, as it went out.  Taken as they are, the copies
 * would look like retransmissions and double every count.  So a frame that was seen within 5 ms on another interface is
 * counted as `duplicate_frame` and goes no further; the first in the order of the source stays.
 *
 * What is compared is the whole frame as it was captured: link type, both lengths and every captured byte, by a 64-bit
 * digest whose key is random, so that nobody can make two frames look alike.  A copy in which anything was rewritten on
 * the way (a VLAN tag, the addresses and the TTL behind a router, NAT) is another frame and stays, as does one that
 * another snapshot length has cut.
 *
 * A frame that comes again on an interface where it was seen already was sent twice; it begins anew.  So a genuine
 * retransmission that is equal to the bit stays, and its copies elsewhere go.
 *
 * The table is small: it holds the last 16,384 frames, in a ring, and finds them by chains.  Where more frames than that
 * lie between two copies, the second stays.  So what it knows hangs on the order of the frames and not on the random key.
 *
 * With one interface there is no table.  Of a capture that was cut into many files, one after the other, each file counts as an
 * interface; but a block that no other file comes near in time is let through with a look at its stamps.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"
#include "capture/source.h"

#define WINDOW_NS 5000000u
#define RECENT 16384u
#define CHAINS 32768u

struct recent {
    uint64_t digest;
    uint64_t ts_ns;  /* of the first copy */
    uint64_t ifaces; /* where it was seen: bit iface % 64, so that two that share a bit never make a duplicate */
    uint16_t next;   /* in its chain: the one before it, as below */
    bool chained;
};

struct capture_duplicates {
    uint64_t secret[2];
    uint64_t own_ns;         /* latest stamp of the file that gave the last block */
    uint64_t other_ns;       /* and of all others before it */
    uint16_t iface;          /* of that file */
    uint64_t remembered;     /* so far; the next one takes the place of the oldest */
    uint16_t chains[CHAINS]; /* by digest, newest first: place in the ring + 1; 0: none */
    struct recent ring[RECENT];
};

struct capture_duplicates *capture_duplicates_new(void)
{
    struct capture_duplicates *duplicates = calloc(1, sizeof *duplicates);
    WEIR_CHECK(duplicates != NULL);
    if (getrandom(duplicates->secret, sizeof duplicates->secret, 0) != (ssize_t)sizeof duplicates->secret)
        duplicates->secret[0] = (uint64_t)(uintptr_t)duplicates;
    return duplicates;
}

/* 64 bytes into four lanes, which do not wait for each other. */
static inline void mix(uint64_t lanes[4], const uint8_t *at, uint64_t secret)
{
    for (unsigned i = 0; i < 4; i++)
        lanes[i] = hash_mix(hash_word(at, 2 * i) ^ secret, hash_word(at, 2 * i + 1) ^ lanes[i]);
}

static uint64_t digest(const struct packet *packet, const uint64_t secret[2])
{
    uint64_t sizes = (uint64_t)packet->caplen << 32 | packet->wire_bytes;
    uint64_t lanes[4] = {secret[0], secret[0] + 1, secret[0] + 2, secret[0] + 3};
    const uint8_t *at = packet->data;
    uint32_t left = packet->caplen;
    for (; left >= 64; left -= 64, at += 64)
        mix(lanes, at, secret[1]);
    if (left) {
        uint8_t rest[64] = {0};
        memcpy(rest, at, left);
        mix(lanes, rest, secret[1]);
    }
    uint64_t words[6] = {lanes[0], lanes[1], lanes[2], lanes[3], sizes, packet->link};
    return hash_keyed(words, 6, secret);
}

static bool is_near(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) <= WINDOW_NS;
}

static void remember(struct capture_duplicates *duplicates, uint64_t digest, uint64_t ts_ns, uint64_t ifaces)
{
    uint32_t place = (uint32_t)(duplicates->remembered++ % RECENT);
    struct recent *recent = &duplicates->ring[place];
    if (recent->chained) { /* the oldest of all is the last of its chain */
        uint16_t *link = &duplicates->chains[recent->digest % CHAINS];
        while (*link != place + 1)
            link = &duplicates->ring[*link - 1].next;
        *link = 0;
    }
    uint16_t *chain = &duplicates->chains[digest % CHAINS];
    *recent = (struct recent){digest, ts_ns, ifaces, *chain, true};
    *chain = (uint16_t)(place + 1);
}

/* Was the frame seen elsewhere just now?  If not, it is remembered. */
static bool is_copy(struct capture_duplicates *duplicates, const struct packet *packet)
{
    uint64_t key = digest(packet, duplicates->secret), bit = 1ull << packet->iface % 64;
    uint16_t *link = &duplicates->chains[key % CHAINS];
    while (*link && duplicates->ring[*link - 1].digest != key)
        link = &duplicates->ring[*link - 1].next;
    if (*link) {
        struct recent *recent = &duplicates->ring[*link - 1];
        if (is_near(recent->ts_ns, packet->ts_ns) && !(recent->ifaces & bit)) {
            recent->ifaces |= bit;
            return true;
        }
        /* Once a chain, or a frame that keeps coming would make a long one. */
        *link = recent->next;
        recent->chained = false;
    }
    remember(duplicates, key, packet->ts_ns, bit);
    return false;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Is no packet of another interface near any of the block's?  `until_ns` as in capture_duplicates_drop(). */
static bool is_alone(struct capture_duplicates *duplicates, const struct block *block, uint64_t until_ns)
{
    uint64_t first_ns = UINT64_MAX, last_ns = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        uint64_t ts_ns = block->packets[i].ts_ns;
        first_ns = ts_ns < first_ns ? ts_ns : first_ns;
        last_ns = later(last_ns, ts_ns);
    }
    if (until_ns == 0) {
        duplicates->other_ns = later(duplicates->other_ns, last_ns);
        return false;
    }
    if (block->packets[0].iface != duplicates->iface) {
        duplicates->iface = block->packets[0].iface;
        duplicates->other_ns = later(duplicates->other_ns, duplicates->own_ns);
        duplicates->own_ns = 0;
    }
    duplicates->own_ns = later(duplicates->own_ns, last_ns);
    return last_ns + WINDOW_NS < until_ns && first_ns > duplicates->other_ns + WINDOW_NS;
}

uint32_t capture_duplicates_drop(struct capture_duplicates *duplicates, struct block *block, uint64_t until_ns)
{
    if (block->count == 0 || is_alone(duplicates, block, until_ns))
        return 0;
    struct packet *to = block->packets;
    for (struct packet *packet = to, *stop = to + block->count; packet < stop; packet++) {
        if (is_copy(duplicates, packet))
            continue;
        if (to != packet)
            capture_copy_packet(to, packet);
        to++;
    }
    uint32_t dropped = block->count - (uint32_t)(to - block->packets);
    block->count -= dropped;
    return dropped;
}
