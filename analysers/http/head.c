/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/head.c - finds the lines of a head, the few headers that are wanted, and places where a head could begin.
 *
 * Line ends are found 64 bytes at a time as a bit mask, then taken from the mask one by one, so that the cost of a
 * short line is a few instructions and not a call.  A header is told by its first letter, its length (a colon at the
 * right place) and then its name, eight bytes at a time; all others cost one table look-up.
 *
 * Nothing is read beyond `size`.  Lenient as receivers are (bare LF, several spaces in a status line, no reason,
 * spaces in a target); strict in http_find_*(), where a false start would make up messages that were never sent.
 */
#include "head.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define METHOD_MAX 32u
#define LONG_TARGET 256u     /* bytes after which a probe need not see the end of a request line */
#define LINE_MAX_FOUND 8192u /* http_find_request(): a longer request line is not looked for */
#define STATUS_LINE_MAX 256u /* http_find_reply(): likewise, and the header line after it */

/* --- line ends ---------------------------------------------------------------------------------------------- */

/* Bit i is set where p[i] is a line feed; at most 64 bytes. */
static inline uint64_t newline_bits(const uint8_t *p, size_t size)
{
    uint64_t bits = 0;
#if defined(__SSE2__)
    const __m128i lf = _mm_set1_epi8('\n');
    size_t i = 0;
    for (; i + 16 <= size; i += 16)
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(p + i)), lf))
                << i;
    if (i < size && size >= 16) {
        __m128i last = _mm_loadu_si128((const __m128i *)(p + size - 16));
        return bits | (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(last, lf)) << (size - 16);
    }
    for (; i < size; i++)
        bits |= (uint64_t)(p[i] == '\n') << i;
#else
    for (size_t i = 0; i < size; i++)
        bits |= (uint64_t)(p[i] == '\n') << i;
#endif
    return bits;
}

struct lines {
    const uint8_t *block, *end;
    uint64_t bits; /* line ends in the block that are still to be given */
};

static inline uint64_t block_bits(const uint8_t *p, const uint8_t *end)
{
    return end - p >= 64 ? newline_bits(p, 64) : newline_bits(p, (size_t)(end - p));
}

static inline struct lines lines_of(const uint8_t *data, uint32_t size)
{
    return (struct lines){data, data + size, block_bits(data, data + size)};
}

/* The next line feed, or NULL. */
static inline const uint8_t *next_line_end(struct lines *l)
{
    while (l->bits == 0) {
        if (l->end - l->block <= 64)
            return NULL;
        l->block += 64;
        l->bits = block_bits(l->block, l->end);
    }
    const uint8_t *p = l->block + __builtin_ctzll(l->bits);
    l->bits &= l->bits - 1;
    return p;
}

/* --- small judgements --------------------------------------------------------------------------------------- */

static inline bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

/* Letters, digits and the marks that occur in methods and header names; fewer than RFC 9110's tchar. */
static inline bool is_token(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || is_digit(c) || c == '-' || c == '_' || c == '.';
}

static inline bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct weir_str trimmed(const uint8_t *from, const uint8_t *to)
{
    while (from < to && is_blank(*from))
        from++;
    while (from < to && is_blank(to[-1]))
        to--;
    return weir_str(from, (size_t)(to - from));
}

static const char *const methods[] = {
    "ACL",
    "BASELINE-CONTROL",
    "BCOPY",
    "BDELETE",
    "BIND",
    "BMOVE",
    "BPROPFIND",
    "BPROPPATCH",
    "CCM_POST",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DEBUG",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POLL",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "RPC_CONNECT",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "SEARCH",
    "SUBSCRIBE",
    "TRACE",
    "TRACK",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
};

static bool known_method(const uint8_t *text, uint32_t size)
{
    /* the letters that a method begins with: A to D, G, H, L to V */
    if ((uint8_t)(text[0] - 'A') >= 26 || !(0x3ff8cfu >> (text[0] - 'A') & 1))
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i][0] == (char)text[0] && strlen(methods[i]) == size && memcmp(methods[i], text, size) == 0)
            return true;
    return false;
}

bool http_maybe_method(const uint8_t *text, uint32_t size)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        size_t length = strlen(methods[i]);
        if (memcmp(methods[i], text, size < length ? size : length) == 0 && (size <= length || text[length] <= ' '))
            return true;
    }
    return false;
}

