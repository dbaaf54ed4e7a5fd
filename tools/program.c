/* From the words of the command line to a command, and from its end to an exit code. */
#include "tools/program.h"

#include <stdlib.h>
#include <string.h>

#include "tools/exit.h"
#include "tools/help.h"
#include "tools/message.h"
#include "tools/redact.h"
#include "tools/task.h"

static enum rf_code unknown_command(const char *name, struct rf_error *error) {
    const char *names[RF_COMMANDS];
    for (unsigned i = 0; i < RF_COMMANDS; i++) {
        names[i] = rf_commands[i].name;
    }
    const char *nearest = rf_nearest(name, names, RF_COMMANDS);
    if (name[0] == '-') {
        rf_fail(error, RF_USAGE, "unknown option \"%s\"", name);
        rf_hint(error, "options of a command come after its name; rowferry --help lists commands.");
        return RF_USAGE;
    }
    rf_fail(error, RF_USAGE, "unknown command \"%s\"", name);
    if (nearest) {
        rf_hint(error, "did you mean %s? rowferry --help lists all commands.", nearest);
    } else {
        rf_hint(error, "rowferry --help lists all commands.");
    }
    return RF_USAGE;
}

static enum rf_code extra_argument(const char *word, struct rf_error *error) {
    rf_fail(error, RF_USAGE, "extra argument \"%s\"", word);
    rf_hint(error, "rowferry --help explains the program.");
    return RF_USAGE;
}

/* rowferry help [COMMAND] */
static enum rf_code help(int argc, char **argv, struct rf_output *output, struct rf_error *error) {
    const struct rf_command *command = argc > 1 ? rf_command_find(argv[1]) : NULL;
    if (argc > 2) {
        return extra_argument(argv[2], error);
    }
    if (argc > 1 && !command) {
        return unknown_command(argv[1], error);
    }
    if (command) {
        rf_help_command(command, output);
    } else {
        rf_help_program(output);
    }
    return RF_OK;
}

static bool is(const char *word, const char *name) {
    return strcmp(word, name) == 0;
}

/* The words that are not commands. *taken: it was one of them. */
static enum rf_code program_word(int argc, char **argv, struct rf_output *output, bool *taken,
                                 struct rf_error *error) {
    *taken = true;
    if (argc == 0) {
        rf_fail(error, RF_USAGE, "no command given");
        rf_hint(error, "rowferry --help lists the commands.");
        return RF_USAGE;
    }
    bool version = is(argv[0], "--version");
    if ((version || is(argv[0], "--help") || is(argv[0], "-h")) && argc > 1) {
        return extra_argument(argv[1], error);
    }
    if (version) {
        rf_output_printf(output, "rowferry %s\n", RF_VERSION);
        return RF_OK;
    }
    if (is(argv[0], "--help") || is(argv[0], "-h") || is(argv[0], "help")) {
        return help(argc, argv, output, error);
    }
    *taken = false;
    return RF_OK;
}

static int run_command(const struct rf_arguments *arguments, struct rf_output *output,
                       const atomic_int *stop) {
    struct rf_error error = {0};
    struct rf_settings settings;
    enum rf_code code = rf_settings_resolve(arguments, &settings, &error);
    struct rf_task task = {
        .command = arguments->command,
        .operand = arguments->operand,
        .second_operand = arguments->second_operand,
        .settings = &settings,
        .output = output,
        .stop = stop,
    };
    rf_task_begin(&task);
    if (code == RF_OK) {
        code = rf_keys_load(&task, &task.keys, &error);
    }
    if (code == RF_OK) {
        code = task.command->run(&task, &error);
    }
    int exit_code = rf_task_end(&task, code, &error);
    rf_keys_release(&task.keys);
    rf_settings_release(&settings);
    return exit_code;
}

static void free_words(char **words, int count) {
    for (int i = 0; words && i < count; i++) {
        free(words[i]);
    }
    free(words);
}

/* Copies of the words, so that those that other users can see may be wiped; NULL without memory. */
static char **copy_words(int count, char **argv) {
    char **words = calloc((size_t)count + 1, sizeof *words);
    for (int i = 0; words && i < count; i++) {
        words[i] = strdup(argv[i]);
        if (!words[i]) {
            free_words(words, i);
            return NULL;
        }
        rf_redact_in_place(argv[i]);
    }
    return words;
}

static int tell(const struct rf_error *error) {
    rf_message_error(error);
    return rf_exit_of(error->code, 0);
}

/* A script that asked for JSON gets its summary even of a line that was not understood. */
static int tell_usage(int argc, char **argv, struct rf_output *output,
                      const struct rf_error *error) {
    int exit_code = tell(error);
    for (int i = 1; i < argc && !is(argv[i], "--"); i++) {
        if (is(argv[i], "--json")) {
            rf_summary_print(output, argv[0], exit_code, NULL, error, 0);
            break;
        }
    }
    return exit_code;
}

static int dispatch(int argc, char **argv, struct rf_output *output, const atomic_int *stop) {
    struct rf_error error = {0};
    bool taken;
    enum rf_code code = program_word(argc, argv, output, &taken, &error);
    if (taken) {
        return code == RF_OK ? RF_EXIT_DONE : tell(&error);
    }
    const struct rf_command *command = rf_command_find(argv[0]);
    if (!command) {
        unknown_command(argv[0], &error);
        return tell_usage(argc, argv, output, &error);
    }
    struct rf_arguments arguments;
    int exit_code = RF_EXIT_DONE;
    if (rf_arguments_parse(command, argc, argv, &arguments, &error) != RF_OK) {
        exit_code = tell_usage(argc, argv, output, &error);
    } else if (arguments.given[RF_OPTION_HELP]) {
        rf_help_command(command, output);
    } else {
        exit_code = run_command(&arguments, output, stop);
    }
    rf_arguments_release(&arguments);
    return exit_code;
}

/* Lost output turns a success into a failure; a failure keeps its own code. */
static int close_output(struct rf_output *output, int exit_code) {
    struct rf_error error = {0};
    if (rf_output_close(output, &error) == RF_OK) {
        return exit_code;
    }
    int lost = tell(&error);
    return exit_code == RF_EXIT_DONE || exit_code == RF_EXIT_SET_ASIDE ? lost : exit_code;
}

int rf_program(int argc, char **argv, struct rf_output *output, const atomic_int *stop) {
    int count = argc > 0 ? argc - 1 : 0;
    char **words = copy_words(count, argv + (argc > 0));
    struct rf_error error = {0};
    int exit_code;
    if (words) {
        exit_code = dispatch(count, words, output, stop);
    } else {
        rf_fail_memory(&error);
        exit_code = tell(&error);
    }
    free_words(words, count);
    return close_output(output, exit_code);
}
