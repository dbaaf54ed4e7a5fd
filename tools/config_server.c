/* What the queries say is for the two databases to judge; what they are for has to be clear here. */
#include "tools/config_server.h"

#include <stddef.h>
#include <string.h>

#include "replay/rules.h"
#include "tools/config.h"
#include "tools/config_rules.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- words and lists ---- */

/* The place of the word among `words`, NULL-terminated. */
static enum rf_code read_word(struct rf_config_reader *reader, const struct rf_config_key *key,
                              const char *const *words, const char *wanted, unsigned *place) {
    const char *text;
    enum rf_code code = rf_config_word(reader, key, wanted, &text);
    for (*place = 0; code == RF_OK && words[*place]; ++*place) {
        if (strcmp(text, words[*place]) == 0) {
            return RF_OK;
        }
    }
    return code == RF_OK ? rf_config_refuse(reader, key, wanted) : code;
}

static enum rf_code read_when(struct rf_config_reader *reader, const struct rf_config_key *key,
                              void *into) {
    static const char *const words[] = {
        [RF_WHEN_ALWAYS] = "always", [RF_WHEN_FIRST] = "first", [RF_WHEN_FINAL] = "final", NULL};
    enum rf_when *when = rf_config_member(key, into);
    unsigned place;
    enum rf_code code = read_word(reader, key, words, "always, first or final", &place);
    *when = code == RF_OK ? (enum rf_when)place : RF_WHEN_ALWAYS;
    return code;
}

static enum rf_code read_expectation(struct rf_config_reader *reader,
                                     const struct rf_config_key *key, void *into) {
    static const char *const words[] = {[RF_EXPECT_EQUAL] = "equal",
                                        [RF_EXPECT_NOTHING] = "nothing",
                                        [RF_EXPECT_SOMETHING] = "something",
                                        NULL};
    enum rf_expectation *expect = rf_config_member(key, into);
    unsigned place;
    enum rf_code code = read_word(reader, key, words, "equal, nothing or something", &place);
    *expect = code == RF_OK ? (enum rf_expectation)place : RF_EXPECT_EQUAL;
    return code;
}

static bool is_blank(const char *text) {
    return text[strspn(text, " \t\r\n;")] == 0;
}

/* At least one, and each of them says something. */
static enum rf_code read_filled(struct rf_config_reader *reader, const struct rf_config_key *key,
                                void *into) {
    const char *const **list = rf_config_member(key, into);
    enum rf_code code = rf_config_strings(reader, key, into);
    if (code == RF_OK && !(*list)[0]) {
        return rf_config_fail(reader, "%s is an empty list", rf_config_title(key));
    }
    for (const char *const *text = *list; code == RF_OK && *text; text++) {
        if (is_blank(*text)) {
            code = rf_config_fail(reader, "%s has an empty string", rf_config_title(key));
        }
    }
    return code;
}

/* ---- sequences ---- */

#define OF_SEQUENCE(member) offsetof(struct rf_sequence_rule, member)

static const struct rf_config_key sequence_keys[] = {
    {.name = "name",
     .read = rf_config_relation,
     .offset = OF_SEQUENCE(name),
     .place = OF_SEQUENCE(place),
     .required = true},
    {.name = "queries", .read = read_filled, .offset = OF_SEQUENCE(queries), .required = true},
    {.name = "optional", .read = rf_config_truth, .offset = OF_SEQUENCE(optional)},
};
const struct rf_config_mapping rf_config_sequence = {
    .keys = sequence_keys, .count = COUNT(sequence_keys), .size = sizeof(struct rf_sequence_rule)};

enum rf_code rf_config_sequences(struct rf_config_reader *reader, const struct rf_config_key *key,
                                 void *into) {
    static const struct rf_config_named named = {
        .what = "sequence", .name = OF_SEQUENCE(name), .place = OF_SEQUENCE(place)};
    struct rf_rules *rules = rf_config_member(key, into);
    void *sequences = NULL;
    enum rf_code code = rf_config_longer_list(reader, key, &named, rules->sequences, &sequences,
                                              &rules->sequence_count);
    rules->sequences = code == RF_OK ? sequences : rules->sequences;
    return code;
}

/* ---- SQL afterwards ---- */

#define OF_AFTER(member) offsetof(struct rf_after_rule, member)

