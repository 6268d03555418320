/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir read: capture files to a summary, to one table's rows on standard output, or to a file a table.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyse/analyse.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/quantity.h"
#include "cli/summary.h"
#include "engine/engine.h"
#include "export/export.h"

#define PATHS_MAX 4096
#define AUTO_WORKERS_MAX 8
#define LITTLE_BYTES (1 << 20)
#define FULL_SUMMARY_ROWS 40 /* of a terminal; a lower one gets the brief summary */

enum { READ, FILTER, TABLE, OUT, FORMAT, COLUMNS, WHERE, KEEP_SECRETS, WORKERS, FLOWS, QUIET };
static const struct command_option read_options[] = {
    [READ] = {"read", 'r', "FILE",
              "Read this capture: pcap or pcapng, plain or compressed with gzip or zstd; - is standard input. The same "
              "as FILE by itself. Several are merged by time.",
              "What is read"},
    [FILTER] = {"filter", 'f', "EXPRESSION",
                "Analyse only packets that this pcap-filter expression takes, as in 'host 10.0.0.1 and tcp port 443'. "
                "Unless it says vlan, it looks behind VLAN tags."},
    [TABLE] = {"table", 't', "TABLE", "Print the rows of one table, as they are made, and nothing else.",
               "What is printed (a summary, unless one of the first two is given)"},
    [OUT] = {"output", 'o', "DIR",
             "Write a file for each table into this directory, which is made if need be; with --table, for that one."},
    [FORMAT] = {"format", 0, "FORMAT", "Format of rows: ndjson, csv or tsv. Without it: ndjson."},
    [COLUMNS] = {"columns", 0, "A,B,...", "Only these columns of the table, in this order."},
    [WHERE] =
        {"where", 0, "CONDITION",
         "Only rows for which this holds, as in \"status >= 500 and host like '%.example.org'\". Knows = != < <= > "
         ">= like ilike in between, is null, and, or, not."},
    [KEEP_SECRETS] = {"keep-secrets", 0, NULL,
                      "Allow passwords and tokens in rows. No column of this version holds any."},
    [WORKERS] = {"workers", 0, "N",
                 "Threads that share the work: a number, auto, or auto:LEAST-MOST. Without it: auto:1-8, a thread a "
                 "processor, but one for a mebibyte or less. The rows are the same for any number.",
                 "How it runs"},
    [FLOWS] = {"flows", 0, "N",
               "Flows that are held at once; beyond that, the one nearest to its timeout ends early. Without it: "
               "1048576."},
    [QUIET] = {"quiet", 'q', NULL, "No progress bar."},
    {0},
};

const struct command command_read;

/* What the command line asks for. */
struct request {
    const char *paths[PATHS_MAX];
    int path_count;
    const struct weir_table *table;
    struct export_options export;
    const char *directory, *filter;
    int workers; /* 0: not said */
    uint32_t flows;
    bool format_given, keep_secrets, quiet;
};

/* What a run writes to. */
struct outlet {
    struct export_writer *writer;
    char path[4096]; /* "" for standard output */
};

/* For the signal handler. */
static struct engine *running;
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = 1;
    if (running)
        engine_stop(running);
    signal(number, SIG_DFL); /* twice: at once */
}

static int auto_workers(int least, int most)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int workers = cpus < most ? (int)cpus : most;
    return workers < least ? least : workers;
}

/* So little to read that one thread has done it before another has started. */
static bool is_little(const struct request *request)
{
    off_t bytes = 0;
    for (int i = 0; i < request->path_count; i++) {
        struct stat status;
        if (stat(request->paths[i], &status) != 0 || !S_ISREG(status.st_mode))
            return false;
        bytes += status.st_size;
    }
    return bytes <= LITTLE_BYTES;
}

