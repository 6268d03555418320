/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir: one binary, one table of subcommands.  `weir FILE...` is short for `weir read FILE...`.
 */
#include <fcntl.h>
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
    fprintf(to, "usage: weir FILE...                    the same as weir read FILE...\n"
                "       weir COMMAND [ARGUMENT...]\n\n"
                "weir takes network captures, puts the conversations in them back together and\n"
                "tells what was said: as a summary, or as rows of flows, HTTP, DNS and TLS.\n\n"
                "Commands:\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->help);
    fprintf(to, "  %-10s %s\n\nweir --version prints the version of this build.\n", "help",
            "tells of a command: weir help read");
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

/* A lone option reads no capture, so it was meant for weir itself. */
static int unknown_option(const char *option)
{
    static const char *const names[] = {"--help", "--version"};
    int nearest = export_nearest(option, names, 2);
    if (nearest >= 0)
        fprintf(stderr, "weir: unknown option '%s'; did you mean '%s'?\n", option, names[nearest]);
    else
        fprintf(stderr, "weir: unknown option '%s'; 'weir --help' tells how to begin\n", option);
    return EXIT_USAGE;
}

/* weir help [COMMAND], weir --help */
static int help(const char *about)
{
    const struct command *command = about ? find(about) : NULL;
    if (about && !command)
        return unknown_command(about);
    if (command)
        command_print_help(command);
    else
        print_help(stdout);
    return command_end_output(EXIT_DONE);
}

/* So that no file of ours gets the number of a standard stream that the caller has closed. */
static void hold_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write */
    hold_standard_streams();
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(NULL);
    if (strcmp(word, "help") == 0 && access(word, F_OK) != 0)
        return help(argv[2]);
    if (strcmp(word, "--version") == 0) {
        puts("weir " WEIR_VERSION);
        return command_end_output(EXIT_DONE);
    }
    const struct command *command = find(word);
    if (command)
        return command->run(command, argc - 1, argv + 1);
    bool option = word[0] == '-' && word[1];
    if (option && argc == 2)
        return unknown_option(word);
    if (!option && !strpbrk(word, "./-") && access(word, F_OK) != 0)
        return unknown_command(word);
    return command_read.run(&command_read, argc, argv);
}
