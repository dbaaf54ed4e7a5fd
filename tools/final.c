#include "tools/final.h"

#include <inttypes.h>

#include "tools/text.h"
#include "tools/units.h"

enum rf_code rf_final_begin(const struct rf_task *task, struct rf_write_lock **lock,
                            struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    const struct rf_write_lock_options options = {.database = task->operand,
                                                  .busy_timeout_ms = settings->busy_timeout_ms,
                                                  .stop = task->stop};
    *lock = NULL;
    return settings->final_trip ? rf_write_lock_take(&options, lock, error) : RF_OK;
}

static const char *next_step(const struct rf_task *task) {
    const char *next = task->settings->next;
    return next ? next : "The application may now be started on PostgreSQL.";
}

static void print_message(struct rf_output *out, const char *text) {
    struct rf_buffer part = {0};
    rf_text_message(&part, text, 0);
    rf_output_bytes(out, part.bytes, part.size);
    rf_buffer_release(&part);
    rf_output_printf(out, "\n");
}

static void print_end(struct rf_task *task, const struct rf_trip_proof *proven) {
    struct rf_output *out = task->output;
    char tables[RF_UNITS_TEXT], rows[RF_UNITS_TEXT];
    uint64_t aside = proven->set_aside;
    rf_output_printf(out, "\nmoved: %s in %s, proven equal\n",
                     rf_units_count(proven->rows, "row", rows),
                     rf_units_count(proven->tables, "table", tables));
    if (aside > 0) {
        rf_output_printf(out,
                         "but for %s set aside: see rowferry.set_aside. If the application can do "
                         "without:\n",
                         rf_units_count(aside, "row", rows));
    }
    print_message(out, next_step(task));
    rf_output_name(out, task->operand);
    rf_output_printf(out, " was held while this was done and is untouched: the application can be "
                          "started on it\nagain, as long as nothing was written to PostgreSQL.\n");
}

static void fill_summary(struct rf_task *task, const struct rf_trip_proof *proven) {
    struct rf_json end = rf_json_begin(NULL);
    rf_json_count(&end, "tables", proven->tables);
    rf_json_count(&end, "rows", proven->rows);
    rf_json_count(&end, "set_aside", proven->set_aside);
    rf_json_bool(&end, "ready", proven->set_aside == 0);
    rf_json_text(&end, "next", next_step(task));
    rf_json_put(&task->summary, "final", &end);
}

static enum rf_code verify(struct rf_task *task, struct rf_repository *repository,
                           const struct rf_snapshot_name *snapshot, struct rf_trip_proof *proven,
                           struct rf_error *error) {
    struct rf_json proof = rf_json_begin(NULL);
    if (rf_task_for_people(task)) {
        rf_output_printf(task->output, "\n");
        rf_output_flush(task->output);
    }
    enum rf_code code = rf_trip_verify(task, repository, snapshot, &proof, proven, error);
    rf_json_put(&task->summary, "verify", &proof);
    return code;
}

enum rf_code rf_final_end(struct rf_task *task, struct rf_repository *repository,
                          const struct rf_snapshot_name *snapshot, const struct rf_write_lock *lock,
                          struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    struct rf_trip_proof proven = {0};
    enum rf_code code = RF_OK;
    bool proves = (settings->verify || settings->final_trip) && !settings->dry_run;
    if (proves) {
        code = verify(task, repository, snapshot, &proven, error);
    }
    if (code == RF_OK && lock) {
        code = rf_write_lock_prove(lock, error);
    }
    if (code == RF_OK && lock && proves) {
        fill_summary(task, &proven);
        if (rf_task_for_people(task)) {
            print_end(task, &proven);
        }
    }
    return code;
}
