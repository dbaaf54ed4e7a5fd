/* Profiles: what is to become of the tables of one application, for everybody who uses it.
 *
 * A profile is a YAML file with the keys of a configuration file that say what becomes of
 * everything, a title and a text about it. Those that come with rowferry are part of the program,
 * and go by a name; any other goes by its path. A configuration file is laid over a profile, and
 * options over both. */
#ifndef RF_TOOLS_PROFILE_H
#define RF_TOOLS_PROFILE_H

#include <stdbool.h>

#include "format/bytes.h"
#include "format/error.h"

struct rf_config;
struct rf_task;

/* One that comes with rowferry. */
struct rf_profile {
    const char *name;
    const char *text; /* the file */
};
extern const struct rf_profile rf_profiles[]; /* by name, NULL after the last */

/* What is written with a slash, or ends in .yaml or .yml; all else is a name. */
bool rf_profile_is_path(const char *name);
/* The text of one, by name or path. RF_USAGE, with the names that there are, or RF_NO_MEMORY. */
RF_MUST_USE enum rf_code rf_profile_load(const char *name, struct rf_buffer *text,
                                         struct rf_error *error);
/* What it says. On failure, which is of the same kinds, the config is empty. */
RF_MUST_USE enum rf_code rf_profile_read(const char *name, struct rf_config *config,
                                         struct rf_error *error);
/* A configuration file (NULL for none) over the profile called `name` or, where that is NULL, over
 * the one that the file names, if any. */
RF_MUST_USE enum rf_code rf_profile_under(const char *name, const char *file,
                                          struct rf_config *config, struct rf_error *error);

/* Prints what the profile of the task is for, if it has one (profiles.c). */
void rf_profile_tell(struct rf_task *task);

#endif
