/* One thing done to every database of the target: to the only one as if there were no others, to
 * several in turn, each under its name. */
#ifndef RF_TOOLS_STORES_H
#define RF_TOOLS_STORES_H

#include "tools/task.h"

/* Acts on task->database. Its members go to `summary`. */
typedef enum rf_code rf_store_act(struct rf_task *task, struct rf_json *summary, void *context,
                                  struct rf_error *error);

enum rf_store_way {
    RF_STORES_UNTIL_FAILURE, /* what writes: stores shall not part further than they must */
    RF_STORES_TO_THE_END,    /* what looks */
};

static inline bool rf_stores_are_several(const struct rf_task *task) {
    return task->settings->database_count > 1;
}

/* Of several, `summary` gets a member "stores" with an object for each. The worst failure is
 * returned; others are told at once. */
RF_MUST_USE enum rf_code rf_stores_each(struct rf_task *task, enum rf_store_way way,
                                        struct rf_json *summary, rf_store_act *act, void *context,
                                        struct rf_error *error);

/* The member "store" of a JSON line, and a heading for people (a comment in SQL); nothing where there
 * is one database. */
void rf_store_name_line(const struct rf_task *task, struct rf_json *line);
void rf_store_head(const struct rf_task *task);

/* Of a failure and the worst before it, keeps the worse one in `worst` and tells the other. RF_OK
 * changes nothing. */
void rf_store_keep_worse(struct rf_task *task, enum rf_code code, const struct rf_error *error,
                         enum rf_code *worst_code, struct rf_error *worst);

#endif
