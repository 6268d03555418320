/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs dialogs: conversations written as text, with the rows that they must yield.
 *
 * Each is given to the host of analysers as the flow table would do it, once with its pieces whole and then, for streams, with
 * each cut in parts of 1 to 16 bytes; the rows must be the same, but for times.  Every piece ends at a page that may not be read, so
 * an analyser that looks further dies here.  After each replay all memory of the flow must be back in its pool.
 *
 * The host's rows are taken where it hands them over (record_emit below), since a dialog lists the rows of all tables in the
 * order of emission, which batches keep by table only.
 *
 *     dialogs [-p] FILE|DIR...     -p: prints the rows that came, as a dialog would list them
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyse/analyse.h"
#include "base/error.h"
#include "dialog.h"

extern const struct weir_analyser toy_analyser; /* tests/dialogs/toy.c */

#define BUFFER ((size_t)256 << 10)
#define CUT_MAX 16

struct bench {
    struct analyse *analyse;
    struct pool *pool;
    struct ledger ledger;
    uint8_t *end; /* of the buffer; what follows may not be read */
};

/* A replay: the rows that came and the service as the flow ended. */
struct replay {
    struct rows rows;
    const char *service;
    uint64_t now_ns;
};

static struct replay *current;

/* Dialogs and rows live to the end of the program; what analysers lose shows in the pool. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}

bool record_wants(const struct record_out *out, const struct weir_table *table)
{
    return true;
}

void record_emit(struct record_out *out, const struct weir_table *table, const struct weir_flow *flow, const void *row,
                 uint64_t ts_ns)
{
    rows_add(&current->rows, table, flow, row, ts_ns, current->now_ns);
}

static void bench_init(struct bench *bench)
{
    static const struct weir_analyser *analysers[256];
    size_t count = 0;
    while (analyse_builtin[count] && count < 200) {
        analysers[count] = analyse_builtin[count];
        count++;
    }
    analysers[count++] = &toy_analyser;
    for (size_t i = 0; i < count; i++) {
        const char *what = analyse_check(analysers[i]);
        if (what)
            printf("analyser %s: %s\n", analysers[i]->name, what);
        WEIR_CHECK(!what);
    }
    struct region *region = region_new((size_t)64 << 20);
    bench->pool = pool_new(region, (size_t)32 << 20);
    struct analyse_options options = {
        .analysers = analysers, .pool = bench->pool, .ledger = &bench->ledger, .attach_unwanted = true};
    bench->analyse = analyse_new(&options);
    long page = sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, BUFFER + (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WEIR_CHECK(pages != MAP_FAILED && mprotect(pages + BUFFER, (size_t)page, PROT_NONE) == 0);
    bench->end = pages + BUFFER;
}

static void give(struct bench *bench, struct analyse_flow *af, const struct dialog *dialog, const struct piece *piece,
                 size_t from, size_t size, struct analyse_cause cause)
{
    uint8_t *at = bench->end - size;
    if (size)
        memcpy(at, piece->data + from, size);
    if (dialog->flow.proto == WEIR_UDP)
        analyse_datagram(bench->analyse, af, &dialog->flow, piece->dir, at, (uint32_t)size, (uint32_t)size, cause);
    else if (analyse_wanted(af))
        analyse_data(bench->analyse, af, &dialog->flow, piece->dir, at, (uint32_t)size, cause);
}

static void give_ticks(struct bench *bench, struct analyse_flow *af, const struct dialog *dialog, uint64_t seconds,
                       struct replay *replay)
{
    for (uint64_t i = 0; i < seconds; i++) {
        replay->now_ns += 1000 * DIALOG_STEP_NS;
        if (analyse_ticks(af))
            analyse_tick(bench->analyse, af, &dialog->flow, (struct analyse_cause){replay->now_ns, 0});
    }
}

static const char *service_of(const struct analyse_flow *af)
{
    const char *by;
    uint8_t confidence;
    return analyse_service(af, &by, &confidence);
}

/* `cut`: longest part of a stream's piece, or SIZE_MAX. */
static struct replay replay_dialog(struct bench *bench, const struct dialog *dialog, size_t cut)
{
    _Alignas(16) uint8_t space[ANALYSE_FLOW_BYTES] = {0};
    struct analyse_flow *af = (struct analyse_flow *)(void *)space;
    struct replay replay = {.now_ns = DIALOG_START_NS - DIALOG_STEP_NS};
    struct analyse_cause cause = {DIALOG_START_NS, 0};
    bool reset = false;
    current = &replay;
    for (size_t i = 0; i < dialog->piece_count; i++) {
        const struct piece *piece = &dialog->pieces[i];
        if (piece->kind == PIECE_WAIT) {
            give_ticks(bench, af, dialog, piece->amount, &replay);
            continue;
        }
        replay.now_ns += DIALOG_STEP_NS;
        cause = (struct analyse_cause){replay.now_ns, i + 1};
        if (piece->kind == PIECE_DATA && (!piece->size || dialog->flow.proto == WEIR_UDP))
            give(bench, af, dialog, piece, 0, piece->size, cause);
        else if (piece->kind == PIECE_DATA)
            for (size_t at = 0; at < piece->size; at += cut < piece->size - at ? cut : piece->size - at)
                give(bench, af, dialog, piece, at, cut < piece->size - at ? cut : piece->size - at, cause);
        else if (piece->kind == PIECE_GAP)
            analyse_gap(bench->analyse, af, &dialog->flow, piece->dir, piece->amount, cause);
        else if (piece->kind == PIECE_FIN)
            analyse_end(bench->analyse, af, &dialog->flow, piece->dir, WEIR_END_FIN, cause);
        reset = piece->kind == PIECE_RESET;
    }
    cause.frame = reset ? cause.frame : 0;
    analyse_end(bench->analyse, af, &dialog->flow, WEIR_ORIG, reset ? WEIR_END_RESET : WEIR_END_IDLE, cause);
    replay.service = service_of(af);
    return replay;
}

