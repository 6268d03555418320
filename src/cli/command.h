/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/command.h - subcommands and their options, each declared once in a table that parsing, help and "did you mean"
 * come from.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

/* Exit codes, as documented. */
enum { EXIT_DONE = 0, EXIT_INPUT = 1, EXIT_USAGE = 2, EXIT_CANNOT = 3 };

struct command_option {
    const char *name;     /* long name without dashes */
    char letter;          /* short name, 0: none */
    const char *argument; /* what its argument is called in the help, NULL: takes none */
    const char *help;     /* as many sentences as it takes; printed in lines of a terminal's width */
    const char *group;    /* heading that stands before it in the help, NULL: that of the one before */
};

struct command {
    const char *name;
    const char *usage;                                                /* behind "weir NAME" */
    const char *help;                                                 /* one sentence */
    const struct command_option *options;                             /* ends with a NULL name */
    int (*run)(const struct command *command, int argc, char **argv); /* argv[0] is the command's name */
    void (*print_more)(void);                                         /* behind the options in the help; may be NULL */
};

extern const struct command command_read;

/*
 * Goes through the options of `argv`.  For each, `take` gets the index in command->options and the argument (NULL:
 * none) and answers 0, or an exit code that ends parsing.  Operands are moved behind the options; `*first` is the index
 * of the first.  Answers 0, or an exit code after a line on stderr (unknown option with the nearest one, argument
 * missing).  --help and -h are handled: answers -1 after printing.
 */
int command_parse(const struct command *command, int argc, char **argv,
                  int (*take)(void *context, int option, const char *argument), void *context, int *first);

/* One line on stderr, "weir COMMAND: ..."; answers EXIT_USAGE. */
int command_usage_error(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

void command_print_help(const struct command *command);
/* A line or more of such a text: what is told of on the left, words about it on the right. */
void command_print_item(const char *left, const char *words);

/* Sends off what was printed to standard output.  `code`, or EXIT_CANNOT after a line on stderr when it could not be written; a
 * reader that has left is no error. */
int command_end_output(int code);

#endif
