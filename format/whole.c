#include "format/whole.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "format/repository_inner.h"

#define COPY_HINT                                                                    \
    "copy the repository again from the host that captured it: that brings what is " \
    "missing; while it is being copied or pruned just now, run this again."

/* ---- looking ---- */

static void miss(struct rf_whole *whole, const char *folder, const char *file) {
    whole->missing++;
    if (whole->named < RF_WHOLE_NAMED) {
        snprintf(whole->names[whole->named++], RF_WHOLE_FILE, "%s/%s", folder, file);
    }
}

static enum rf_code look_for(const struct rf_repository *repository,
                             const struct rf_archive_ref *ref, struct rf_whole *whole,
                             struct rf_error *error) {
    char path[PATH_MAX];
    struct stat status;
    enum rf_code code = rf_repository_place(repository, "archives", ref->name, path, error);
    if (code != RF_OK) {
        return code;
    }
    whole->files++;
    if (stat(path, &status) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) {
            return rf_fail_errno(error, errno, "cannot look at %s", path);
        }
        miss(whole, "archives", ref->name);
    } else if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != ref->size) {
        miss(whole, "archives", ref->name);
    }
    return RF_OK;
}

/* The delta is the last archive of the state as a rule. */
static bool delta_stands_alone(const struct rf_manifest_table *table) {
    return table->change == RF_CHANGE_DELTA &&
           strcmp(table->delta.name, table->state[table->state_count - 1].name) != 0;
}

enum rf_code rf_whole_of(const struct rf_repository *repository,
                         const struct rf_snapshot_name *name, const struct rf_manifest *manifest,
                         struct rf_whole *whole, struct rf_error *error) {
    *whole = (struct rf_whole){.name = *name, .has_manifest = true, .files = 1};
    enum rf_code code = RF_OK;
    for (uint32_t t = 0; code == RF_OK && t < manifest->table_count; t++) {
        const struct rf_manifest_table *table = &manifest->tables[t];
        for (uint32_t i = 0; code == RF_OK && i < table->state_count; i++) {
            code = look_for(repository, &table->state[i], whole, error);
        }
        if (code == RF_OK && delta_stands_alone(table)) {
            code = look_for(repository, &table->delta, whole, error);
        }
    }
    return code;
}

enum rf_code rf_whole_look(const struct rf_repository *repository,
                           const struct rf_snapshot_name *name, struct rf_whole *whole,
                           struct rf_error *error) {
    struct rf_manifest manifest;
    char file[RF_FOLD_NAME_SIZE];
    enum rf_code code = rf_repository_load(repository, name, &manifest, error);
    if (code == RF_OK) {
        code = rf_whole_of(repository, name, &manifest, whole, error);
        rf_manifest_release(&manifest);
    } else if (code == RF_CORRUPT && rf_repository_is_cut(repository, name, file)) {
        *whole = (struct rf_whole){.name = *name, .files = 1};
        miss(whole, "snapshots", file);
        rf_error_clear(error);
        code = RF_OK;
    }
    return code;
}

enum rf_code rf_whole_newest(const struct rf_repository *repository, struct rf_snapshot_name *name,
                             struct rf_whole *newest, uint32_t *in_part, struct rf_error *error) {
    uint32_t count = rf_repository_count(repository);
    *name = (struct rf_snapshot_name){0};
    *newest = (struct rf_whole){0};
    for (*in_part = 0; *in_part < count; (*in_part)++) {
        struct rf_whole older;
        struct rf_whole *whole = *in_part == 0 ? newest : &older;
        const struct rf_snapshot_name *at =
            rf_repository_snapshot(repository, count - 1 - *in_part);
        enum rf_code code = rf_whole_look(repository, at, whole, error);
        if (code != RF_OK) {
            return code;
        }
        if (whole->missing == 0) {
            *name = *at;
            return RF_OK;
        }
    }
    return RF_OK;
}

/* ---- telling ---- */

void rf_whole_what(const struct rf_whole *whole, char text[RF_WHOLE_TEXT]) {
    unsigned long long number = (unsigned long long)whole->name.number;
    if (!whole->has_manifest) {
        snprintf(text, RF_WHOLE_TEXT, "snapshot %llu came in part: its manifest is cut short",
                 number);
    } else {
        snprintf(text, RF_WHOLE_TEXT,
                 "snapshot %llu came in part: of its %u files %u %s missing or cut short", number,
                 whole->files, whole->missing, whole->missing == 1 ? "is" : "are");
    }
}

void rf_whole_names(const struct rf_whole *whole, char text[RF_WHOLE_TEXT]) {
    size_t size = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < whole->named; i++) {
        size += (size_t)snprintf(text + size, RF_WHOLE_TEXT - size, "%s%s", i > 0 ? ", " : "",
                                 whole->names[i]);
    }
    if (whole->missing > whole->named) {
        snprintf(text + size, RF_WHOLE_TEXT - size, " and %u more", whole->missing - whole->named);
    }
}

enum rf_code rf_whole_refuse(const struct rf_repository *repository, const struct rf_whole *whole,
                             struct rf_error *error) {
    char what[RF_WHOLE_TEXT], names[RF_WHOLE_TEXT];
    rf_whole_what(whole, what);
    rf_whole_names(whole, names);
    rf_fail(error, RF_CORRUPT, "%.300s", what);
    rf_detail(error, "%s, in %.300s", names, rf_repository_path(repository));
    rf_hint(error, COPY_HINT);
    return RF_CORRUPT;
}

static enum rf_code any(void *context, const char *name, struct rf_error *error) {
    (void)name;
    (void)error;
    bool *found = context;
    *found = true;
    return RF_OK;
}

/* A folder that is not there has nothing in it. */
static enum rf_code has_files(const struct rf_repository *repository, const char *folder,
                              bool *found, struct rf_error *error) {
    char path[PATH_MAX];
    struct stat status;
    *found = false;
    enum rf_code code = rf_repository_place(repository, folder, NULL, path, error);
    if (code != RF_OK || stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        return code;
    }
    return rf_io_list(path, any, found, error);
}

enum rf_code rf_whole_headless(const struct rf_repository *repository, struct rf_error *error) {
    bool archives = false, under_way = false;
    enum rf_code code = has_files(repository, "archives", &archives, error);
    if (code == RF_OK) {
        code = has_files(repository, "tmp", &under_way, error);
    }
    if (code != RF_OK || !archives || under_way) { /* a first capture may be under way */
        return code;
    }
    rf_fail(error, RF_CORRUPT,
            "the repository %.300s came in part: it has archives and no manifest",
            rf_repository_path(repository));
    rf_hint(error, COPY_HINT);
    return RF_CORRUPT;
}

enum rf_code rf_whole_nameless(const struct rf_repository *repository, struct rf_error *error) {
    bool archives = false, snapshots = false;
    enum rf_code code = has_files(repository, "archives", &archives, error);
    if (code == RF_OK) {
        code = has_files(repository, "snapshots", &snapshots, error);
    }
    if (code != RF_OK || (!archives && !snapshots)) {
        return code;
    }
    rf_fail(error, RF_CORRUPT,
            "the repository %.300s came in part: its file \"repository\" is missing",
            rf_repository_path(repository));
    rf_hint(error, COPY_HINT);
    return RF_CORRUPT;
}
