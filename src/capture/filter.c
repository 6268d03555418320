/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcap-filter expressions.  libpcap compiles them and its interpreter runs them; ours is the view of tagged frames.
 *
 * An expression without the word `vlan` is run on the frame as if it had no tags, and with its length less theirs: the
 * link-layer header is laid over the last tag, the program runs from there, and what was overwritten is put back.  So
 * nothing is copied but a header, and only of tagged frames; all of the frame can be looked at.  An expression with
 * `vlan` sees the frame itself, with libpcap's own rules.
 *
 * libpcap says "syntax error" without a place.  The place is found by trial: the first word after which no
 * continuation compiles is the wrong one.  That is bounded in time, since a host name in the expression may
 * be asked of a resolver that does not answer.
 */
#include "capture/filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/bytes.h>

#include "capture/libpcap.h"

#define LINKTYPE_ETHERNET 1
#define LINKTYPE_SLL 113
#define LINKTYPE_SLL2 276
#define LINKTYPE_MOST 1023 /* above all that are assigned */
#define HEADER_MAX 20      /* of the link types that carry tags */
#define TAGS_MAX 16
#define TRIAL_SECONDS 1
#define WORDS_MAX 256

struct capture_program {
    uint32_t linktype;
    bool usable;
    uint8_t header_bytes; /* of a link type whose tags are taken out; 0: not one, or not wanted */
    uint8_t type_at;      /* where the EtherType is in that header */
    const struct libpcap *pcap;
    struct bpf_program code;
    struct error why; /* not usable */
    struct capture_program *next;
};

struct capture_filter {
    const char *text;
    bool sees_tags; /* `vlan` is in it */
    struct capture_program *programs;
};

/* The numbers of files and those of libpcap's functions differ for the few that were not the same on all systems. */
static int dlt_of(uint32_t linktype)
{
    switch (linktype) {
    case 14: return DLT_RAW; /* OpenBSD's own number, in files written there before there was LINKTYPE_RAW */
    case 100: return DLT_ATM_RFC1483;
    case 101: return DLT_RAW;
    case 102: return DLT_SLIP_BSDOS;
    case 103: return DLT_PPP_BSDOS;
    case 106: return DLT_ATM_CLIP;
    case 246: return DLT_PFSYNC;
    default: return (int)linktype;
    }
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* Where `word` stands by itself. */
static const char *find_word(const char *text, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += size)
        if ((at == text || !is_word_byte(at[-1])) && !is_word_byte(at[size]))
            return at;
    return NULL;
}

static bool compile(const char *text, int dlt, bool optimise, struct bpf_program *code, struct error *error)
{
    const struct libpcap *pcap = capture_libpcap();
    if (!pcap)
        return false;
    pcap_t *dead = pcap->open_dead(dlt, 262144);
    WEIR_CHECK(dead != NULL);
    bool done = pcap->compile(dead, code, text, optimise, PCAP_NETMASK_UNKNOWN) == 0;
    if (error)
        error_set(error, "%s", done ? "" : pcap->geterr(dead));
    pcap->close(dead);
    return done;
}

struct capture_filter *capture_filter_new(const char *text)
{
    struct capture_filter *filter = calloc(1, sizeof *filter);
    WEIR_CHECK(filter != NULL);
    filter->text = text;
    filter->sees_tags = find_word(text, "vlan") != NULL;
    return filter;
}

void capture_filter_free(struct capture_filter *filter)
{
    if (!filter)
        return;
    while (filter->programs) {
        struct capture_program *program = filter->programs;
        filter->programs = program->next;
        if (program->usable)
            program->pcap->freecode(&program->code);
        free(program);
    }
    free(filter);
}

static void set_header(struct capture_program *program)
{
    switch (program->linktype) {
    case LINKTYPE_ETHERNET:
        program->header_bytes = 14;
        program->type_at = 12;
        break;
    case LINKTYPE_SLL:
        program->header_bytes = 16;
        program->type_at = 14;
        break;
    case LINKTYPE_SLL2: program->header_bytes = 20; break;
    }
}

