/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets from capture files.  One file fills the caller's block itself; then what is left to do is to number the
 * packets, count them and turn away those that the filter does not want.  Several files go through merge.c.
 *
 * A file that breaks off ends, with a complaint, and the others go on.  The names of interfaces are kept here, since
 * files are closed as soon as they have ended.
 */
#include "capture/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/source.h"

void capture_complain(struct capture *capture, const char *text)
{
    capture->complaints++;
    if (capture->options.complain)
        capture->options.complain(capture->options.context, text);
}

/* Says so once, when the filter turns away a link type as a whole because libpcap cannot compile it for that. */
static void complain_of_port(struct capture *capture, struct capture_source *source, const struct capture_port *port)
{
    const char *why = port->program ? capture_program_why_not(port->program) : NULL;
    if (!why || source->misfit_told)
        return;
    source->misfit_told = true;
    struct error error;
    error_set(&error, "%.200s: the filter does not go with its link type: %.200s", source->name, why);
    capture_complain(capture, error.text);
}

/*
 * Says so once, when a packet came from an interface whose link type is not known; an interface that gave none is no
 * loss.  Those whose link type a filter does not go with were told of already.
 */
static void complain_of_link(struct capture *capture, struct capture_source *source, const struct packet *packet,
                             const struct packet *stop)
{
    for (; packet < stop; packet++) {
        const struct capture_program *program = source->ports[packet->iface].program;
        if (packet->link != PACKET_LINK_UNKNOWN || (program && capture_program_why_not(program)))
            continue;
        const struct pcapfile_iface *iface = pcapfile_iface(source->file, packet->iface);
        struct error error;
        error_set(&error, "%.200s: unknown link type %u at byte %llu; its packets are not decoded", source->name,
                  iface->linktype, (unsigned long long)iface->linktype_at);
        capture_complain(capture, error.text);
        source->strange_told = true;
        return;
    }
}

/* Numbers the interfaces that the file has shown since the last time, and finds their filters. */
static void learn_ports(struct capture *capture, struct capture_source *source)
{
    uint32_t count = pcapfile_iface_count(source->file);
    if (count > source->port_room) {
        source->port_room = count < 4 ? 4 : 2 * count;
        source->ports = realloc(source->ports, source->port_room * sizeof *source->ports);
        WEIR_CHECK(source->ports != NULL);
    }
    while (source->port_count < count) {
        const struct pcapfile_iface *iface = pcapfile_iface(source->file, source->port_count);
        struct capture_port *port = &source->ports[source->port_count++];
        port->number = (uint16_t)capture->name_count;
        if (capture->name_count < CAPTURE_IFACES - 1)
            capture->names[capture->name_count++] = iface->name[0] ? strdup(iface->name) : NULL;
        if (capture->name_count == 2 && !capture->duplicates)
            capture->duplicates = capture_duplicates_new();
        if (packet_link_from(iface->linktype) == PACKET_LINK_UNKNOWN)
            source->strange = true;
        port->program = capture->filter ? capture_filter_for(capture->filter, iface->linktype) : NULL;
        if (capture->checked)
            complain_of_port(capture, source, port);
    }
}

int capture_source_open(struct capture *capture, struct capture_source *source, struct error *error)
{
    source->file = pcapfile_open(source->path, error);
    if (!source->file)
        return -1;
    source->size = pcapfile_size(source->file);
    learn_ports(capture, source);
    return 0;
}

static uint64_t drops_of(const struct pcapfile *file)
{
    uint64_t dropped = 0;
    for (uint32_t i = 0; i < pcapfile_iface_count(file); i++)
        dropped += pcapfile_iface(file, i)->dropped;
    return dropped;
}

static void end(struct capture_source *source)
{
    source->ended = true;
    source->dropped = drops_of(source->file);
    pcapfile_close(source->file);
    source->file = NULL;
}