static int take_workers(struct request *request, const char *text)
{
    int least = 1, most = AUTO_WORKERS_MAX;
    char end;
    if (strcmp(text, "auto") == 0 || (sscanf(text, "auto:%d-%d%c", &least, &most, &end) == 2 && least >= 1 &&
                                      least <= most && most <= ENGINE_WORKERS_MAX)) {
        request->workers = auto_workers(least, most);
        return 0;
    }
    if (sscanf(text, "%d%c", &request->workers, &end) != 1 || request->workers < 1 ||
        request->workers > ENGINE_WORKERS_MAX)
        return command_usage_error(&command_read, "--workers '%s': expected a number from 1 to %d, auto or auto:1-8",
                                   text, ENGINE_WORKERS_MAX);
    return 0;
}

static int take_table(struct request *request, const char *name)
{
    request->table = engine_table_find(name);
    if (request->table)
        return 0;
    const char *names[ENGINE_TABLES_MAX];
    char list[512] = "";
    int count = 0;
    for (const struct weir_table *const *table = engine_tables(); *table; table++) {
        names[count++] = (*table)->name;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, " %s", (*table)->name);
    }
    int nearest = export_nearest(name, names, count);
    if (nearest >= 0)
        return command_usage_error(&command_read, "no table '%s'; did you mean '%s'?", name, names[nearest]);
    return command_usage_error(&command_read, "no table '%s'; there are:%s", name, list);
}

static int take_flows(struct request *request, const char *text)
{
    char *end;
    unsigned long flows = strtoul(text, &end, 10);
    if (*end || end == text || flows < 16384 || flows > 1ul << 26)
        return command_usage_error(&command_read, "--flows '%s': expected a number from 16384 to %lu", text, 1ul << 26);
    request->flows = (uint32_t)flows;
    return 0;
}

static int take_path(struct request *request, const char *path)
{
    if (request->path_count == PATHS_MAX)
        return command_usage_error(&command_read, "more than %d files", PATHS_MAX);
    request->paths[request->path_count++] = path;
    return 0;
}

static int take_option(void *context, int option, const char *argument)
{
    struct request *request = context;
    struct error error;
    switch (option) {
    case TABLE: return take_table(request, argument);
    case FORMAT:
        request->format_given = true;
        if (export_format_parse(argument, &request->export.format, &error) != 0)
            return command_usage_error(&command_read, "--format: %s", error.text);
        return 0;
    case COLUMNS: request->export.columns = argument; return 0;
    case WHERE: request->export.where = argument; return 0;
    case OUT: request->directory = argument; return 0;
    case FILTER: request->filter = argument; return 0;
    case WORKERS: return take_workers(request, argument);
    case READ: return take_path(request, argument);
    case FLOWS: return take_flows(request, argument);
    case KEEP_SECRETS: request->keep_secrets = true; return 0;
    case QUIET: request->quiet = true; return 0;
    }
    return EXIT_USAGE;
}

static int check_request(const struct request *request)
{
    if (request->path_count == 0)
        return command_usage_error(&command_read, "no capture file given; '-' is standard input");
    if (!request->table && (request->export.where || request->export.columns))
        return command_usage_error(&command_read, "%s is for the rows of one table: add --table",
                                   request->export.where ? "--where" : "--columns");
    if (!request->table && !request->directory && request->format_given)
        return command_usage_error(&command_read, "--format is for rows: add --table or --output");
    for (int i = 0; i < request->path_count; i++)
        if (strcmp(request->paths[i], "-") == 0 && isatty(STDIN_FILENO))
            return command_usage_error(&command_read,
                                       "standard input is a terminal; '-' wants a capture piped into it");
    return 0;
}

static void complain(void *context, const char *text)
{
    progress_fini(context);
    fprintf(stderr, "weir: %s\n", text);
}

static void on_progress(void *context, uint64_t done, uint64_t total, uint64_t frames)
{
    progress_update(context, done, total, frames);
}

