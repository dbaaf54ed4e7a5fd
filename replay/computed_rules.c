/* What the rules would have computed otherwise by now than a plan that was made by earlier ones. */
#include "replay/computed.h"

#include <string.h>

static bool same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static const struct rf_value_rule *value_for(const struct rf_table_settings *settings,
                                             const char *column) {
    for (uint32_t i = 0; i < settings->value_count; i++) {
        if (strcmp(settings->values[i].column, column) == 0) {
            return &settings->values[i];
        }
    }
    return NULL;
}

/* Each of the plan's has one in the rules; then with as many there are no others. */
static const char *values_differ(const struct rf_plan_computed *computed,
                                 const struct rf_table_settings *settings, struct rf_arena *arena) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < computed->target_count; i++) {
        const struct rf_plan_target *target = &computed->targets[i];
        const struct rf_value_rule *rule = value_for(settings, target->name);
        if (target->plain) {
            continue;
        }
        count++;
        if (!rule || strcmp(rule->sql, target->sql) != 0) {
            return rf_arena_printf(arena, "column %s: the value %s is asked for, it is %s",
                                   target->name, rule ? rule->sql : "of the source", target->sql);
        }
    }
    return count == settings->value_count ? NULL : "values are asked for that it does not have";
}

static bool same_join(const struct rf_plan_join *join, const struct rf_join_rule *rule) {
    return strcmp(join->relation, rule->table) == 0 &&
           strcmp(join->alias, rule->alias ? rule->alias : rule->table) == 0 &&
           strcmp(join->on, rule->on) == 0;
}

static const char *joins_differ(const struct rf_plan_computed *computed,
                                const struct rf_table_settings *settings) {
    bool other = computed->join_count != settings->join_count;
    for (uint32_t i = 0; !other && i < computed->join_count; i++) {
        other = !same_join(&computed->joins[i], &settings->joins[i]);
    }
    return other ? "other joins are asked for than it has" : NULL;
}

const char *rf_computed_disagrees(const struct rf_plan *plan,
                                  const struct rf_table_settings *settings,
                                  struct rf_arena *arena) {
    const struct rf_plan_computed *computed = plan->computed;
    bool wanted = settings->where || settings->value_count > 0;
    if (!computed) {
        return wanted ? "rows that are computed or left out are asked for, they go in as they are"
                      : NULL;
    }
    if (!wanted) {
        return "rows as they are are asked for, they are computed or left out";
    }
    if (!same(computed->where, settings->where)) {
        return rf_arena_printf(arena, "where %s is asked for, it is %s",
                               settings->where ? settings->where : "nothing",
                               computed->where ? computed->where : "nothing");
    }
    const char *line = values_differ(computed, settings, arena);
    return line ? line : joins_differ(computed, settings);
}
