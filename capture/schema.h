/* What the source is: its settings, objects and sequences, the tables that are captured, and those
 * that are left out with the reason. Shadow tables, in which virtual tables keep their content, are
 * left out unless they are asked for: then they are tables like others. Everything goes into a
 * manifest under construction. */
#ifndef RF_CAPTURE_SCHEMA_H
#define RF_CAPTURE_SCHEMA_H

#include <stdbool.h>

#include "capture/source.h"
#include "format/error.h"
#include "format/manifest.h"

struct rf_selection {
    const char *const *include; /* globs, NULL-terminated; NULL: all */
    const char *const *exclude; /* NULL-terminated; NULL: none */
    const char *const *shadow;  /* likewise: which shadow tables are taken like others */
};

/* Fills path, page_size, encoding, user_version, application_id, auto_vacuum, journal_mode,
 * sqlite_version, time_us, objects, left_out, sequences, and of each table the description. On
 * failure the manifest holds what was read so far, to be released by the caller. */
RF_MUST_USE enum rf_code rf_schema_read(struct rf_source *source,
                                        const struct rf_selection *selection,
                                        struct rf_manifest *manifest, struct rf_error *error);

#endif
