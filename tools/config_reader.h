/* Reading YAML strictly, by tables that say which keys a mapping has.
 *
 * A struct rf_config_mapping names the keys of one kind of mapping, and for each the function that
 * reads its value into a member of a struct. Messages, hints, the check for keys that are repeated,
 * unknown or missing, and the tests of example and man page all follow these tables.
 *
 * The shape of a file is fixed by the tables, so whatever does not fit stops the reading at the
 * event where it shows: no nesting to exhaust, no alias to expand, no tree to build. Every function
 * fails with file, line and column. */
#ifndef RF_TOOLS_CONFIG_READER_H
#define RF_TOOLS_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/error.h"
#include "replay/arena.h"

struct rf_config_reader;
struct rf_config_mapping;

struct rf_config_key {
    const char *name;
    /* Reads the value, which comes next, into what `into` points to. */
    enum rf_code (*read)(struct rf_config_reader *reader, const struct rf_config_key *key,
                         void *into);
    size_t offset;     /* of the member that the value goes to, for those below */
    const char *title; /* for messages, where the name alone says too little; else NULL */
    bool required;
    const struct rf_config_mapping *mapping; /* of what is nested; else NULL */
};

struct rf_config_mapping {
    const struct rf_config_key *keys;
    unsigned count; /* at most 32 */
    size_t size;    /* of the struct that one mapping goes to, where they come in a list */
};

/* Reads a file that is one mapping, into `into`; a file of nothing but comments is an empty one.
 * Strings go to the arena. RF_USAGE, or RF_NO_MEMORY. */
RF_MUST_USE enum rf_code rf_config_read_text(const char *path, const void *text, size_t size,
                                             const struct rf_config_mapping *mapping, void *into,
                                             struct rf_arena *arena, struct rf_error *error);

/* ---- for the tables: functions that read a value into the member at key->offset ---- */

RF_MUST_USE enum rf_code rf_config_string(struct rf_config_reader *reader,
                                          const struct rf_config_key *key,
                                          void *into); /* const char *; not empty */
RF_MUST_USE enum rf_code rf_config_string_or_empty(struct rf_config_reader *reader,
                                                   const struct rf_config_key *key, void *into);
RF_MUST_USE enum rf_code rf_config_strings(struct rf_config_reader *reader,
                                           const struct rf_config_key *key,
                                           void *into); /* const char *const *, NULL-terminated */
RF_MUST_USE enum rf_code rf_config_truth(struct rf_config_reader *reader,
                                         const struct rf_config_key *key, void *into); /* bool */
/* A mapping of key->mapping; its members are those of `into` itself. */
RF_MUST_USE enum rf_code rf_config_nested(struct rf_config_reader *reader,
                                          const struct rf_config_key *key, void *into);

/* ---- for functions of that kind that do more ---- */

/* A list of mappings of key->mapping, into an array of the arena. */
RF_MUST_USE enum rf_code rf_config_list(struct rf_config_reader *reader,
                                        const struct rf_config_key *key, void **items,
                                        uint32_t *count);
/* A word without quotes or with them; `null` is one too. `wanted` says what it should have been. */
RF_MUST_USE enum rf_code rf_config_word(struct rf_config_reader *reader,
                                        const struct rf_config_key *key, const char *wanted,
                                        const char **text);
/* A number without quotes. */
RF_MUST_USE enum rf_code rf_config_number(struct rf_config_reader *reader,
                                          const struct rf_config_key *key, const char *wanted,
                                          const char **text);
/* Fails since the value that was just read is not what it should be. */
RF_MUST_USE enum rf_code rf_config_refuse(struct rf_config_reader *reader,
                                          const struct rf_config_key *key, const char *wanted);
/* Fails at the value that was just read, with a message after its place. */
RF_MUST_USE enum rf_code rf_config_fail(struct rf_config_reader *reader, const char *format, ...)
    RF_PRINTF(2, 3);
/* The place of the value that was just read: "app.yaml:12:7", in the arena; NULL without memory. */
const char *rf_config_place(struct rf_config_reader *reader);
struct rf_arena *rf_config_arena(struct rf_config_reader *reader);
struct rf_error *rf_config_error(struct rf_config_reader *reader);

static inline const char *rf_config_title(const struct rf_config_key *key) {
    return key->title ? key->title : key->name;
}
static inline void *rf_config_member(const struct rf_config_key *key, void *into) {
    return (char *)into + key->offset;
}

#endif
