/* Proving a repository from its own bytes; see check.h for what that means. */
#include "format/check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/repository_inner.h"
#include "format/state.h"

struct check {
    struct rf_repository *repository;
    const struct rf_check_options *options;
    struct rf_check_result *result;
    uint64_t bytes_total;
    struct rf_codec *codec;
    struct rf_rows rows;
    struct rf_buffer cells;
};

/* What the rows of one archive add up to. */
struct sums {
    struct rf_digest rows, gone;
};

static void report(struct check *check, const char *file, int64_t block,
                   const struct rf_error *error) {
    check->result->damages++;
    struct rf_damage damage = {.file = file, .block = block, .error = error};
    if (check->options->damage) {
        check->options->damage(check->options->context, &damage);
    }
}

static bool stopped(const struct check *check) {
    return atomic_load(check->options->stop) != 0;
}

static void advance(struct check *check, uint64_t bytes) {
    check->result->bytes += bytes;
    if (check->options->progress) {
        check->options->progress(check->options->context, check->result->bytes,
                                 check->bytes_total);
    }
}

/* Errors that say something about the machine rather than about the repository end the run. */
static bool is_finding(enum rf_code code) {
    return code == RF_CORRUPT || code == RF_MISPLACED || code == RF_STORAGE;
}

#define HASHES_AT_ONCE 256u

static enum rf_code sum_rows(struct check *check, const struct rf_rows *rows, uint32_t first,
                             uint32_t count, struct rf_digest *sum, struct rf_error *error) {
    struct rf_hash hashes[HASHES_AT_ONCE];
    for (uint32_t done = 0, some; done < count; done += some) {
        some = count - done < HASHES_AT_ONCE ? count - done : HASHES_AT_ONCE;
        enum rf_code code = rf_rows_hash(rows, first + done, some, &check->cells, hashes, error);
        if (code != RF_OK) {
            return code;
        }
        rf_digest_add_rows(sum, hashes, some);
    }
    return RF_OK;
}

static enum rf_code sum_block(struct check *check, enum rf_block_kind kind, struct sums *sums,
                              struct rf_error *error) {
    const struct rf_rows *rows = &check->rows;
    if (kind != RF_BLOCK_GONE) {
        return sum_rows(check, rows, 0, rows->count, &sums->rows, error);
    }
    for (uint32_t row = 0; row < rows->count; row++) {
        rf_digest_add(&sums->gone, rf_hash_load(rows->hashes + (size_t)row * RF_HASH_SIZE));
    }
    return RF_OK;
}

/* Every block, damaged or not; *whole tells whether the sums mean anything. */
static enum rf_code check_blocks(struct check *check, struct rf_archive *archive, const char *file,
                                 struct sums *sums, bool *whole, struct rf_error *error) {
    for (uint32_t block = 0; block < rf_archive_blocks(archive); block++) {
        if (stopped(check)) {
            return rf_fail(error, RF_INTERRUPTED, "stopped while checking %s", file);
        }
        const struct rf_block_place *place = rf_archive_block(archive, block);
        enum rf_code code = rf_archive_read(archive, check->codec, block, &check->rows, error);
        if (code == RF_OK && place->facts.kind != RF_BLOCK_MOVES) {
            code = sum_block(check, place->facts.kind, sums, error);
        }
        check->result->blocks++;
        check->result->rows += place->facts.rows;
        advance(check, place->size);
        if (is_finding(code)) {
            report(check, file, block, error);
            *whole = false;
        } else if (code != RF_OK) {
            return code;
        }
    }
    return RF_OK;
}

static enum rf_code check_archive(struct check *check, const struct rf_archive_ref *ref,
                                  struct sums *sums, bool *whole, struct rf_error *error) {
    char file[RF_ARCHIVE_NAME_SIZE + 16];
    snprintf(file, sizeof file, "archives/%s", ref->name);
    struct rf_archive *archive = NULL;
    *sums = (struct sums){0};
    *whole = true;
    check->result->archives++;
    enum rf_code code = rf_repository_open_archive(check->repository, ref, &archive, error);
    if (code == RF_OK) {
        code = check_blocks(check, archive, file, sums, whole, error);
    }
    if (code == RF_OK && *whole) {
        code = rf_archive_prove(archive, ref->digest, error);
    }
    if (is_finding(code)) {
        report(check, file, -1, error);
        *whole = false;
        code = RF_OK;
    }
    rf_archive_close(archive);
    return code;
}