static bool versioned(const uint8_t *line, uint32_t size)
{
    return size > 9 && memcmp(line + size - 9, " HTTP/1.", 8) == 0 && is_digit(line[size - 1]);
}

/* --- start lines -------------------------------------------------------------------------------------------- */

/* A request line without a version that can be believed: some word that is not another protocol's version. */
static bool plain_target(struct weir_str rest)
{
    const char *slash = memrchr(rest.data, '/', rest.size);
    for (uint32_t i = 0; i < rest.size; i++)
        if ((uint8_t)rest.data[i] < 0x20 || rest.data[i] == 0x7f)
            return false;
    if (slash == NULL || slash + 1 == rest.data + rest.size || !is_digit((uint8_t)slash[1]))
        return true;
    const char *word = slash;
    while (word > rest.data && word[-1] >= 'A' && word[-1] <= 'Z')
        word--;
    /* "RTSP/1.0", "SIP/2.0" as the last word, but "/HTTP/1.1" is what it looks like: a path */
    return word == slash || word == rest.data || word[-1] != ' ';
}

/* What follows the method: target and version (RFC 9112 section 3). */
static bool request_rest(struct http_head *head, const uint8_t *from, const uint8_t *to)
{
    struct weir_str rest = trimmed(from, to);
    const char *space = rest.size ? memrchr(rest.data, ' ', rest.size) : NULL;
    if (space && rest.data + rest.size - space > 5 && memcmp(space, " HTTP/", 6) == 0) {
        struct weir_str version = weir_str(space + 6, (size_t)(rest.data + rest.size - space - 6));
        head->uri = trimmed((const uint8_t *)rest.data, (const uint8_t *)space);
        if (version.size && version.data[0] != '1' && version.data[0] != '0' && is_digit((uint8_t)version.data[0]))
            return false; /* "PRI * HTTP/2.0" among them */
        if (version.size == 3 && is_digit((uint8_t)version.data[0]) && version.data[1] == '.' &&
            is_digit((uint8_t)version.data[2]))
            head->version = version;
        const char *word = memchr(head->uri.data, ' ', head->uri.size);
        if (word && head->method.size == 7 && memcmp(head->method.data, "CONNECT", 7) == 0)
            head->uri.size = (uint32_t)(word - head->uri.data); /* an authority holds no space */
        return true;
    }
    if (!known_method((const uint8_t *)head->method.data, head->method.size) || !plain_target(rest))
        return false;
    if (rest.size)
        head->uri = rest;
    return true;
}

static bool request_line(struct http_head *head, const uint8_t *line, const uint8_t *end)
{
    const uint8_t *p = line;
    while (p < end && p - line < METHOD_MAX && is_token(*p))
        p++;
    if (p == line)
        return false;
    head->method = weir_str(line, (size_t)(p - line));
    if (p == end || *p != ' ')
        return p == end && known_method(line, (uint32_t)(end - line));
    if (p + 1 < end && p[1] < ' ')
        return false;
    bool plain = end - p > 10 && p[1] > ' ' && end[-10] != ' ' && p - line != 7; /* CONNECT is 7 */
    if (plain && memcmp(end - 9, " HTTP/1.", 8) == 0 && is_digit(end[-1])) {
        head->uri = weir_str(p + 1, (size_t)(end - 9 - p - 1));
        head->version = weir_str(end - 3, 3);
        return true;
    }
    return request_rest(head, p + 1, end);
}

