#include "capture/look.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "capture/schema.h"
#include "capture/source.h"
#include "capture/standing.h"

static int64_t microseconds_of(const struct timespec *time) {
    return (int64_t)time->tv_sec * 1000000 + time->tv_nsec / 1000;
}

/* An empty -wal is what a reader leaves. */
static int64_t last_written(const char *database, const struct stat *file) {
    char path[PATH_MAX];
    struct stat wal;
    int64_t written = microseconds_of(&file->st_mtim);
    if (snprintf(path, sizeof path, "%s-wal", database) < (int)sizeof path &&
        stat(path, &wal) == 0 && wal.st_size > 0 && microseconds_of(&wal.st_mtim) > written) {
        written = microseconds_of(&wal.st_mtim);
    }
    return written;
}

static enum rf_code ask_standing(const struct rf_repository *repository,
                                 const struct rf_source_look_options *options,
                                 const struct rf_snapshot_name *newest, bool *stands,
                                 struct rf_error *error) {
    const struct rf_source_options opening = {.database = options->database,
                                              .busy_timeout_ms = options->busy_timeout_ms,
                                              .stop = options->stop};
    const struct rf_selection selection = {options->include, options->exclude, options->shadow};
    struct rf_standing standing = {0};
    struct rf_source *source = NULL;
    enum rf_code code = rf_source_open(&opening, &source, error);
    if (code == RF_OK) {
        rf_standing_take(source, &standing);
        *stands = rf_standing_is_of(&standing, repository, &selection, newest);
    } else if (code != RF_NO_MEMORY && code != RF_INTERRUPTED) {
        rf_error_clear(error); /* locked, or no database: nothing is known */
        code = RF_OK;
    }
    rf_standing_release(&standing);
    rf_source_close(source);
    return code;
}

enum rf_code rf_source_look(const struct rf_repository *repository,
                            const struct rf_source_look_options *options,
                            const struct rf_snapshot_name *newest, int64_t time_us,
                            struct rf_source_look *look, struct rf_error *error) {
    struct stat file;
    bool stands = false;
    *look = (struct rf_source_look){.since = RF_SINCE_UNKNOWN};
    look->here = stat(options->database, &file) == 0 && S_ISREG(file.st_mode);
    if (!look->here) {
        return RF_OK;
    }
    look->written_us = last_written(options->database, &file);
    if (!newest) {
        return RF_OK;
    }
    enum rf_code code = ask_standing(repository, options, newest, &stands, error);
    if (stands) {
        look->since = RF_SINCE_STANDS;
    } else if (look->written_us > time_us) {
        look->since = RF_SINCE_WRITTEN;
    }
    return code;
}