/* Is this archive part of what the snapshot before was made of? Then it was checked there. */
static bool known(const struct rf_manifest_table *before, const struct rf_archive_ref *ref) {
    for (uint32_t i = 0; before && i < before->state_count; i++) {
        if (rf_hash_equal(before->state[i].digest, ref->digest)) {
            return true;
        }
    }
    return false;
}

static void wrong_digest(struct check *check, const char *file,
                         const struct rf_manifest_table *table, const struct rf_digest *expected,
                         const struct rf_digest *found) {
    struct rf_error error = {0};
    char left[RF_HASH_HEX], right[RF_HASH_HEX];
    rf_fail(&error, RF_CORRUPT, "the rows of table %.200s do not make its digest",
            table->table.name);
    rf_detail(&error, "the manifest says %llu rows, %s; the archives make %llu rows, %s",
              (unsigned long long)expected->rows, rf_hash_text(expected->sum, left),
              (unsigned long long)found->rows, rf_hash_text(found->sum, right));
    report(check, file, -1, &error);
}

/* parent - gone + rows = child, in digest and in counts. */
static void check_delta_sums(struct check *check, const char *file,
                             const struct rf_manifest_table *before,
                             const struct rf_manifest_table *table, const struct sums *sums) {
    struct rf_digest sum = before->digest;
    rf_digest_part(&sum, &sums->gone);
    rf_digest_join(&sum, &sums->rows);
    if (!rf_digest_equal(&sum, &table->digest)) {
        wrong_digest(check, file, table, &table->digest, &sum);
    }
    if (table->inserted + table->updated != sums->rows.rows ||
        table->deleted + table->updated != sums->gone.rows) {
        struct rf_error error = {0};
        rf_fail(&error, RF_CORRUPT, "the counts of table %.200s do not fit its delta",
                table->table.name);
        report(check, file, -1, &error);
    }
}

static void check_history(struct check *check, const char *file,
                          const struct rf_manifest_table *before,
                          const struct rf_manifest_table *table) {
    struct rf_error error = {0};
    bool kept = before && rf_digest_equal(&before->digest, &table->digest);
    if (table->change == RF_CHANGE_NONE && !kept) {
        rf_fail(&error, RF_CORRUPT, "table %.200s is said to be unchanged and is not",
                table->table.name);
        report(check, file, -1, &error);
    }
    if (table->change == RF_CHANGE_DELTA && !before) {
        rf_fail(&error, RF_CORRUPT, "table %.200s has a delta upon nothing", table->table.name);
        report(check, file, -1, &error);
    }
}

static enum rf_code check_table(struct check *check, const char *file,
                                const struct rf_manifest_table *before,
                                const struct rf_manifest_table *table, bool has_parent,
                                struct rf_error *error) {
    struct sums sums;
    bool whole;
    enum rf_code code = RF_OK;
    if (has_parent) {
        check_history(check, file, before, table);
    }
    if (table->change == RF_CHANGE_DELTA) {
        code = check_archive(check, &table->delta, &sums, &whole, error);
        if (code == RF_OK && whole && before) {
            check_delta_sums(check, file, before, table, &sums);
        }
    }
    for (uint32_t i = 0; code == RF_OK && i < table->state_count; i++) {
        const struct rf_archive_ref *ref = &table->state[i];
        bool is_delta = table->change == RF_CHANGE_DELTA &&
                        rf_hash_equal(ref->digest, table->delta.digest);
        if (is_delta || known(before, ref)) {
            continue;
        }
        code = check_archive(check, ref, &sums, &whole, error);
        if (code == RF_OK && whole && table->state_count == 1 &&
            !rf_digest_equal(&sums.rows, &table->digest)) {
            wrong_digest(check, file, table, &table->digest, &sums.rows);
        }
    }
    return code;
}

static void missing_snapshot(struct check *check, uint64_t number, struct rf_hash digest) {
    struct rf_snapshot_name name = {.number = number, .digest = digest};
    char manifest[RF_MANIFEST_NAME_SIZE];
    char file[RF_MANIFEST_NAME_SIZE + 16];
    struct rf_error error = {0};
    rf_manifest_file_name(&name, manifest);
    snprintf(file, sizeof file, "snapshots/%s", manifest);
    rf_fail(&error, RF_CORRUPT, "the manifest of snapshot %llu is missing",
            (unsigned long long)number);
    rf_hint(&error, "copy this file from the repository that it was captured into.");
    report(check, file, -1, &error);
}

