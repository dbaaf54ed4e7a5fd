/* Whatever can be seen to be wrong without a database is refused here, where the line is known:
 * words, types, and names that PostgreSQL does not take. */
#include "tools/config_rules.h"

#include <stddef.h>

#include "replay/conversion.h"
#include "replay/names.h"
#include "replay/quote.h"
#include "replay/rules.h"
#include "tools/config_computed.h"
#include "tools/values.h"

/* ---- words ---- */

enum rf_code rf_config_mismatch(struct rf_config_reader *reader, const struct rf_config_key *key,
                                void *into) {
    const char *text;
    enum rf_code code = rf_config_word(reader, key, RF_VALUE_MISMATCH, &text);
    if (code == RF_OK && !rf_mismatch_find(text, rf_config_member(key, into))) {
        return rf_config_refuse(reader, key, RF_VALUE_MISMATCH);
    }
    return code;
}

enum rf_code rf_config_bad_text(struct rf_config_reader *reader, const struct rf_config_key *key,
                                void *into) {
    const char *text;
    enum rf_code code = rf_config_word(reader, key, RF_VALUE_BAD_TEXT, &text);
    if (code == RF_OK && !rf_bad_text_find(text, rf_config_member(key, into))) {
        return rf_config_refuse(reader, key, RF_VALUE_BAD_TEXT);
    }
    return code;
}

static enum rf_code read_rows(struct rf_config_reader *reader, const struct rf_config_key *key,
                              void *into) {
    static const char wanted[] = "replace, keep or skip";
    const char *text;
    enum rf_code code = rf_config_word(reader, key, wanted, &text);
    if (code == RF_OK && !rf_standing_rows_find(text, rf_config_member(key, into))) {
        return rf_config_refuse(reader, key, wanted);
    }
    return code;
}

static enum rf_code read_choice(struct rf_config_reader *reader, const struct rf_config_key *key,
                                void *into) {
    const struct rf_config_key truth = {.name = key->name, .title = key->title};
    enum rf_choice *choice = rf_config_member(key, into);
    bool yes = false;
    enum rf_code code = rf_config_truth(reader, &truth, &yes);
    *choice = yes ? RF_CHOICE_YES : RF_CHOICE_NO;
    return code;
}

/* ---- names and types ---- */

static enum rf_code read_name(struct rf_config_reader *reader, const struct rf_config_key *key,
                              void *into, const char *(*refusal_of)(const char *name)) {
    const char **name = rf_config_member(key, into);
    enum rf_code code = rf_config_string(reader, key, into);
    const char *refusal = code == RF_OK ? refusal_of(*name) : NULL;
    return refusal ? rf_config_fail(reader, "%s \"%s\" cannot be: %s", rf_config_title(key), *name,
                                    refusal)
                   : code;
}

enum rf_code rf_config_relation(struct rf_config_reader *reader, const struct rf_config_key *key,
                                void *into) {
    return read_name(reader, key, into, rf_name_refusal);
}

enum rf_code rf_config_column(struct rf_config_reader *reader, const struct rf_config_key *key,
                              void *into) {
    return read_name(reader, key, into, rf_column_refusal);
}

static enum rf_code read_type(struct rf_config_reader *reader, const struct rf_config_key *key,
                              void *into) {
    const char **spec = rf_config_member(key, into);
    enum rf_code code = rf_config_string(reader, key, into);
    if (code != RF_OK) {
        return code;
    }
    const struct rf_conversion *conversion;
    struct rf_error trouble = {0};
    code = rf_conversion_read(*spec, rf_config_arena(reader), &conversion, &trouble);
    if (code == RF_USAGE) {
        code = rf_config_fail(reader, "%s", trouble.what);
        if (trouble.detail[0]) {
            rf_detail(rf_config_error(reader), "%s", trouble.detail);
        }
        rf_hint(rf_config_error(reader), "%s", trouble.hint);
    } else if (code != RF_OK) {
        *rf_config_error(reader) = trouble;
    }
    return code;
}

static enum rf_code read_key(struct rf_config_reader *reader, const struct rf_config_key *key,
                             void *into) {
    const char *const **columns = rf_config_member(key, into);
    enum rf_code code = rf_config_strings(reader, key, into);
    if (code != RF_OK) {
        return code;
    }
    if (!(*columns)[0]) {
        return rf_config_fail(reader, "key names no column");
    }
    struct rf_names seen;
    rf_names_init(&seen, rf_config_arena(reader));
    for (const char *const *column = *columns; *column; column++) {
        if (rf_names_have(&seen, *column)) {
            return rf_config_fail(reader, "key names column \"%s\" twice", *column);
        }
        rf_names_add(&seen, *column);
    }
    return rf_arena_check(rf_config_arena(reader), rf_config_error(reader));
}

