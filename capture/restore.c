#include "capture/restore.h"

#include <stdlib.h>
#include <string.h>

#include "capture/restore_file.h"
#include "capture/restore_plan.h"
#include "capture/restore_run.h"
#include "capture/restore_schema.h"
#include "capture/restore_table.h"
#include "capture/restore_verify.h"
#include "capture/sqlite_error.h"

#define STEPS_BETWEEN_LOOKS 20000 /* of SQLite's virtual machine, between looks at the stop flag */

#define CACHE_KIB 16384

static int look_at_stop(void *context) {
    const struct rf_restore_job *job = context;
    return atomic_load(job->options->stop) != 0;
}

static enum rf_code connect(struct rf_restore_job *job, const struct rf_manifest *manifest,
                            struct rf_error *error) {
    enum rf_code code = rf_restore_file_connect(job->file, &job->db, error);
    if (code == RF_OK) {
        sqlite3_progress_handler(job->db, STEPS_BETWEEN_LOOKS, look_at_stop, job);
        code = rf_restore_settings(job, manifest, error);
    }
    return code;
}

static enum rf_code disconnect(struct rf_restore_job *job, struct rf_error *error) {
    int result = sqlite3_close(job->db);
    job->db = NULL;
    return result == SQLITE_OK
               ? RF_OK
               : rf_restore_file_fail(job->file, NULL, result, error, "cannot close %s",
                                      rf_restore_file_path(job->file));
}

/* One transaction, without a journal: there is nothing to go back to. */
static enum rf_code write_trees(struct rf_restore_job *job, struct rf_restore_plan *plan,
                                struct rf_error *error) {
    int64_t sequences_root = 0;
    /* The first table that is made settles encoding and format; there may be no other. */
    enum rf_code code = rf_restore_run(job,
                                       "BEGIN EXCLUSIVE; CREATE TABLE t(c);"
                                       "DROP TABLE t",
                                       "cannot write the schema", error);
    for (uint32_t i = 0; code == RF_OK && i < plan->count; i++) {
        struct rf_restore_object *planned = &plan->objects[i];
        if (planned->way == RF_RESTORE_ROWS) {
            code = rf_restore_table(job, plan, planned, error);
        } else if (planned->way == RF_RESTORE_EMPTY || planned->way == RF_RESTORE_AGAIN) {
            code = rf_restore_empty(job, planned, error);
        }
    }
    if (code == RF_OK && plan->sequences) {
        code = rf_restore_sequences(job, plan->manifest, &sequences_root, error);
    }
    if (code == RF_OK) {
        code = rf_restore_entries(job, plan, sequences_root, error);
    }
    return code == RF_OK ? rf_restore_run(job, "COMMIT", "cannot write the database", error) : code;
}

static enum rf_code write_database(struct rf_restore_job *job, struct rf_restore_plan *plan,
                                   struct rf_error *error) {
    enum rf_code code = connect(job, plan->manifest, error);
    if (code == RF_OK) {
        code = write_trees(job, plan, error);
    }
    if (code == RF_OK) {
        code = rf_restore_made(job, plan, error);
    }
    if (code == RF_OK) {
        code = disconnect(job, error);
    }
    if (code == RF_OK && job->options->verify) {
        code = rf_restore_verify(job, plan, error);
    }
    if (code == RF_OK && strcmp(plan->manifest->journal_mode, "wal") == 0) {
        code = rf_restore_file_mark_wal(job->file, error);
    }
    sqlite3_close(job->db);
    job->db = NULL;
    return code;
}

static enum rf_code learn_encoding(struct rf_restore_job *job, const struct rf_manifest *manifest,
                                   struct rf_error *error) {
    const char *name = manifest->encoding;
    job->encoding = strcmp(name, "UTF-16le") == 0   ? RF_SOURCE_UTF16LE
                    : strcmp(name, "UTF-16be") == 0 ? RF_SOURCE_UTF16BE
                                                    : RF_SOURCE_UTF8;
    return job->encoding != RF_SOURCE_UTF8 || strcmp(name, "UTF-8") == 0
               ? RF_OK
               : rf_fail(error, RF_CORRUPT, "\"%.100s\" is no encoding of SQLite's", name);
}

static enum rf_code restore(struct rf_restore_job *job, const struct rf_manifest *manifest,
                            struct rf_error *error) {
    struct rf_restore_plan plan = {0};
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        job->rows_expected += manifest->tables[i].digest.rows;
    }
    enum rf_code code = learn_encoding(job, manifest, error);
    if (code == RF_OK) {
        code = rf_restore_file_open(rf_repository_io(job->repository), job->options->output,
                                    job->options->replace, &job->file, error);
    }
    if (code == RF_OK) {
        code = rf_restore_plan_make(manifest, job->options, job->result, &plan, error);
    }
    if (code == RF_OK) {
        code = write_database(job, &plan, error);
    }
    if (code == RF_OK) {
        code = rf_restore_file_publish(job->file, &job->result->bytes, error);
    }
    rf_restore_plan_release(&plan);
    rf_restore_file_close(job->file);
    return code;
}

enum rf_code rf_restore_run_with(const struct rf_repository *repository,
                                 const struct rf_snapshot_name *snapshot,
                                 const struct rf_restore_options *options,
                                 const struct rf_restore_limits *limits,
                                 struct rf_restore_result *result, struct rf_error *error) {
    struct rf_manifest manifest = {0};
    struct rf_restore_job job = {
        .repository = repository, .options = options, .limits = limits, .result = result};
    *result = (struct rf_restore_result){.snapshot = *snapshot};
    enum rf_code code = rf_repository_load(repository, snapshot, &manifest, error);
    if (code == RF_OK) {
        code = restore(&job, &manifest, error);
    }
    rf_manifest_release(&manifest);
    return code;
}

enum rf_code rf_restore(const struct rf_repository *repository,
                        const struct rf_snapshot_name *snapshot,
                        const struct rf_restore_options *options, struct rf_restore_result *result,
                        struct rf_error *error) {
    const struct rf_restore_limits limits = {.cache_kib = CACHE_KIB};
    return rf_restore_run_with(repository, snapshot, options, &limits, result, error);
}
