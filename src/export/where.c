/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a condition over a row: no allocation, no recursion.
 *
 * A test asks for one column's value and compares it; what is null compares as unknown.  `and` is the lesser of two
 * truths, `or` the greater, and a jump saves the right side where the left one decides.  The stack is as deep as the
 * parser lets a condition nest.
 *
 * A list compares as its items do: a test holds when it holds for any of them, and its negation when for none.
 * An address compares with a prefix by the prefix's bits; by order, IPv4 stands before IPv6.
 */
#include "export/where.h"

#include <stdlib.h>
#include <string.h>

/* ---- one value against another: below, equal or above zero ---- */

static int compare_number(uint64_t value, const struct where_value *with)
{
    if (with->negative)
        return 1;
    if (value != with->number)
        return value < with->number ? -1 : 1;
    return with->fraction ? -1 : 0;
}

static int compare_text(struct weir_str text, const struct where_value *with)
{
    uint32_t size = text.size < with->text_bytes ? text.size : with->text_bytes;
    int order = size ? memcmp(text.data, with->text, size) : 0;
    if (order)
        return order;
    return text.size == with->text_bytes ? 0 : text.size < with->text_bytes ? -1 : 1;
}

static int compare_ip(const struct weir_ip *ip, const struct where_value *with)
{
    if (ip->family != with->ip.family)
        return ip->family < with->ip.family ? -1 : 1;
    uint32_t bytes = with->prefix / 8, bits = with->prefix % 8;
    int order = memcmp(ip->bytes, with->ip.bytes, bytes);
    if (order || !bits)
        return order;
    return (ip->bytes[bytes] & (0xff00 >> bits) & 0xff) - with->ip.bytes[bytes];
}

/* A value of a row, whatever its class. */
struct found {
    uint64_t number;
    struct weir_str text;
    struct weir_ip ip;
};

static int compare_found(const struct found *found, uint8_t class, const struct where_value *with)
{
    if (class == WHERE_TEXT || class == WHERE_LIST)
        return compare_text(found->text, with);
    return class == WHERE_IP ? compare_ip(&found->ip, with) : compare_number(found->number, with);
}

static bool holds(const struct export_where *where, const struct where_test *test, const struct found *found)
{
    static const struct where_value none; /* `like` and `null` compare with nothing */
    const struct where_value *values = where->values ? where->values + test->first : &none;
    switch (test->compare) {
    case WHERE_EQ:
        for (uint32_t i = 0; i < test->count; i++)
            if (compare_found(found, test->class, &values[i]) == 0)
                return true;
        return false;
    case WHERE_LT: return compare_found(found, test->class, values) < 0;
    case WHERE_LE: return compare_found(found, test->class, values) <= 0;
    case WHERE_GT: return compare_found(found, test->class, values) > 0;
    case WHERE_GE: return compare_found(found, test->class, values) >= 0;
    case WHERE_BETWEEN:
        return compare_found(found, test->class, &values[0]) >= 0 && compare_found(found, test->class, &values[1]) <= 0;
    case WHERE_LIKE: return where_like_matches(test->like, found->text);
    case WHERE_HOLDS: return found->number != 0;
    default: return false;
    }
}

static enum where_truth list_truth(const struct export_where *where, const struct where_test *test,
                                   const struct record_batch *batch, uint32_t row)
{
    int count = record_list(batch, test->column, row);
    if (test->compare == WHERE_NULL)
        return count < 0 ? WHERE_TRUE : WHERE_FALSE;
    if (count < 0)
        return WHERE_UNKNOWN;
    struct found found = {0};
    for (int i = 0; i < count; i++) {
        found.text = record_list_item(batch, test->column, row, (uint32_t)i);
        if (holds(where, test, &found))
            return WHERE_TRUE;
    }
    return WHERE_FALSE;
}

static enum where_truth truth(const struct export_where *where, const struct where_test *test,
                              const struct record_batch *batch, uint32_t row)
{
    struct found found;
    bool set;
    if (test->class == WHERE_LIST)
        return list_truth(where, test, batch, row);
    if (test->class == WHERE_TEXT) {
        found.text = record_str(batch, test->column, row);
        set = found.text.data != NULL;
    } else if (test->class == WHERE_IP) {
        found.ip = record_ip(batch, test->column, row);
        set = found.ip.family != 0;
    } else {
        struct weir_uint value = record_uint(batch, test->column, row);
        found.number = value.value;
        set = value.set;
    }
    if (test->compare == WHERE_NULL)
        return set ? WHERE_FALSE : WHERE_TRUE;
    if (!set)
        return WHERE_UNKNOWN;
    return holds(where, test, &found) ? WHERE_TRUE : WHERE_FALSE;
}

bool export_where_matches(const struct export_where *where, const struct record_batch *batch, uint32_t row)
{
    uint8_t stack[WHERE_STACK];
    uint32_t top = 0; /* values on the stack */
    for (uint32_t at = 0; at < where->step_count; at++) {
        const struct where_step *step = &where->steps[at];
        switch ((enum where_op)step->op) {
        case WHERE_TEST: stack[top++] = (uint8_t)truth(where, &where->tests[step->arg], batch, row); break;
        case WHERE_AND:
            top--;
            stack[top - 1] = stack[top] < stack[top - 1] ? stack[top] : stack[top - 1];
            break;
        case WHERE_OR:
            top--;
            stack[top - 1] = stack[top] > stack[top - 1] ? stack[top] : stack[top - 1];
            break;
        case WHERE_NOT: stack[top - 1] = (uint8_t)(WHERE_TRUE - stack[top - 1]); break;
        case WHERE_IF_FALSE:
            if (stack[top - 1] == WHERE_FALSE)
                at = step->arg - 1;
            break;
        case WHERE_IF_TRUE:
            if (stack[top - 1] == WHERE_TRUE)
                at = step->arg - 1;
            break;
        }
    }
    return stack[0] == WHERE_TRUE;
}

void export_where_free(struct export_where *where)
{
    if (!where)
        return;
    for (uint32_t i = 0; i < where->test_count; i++)
        where_like_free(where->tests[i].like);
    for (uint32_t i = 0; i < where->value_count; i++)
        free(where->values[i].text);
    free(where->steps);
    free(where->tests);
    free(where->values);
    free(where);
}
