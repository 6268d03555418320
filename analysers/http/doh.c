/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http/doh.c - collects DNS messages out of bodies and targets.
 *
 * A message is handed on whole, since its length stands in front of it.  Of what a body says, only its header is looked at,
 * so that a body that is no message does not set the child stream out of step; the rest is for the DNS analyser to judge.
 */
#include "doh.h"

#include <strings.h>

#include "../dns/dns.h"

#define MESSAGE_TYPE "application/dns-message"
#define GET_MAX 2048u /* of a message in a target */
#define ROOM_LEAST 512u

bool http_doh_is(struct weir_str content_type, struct weir_str content_encoding)
{
    const uint32_t size = sizeof MESSAGE_TYPE - 1;
    if (content_type.size < size || content_encoding.size || strncasecmp(content_type.data, MESSAGE_TYPE, size) != 0)
        return false;
    return content_type.size == size || content_type.data[size] == ';' || content_type.data[size] == ' ';
}

/* `message` begins with room for its length. */
static void hand_over(struct weir_turn *turn, struct http_doh_child *child, uint8_t *message, uint32_t bytes)
{
    struct dns_message dns;
    if (!dns_message_read(&dns, message + 2, bytes - 2) || !dns_plausible_header(&dns))
        return;
    message[0] = (uint8_t)((bytes - 2) >> 8);
    message[1] = (uint8_t)(bytes - 2);
    if (!child->open && !child->refused) {
        child->open = weir_child_open(turn, "dns") == 0;
        child->refused = !child->open;
    }
    if (child->open)
        weir_child_data(turn, message, bytes);
}

/* RFC 4648 section 5, without padding; 64 for what is none of it. */
static uint32_t base64url(uint8_t c)
{
    if ((uint8_t)(c - 'A') < 26)
        return c - 'A';
    if ((uint8_t)(c - 'a') < 26)
        return c - 'a' + 26;
    if ((uint8_t)(c - '0') < 10)
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : 64;
}

/* The value of the variable `dns` in a target's query; null: there is none. */
static struct weir_str dns_variable(struct weir_str target)
{
    if (target.size == 0)
        return target;
    const char *end = target.data + target.size;
    for (const char *p = memchr(target.data, '?', target.size); p; p = memchr(p + 1, '&', (size_t)(end - p - 1))) {
        if (end - p > 5 && memcmp(p + 1, "dns=", 4) == 0) {
            const char *value = p + 5, *stop = memchr(value, '&', (size_t)(end - value));
            return weir_str(value, (size_t)((stop ? stop : end) - value));
        }
        if (p + 1 == end)
            break;
    }
    return (struct weir_str){0};
}

void http_doh_get(struct weir_turn *turn, struct http_doh_child *child, struct weir_str target)
{
    uint8_t message[2 + GET_MAX];
    struct weir_str value = dns_variable(target);
    uint32_t bits = 0, have = 0, bytes = 2;
    if (value.size < 20 || value.size > GET_MAX / 3 * 4)
        return;
    for (uint32_t i = 0; i < value.size && value.data[i] != '='; i++) {
        uint32_t six = base64url((uint8_t)value.data[i]);
        if (six > 63)
            return;
        bits = bits << 6 | six;
        have += 6;
        if (have >= 8) {
            have -= 8;
            message[bytes++] = (uint8_t)(bits >> have);
        }
    }
    if (bytes < 2 + DNS_HEADER_BYTES || message[4] & 0x80 || weir_load_be16(message + 6) != 1)
        return; /* some other variable of that name */
    hand_over(turn, child, message, bytes);
}

void http_doh_begin(struct http_doh *message)
{
    message->on = true;
    message->used = 2;
}

static void drop(struct weir_turn *turn, struct http_doh *message)
{
    if (message->data)
        weir_release(turn, message->data);
    *message = (struct http_doh){0};
}

void http_doh_add(struct weir_turn *turn, struct http_doh *message, const uint8_t *data, uint32_t bytes)
{
    if (!message->on || bytes == 0)
        return;
    if (bytes > 2 + HTTP_DOH_MAX - message->used) {
        drop(turn, message);
        return;
    }
    if (message->room < message->used + bytes) {
        uint32_t room = message->room ? message->room : ROOM_LEAST;
        while (room < message->used + bytes)
            room *= 2;
        uint8_t *more = weir_hold(turn, room);
        if (more == NULL) {
            drop(turn, message);
            return;
        }
        if (message->data) {
            memcpy(more, message->data, message->used);
            weir_release(turn, message->data);
        }
        message->data = more;
        message->room = room;
    }
    memcpy(message->data + message->used, data, bytes);
    message->used += bytes;
}

void http_doh_end(struct weir_turn *turn, struct http_doh_child *child, struct http_doh *message, bool whole)
{
    if (message->data && whole)
        hand_over(turn, child, message->data, message->used);
    drop(turn, message);
}
