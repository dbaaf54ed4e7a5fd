/* What went wrong, in fixed storage, so that running out of memory can be told too.
 *
 * Whatever can fail returns an enum rf_code and takes a struct rf_error * last. A caller that gets
 * anything but RF_OK passes it up, adding rf_while() lines, or handles it and clears the error.
 * The error has three parts: what happened, the detail (where, which numbers), and a hint (what to do).
 * No function here prints. A struct rf_error belongs to one thread at a time. */
#ifndef RF_FORMAT_ERROR_H
#define RF_FORMAT_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#define RF_MUST_USE __attribute__((warn_unused_result))
#define RF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Kinds of failure a caller, or in the end a script, may want to tell apart. */
enum rf_code {
    RF_OK = 0,
    RF_FAILED,      /* none of the others: the server refused a statement, an inner limit */
    RF_USAGE,       /* options, configuration, a name that does not exist */
    RF_CORRUPT,     /* bytes that are not what they should be: archive, manifest, SQLite page */
    RF_DIFFERENT,   /* repository and target were compared and differ */
    RF_MISPLACED,   /* other source, gap in the chain, newer format, schema does not fit */
    RF_CONNECT,     /* no connection, or not allowed */
    RF_LOCKED,      /* another run holds the lock */
    RF_STORAGE,     /* local files: unreadable, unwritable, full */
    RF_NO_MEMORY,
    RF_INTERRUPTED, /* the stop flag was seen; what was done so far stands */
};

struct rf_error {
    enum rf_code code;
    int sys_errno;    /* of the failed system call, else 0 */
    int sqlite_code;  /* SQLite's extended result code, else 0 */
    char sqlstate[6]; /* of the server's message, else "" */
    char what[512];
    char detail[1024];
    char hint[512];
    unsigned contexts; /* used lines of context; the outermost comes last */
    char context[4][200];
};

void rf_error_clear(struct rf_error *error);

/* Sets code and message, clears the rest, and returns the code: `return rf_fail(error, …);` */
enum rf_code rf_fail(struct rf_error *error, enum rf_code code, const char *format, ...)
    RF_PRINTF(3, 4);

/* The same for a failed system call: strerror(number) is appended. ENOMEM, and what a full or
 * broken disk answers, choose their own code; everything else is RF_STORAGE. */
enum rf_code rf_fail_errno(struct rf_error *error, int number, const char *format, ...)
    RF_PRINTF(3, 4);

enum rf_code rf_fail_memory(struct rf_error *error);

/* Add to an error that is set already. rf_while: "while reading block 3 of …". */
void rf_detail(struct rf_error *error, const char *format, ...) RF_PRINTF(2, 3);
void rf_hint(struct rf_error *error, const char *format, ...) RF_PRINTF(2, 3);
void rf_while(struct rf_error *error, const char *format, ...) RF_PRINTF(2, 3);

#endif
