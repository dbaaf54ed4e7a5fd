/* A file of others in YAML, event by event: what is wanted is read, what is not is passed over
 * without being kept. Nesting is bounded and aliases are never followed, so that no file can make
 * more of itself than it is.
 *
 * Plain scalars mean what YAML 1.1 and Python make of them, since that is who else reads the file.
 * What fails says so with path, line and column; a value is never repeated. */
#ifndef RF_TOOLS_YAML_EVENTS_H
#define RF_TOOLS_YAML_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <yaml.h>

#include "format/error.h"

struct rf_yaml {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    const char *path;
    const uint8_t *text;
    unsigned depth, depth_max;
    struct rf_error *error;
};

/* Text and path are borrowed. rf_yaml_close is due whatever rf_yaml_open answered. */
RF_MUST_USE enum rf_code rf_yaml_open(struct rf_yaml *yaml, const char *path, const void *text,
                                      size_t size, unsigned depth_max, struct rf_error *error);
void rf_yaml_close(struct rf_yaml *yaml);

/* To the first event of the one document; *empty where there is none, or nothing in it. */
RF_MUST_USE enum rf_code rf_yaml_begin(struct rf_yaml *yaml, bool *empty);
/* After the document's last event: there must not be another one. */
RF_MUST_USE enum rf_code rf_yaml_end(struct rf_yaml *yaml);

RF_MUST_USE enum rf_code rf_yaml_next(struct rf_yaml *yaml);
/* From the first event of a node, which is the current one, to its last. */
RF_MUST_USE enum rf_code rf_yaml_skip(struct rf_yaml *yaml);

enum rf_yaml_kind {
    RF_YAML_NULL,
    RF_YAML_TRUTH,
    RF_YAML_WHOLE, /* a whole number in decimal digits, which is what it looks like */
    RF_YAML_OTHER_NUMBER,
    RF_YAML_TEXT,
    RF_YAML_LIST,
    RF_YAML_MAPPING,
    RF_YAML_ALIAS,
    RF_YAML_TAGGED, /* with a tag of which nobody knows what it means */
};
/* Of the node whose first event is the current one. */
enum rf_yaml_kind rf_yaml_kind(const struct rf_yaml *yaml);
const char *rf_yaml_kind_name(enum rf_yaml_kind kind); /* "a list" */
bool rf_yaml_is_true(const struct rf_yaml *yaml);      /* of a truth */
/* Of a scalar; NULL where it has a NUL in it. */
const char *rf_yaml_text(const struct rf_yaml *yaml);

/* RF_USAGE at the current event. */
enum rf_code rf_yaml_fail(struct rf_yaml *yaml, const char *format, ...) RF_PRINTF(2, 3);

#endif
