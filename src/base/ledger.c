/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ledger.h"

const struct ledger_entry ledger_entries[LEDGER_COUNT] = {
#define LEDGER_ENTRY(symbol, unit, role, doc) {#symbol, doc, LEDGER_##unit, LEDGER_##role},
    LEDGER_CAUSES(LEDGER_ENTRY)
#undef LEDGER_ENTRY
};

const char *ledger_unit_name(enum ledger_unit unit)
{
    static const char *const names[] = {"frame", "byte", "row", "flow"};
    return names[unit];
}

void ledger_add(struct ledger *to, const struct ledger *from)
{
    for (int i = 0; i < LEDGER_COUNT; i++)
        to->count[i] += from->count[i];
}

bool ledger_closes(const struct ledger *ledger, enum ledger_unit unit, uint64_t *in, uint64_t *out)
{
    *in = *out = 0;
    for (int i = 0; i < LEDGER_COUNT; i++) {
        if (ledger_entries[i].unit != unit)
            continue;
        if (ledger_entries[i].role == LEDGER_IN)
            *in += ledger->count[i];
        else if (ledger_entries[i].role == LEDGER_OUT)
            *out += ledger->count[i];
    }
    return *in == *out;
}
