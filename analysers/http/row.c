/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/row.c - the schema of table `http`.  It stands in a file of its own because a table that two analysers emit must
 * be one object.
 */
#include "row.h"

static const struct weir_column http_columns[] = {HTTP_ROW(WEIR_COLUMN, struct http_row)};

const struct weir_table http_table = {
    .name = "http",
    .doc = "one row an HTTP exchange; a request without reply has no status, a reply without request no method",
    .columns = http_columns,
    .column_count = sizeof http_columns / sizeof http_columns[0],
    .row_bytes = sizeof(struct http_row),
};

const struct weir_table *const http_tables[] = {&http_table, NULL};
