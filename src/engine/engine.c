/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Set-up, run and the sums at the end.  All memory that traffic can ask for is claimed here.
 */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "engine/parts.h"

#define FLOWS_DEFAULT (1u << 20)
#define SHARD_BUDGET ((size_t)8 << 20) /* analyser state, carries, segments out of order: of one shard */

#define LEDGER_ROW(X, R)                                                                                               \
    X(R, TIME, ts, "", "", "packet time of the last frame")                                                            \
    X(R, STR, source, "", "", "what was read")                                                                         \
    X(R, STR, unit, "", "", "what is counted: frame, byte, row or flow")                                               \
    X(R, STR, cause, "", "", "what became of it")                                                                      \
    X(R, U64, count, "", "", "how many")
WEIR_TABLE_BARE(ledger, LEDGER_ROW, "what became of every frame, byte and row, by cause");

/* Adds what is not there yet: analysers may share a table. */
static void add_tables(const struct weir_table **tables, const struct weir_table *const *more)
{
    for (; *more; more++) {
        int at = 0;
        while (tables[at] && tables[at] != *more)
            at++;
        WEIR_CHECK(at < ENGINE_TABLES_MAX);
        tables[at] = *more;
    }
}

const struct weir_table *const *engine_tables(void)
{
    static const struct weir_table *tables[ENGINE_TABLES_MAX + 1];
    static const struct weir_table *const last[] = {&ledger_table, NULL};
    if (!tables[0]) {
        add_tables(tables, flow_tables);
        for (int a = 0; analyse_builtin[a]; a++)
            add_tables(tables, analyse_builtin[a]->tables);
        add_tables(tables, last);
    }
    return tables;
}

const struct weir_table *engine_table_find(const char *name)
{
    const struct weir_table *const *tables = engine_tables();
    while (*tables && strcmp((*tables)->name, name) != 0)
        tables++;
    return *tables;
}

static const char *iface_name(void *context, uint16_t iface)
{
    const struct engine *engine = context;
    return iface < IFACES_MAX ? engine->iface_names[iface] : "";
}

static bool wants_flows(const struct engine *engine)
{
    for (int t = 0; t < engine->table_count; t++)
        if (engine->tables[t] == flow_tables[0] || engine->tables[t] == flow_tables[1])
            return true;
    return false;
}

static void set_up_shard(struct engine *engine, int number, bool attach_unwanted)
{
    struct shard *shard = &engine->shards[number];
    struct worker *worker = &engine->workers[number % engine->options.workers];
    shard->pool = pool_new(engine->region, SHARD_BUDGET);
    shard->analyse = analyse_new(&(struct analyse_options){.analysers = engine->options.analysers,
                                                           .out = worker->out,
                                                           .pool = shard->pool,
                                                           .ledger = &worker->ledger,
                                                           .attach_unwanted = attach_unwanted,
                                                           .keep_secrets = engine->options.keep_secrets});
    struct flow_options options = flow_defaults();
    options.flows = engine->options.flows / PACKET_SHARDS;
    shard->flow = flow_shard_new((uint8_t)number, &options,
                                 &(struct flow_shard_parts){.region = engine->region,
                                                            .pool = shard->pool,
                                                            .out = worker->out,
                                                            .ledger = &worker->ledger,
                                                            .hooks = worker_hooks(),
                                                            .context = shard,
                                                            .iface_name = iface_name,
                                                            .iface_context = engine,
                                                            .tunnel_name = decode_tunnel_name});
    worker->shards[number] = shard->flow;
}

static void set_up_slots(struct engine *engine)
{
    int workers = engine->options.workers;
    engine->slot_count = workers == 1 ? 1 : workers < 6 ? 4 + 2 * (uint32_t)workers : SLOTS_MAX;
    for (uint32_t s = 0; s < engine->slot_count; s++) {
        engine->slots[s].block = block_new();
        for (int w = 0; workers > 1 && w < workers; w++) {
            engine->slots[s].mine[w] = malloc(PACKET_BLOCK_PACKETS * sizeof *engine->slots[s].mine[w]);
            WEIR_CHECK(engine->slots[s].mine[w] != NULL);
        }
    }
}

static void set_up_tables(struct engine *engine)
{
    const struct engine_options *options = &engine->options;
    for (int i = 0; i < options->output_count; i++) {
        engine->outputs[i] = options->outputs[i];
        if (options->outputs[i].table == &ledger_table)
            continue;
        engine->tables[engine->table_count] = options->outputs[i].table;
        engine->sinks[engine->table_count++] = &engine->outputs[i].sink;
    }
}

static void set_up(struct engine *engine)
{
    struct engine_options *options = &engine->options;
    if (!options->flows)
        options->flows = FLOWS_DEFAULT;
    if (options->flows < PACKET_SHARDS * FLOW_CLOSE_STEP)
        options->flows = PACKET_SHARDS * FLOW_CLOSE_STEP;
    set_up_tables(engine);
    /* Flows, their tables, and what each shard's pool may cut at most: flow_shard_new() and table_grow() never find it empty. */
    engine->region =
        region_new((size_t)options->flows * 512 + PACKET_SHARDS * (SHARD_BUDGET * 2 + 2 * POOL_SLACK + (1u << 20)));
    engine->iface_names = calloc(IFACES_MAX, sizeof *engine->iface_names);
    WEIR_CHECK(engine->iface_names != NULL);
    pthread_mutex_init(&engine->reading, NULL);
    pthread_mutex_init(&engine->sinking, NULL);
    pthread_mutex_init(&engine->resting, NULL);
    pthread_cond_init(&engine->news, NULL);
    for (int w = 0; w < options->workers; w++) {
        engine->workers[w].engine = engine;
        engine->workers[w].number = w;
        engine->workers[w].out = record_out_new(engine->tables);
    }
    for (int s = 0; s < PACKET_SHARDS; s++)
        set_up_shard(engine, s, wants_flows(engine));
    set_up_slots(engine);
    struct decode_options decode = {0};
    if (getrandom(decode.hash_key, sizeof decode.hash_key, 0) != (ssize_t)sizeof decode.hash_key)
        decode.hash_key[0] = (uint64_t)(uintptr_t)engine;
    engine->reader.decode = decode_new(&decode);
    engine->reader.first_ns = UINT64_MAX;
}

