#include "tools/stores.h"

#include <stddef.h>

#include "tools/message.h"

/* From what can be lived with to what has to be seen to first. */
static bool is_worse(enum rf_code code, enum rf_code than) {
    static const int ranks[] = {
        [RF_OK] = 0,        [RF_LOCKED] = 1,    [RF_CONNECT] = 2,      [RF_USAGE] = 3,
        [RF_MISPLACED] = 4, [RF_DIFFERENT] = 5, [RF_CORRUPT] = 6,      [RF_STORAGE] = 7,
        [RF_FAILED] = 8,    [RF_NO_MEMORY] = 9, [RF_INTERRUPTED] = 10,
    };
    return ranks[code] > ranks[than];
}

void rf_store_name_line(const struct rf_task *task, struct rf_json *line) {
    if (task->database && task->database->name) {
        rf_json_text(line, "store", task->database->name);
    }
}

void rf_store_head(const struct rf_task *task) {
    if (rf_task_for_people(task) && task->database && task->database->name) {
        rf_output_printf(task->output, task->settings->sql ? "-- store " : "store ");
        rf_output_name(task->output, task->database->name);
        rf_output_printf(task->output, ":\n");
    }
}

static enum rf_code act_on_one(struct rf_task *task, struct rf_json *stores, rf_store_act *act,
                               void *context, struct rf_error *error) {
    struct rf_json store = rf_json_begin(NULL);
    rf_json_text(&store, "name", task->database->name);
    enum rf_code code = act(task, &store, context, error);
    if (code != RF_OK) {
        rf_while(error, "at the database of store %s", task->database->name);
        struct rf_json parts = rf_json_error(error);
        rf_json_put(&store, "error", &parts);
    }
    rf_json_append(stores, &store);
    return code;
}

void rf_store_keep_worse(struct rf_task *task, enum rf_code code, const struct rf_error *error,
                         enum rf_code *worst_code, struct rf_error *worst) {
    bool worse = is_worse(code, *worst_code);
    if (code != RF_OK && *worst_code != RF_OK) {
        rf_output_flush(task->output);
        rf_message_error(worse ? worst : error);
    }
    if (worse) {
        *worst = *error;
        *worst_code = code;
    }
}

enum rf_code rf_stores_each(struct rf_task *task, enum rf_store_way way, struct rf_json *summary,
                            rf_store_act *act, void *context, struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    if (!rf_stores_are_several(task)) {
        return act(task, summary, context, error);
    }
    struct rf_json stores = rf_json_array();
    enum rf_code worst = RF_OK;
    for (uint32_t i = 0; i < settings->database_count; i++) {
        struct rf_error own;
        rf_error_clear(&own);
        task->database = &settings->databases[i];
        enum rf_code code = act_on_one(task, &stores, act, context, &own);
        rf_store_keep_worse(task, code, &own, &worst, error);
        if (code == RF_INTERRUPTED || (code != RF_OK && way == RF_STORES_UNTIL_FAILURE)) {
            break;
        }
    }
    task->database = settings->databases;
    rf_json_put(summary, "stores", &stores);
    return worst;
}
