/* SQL is the server's to judge. What would make two things of one name, or a rule that says nothing,
 * is refused here. */
#include "tools/config_computed.h"

#include <stddef.h>
#include <string.h>

#include "replay/names.h"
#include "replay/rules.h"
#include "tools/config_rules.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OF_VALUE(member) offsetof(struct rf_value_rule, member)
#define OF_JOIN(member) offsetof(struct rf_join_rule, member)

static const struct rf_config_key value_keys[] = {
    {.name = "column",
     .read = rf_config_column,
     .offset = OF_VALUE(column),
     .place = OF_VALUE(place),
     .required = true},
    {.name = "sql", .read = rf_config_sql, .offset = OF_VALUE(sql), .required = true},
};
const struct rf_config_mapping rf_config_value = {
    .keys = value_keys, .count = COUNT(value_keys), .size = sizeof(struct rf_value_rule)};

static const struct rf_config_key join_keys[] = {
    {.name = "table",
     .read = rf_config_relation,
     .offset = OF_JOIN(table),
     .place = OF_JOIN(place),
     .required = true},
    {.name = "as", .read = rf_config_relation, .offset = OF_JOIN(alias)},
    {.name = "on", .read = rf_config_sql, .offset = OF_JOIN(on), .required = true},
};
const struct rf_config_mapping rf_config_join = {
    .keys = join_keys, .count = COUNT(join_keys), .size = sizeof(struct rf_join_rule)};

/* An empty list would say nothing, and look as if it took back what an earlier rule says. */
static enum rf_code refuse_empty(struct rf_config_reader *reader, const struct rf_config_key *key,
                                 uint32_t count) {
    return count > 0 ? RF_OK : rf_config_fail(reader, "%s is an empty list", rf_config_title(key));
}

enum rf_code rf_config_values(struct rf_config_reader *reader, const struct rf_config_key *key,
                              void *into) {
    static const struct rf_config_named named = {
        .what = "value of column", .name = OF_VALUE(column), .place = OF_VALUE(place)};
    struct rf_table_rule *rule = into;
    void *values = NULL;
    enum rf_code code =
        rf_config_longer_list(reader, key, &named, NULL, &values, &rule->value_count);
    rule->values = values;
    return code == RF_OK ? refuse_empty(reader, key, rule->value_count) : code;
}

/* In SQL, `source` is the row of the source. */
static enum rf_code check_aliases(struct rf_config_reader *reader, const struct rf_join_rule *joins,
                                  uint32_t count) {
    struct rf_names seen;
    rf_names_init(&seen, rf_config_arena(reader));
    for (uint32_t i = 0; i < count; i++) {
        const char *alias = joins[i].alias ? joins[i].alias : joins[i].table;
        if (strcmp(alias, "source") == 0) {
            rf_fail(rf_config_error(reader), RF_USAGE,
                    "%s: a join cannot go by the name \"source\", which is the row's own",
                    joins[i].place);
            rf_hint(rf_config_error(reader), "name it otherwise with as, such as as: other.");
            return RF_USAGE;
        }
        if (rf_names_have(&seen, alias)) {
            return rf_fail(rf_config_error(reader), RF_USAGE, "%s: join \"%s\" is there twice",
                           joins[i].place, alias);
        }
        rf_names_add(&seen, alias);
    }
    return rf_arena_check(rf_config_arena(reader), rf_config_error(reader));
}

enum rf_code rf_config_joins(struct rf_config_reader *reader, const struct rf_config_key *key,
                             void *into) {
    struct rf_table_rule *rule = into;
    void *joins = NULL;
    enum rf_code code = rf_config_list(reader, key, &joins, &rule->join_count);
    rule->joins = joins;
    if (code == RF_OK) {
        code = refuse_empty(reader, key, rule->join_count);
    }
    return code == RF_OK ? check_aliases(reader, joins, rule->join_count) : code;
}
