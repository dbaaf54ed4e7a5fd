/* The commands, in one table. A command is one function; what it takes and how it is explained lies
 * beside it, and help, parser, man pages and completions follow the table. */
#ifndef RF_TOOLS_COMMAND_H
#define RF_TOOLS_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "tools/option.h"

struct rf_task;

struct rf_command {
    const char *name;
    const char *operand; /* "DATABASE"; NULL for none */
    const char *second_operand; /* one that may follow it, never required; NULL for none */
    bool operand_required;
    bool repo_optional;
    uint64_t options;        /* bits 1 << enum rf_option_id */
    const char *summary;     /* for the list of commands: no capital, no full stop */
    const char *description; /* for its own help: sentences, paragraphs parted by line feeds */
    enum rf_code (*run)(struct rf_task *task, struct rf_error *error);
};

#define RF_COMMANDS 15u
extern const struct rf_command rf_commands[RF_COMMANDS];

const struct rf_command *rf_command_find(const char *name); /* NULL when there is none */

static inline bool rf_command_takes(const struct rf_command *command, enum rf_option_id option) {
    return command->options >> option & 1;
}

/* One file each. They print their data, fill task->summary, and leave errors to the caller. */
RF_MUST_USE enum rf_code rf_command_capture(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_replay(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_sync(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_check(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_verify(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_log(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_show(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_diff(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_restore(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_status(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_export(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_import(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_keygen(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_prune(struct rf_task *task, struct rf_error *error);
RF_MUST_USE enum rf_code rf_command_profiles(struct rf_task *task, struct rf_error *error);

#endif
