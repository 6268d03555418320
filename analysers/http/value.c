/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/value.c - see value.h.  Each function reads one kind of value and looks at each byte a few times at most.
 */
#include "value.h"

/* The authority of "http://user@host:port/path" or, for CONNECT, of "host:port". */
struct weir_str http_authority(struct weir_str method, struct weir_str uri)
{
    if (uri.size == 0)
        return (struct weir_str){0};
    const char *end = uri.data + uri.size, *from = uri.data, *p;
    if (method.size == 7 && memcmp(method.data, "CONNECT", 7) == 0)
        return uri.data[0] == '/' ? (struct weir_str){0} : http_without_user(uri);
    if (uri.data[0] == '/' || (p = memmem(from, uri.size < 16 ? uri.size : 16, "://", 3)) == NULL)
        return (struct weir_str){0};
    from = p + 3;
    if ((p = memchr(from, '/', (size_t)(end - from))) != NULL)
        end = p;
    return http_without_user(weir_str(from, (size_t)(end - from)));
}

struct weir_str http_without_user(struct weir_str authority)
{
    const char *at = authority.size ? memrchr(authority.data, '@', authority.size) : NULL;
    return at ? weir_str(at + 1, authority.size - (size_t)(at + 1 - authority.data)) : authority;
}

/* Where the authority at `at` ends (RFC 3986 section 3.2).  In a query, what follows it may be another variable. */
static const char *authority_end(const char *at, const char *end, bool in_query)
{
    while (at < end && *at != '/' && *at != '?' && *at != '#' && !(in_query && *at == '&'))
        at++;
    return at;
}

static uint32_t put_part(char *to, uint32_t room, uint32_t used, const char *from, const char *end)
{
    size_t size = (size_t)(end - from) < room - used ? (size_t)(end - from) : room - used;
    if (size)
        memcpy(to + used, from, size);
    return used + (uint32_t)size;
}

uint32_t http_url_copy(char *to, uint32_t room, struct weir_str url)
{
    const char *copied = url.data, *at = url.data, *end = url.data + url.size;
    bool in_query = false;
    uint32_t used = 0;
    if (url.size == 0 || memchr(url.data, '@', url.size) == NULL)
        return put_part(to, room, 0, url.data, end);
    if (url.size >= 2 && memcmp(url.data, "//", 2) == 0)
        at += 2;
    for (;;) {
        const char *stop = authority_end(at, end, in_query), *host = memrchr(at, '@', (size_t)(stop - at));
        const char *colon = host ? memchr(at, ':', (size_t)(host - at)) : NULL;
        if (colon) {
            used = put_part(to, room, used, copied, colon);
            copied = host;
        }
        /* an authority alone ends before the slashes of a scheme, one colon too late */
        const char *from = stop > at && stop[-1] == ':' ? stop - 1 : stop;
        const char *scheme = memmem(from, (size_t)(end - from), "://", 3);
        if (scheme == NULL)
            return put_part(to, room, used, copied, end);
        in_query |= memchr(from, '?', (size_t)(scheme - from)) != NULL;
        at = scheme + 3;
    }
}

static bool is_hex(struct weir_str text, uint32_t size)
{
    bool any = false;
    if (text.size != size)
        return false;
    for (uint32_t i = 0; i < size; i++) {
        char c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
        any |= c != '0';
    }
    return any; /* all zero is no id: W3C Trace Context section 3.2.2.3 */
}

static struct weir_str part(struct weir_str text, uint32_t from, uint32_t size)
{
    return from + size <= text.size ? weir_str(text.data + from, size) : (struct weir_str){0};
}

/* traceparent: 00-<32 hex>-<16 hex>-<2 hex>; b3: <32 or 16 hex>-<16 hex>[-...], or a header for each. */
void http_trace(const struct http_head *head, struct weir_str *trace, struct weir_str *span)
{
    struct weir_str parent = head->value[HTTP_TRACEPARENT], b3 = head->value[HTTP_B3];
    *trace = head->value[HTTP_B3_TRACE];
    *span = head->value[HTTP_B3_SPAN];
    if (parent.size >= 55 && parent.data[2] == '-' && parent.data[35] == '-' && parent.data[52] == '-') {
        *trace = part(parent, 3, 32);
        *span = part(parent, 36, 16);
    } else if (b3.size >= 49 && b3.data[32] == '-') {
        *trace = part(b3, 0, 32);
        *span = part(b3, 33, 16);
    } else if (b3.size >= 33 && b3.data[16] == '-') {
        *trace = part(b3, 0, 16);
        *span = part(b3, 17, 16);
    }
    if (!is_hex(*trace, 32) && !is_hex(*trace, 16))
        *trace = *span = (struct weir_str){0};
    if (!is_hex(*span, 16))
        *span = (struct weir_str){0};
}

static uint64_t number(const char **at, const char *end)
{
    uint64_t n = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++)
        if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, (uint64_t)(**at - '0'), &n))
            n = UINT64_MAX / 10;
    return n;
}

/* "bytes 0-499/1234" (RFC 9110 section 14.4) */
void http_content_range(struct weir_body *body, struct weir_str value)
{
    if (value.size < 6 || memcmp(value.data, "bytes ", 6) != 0)
        return;
    const char *at = value.data, *end = at + value.size;
    at += 6;
    uint64_t first = number(&at, end);
    if (at == end || *at++ != '-')
        return;
    number(&at, end);
    if (at == end || *at++ != '/' || at == end || *at == '*')
        return;
    body->range_first = first;
    body->range_size = number(&at, end);
}

/* filename="a b.txt", filename=a.txt, filename*=UTF-8''a.txt (RFC 6266); the first there is. */
struct weir_str http_filename(struct weir_str disposition)
{
    const char *at = disposition.size ? memmem(disposition.data, disposition.size, "filename", 8) : NULL;
    if (at == NULL)
        return (struct weir_str){0};
    const char *end = disposition.data + disposition.size;
    at += 8;
    bool coded = at < end && *at == '*';
    at += coded;
    while (at < end && (*at == ' ' || *at == '='))
        at++;
    if (at < end && *at == '"') {
        const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
        return weir_str(at + 1, (size_t)((close ? close : end) - at - 1));
    }
    const char *close = memchr(at, ';', (size_t)(end - at));
    end = close ? close : end;
    const char *quote = coded ? memchr(at, '\'', (size_t)(end - at)) : NULL;
    if (quote && (quote = memchr(quote + 1, '\'', (size_t)(end - quote - 1))) != NULL)
        at = quote + 1;
    return weir_str(at, (size_t)(end - at));
}

bool http_has_word(struct weir_str list, const char *word, uint32_t size)
{
    for (uint32_t i = 0; i + size <= list.size; i++) {
        uint32_t k = 0;
        while (k < size && (list.data[i + k] | 0x20) == word[k])
            k++;
        if (k == size)
            return true;
    }
    return false;
}
