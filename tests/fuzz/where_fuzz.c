/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a condition: it is either refused with an error or runs over a fixed batch, and what it lets through is
 * told apart by its negation (a row never passes both).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/export.h"

#define FUZZ_ROW(X, R)                                                                                                 \
    X(R, STR, host, "", "", "")                                                                                        \
    X(R, U16, status, "", "", "")                                                                                      \
    X(R, BOOL, resumed, "", "", "")                                                                                    \
    X(R, STRS, answers, "", "", "")                                                                                    \
    X(R, TIME, at, "", "", "")
WEIR_TABLE(fuzz, FUZZ_ROW, "");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct record_batch *fixed_batch(void)
{
    struct record_batch *batch = record_batch_new(&fuzz_table);
    const struct weir_str items[] = {weir_cstr("10.0.0.1"), weir_cstr("gr\xc3\xbcn"), weir_cstr("\xff%_")};
    struct weir_flow flow = {.src_ip = {{10, 0, 0, 1}, 4}, .dst_ip = {{0xfe, 0x80, [15] = 1}, 6}, .proto = 6};
    struct fuzz_row rows[3] = {{.host = weir_cstr("www.example.org"),
                                .status = weir_uint(200),
                                .resumed = weir_uint(1),
                                .answers = {items, 3, true},
                                .at = weir_uint(1767225600000000000u)},
                               {.host = weir_cstr(""), .answers = {items, 0, true}},
                               {.host = {NULL, 0}}};
    for (uint32_t i = 0; i < 3; i++)
        record_append(batch, &flow, &rows[i], i, i);
    return batch;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record_batch *batch;
    struct error error = {{0}};
    if (!batch)
        batch = fixed_batch();
    char *text = malloc(size + 8), *turned = malloc(size + 16);
    memcpy(text, data, size);
    text[size] = 0;
    struct export_where *where = export_where_parse(&fuzz_table, text, &error);
    if (!where) {
        WEIR_CHECK(strncmp(error.text, "--where: ", 9) == 0);
    } else {
        sprintf(turned, "not (%s)", text);
        struct export_where *opposite = export_where_parse(&fuzz_table, turned, &error);
        for (uint32_t row = 0; row < 3; row++) {
            bool passed = export_where_matches(where, batch, row);
            WEIR_CHECK(!(opposite && passed && export_where_matches(opposite, batch, row)));
        }
        export_where_free(opposite);
    }
    export_where_free(where);
    free(text);
    free(turned);
    return 0;
}
