/* Specs: the lines by which users and the ledger name conversions. */
#include <string.h>

#include "replay/conversion_inner.h"

static const struct rf_conversion *const plain[] = {
    &rf_as_bigint,         &rf_as_double, &rf_as_boolean,       &rf_as_bytea,
    &rf_as_bytea_from_any, &rf_as_text,   &rf_as_text_from_any, &rf_as_text_from_any_apart,
    &rf_as_numeric,
};

enum rf_code rf_conversion_read(const char *spec, struct rf_arena *arena,
                                const struct rf_conversion **conversion, struct rf_error *error) {
    (void)arena;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(plain[i]->name, spec) == 0) {
            *conversion = plain[i];
            return RF_OK;
        }
    }
    rf_fail(error, RF_USAGE, "no type called \"%s\"", spec);
    rf_hint(error, "there are bigint, double precision, boolean, bytea, bytea from any, text, "
                   "text from any, numeric.");
    return RF_USAGE;
}