static const struct rf_config_key after_keys[] = {
    {.name = "sql",
     .read = rf_config_sql,
     .offset = OF_AFTER(sql),
     .place = OF_AFTER(place),
     .required = true},
    {.name = "when", .read = read_when, .offset = OF_AFTER(when)},
    {.name = "store", .read = rf_config_string, .offset = OF_AFTER(store)},
};
const struct rf_config_mapping rf_config_after_sql = {
    .keys = after_keys, .count = COUNT(after_keys), .size = sizeof(struct rf_after_rule)};

enum rf_code rf_config_after(struct rf_config_reader *reader, const struct rf_config_key *key,
                             void *into) {
    struct rf_rules *rules = rf_config_member(key, into);
    void *after = NULL;
    enum rf_code code =
        rf_config_longer_list(reader, key, NULL, rules->after, &after, &rules->after_count);
    rules->after = code == RF_OK ? after : rules->after;
    return code;
}

/* ---- requirements ---- */

#define OF_REQUIREMENT(member) offsetof(struct rf_requirement_rule, member)

static const struct rf_config_key requirement_keys[] = {
    {.name = "name",
     .read = rf_config_string,
     .offset = OF_REQUIREMENT(name),
     .place = OF_REQUIREMENT(place),
     .required = true},
    {.name = "source", .read = rf_config_sql, .offset = OF_REQUIREMENT(source)},
    {.name = "target", .read = rf_config_sql, .offset = OF_REQUIREMENT(target)},
    {.name = "expect", .read = read_expectation, .offset = OF_REQUIREMENT(expect)},
    {.name = "warns", .read = rf_config_truth, .offset = OF_REQUIREMENT(warns)},
    {.name = "when", .read = read_when, .offset = OF_REQUIREMENT(when)},
    {.name = "hint", .read = rf_config_string, .offset = OF_REQUIREMENT(hint)},
    {.name = "store", .read = rf_config_string, .offset = OF_REQUIREMENT(store)},
};
const struct rf_config_mapping rf_config_requirement = {.keys = requirement_keys,
                                                        .count = COUNT(requirement_keys),
                                                        .size = sizeof(struct rf_requirement_rule)};

static enum rf_code check_requirement(struct rf_config_reader *reader,
                                      const struct rf_requirement_rule *rule) {
    const char *trouble = NULL;
    if (!rule->source && !rule->target) {
        trouble = "asks neither source nor target";
    } else if (rule->expect == RF_EXPECT_EQUAL && (!rule->source || !rule->target)) {
        trouble = "expects equal answers, and asks one side only";
    }
    if (!trouble) {
        return RF_OK;
    }
    rf_fail(rf_config_error(reader), RF_USAGE, "%s: requirement \"%s\" %s", rule->place, rule->name,
            trouble);
    rf_hint(rf_config_error(reader), "source is a query for SQLite, target one for PostgreSQL.");
    return RF_USAGE;
}

enum rf_code rf_config_requirements(struct rf_config_reader *reader,
                                    const struct rf_config_key *key, void *into) {
    static const struct rf_config_named named = {
        .what = "requirement", .name = OF_REQUIREMENT(name), .place = OF_REQUIREMENT(place)};
    struct rf_rules *rules = rf_config_member(key, into);
    void *read = NULL;
    enum rf_code code = rf_config_longer_list(reader, key, &named, rules->requirements, &read,
                                              &rules->requirement_count);
    rules->requirements = code == RF_OK ? read : rules->requirements;
    for (uint32_t i = 0; code == RF_OK && i < rules->requirement_count; i++) {
        code = check_requirement(reader, &rules->requirements[i]);
    }
    return code;
}

/* ---- stores ---- */

#define OF_STORE(member) offsetof(struct rf_store, member)

static const struct rf_config_key store_keys[] = {
    {.name = "name",
     .read = rf_config_string,
     .offset = OF_STORE(name),
     .place = OF_STORE(place),
     .required = true},
    {.name = "tables", .read = read_filled, .offset = OF_STORE(tables), .required = true},
};
const struct rf_config_mapping rf_config_store = {
    .keys = store_keys, .count = COUNT(store_keys), .size = sizeof(struct rf_store)};

enum rf_code rf_config_stores(struct rf_config_reader *reader, const struct rf_config_key *key,
                              void *into) {
    static const struct rf_config_named named = {
        .what = "store", .name = OF_STORE(name), .place = OF_STORE(place)};
    struct rf_config *config = into;
    void *stores = NULL;
    config->store_count = 0;
    enum rf_code code =
        rf_config_longer_list(reader, key, &named, NULL, &stores, &config->store_count);
    config->stores = stores;
    return code;
}