bool capture_source_fill(struct capture *capture, struct capture_source *source, struct block *block)
{
    struct error error;
    uint32_t before = block->count;
    int answer = pcapfile_fill(source->file, block, &error);
    source->packets += block->count - before;
    uint64_t position = pcapfile_position(source->file);
    atomic_fetch_add_explicit(&capture->done, position - source->done, memory_order_relaxed);
    source->done = position;
    if (pcapfile_iface_count(source->file) > source->port_count)
        learn_ports(capture, source);
    if (__builtin_expect(source->strange && !source->strange_told, 0))
        complain_of_link(capture, source, block->packets + before, block->packets + block->count);
    if (answer > 0)
        return true;
    if (answer < 0) {
        struct error text;
        error_set(&text, "%.200s: %.250s; %llu packets read", source->name, error.text,
                  (unsigned long long)source->packets);
        capture_complain(capture, text.text);
    }
    end(source);
    return false;
}

/*
 * Of several files only those that are being read stay open: looks for the stamp of the first packet, which says when
 * that is, and closes the file again.  What is wrong with it is found again, and told, when it is read.
 */
static void park(struct capture *capture, struct capture_source *source, struct block *block)
{
    struct error error;
    do {
        block->count = block->used = 0;
    } while (pcapfile_fill(source->file, block, &error) > 0 && block->count == 0);
    source->key_ns = block->count ? block->packets[0].ts_ns : 0;
    learn_ports(capture, source);
    pcapfile_close(source->file);
    source->file = NULL;
}

/* Opens all, complaining of those that cannot be; those that can are capture->sources. */
static void open_all(struct capture *capture, struct error *first)
{
    int count = capture->options.path_count;
    struct block *block = NULL;
    for (int i = 0; i < count; i++) {
        struct capture_source *source = &capture->sources[capture->source_count];
        struct error error;
        bool input = strcmp(capture->options.paths[i], "-") == 0;
        *source = (struct capture_source){.path = strdup(capture->options.paths[i]), .place = (uint32_t)i};
        WEIR_CHECK(source->path != NULL);
        source->name = input ? "standard input" : source->path;
        if (capture_source_open(capture, source, &error) != 0) {
            free(source->path);
            if (first->text[0] == '\0')
                *first = error;
            if (count > 1)
                capture_complain(capture, error.text);
            continue;
        }
        source->pipe = input || source->size == 0;
        if (count > 1 && !source->pipe) {
            block = block ? block : block_new();
            park(capture, source, block);
        }
        capture->source_count++;
    }
    block_free(block);
}

static int get_ready(struct capture *capture, struct error *error)
{
    struct error first = {.text = ""};
    open_all(capture, &first);
    if (capture->source_count == 0)
        return error_set(error, "%s", first.text[0] ? first.text : "no capture was named");
    if (capture->filter && capture_filter_check(capture->filter, error) != 0)
        return -1;
    capture->checked = true;
    bool sizes_known = true;
    for (uint32_t i = 0; i < capture->source_count; i++) {
        capture->total += capture->sources[i].size;
        sizes_known &= capture->sources[i].size != 0;
    }
    if (!sizes_known)
        capture->total = 0;
    for (uint32_t i = 0; i < capture->source_count; i++)
        for (uint32_t p = 0; p < capture->sources[i].port_count; p++)
            complain_of_port(capture, &capture->sources[i], &capture->sources[i].ports[p]);
    if (capture->source_count > 1)
        capture_merge_start(capture);
    else if (!capture->sources[0].file)
        return capture_source_open(capture, &capture->sources[0], error);
    return 0;
}

struct capture *capture_open(const struct capture_options *options, struct error *error)
{
    struct capture *capture = calloc(1, sizeof *capture);
    WEIR_CHECK(capture != NULL);
    capture->options = *options;
    capture->sources = calloc((size_t)options->path_count + 1, sizeof *capture->sources);
    capture->names = calloc(CAPTURE_IFACES, sizeof *capture->names);
    WEIR_CHECK(capture->sources && capture->names);
    if (options->filter && options->filter[0]) {
        capture->filter_text = strdup(options->filter);
        WEIR_CHECK(capture->filter_text != NULL);
        capture->filter = capture_filter_new(capture->filter_text);
    }
    if (get_ready(capture, error) == 0)
        return capture;
    capture_close(capture);
    return NULL;
}

