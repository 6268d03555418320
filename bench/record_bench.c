/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a row costs: appended to a batch, and printed.  A table of twenty columns (seven base, thirteen of its own, as
 * an HTTP transaction has them), one thread, /dev/null as the sink; nanoseconds of CPU a row, the best of several
 * rounds.
 *
 *     record_bench [rounds]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "export/export.h"

#define BENCH_ROW(X, R)                                                                                                \
    X(R, STR, method, "", "", "")                                                                                      \
    X(R, STR, host, "", "", "")                                                                                        \
    X(R, STR, uri, "", "", "")                                                                                         \
    X(R, STR, version, "", "", "")                                                                                     \
    X(R, U16, status, "", "", "")                                                                                      \
    X(R, STR, reason, "", "", "")                                                                                      \
    X(R, STR, user_agent, "", "", "")                                                                                  \
    X(R, STR, referer, "", "", "")                                                                                     \
    X(R, STR, content_type, "", "", "")                                                                                \
    X(R, U64, request_body_bytes, "", "", "")                                                                          \
    X(R, U64, response_body_bytes, "", "", "")                                                                         \
    X(R, DURATION, latency_ns, "", "", "")                                                                             \
    X(R, BOOL, complete, "", "", "")
WEIR_TABLE(bench, BENCH_ROW, "one row a transaction");

#define BATCHES 64u

static double cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fill(struct record_batch *batch, uint64_t seed)
{
    struct weir_flow flow = {.src_ip = {{10, 1, 2, 3}, 4}, .dst_ip = {{192, 0, 2, 77}, 4}, .dst_port = 80, .proto = 6};
    struct bench_row row = {.method = weir_cstr("GET"),
                            .host = weir_cstr("www.example.com"),
                            .uri = weir_cstr("/assets/js/application-3f2a91c4.js?v=20260131"),
                            .version = weir_cstr("1.1"),
                            .status = weir_uint(200),
                            .reason = weir_cstr("OK"),
                            .user_agent = weir_cstr("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"),
                            .content_type = weir_cstr("application/javascript"),
                            .request_body_bytes = weir_uint(0),
                            .complete = weir_uint(1)};
    record_batch_reset(batch);
    uint64_t ts_ns = 1767225600000000000u + seed * 1000000u;
    for (uint64_t i = 0;; i++) {
        flow.uid = (seed + i) * 0x9e3779b97f4a7c15u;
        flow.src_port = (uint16_t)(1024 + i);
        flow.src_ip.bytes[3] = (uint8_t)i;
        row.response_body_bytes = weir_uint(1000 + i * 37);
        row.latency_ns = weir_uint(150000 + i * 911);
        ts_ns += 12345;
        if (!record_append(batch, &flow, &row, ts_ns, i))
            return;
    }
}

static double best_append(struct record_batch **batches, int rounds)
{
    double best = 1e18;
    for (int round = 0; round < rounds; round++) {
        double start = cpu_ns();
        uint64_t rows = 0;
        for (uint32_t i = 0; i < BATCHES; i++) {
            struct record_batch *batch = batches[i % 4]; /* as recycling keeps them: few, and warm */
            fill(batch, i);
            rows += record_batch_rows(batch);
        }
        double spent = (cpu_ns() - start) / (double)rows;
        best = spent < best ? spent : best;
    }
    return best;
}

static double best_print(struct record_batch **batches, int rounds, const struct export_options *options, int fd)
{
    double best = 1e18;
    struct error error;
    for (int round = 0; round < rounds; round++) {
        struct export_writer *writer = export_writer_open(&bench_table, options, fd, NULL, &error);
        if (!writer) {
            fprintf(stderr, "record_bench: %s\n", error.text);
            exit(1);
        }
        struct record_sink sink = export_writer_sink(writer);
        double start = cpu_ns();
        uint64_t rows = 0;
        for (uint32_t i = 0; i < BATCHES; i++) {
            sink.rows(sink.context, batches[i % 4], 0, record_batch_rows(batches[i % 4]));
            rows += record_batch_rows(batches[i % 4]);
        }
        sink.flush(sink.context);
        double spent = (cpu_ns() - start) / (double)rows;
        best = spent < best ? spent : best;
        export_writer_close(writer, true, NULL);
    }
    return best;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 15, fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct record_batch *batches[4];
    for (int i = 0; i < 4; i++)
        batches[i] = record_batch_new(&bench_table);
    printf("append  %6.1f ns a row of %u columns\n", best_append(batches, rounds), record_column_count(&bench_table));
    static const struct {
        const char *name;
        struct export_options options;
    } runs[] = {
        {"ndjson", {EXPORT_NDJSON, NULL, NULL}},
        {"csv", {EXPORT_CSV, NULL, NULL}},
        {"tsv", {EXPORT_TSV, NULL, NULL}},
        {"where (none matches)", {EXPORT_NDJSON, NULL, "status >= 400 and (host like '%example%' or dst_port = 81)"}},
        {"where (like)", {EXPORT_NDJSON, NULL, "user_agent like '%curl%'"}},
        {"where (prefix)", {EXPORT_NDJSON, NULL, "src_ip in ('172.16.0.0/12', '192.168.0.0/16')"}},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        double ns = best_print(batches, rounds, &runs[i].options, fd);
        printf("%-20s %6.1f ns a row, %5.2f M rows/s\n", runs[i].name, ns, 1e3 / ns);
    }
    for (int i = 0; i < 4; i++)
        record_batch_free(batches[i]);
    close(fd);
    return 0;
}
