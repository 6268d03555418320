/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/error.h"
#include "packet/packet.h"

static void *claim(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    WEIR_CHECK(p != MAP_FAILED);
    return p;
}

struct block *block_new(void)
{
    struct block *block = calloc(1, sizeof *block);
    WEIR_CHECK(block != NULL);
    block->packets = claim(PACKET_BLOCK_PACKETS * sizeof *block->packets);
    block->bytes = claim(PACKET_BLOCK_BYTES);
    return block;
}

void block_free(struct block *block)
{
    if (!block)
        return;
    munmap(block->packets, PACKET_BLOCK_PACKETS * sizeof *block->packets);
    munmap(block->bytes, PACKET_BLOCK_BYTES);
    free(block);
}
