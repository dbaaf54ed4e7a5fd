/* rowferry diff: which two snapshots, and which of their tables. */
#include "tools/diff.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/show.h"
#include "tools/snapshot.h"
#include "tools/trust.h"

const char *rf_diff_change_name(enum rf_diff_change change) {
    static const char *const names[] = {[RF_DIFF_SAME] = "none",
                                        [RF_DIFF_ROWS] = "rows",
                                        [RF_DIFF_NEW] = "new",
                                        [RF_DIFF_DROPPED] = "dropped",
                                        [RF_DIFF_RESHAPED] = "reshaped"};
    return names[change];
}

void rf_diff_count(struct rf_diff_counts *counts, enum rf_diff_event event) {
    counts->inserted += event == RF_DIFF_INSERTED;
    counts->updated += event == RF_DIFF_UPDATED;
    counts->deleted += event == RF_DIFF_DELETED;
    counts->moved += event == RF_DIFF_MOVED;
}

/* ---- the ends ---- */

static enum rf_code load_end(const struct rf_repository *repository,
                             const struct rf_snapshot_name *name, struct rf_diff_end *end,
                             struct rf_error *error) {
    end->name = *name;
    return name->number == 0 ? RF_OK : rf_repository_load(repository, name, &end->manifest, error);
}

/* As everywhere else, and 0 for the empty database before the first snapshot. */
static enum rf_code resolve(struct rf_diff *diff, const char *word, struct rf_snapshot_name *name,
                            struct rf_error *error) {
    *name = (struct rf_snapshot_name){0};
    return strcmp(word, "0") == 0
               ? RF_OK
               : rf_snapshot_resolve(diff->task, diff->repository, word, name, error);
}

static enum rf_code parent_of(const struct rf_diff_end *to, const struct rf_repository *repository,
                              struct rf_snapshot_name *name, struct rf_error *error) {
    *name = (struct rf_snapshot_name){0};
    uint64_t parent = to->manifest.parent;
    const struct rf_snapshot_name *found = parent ? rf_repository_find(repository, parent) : NULL;
    if (parent == 0) {
        return RF_OK;
    }
    if (!found) {
        rf_fail(error, RF_MISPLACED,
                "snapshot %" PRIu64 ", the parent of %" PRIu64 ", is not in the repository", parent,
                to->name.number);
        rf_hint(error, "name the snapshot to compare with; rowferry log lists them.");
        return RF_MISPLACED;
    }
    *name = *found;
    return RF_OK;
}

static enum rf_code find_ends(struct rf_diff *diff, struct rf_error *error) {
    const struct rf_task *task = diff->task;
    const char *word = task->second_operand ? task->second_operand : "latest";
    struct rf_snapshot_name name;
    enum rf_code code = resolve(diff, word, &name, error);
    if (code == RF_OK) {
        code = load_end(diff->repository, &name, &diff->to, error);
    }
    if (code == RF_OK) {
        code = task->operand ? resolve(diff, task->operand, &name, error)
                             : parent_of(&diff->to, diff->repository, &name, error);
    }
    return code == RF_OK ? load_end(diff->repository, &name, &diff->from, error) : code;
}

/* ---- the tables ---- */

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Rows alike may still have other rowids; that their archives are the same says that they have
 * not. */
static bool same_archives(const struct rf_manifest_table *a, const struct rf_manifest_table *b) {
    bool same = a->state_count == b->state_count;
    for (uint32_t i = 0; same && i < a->state_count; i++) {
        same = rf_hash_equal(a->state[i].digest, b->state[i].digest);
    }
    return same;
}

static enum rf_diff_change change_of(const struct rf_manifest_table *before,
                                     const struct rf_manifest_table *after) {
    return !before                                              ? RF_DIFF_NEW
           : !after                                             ? RF_DIFF_DROPPED
           : !rf_table_same_rows(&before->table, &after->table) ? RF_DIFF_RESHAPED
           : same_archives(before, after)                       ? RF_DIFF_SAME
                                                                : RF_DIFF_ROWS;
}

