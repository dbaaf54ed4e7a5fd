/* The configuration file, and profiles (profile.h), which have the keys of it that say what becomes
 * of everything, and none of those that say where and how. YAML, read strictly. See
 * rowferry.yaml(5), and rowferry.yaml.example, which has every setting.
 *
 * A file that is read wrong carries the wrong rows, so nothing is guessed: an unknown or repeated
 * key, a value of another type, an alias, an anchor, a tag, a second document and anything that is
 * not YAML are errors, each with file, line and column. Values are not expanded. */
#ifndef RF_TOOLS_CONFIG_H
#define RF_TOOLS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "format/bytes.h"
#include "format/error.h"
#include "replay/arena.h"
#include "replay/rules.h"
#include "tools/values.h"

#define RF_CONFIG_BYTES_MAX (1u << 20)

struct rf_config_mapping;

/* Tables that go to a database of their own. Those that no store names go to every one. */
struct rf_store {
    const char *name;
    const char *const *tables; /* globs over names of the source, NULL-terminated; at least one */
    const char *place;         /* "app.yaml:12:7" */
};

struct rf_config {
    const char *repo; /* relative to the file's folder where it is relative; NULL where not given */
    const char *target;
    const char *schema;
    const char *const *include; /* NULL-terminated; NULL where not given */
    const char *const *exclude;
    const char *const *shadow;  /* globs: shadow tables of virtual tables that are captured */
    const char *const *general; /* the same of a profile */
    unsigned jobs;              /* 0 where not given */
    bool has_progress;
    enum rf_progress_when progress;
    int busy_timeout_ms;        /* -1 where not given */
    const char *sign_key;       /* a path, as repo is one */
    const char *const *trusted; /* paths likewise, NULL-terminated; NULL where not given */
    struct rf_rules rules;
    uint32_t store_count; /* 0 where not given */
    const struct rf_store *stores;
    const char *next;    /* what is to be done after the last trip, for people */
    const char *profile; /* a name, or a path relative as that of repo */
    const char *title;   /* of a profile */
    const char *about;
    struct rf_arena arena; /* of all of the above */
};

/* Every failure is RF_USAGE, but for RF_NO_MEMORY; then the config is empty. */
RF_MUST_USE enum rf_code rf_config_read(const char *path, struct rf_config *config,
                                        struct rf_error *error);
/* The same for text in memory; `path` is for messages. */
RF_MUST_USE enum rf_code rf_config_parse(const char *path, const void *text, size_t size,
                                         struct rf_config *config, struct rf_error *error);
/* The same for a profile. */
RF_MUST_USE enum rf_code rf_config_parse_profile(const char *path, const void *text, size_t size,
                                                 struct rf_config *config, struct rf_error *error);
/* Lays a configuration file over what a profile says. Each setting by itself: the file decides
 * those that it has, but for what the profile excludes, which stays in `general`, and its lists of
 * rules come behind. On failure the config is empty. */
RF_MUST_USE enum rf_code rf_config_parse_over(const char *path, const void *text, size_t size,
                                              struct rf_config *config, struct rf_error *error);
/* The file's bytes, at most RF_CONFIG_BYTES_MAX. `kind` is what messages call it. */
RF_MUST_USE enum rf_code rf_config_load(const char *kind, const char *path, struct rf_buffer *text,
                                        struct rf_error *error);
void rf_config_release(struct rf_config *config); /* twice is fine */

/* The keys of the file and of a profile, and those nested in them (config_reader.h). */
extern const struct rf_config_mapping rf_config_root, rf_config_profile;
/* A file with every setting, commented; as it stands it sets nothing. */
extern const char rf_example_config[];

#endif