static bool check_service(const struct dialog *dialog, const char *service)
{
    if (!dialog->service || strcmp(dialog->service, service ? service : "none") == 0)
        return true;
    printf("%s:%d: expected service %s, came %s\n", dialog->file, dialog->service_line, dialog->service,
           service ? service : "none");
    return false;
}

static bool known(const struct dialog *dialog)
{
    if (analyse_find(dialog->analyser) || strcmp(dialog->analyser, toy_analyser.name) == 0)
        return true;
    printf("%s:%d: there is no analyser %s\n", dialog->file, dialog->line, dialog->analyser);
    return false;
}

static bool back_in_pool(struct bench *bench, const struct dialog *dialog)
{
    if (pool_out(bench->pool) == 0)
        return true;
    printf("%s:%d: %zu bytes of the flow are still out after its end\n", dialog->file, dialog->line,
           pool_out(bench->pool));
    return false;
}

static bool run_dialog(struct bench *bench, const struct dialog *dialog, bool print)
{
    if (!known(dialog))
        return false;
    struct replay whole = replay_dialog(bench, dialog, SIZE_MAX);
    if (print) {
        printf("%s:%d: service %s\n", dialog->file, dialog->line, whole.service ? whole.service : "none");
        for (size_t i = 0; i < whole.rows.count; i++)
            row_print(&whole.rows.row[i]);
    }
    bool good = rows_expected(dialog, &whole.rows);
    good = check_service(dialog, whole.service) && good;
    good = back_in_pool(bench, dialog) && good;
    for (size_t cut = 1; cut <= CUT_MAX && good && dialog->flow.proto == WEIR_TCP; cut++) {
        char how[64];
        snprintf(how, sizeof how, "in pieces of %zu bytes", cut);
        struct replay parts = replay_dialog(bench, dialog, cut);
        good = rows_same(dialog, &whole.rows, &parts.rows, how) && back_in_pool(bench, dialog) &&
               check_service(dialog, parts.service);
    }
    return good;
}

/* A file, or all *.dialog of a folder; how many could not be read. */
static size_t read_all(struct dialogs *dialogs, const char *path)
{
    struct stat what;
    if (stat(path, &what) != 0 || !S_ISDIR(what.st_mode))
        return !dialogs_read(dialogs, path);
    char pattern[4096];
    glob_t found = {0};
    size_t failed = 0;
    snprintf(pattern, sizeof pattern, "%s/*.dialog", path);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            failed += !dialogs_read(dialogs, strdup(found.gl_pathv[i]));
    globfree(&found);
    return failed;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct dialogs dialogs = {0};
    size_t passed = 0, failed = 0;
    bool print = argc > 1 && strcmp(argv[1], "-p") == 0;
    bench_init(&bench);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1 + print; i < argc; i++)
        failed += read_all(&dialogs, argv[i]);
    for (size_t i = 0; i < dialogs.count; i++) {
        if (run_dialog(&bench, &dialogs.dialog[i], print))
            passed++;
        else
            failed++;
    }
    printf("%zu passed, %zu failed, 0 skipped\n", passed, failed);
    return failed || !passed;
}