void capture_close(struct capture *capture)
{
    if (!capture)
        return;
    capture_merge_stop(capture);
    for (uint32_t i = 0; i < capture->source_count; i++) {
        pcapfile_close(capture->sources[i].file);
        free(capture->sources[i].ports);
        free(capture->sources[i].path);
    }
    for (uint32_t i = 0; i < capture->name_count; i++)
        free(capture->names[i]);
    capture_filter_free(capture->filter);
    free(capture->filter_text);
    free(capture->duplicates);
    free(capture->names);
    free(capture->sources);
    free(capture);
}

/* capture_admit() without a filter, with the sums in registers. */
static void number_block(struct capture *capture, const struct capture_source *source, struct block *block)
{
    const struct capture_port *ports = source->ports;
    uint64_t frame = capture->frames, last_ns = capture->last_ns, cut = 0, backwards = 0;
    for (struct packet *packet = block->packets, *stop = packet + block->count; packet < stop; packet++) {
        packet->frame = ++frame;
        packet->iface = ports[packet->iface].number;
        cut += packet->flags / PACKET_CUT;
        backwards += packet->ts_ns < last_ns;
        last_ns = packet->ts_ns;
    }
    capture->frames = frame;
    capture->last_ns = last_ns;
    capture->tally.cut += cut;
    capture->tally.backwards += backwards;
}

void capture_admit_block(struct capture *capture, const struct capture_source *source, struct block *block)
{
    if (!capture->filter) {
        number_block(capture, source, block);
        return;
    }
    struct packet *to = block->packets;
    for (struct packet *packet = to, *stop = to + block->count; packet < stop; packet++) {
        if (!capture_admit(capture, source, packet, block->bytes + (packet->data - block->bytes)))
            continue;
        if (to != packet)
            capture_copy_packet(to, packet);
        to++;
    }
    capture->tally.filtered += block->count - (uint64_t)(to - block->packets);
    block->count = (uint32_t)(to - block->packets);
}

bool capture_fill(struct capture *capture, struct block *block, struct ledger *ledger)
{
    uint64_t before = capture->frames;
    bool more = false;
    memset(&capture->tally, 0, sizeof capture->tally);
    block->count = block->used = 0;
    capture->alone_until_ns = 0;
    if (capture->source_count > 1) {
        more = capture_merge_fill(capture, block);
    } else if (!capture->sources[0].ended) {
        more = capture_source_fill(capture, &capture->sources[0], block);
        capture_admit_block(capture, &capture->sources[0], block);
    }
    if (capture->duplicates)
        ledger->count[LEDGER_duplicate_frame] +=
            capture_duplicates_drop(capture->duplicates, block, capture->alone_until_ns);
    ledger->count[LEDGER_received] += capture->frames - before;
    ledger->count[LEDGER_filtered] += capture->tally.filtered;
    ledger->count[LEDGER_cut_by_snaplen] += capture->tally.cut;
    ledger->count[LEDGER_time_backwards] += capture->tally.backwards;
    return more;
}

int capture_complaints(const struct capture *capture)
{
    return capture->complaints;
}

const char *capture_iface_name(const struct capture *capture, uint16_t iface)
{
    const char *name = iface < capture->name_count ? capture->names[iface] : NULL;
    return name ? name : "";
}

void capture_progress(const struct capture *capture, uint64_t *done, uint64_t *total)
{
    *done = atomic_load_explicit(&capture->done, memory_order_relaxed);
    *total = capture->total;
}

uint64_t capture_reported_drops(const struct capture *capture)
{
    uint64_t dropped = 0;
    for (uint32_t i = 0; i < capture->source_count; i++) {
        const struct capture_source *source = &capture->sources[i];
        dropped += source->file ? drops_of(source->file) : source->dropped;
    }
    return dropped;
}