/* ---- rules ---- */

static enum rf_code read_columns(struct rf_config_reader *reader, const struct rf_config_key *key,
                                 void *into) {
    struct rf_table_rule *rule = into;
    void *columns;
    enum rf_code code = rf_config_list(reader, key, &columns, &rule->column_count);
    if (code == RF_OK) {
        rule->columns = columns;
    }
    return code;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OF_COLUMN(member) offsetof(struct rf_column_rule, member)
#define OF_TABLE(member) offsetof(struct rf_table_rule, member)
#define OF_OBJECT(member) offsetof(struct rf_object_rule, member)

static const struct rf_config_key column_keys[] = {
    {.name = "column",
     .read = rf_config_string,
     .offset = OF_COLUMN(column),
     .place = OF_COLUMN(place),
     .required = true},
    {.name = "type", .read = read_type, .offset = OF_COLUMN(type)},
    {.name = "rename", .read = rf_config_column, .offset = OF_COLUMN(rename)},
    {.name = "on_mismatch", .read = rf_config_mismatch, .offset = OF_COLUMN(on_mismatch)},
    {.name = "bad_text", .read = rf_config_bad_text, .offset = OF_COLUMN(bad_text)},
    {.name = "exclude", .read = read_choice, .offset = OF_COLUMN(exclude)},
};
static const struct rf_config_mapping column_rule = {
    .keys = column_keys, .count = COUNT(column_keys), .size = sizeof(struct rf_column_rule)};

static const struct rf_config_key table_keys[] = {
    {.name = "table",
     .read = rf_config_string,
     .offset = OF_TABLE(table),
     .place = OF_TABLE(place),
     .required = true},
    {.name = "rename", .read = rf_config_relation, .offset = OF_TABLE(rename)},
    {.name = "key", .read = read_key, .offset = OF_TABLE(key)},
    {.name = "on_mismatch", .read = rf_config_mismatch, .offset = OF_TABLE(on_mismatch)},
    {.name = "bad_text", .read = rf_config_bad_text, .offset = OF_TABLE(bad_text)},
    {.name = "rows", .read = read_rows, .offset = OF_TABLE(standing_rows)},
    {.name = "where", .read = rf_config_sql, .offset = OF_TABLE(where)},
    {.name = "values", .read = rf_config_values, .mapping = &rf_config_value},
    {.name = "joins", .read = rf_config_joins, .mapping = &rf_config_join},
    {.name = "columns", .read = read_columns, .mapping = &column_rule},
};
const struct rf_config_mapping rf_config_table_rule = {
    .keys = table_keys, .count = COUNT(table_keys), .size = sizeof(struct rf_table_rule)};

static const struct rf_config_key object_keys[] = {
    {.name = "name",
     .read = rf_config_string,
     .offset = OF_OBJECT(name),
     .place = OF_OBJECT(place),
     .required = true},
    {.name = "sql", .read = rf_config_sql, .offset = OF_OBJECT(sql)},
};
const struct rf_config_mapping rf_config_object = {
    .keys = object_keys, .count = COUNT(object_keys), .size = sizeof(struct rf_object_rule)};

enum rf_code rf_config_table_rules(struct rf_config_reader *reader, const struct rf_config_key *key,
                                   void *into) {
    struct rf_rules *rules = rf_config_member(key, into);
    void *tables = NULL;
    enum rf_code code =
        rf_config_longer_list(reader, key, NULL, rules->tables, &tables, &rules->table_count);
    rules->tables = code == RF_OK ? tables : rules->tables;
    return code;
}

enum rf_code rf_config_objects(struct rf_config_reader *reader, const struct rf_config_key *key,
                               void *into) {
    static const struct rf_config_named named = {
        .what = "object", .name = OF_OBJECT(name), .place = OF_OBJECT(place)};
    struct rf_rules *rules = rf_config_member(key, into);
    void *objects = NULL;
    enum rf_code code =
        rf_config_longer_list(reader, key, &named, rules->objects, &objects, &rules->object_count);
    rules->objects = code == RF_OK ? objects : rules->objects;
    return code;
}