static struct engine_options engine_options(const struct request *request, struct progress *progress)
{
    return (struct engine_options){.paths = request->paths,
                                   .path_count = request->path_count,
                                   .filter = request->filter,
                                   .workers = request->workers,
                                   .flows = request->flows,
                                   .analysers = analyse_builtin,
                                   .keep_secrets = request->keep_secrets,
                                   .complain = complain,
                                   .progress = request->quiet ? NULL : on_progress,
                                   .context = progress};
}

/* Opens, runs; `*facts` and `*ledger` hold what there was.  An exit code. */
static int run_engine(const struct engine_options *options, struct engine_facts *facts, struct ledger *ledger)
{
    struct error error;
    struct engine *engine = engine_new(options, &error);
    if (!engine) {
        fprintf(stderr, "weir: %s\n", error.text);
        /* the expression itself is no mark: it may be cut in the line, and files may be named like it */
        return options->filter && strncmp(error.text, "filter '", 8) == 0 ? EXIT_USAGE : EXIT_INPUT;
    }
    running = engine;
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    int answer = engine_run(engine);
    progress_fini(options->context);
    if (answer == 0)
        answer = engine_emit_ledger(engine);
    *facts = engine_facts(engine);
    engine_ledger(engine, ledger);
    running = NULL;
    engine_free(engine);
    if (answer != 0)
        return EXIT_CANNOT;
    return facts->complaints ? EXIT_INPUT : EXIT_DONE;
}

static struct summary_look look_of_terminal(void)
{
    struct winsize size;
    bool terminal = isatty(STDOUT_FILENO);
    const char *no_colour = getenv("NO_COLOR");
    return (struct summary_look){.colour = terminal && (!no_colour || !*no_colour),
                                 .brief = terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row &&
                                          size.ws_row < FULL_SUMMARY_ROWS};
}

static int print_summary(const struct request *request, struct progress *progress)
{
    struct summary *summary = summary_new();
    struct engine_output outputs[ENGINE_TABLES_MAX];
    struct engine_options options = engine_options(request, progress);
    for (const struct weir_table *const *table = engine_tables(); *table; table++)
        if (strcmp((*table)->name, "ledger") != 0)
            outputs[options.output_count++] = (struct engine_output){*table, summary_sink(summary)};
    options.outputs = outputs;
    struct engine_facts facts = {0};
    struct ledger ledger = {0};
    int code = run_engine(&options, &facts, &ledger);
    if (code <= EXIT_INPUT && (facts.frames || code == EXIT_DONE)) {
        struct summary_facts told = {.frames = facts.frames,
                                     .bytes = facts.wire_bytes,
                                     .first_ns = facts.first_ns,
                                     .last_ns = facts.last_ns,
                                     .reported_drops = facts.reported_drops,
                                     .files = (uint32_t)request->path_count,
                                     .complaints = (uint32_t)facts.complaints,
                                     .interrupted = interrupted,
                                     .seconds = progress_seconds(progress)};
        struct summary_look look = look_of_terminal();
        summary_print(summary, stdout, &ledger, &told, &look);
        code = command_end_output(code);
    }
    summary_free(summary);
    return code;
}

static uint64_t unmatched(void *context)
{
    return export_writer_unmatched(context);
}

/* Opens one outlet for each wanted table, `*opened` in all.  0, or an exit code after a line on stderr. */
static int open_outlets(const struct request *request, struct outlet *outlets, struct engine_output *outputs,
                        int *opened)
{
    struct error error;
    int count = 0;
    for (const struct weir_table *const *table = engine_tables(); *table; table++) {
        if (request->table && *table != request->table)
            continue;
        struct outlet *outlet = &outlets[count];
        outlet->path[0] = 0;
        if (request->directory)
            snprintf(outlet->path, sizeof outlet->path, "%s/%s.%s", request->directory, (*table)->name,
                     export_format_ending(request->export.format));
        outlet->writer = export_writer_open(*table, &request->export, request->directory ? -1 : STDOUT_FILENO,
                                            request->directory ? outlet->path : NULL, &error);
        if (!outlet->writer) {
            int code = errno ? EXIT_CANNOT : EXIT_USAGE;
            fprintf(stderr, "weir%s: %s\n", code == EXIT_USAGE ? " read" : "", error.text);
            while (count > 0)
                export_writer_close(outlets[--count].writer, false, NULL);
            return code;
        }
        outputs[count++] = (struct engine_output){*table, export_writer_sink(outlet->writer), unmatched};
    }
    *opened = count;
    return 0;
}