/* RFC 9112 section 4; SHOUTcast servers say ICY for HTTP/1.0. */
static bool status_line(struct http_head *head, const uint8_t *line, const uint8_t *end)
{
    const uint8_t *p = line;
    if (end - p >= 12 && memcmp(p, "HTTP/", 5) == 0 && (p[5] == '1' || p[5] == '0') && p[6] == '.' && is_digit(p[7])) {
        head->version = weir_str(p + 5, 3);
        p += 8;
    } else if (end - p >= 7 && memcmp(p, "ICY ", 4) == 0) {
        p += 3;
    } else {
        return false;
    }
    if (*p != ' ')
        return false;
    while (p < end && *p == ' ')
        p++;
    if (end - p < 3 || p[0] < '1' || p[0] > '9' || !is_digit(p[1]) || !is_digit(p[2]))
        return false;
    head->status = (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
    p += 3;
    if (p < end && is_digit(*p))
        return false;
    struct weir_str reason = trimmed(p, end);
    if (reason.size)
        head->reason = reason;
    return true;
}

/* Could the start of a line, whose end has not come, be a start line? */
static bool maybe_start(const uint8_t *data, uint32_t size, bool reply)
{
    if (reply)
        return memcmp(data, "HTTP/", size < 5 ? size : 5) == 0 || memcmp(data, "ICY ", size < 4 ? size : 4) == 0;
    uint32_t i = 0;
    while (i < size && i < METHOD_MAX && is_token(data[i]))
        i++;
    if (i == size)
        return true;
    if (data[i] == '\r')
        return i + 1 == size && known_method(data, i);
    return i > 0 && data[i] == ' ' && (i + 1 == size || data[i + 1] >= ' ' || data[i + 1] == '\r');
}

/* --- header lines ------------------------------------------------------------------------------------------- */

struct name {
    char text[20];
    uint8_t size, header;
};
static const struct name names[] = {
    {"b3", 2, HTTP_B3},
    {"content-type", 12, HTTP_CONTENT_TYPE},
    {"content-length", 14, HTTP_CONTENT_LENGTH},
    {"content-encoding", 16, HTTP_CONTENT_ENCODING},
    {"content-range", 13, HTTP_CONTENT_RANGE},
    {"content-disposition", 19, HTTP_CONTENT_DISPOSITION},
    {"host", 4, HTTP_HOST},
    {"referer", 7, HTTP_REFERER},
    {"server", 6, HTTP_SERVER},
    {"transfer-encoding", 17, HTTP_TRANSFER_ENCODING},
    {"traceparent", 11, HTTP_TRACEPARENT},
    {"user-agent", 10, HTTP_USER_AGENT},
    {"upgrade", 7, HTTP_UPGRADE},
    {"x-forwarded-for", 15, HTTP_FORWARDED_FOR},
    {"x-b3-traceid", 12, HTTP_B3_TRACE},
    {"x-b3-spanid", 11, HTTP_B3_SPAN},
};
/* By the low five bits of the first letter: the part of `names` to look through. */
static const struct {
    uint8_t from, to;
} by_letter[32] = {
    ['b' & 31] = {0, 1}, ['c' & 31] = {1, 6},  ['h' & 31] = {6, 7},   ['r' & 31] = {7, 8},
    ['s' & 31] = {8, 9}, ['t' & 31] = {9, 11}, ['u' & 31] = {11, 13}, ['x' & 31] = {13, 16},
};

/* Equal but for case; `name` is in lower case.  Bit 5 is forced on both sides, which only letters need. */
static inline bool same_name(const uint8_t *line, const char *name, size_t size)
{
    uint64_t a, b;
    uint32_t c, d;
    if (size < 4)
        return (line[0] | 0x20) == name[0] && line[1] == name[1] && size == 2;
    if (size < 8) {
        memcpy(&c, line, 4);
        memcpy(&d, name, 4);
        if ((c | 0x20202020u) != d)
            return false;
        memcpy(&c, line + size - 4, 4);
        memcpy(&d, name + size - 4, 4);
        return (c | 0x20202020u) == d;
    }
    for (size_t i = 0; i + 8 <= size; i += 8) {
        memcpy(&a, line + i, 8);
        memcpy(&b, name + i, 8);
        if ((a | 0x2020202020202020u) != b)
            return false;
    }
    memcpy(&a, line + size - 8, 8);
    memcpy(&b, name + size - 8, 8);
    return (a | 0x2020202020202020u) == b;
}

static bool ends_chunked(struct weir_str value)
{
    static const char word[] = "chunked";
    const size_t size = sizeof word - 1;
    if (value.size < size)
        return false;
    const char *p = value.data + value.size - size;
    for (size_t i = 0; i < size; i++)
        if ((p[i] | 0x20) != word[i])
            return false;
    return value.size == size || p[-1] == ',' || is_blank((uint8_t)p[-1]);
}

/* Keeps the value of a wanted header.  Answers which one it was, or -1. */
static inline int header_line(struct http_head *head, const uint8_t *line, const uint8_t *end)
{
    for (unsigned i = by_letter[*line & 31].from; i < by_letter[*line & 31].to; i++) {
        const struct name *n = &names[i];
        if (end - line <= n->size || line[n->size] != ':' || !same_name(line, n->text, n->size))
            continue;
        struct weir_str *value = &head->value[n->header], found = trimmed(line + n->size + 1, end);
        if (value->data == NULL) {
            *value = found;
            return n->header;
        }
        if (n->header == HTTP_CONTENT_LENGTH &&
            (value->size != found.size || memcmp(value->data, found.data, found.size) != 0))
            head->framing = HTTP_BAD_LENGTH;
        if (n->header == HTTP_TRANSFER_ENCODING && !ends_chunked(*value))
            *value = found;
        return -1;
    }
    return -1;
}

/* Adds text to the value that is being folded, as far as there is room. */
static void fold_more(struct http_head *head, struct weir_str *value, const char *text, uint32_t size)
{
    if (size > HTTP_FOLD_MAX - head->fold_used)
        size = HTTP_FOLD_MAX - head->fold_used;
    memcpy(head->fold + head->fold_used, text, size);
    head->fold_used += size;
    value->size += size;
}

/* Joins a continuation line to the value before it (RFC 9112 section 5.2). */
static void fold(struct http_head *head, int header, const uint8_t *line, const uint8_t *end)
{
    struct weir_str *value = &head->value[header], more = trimmed(line, end);
    if (!(value->data >= head->fold && value->data < head->fold + HTTP_FOLD_MAX)) {
        struct weir_str first = *value;
        if (first.size >= HTTP_FOLD_MAX - head->fold_used)
            return;
        *value = weir_str(head->fold + head->fold_used, 0);
        fold_more(head, value, first.data, first.size);
    }
    if (value->size)
        fold_more(head, value, " ", 1);
    fold_more(head, value, more.data, more.size);
}

/* "5", or a list of equal numbers "5, 5" (RFC 9110 section 8.6). */
static void body_length(struct http_head *head, struct weir_str value)
{
    uint64_t length = 0, before = 0;
    bool any = false, digits = false;
    for (uint32_t i = 0; i <= value.size; i++) {
        uint8_t c = i < value.size ? (uint8_t)value.data[i] : ',';
        if (is_digit(c)) {
            digits = true;
            if (__builtin_mul_overflow(length, 10u, &length) || __builtin_add_overflow(length, c - '0', &length))
                length = UINT64_MAX / 10;
            if (length >= UINT64_MAX / 10)
                length = UINT64_MAX / 10; /* sticks: larger than any body */
        } else if (c == ',' && digits && (!any || length == before)) {
            before = length;
            any = true;
            digits = false;
            length = 0;
        } else if (!(is_blank(c) && !digits)) {
            head->framing = HTTP_BAD_LENGTH;
            return;
        }
    }
    head->length = before >= UINT64_MAX / 10 ? UINT64_MAX : before;
    head->framing = HTTP_LENGTH;
}

/* RFC 9112 section 6.3: a transfer coding overrides a length. */
static void body_framing(struct http_head *head)
{
    struct weir_str coding = head->value[HTTP_TRANSFER_ENCODING], length = head->value[HTTP_CONTENT_LENGTH];
    bool identity = coding.size == 8 && same_name((const uint8_t *)coding.data, "identity", 8);
    if (coding.size && !identity)
        head->framing = ends_chunked(coding) ? HTTP_CHUNKED : HTTP_CODED;
    else if (length.data && head->framing != HTTP_BAD_LENGTH)
        body_length(head, length);
}

/* --- heads -------------------------------------------------------------------------------------------------- */

/* Is the empty line there?  Looks at new bytes only. */
static bool end_is_there(const uint8_t *data, uint32_t size, struct http_scan *scan)
{
    struct lines l = lines_of(data + scan->at, size - scan->at);
    const uint8_t *end = data + size, *p;
    while ((p = next_line_end(&l)) != NULL)
        if ((end - p > 1 && p[1] == '\n') || (end - p > 2 && p[1] == '\r' && p[2] == '\n'))
            return true;
    scan->at = size - 2;
    return false;
}

static inline const uint8_t *without_cr(const uint8_t *line, const uint8_t *end)
{
    return end > line && end[-1] == '\r' ? end - 1 : end;
}

static inline enum http_parse parse(const uint8_t *data, uint32_t size, bool reply, bool cut, struct http_head *head)
{
    struct lines l = lines_of(data, size);
    const uint8_t *end = next_line_end(&l), *line;
    int last = -1;
    memset(head, 0, offsetof(struct http_head, fold));
    if (end == NULL)
        return cut || !maybe_start(data, size, reply) ? HTTP_BAD : HTTP_MORE;
    if (!(reply ? status_line : request_line)(head, data, without_cr(data, end)))
        return HTTP_BAD;
    for (;;) {
        line = end + 1;
        end = next_line_end(&l);
        if (end == NULL) {
            if (!cut)
                return HTTP_MORE;
            head->size = size;
            break;
        }
        if (end == line || (end == line + 1 && *line == '\r')) {
            head->size = (uint32_t)(end + 1 - data);
            break;
        }
        if (*line != ' ' && *line != '\t')
            last = header_line(head, line, end);
        else if (last >= 0)
            fold(head, last, line, end);
    }
    body_framing(head);
    return HTTP_WHOLE;
}

static inline enum http_parse parse_on(const uint8_t *data, uint32_t size, bool reply, struct http_scan *scan,
                                       struct http_head *head)
{
    if (size == 0)
        return HTTP_MORE;
    if (scan->started) {
        if (!end_is_there(data, size, scan))
            return HTTP_MORE;
    } else if (scan->at && memchr(data + scan->at, '\n', size - scan->at) == NULL) {
        scan->at = size;
        return HTTP_MORE;
    }
    enum http_parse answer = parse(data, size, reply, false, head);
    if (answer == HTTP_MORE) {
        scan->started = head->method.data != NULL || head->status != 0;
        scan->at = !scan->started ? (size >= METHOD_MAX + 2 ? size : 0) : size - 2;
    }
    return answer;
}

enum http_parse http_request_head(const uint8_t *data, uint32_t size, struct http_scan *scan, struct http_head *head)
{
    return parse_on(data, size, false, scan, head);
}

enum http_parse http_reply_head(const uint8_t *data, uint32_t size, struct http_scan *scan, struct http_head *head)
{
    return parse_on(data, size, true, scan, head);
}

enum http_parse http_cut_head(const uint8_t *data, uint32_t size, bool reply, struct http_head *head)
{
    return size == 0 ? HTTP_BAD : parse(data, size, reply, true, head);
}

/* --- out of step -------------------------------------------------------------------------------------------- */

/* Where the run of bytes that a request line is made of begins, that ends at `at`; `from` is as far as it is looked for. */
static uint32_t run_start(const uint8_t *data, uint32_t from, uint32_t at)
{
    if (at - from > LINE_MAX_FOUND)
        from = at - LINE_MAX_FOUND;
    while (at > from && data[at - 1] >= ' ')
        at--;
    return at;
}

/* The method that ends at `end`, after whatever; its offset, or `end` for none. */
static uint32_t method_before(const uint8_t *data, uint32_t from, uint32_t end)
{
    if (end - from > METHOD_MAX)
        from = end - METHOD_MAX;
    for (; from < end; from++)
        if (known_method(data + from, end - from))
            return from;
    return end;
}

uint32_t http_find_request(const uint8_t *data, uint32_t size, uint32_t looked, bool *found)
{
    uint32_t begin = 0, from = looked > 10 ? looked - 10 : 0; /* the run of printable bytes that we are in */
    *found = false;
    for (const uint8_t *p; (p = memmem(data + from, size - from, " HTTP/1.", 8)) != NULL;) {
        uint32_t at = (uint32_t)(p - data), start = run_start(data, begin, at);
        if (size - at < 10 || (data[at + 9] == '\r' && size - at < 11))
            return start;
        bool whole = is_digit(p[8]) && (p[9] == '\n' || (p[9] == '\r' && p[10] == '\n'));
        const uint8_t *space = whole && at > start ? memrchr(data + start, ' ', at - start) : NULL;
        if (space && space + 1 < p) {
            uint32_t end = (uint32_t)(space - data), method = method_before(data, start, end);
            *found = method < end;
            if (*found)
                return method;
        }
        begin = from = at + 8;
    }
    uint32_t known = begin > looked ? begin : looked, start = run_start(data, known, size);
    if (start > known || begin > looked)
        return size - start < LINE_MAX_FOUND ? start : size;
    return size < LINE_MAX_FOUND ? 0 : size; /* what was kept before is part of the same run */
}

/* 1: a status line and what looks like a header line or the end of the head; 0: more is needed to tell; -1: no. */
static int reply_starts(const uint8_t *data, uint32_t size)
{
    static const char shape[] = "HTTP/1.0 000";
    for (uint32_t i = 0; i < sizeof shape - 1; i++) {
        if (i == size)
            return 0;
        if (shape[i] == '0' ? !is_digit(data[i]) : data[i] != (uint8_t)shape[i])
            return -1;
    }
    uint32_t most = size < STATUS_LINE_MAX ? size : STATUS_LINE_MAX, i = sizeof shape - 1;
    while (i < most && data[i] >= ' ')
        i++;
    if (i < most && data[i] == '\r')
        i++;
    if (i == most)
        return size < STATUS_LINE_MAX ? 0 : -1;
    if (data[i++] != '\n')
        return -1;
    uint32_t line = i;
    most = size - line < STATUS_LINE_MAX ? size : line + STATUS_LINE_MAX;
    while (i < most && is_token(data[i]))
        i++;
    if (i == most)
        return size - line < STATUS_LINE_MAX ? 0 : -1;
    return data[i] == ':' || (i == line && (data[i] == '\r' || data[i] == '\n')) ? 1 : -1;
}

uint32_t http_find_reply(const uint8_t *data, uint32_t size, bool *found)
{
    uint32_t from = 0;
    *found = false;
    for (const uint8_t *p; (p = memmem(data + from, size - from, "HTTP/1.", 7)) != NULL;) {
        uint32_t at = (uint32_t)(p - data);
        int starts = reply_starts(p, size - at);
        if (starts >= 0) {
            *found = starts > 0;
            return at;
        }
        from = at + 7;
    }
    uint32_t keep = size - from < 6 ? size - from : 6;
    while (keep && memcmp(data + size - keep, "HTTP/1.", keep) != 0)
        keep--;
    return size - keep;
}

/* --- naming ------------------------------------------------------------------------------------------------- */

/* Is this the start of a request line with a long path, as far as it has come? */
static bool cut_target(const uint8_t *data, uint32_t size, uint32_t method)
{
    if (size < method + LONG_TARGET || data[method] != ' ' || data[method + 1] != '/' || !known_method(data, method))
        return false;
    for (uint32_t i = method + 1; i < size; i++)
        if (data[i] <= ' ' || data[i] == 0x7f)
            return false;
    return true;
}

/* A request line, or the start of one. */
static enum weir_verdict probe_request(const uint8_t *data, uint32_t size, bool whole)
{
    uint32_t method = 0;
    while (method < size && method < 24 && data[method] > ' ' && data[method] < 0x7f)
        method++;
    if (!http_maybe_method(data, method < size ? method + 1 : method))
        return WEIR_NO;
    const uint8_t *end = memchr(data, '\n', size);
    if (end == NULL) /* a long target may not end in all that is shown */
        return whole ? WEIR_NO : cut_target(data, size, method) ? WEIR_YES : WEIR_WAIT;
    uint32_t line = (uint32_t)(end - data);
    line -= line && data[line - 1] == '\r';
    if (versioned(data, line))
        return WEIR_YES;
    struct http_head head;
    return http_cut_head(data, (uint32_t)(end + 1 - data), false, &head) == HTTP_WHOLE ? WEIR_LIKELY : WEIR_NO;
}

/* Ports where a request that cannot be read is still likely to be answered in HTTP. */
static bool web_port(uint16_t port)
{
    return port == 80 || port == 3128 || port == 8000 || port == 8008 || port == 8080 || port == 8888;
}

enum weir_verdict http_probe(const struct weir_probe *probe)
{
    const uint8_t *data = probe->data;
    uint32_t size = probe->size;
    while (size && (*data == '\r' || *data == '\n')) {
        data++;
        size--;
    }
    if (size == 0)
        return probe->whole ? WEIR_NO : WEIR_WAIT;
    if (memcmp(data, "HTTP/1.", size < 7 ? size : 7) == 0)
        return size >= 7 ? WEIR_YES : probe->whole ? WEIR_NO : WEIR_WAIT;
    enum weir_verdict verdict = probe_request(data, size, probe->whole);
    return verdict == WEIR_NO && probe->dir == WEIR_ORIG && web_port(probe->flow->dst_port) ? WEIR_WAIT : verdict;
}
