/* If these fail, a configuration file is read in another way than it was meant, or an error in it
 * sends its author to the wrong line. Lines and columns are counted by hand. */
#include "tools/config.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/bytes.h"

static enum rf_code parse(const char *text, struct rf_config *config, struct rf_error *error) {
    rf_error_clear(error);
    return rf_config_parse("f.yaml", text, strlen(text), config, error);
}

Test(config, every_key) {
    const char *text = "# all of them\n"
                       "repo: /var/lib/app\n"
                       "target: \"host=db user='x'\"\n"
                       "schema: app\n"
                       "jobs: 4\n"
                       "tables:\n"
                       "  include: [\"*\", 'user?']\n"
                       "  exclude:\n"
                       "    - cache_*\n"
                       "progress: never\n"
                       "busy_timeout: 2.5\n"
                       "sign_key: /etc/app.key\n"
                       "trusted_keys: [app.key.pub, /etc/other.pub]\n";
    struct rf_config config;
    struct rf_error error;
    cr_assert_eq(parse(text, &config, &error), RF_OK, "%s", error.what);
    cr_expect_str_eq(config.repo, "/var/lib/app");
    cr_expect_str_eq(config.target, "host=db user='x'");
    cr_expect_str_eq(config.schema, "app");
    cr_expect_eq(config.jobs, 4);
    cr_expect_str_eq(config.include[0], "*");
    cr_expect_str_eq(config.include[1], "user?");
    cr_expect_null(config.include[2]);
    cr_expect_str_eq(config.exclude[0], "cache_*");
    cr_expect_null(config.exclude[1]);
    cr_expect(config.has_progress);
    cr_expect_eq(config.progress, RF_PROGRESS_NEVER);
    cr_expect_eq(config.busy_timeout_ms, 2500);
    cr_expect_str_eq(config.sign_key, "/etc/app.key");
    cr_expect_str_eq(config.trusted[0], "app.key.pub");
    cr_expect_str_eq(config.trusted[1], "/etc/other.pub");
    cr_expect_null(config.trusted[2]);
    rf_config_release(&config);
    rf_config_release(&config);
}

Test(config, nothing_is_a_configuration_too) {
    const char *const texts[] = {"", "\n\n", "# a comment\n", "---\n", "---\n...\n", "{}", "~"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct rf_config config;
        struct rf_error error;
        cr_assert_eq(parse(texts[i], &config, &error), RF_OK, "%s: %s", texts[i], error.what);
        cr_expect_null(config.repo);
        cr_expect_eq(config.jobs, 0);
        cr_expect_eq(config.busy_timeout_ms, -1);
        cr_expect_not(config.has_progress);
        rf_config_release(&config);
    }
}

Test(config, an_empty_list_is_a_list) {
    struct rf_config config;
    struct rf_error error;
    cr_assert_eq(parse("tables: {include: []}", &config, &error), RF_OK);
    cr_assert_not_null(config.include);
    cr_expect_null(config.include[0]);
    cr_expect_null(config.exclude);
    rf_config_release(&config);
}