static int close_outlets(struct outlet *outlets, int count, int code)
{
    for (int i = 0; i < count; i++) {
        struct error error = {""};
        int number = export_writer_errno(outlets[i].writer);
        if (export_writer_close(outlets[i].writer, code <= EXIT_INPUT, &error) != 0 && number == 0) {
            code = EXIT_CANNOT;
            fprintf(stderr, "weir: %s\n", error.text);
        } else if (number == EPIPE) {
            code = EXIT_DONE; /* the reader has what it wanted */
        } else if (number) {
            code = EXIT_CANNOT;
            fprintf(stderr, "weir: %s: %s\n", outlets[i].path[0] ? outlets[i].path : "standard output",
                    strerror(number));
        }
    }
    return code;
}

static int print_rows(const struct request *request, struct progress *progress)
{
    if (request->directory && mkdir(request->directory, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "weir: %s: %s\n", request->directory, strerror(errno));
        return EXIT_CANNOT;
    }
    struct outlet *outlets = calloc(ENGINE_TABLES_MAX, sizeof *outlets);
    struct engine_output outputs[ENGINE_TABLES_MAX];
    struct engine_options options = engine_options(request, progress);
    WEIR_CHECK(outlets != NULL);
    int code = open_outlets(request, outlets, outputs, &options.output_count);
    if (code == 0) {
        struct engine_facts facts = {0};
        struct ledger ledger = {0};
        options.outputs = outputs;
        code = run_engine(&options, &facts, &ledger);
        code = close_outlets(outlets, options.output_count, code);
        if (interrupted && code <= EXIT_INPUT) {
            char number[QUANTITY_TEXT];
            fprintf(stderr, "weir: interrupted after %s packets; their rows are complete\n",
                    quantity_count(number, facts.frames));
        }
    }
    free(outlets);
    return code;
}

static int run(const struct command *command, int argc, char **argv)
{
    static struct request request; /* large for a stack */
    int first = 0, answer = command_parse(command, argc, argv, take_option, &request, &first);
    if (answer != 0)
        return answer < 0 ? EXIT_DONE : answer;
    for (int i = first; i < argc; i++)
        if ((answer = take_path(&request, argv[i])) != 0)
            return answer;
    if ((answer = check_request(&request)) != 0)
        return answer;
    if (request.workers == 0)
        request.workers = is_little(&request) ? 1 : auto_workers(1, AUTO_WORKERS_MAX);
    struct progress progress;
    progress_init(&progress);
    return request.table || request.directory ? print_rows(&request, &progress) : print_summary(&request, &progress);
}

static void print_tables_and_examples(void)
{
    puts("\nTables:");
    for (const struct weir_table *const *table = engine_tables(); *table; table++)
        command_print_item((*table)->name, (*table)->doc);
    puts("\nExamples:\n"
         "  weir read day.pcapng\n"
         "  weir read day.pcap.zst --table http --where 'status >= 500' --columns host,uri\n"
         "  weir read a.pcap b.pcap.gz -f 'udp port 53' -o rows --format csv\n"
         "  tcpdump -i eth0 -U -w - | weir read - --table dns\n\n"
         "Exit codes: 0 done; 1 read as far as the input allowed; 2 wrong usage;\n"
         "3 could not start or go on.");
}

const struct command command_read = {
    "read", "[OPTION...] FILE...",    "analyses captures and prints a summary, or rows of tables", read_options,
    run,    print_tables_and_examples};
