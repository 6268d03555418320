/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that a condition may name: addresses with and without a prefix length, RFC 3339 times, identifiers, numbers.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "export/where.h"

static bool digits(const char **text, uint32_t count, uint32_t *value)
{
    *value = 0;
    for (uint32_t i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *value = *value * 10 + (uint32_t)(**text - '0');
    }
    return true;
}

static bool sign(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

bool where_value_ip(const char *text, struct where_value *value)
{
    char address[64];
    size_t size = strcspn(text, "/");
    if (size >= sizeof address)
        return false;
    memcpy(address, text, size);
    address[size] = 0;
    memset(&value->ip, 0, sizeof value->ip);
    if (inet_pton(AF_INET, address, value->ip.bytes) == 1)
        value->ip.family = 4;
    else if (inet_pton(AF_INET6, address, value->ip.bytes) == 1)
        value->ip.family = 6;
    else
        return false;
    uint32_t bits = value->ip.family == 4 ? 32 : 128;
    value->prefix = (uint8_t)bits;
    if (text[size] == '/') {
        const char *at = text + size + 1;
        size_t length = strlen(at);
        uint32_t prefix;
        if (length < 1 || length > 3 || !digits(&at, (uint32_t)length, &prefix) || prefix > bits)
            return false;
        value->prefix = (uint8_t)prefix;
    }
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t keep = value->prefix > 8 * i ? value->prefix - 8 * i : 0;
        if (keep < 8)
            value->ip.bytes[i] &= (uint8_t)(0xff00 >> keep);
    }
    return true;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static uint64_t days_of(uint32_t year, uint32_t month, uint32_t day)
{
    static const uint16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    uint32_t past = year - 1;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    uint64_t days = 365ull * past + past / 4 - past / 100 + past / 400 - 719162;
    return days + before[month - 1] + (leap && month > 2) + day - 1;
}

static bool date(const char **text, uint64_t *days)
{
    static const uint8_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t year, month, day;
    if (!digits(text, 4, &year) || !sign(text, '-') || !digits(text, 2, &month) || !sign(text, '-') ||
        !digits(text, 2, &day))
        return false;
    if (year < 1970 || year > 2553 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month - 1] + (uint32_t)(leap && month == 2))
        return false;
    *days = days_of(year, month, day);
    return true;
}

/* hh:mm[:ss[.fraction]], in nanoseconds. */
static bool time_of_day(const char **text, uint64_t *ns)
{
    uint32_t hour, minute, second = 0, fraction = 0, scale = 100000000;
    if (!digits(text, 2, &hour) || !sign(text, ':') || !digits(text, 2, &minute) || hour > 23 || minute > 59)
        return false;
    if (sign(text, ':')) {
        if (!digits(text, 2, &second) || second > 60)
            return false;
        if (sign(text, '.')) {
            if (**text < '0' || **text > '9')
                return false;
            for (; **text >= '0' && **text <= '9'; (*text)++, scale /= 10)
                fraction += (uint32_t)(**text - '0') * scale;
        }
    }
    *ns = ((hour * 60ull + minute) * 60 + second) * 1000000000u + fraction;
    return true;
}

bool where_value_time(const char *text, uint64_t *ns)
{
    uint64_t days, of_day = 0;
    if (!date(&text, &days))
        return false;
    if (*text == 'T' || *text == 't' || *text == ' ') {
        text++;
        if (!time_of_day(&text, &of_day))
            return false;
    }
    uint64_t result = days * 86400u * 1000000000u + of_day;
    if (*text == '+' || *text == '-') {
        bool east = *text++ == '+';
        uint32_t hour, minute;
        if (!digits(&text, 2, &hour) || !sign(&text, ':') || !digits(&text, 2, &minute) || hour > 23 || minute > 59)
            return false;
        uint64_t offset = (hour * 60ull + minute) * 60 * 1000000000u;
        if (east && offset > result)
            return false;
        result = east ? result - offset : result + offset;
    } else if (*text == 'Z' || *text == 'z') {
        text++;
    }
    *ns = result;
    return *text == 0;
}

bool where_value_id(const char *text, uint64_t *id)
{
    size_t size = strlen(text);
    if (size < 1 || size > 16 || strspn(text, "0123456789abcdefABCDEF") != size)
        return false;
    *id = strtoull(text, NULL, 16);
    return true;
}

bool where_value_number(const char *text, struct where_value *value, size_t *used)
{
    const char *at = text;
    value->number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value->number, 10u, &value->number) ||
            __builtin_add_overflow(value->number, (uint64_t)(*at - '0'), &value->number))
            return false;
    }
    if (*at == '.' && at[1] >= '0' && at[1] <= '9')
        for (at++; *at >= '0' && *at <= '9'; at++)
            value->fraction |= *at != '0';
    *used = (size_t)(at - text);
    return true;
}
