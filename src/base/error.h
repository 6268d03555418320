/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/error.h - set-up can fail; packets cannot.
 *
 * A function that can fail to set something up answers 0 or -1 and fills an error that its caller owns: one line,
 * naming the thing and the reason, ready for stderr behind "weir: ".  A bug is not an error: WEIR_CHECK aborts, in
 * release builds too.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

struct error {
    char text[512];
};

/* Fills `error` (which may be NULL) as printf does and answers -1, so that `return error_set(...)` reads well. */
int error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with ": " and strerror(`number`) behind it. */
int error_errno(struct error *error, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));

void error_bug(const char *file, int line, const char *what) __attribute__((noreturn, cold));

/* An invariant of ours, never a property of the traffic. */
#define WEIR_CHECK(condition) (__builtin_expect(!!(condition), 1) ? (void)0 : error_bug(__FILE__, __LINE__, #condition))

#endif
