/* Finding what the rules say about one table or column, and the words for it. */
#include "replay/rules.h"

#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool matches(const char *glob, const char *name) {
    return fnmatch(glob, name, 0) == 0;
}

/* What the table's rules say, with DEFAULT where they say nothing. */
static struct rf_table_settings gather_table(const struct rf_rules *rules, const char *table) {
    struct rf_table_settings found = {0};
    for (uint32_t i = 0; i < rules->table_count; i++) {
        const struct rf_table_rule *rule = &rules->tables[i];
        if (!matches(rule->table, table)) {
            continue;
        }
        found.rename = rule->rename ? rule->rename : found.rename;
        found.key = rule->key ? rule->key : found.key;
        found.on_mismatch = rule->on_mismatch ? rule->on_mismatch : found.on_mismatch;
        found.bad_text = rule->bad_text ? rule->bad_text : found.bad_text;
        found.standing_rows = rule->standing_rows ? rule->standing_rows : found.standing_rows;
        found.where = rule->where ? rule->where : found.where;
        if (rule->value_count > 0) {
            found.value_count = rule->value_count;
            found.values = rule->values;
        }
        if (rule->join_count > 0) {
            found.join_count = rule->join_count;
            found.joins = rule->joins;
        }
    }
    found.on_mismatch = found.on_mismatch ? found.on_mismatch : rules->on_mismatch;
    found.bad_text = found.bad_text ? found.bad_text : rules->bad_text;
    return found;
}

static enum rf_mismatch mismatch_of(const struct rf_rules *rules, enum rf_mismatch said) {
    if (said != RF_MISMATCH_DEFAULT) {
        return said;
    }
    return rules->existing ? RF_MISMATCH_SET_ASIDE : RF_MISMATCH_WIDEN;
}

static enum rf_bad_text bad_text_of(enum rf_bad_text said) {
    return said != RF_BAD_TEXT_DEFAULT ? said : RF_BAD_TEXT_SET_ASIDE;
}

struct rf_table_settings rf_rules_table(const struct rf_rules *rules, const char *table) {
    struct rf_table_settings found = gather_table(rules, table);
    found.on_mismatch = mismatch_of(rules, found.on_mismatch);
    found.bad_text = bad_text_of(found.bad_text);
    if (found.standing_rows == RF_STANDING_DEFAULT) {
        found.standing_rows = RF_STANDING_REPLACE;
    }
    return found;
}

/* What one table's rule says of the column, over what those before it said. */
static void gather_column(const struct rf_table_rule *table, const char *column,
                          struct rf_column_settings *found) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct rf_column_rule *rule = &table->columns[i];
        if (!matches(rule->column, column)) {
            continue;
        }
        found->rename = rule->rename ? rule->rename : found->rename;
        found->type = rule->type ? rule->type : found->type;
        found->on_mismatch = rule->on_mismatch ? rule->on_mismatch : found->on_mismatch;
        found->bad_text = rule->bad_text ? rule->bad_text : found->bad_text;
        if (rule->exclude != RF_CHOICE_DEFAULT) {
            found->exclude = rule->exclude == RF_CHOICE_YES;
        }
    }
}

struct rf_column_settings rf_rules_column(const struct rf_rules *rules, const char *table,
                                          const char *column) {
    struct rf_column_settings found = {0};
    for (uint32_t i = 0; i < rules->table_count; i++) {
        if (matches(rules->tables[i].table, table)) {
            gather_column(&rules->tables[i], column, &found);
        }
    }
    struct rf_table_settings otherwise = gather_table(rules, table);
    found.on_mismatch = found.on_mismatch ? found.on_mismatch : otherwise.on_mismatch;
    found.mismatch_said = found.on_mismatch != RF_MISMATCH_DEFAULT;
    found.on_mismatch = mismatch_of(rules, found.on_mismatch);
    found.bad_text = bad_text_of(found.bad_text ? found.bad_text : otherwise.bad_text);
    return found;
}

/* ---- rules that match nothing ---- */

static bool has_column(const struct rf_table *table, const char *glob) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (matches(glob, table->columns[i].name)) {
            return true;
        }
    }
    return false;
}

/* Some table that the rule is about and, unless `column` is NULL, that has such a column. */
static bool is_used(const struct rf_manifest *manifest, const char *table, const char *column) {
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        const struct rf_table *found = &manifest->tables[i].table;
        if (matches(table, found->name) && (!column || has_column(found, column))) {
            return true;
        }
    }
    return false;
}

static const char *place_of(const char *place) {
    return place ? place : "rules";
}

void rf_rules_tell_unused(const struct rf_rules *rules, const struct rf_manifest *manifest,
                          void (*tell)(void *context, const char *message), void *context) {
    char message[512];
    for (uint32_t i = rules->general_table_count; i < rules->table_count; i++) {
        const struct rf_table_rule *rule = &rules->tables[i];
        if (!is_used(manifest, rule->table, NULL)) {
            snprintf(message, sizeof message, "%.200s: no table of the source matches \"%.200s\"",
                     place_of(rule->place), rule->table);
            tell(context, message);
            continue;
        }
        for (uint32_t j = 0; j < rule->column_count; j++) {
            const struct rf_column_rule *column = &rule->columns[j];
            if (!is_used(manifest, rule->table, column->column)) {
                snprintf(message, sizeof message,
                         "%.200s: no column of tables \"%.100s\" matches \"%.100s\"",
                         place_of(column->place), rule->table, column->column);
                tell(context, message);
            }
        }
    }
}

/* ---- words; the first of each list is DEFAULT, which has none ---- */

static const char *const mismatches[] = {"default", "widen", "set-aside", "null", "fail"};
static const char *const bad_texts[] = {"default", "set-aside", "bytea",
                                        "strip",   "replace",   "escape"};
static const char *const standing[] = {"default", "replace", "keep", "skip"};

/* Its place in the list, 0 for none. */
static unsigned find_word(const char *const *words, size_t count, const char *name) {
    for (unsigned i = 1; i < count; i++) {
        if (strcmp(words[i], name) == 0) {
            return i;
        }
    }
    return 0;
}

const char *rf_mismatch_name(enum rf_mismatch mismatch) {
    return mismatches[mismatch];
}

bool rf_mismatch_find(const char *name, enum rf_mismatch *mismatch) {
    unsigned found = find_word(mismatches, COUNT(mismatches), name);
    *mismatch = found ? (enum rf_mismatch)found : *mismatch;
    return found;
}

const char *rf_bad_text_name(enum rf_bad_text bad_text) {
    return bad_texts[bad_text];
}

bool rf_bad_text_find(const char *name, enum rf_bad_text *bad_text) {
    unsigned found = find_word(bad_texts, COUNT(bad_texts), name);
    *bad_text = found ? (enum rf_bad_text)found : *bad_text;
    return found;
}

const char *rf_standing_rows_name(enum rf_standing_rows rows) {
    return standing[rows];
}

bool rf_standing_rows_find(const char *name, enum rf_standing_rows *rows) {
    unsigned found = find_word(standing, COUNT(standing), name);
    *rows = found ? (enum rf_standing_rows)found : *rows;
    return found;
}
