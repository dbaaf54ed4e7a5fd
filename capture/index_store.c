#include "capture/index_store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "capture/parent_rows.h"

static void index_name(const struct rf_manifest_table *table, char name[RF_ARCHIVE_NAME_SIZE]) {
    memcpy(name, table->state[table->state_count - 1].name, RF_ARCHIVE_NAME_SIZE);
    name[strlen(name) - 1] = 'i'; /* .rfa to .rfi */
}

bool rf_index_wanted(const struct rf_index_least *least, const struct rf_manifest_table *table) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < table->state_count; i++) {
        bytes += table->state[i].size;
    }
    return table->digest.rows >= least->rows || bytes >= least->bytes;
}

enum rf_code rf_index_open(const struct rf_repository *repository,
                           const struct rf_manifest_table *table, struct rf_index_reader **reader,
                           struct rf_error *error) {
    char name[RF_ARCHIVE_NAME_SIZE], path[PATH_MAX];
    *reader = NULL;
    index_name(table, name);
    enum rf_code code = rf_repository_place(repository, "index", name, path, error);
    return code == RF_OK
               ? rf_index_reader_open(rf_repository_io(repository), path, table, reader, error)
               : code;
}

/* ---- making anew ---- */

static enum rf_code put_stretch(struct rf_index_writer *writer, const struct rf_keyed_rows *rows,
                                struct rf_error *error) {
    struct rf_digest digest = {0};
    for (uint32_t i = 0; i < rows->count; i++) {
        rf_digest_add(&digest, rows->hashes[i]);
    }
    struct rf_index_put piece = {.begins = true, .ends = true, .rows = rows, .sum = digest.sum};
    return rf_index_writer_put(writer, &piece, error);
}

static enum rf_code put_state(struct rf_index_writer *writer, struct rf_parent_rows *rows,
                              struct rf_error *error) {
    for (;;) {
        const struct rf_keyed_rows *stretch = NULL;
        enum rf_code code = rf_parent_rows_next(rows, &stretch, error);
        if (code == RF_OK && stretch) {
            code = put_stretch(writer, stretch, error);
        }
        if (code != RF_OK || !stretch) {
            return code;
        }
    }
}

static enum rf_code move_index(struct rf_repository *repository, const char *part, const char *name,
                               struct rf_error *error) {
    char path[PATH_MAX];
    enum rf_code code = rf_repository_place(repository, "index", name, path, error);
    return code == RF_OK ? rf_io_rename(rf_repository_io(repository), part, path, error) : code;
}

enum rf_code rf_index_rebuild(struct rf_repository *repository,
                              const struct rf_manifest_table *table, struct rf_error *error) {
    struct rf_parent_rows *rows = NULL;
    struct rf_index_writer *writer = NULL;
    char part[PATH_MAX], name[RF_ARCHIVE_NAME_SIZE];
    enum rf_code code = rf_parent_rows_from_state(repository, table, false, &rows, error);
    if (code == RF_OK) {
        code = rf_index_writer_new(rf_repository_io(repository), rf_repository_tmp(repository),
                                   &table->table, &writer, error);
    }
    if (code == RF_OK) {
        code = put_state(writer, rows, error);
    }
    if (code == RF_OK) {
        code = rf_index_writer_finish(writer, table->state[table->state_count - 1].digest, part,
                                      error);
        writer = NULL;
    }
    if (code == RF_OK) {
        index_name(table, name);
        code = move_index(repository, part, name, error);
    }
    rf_index_writer_abort(writer);
    rf_parent_rows_close(rows);
    if (code != RF_OK) {
        rf_while(error, "while making the index of table %.120s", table->table.name);
    }
    return code;
}

/* ---- the folder ---- */

struct sweep {
    struct rf_repository *repository;
    const char (*names)[RF_ARCHIVE_NAME_SIZE];
    uint32_t count;
};

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

static enum rf_code sweep_one(void *context, const char *name, struct rf_error *error) {
    struct sweep *sweep = context;
    if (sweep->count > 0 &&
        bsearch(name, sweep->names, sweep->count, sizeof *sweep->names, by_name)) {
        return RF_OK;
    }
    char path[PATH_MAX];
    enum rf_code code = rf_repository_place(sweep->repository, "index", name, path, error);
    return code == RF_OK ? rf_io_unlink(rf_repository_io(sweep->repository), path, error) : code;
}

bool rf_index_sweep(struct rf_repository *repository, const struct rf_manifest *manifest) {
    struct rf_error ignored;
    char folder[PATH_MAX];
    char(*names)[RF_ARCHIVE_NAME_SIZE] = calloc((size_t)manifest->table_count + 1, sizeof *names);
    if (!names || rf_repository_place(repository, "index", NULL, folder, &ignored) != RF_OK) {
        free(names);
        return false;
    }
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        index_name(&manifest->tables[i], names[i]);
    }
    qsort(names, manifest->table_count, sizeof *names, by_name);
    struct sweep sweep = {
        .repository = repository, .names = (const void *)names, .count = manifest->table_count};
    bool done = rf_io_list(folder, sweep_one, &sweep, &ignored) == RF_OK;
    free(names);
    return done;
}

/* ---- pending ones ---- */

static struct rf_index_pending *list_extend(struct rf_index_list *list) {
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 16;
        void *grown = realloc(list->files, capacity * sizeof *list->files);
        if (!grown) {
            return NULL;
        }
        list->files = grown;
        list->capacity = capacity;
    }
    return &list->files[list->count];
}

enum rf_code rf_index_list_finish(struct rf_index_list *list, struct rf_repository *repository,
                                  struct rf_index_writer *writer,
                                  const struct rf_manifest_table *table, struct rf_error *error) {
    char path[PATH_MAX];
    enum rf_code code =
        rf_index_writer_finish(writer, table->state[table->state_count - 1].digest, path, error);
    if (code != RF_OK) {
        return code;
    }
    struct rf_index_pending *file = list_extend(list);
    char *copy = strdup(path);
    if (!file || !copy) {
        struct rf_error ignored;
        (void)!rf_io_unlink(rf_repository_io(repository), path, &ignored);
        free(copy);
        return rf_fail_memory(error);
    }
    file->path = copy;
    index_name(table, file->name);
    list->count++;
    return RF_OK;
}

bool rf_index_list_publish(struct rf_index_list *list, struct rf_repository *repository) {
    struct rf_error ignored;
    bool all = true;
    for (uint32_t i = 0; i < list->count; i++) {
        struct rf_index_pending *file = &list->files[i];
        if (move_index(repository, file->path, file->name, &ignored) == RF_OK) {
            free(file->path);
            file->path = NULL;
        }
        all &= !file->path;
    }
    return all;
}

void rf_index_list_discard(struct rf_index_list *list, struct rf_repository *repository,
                           uint32_t kept) {
    struct rf_error ignored;
    while (list->count > kept) {
        char *path = list->files[--list->count].path;
        if (path) {
            (void)!rf_io_unlink(rf_repository_io(repository), path, &ignored);
            free(path);
        }
    }
}

void rf_index_list_release(struct rf_index_list *list) {
    for (uint32_t i = 0; i < list->count; i++) {
        free(list->files[i].path);
    }
    free(list->files);
    *list = (struct rf_index_list){0};
}
