/* Proving a repository from its own bytes; see check.h for what that means. */
#include "format/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/check_inner.h"
#include "format/repository_inner.h"

void rf_check_report(struct rf_check_run *check, const char *file, int64_t block,
                     const struct rf_error *error) {
    check->result->damages++;
    struct rf_damage damage = {.file = file, .block = block, .error = error};
    if (check->options->damage) {
        check->options->damage(check->options->context, &damage);
    }
}

void rf_check_advance(struct rf_check_run *check, uint64_t bytes) {
    uint64_t left = check->bytes_total - check->bytes_shown;
    check->bytes_shown += bytes < left ? bytes : left; /* what is damaged is read twice */
    if (check->options->progress) {
        check->options->progress(check->options->context, check->bytes_shown, check->bytes_total);
    }
}

void rf_check_wrong_digest(const struct rf_manifest_table *table, const struct rf_digest *found,
                           struct rf_error *error) {
    const struct rf_digest *expected = &table->digest;
    char left[RF_HASH_HEX], right[RF_HASH_HEX];
    rf_fail(error, RF_CORRUPT, "the rows of table %.200s do not make its digest",
            table->table.name);
    rf_detail(error, "the manifest says %llu rows, %s; the archives make %llu rows, %s",
              (unsigned long long)expected->rows, rf_hash_text(expected->sum, left),
              (unsigned long long)found->rows, rf_hash_text(found->sum, right));
}

/* parent - gone + rows = child, in digest and in counts. */
static void check_delta_sums(struct rf_check_run *check, const char *file,
                             const struct rf_manifest_table *before,
                             const struct rf_manifest_table *table,
                             const struct rf_check_sums *sums) {
    struct rf_digest sum = before->digest;
    rf_digest_part(&sum, &sums->gone);
    rf_digest_join(&sum, &sums->rows);
    if (!rf_digest_equal(&sum, &table->digest)) {
        struct rf_error error = {0};
        rf_check_wrong_digest(table, &sum, &error);
        rf_check_report(check, file, -1, &error);
    }
    if (table->inserted + table->updated != sums->rows.rows ||
        table->deleted + table->updated != sums->gone.rows) {
        struct rf_error error = {0};
        rf_fail(&error, RF_CORRUPT, "the counts of table %.200s do not fit its delta",
                table->table.name);
        rf_check_report(check, file, -1, &error);
    }
}

static void check_history(struct rf_check_run *check, const char *file,
                          const struct rf_manifest_table *before,
                          const struct rf_manifest_table *table) {
    struct rf_error error = {0};
    bool kept = before && rf_digest_equal(&before->digest, &table->digest);
    if (table->change == RF_CHANGE_NONE && !kept) {
        rf_fail(&error, RF_CORRUPT, "table %.200s is said to be unchanged and is not",
                table->table.name);
        rf_check_report(check, file, -1, &error);
    }
    if (table->change == RF_CHANGE_DELTA && !before) {
        rf_fail(&error, RF_CORRUPT, "table %.200s has a delta upon nothing", table->table.name);
        rf_check_report(check, file, -1, &error);
    }
}

static void broken_chain(struct rf_check_run *check, const char *file,
                         const struct rf_manifest_table *table, const char *archive) {
    struct rf_error error = {0};
    rf_fail(&error, RF_CORRUPT, "the archives of table %.200s do not lead to its rows",
            table->table.name);
    rf_detail(&error, "%s begins from other rows, or ends at others", archive);
    rf_check_report(check, file, -1, &error);
}

/* Each archive of the state begins with the rows that the one before it makes, and the last makes the table's. */
static enum rf_code check_chain(struct rf_check_run *check, const char *file,
                                const struct rf_manifest_table *table, struct rf_error *error) {
    struct rf_digest reached = {0};
    bool whole = true;
    for (uint32_t i = 0; i < table->state_count; i++) {
        struct rf_check_archive found;
        enum rf_code code = rf_check_archive(check, &table->state[i], &found, error);
        if (code != RF_OK) {
            return code;
        }
        whole &= found.whole;
        bool last = i + 1 == table->state_count;
        if (whole && (!rf_digest_equal(&reached, &found.before) ||
                      (last && !rf_digest_equal(&table->digest, &found.after)))) {
            broken_chain(check, file, table, table->state[i].name);
            return RF_OK;
        }
        reached = found.after;
    }
    return RF_OK;
}

static enum rf_code check_table(struct rf_check_run *check, const char *file,
                                const struct rf_manifest_table *before,
                                const struct rf_manifest_table *table, bool has_parent,
                                struct rf_error *error) {
    struct rf_check_archive delta;
    enum rf_code code = RF_OK;
    if (has_parent) {
        check_history(check, file, before, table);
    }
    if (table->change == RF_CHANGE_DELTA) {
        code = rf_check_archive(check, &table->delta, &delta, error);
        if (code == RF_OK && delta.whole && before) {
            check_delta_sums(check, file, before, table, &delta.sums);
        }
    }
    return code == RF_OK ? check_chain(check, file, table, error) : code;
}

static void missing_snapshot(struct rf_check_run *check, uint64_t number, struct rf_hash digest) {
    struct rf_snapshot_name name = {.number = number, .digest = digest};
    char manifest[RF_MANIFEST_NAME_SIZE];
    char file[RF_MANIFEST_NAME_SIZE + 16];
    struct rf_error error = {0};
    rf_manifest_file_name(&name, manifest);
    snprintf(file, sizeof file, "snapshots/%s", manifest);
    rf_fail(&error, RF_CORRUPT, "the manifest of snapshot %llu is missing",
            (unsigned long long)number);
    rf_hint(&error, "copy this file from the repository that it was captured into.");
    rf_check_report(check, file, -1, &error);
}