const struct capture_program *capture_filter_for(struct capture_filter *filter, uint32_t linktype)
{
    if (linktype > LINKTYPE_MOST) /* a file may claim any number of them; libpcap knows none */
        linktype = LINKTYPE_MOST;
    for (struct capture_program *program = filter->programs; program; program = program->next)
        if (program->linktype == linktype)
            return program;
    struct capture_program *program = calloc(1, sizeof *program);
    WEIR_CHECK(program != NULL);
    program->linktype = linktype;
    program->pcap = capture_libpcap();
    program->usable = compile(filter->text, dlt_of(linktype), true, &program->code, &program->why);
    if (!filter->sees_tags)
        set_header(program);
    program->next = filter->programs;
    filter->programs = program;
    return program;
}

const char *capture_program_why_not(const struct capture_program *program)
{
    return program->usable ? NULL : program->why.text;
}

static bool is_tag(uint16_t type)
{
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* Bytes of the tags behind the header, those that are whole and followed by an EtherType. */
static uint32_t tag_bytes(const struct capture_program *program, const uint8_t *data, uint32_t caplen)
{
    uint16_t type = weir_load_be16(data + program->type_at);
    uint32_t tags = 0;
    while (is_tag(type) && tags < 4 * TAGS_MAX && program->header_bytes + tags + 4 <= caplen) {
        type = weir_load_be16(data + program->header_bytes + tags + 2);
        tags += 4;
    }
    return tags;
}

/* The header is laid over the last of the tags, with the EtherType that stands behind that. */
__attribute__((noinline)) static bool match_untagged(const struct capture_program *program, uint8_t *data,
                                                     uint32_t caplen, uint32_t wire_bytes, uint32_t tags)
{
    uint32_t header = program->header_bytes;
    uint8_t under[HEADER_MAX], type[2];
    memcpy(under, data + tags, header);
    memcpy(type, data + header + tags - 2, 2);
    memmove(data + tags, data, header);
    memcpy(data + tags + program->type_at, type, 2);
    bool matches = program->pcap->filter(program->code.bf_insns, data + tags, wire_bytes - tags, caplen - tags) != 0;
    memcpy(data + tags, under, header);
    return matches;
}

bool capture_program_match(const struct capture_program *program, uint8_t *data, uint32_t caplen, uint32_t wire_bytes)
{
    if (!program->usable)
        return false;
    if (program->header_bytes && caplen >= program->header_bytes) {
        uint32_t tags = tag_bytes(program, data, caplen);
        if (tags)
            return match_untagged(program, data, caplen, wire_bytes, tags);
    }
    return program->pcap->filter(program->code.bf_insns, data, wire_bytes, caplen) != 0;
}

/* Where the words (runs of name bytes, or single signs) of an expression begin and end. */
struct words {
    size_t begin[WORDS_MAX], end[WORDS_MAX];
    int count;
};

static void split(const char *text, struct words *words)
{
    size_t at = 0;
    words->count = 0;
    while (text[at] && words->count < WORDS_MAX) {
        if (isspace((unsigned char)text[at])) {
            at++;
            continue;
        }
        words->begin[words->count] = at;
        if (is_word_byte(text[at]))
            while (is_word_byte(text[at]) || text[at] == ':' || text[at] == '/')
                at++;
        else
            at++;
        words->end[words->count++] = at;
    }
}

/* Can text[0..size) be the start of a right expression? */
static bool can_go_on(const char *text, size_t size, int dlt)
{
    static const char *const tails[] = {
        "",    "80",      "1.2.3.4",     "tcp",        "1-2",      "host 1.2.3.4", "] = 0",    "0] = 0",
        "= 0", "0",       "port 80",     "1.2.3.0/24", "2:2] = 0", "2] = 0",       "= tcp[0]", "ip6",
        "::1", "unicast", "1:2:3:4:5:6", "inbound",    "type mgt", "proto \\udp"};
    int open = 0;
    for (size_t i = 0; i < size; i++)
        open += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    if (open < 0 || open > WORDS_MAX)
        return false;
    char *trial = malloc(size + 32 + WORDS_MAX);
    WEIR_CHECK(trial != NULL);
    bool can = false;
    for (size_t i = 0; i < sizeof tails / sizeof *tails && !can; i++) {
        int used = sprintf(trial, "%.*s %s", (int)size, text, tails[i]);
        memset(trial + used, ')', (size_t)open);
        trial[used + open] = '\0';
        struct bpf_program code;
        can = compile(trial, dlt, false, &code, NULL); /* the optimiser refuses what can match nothing */
        if (can)
            capture_libpcap()->freecode(&code);
    }
    free(trial);
    return can;
}

/* The place of the mistake in `text`, or -1. */
static long find_mistake(const char *text, int dlt, const char *message)
{
    const char *quote = strchr(message, '\'');
    const char *unquote = quote ? strchr(quote + 1, '\'') : NULL;
    if (unquote && unquote > quote + 1) {
        char *name = strndup(quote + 1, (size_t)(unquote - quote - 1));
        WEIR_CHECK(name != NULL);
        const char *found = find_word(text, name);
        free(name);
        return found ? found - text : -1;
    }
    struct bpf_program code;
    if (compile(text, dlt, false, &code, NULL)) { /* no word of it is wrong: the whole can match nothing */
        capture_libpcap()->freecode(&code);
        return -1;
    }
    struct words words;
    split(text, &words);
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < words.count; i++) {
        if (!can_go_on(text, words.end[i], dlt))
            return (long)words.begin[i];
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec > TRIAL_SECONDS)
            return -1;
    }
    return words.count < WORDS_MAX ? (long)strlen(text) : -1;
}

