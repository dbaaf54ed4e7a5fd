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
    size_t place;      /* of the member for the place of a string (const char *); 0: not kept */
    const char *title; /* for messages, where the name alone says too little; else NULL */
    bool required;
    const struct rf_config_mapping *mapping; /* of what is nested; else NULL */
};

struct rf_config_mapping {
    const struct rf_config_key *keys;
    unsigned count; /* at most 32 */
    size_t size;    /* of the struct that one mapping goes to, where they come in a list */
    /* Why a key that is none of these cannot be here, as a hint; NULL where there is nothing to say
     * but that it is unknown. May itself be NULL. */
    const char *(*refusal)(const char *key);
};

/* Reads a file that is one mapping, into `into`; a file of nothing but comments is an empty one.
 * Members whose key is not there stay as they are, so that one file can be laid over another.
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
/* The same, and lists of several files come to stand one behind the other. */
RF_MUST_USE enum rf_code rf_config_more_strings(struct rf_config_reader *reader,
                                                const struct rf_config_key *key, void *into);
/* A string that is not blank either. */
RF_MUST_USE enum rf_code rf_config_sql(struct rf_config_reader *reader,
                                       const struct rf_config_key *key, void *into);
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
/* Items that have a name, or another string that stands for one. */
struct rf_config_named {
    const char *what;   /* "object", for messages */
    size_t name, place; /* offsets of the members, const char * both */
};
/* The same behind `*count` items that an earlier file had, `before`. Where they are named, a name
 * that is in the list twice is refused, and an item takes the place of the earlier file's with its
 * name. `named` may be NULL. */
RF_MUST_USE enum rf_code rf_config_longer_list(struct rf_config_reader *reader,
                                               const struct rf_config_key *key,
                                               const struct rf_config_named *named,
                                               const void *before, void **items, uint32_t *count);
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