struct engine *engine_new(const struct engine_options *options, struct error *error)
{
    WEIR_CHECK(options->workers >= 1 && options->workers <= ENGINE_WORKERS_MAX);
    WEIR_CHECK(options->output_count <= ENGINE_TABLES_MAX);
    struct capture *capture = capture_open(&(struct capture_options){.paths = options->paths,
                                                                     .path_count = options->path_count,
                                                                     .filter = options->filter,
                                                                     .complain = options->complain,
                                                                     .context = options->context},
                                           error);
    if (!capture)
        return NULL;
    /* Pages of zeros, of which a run with few workers touches few. */
    struct engine *engine = mmap(NULL, sizeof *engine, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WEIR_CHECK(engine != MAP_FAILED);
    engine->options = *options;
    engine->reader.capture = capture;
    set_up(engine);
    return engine;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    for (int s = 0; s < PACKET_SHARDS; s++) {
        flow_shard_free(engine->shards[s].flow);
        analyse_free(engine->shards[s].analyse);
        pool_free(engine->shards[s].pool);
    }
    for (uint32_t s = 0; s < engine->slot_count; s++) {
        block_free(engine->slots[s].block);
        for (int w = 0; w < engine->options.workers; w++)
            free(engine->slots[s].mine[w]);
    }
    for (int w = 0; w < engine->options.workers; w++)
        record_out_free(engine->workers[w].out);
    decode_free(engine->reader.decode);
    capture_close(engine->reader.capture);
    region_free(engine->region);
    free(engine->iface_names);
    munmap(engine, sizeof *engine);
}

int engine_run(struct engine *engine)
{
    int started = 1;
    for (; started < engine->options.workers; started++) {
        struct worker *worker = &engine->workers[started];
        WEIR_CHECK(pthread_create(&worker->thread, NULL, worker_main, worker) == 0);
    }
    worker_main(&engine->workers[0]);
    for (int w = 1; w < started; w++)
        pthread_join(engine->workers[w].thread, NULL);
    if (!atomic_load(&engine->failed))
        sink_turn(engine);
    sink_drop_rest(engine);
    return atomic_load(&engine->failed) ? -1 : 0;
}

void engine_stop(struct engine *engine)
{
    atomic_store_explicit(&engine->stop, true, memory_order_relaxed);
}

void engine_ledger(const struct engine *engine, struct ledger *ledger)
{
    *ledger = engine->sink_ledger;
    ledger_add(ledger, &engine->reader.ledger);
    for (int w = 0; w < engine->options.workers; w++) {
        ledger_add(ledger, &engine->workers[w].ledger);
        ledger->count[LEDGER_made] += record_out_made(engine->workers[w].out);
    }
    for (int i = 0; i < engine->options.output_count; i++) {
        const struct engine_output *output = &engine->outputs[i];
        if (output->table == &ledger_table || !output->unmatched)
            continue;
        uint64_t rows = output->unmatched(output->sink.context);
        ledger->count[LEDGER_unmatched] += rows;
        ledger->count[LEDGER_written] -= rows;
    }
}

struct engine_facts engine_facts(const struct engine *engine)
{
    const struct reader *reader = &engine->reader;
    return (struct engine_facts){.frames = reader->ledger.count[LEDGER_received],
                                 .wire_bytes = reader->wire_bytes,
                                 .first_ns = reader->first_ns == UINT64_MAX ? 0 : reader->first_ns,
                                 .last_ns = reader->clock_ns,
                                 .reported_drops = capture_reported_drops(reader->capture),
                                 .complaints = capture_complaints(reader->capture),
                                 .memory_bytes = region_used(engine->region)};
}

int engine_emit_ledger(struct engine *engine)
{
    const struct engine_output *output = NULL;
    for (int i = 0; i < engine->options.output_count; i++)
        if (engine->outputs[i].table == &ledger_table)
            output = &engine->outputs[i];
    if (!output)
        return 0;
    struct ledger sums;
    engine_ledger(engine, &sums);
    struct record_batch *batch = record_batch_new(&ledger_table);
    const char *source = engine->options.path_count == 1 ? engine->options.paths[0] : "files";
    for (int i = 0; i < LEDGER_COUNT; i++) {
        struct ledger_row row = {.ts = weir_uint(engine->reader.clock_ns),
                                 .source = weir_cstr(source),
                                 .unit = weir_cstr(ledger_unit_name(ledger_entries[i].unit)),
                                 .cause = weir_cstr(ledger_entries[i].name),
                                 .count = weir_uint(sums.count[i])};
        WEIR_CHECK(record_append(batch, NULL, &row, engine->reader.clock_ns, 0));
    }
    int answer = output->sink.rows(output->sink.context, batch, 0, LEDGER_COUNT);
    record_batch_free(batch);
    return answer;
}