/* The link to the snapshot before; true where that one's manifest can be reckoned with. */
static bool check_link(struct check *check, const char *file, const struct rf_manifest *before,
                       const struct rf_snapshot_name *before_name,
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
        rf_fail(&error, RF_CORRUPT, "snapshot %llu does not continue the snapshot %llu that is here",
                (unsigned long long)manifest->snapshot, (unsigned long long)manifest->parent);
        report(check, file, -1, &error);
        return false;
    }
    return before->snapshot != 0;
}

static enum rf_code check_snapshot(struct check *check, const struct rf_snapshot_name *name,
                                   const struct rf_snapshot_name *before_name,
                                   struct rf_manifest *before, struct rf_error *error) {
    char manifest_name[RF_MANIFEST_NAME_SIZE];
    char file[RF_MANIFEST_NAME_SIZE + 16];
    rf_manifest_file_name(name, manifest_name);
    snprintf(file, sizeof file, "snapshots/%s", manifest_name);
    struct rf_manifest manifest;
    check->result->snapshots++;
    enum rf_code code = rf_repository_load(check->repository, name, &manifest, error);
    if (is_finding(code)) {
        report(check, file, -1, error);
        rf_manifest_release(before);
        return RF_OK;
    }
    if (code != RF_OK) {
        return code;
    }
    bool has_parent = check_link(check, file, before, before_name, &manifest);
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

/* The newest rows as a reader sees them: this holds keys and moves to account, which sums do not. */
static enum rf_code check_state(struct check *check, const char *file,
                                const struct rf_manifest_table *table, struct rf_error *error) {
    struct rf_state *state = NULL;
    struct rf_scan *scan = NULL;
    struct rf_digest sum = {0};
    struct rf_span span = {0};
    enum rf_code code = rf_state_open(check->repository, table, &state, error);
    if (code == RF_OK) {
        code = rf_scan_new(state, 0, rf_state_parts(state), &scan, error);
    }
    if (code == RF_OK) {
        code = rf_scan_ahead(scan, error);
    }
    while (code == RF_OK && (code = rf_scan_next(scan, &span, error)) == RF_OK &&
           span.count > 0) {
        if (stopped(check)) {
            code = rf_fail(error, RF_INTERRUPTED, "stopped while checking %s", file);
            break;
        }
        code = sum_rows(check, span.rows, span.first, span.count, &sum, error);
    }
    if (code == RF_OK && !rf_digest_equal(&sum, &table->digest)) {
        wrong_digest(check, file, table, &table->digest, &sum);
    }
    rf_scan_free(scan);
    rf_state_close(state);
    if (is_finding(code)) {
        report(check, file, -1, error);
        return RF_OK;
    }
    return code;
}

static enum rf_code check_newest(struct check *check, const struct rf_manifest *newest,
                                 struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < newest->table_count; i++) {
        if (newest->tables[i].state_count > 1) {
            char file[128];
            snprintf(file, sizeof file, "archives/%s",
                     newest->tables[i].state[newest->tables[i].state_count - 1].name);
            code = check_state(check, file, &newest->tables[i], error);
        }
    }
    return code;
}

static enum rf_code add_size(void *context, const char *name, struct rf_error *error) {
    (void)error;
    struct check *check = context;
    char path[PATH_MAX];
    struct rf_error ignored;
    struct stat status;
    if (rf_repository_place(check->repository, "archives", name, path, &ignored) == RF_OK &&
        stat(path, &status) == 0) {
        check->bytes_total += (uint64_t)status.st_size;
    }
    return RF_OK;
}

enum rf_code rf_check(struct rf_repository *repository, const struct rf_check_options *options,
                      struct rf_check_result *result, struct rf_error *error) {
    *result = (struct rf_check_result){0};
    struct check check = {.repository = repository, .options = options, .result = result};
    check.codec = rf_codec_new();
    if (!check.codec) {
        return rf_fail_memory(error);
    }
    char folder[PATH_MAX];
    struct rf_error ignored;
    if (rf_repository_place(repository, "archives", NULL, folder, &ignored) == RF_OK) {
        (void)!rf_io_list(folder, add_size, &check, &ignored);
    }
    struct rf_manifest before = {0};
    const struct rf_snapshot_name *before_name = NULL;
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < rf_repository_count(repository); i++) {
        const struct rf_snapshot_name *name = rf_repository_snapshot(repository, i);
        code = check_snapshot(&check, name, before_name, &before, error);
        before_name = name;
    }
    if (code == RF_OK) {
        code = check_newest(&check, &before, error);
    }
    rf_manifest_release(&before);
    rf_buffer_release(&check.cells);
    rf_rows_release(&check.rows);
    rf_codec_free(check.codec);
    return code;
}
