/* Two lists of objects, both put into the order of kind and name, and merged. */
#include "tools/schema_changes.h"

#include <stdlib.h>
#include <string.h>

#include "tools/show.h"

const char *rf_schema_event_name(enum rf_schema_event event) {
    static const char *const names[] = {
        [RF_SCHEMA_NEW] = "new", [RF_SCHEMA_DROPPED] = "dropped", [RF_SCHEMA_CHANGED] = "changed"};
    return names[event];
}

/* ---- order ---- */

static int rank(const struct rf_object *object) {
    static const char *const types[] = {"table", "index", "view", "trigger"};
    int place = 0;
    while (place < 4 && strcmp(types[place], object->type) != 0) {
        place++;
    }
    return place;
}

static int compare(const struct rf_object *a, const struct rf_object *b) {
    int order = rank(a) - rank(b);
    return order != 0 ? order : strcmp(a->name, b->name);
}

struct place {
    const struct rf_object *object; /* NULL behind the last */
};

static int compare_places(const void *a, const void *b) {
    const struct place *left = a;
    const struct place *right = b;
    return compare(left->object, right->object);
}

/* Those that were written as SQL, in order. NULL without memory. */
static struct place *in_order(const struct rf_manifest *manifest) {
    struct place *list = calloc((size_t)manifest->object_count + 1, sizeof *list);
    uint32_t count = 0;
    for (uint32_t i = 0; list && i < manifest->object_count; i++) {
        if (manifest->objects[i].sql) {
            list[count++].object = &manifest->objects[i];
        }
    }
    if (count > 1) {
        qsort(list, count, sizeof *list, compare_places);
    }
    return list;
}

/* ---- the list ---- */

static void add(struct rf_schema_changes *changes, enum rf_schema_event event,
                const struct rf_object *before, const struct rf_object *after) {
    changes->list[changes->count++] =
        (struct rf_schema_change){.event = event, .before = before, .after = after};
}

static void merge(const struct place *left, const struct place *right,
                  struct rf_schema_changes *changes) {
    while (left->object || right->object) {
        const struct rf_object *before = left->object;
        const struct rf_object *after = right->object;
        int order = !before ? 1 : !after ? -1 : compare(before, after);
        if (order < 0) {
            add(changes, RF_SCHEMA_DROPPED, before, NULL);
        } else if (order > 0) {
            add(changes, RF_SCHEMA_NEW, NULL, after);
        } else if (strcmp(before->sql, after->sql) != 0) {
            add(changes, RF_SCHEMA_CHANGED, before, after);
        }
        left += order <= 0;
        right += order >= 0;
    }
}

enum rf_code rf_schema_changes_find(const struct rf_manifest *before,
                                    const struct rf_manifest *after,
                                    struct rf_schema_changes *changes, struct rf_error *error) {
    size_t most = (size_t)before->object_count + after->object_count + 1;
    struct place *left = in_order(before);
    struct place *right = in_order(after);
    enum rf_code code = RF_OK;
    *changes = (struct rf_schema_changes){.list = calloc(most, sizeof *changes->list)};
    if (left && right && changes->list) {
        merge(left, right, changes);
    } else {
        code = rf_fail_memory(error);
    }
    free(left);
    free(right);
    return code;
}

void rf_schema_changes_release(struct rf_schema_changes *changes) {
    free(changes->list);
    *changes = (struct rf_schema_changes){0};
}

struct rf_json rf_schema_change_json(const struct rf_schema_change *change) {
    const struct rf_object *object = rf_schema_change_of(change);
    struct rf_json line = rf_json_begin("schema");
    rf_json_text(&line, "event", rf_schema_event_name(change->event));
    rf_json_text(&line, "kind", rf_show_kind(object));
    rf_json_text(&line, "name", object->name);
    rf_json_text(&line, "table", object->table);
    rf_json_text(&line, "from_sql", change->before ? change->before->sql : NULL);
    rf_json_text(&line, "sql", change->after ? change->after->sql : NULL);
    return line;
}
