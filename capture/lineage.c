#include "capture/lineage.h"

#include <string.h>

#include "capture/objects.h"
#include "format/bytes.h"
#include "format/table.h"

static enum rf_code refuse(const struct rf_manifest *parent, const struct rf_manifest *child,
                           struct rf_error *error) {
    rf_fail(error, RF_MISPLACED, "%s is not the database that this repository is of", child->path);
    rf_hint(error,
            "use another repository (a repository has one source, last seen at %.200s); or say "
            "--same-source if it is the same after all.",
            parent->path);
    return RF_MISPLACED;
}

static bool has_tables(const struct rf_manifest *manifest) {
    return manifest->object_count > 0 && strcmp(manifest->objects[0].type, "table") == 0;
}

static bool shares_a_name(const struct rf_manifest *parent, const struct rf_manifest *child) {
    for (uint32_t i = 0; i < parent->table_count; i++) {
        if (rf_object_find(child, "table", parent->tables[i].table.name)) {
            return true;
        }
    }
    return false;
}

enum rf_code rf_lineage_check(const struct rf_manifest *parent, const struct rf_manifest *child,
                              struct rf_error *error) {
    if (parent->application_id != 0 && child->application_id != 0 &&
        parent->application_id != child->application_id) {
        refuse(parent, child, error);
        rf_detail(error, "its application_id is %d, that of the newest snapshot %d",
                  child->application_id, parent->application_id);
        return error->code;
    }
    if (parent->table_count > 0 && has_tables(child) && !shares_a_name(parent, child)) {
        refuse(parent, child, error);
        rf_detail(error, "the newest snapshot has %u tables, and not one of them is in it",
                  parent->table_count);
        return error->code;
    }
    return RF_OK;
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_objects(const struct rf_manifest *a, const struct rf_manifest *b) {
    if (a->object_count != b->object_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->object_count; i++) {
        const struct rf_object *one = &a->objects[i];
        const struct rf_object *other = &b->objects[i];
        if (!same_text(one->type, other->type) || !same_text(one->name, other->name) ||
            !same_text(one->table, other->table) || !same_text(one->sql, other->sql)) {
            return false;
        }
    }
    return true;
}

static bool same_bytes(const struct rf_buffer *a, const struct rf_buffer *b) {
    return a->size == b->size && (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

static bool same_sequences(const struct rf_manifest *a, const struct rf_manifest *b) {
    if (a->sequence_count != b->sequence_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->sequence_count; i++) {
        if (!same_bytes(&a->sequences[i].cells, &b->sequences[i].cells)) {
            return false;
        }
    }
    return true;
}

/* Descriptions are alike if their bytes in a manifest are. */
static enum rf_code compare_tables(const struct rf_manifest *parent,
                                   const struct rf_manifest *child, bool *differs,
                                   struct rf_error *error) {
    struct rf_buffer old = {0};
    struct rf_buffer new = {0};
    enum rf_code code = RF_OK;
    *differs = parent->table_count != child->table_count;
    for (uint32_t i = 0; code == RF_OK && !*differs && i < child->table_count; i++) {
        rf_buffer_clear(&old);
        rf_buffer_clear(&new);
        rf_table_encode(&parent->tables[i].table, &old);
        rf_table_encode(&child->tables[i].table, &new);
        code = old.failed || new.failed ? rf_fail_memory(error) : RF_OK;
        *differs = child->tables[i].change != RF_CHANGE_NONE || !same_bytes(&old, &new);
    }
    rf_buffer_release(&old);
    rf_buffer_release(&new);
    return code;
}

enum rf_code rf_lineage_differs(const struct rf_manifest *parent, const struct rf_manifest *child,
                                bool *differs, struct rf_error *error) {
    *differs = parent->user_version != child->user_version ||
               parent->application_id != child->application_id ||
               !same_text(parent->encoding, child->encoding) || !same_objects(parent, child) ||
               !same_sequences(parent, child);
    return *differs ? RF_OK : compare_tables(parent, child, differs, error);
}