Test(config, every_error_with_its_place) {
    struct {
        const char *text;
        const char *what;
    } cases[] = {
        {"jbos: 4\n", "f.yaml:1:1: unknown key \"jbos\""},
        {"repo: a\nschema: b\nrepo: c\n", "f.yaml:3:1: key \"repo\" is there twice"},
        {"tables:\n  include: [a]\n  exclud: [b]\n", "f.yaml:3:3: unknown key \"exclud\""},
        {"tables: {include: [a], include: [b]}", "f.yaml:1:24: key \"include\" is there twice"},
        {"- repo\n", "f.yaml:1:1: the file must be a mapping of keys to values, not a list"},
        {"repo", "f.yaml:1:1: the file must be a mapping of keys to values, not a string"},
        {"[a, b]: c", "f.yaml:1:1: a key must be a word, not a list"},
        {"{a: b}: c", "f.yaml:1:1: a key must be a word, not a mapping"},
        /* types */
        {"repo: [a]\n", "f.yaml:1:7: repo must be a string, not a list"},
        {"repo: {a: b}\n", "f.yaml:1:7: repo must be a string, not a mapping"},
        {"repo:\n", "f.yaml:1:6: repo must be a string, not nothing"},
        {"repo: ~\n", "f.yaml:1:7: repo must be a string, not nothing"},
        {"repo: 12\n", "f.yaml:1:7: repo must be a string, not a number"},
        {"repo: 1e3\n", "f.yaml:1:7: repo must be a string, not a number"},
        {"schema: yes\n", "f.yaml:1:9: schema must be a string, not true or false"},
        {"schema: 'x\n", "f.yaml:2:1: not YAML: found unexpected end of stream"},
        {"schema: ''\n", "f.yaml:1:9: schema is empty"},
        {"repo: \"\"\n", "f.yaml:1:7: repo is empty"},
        {"repo: \"a\\0b\"\n", "f.yaml:1:7: repo contains a NUL"},
        {"jobs: \"4\"\n", "f.yaml:1:7: jobs must be a number from 1 to 64, not a string"},
        {"jobs: four\n", "f.yaml:1:7: jobs must be a number from 1 to 64, not a string"},
        {"jobs: 0\n", "f.yaml:1:7: jobs must be a number from 1 to 64, not \"0\""},
        {"jobs: 65\n", "f.yaml:1:7: jobs must be a number from 1 to 64, not \"65\""},
        {"jobs: -1\n", "f.yaml:1:7: jobs must be a number from 1 to 64, not \"-1\""},
        {"jobs: 4.0\n", "f.yaml:1:7: jobs must be a number from 1 to 64, not \"4.0\""},
        {"jobs: 99999999999999999999\n",
         "f.yaml:1:7: jobs must be a number from 1 to 64, not \"99999999999999999999\""},
        {"progress: sometimes\n",
         "f.yaml:1:11: progress must be auto, always or never, not \"sometimes\""},
        {"progress: true\n",
         "f.yaml:1:11: progress must be auto, always or never, not true or false"},
        {"busy_timeout: -1\n",
         "f.yaml:1:15: busy_timeout must be a number of seconds from 0 to 86400, not \"-1\""},
        {"busy_timeout: 86401\n",
         "f.yaml:1:15: busy_timeout must be a number of seconds from 0 to 86400, not \"86401\""},
        {"busy_timeout: 5s\n",
         "f.yaml:1:15: busy_timeout must be a number of seconds from 0 to 86400, not a string"},
        {"tables: [a]\n",
         "f.yaml:1:9: tables must be a mapping of include, exclude, shadow and rules, not a list"},
        {"tables:\n  include: a\n", "f.yaml:2:12: tables.include must be a list, not a string"},
        {"tables:\n  include:\n", "f.yaml:2:11: tables.include must be a list, not nothing"},
        {"tables:\n  exclude: [a, 3]\n",
         "f.yaml:2:16: tables.exclude must be a string, not a number"},
        {"tables:\n  exclude: [a, '']\n", "f.yaml:2:16: tables.exclude is empty"},
        {"tables:\n  exclude: [[a]]\n", "f.yaml:2:13: tables.exclude must be a string, not a list"},
        /* rules */
        {"fold_names: yes\n", "f.yaml:1:13: fold_names must be true or false, not \"yes\""},
        {"existing: 1\n", "f.yaml:1:11: existing must be true or false, not a number"},
        {"atomic: 'true'\n", "f.yaml:1:9: atomic must be true or false, not a string"},
        {"foreign_keys:\n", "f.yaml:1:14: foreign_keys must be true or false, not nothing"},
        {"foreign_keys: []\n", "f.yaml:1:15: foreign_keys must be true or false, not a list"},
        {"on_mismatch: set_aside\n", "f.yaml:1:14: on_mismatch must be widen, set-aside, null or "
                                     "fail, not \"set_aside\""},
        {"on_mismatch:\n",
         "f.yaml:1:13: on_mismatch must be widen, set-aside, null or fail, not nothing"},
        {"on_mismatch: ~\n",
         "f.yaml:1:14: on_mismatch must be widen, set-aside, null or fail, not nothing"},
        {"on_mismatch: Null\n",
         "f.yaml:1:14: on_mismatch must be widen, set-aside, null or fail, not nothing"},
        {"on_mismatch: default\n",
         "f.yaml:1:14: on_mismatch must be widen, set-aside, null or fail, not \"default\""},
        {"on_mismatch: {null: x}\n",
         "f.yaml:1:14: on_mismatch must be widen, set-aside, null or fail, not a mapping"},
        {"bad_text: null\n", "f.yaml:1:11: bad_text must be set-aside, bytea, strip, replace or "
                             "escape, not \"null\""},
        {"tables:\n  rules: x\n", "f.yaml:2:10: tables.rules must be a list of mappings, not a "
                                  "string"},
        {"tables:\n  rules:\n    table: x\n",
         "f.yaml:3:5: tables.rules must be a list of mappings, not a mapping"},
        {"tables:\n  rules:\n    - x\n",
         "f.yaml:3:7: tables.rules must be a list of mappings, not a string"},
        {"tables:\n  rules:\n    - rename: x\n", "f.yaml:3:7: key \"table\" is missing"},
        {"tables:\n  rules:\n    - table: ''\n", "f.yaml:3:14: table is empty"},
        {"tables:\n  rules:\n    - {table: a, table: b}\n",
         "f.yaml:3:18: key \"table\" is there twice"},
        {"tables:\n  rules:\n    - {table: a, type: b}\n", "f.yaml:3:18: unknown key \"type\""},
        {"tables:\n  rules:\n    - {table: a, rename: ''}\n", "f.yaml:3:26: rename is empty"},
        {"tables: {rules: [{table: a, rename: "
         "'1234567890123456789012345678901234567890123456789012345678901234'}]}",
         "f.yaml:1:37: rename \"1234567890123456789012345678901234567890123456789012345678901234\""
         " cannot be: the name is longer than 63 bytes"},
        {"tables: {rules: [{table: a, key: b}]}", "f.yaml:1:34: key must be a list, not a string"},
        {"tables: {rules: [{table: a, key: []}]}", "f.yaml:1:35: key names no column"},
        {"tables: {rules: [{table: a, key: [b, c, b]}]}",
         "f.yaml:1:42: key names column \"b\" twice"},
        {"tables: {rules: [{table: a, rows: delete}]}",
         "f.yaml:1:35: rows must be replace, keep or skip, not \"delete\""},
        {"tables: {rules: [{table: a, columns: {}}]}",
         "f.yaml:1:38: columns must be a list of mappings, not a mapping"},
        {"tables: {rules: [{table: a, columns: [{type: text}]}]}",
         "f.yaml:1:39: key \"column\" is missing"},
        {"tables: {rules: [{table: a, columns: [{column: c, rename: ctid}]}]}",
         "f.yaml:1:59: rename \"ctid\" cannot be: every PostgreSQL table has a system column of "
         "that name"},
        {"tables: {rules: [{table: a, columns: [{column: c, exclude: off}]}]}",
         "f.yaml:1:60: exclude must be true or false, not \"off\""},
        {"tables: {rules: [{table: a, columns: [{column: c, rows: keep}]}]}",
         "f.yaml:1:51: unknown key \"rows\""},
        /* what the server computes */
        {"tables: {rules: [{table: a, where: ''}]}", "f.yaml:1:36: where is empty"},
        {"tables: {rules: [{table: a, where: \" \\n;\"}]}", "f.yaml:1:36: where is empty"},
        {"tables: {rules: [{table: a, where: true}]}",
         "f.yaml:1:36: where must be a string, not true or false"},
        {"tables: {rules: [{table: a, values: {}}]}",
         "f.yaml:1:37: values must be a list of mappings, not a mapping"},
        {"tables: {rules: [{table: a, values: []}]}", "f.yaml:1:38: values is an empty list"},
        {"tables: {rules: [{table: a, values: [{column: c}]}]}",
         "f.yaml:1:38: key \"sql\" is missing"},
        {"tables: {rules: [{table: a, values: [{sql: c}]}]}",
         "f.yaml:1:38: key \"column\" is missing"},
        {"tables: {rules: [{table: a, values: [{column: c, sql: 1}]}]}",
         "f.yaml:1:55: sql must be a string, not a number"},
        {"tables: {rules: [{table: a, values: [{column: xmin, sql: x}]}]}",
         "f.yaml:1:47: column \"xmin\" cannot be: every PostgreSQL table has a system column of "
         "that name"},
        {"tables: {rules: [{table: a, values: [{column: c, sql: x}, {column: c, sql: y}]}]}",
         "f.yaml:1:68: value of column \"c\" is there twice"},
        {"tables: {rules: [{table: a, joins: []}]}", "f.yaml:1:37: joins is an empty list"},
        {"tables: {rules: [{table: a, joins: [{table: b, as: c}]}]}",
         "f.yaml:1:37: key \"on\" is missing"},
        {"tables: {rules: [{table: a, joins: [{as: c, on: x}]}]}",
         "f.yaml:1:37: key \"table\" is missing"},
        {"tables: {rules: [{table: a, joins: [{table: b, as: source, on: x}]}]}",
         "f.yaml:1:45: a join cannot go by the name \"source\", which is the row's own"},
        {"tables: {rules: [{table: a, joins: [{table: source, on: x}]}]}",
         "f.yaml:1:45: a join cannot go by the name \"source\", which is the row's own"},
        {"tables: {rules: [{table: a, joins: [{table: b, on: x}, {table: c, as: b, on: x}]}]}",
         "f.yaml:1:64: join \"b\" is there twice"},
        {"tables: {shadow: x}", "f.yaml:1:18: tables.shadow must be a list, not a string"},
        {"tables: {shadow: [x, y, [z]]}",
         "f.yaml:1:25: tables.shadow must be a string, not a list"},
        /* what is asked of the server */
        {"sequences: {name: s}\n", "f.yaml:1:12: sequences must be a list of mappings, not a "
                                   "mapping"},
        {"sequences: [{queries: [x]}]\n", "f.yaml:1:13: key \"name\" is missing"},
        {"sequences: [{name: s}]\n", "f.yaml:1:13: key \"queries\" is missing"},
        {"sequences: [{name: s, queries: []}]\n", "f.yaml:1:33: queries is an empty list"},
        {"sequences: [{name: s, queries: x}]\n", "f.yaml:1:32: queries must be a list, not a "
                                                 "string"},
        {"sequences: [{name: s, queries: [x, ' ;']}]\n",
         "f.yaml:1:40: queries has an empty string"},
        {"sequences: [{name: s, queries: [x]}, {name: s, queries: [x]}]\n",
         "f.yaml:1:45: sequence \"s\" is there twice"},
        {"sequences: [{name: s, queries: [x], optional: maybe}]\n",
         "f.yaml:1:47: optional must be true or false, not a string"},
        {"after: [x]\n", "f.yaml:1:9: after must be a list of mappings, not a string"},
        {"after: [{when: first}]\n", "f.yaml:1:9: key \"sql\" is missing"},
        {"after: [{sql: ';'}]\n", "f.yaml:1:15: sql is empty"},
        {"after: [{sql: x, when: last}]\n",
         "f.yaml:1:24: when must be always, first or final, not \"last\""},
        {"after: [{sql: x, when: [first]}]\n",
         "f.yaml:1:24: when must be always, first or final, not a list"},
        {"after: [{sql: x, when: \"first\\0\"}]\n", "f.yaml:1:24: when contains a NUL"},
        {"analyze: yes\n", "f.yaml:1:10: analyze must be true or false, not \"yes\""},
        {"requirements: [{source: x}]\n", "f.yaml:1:16: key \"name\" is missing"},
        {"requirements: [{name: r}]\n",
         "f.yaml:1:23: requirement \"r\" asks neither source nor target"},
        {"requirements: [{name: r, source: x, expect: equal}]\n",
         "f.yaml:1:23: requirement \"r\" expects equal answers, and asks one side only"},
        {"requirements: [{name: r, target: x}]\n",
         "f.yaml:1:23: requirement \"r\" expects equal answers, and asks one side only"},
        {"requirements: [{name: r, target: x, expect: same}]\n",
         "f.yaml:1:45: expect must be equal, nothing or something, not \"same\""},
        {"requirements: [{name: r, target: x, expect: nothing, warns: 1}]\n",
         "f.yaml:1:61: warns must be true or false, not a number"},
        {"requirements: [{name: r, target: x, expect: nothing, hint: ''}]\n",
         "f.yaml:1:60: hint is empty"},
        {"locale: ''\n", "f.yaml:1:9: locale is empty"},
        {"locale: [C]\n", "f.yaml:1:9: locale must be a string, not a list"},
        {"any_locale: C\n", "f.yaml:1:13: any_locale must be true or false, not a string"},
        {"stores: {main: [a]}\n", "f.yaml:1:9: stores must be a list of mappings, not a mapping"},
        {"stores: [{name: a}]\n", "f.yaml:1:10: key \"tables\" is missing"},
        {"stores: [{name: a, tables: []}]\n", "f.yaml:1:29: tables is an empty list"},
        {"stores: [{name: a, tables: [x]}, {name: a, tables: [y]}]\n",
         "f.yaml:1:41: store \"a\" is there twice"},
        {"next: [x]\n", "f.yaml:1:7: next must be a string, not a list"},
        {"profile: ''\n", "f.yaml:1:10: profile is empty"},
        {"title: x\n", "f.yaml:1:1: this is no place for the key \"title\""},
        {"\"repo\\0x\": a\n", "f.yaml:1:1: key \"repo\" goes on after a NUL"},
        {"objects: [{name: v, sql: ' '}]\n", "f.yaml:1:26: sql is empty"},
        {"objects: [v]\n", "f.yaml:1:11: objects must be a list of mappings, not a string"},
        {"objects: [{}]\n", "f.yaml:1:11: key \"name\" is missing"},
        {"objects: [{name: v, sql: ''}]\n", "f.yaml:1:26: sql is empty"},
        {"objects: [{name: v}, {name: w}, {name: v, sql: x}]\n",
         "f.yaml:1:40: object \"v\" is there twice"},
        /* what YAML has and we do not want */
        {"repo: &r a\ntarget: *r\n", "f.yaml:1:7: anchors and aliases are not allowed (\"r\")"},
        {"repo: *r\n", "f.yaml:1:7: anchors and aliases are not allowed (\"r\")"},
        {"&m {repo: a}\n", "f.yaml:1:1: anchors and aliases are not allowed (\"m\")"},
        {"repo: !!str 12\n", "f.yaml:1:7: tags are not allowed (\"tag:yaml.org,2002:str\")"},
        {"tables: {rules: [&t {table: a}, *t]}",
         "f.yaml:1:18: anchors and aliases are not allowed (\"t\")"},
        {"<<: {repo: a}\n", "f.yaml:1:1: unknown key \"<<\""},
        {"repo: a\n---\nrepo: b\n", "f.yaml:2:1: a second document begins here"},
        /* what is not YAML */
        {"repo: a\n  schema: b\n",
         "f.yaml:2:9: not YAML: mapping values are not allowed in this context"},
        {"tables: {include: [a\n", "f.yaml:2:1: not YAML: did not find expected ',' or ']'"},
        {"\tjobs: 4\n", "f.yaml:1:1: not YAML: found character that cannot start any token"},
        {"repo: @x\n", "f.yaml:1:7: not YAML: found character that cannot start any token"},
        {"repo: a\nschema: b\x01\n", "f.yaml:2:10: not YAML: control characters are not allowed"},
        {"# \xc3\xa4\nrepo: \xff\n", "f.yaml:2:7: not YAML: invalid leading UTF-8 octet"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rf_config config;
        struct rf_error error;
        cr_expect_eq(parse(cases[i].text, &config, &error), RF_USAGE, "%s", cases[i].text);
        cr_expect_str_eq(error.what, cases[i].what, "%s\n%s", cases[i].text, error.what);
        cr_expect_null(config.repo, "nothing is left of a file that was refused");
        rf_config_release(&config);
    }
}

/* A rule file as somebody would write it, every key of it; a member that is mixed up with another
 * one shows. */
Test(config, rules) {
    const char *text = "fold_names: true\n"
                       "existing: True\n"
                       "atomic: TRUE\n"
                       "foreign_keys: false\n"
                       "on_mismatch: null\n"
                       "bad_text: escape\n"
                       "tables:\n"
                       "  rules:\n"
                       "    - table: \"events*\"\n"
                       "      rename: evts\n"
                       "      key: [a, b]\n"
                       "      on_mismatch: fail\n"
                       "      bad_text: strip\n"
                       "      rows: keep\n"
                       "      columns:\n"
                       "        - column: '*_ts'\n"
                       "          type: bigint\n"
                       "          rename: x\n"
                       "          on_mismatch: \"null\"\n"
                       "          bad_text: replace\n"
                       "          exclude: false\n"
                       "        - {column: y, exclude: true}\n"
                       "    - table: \"*\"\n"
                       "objects:\n"
                       "  - name: v\n"
                       "  - name: trg\n"
                       "    sql: |\n"
                       "      CREATE FUNCTION f;\n"
                       "      CREATE TRIGGER t;\n";
    struct rf_config config;
    struct rf_error error;
    cr_assert_eq(parse(text, &config, &error), RF_OK, "%s", error.what);
    const struct rf_rules *rules = &config.rules;
    cr_expect(rules->fold_names && rules->existing && rules->atomic && rules->no_foreign_keys);
    cr_expect_eq(rules->on_mismatch, RF_MISMATCH_NULL);
    cr_expect_eq(rules->bad_text, RF_BAD_TEXT_ESCAPE);
    cr_assert_eq(rules->table_count, 2);
    const struct rf_table_rule *table = &rules->tables[0];
    cr_expect_str_eq(table->table, "events*");
    cr_expect_str_eq(table->place, "f.yaml:9:14");
    cr_expect_str_eq(table->rename, "evts");
    cr_expect_str_eq(table->key[0], "a");
    cr_expect_str_eq(table->key[1], "b");
    cr_expect_null(table->key[2]);
    cr_expect_eq(table->on_mismatch, RF_MISMATCH_FAIL);
    cr_expect_eq(table->bad_text, RF_BAD_TEXT_STRIP);
    cr_expect_eq(table->standing_rows, RF_STANDING_KEEP);
    cr_assert_eq(table->column_count, 2);
    const struct rf_column_rule *column = &table->columns[0];
    cr_expect_str_eq(column->column, "*_ts");
    cr_expect_str_eq(column->place, "f.yaml:16:19");
    cr_expect_str_eq(column->type, "bigint");
    cr_expect_str_eq(column->rename, "x");
    cr_expect_eq(column->on_mismatch, RF_MISMATCH_NULL);
    cr_expect_eq(column->bad_text, RF_BAD_TEXT_REPLACE);
    cr_expect_eq(column->exclude, RF_CHOICE_NO);
    cr_expect_str_eq(table->columns[1].column, "y");
    cr_expect_eq(table->columns[1].exclude, RF_CHOICE_YES);
    cr_expect_eq(table->columns[1].on_mismatch, RF_MISMATCH_DEFAULT);
    cr_expect_null(table->columns[1].type);
    cr_expect_str_eq(rules->tables[1].table, "*");
    cr_expect_null(rules->tables[1].rename);
    cr_expect_null(rules->tables[1].key);
    cr_assert_eq(rules->object_count, 2);
    cr_expect_str_eq(rules->objects[0].name, "v");
    cr_expect_null(rules->objects[0].sql);
    cr_expect_str_eq(rules->objects[1].place, "f.yaml:26:11");
    cr_expect_str_eq(rules->objects[1].sql, "CREATE FUNCTION f;\nCREATE TRIGGER t;\n");
    rf_config_release(&config);
    cr_expect_null(config.rules.tables, "nothing is left");
}

/* The other half of what a profile says. */
Test(config, rules_for_the_server) {
    const char *text = "tables:\n"
                       "  shadow: [docs_content, \"x_*\"]\n"
                       "  rules:\n"
                       "    - table: docs_content\n"
                       "      where: c1 IS NOT NULL\n"
                       "      values:\n"
                       "        - column: words\n"
                       "          sql: to_tsvector(c1)\n"
                       "        - {sql: d.at, column: at}\n"
                       "      joins:\n"
                       "        - {table: docs, as: d, on: d.id = source.docid}\n"
                       "        - {on: \"true\", table: other}\n"
                       "sequences:\n"
                       "  - name: s\n"
                       "    queries: [SELECT 1, SELECT 2]\n"
                       "  - {name: t, queries: [SELECT 0], optional: true}\n"
                       "after:\n"
                       "  - {sql: SELECT 3}\n"
                       "  - {sql: SELECT 4, when: first}\n"
                       "  - {sql: SELECT 5, when: final}\n"
                       "  - {sql: SELECT 6, when: always}\n"
                       "analyze: true\n"
                       "requirements:\n"
                       "  - {name: version, source: SELECT 7, target: SELECT 8}\n"
                       "  - {name: quiet, target: SELECT 9, expect: nothing, warns: true,\n"
                       "     when: first, hint: wait.}\n"
                       "  - {name: there, source: SELECT 10, expect: something, when: final}\n"
                       "locale: C\n"
                       "any_locale: true\n"
                       "stores:\n"
                       "  - {name: main, tables: [a, b*]}\n"
                       "  - {name: state, tables: [c]}\n"
                       "next: start it.\n"
                       "profile: synapse\n";
    struct rf_config config;
    struct rf_error error;
    cr_assert_eq(parse(text, &config, &error), RF_OK, "%s", error.what);
    const struct rf_rules *rules = &config.rules;
    cr_expect_str_eq(config.shadow[0], "docs_content");
    cr_expect_str_eq(config.shadow[1], "x_*");
    cr_expect_null(config.shadow[2]);
    cr_assert_eq(rules->table_count, 1);
    const struct rf_table_rule *table = &rules->tables[0];
    cr_expect_str_eq(table->where, "c1 IS NOT NULL");
    cr_assert_eq(table->value_count, 2);
    cr_expect_str_eq(table->values[0].column, "words");
    cr_expect_str_eq(table->values[0].sql, "to_tsvector(c1)");
    cr_expect_str_eq(table->values[0].place, "f.yaml:7:19");
    cr_expect_str_eq(table->values[1].column, "at");
    cr_expect_str_eq(table->values[1].sql, "d.at");
    cr_assert_eq(table->join_count, 2);
    cr_expect_str_eq(table->joins[0].table, "docs");
    cr_expect_str_eq(table->joins[0].alias, "d");
    cr_expect_str_eq(table->joins[0].on, "d.id = source.docid");
    cr_expect_str_eq(table->joins[0].place, "f.yaml:11:19");
    cr_expect_str_eq(table->joins[1].table, "other");
    cr_expect_null(table->joins[1].alias);
    cr_expect_str_eq(table->joins[1].on, "true");
    cr_assert_eq(rules->sequence_count, 2);
    cr_expect(!rules->sequences[0].optional && rules->sequences[1].optional);
    cr_expect_str_eq(rules->sequences[0].name, "s");
    cr_expect_str_eq(rules->sequences[0].queries[1], "SELECT 2");
    cr_expect_null(rules->sequences[0].queries[2]);
    cr_expect_str_eq(rules->sequences[0].place, "f.yaml:14:11");
    static const enum rf_when when[] = {RF_WHEN_ALWAYS, RF_WHEN_FIRST, RF_WHEN_FINAL,
                                        RF_WHEN_ALWAYS};
    cr_assert_eq(rules->after_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        char sql[16];
        snprintf(sql, sizeof sql, "SELECT %u", i + 3);
        cr_expect_str_eq(rules->after[i].sql, sql);
        cr_expect_eq(rules->after[i].when, when[i], "%u", i);
    }
    cr_expect_str_eq(rules->after[1].place, "f.yaml:19:11");
    cr_expect(rules->analyze && rules->any_locale);
    cr_assert_eq(rules->requirement_count, 3);
    const struct rf_requirement_rule *requirement = rules->requirements;
    cr_expect_str_eq(requirement[0].name, "version");
    cr_expect_str_eq(requirement[0].source, "SELECT 7");
    cr_expect_str_eq(requirement[0].target, "SELECT 8");
    cr_expect_eq(requirement[0].expect, RF_EXPECT_EQUAL);
    cr_expect_eq(requirement[0].when, RF_WHEN_ALWAYS);
    cr_expect_not(requirement[0].warns);
    cr_expect_null(requirement[0].hint);
    cr_expect_null(requirement[1].source);
    cr_expect_eq(requirement[1].expect, RF_EXPECT_NOTHING);
    cr_expect_eq(requirement[1].when, RF_WHEN_FIRST);
    cr_expect(requirement[1].warns);
    cr_expect_str_eq(requirement[1].hint, "wait.");
    cr_expect_null(requirement[2].target);
    cr_expect_eq(requirement[2].expect, RF_EXPECT_SOMETHING);
    cr_expect_eq(requirement[2].when, RF_WHEN_FINAL);
    cr_expect_str_eq(requirement[2].place, "f.yaml:27:12");
    cr_expect_str_eq(rules->locale, "C");
    cr_assert_eq(config.store_count, 2);
    cr_expect_str_eq(config.stores[0].name, "main");
    cr_expect_str_eq(config.stores[0].tables[1], "b*");
    cr_expect_null(config.stores[0].tables[2]);
    cr_expect_str_eq(config.stores[1].place, "f.yaml:32:12");
    cr_expect_str_eq(config.next, "start it.");
    cr_expect_str_eq(config.profile, "synapse");
    rf_config_release(&config);
}

Test(config, foreign_keys_are_wanted_unless_said_otherwise) {
    struct rf_config config;
    struct rf_error error;
    cr_assert_eq(parse("foreign_keys: true\n", &config, &error), RF_OK);
    cr_expect_not(config.rules.no_foreign_keys);
    rf_config_release(&config);
    cr_assert_eq(parse("", &config, &error), RF_OK);
    cr_expect_not(config.rules.no_foreign_keys);
    rf_config_release(&config);
}

/* Rules keep their order, and lists grow past any first guess of their size. */
Test(config, many_rules) {
    enum { RULES = 1000 };
    struct rf_buffer text = {0};
    rf_buffer_printf(&text, "tables:\n  include: [");
    for (int i = 0; i < RULES; i++) {
        rf_buffer_printf(&text, "%sg%d", i ? ", " : "", i);
    }
    rf_buffer_printf(&text, "]\n  rules:\n");
    for (int i = 0; i < RULES; i++) {
        rf_buffer_printf(&text, "  - {table: t%d, columns: [{column: c%d}, {column: d%d}]}\n", i, i,
                         i);
    }
    struct rf_config config;
    struct rf_error error = {0};
    cr_assert_eq(rf_config_parse("f", text.bytes, text.size, &config, &error), RF_OK, "%s",
                 error.what);
    cr_assert_eq(config.rules.table_count, RULES);
    for (int i = 0; i < RULES; i++) {
        char name[16];
        const struct rf_table_rule *rule = &config.rules.tables[i];
        snprintf(name, sizeof name, "t%d", i);
        cr_expect_str_eq(rule->table, name);
        snprintf(name, sizeof name, "d%d", i);
        cr_assert_eq(rule->column_count, 2);
        cr_expect_str_eq(rule->columns[1].column, name);
        snprintf(name, sizeof name, "g%d", i);
        cr_expect_str_eq(config.include[i], name);
    }
    cr_expect_null(config.include[RULES]);
    rf_config_release(&config);
    rf_buffer_release(&text);
}

Test(config, types_are_checked_where_they_stand) {
    struct rf_config config;
    struct rf_error error;
    cr_expect_eq(parse("tables: {rules: [{table: a, columns: [{column: c, type: bigit}]}]}\n",
                       &config, &error),
                 RF_USAGE);
    cr_expect_eq(strncmp(error.what, "f.yaml:1:57: ", 13), 0, "%s", error.what);
    cr_expect_not_null(strstr(error.what, "\"bigit\""), "%s", error.what);
    cr_expect_not_null(strstr(error.hint, "bigint"), "%s", error.hint);
}

Test(config, hints_help) {
    struct rf_config config;
    struct rf_error error;
    cr_expect_eq(parse("target: a\nshema: b\n", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.hint,
                     "did you mean schema? The keys here are repo, target, schema, profile, jobs, "
                     "busy_timeout, progress, sign_key, trusted_keys, any_locale, fold_names, existing, atomic, "
                     "foreign_keys, on_mismatch, bad_text, tables, objects, sequences, after, "
                     "analyze, requirements, locale, stores and next.");
    cr_expect_eq(parse("tables: {rules: [{tabel: x}]}\n", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.hint, "did you mean table? The keys here are table, rename, key, "
                                 "on_mismatch, bad_text, rows, where, values, joins and columns.");
    cr_expect_eq(parse("objects: [{sql: x}]\n", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.hint, "the keys here are name and sql.");
    cr_expect_eq(parse("tables: {rules: [{table: 2024}]}\n", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.hint, "put it in quotes if it is meant to be a string.");
    cr_expect_eq(parse("schema: no\n", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.hint, "put it in quotes if it is meant to be a string.");
}

/* Each would take long, or much memory, in a reader that builds a tree or expands aliases. */
Test(config, bombs, .timeout = 20) {
    struct rf_buffer laughs = {0};
    rf_buffer_printf(&laughs, "a0: &a0 [x]\n");
    for (int i = 1; i < 30; i++) {
        rf_buffer_printf(&laughs, "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
    }
    struct rf_config config;
    struct rf_error error = {0};
    cr_expect_eq(rf_config_parse("f", laughs.bytes, laughs.size, &config, &error), RF_USAGE);
    rf_buffer_release(&laughs);

    const char fillers[] = {'[', '{', '-', '"', 'a', ' ', '#', '\n', '?', '&', '*', '!', '|', '>'};
    char *text = malloc(RF_CONFIG_BYTES_MAX);
    cr_assert_not_null(text);
    for (size_t i = 0; i < sizeof fillers; i++) {
        memset(text, fillers[i], RF_CONFIG_BYTES_MAX);
        enum rf_code code = rf_config_parse("f", text, RF_CONFIG_BYTES_MAX, &config, &error);
        cr_expect(code == RF_OK || code == RF_USAGE, "a megabyte of '%c'", fillers[i]);
        rf_config_release(&config);
    }
    free(text);
}

/* A temporary file with that text; the path is valid until the next call. */
static const char *file_of(const char *text, size_t size) {
    static char path[] = "/tmp/rowferry-config-XXXXXX";
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, size), (ssize_t)size);
    close(fd);
    return path;
}

Test(config, files_that_cannot_be_read) {
    struct rf_config config;
    struct rf_error error = {0};
    cr_expect_eq(rf_config_read("/nonexistent/f.yaml", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.what, "cannot read the configuration file /nonexistent/f.yaml: No such "
                                 "file or directory");
    cr_expect_eq(rf_config_read("/", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.what, "cannot read the configuration file /: Is a directory");
    cr_expect_eq(rf_config_read("/dev/zero", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.what, "the configuration file /dev/zero is larger than 1 MiB");
    rf_config_release(&config);
}

Test(config, a_file_of_a_megabyte_is_read_and_one_byte_more_is_not) {
    size_t size = RF_CONFIG_BYTES_MAX + 1;
    char *text = malloc(size);
    cr_assert_not_null(text);
    memset(text, '#', size);
    memcpy(text, "jobs: 3\n", 8);
    struct rf_config config;
    struct rf_error error = {0};
    const char *path = file_of(text, size - 1);
    cr_expect_eq(rf_config_read(path, &config, &error), RF_OK, "%s", error.what);
    cr_expect_eq(config.jobs, 3);
    rf_config_release(&config);
    unlink(path);
    path = file_of(text, size);
    cr_expect_eq(rf_config_read(path, &config, &error), RF_USAGE);
    unlink(path);
    free(text);
}

Test(config, a_relative_repository_lies_beside_the_file) {
    struct {
        const char *path;
        const char *repo;
        const char *expected;
    } cases[] = {
        {"/etc/rowferry/app.yaml", "app", "/etc/rowferry/app"},
        {"/etc/rowferry/app.yaml", "/srv/app", "/srv/app"},
        {"conf/app.yaml", "../app", "conf/../app"},
        {"app.yaml", "app", "app"},
        {"/app.yaml", "app", "/app"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        struct rf_config config;
        struct rf_error error = {0};
        snprintf(text, sizeof text, "repo: %s\n", cases[i].repo);
        cr_assert_eq(rf_config_parse(cases[i].path, text, strlen(text), &config, &error), RF_OK);
        cr_expect_str_eq(config.repo, cases[i].expected);
        rf_config_release(&config);
    }
}