/* One line: the expression, cut to what fits around the mistake; libpcap's words; the wrong one and its column. */
static void explain(const char *text, int dlt, const char *message, struct error *error)
{
    enum { SHOWN = 100, WORD = 40 };
    long at = find_mistake(text, dlt, message);
    size_t size = strlen(text), from = at > SHOWN / 2 ? (size_t)at - SHOWN / 2 : 0;
    if (size - from < SHOWN)
        from = size < SHOWN ? 0 : size - SHOWN;
    const char *before = from ? "..." : "", *after = size - from > SHOWN ? "..." : "";
    char shown[SHOWN + 1], place[WORD + 40] = "";
    snprintf(shown, sizeof shown, "%s", text + from);
    for (char *c = shown; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    if (at >= 0 && (size_t)at == size) {
        strcpy(place, ", at its end");
    } else if (at >= 0) {
        struct words words;
        split(text + at, &words);
        size_t word = words.count ? words.end[0] : 0;
        snprintf(place, sizeof place, ", at '%.*s' in column %ld", word < WORD ? (int)word : WORD, text + at, at + 1);
    }
    error_set(error, "filter '%s%s%s': %.200s%s", before, shown, after, message, place);
}

int capture_filter_check(struct capture_filter *filter, struct error *error)
{
    static const uint32_t some[] = {LINKTYPE_ETHERNET, 127, LINKTYPE_SLL2, 9, 117, 140}; /* 802.11, PPP, pflog, MTP2 */
    const struct capture_program *first = filter->programs;
    if (!capture_libpcap())
        return error_set(error, "filters need libpcap, which is not installed");
    for (const struct capture_program *program = first; program; program = program->next)
        if (program->usable)
            return 0;
    if (!first) {
        for (size_t i = 0; i < sizeof some / sizeof *some; i++)
            if (capture_filter_for(filter, some[i])->usable)
                return 0;
        first = capture_filter_for(filter, LINKTYPE_ETHERNET);
    }
    explain(filter->text, dlt_of(first->linktype), first->why.text, error);
    return -1;
}
