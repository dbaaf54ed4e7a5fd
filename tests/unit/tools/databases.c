/* If these fail, a table goes to the wrong database, to none, or to one with more connections than
 * the application allows itself. */
#include "tools/databases.h"

#include <criterion/criterion.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static struct rf_postgres_config config;
static struct rf_database *databases;
static struct rf_error error;
static const struct rf_rules rules;

static const char *const state_tables[] = {"state_groups*", "state_group_edges", NULL};
static const char *const main_tables[] = {"events", "users*", NULL};
static const char *const all_tables[] = {"*", NULL};
static const char *const shared_tables[] = {"*", "state_group_edges", NULL};

static const struct rf_store named[] = {{.name = "main", .tables = main_tables},
                                        {.name = "state", .tables = state_tables}};
static const struct rf_store rest[] = {{.name = "main", .tables = all_tables},
                                       {.name = "state", .tables = state_tables}};
static const struct rf_store shared[] = {{.name = "main", .tables = shared_tables},
                                         {.name = "state", .tables = state_tables}};

static enum rf_code make(const char *text, const struct rf_store *stores, unsigned jobs,
                         bool jobs_said) {
    const struct rf_databases_options options = {
        .store_count = stores ? 2 : 0,
        .stores = stores,
        .jobs = jobs,
        .jobs_said = jobs_said,
        .rules = &rules,
    };
    rf_error_clear(&error);
    enum rf_code code = rf_postgres_config_parse("h.yaml", text, strlen(text), &config, &error);
    cr_assert_eq(code, RF_OK, "%s: %s", text, error.what);
    return rf_databases_make(&config, &options, &config.arena, &databases, &error);
}

static bool matches(const char *const *globs, const char *name) {
    for (; globs && *globs; globs++) {
        if (fnmatch(*globs, name, 0) == 0) {
            return true;
        }
    }
    return false;
}

/* What struct rf_target_options says of `own` and `others`. */
static bool is_here(uint32_t place, const char *table) {
    const struct rf_database *database = &databases[place];
    return matches(database->own, table) || !matches(database->others, table);
}

static void expect(const char *table, bool first, bool second) {
    cr_expect_eq(is_here(0, table), first, "%s in the first", table);
    cr_expect_eq(is_here(1, table), second, "%s in the second", table);
}

#define ENTRY(label, stores, args) \
    label ": {name: psycopg2, data_stores: [" stores "], args: {" args "}}\n"
static const char two[] =
    "databases:\n"
    "  " ENTRY("a", "main", "dbname: one") "  " ENTRY("b", "state", "dbname: two");

Test(databases, one_takes_everything) {
    const char *const texts[] = {
        "database: {name: psycopg2, args: {dbname: d}}",
        "database: {name: psycopg2, data_stores: [main, state], args: {dbname: d}}",
        "databases: {x: {name: psycopg2, args: {dbname: d}}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (int with = 0; with < 2; with++) {
            cr_assert_eq(make(texts[i], with ? named : NULL, 3, true), RF_OK, "%s", error.what);
            cr_expect_null(databases[0].name);
            cr_expect_null(databases[0].own);
            cr_expect_null(databases[0].others);
            cr_expect_eq(databases[0].jobs, 3);
            struct rf_target_options options = {.jobs = 1};
            rf_database_options(&databases[0], config.count, &options);
            cr_expect_not(options.one_of_several);
            cr_expect_null(options.store);
            rf_postgres_config_release(&config);
        }
    }
}

Test(databases, tables_go_where_their_store_is) {
    cr_assert_eq(make(two, named, 1, true), RF_OK, "%s", error.what);
    cr_expect_str_eq(databases[0].name, "main");
    cr_expect_str_eq(databases[1].name, "state");
    expect("events", true, false);
    expect("users_x", true, false);
    expect("state_groups_state", false, true);
    expect("state_group_edges", false, true);
    expect("of_no_store", true, true);
    struct rf_target_options options = {.jobs = 1};
    rf_database_options(&databases[1], config.count, &options);
    cr_expect(options.one_of_several);
    cr_expect_str_eq(options.store, "state");
    rf_postgres_config_release(&config);
}

Test(databases, a_store_may_take_the_rest) {
    cr_assert_eq(make(two, rest, 1, true), RF_OK, "%s", error.what);
    expect("events", true, false);
    expect("state_groups", false, true);
    expect("of_no_store", true, false);
    rf_postgres_config_release(&config);
    cr_assert_eq(make(two, shared, 1, true), RF_OK, "%s", error.what);
    expect("events", true, false);
    expect("state_groups", false, true);
    expect("state_group_edges", true, true);
    rf_postgres_config_release(&config);
}