/* The link to the snapshot before; true where that one's manifest can be reckoned with. */
static bool check_link(struct rf_check_run *check, const char *file,
                       const struct rf_manifest *before, const struct rf_snapshot_name *before_name,
                       const struct rf_manifest *manifest) {
    if (manifest->parent == 0) {
        return false;
    }
    if (!before_name || before_name->number != manifest->parent) {
        missing_snapshot(check, manifest->parent, manifest->parent_digest);
        return false;
    }
    if (!rf_hash_equal(before_name->digest, manifest->parent_digest)) {
        struct rf_error error = {0};
        rf_fail(&error, RF_CORRUPT,
                "snapshot %llu does not continue the snapshot %llu that is here",
                (unsigned long long)manifest->snapshot, (unsigned long long)manifest->parent);
        rf_check_report(check, file, -1, &error);
        return false;
    }
    return before->snapshot != 0;
}

/* A prune that was cut off leaves snapshots that folds pass over already: then the parent is another than the
 * snapshot before. One that cannot be read was told in its turn. */
static enum rf_code find_parent(const struct rf_check_run *check,
                                const struct rf_manifest *manifest,
                                const struct rf_snapshot_name **before_name,
                                struct rf_manifest *before, struct rf_error *error) {
    const struct rf_snapshot_name *parent = rf_repository_find(check->repository, manifest->parent);
    if (!parent || (*before_name && (*before_name)->number == parent->number)) {
        return RF_OK;
    }
    rf_manifest_release(before);
    *before_name = parent;
    enum rf_code code = rf_repository_load(check->repository, parent, before, error);
    return rf_check_is_finding(code) ? RF_OK : code;
}

static enum rf_code check_snapshot(struct rf_check_run *check, const struct rf_snapshot_name *name,
                                   const struct rf_snapshot_name *before_name,
                                   struct rf_manifest *before, struct rf_error *error) {
    char manifest_name[RF_MANIFEST_NAME_SIZE];
    char file[RF_MANIFEST_NAME_SIZE + 16];
    rf_manifest_file_name(name, manifest_name);
    snprintf(file, sizeof file, "snapshots/%s", manifest_name);
    struct rf_manifest manifest;
    check->result->snapshots++;
    enum rf_code code = rf_repository_load(check->repository, name, &manifest, error);
    if (rf_check_is_finding(code)) {
        rf_check_report(check, file, -1, error);
        rf_manifest_release(before);
        return RF_OK;
    }
    if (code != RF_OK) {
        return code;
    }
    check->result->signed_snapshots += manifest.signature.is_signed;
    code = find_parent(check, &manifest, &before_name, before, error);
    bool has_parent = code == RF_OK && check_link(check, file, before, before_name, &manifest);
    for (uint32_t i = 0; code == RF_OK && i < manifest.table_count; i++) {
        const struct rf_manifest_table *table = &manifest.tables[i];
        const struct rf_manifest_table *old =
            has_parent ? rf_manifest_find(before, table->table.name) : NULL;
        code = check_table(check, file, old, table, has_parent, error);
    }
    rf_manifest_release(before);
    *before = manifest;
    return code;
}

static enum rf_code check_snapshots(struct rf_check_run *check, struct rf_error *error) {
    const struct rf_snapshot_name *before_name = NULL;
    struct rf_manifest before = {0};
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < rf_repository_count(check->repository); i++) {
        const struct rf_snapshot_name *name = rf_repository_snapshot(check->repository, i);
        code = check_snapshot(check, name, before_name, &before, error);
        before_name = name;
    }
    rf_manifest_release(&before);
    return code;
}

/* A manifest that cannot be read is told in its turn. */
static enum rf_code check_newest(struct rf_check_run *check, unsigned threads,
                                 struct rf_error *error) {
    const struct rf_snapshot_name *name = rf_repository_newest(check->repository);
    struct rf_manifest newest = {0};
    enum rf_code code = name ? rf_repository_load(check->repository, name, &newest, error) : RF_OK;
    if (rf_check_is_finding(code)) {
        return RF_OK;
    }
    if (code == RF_OK) {
        code = rf_check_newest(check, &newest, threads, error);
    }
    rf_manifest_release(&newest);
    return code;
}

static void tell_later(struct rf_check_run *check) {
    for (uint32_t i = 0; i < check->later_count; i++) {
        rf_check_report(check, check->later[i].file, -1, &check->later[i].error);
    }
}

enum rf_code rf_check(struct rf_repository *repository, const struct rf_check_options *options,
                      struct rf_check_result *result, struct rf_error *error) {
    *result = (struct rf_check_result){0};
    struct rf_repository reader = *repository;
    reader.proves_itself = true; /* in the same pass as everything else */
    struct rf_check_run check = {
        .repository = &reader, .trusting = repository->trust, .options = options, .result = result};
    unsigned threads = options->jobs > 1 ? options->jobs : 1;
    check.bytes_total = rf_repository_bytes(repository);
    enum rf_code code = check_newest(&check, threads, error);
    if (code == RF_OK) {
        code = rf_check_blocks_new(threads, &check.blocks, error);
    }
    if (code == RF_OK) {
        code = check_snapshots(&check, error);
    }
    if (code == RF_OK) {
        tell_later(&check);
    }
    rf_check_blocks_free(check.blocks);
    rf_check_seen_release(&check.seen);
    rf_check_seen_release(&check.decoded);
    free(check.later);
    return code;
}
