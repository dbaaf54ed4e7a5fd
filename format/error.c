/* Filling a struct rf_error. */
#include "format/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void rf_error_clear(struct rf_error *error) {
    memset(error, 0, sizeof *error);
}

RF_PRINTF(3, 0)
static enum rf_code fill(struct rf_error *error, enum rf_code code, const char *format,
                         va_list args) {
    /* Formatted aside first: an argument may be a part of the error that is being replaced. */
    char what[sizeof error->what];
    vsnprintf(what, sizeof what, format, args);
    rf_error_clear(error);
    error->code = code;
    memcpy(error->what, what, sizeof what);
    return code;
}

enum rf_code rf_fail(struct rf_error *error, enum rf_code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(error, code, format, args);
    va_end(args);
    return code;
}

enum rf_code rf_fail_errno(struct rf_error *error, int number, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fill(error, number == ENOMEM ? RF_NO_MEMORY : RF_STORAGE, format, args);
    va_end(args);
    error->sys_errno = number;
    size_t used = strlen(error->what);
    snprintf(error->what + used, sizeof error->what - used, ": %s", strerror(number));
    if (number == ENOSPC || number == EDQUOT) {
        rf_hint(error, "free space there and run the same command again.");
    } else if (number == EACCES || number == EPERM) {
        rf_hint(error, "run as a user who may do this, or change the permissions.");
    } else if (number == EROFS) {
        rf_hint(error, "this place is mounted read-only; use another one.");
    }
    return error->code;
}

enum rf_code rf_fail_memory(struct rf_error *error) {
    rf_error_clear(error);
    error->code = RF_NO_MEMORY;
    memcpy(error->what, "out of memory", sizeof "out of memory");
    return RF_NO_MEMORY;
}

#define FORMAT_INTO(field)                                  \
    do {                                                    \
        va_list args;                                       \
        va_start(args, format);                             \
        char text[sizeof(field)];                           \
        vsnprintf(text, sizeof text, format, args);         \
        va_end(args);                                       \
        memcpy(field, text, sizeof text);                   \
    } while (0)

void rf_detail(struct rf_error *error, const char *format, ...) {
    FORMAT_INTO(error->detail);
}

void rf_hint(struct rf_error *error, const char *format, ...) {
    FORMAT_INTO(error->hint);
}

void rf_while(struct rf_error *error, const char *format, ...) {
    if (error->contexts == sizeof error->context / sizeof error->context[0]) {
        return; /* the innermost lines tell most */
    }
    FORMAT_INTO(error->context[error->contexts]);
    error->contexts++;
}
