/* Walked from the newer snapshot, since a manifest knows its parent and not its child. */
#include "format/between.h"

#include <stdlib.h>
#include <string.h>

#include "format/manifest.h"

struct entry {
    bool known;
    uint32_t count, capacity;
    struct rf_archive_ref *deltas; /* newest first while they are gathered */
};

struct rf_between {
    bool backward;
    struct rf_manifest newer; /* for the names of its tables */
    struct entry *entries;    /* one for each of them; NULL: nothing is known */
};

void rf_between_free(struct rf_between *between) {
    if (between) {
        for (uint32_t i = 0; between->entries && i < between->newer.table_count; i++) {
            free(between->entries[i].deltas);
        }
        free(between->entries);
        rf_manifest_release(&between->newer);
        free(between);
    }
}

static enum rf_code add(struct entry *entry, const struct rf_archive_ref *delta,
                        struct rf_error *error) {
    if (entry->count == entry->capacity) {
        uint32_t capacity = entry->capacity ? 2 * entry->capacity : 4;
        void *grown = realloc(entry->deltas, capacity * sizeof *entry->deltas);
        if (!grown) {
            return rf_fail_memory(error);
        }
        entry->deltas = grown;
        entry->capacity = capacity;
    }
    entry->deltas[entry->count++] = *delta;
    return RF_OK;
}

/* What a snapshot on the way did to each table. */
static enum rf_code take(struct rf_between *between, const struct rf_manifest *manifest,
                         struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < between->newer.table_count; i++) {
        struct entry *entry = &between->entries[i];
        const struct rf_manifest_table *table =
            entry->known ? rf_manifest_find(manifest, between->newer.tables[i].table.name) : NULL;
        entry->known = table && table->change != RF_CHANGE_NEW;
        if (entry->known && table->change == RF_CHANGE_DELTA) {
            code = add(entry, &table->delta, error);
        }
    }
    return code;
}

static bool leads_to(const struct rf_manifest *manifest, const struct rf_snapshot_name *name) {
    return manifest->parent == name->number && rf_hash_equal(manifest->parent_digest, name->digest);
}

/* *manifest becomes that of its parent; *found is false where there is none, or another one. */
static enum rf_code step_back(const struct rf_repository *repository, struct rf_manifest *manifest,
                              bool *found, struct rf_error *error) {
    const struct rf_snapshot_name *parent = rf_repository_find(repository, manifest->parent);
    *found = parent && manifest->parent < manifest->snapshot && leads_to(manifest, parent);
    rf_manifest_release(manifest);
    return *found ? rf_repository_load(repository, parent, manifest, error) : RF_OK;
}

static enum rf_code walk(struct rf_between *between, const struct rf_repository *repository,
                         const struct rf_snapshot_name *older, const struct rf_snapshot_name *newer,
                         bool *arrived, struct rf_error *error) {
    struct rf_manifest manifest = {0};
    bool found = true;
    *arrived = rf_hash_equal(older->digest, newer->digest);
    enum rf_code code = rf_repository_load(repository, newer, &manifest, error);
    while (code == RF_OK && found && !*arrived) {
        code = take(between, &manifest, error);
        *arrived = leads_to(&manifest, older);
        if (code == RF_OK && !*arrived) {
            code = step_back(repository, &manifest, &found, error);
        }
    }
    rf_manifest_release(&manifest);
    return code;
}

static void turn_around(struct entry *entry) {
    for (uint32_t i = 0, j = entry->count; i + 1 < j; i++) {
        j--;
        struct rf_archive_ref held = entry->deltas[i];
        entry->deltas[i] = entry->deltas[j];
        entry->deltas[j] = held;
    }
}

static enum rf_code load(struct rf_between *between, const struct rf_repository *repository,
                         const struct rf_snapshot_name *older, const struct rf_snapshot_name *newer,
                         struct rf_error *error) {
    bool arrived = false;
    enum rf_code code = rf_repository_load(repository, newer, &between->newer, error);
    if (code != RF_OK) {
        return code;
    }
    uint32_t count = between->newer.table_count;
    between->entries = calloc(count ? count : 1, sizeof *between->entries);
    if (!between->entries) {
        return rf_fail_memory(error);
    }
    for (uint32_t i = 0; i < count; i++) {
        between->entries[i].known = true;
    }
    code = walk(between, repository, older, newer, &arrived, error);
    for (uint32_t i = 0; i < count; i++) {
        between->entries[i].known &= arrived;
        turn_around(&between->entries[i]);
    }
    return code;
}

enum rf_code rf_between_load(const struct rf_repository *repository,
                             const struct rf_snapshot_name *from, const struct rf_snapshot_name *to,
                             struct rf_between **made, struct rf_error *error) {
    *made = NULL;
    struct rf_between *between = calloc(1, sizeof *between);
    if (!between) {
        return rf_fail_memory(error);
    }
    between->backward = from->number > to->number;
    enum rf_code code = load(between, repository, between->backward ? to : from,
                             between->backward ? from : to, error);
    if (code != RF_OK) {
        rf_between_free(between);
        return code;
    }
    *made = between;
    return RF_OK;
}

bool rf_between_find(const struct rf_between *between, const char *table,
                     struct rf_between_table *found) {
    const struct rf_manifest_table *at = between ? rf_manifest_find(&between->newer, table) : NULL;
    const struct entry *entry = at ? &between->entries[at - between->newer.tables] : NULL;
    if (!entry || !entry->known) {
        return false;
    }
    *found = (struct rf_between_table){
        .backward = between->backward, .count = entry->count, .deltas = entry->deltas};
    return true;
}
