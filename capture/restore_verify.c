#include "capture/restore_verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/lineage.h"
#include "capture/objects.h"
#include "capture/row_scan.h"
#include "capture/schema.h"

#define ROWS_BETWEEN_REPORTS 65536u

static enum rf_code differ(const char *what, struct rf_error *error) {
    rf_fail(error, RF_CORRUPT, "the restored file is not the snapshot");
    rf_detail(error, "%s", what);
    rf_hint(error, "nothing was kept; this should be reported.");
    return RF_CORRUPT;
}

static void report(const struct rf_restore_job *job, const char *table, uint64_t rows) {
    if (job->options->progress) {
        job->options->progress(job->options->context, table, rows, job->rows_expected);
    }
}

static enum rf_code sum_rows(struct rf_restore_job *job, struct rf_source *source,
                             const struct rf_table *table, struct rf_digest *digest,
                             struct rf_error *error) {
    struct rf_row_scan *scan = NULL;
    const struct rf_source_row *row = NULL;
    enum rf_code code = rf_row_scan_new(source, table, RF_SCAN_ALL, &scan, error);
    do {
        if (code == RF_OK) {
            code = rf_row_scan_next(scan, &row, error);
        }
        if (code == RF_OK && row) {
            rf_digest_add(digest, row->hash);
            job->rows_done++;
            if (job->rows_done % ROWS_BETWEEN_REPORTS == 0) {
                report(job, table->name, job->rows_done);
            }
        }
    } while (code == RF_OK && row);
    rf_row_scan_free(scan);
    return code;
}

static enum rf_code verify_rows(struct rf_restore_job *job, struct rf_source *source,
                                const struct rf_manifest_table *table, struct rf_error *error) {
    struct rf_digest digest = {0};
    enum rf_code code = sum_rows(job, source, &table->table, &digest, error);
    if (code != RF_OK || rf_digest_equal(&digest, &table->digest)) {
        return code;
    }
    char what[400];
    snprintf(what, sizeof what, "the rows of the table \"%.200s\" are others", table->table.name);
    return differ(what, error);
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_there(const struct rf_manifest *found, const struct rf_object *object) {
    const struct rf_object *other = rf_object_find(found, object->type, object->name);
    return other && same_text(object->table, other->table) && same_text(object->sql, other->sql);
}

/* What was told as a lack may be missing. */
static enum rf_code verify_objects(const struct rf_restore_plan *plan,
                                   const struct rf_manifest *found, bool lacking,
                                   struct rf_error *error) {
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct rf_restore_object *planned = &plan->objects[i];
        bool optional =
            lacking && (planned->way == RF_RESTORE_SQL || planned->way == RF_RESTORE_MODULE ||
                        planned->way == RF_RESTORE_NOT);
        if (!optional && !is_there(found, planned->object)) {
            char what[400];
            snprintf(what, sizeof what, "the %.20s \"%.200s\" is not in its schema",
                     planned->object->type, planned->object->name);
            return differ(what, error);
        }
    }
    return RF_OK;
}

/* Settings, sequences, and the descriptions of all tables whose rows are there. */
static enum rf_code verify_schema(struct rf_restore_job *job, const struct rf_restore_plan *plan,
                                  struct rf_source *source, struct rf_error *error) {
    static const char *const every[] = {"*", NULL};
    const struct rf_selection selection = {.shadow = every};
    struct rf_manifest found = {0};
    struct rf_manifest wanted = *plan->manifest;
    bool differs = false;
    enum rf_code code = rf_schema_read(source, &selection, &found, error);
    if (code == RF_OK) {
        code = verify_objects(plan, &found, job->result->lacks > 0, error);
    }
    if (code == RF_OK) {
        struct rf_manifest other = found; /* tables and objects are looked at one by one */
        wanted.table_count = other.table_count = 0;
        wanted.object_count = other.object_count = 0;
        code = rf_lineage_differs(&wanted, &other, &differs, error);
        differs |= wanted.page_size != other.page_size || wanted.auto_vacuum != other.auto_vacuum;
    }
    rf_manifest_release(&found);
    return code == RF_OK && differs ? differ("its settings or sequences are others", error) : code;
}

enum rf_code rf_restore_verify(struct rf_restore_job *job, const struct rf_restore_plan *plan,
                               struct rf_error *error) {
    const struct rf_source_options options = {
        .database = rf_restore_file_path(job->file),
        .stop = job->options->stop,
    };
    struct rf_source *source = NULL;
    job->rows_done = 0;
    enum rf_code code = rf_source_open(&options, &source, error);
    if (code == RF_OK) {
        code = verify_schema(job, plan, source, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < plan->manifest->table_count; i++) {
        code = verify_rows(job, source, &plan->manifest->tables[i], error);
    }
    rf_source_close(source);
    if (code != RF_OK) {
        rf_while(error, "while reading back what was written");
    }
    return code;
}
