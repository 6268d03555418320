/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir: one binary, one table of subcommands.  `weir FILE...` is short for `weir read FILE...`.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/version.h>

#include "cli/command.h"
#include "export/export.h"

static const struct command *const commands[] = {&command_read};
#define COMMANDS ((int)(sizeof commands / sizeof commands[0]))

static void print_help(FILE *to)
{
    fprintf(to, "usage: weir COMMAND [OPTION...] [FILE...]\n"
                "       weir FILE...              short for 'weir read FILE...'\n\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->help);
    fprintf(to, "\n'weir COMMAND --help' tells of its options; 'weir --version' of this build.\n");
}

static const struct command *find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* A word that is no command and no file: most likely a command with a typing error. */
static int unknown_command(const char *word)
{
    const char *names[COMMANDS];
    for (int i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    int nearest = export_nearest(word, names, COMMANDS);
    if (nearest >= 0)
        fprintf(stderr, "weir: '%s' is neither a command nor a file; did you mean 'weir %s'?\n", word, names[nearest]);
    else
        fprintf(stderr, "weir: '%s' is neither a command nor a file; 'weir --help' lists the commands\n", word);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write */
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("weir " WEIR_VERSION);
        return EXIT_DONE;
    }
    const struct command *command = find(argv[1]);
    if (command)
        return command->run(command, argc - 1, argv + 1);
    bool option = argv[1][0] == '-' && argv[1][1];
    if (!option && !strpbrk(argv[1], "./-") && access(argv[1], F_OK) != 0)
        return unknown_command(argv[1]);
    return command_read.run(&command_read, argc, argv);
}