Test(databases, stores_and_file_must_go_together) {
    static const struct {
        const char *text;
        const struct rf_store *stores;
        const char *what;
    } cases[] = {
        {two, NULL, "h.yaml:2:6: tables are split over 2 databases, and nothing says which"},
        {"databases:\n  " ENTRY("a", "main", "dbname: one") "  " ENTRY("b", "stat", "dbname: two"),
         named, "h.yaml:3:6: the profile knows no store \"stat\""},
        {"databases:\n  " ENTRY("a", "main", "dbname: one"), named,
         "h.yaml:2:6: no database has the store \"state\""},
        {"database: {name: psycopg2, data_stores: [state], args: {dbname: d}}", named,
         "h.yaml:1:11: no database has the store \"main\""},
        {"databases:\n  " ENTRY("a", "main, state", "dbname: one") "  " ENTRY("b", "state",
                                                                              "dbname: two"),
         named, "h.yaml:3:6: the store \"state\" is in two databases, a and b"},
        {"databases:\n  a: {name: psycopg2, args: {dbname: one}}\n  " ENTRY("b", "state",
                                                                            "dbname: two"),
         named, "h.yaml:3:6: the store \"state\" is in two databases, a and b"},
        {"databases:\n  " ENTRY("a", "main", "dbname: one, user: u") "  " ENTRY(
             "b", "state", "database: one, user: v"),
         named, "h.yaml:3:6: b is the same database as a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum rf_code code = make(cases[i].text, cases[i].stores, 1, true);
        cr_expect_eq(code, RF_USAGE, "%s", cases[i].text);
        cr_expect_eq(strncmp(error.what, cases[i].what, strlen(cases[i].what)), 0, "%s: %s",
                     cases[i].text, error.what);
        rf_postgres_config_release(&config);
    }
}

Test(databases, connections_keep_to_the_pool) {
    static const struct {
        const char *pool;
        unsigned jobs;
        bool said;
        unsigned wanted; /* and two more are for the ledger and what looks at rows */
    } cases[] = {
        {"", 4, false, 4},
        {"cp_min: 5, cp_max: 10", 2, false, 4},
        {"cp_min: 5, cp_max: 10", 2, true, 2},
        {"cp_min: 5, cp_max: 10", 8, false, 8},
        {"cp_max: 10", 64, true, 8},
        {"cp_max: 4", 8, false, 2},
        {"cp_max: 2", 8, true, 1},
        {"cp_max: 1", 8, true, 1},
        {"cp_min: 1, cp_max: 1", 1, false, 1},
        {"cp_min: 0, cp_max: 3", 8, false, 1},
        {"cp_min: 500", 1, false, 64},
        {"cp_min: '7', cp_max: '7'", 1, false, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[160];
        snprintf(text, sizeof text, "database: {name: psycopg2, args: {dbname: d, %s}}",
                 cases[i].pool);
        cr_assert_eq(make(text, NULL, cases[i].jobs, cases[i].said), RF_OK, "%s", error.what);
        cr_expect_eq(databases[0].jobs, cases[i].wanted, "%s with %u: %u", cases[i].pool,
                     cases[i].jobs, databases[0].jobs);
        rf_postgres_config_release(&config);
    }
}

Test(databases, the_locale_is_waived_for_each_by_itself) {
    cr_assert_eq(make("databases:\n"
                      "  a: {name: psycopg2, data_stores: [main], args: {dbname: one}}\n"
                      "  b: {name: psycopg2, data_stores: [state], allow_unsafe_locale: true, "
                      "args: {dbname: two}}\n",
                      named, 1, true),
                 RF_OK, "%s", error.what);
    cr_expect_not(databases[0].rules.any_locale);
    cr_expect(databases[1].rules.any_locale);
    rf_postgres_config_release(&config);
}

Test(databases, rules_may_be_for_one_store) {
    static const struct rf_after_rule after[] = {
        {.sql = "1"}, {.sql = "2", .store = "state"}, {.sql = "3", .store = "main"}};
    static const struct rf_requirement_rule requirements[] = {{.name = "a", .store = "state"},
                                                              {.name = "b"}};
    const struct rf_rules with = {
        .after_count = 3, .after = after, .requirement_count = 2, .requirements = requirements};
    const struct rf_databases_options options = {
        .store_count = 2, .stores = named, .jobs = 1, .rules = &with};
    cr_assert_eq(rf_postgres_config_parse("h.yaml", two, strlen(two), &config, &error), RF_OK);
    cr_assert_eq(rf_databases_make(&config, &options, &config.arena, &databases, &error), RF_OK);
    const struct rf_rules *one = &databases[0].rules, *other = &databases[1].rules;
    cr_assert_eq(one->after_count, 2);
    cr_expect_str_eq(one->after[0].sql, "1");
    cr_expect_str_eq(one->after[1].sql, "3");
    cr_assert_eq(one->requirement_count, 2);
    cr_expect_str_eq(one->requirements[0].name, "a", "the answers of the source have its place");
    cr_expect(one->requirements[0].elsewhere && !one->requirements[1].elsewhere);
    cr_assert_eq(other->after_count, 2);
    cr_expect_str_eq(other->after[1].sql, "2");
    cr_expect_eq(other->requirement_count, 2);
    cr_expect_not(other->requirements[0].elsewhere || other->requirements[1].elsewhere);
    rf_postgres_config_release(&config);

    cr_expect_eq(rf_databases_check_rules(&with, named, 2, &error), RF_OK);
    cr_expect_eq(rf_databases_check_rules(&with, named, 1, &error), RF_USAGE);
    cr_expect_eq(rf_databases_check_rules(&with, NULL, 0, &error), RF_USAGE);
    cr_expect_not_null(strstr(error.what, "no store is called \"state\""), "%s", error.what);
}
