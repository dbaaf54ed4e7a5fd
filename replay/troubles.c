#include "replay/troubles.h"

#include <stdio.h>
#include <string.h>

#include "replay/quote.h"

void rf_trouble(struct rf_troubles *troubles, const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    rf_make_sayable(line);
    struct rf_trouble *trouble = rf_arena_take(troubles->arena, 1, sizeof *trouble);
    if (!trouble) {
        return;
    }
    trouble->line = rf_arena_copy(troubles->arena, line);
    *(troubles->last ? &troubles->last->next : &troubles->first) = trouble;
    troubles->last = trouble;
    troubles->count++;
}

#define ROOM_FOR_THE_REST 40u

enum rf_code rf_troubles_fail(const struct rf_troubles *troubles, struct rf_run *run,
                              enum rf_code code, const char *what, const char *hint,
                              struct rf_error *error) {
    if (troubles->arena->failed) {
        return rf_fail_memory(error);
    }
    if (troubles->count == 0) {
        return RF_OK;
    }
    rf_fail(error, code, "%s", what);
    rf_hint(error, "%s", hint);
    size_t used = 0, room = sizeof error->detail - ROOM_FOR_THE_REST;
    const struct rf_trouble *at = troubles->first;
    uint32_t told = 0;
    for (; at && used + strlen(at->line) + 2 < room; at = at->next) {
        used += (size_t)snprintf(error->detail + used, sizeof error->detail - used, "%s%s",
                                 told++ > 0 ? "; " : "", at->line);
    }
    if (at) {
        snprintf(error->detail + used, sizeof error->detail - used, "%s%u more, told above",
                 told > 0 ? "; and " : "", troubles->count - told);
    }
    for (; at; at = at->next) {
        rf_run_warn(run, "%s", at->line);
    }
    return code;
}
