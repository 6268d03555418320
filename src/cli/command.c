/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option parsing over getopt_long, with errors that say what to do instead.
 */
#include "cli/command.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "export/export.h"

#define OPTIONS_MAX 48
#define FIRST_VALUE 1000 /* getopt's answer for the first option; letters lie below */

struct getopt_form {
    struct option longs[OPTIONS_MAX + 2];
    char shorts[2 * OPTIONS_MAX + 4];
    const char *names[OPTIONS_MAX + 1]; /* with dashes, for "did you mean" */
    char text[OPTIONS_MAX][40];
    int count;
};

static void to_getopt(const struct command *command, struct getopt_form *form)
{
    char *letters = form->shorts;
    *letters++ = ':';
    *letters++ = 'h';
    for (form->count = 0; command->options[form->count].name; form->count++) {
        const struct command_option *option = &command->options[form->count];
        WEIR_CHECK(form->count < OPTIONS_MAX);
        form->longs[form->count] = (struct option){option->name, option->argument ? required_argument : no_argument,
                                                   NULL, FIRST_VALUE + form->count};
        snprintf(form->text[form->count], sizeof form->text[0], "--%s", option->name);
        form->names[form->count] = form->text[form->count];
        if (option->letter) {
            *letters++ = option->letter;
            if (option->argument)
                *letters++ = ':';
        }
    }
    form->longs[form->count] = (struct option){"help", no_argument, NULL, 'h'};
    form->names[form->count] = "--help";
    *letters = 0;
}

static int option_of_letter(const struct command *command, int letter)
{
    for (int i = 0; command->options[i].name; i++)
        if (command->options[i].letter == letter)
            return i;
    return -1;
}

int command_usage_error(const struct command *command, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "weir %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

/* "--f" when it is short for more than one. */
static int ambiguous_option(const struct command *command, const char *name)
{
    char list[256] = "";
    int count = 0;
    for (const struct command_option *option = command->options; option->name; option++) {
        if (strncmp(option->name, name + 2, strlen(name + 2)) != 0)
            continue;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s--%s", count++ ? ", " : "", option->name);
    }
    return count < 2 ? 0 : command_usage_error(command, "option '%s' could be %s", name, list);
}

static int unknown_option(const struct command *command, const struct getopt_form *form, char **argv)
{
    const char *text = argv[optind - 1];
    if (optopt && strncmp(text, "--", 2) != 0)
        return command_usage_error(command, "unknown option '-%c'; 'weir %s --help' lists them", optopt, command->name);
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "="), text);
    if (optopt)
        return command_usage_error(command, "option '%s' takes no argument", name);
    int answer = ambiguous_option(command, name);
    if (answer)
        return answer;
    int nearest = export_nearest(name, form->names, form->count + 1);
    if (nearest >= 0)
        return command_usage_error(command, "unknown option '%s'; did you mean '%s'?", name, form->names[nearest]);
    return command_usage_error(command, "unknown option '%s'; 'weir %s --help' lists them", name, command->name);
}

int command_parse(const struct command *command, int argc, char **argv,
                  int (*take)(void *context, int option, const char *argument), void *context, int *first)
{
    struct getopt_form form = {0};
    to_getopt(command, &form);
    opterr = 0;
    optind = 1;
    for (int got; (got = getopt_long(argc, argv, form.shorts, form.longs, NULL)) != -1;) {
        int option = got >= FIRST_VALUE ? got - FIRST_VALUE : option_of_letter(command, got);
        if (got == 'h' && option < 0) {
            command_print_help(command);
            return command_end_output(-1);
        }
        if (got == '?')
            return unknown_option(command, &form, argv);
        if (got == ':')
            return command_usage_error(command, "option '%s' needs an argument", argv[optind - 1]);
        int answer = take(context, option, optarg);
        if (answer != 0)
            return answer;
    }
    *first = optind;
    return 0;
}

/* ---- help ---- */

#define HELP_WIDTH 80
#define HELP_COLUMN 27 /* where the sentences begin */

void command_print_item(const char *left, const char *words)
{
    int column = printf("  %s", left);
    if (column > HELP_COLUMN - 2) {
        putchar('\n');
        column = 0;
    }
    column += printf("%*s", HELP_COLUMN - column, "");
    while (*words) {
        int size = (int)strcspn(words, " ");
        if (column > HELP_COLUMN && column + 1 + size > HELP_WIDTH)
            column = printf("\n%*s", HELP_COLUMN, "") - 1;
        column += printf("%s%.*s", column > HELP_COLUMN ? " " : "", size, words);
        words += size + (words[size] == ' ');
    }
    putchar('\n');
}

void command_print_help(const struct command *command)
{
    printf("usage: weir %s %s\n\nweir %s %s.\n", command->name, command->usage, command->name, command->help);
    for (const struct command_option *option = command->options; option->name; option++) {
        char left[64];
        int used = option->letter ? snprintf(left, sizeof left, "-%c, --%s", option->letter, option->name)
                                  : snprintf(left, sizeof left, "    --%s", option->name);
        if (option->argument)
            snprintf(left + used, sizeof left - (size_t)used, " %s", option->argument);
        if (option->group)
            printf("\n%s:\n", option->group);
        command_print_item(left, option->help);
    }
    command_print_item("-h, --help", "Print this text.");
    if (command->print_more)
        command->print_more();
}

int command_end_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno == EPIPE)
        return code;
    fprintf(stderr, "weir: standard output: %s\n", strerror(errno));
    return EXIT_CANNOT;
}
