/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/row.h - table `http`, which HTTP/1 (../http.c) and HTTP/2 (../http2.c) share: one list, one schema.
 */
#ifndef HTTP_ROW_H
#define HTTP_ROW_H

#include <weir/analyser.h>

#define HTTP_ROW(X, R)                                                                                                 \
    X(R, STR, method, "http.request.method", "http.request.method", "request method")                                  \
    X(R, STR, host, "http.host", "server.address", "Host, or the authority of the request target")                     \
    X(R, STR, uri, "http.request.uri", "url.original", "request target as sent, without a password")                   \
    X(R, STR, version, "http.request.version", "network.protocol.version", "of the request, or of a lone reply")       \
    X(R, U16, status, "http.response.code", "http.response.status_code", "status code of the final reply")             \
    X(R, STR, reason, "http.response.phrase", "", "reason phrase of the reply")                                        \
    X(R, STR, user_agent, "http.user_agent", "user_agent.original", "User-Agent")                                      \
    X(R, STR, referer, "http.referer", "http.request.header.referer", "Referer, without a password")                   \
    X(R, STR, content_type, "http.content_type", "http.response.header.content-type", "Content-Type of the reply")     \
    X(R, U64, request_body_bytes, "", "http.request.body.size", "request body on the wire, without framing")           \
    X(R, U64, response_body_bytes, "", "http.response.body.size", "reply body on the wire, without framing")           \
    X(R, DURATION, latency_ns, "http.time", "", "last byte of the request to first byte of the reply")                 \
    X(R, U8, depth, "", "", "0 on the wire, n inside n child streams")                                                 \
    X(R, STR, trace_id, "", "", "trace of the request: W3C traceparent, or B3")                                        \
    X(R, STR, span_id, "", "", "the caller's span in it")                                                              \
    X(R, STR, request_content_type, "", "http.request.header.content-type", "Content-Type of the request")             \
    X(R, STR, content_encoding, "http.content_encoding", "http.response.header.content-encoding",                      \
      "Content-Encoding of the reply")                                                                                 \
    X(R, STR, server, "http.server", "http.response.header.server", "Server")                                          \
    X(R, STR, forwarded_for, "http.x_forwarded_for", "http.request.header.x-forwarded-for", "X-Forwarded-For")         \
    X(R, DURATION, duration_ns, "", "", "first byte of the request to last byte of the reply")

struct http_row {
    HTTP_ROW(WEIR_MEMBER, )
};

extern const struct weir_table http_table;
extern const struct weir_table *const http_tables[]; /* it alone, NULL-ended */

#endif
