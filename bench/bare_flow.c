/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_flow - a lower bound for "read a capture, decode it, keep a flow table", on one core.
 *
 * usage: bare_flow FILE.pcap
 *
 * Large read()s, header fields, an open-addressing table of one cache line an entry with packets and bytes a side, in batches
 * of 32 with the entry prefetched.  No fragments, no TCP state, no timers, no rows: it may not be shipped.
 */
#include "bare.h"

#include <sys/mman.h>

#define SHIFT 11 /* of a 32-bit hash */
#define ENTRIES (1u << (32 - SHIFT))

struct entry {
    struct bare_tuple tuple;
    uint32_t packets[2];
    uint64_t bytes[2];
    uint64_t first, last; /* us of packet time */
};
static_assert(sizeof(struct entry) == 64, "one cache line");

static struct entry *table;
static uint64_t flows, others;

static void count(const struct bare_packet *p)
{
    for (uint32_t i = p->hash >> SHIFT;; i = (i + 1) & (ENTRIES - 1)) {
        struct entry *e = &table[i];
        if (e->packets[0] + e->packets[1] == 0) {
            e->tuple = p->tuple;
            e->first = p->us;
            flows++;
        } else if (!bare_same(&e->tuple, &p->tuple)) {
            continue;
        }
        e->packets[p->turned]++;
        e->bytes[p->turned] += p->wire;
        e->last = p->us;
        return;
    }
}

int main(int argc, char **argv)
{
    struct bare_file file;
    struct bare_packet batch[BARE_BATCH];
    const uint8_t *record;
    uint32_t caplen, n = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: bare_flow FILE.pcap\n");
        return 2;
    }
    bare_open(&file, argv[1]);
    table = mmap(NULL, ENTRIES * sizeof(*table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED)
        return 1;
    madvise(table, ENTRIES * sizeof(*table), MADV_HUGEPAGE);
    while (bare_fill(&file))
        for (bool more = true; more;) {
            more = bare_take(&file, &record, &caplen);
            if (more && bare_decode(record, caplen, &batch[n])) {
                __builtin_prefetch(&table[batch[n].hash >> SHIFT], 1);
                n++;
            } else {
                others += more;
            }
            if (n == BARE_BATCH || !more) {
                for (uint32_t i = 0; i < n; i++)
                    count(&batch[i]);
                n = 0;
            }
        }
    printf("%llu packets, %llu flows, %llu others\n", (unsigned long long)file.packets, (unsigned long long)flows,
           (unsigned long long)others);
    return 0;
}