static void add_table(struct rf_diff *diff, const struct rf_manifest_table *before,
                      const struct rf_manifest_table *after) {
    assert(before || after);
    const char *name = (after ? after : before)->table.name;
    if (rf_show_wanted(diff->task->settings, name)) {
        diff->tables[diff->table_count++] = (struct rf_diff_table){
            .name = name,
            .before = before,
            .after = after,
            .change = change_of(before, after),
            .remade = !before || !after || !same_text(before->table.sql, after->table.sql),
        };
    }
}

/* Both manifests have their tables in the order of their names. */
static enum rf_code list_tables(struct rf_diff *diff, struct rf_error *error) {
    const struct rf_manifest *from = &diff->from.manifest;
    const struct rf_manifest *to = &diff->to.manifest;
    diff->tables = calloc((size_t)from->table_count + to->table_count + 1, sizeof *diff->tables);
    if (!diff->tables) {
        return rf_fail_memory(error);
    }
    uint32_t i = 0, j = 0;
    while (i < from->table_count || j < to->table_count) {
        int order = i == from->table_count ? 1
                    : j == to->table_count
                        ? -1
                        : strcmp(from->tables[i].table.name, to->tables[j].table.name);
        add_table(diff, order <= 0 ? &from->tables[i] : NULL, order >= 0 ? &to->tables[j] : NULL);
        i += order <= 0;
        j += order >= 0;
    }
    return RF_OK;
}

/* ---- what scripts begin with ---- */

/* Line feeds in names must not end a comment. */
void rf_diff_comment(struct rf_output *output, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int size = vasprintf(&text, format, args);
    va_end(args);
    rf_output_printf(output, "-- ");
    if (size >= 0) {
        rf_output_name(output, text);
        free(text);
    }
    rf_output_printf(output, "\n");
}

static void describe(const struct rf_diff_end *end, char text[80]) {
    char digest[RF_HASH_HEX];
    if (end->name.number == 0) {
        snprintf(text, 80, "the empty database");
    } else {
        snprintf(text, 80, "snapshot %" PRIu64 " (%.12s)", end->name.number,
                 rf_hash_text(end->name.digest, digest));
    }
}

void rf_diff_title(const struct rf_diff *diff) {
    char from[80], to[80];
    const char *path = diff->to.manifest.path ? diff->to.manifest.path : diff->from.manifest.path;
    describe(&diff->from, from);
    describe(&diff->to, to);
    rf_diff_comment(diff->task->output, "%s: from %s to %s", path ? path : "", from, to);
}

/* ---- the command ---- */

static enum rf_code run(struct rf_diff *diff, struct rf_error *error) {
    enum rf_code code = find_ends(diff, error);
    if (code == RF_OK) {
        code =
            rf_schema_changes_find(&diff->from.manifest, &diff->to.manifest, &diff->schema, error);
    }
    if (code == RF_OK) {
        code = list_tables(diff, error);
    }
    if (code == RF_OK && diff->from.name.number > 0 && diff->to.name.number > 0) {
        code = rf_between_load(diff->repository, &diff->from.name, &diff->to.name, &diff->between,
                               error);
    }
    if (code != RF_OK) {
        return code;
    }
    const struct rf_settings *settings = diff->task->settings;
    return settings->sqlite ? rf_diff_sqlite(diff, error)
           : settings->sql  ? rf_diff_postgres(diff, error)
                            : rf_diff_tell(diff, error);
}

enum rf_code rf_command_diff(struct rf_task *task, struct rf_error *error) {
    struct rf_diff diff = {.task = task};
    enum rf_code code = rf_trust_open(task, RF_REPOSITORY_READ, &diff.repository, error);
    if (code == RF_OK) {
        code = run(&diff, error);
    }
    free(diff.tables);
    rf_between_free(diff.between);
    rf_schema_changes_release(&diff.schema);
    rf_manifest_release(&diff.from.manifest);
    rf_manifest_release(&diff.to.manifest);
    rf_repository_close(diff.repository);
    return code;
}
