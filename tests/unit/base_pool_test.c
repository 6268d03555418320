/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools over a region: what they hand out, and what they take for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"

#define BUDGET ((size_t)8 << 20)

/* Takes blocks of `bytes` until the pool refuses, and gives them all back.  How many there were. */
static size_t flood(struct pool *pool, uint32_t bytes)
{
    uint8_t *list = NULL, *block;
    size_t count = 0;
    for (; (block = pool_get(pool, bytes)); count++) {
        memcpy(block, &list, sizeof list);
        list = block;
    }
    while (list) {
        block = list;
        memcpy(&list, block, sizeof list);
        pool_put(pool, block, bytes);
    }
    return count;
}

static void blocks_are_given_up_to_the_budget_and_come_back(void **state)
{
    struct region *region = region_new((size_t)64 << 20);
    struct pool *pool = pool_new(region, BUDGET);
    assert_int_equal(flood(pool, 1000), BUDGET / 1024);
    assert_int_equal(flood(pool, 1000), BUDGET / 1024);
    assert_int_equal(pool_out(pool), 0);
    assert_null(pool_get(pool, POOL_MAX + 1));
    pool_free(pool);
    region_free(region);
}

static const uint32_t sizes[] = {32,   48,   64,   96,   128,  192,   256,   384,   512,   768,   1024, 1536,
                                 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void sizes_that_take_turns_take_no_more_than_twice_the_budget(void **state)
{
    for (int down = 0; down < 2; down++) {
        struct region *region = region_new((size_t)512 << 20);
        struct pool *pool = pool_new(region, BUDGET);
        for (int i = 0; i < SIZES; i++) {
            uint32_t bytes = sizes[down ? SIZES - 1 - i : i];
            assert_true(flood(pool, bytes) * bytes > BUDGET / 20 * 19);
        }
        assert_in_range(region_used(region), BUDGET, 2 * BUDGET + POOL_SLACK);
        pool_free(pool);
        region_free(region);
    }
}

static void blocks_that_are_out_stay_whole_while_other_sizes_take_turns(void **state)
{
    struct region *region = region_new((size_t)512 << 20);
    struct pool *pool = pool_new(region, BUDGET);
    uint8_t *kept = pool_get(pool, 1000);
    memset(kept, 'k', 1000);
    for (int i = 0; i < SIZES; i++)
        flood(pool, sizes[i]);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(kept[i], 'k');
    pool_put(pool, kept, 1000);
    assert_int_equal(pool_out(pool), 0);
    pool_free(pool);
    region_free(region);
}

static void a_pool_that_is_flooded_leaves_its_neighbour_its_share(void **state)
{
    struct region *region = region_new(2 * (2 * BUDGET + POOL_SLACK));
    struct pool *pools[2] = {pool_new(region, BUDGET), pool_new(region, BUDGET)};
    for (int i = 0; i < SIZES; i++)
        flood(pools[0], sizes[i]);
    assert_int_equal(flood(pools[1], 1000), BUDGET / 1024);
    assert_int_equal(flood(pools[1], 32), BUDGET / 32);
    pool_free(pools[0]);
    pool_free(pools[1]);
    region_free(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_given_up_to_the_budget_and_come_back),
        cmocka_unit_test(sizes_that_take_turns_take_no_more_than_twice_the_budget),
        cmocka_unit_test(blocks_that_are_out_stay_whole_while_other_sizes_take_turns),
        cmocka_unit_test(a_pool_that_is_flooded_leaves_its_neighbour_its_share),
    };
    return cmocka_run_group_tests_name("base_pool", tests, NULL, NULL);
}
