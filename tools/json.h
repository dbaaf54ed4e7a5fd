/* JSON lines: one object a line on standard output (RFC 8259, UTF-8).
 *
 * A name or text that is not valid UTF-8 cannot stand in JSON. It is written with each bad byte as
 * \xHH and each of its backslashes doubled, and a second member, MEMBER_hex, beside it has all of
 * its bytes as hexadecimal digits, so that nothing is lost and nothing is ambiguous.
 * Counts above 2^63 - 1, which no real database has, are written as that.
 *
 * An object is built sticky: what fails for want of memory shows when it is printed. */
#ifndef RF_TOOLS_JSON_H
#define RF_TOOLS_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/error.h"
#include "format/hash.h"
#include "tools/output.h"

struct rf_json {
    json_t *object;
    bool failed;
};

/* An object whose first member is "type", or an empty one where `type` is NULL. */
struct rf_json rf_json_begin(const char *type);
void rf_json_release(struct rf_json *json); /* twice is fine */

void rf_json_text(struct rf_json *json, const char *member, const char *text); /* NULL: null */
void rf_json_count(struct rf_json *json, const char *member, uint64_t count);
/* null where `count` is 0: numbers of snapshots begin at 1. */
void rf_json_snapshot(struct rf_json *json, const char *member, uint64_t count);
void rf_json_integer(struct rf_json *json, const char *member, int64_t integer);
void rf_json_bool(struct rf_json *json, const char *member, bool answer);
void rf_json_seconds(struct rf_json *json, const char *member, double seconds);
void rf_json_hash(struct rf_json *json, const char *member, struct rf_hash hash);
/* Moves the child into the parent, which fails where the child did. */
void rf_json_put(struct rf_json *json, const char *member, struct rf_json *child);
/* Moves all members of the other object to the end of this one. */
void rf_json_join(struct rf_json *json, struct rf_json *other);
/* {"what":…,"detail":…,"hint":…}, and "sqlstate" where the server gave one; absent parts are "". */
struct rf_json rf_json_error(const struct rf_error *error);

/* An array is an rf_json as well; only these take it, beside rf_json_put, as the child. */
struct rf_json rf_json_array(void);
void rf_json_append(struct rf_json *array, struct rf_json *child);
/* A text that is not valid UTF-8 is escaped as said above, and stands for itself. */
void rf_json_append_text(struct rf_json *array, const char *text);

/* Prints the object as one line, at once, and releases it. */
void rf_json_print(struct rf_json *json, struct rf_output *output);

#endif
