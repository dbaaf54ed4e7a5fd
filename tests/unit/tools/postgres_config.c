/* If these fail, rowferry writes into another database than the application will read, takes a
 * password for something else than it is, or shows one. Lines and columns are counted by hand. */
#include "tools/postgres_config.h"

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rf_postgres_config config;
static struct rf_error error;

static enum rf_code parse(const char *text) {
    rf_error_clear(&error);
    return rf_postgres_config_parse("h.yaml", text, strlen(text), &config, &error);
}

/* What libpq itself reads out of the connection string; "" for nothing. */
static const char *setting(const char *conninfo, const char *keyword) {
    static char value[600];
    value[0] = 0;
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    cr_assert_not_null(options, "%s", conninfo);
    for (PQconninfoOption *option = options; option->keyword; option++) {
        if (strcmp(option->keyword, keyword) == 0 && option->val) {
            snprintf(value, sizeof value, "%s", option->val);
        }
    }
    PQconninfoFree(options);
    return value;
}

static void expect_setting(uint32_t entry, const char *keyword, const char *value) {
    const char *conninfo = config.entries[entry].conninfo;
    cr_expect_str_eq(setting(conninfo, keyword), value, "%s of %s", keyword, conninfo);
}

/* ---- what is read ---- */

Test(postgres_config, the_section_as_an_administrator_has_it) {
    cr_assert_eq(parse("# a file of the application\n"
                       "server_name: \"example.test\"\n"
                       "database:\n"
                       "  name: psycopg2\n"
                       "  txn_limit: 10000\n"
                       "  args:\n"
                       "    user: synapse_user\n"
                       "    password: \"s3cr:et w0rd\"\n"
                       "    dbname: synapse\n"
                       "    host: localhost\n"
                       "    port: 5432\n"
                       "    cp_min: 5\n"
                       "    cp_max: 10\n"
                       "    cp_reconnect: true\n"
                       "    cp_openfun: [whatever]\n"
                       "    keepalives_idle: 10\n"
                       "    keepalives_interval: '10'\n"
                       "    keepalives: on\n"
                       "    options: -c statement_timeout=0\n"
                       "    application_name:\n"
                       "  allow_unsafe_locale: true\n"
                       "listeners:\n"
                       "  - {port: 8008}\n"),
                 RF_OK, "%s", error.what);
    cr_assert_eq(config.count, 1);
    const struct rf_postgres_entry *entry = &config.entries[0];
    cr_expect_str_eq(entry->label, "database");
    cr_expect_str_eq(entry->place, "h.yaml:4:3");
    cr_expect_str_eq(entry->dbname, "synapse");
    cr_expect_eq(entry->cp_min, 5);
    cr_expect_eq(entry->cp_max, 10);
    cr_expect(entry->any_locale);
    cr_expect_null(entry->data_stores);
    expect_setting(0, "user", "synapse_user");
    expect_setting(0, "password", "s3cr:et w0rd");
    expect_setting(0, "dbname", "synapse");
    expect_setting(0, "host", "localhost");
    expect_setting(0, "port", "5432");
    expect_setting(0, "keepalives_idle", "10");
    expect_setting(0, "keepalives_interval", "10");
    expect_setting(0, "keepalives", "1");
    expect_setting(0, "options", "-c statement_timeout=0");
    expect_setting(0, "application_name", "");
    rf_postgres_config_release(&config);
    rf_postgres_config_release(&config);
}

Test(postgres_config, passwords_arrive_as_they_are) {
    static const struct {
        const char *yaml, *value;
    } cases[] = {
        {"simple", "simple"},
        {"'it''s'", "it's"},
        {"\"back\\\\slash\"", "back\\slash"},
        {"'\\'", "\\"},
        {"\"'\"", "'"},
        {"' blanks '", " blanks "},
        {"\"line\\nfeed\"", "line\nfeed"},
        {"'x=y host=evil dbname=other'", "x=y host=evil dbname=other"},
        {"'postgres://u:p@h/d'", "postgres://u:p@h/d"},
        {"\"\\u00fc\\u4f60\\U0001F600\"", "\u00fc\u4f60\U0001F600"},
        {"12345", "12345"},
        {"-7", "-7"},
        {"0", "0"},
        {"'0123'", "0123"},
        {"'true'", "true"},
        {"!!str 0123", "0123"},
        {"! 0123", "0123"},
        {"089", "089"},
        {"1e5", "1e5"},
        {"10.0.0.1", "10.0.0.1"},
        {"a#b", "a#b"},
        {"a b c", "a b c"},
        {"&anchor secret", "secret"},
        {"''", ""},
        {"|-\n      two\n      lines", "two\nlines"},
        {">-\n      two\n      words", "two words"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[300];
        snprintf(text, sizeof text,
                 "database:\n  name: psycopg2\n  args:\n    password: %s\n"
                 "    dbname: d\n",
                 cases[i].yaml);
        cr_assert_eq(parse(text), RF_OK, "%s: %s", cases[i].yaml, error.what);
        expect_setting(0, "password", cases[i].value);
        expect_setting(0, "dbname", "d");
        expect_setting(0, "host", "");
        rf_postgres_config_release(&config);
    }
}

Test(postgres_config, the_rest_of_the_file_does_not_disturb) {
    static const char *const rests[] = {
        "base: &base {a: 1, b: [1, 2]}\nderived:\n  <<: *base\n  b: *base\n",
        "include: !include other.yaml\nsecret: !vault |\n  3132\n  3334\n",
        "text: |\n  database:\n    name: sqlite3\n  databases: nothing\n",
        "folded: >+\n  database: x\n\n\nquoted: \"database: \\\n  y\"\n",
        "? [a, complex, key]\n: its value\n? {and: another}\n: x\n",
        "12: a number\nnull: nothing\ntrue: {database: {name: sqlite3}}\n~: {databases: 1}\n",
        "twice: 1\ntwice: 2\n",
        "*alias : value\n",
        "empty:\nlist: []\nmapping: {}\n\"database \": x\nDatabase: y\n",
        "unicode: \u4f60\u597d\n\u00fc: x\n",
        "<<: {database: {name: sqlite3}}\n",
        "%s",
    };
    static const char section[] = "database: {name: psycopg2, args: {dbname: d, user: u}}\n";
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        for (int before = 0; before < 2; before++) {
            char text[600];
            const char *rest = strcmp(rests[i], "%s") == 0 ? "" : rests[i];
            /* An alias needs its anchor before it, which is none of the reader's business. */
            snprintf(text, sizeof text, "%s%s%s", before ? rest : "", section, before ? "" : rest);
            cr_assert_eq(parse(text), RF_OK, "%s: %s", text, error.what);
            expect_setting(0, "dbname", "d");
            rf_postgres_config_release(&config);
        }
    }
}

Test(postgres_config, other_ways_to_write_it) {
    static const char *const texts[] = {
        "{database: {name: psycopg2, args: {database: d}}}",
        "---\n\"database\":\n  'name': 'psycopg2'\n  args: {\"dbname\": d}\n...\n",
        "\xef\xbb\xbf"
        "database: {args: {dbname: d}, name: psycopg2}\n",
        "database: {name: psycopg2, args: {database: d, dbname: d}}\r\n",
        "%YAML 1.1\n---\ndatabase: {name: psycopg2, args: {dbname: d}}\n",
        "database: {name: psycopg2, args: {dsn: 'dbname=d'}}\n",
        "database: {name: psycopg2, args: {dsn: 'postgresql://u@h/other', database: d}}\n",
        "database: !!map {name: !!str psycopg2, args: {dbname: d, port: !!int 5432}}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert_eq(parse(texts[i]), RF_OK, "%s: %s", texts[i], error.what);
        cr_expect_eq(config.count, 1);
        cr_expect_str_eq(config.entries[0].dbname, "d", "%s", texts[i]);
        expect_setting(0, "dbname", "d");
        rf_postgres_config_release(&config);
    }
}

Test(postgres_config, a_service_may_name_the_database) {
    cr_assert_eq(parse("database: {name: psycopg2, args: {service: synapse}}"), RF_OK, "%s",
                 error.what);
    cr_expect_null(config.entries[0].dbname);
    expect_setting(0, "service", "synapse");
    rf_postgres_config_release(&config);
}

Test(postgres_config, a_dsn_lies_under_the_keywords) {
    cr_assert_eq(parse("database:\n  name: psycopg2\n  args:\n"
                       "    dsn: \"host=one user=u password='it\\\\'s' dbname=a sslmode=require\"\n"
                       "    host: two\n    dbname: b\n"),
                 RF_OK, "%s", error.what);
    expect_setting(0, "host", "two");
    expect_setting(0, "dbname", "b");
    expect_setting(0, "user", "u");
    expect_setting(0, "password", "it's");
    expect_setting(0, "sslmode", "require");
    rf_postgres_config_release(&config);
}

Test(postgres_config, several_databases) {
    cr_assert_eq(parse("databases:\n"
                       "  master:\n"
                       "    name: psycopg2\n"
                       "    data_stores: [main]\n"
                       "    args: {dbname: one, cp_max: 4}\n"
                       "  other:\n"
                       "    name: psycopg2\n"
                       "    data_stores:\n"
                       "      - \"state\"\n"
                       "      - extra\n"
                       "    allow_unsafe_locale: yes\n"
                       "    args: {dbname: two}\n"),
                 RF_OK, "%s", error.what);
    cr_assert_eq(config.count, 2);
    cr_expect_str_eq(config.entries[0].label, "master");
    cr_expect_str_eq(config.entries[0].data_stores[0], "main");
    cr_expect_null(config.entries[0].data_stores[1]);
    cr_expect_eq(config.entries[0].cp_max, 4);
    cr_expect_not(config.entries[0].any_locale);
    cr_expect_str_eq(config.entries[1].label, "other");
    cr_expect_str_eq(config.entries[1].place, "h.yaml:7:5");
    cr_expect_str_eq(config.entries[1].data_stores[1], "extra");
    cr_expect(config.entries[1].any_locale);
    expect_setting(0, "dbname", "one");
    expect_setting(1, "dbname", "two");
    rf_postgres_config_release(&config);
}

/* ---- what is refused ---- */

#define PSYCOPG "database: {name: psycopg2, args: "

static const struct {
    const char *text, *what;
} refused[] = {
    {"", "h.yaml: there is no database section"},
    {"# nothing\n", "h.yaml: there is no database section"},
    {"server_name: x\n", "h.yaml: there is no database section"},
    {"database:\n", "h.yaml: there is no database section"},
    {"databases: {}\n", "h.yaml: there is no database section"},
    {"x: {database: {name: psycopg2, args: {dbname: d}}}\n",
     "h.yaml: there is no database section"},
    {"- a\n- b\n", "h.yaml:1:1: the file must be a mapping of keys to values, not a list"},
    {"just words\n", "h.yaml:1:1: the file must be a mapping of keys to values, not a string"},
    {"a: [1\n", "h.yaml:2:1: not YAML: did not find expected ',' or ']'"},
    {"database: {name: psycopg2, args: {dbname: d}}\nb: {\n",
     "h.yaml:3:1: not YAML: did not find expected node content"},
    {"a: b\n\x01\n", "h.yaml:2:1: not YAML: control characters are not allowed"},
    {"a: \xff\n", "h.yaml:1:4: not YAML: invalid leading UTF-8 octet"},
    {"SQLite format 3", "h.yaml:1:1: the file must be a mapping of keys to values, not a string"},
    {PSYCOPG "{dbname: d}}\n---\nb: 1\n", "h.yaml:2:1: a second document begins here"},
    {"database: {name: sqlite3, args: {database: /data/homeserver.db}}",
     "h.yaml:1:18: database is SQLite: its name is sqlite3"},
    {"database:\n  args: {database: /data/x.db, check_same_thread: no}\n  name: sqlite3\n",
     "h.yaml:3:9: database is SQLite: its name is sqlite3"},
    {"database: {args: {dbname: d}}",
     "h.yaml:1:11: database is SQLite: it has no name, which means sqlite3"},
    {"database: {name: mysql}", "h.yaml:1:18: database.name must be psycopg2, not \"mysql\""},
    {"database: {name: [psycopg2]}", "h.yaml:1:18: database.name must be a string, not a list"},
    {"database: psycopg2", "h.yaml:1:11: database must be a mapping, not a string"},
    {"database: [1]", "h.yaml:1:11: database must be a mapping, not a list"},
    {"databases: [1]", "h.yaml:1:12: databases must be a mapping, not a list"},
    {"databases: {a: 1}", "h.yaml:1:16: databases.a must be a mapping, not a number"},
    {"a: &a {name: psycopg2}\ndatabase: *a\n",
     "h.yaml:2:11: database must be a mapping, not an alias"},
    {"a: &a {dbname: d}\n" PSYCOPG "*a}\n",
     "h.yaml:2:34: database.args must be a mapping, not an alias"},
    {"a: &a {dbname: d}\n" PSYCOPG "{<<: *a}}\n",
     "h.yaml:2:35: database.args takes over keys from elsewhere (<<)"},
    {"a: &a word\n" PSYCOPG "{dbname: *a}}\n",
     "h.yaml:2:43: database.args.dbname must be a string or a number, not an alias"},
    {PSYCOPG "{dbname: [a]}}",
     "h.yaml:1:43: database.args.dbname must be a string or a number, not a list"},
    {PSYCOPG "{dbname: !env NAME}}",
     "h.yaml:1:43: database.args.dbname must be a string or a number, not something with a tag"},
    {PSYCOPG "[dbname]}", "h.yaml:1:34: database.args must be a mapping, not a list"},
    {"database: {name: psycopg2}", "h.yaml:1:11: database.args names no database"},
    {PSYCOPG "{user: u}}", "h.yaml:1:11: database.args names no database"},
    {PSYCOPG "{dbname: ''}}", "h.yaml:1:11: database.args names no database"},
    {PSYCOPG "{dbname: }}", "h.yaml:1:11: database.args names no database"},
    {PSYCOPG "{service: s, dbname: ''}}", "h.yaml:1:11: database.args names no database"},
    {PSYCOPG "{dbname: a, database: b}}",
     "h.yaml:1:43: database.args names two databases, as database and as dbname"},
    {PSYCOPG "{dbname: d, dbname: d}}", "h.yaml:1:46: database.args.dbname is there twice"},
    {PSYCOPG "{dbname: d}, args: {}}", "h.yaml:1:47: database.args is there twice"},
    {"database: {}\ndatabase: {}\n", "h.yaml:1:11: database is SQLite"},
    {PSYCOPG "{dbname: d}}\n" PSYCOPG "{dbname: d}}\n", "h.yaml:2:1: database is there twice"},
    {PSYCOPG "{dbname: d}}\ndatabases: {a: {name: psycopg2, args: {dbname: d}}}\n",
     "h.yaml:2:51: both database and databases are there"},
    {"databases: {a: {name: psycopg2, args: {dbname: d}}, a: {}}",
     "h.yaml:1:53: databases.a is there twice"},
    {PSYCOPG "{dbname: d, pasword: x}}", "h.yaml:1:55: database.args.pasword is no keyword of"},
    {PSYCOPG "{dbname: d, check_same_thread: x}}",
     "h.yaml:1:65: database.args.check_same_thread is no keyword of"},
    {PSYCOPG "{dbname: d, cursor_factory: x}}",
     "h.yaml:1:62: database.args.cursor_factory is no keyword of"},
    {PSYCOPG "{dbname: d, password: 0123}}",
     "h.yaml:1:56: database.args.password is a number that YAML reads otherwise"},
    {PSYCOPG "{dbname: d, password: 1_000}}",
     "h.yaml:1:56: database.args.password is a number that YAML reads otherwise"},
    {PSYCOPG "{dbname: d, password: 12:30:59}}",
     "h.yaml:1:56: database.args.password is a number that YAML reads otherwise"},
    {PSYCOPG "{dbname: d, password: 12.50}}",
     "h.yaml:1:56: database.args.password is a number that YAML reads otherwise"},
    {PSYCOPG "{dbname: d, password: 0x1f}}",
     "h.yaml:1:56: database.args.password is a number that YAML reads otherwise"},
    {PSYCOPG "{dbname: d, password: .inf}}",
     "h.yaml:1:56: database.args.password is a number that YAML reads otherwise"},
    {PSYCOPG "{dbname: d, password: yes}}",
     "h.yaml:1:56: database.args.password is true or false to YAML, not a word"},
    {PSYCOPG "{dbname: d, password: \"a\\0b\"}}",
     "h.yaml:1:56: database.args.password has a NUL in it"},
    {PSYCOPG "{dbname: d, dsn: 'no connection string'}}",
     "h.yaml:1:51: database.args.dsn cannot be read as a connection string"},
    {PSYCOPG "{dbname: d, cp_max: 0}}",
     "h.yaml:1:54: database.args.cp_max must be a whole number from 1 on"},
    {PSYCOPG "{dbname: d, cp_max: many}}",
     "h.yaml:1:54: database.args.cp_max must be a whole number from 1 on"},
    {PSYCOPG "{dbname: d, cp_min: -1}}",
     "h.yaml:1:54: database.args.cp_min must be a whole number"},
    {PSYCOPG "{dbname: d, cp_min: 1.5}}",
     "h.yaml:1:54: database.args.cp_min must be a whole number"},
    {PSYCOPG "{dbname: d, cp_max: [1]}}",
     "h.yaml:1:54: database.args.cp_max must be a string or a number, not a list"},
    {PSYCOPG "{dbname: d, cp_min: 6, cp_max: 5}}",
     "h.yaml:1:11: database.args.cp_min is more than cp_max, 6 and 5"},
    {"database: {name: psycopg2, allow_unsafe_locale: perhaps, args: {dbname: d}}",
     "h.yaml:1:49: database.allow_unsafe_locale must be true or false, not a string"},
    {"database: {name: psycopg2, data_stores: main, args: {dbname: d}}",
     "h.yaml:1:41: database.data_stores must be a list, not a string"},
    {"database: {name: psycopg2, data_stores: [[main]], args: {dbname: d}}",
     "h.yaml:1:42: database.data_stores must be a list of names"},
    {"database: {name: psycopg2, data_stores: [], args: {dbname: d}}",
     "h.yaml:1:42: database.data_stores is empty"},
    {"database: {[a]: b}", "h.yaml:1:12: a key of database must be a word"},
};

Test(postgres_config, every_error_with_its_place) {
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        enum rf_code code = parse(refused[i].text);
        cr_expect_eq(code, RF_USAGE, "%s", refused[i].text);
        cr_expect_eq(strncmp(error.what, refused[i].what, strlen(refused[i].what)), 0,
                     "%s\n  says %s\n  not  %s", refused[i].text, error.what, refused[i].what);
        cr_expect_eq(config.count, 0);
        cr_expect_null(config.entries);
    }
}

/* No error may hold the value of anything that may be a password. */
Test(postgres_config, errors_keep_secrets) {
    static const char *const texts[] = {
        PSYCOPG "{dbname: d, password: hunter2, pasword: hunter2}}",
        PSYCOPG "{dbname: d, password: [hunter2]}}",
        PSYCOPG "{dbname: d, password: *hunter2}}",
        PSYCOPG "{dbname: d, passwd: hunter2}}",
        PSYCOPG "{dbname: d, dsn: 'postgres://u:hunter2@[::1/d'}}",
        PSYCOPG "{dbname: d, dsn: 'password=hunter2 nonsense'}}",
        PSYCOPG "{dbname: d, cp_max: hunter2}}",
        PSYCOPG "{password: hunter2}}",
        PSYCOPG "{dbname: d, password: \"hunter2\\q\"}}",
        PSYCOPG "{dbname: d, password: 'hunter2}}",
        PSYCOPG "{dbname: d, password: hunter2: x}}",
        "database: {name: sqlite3, args: {password: hunter2}}",
        "database: {name: psycopg2, password: hunter2, password: hunter2}",
        "database: hunter2",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_expect_eq(parse(texts[i]), RF_USAGE, "%s", texts[i]);
        bool anchor = strchr(texts[i], '*') != NULL; /* a name of YAML's, no value */
        cr_expect(anchor || !strstr(error.what, "hunter2"), "%s", error.what);
        cr_expect(anchor || !strstr(error.detail, "hunter2"), "%s", error.detail);
        cr_expect_null(strstr(error.hint, "hunter2"), "%s", error.hint);
    }
}

Test(postgres_config, hints) {
    static const struct {
        const char *text, *hint;
    } cases[] = {
        {PSYCOPG "{dbname: d, pasword: x}}", "did you mean password?"},
        {PSYCOPG "{dbname: d, sslmod: x}}", "did you mean sslmode?"},
        {PSYCOPG "{user: u}}", "add dbname: and the database's name."},
        {"database: {name: sqlite3}", "name a copy of the file with the section as it is to be"},
        {"x: 1", "the file must have database: with name: psycopg2"},
        {PSYCOPG "{dbname: d, password: 0123}}", "put the value in quotes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(parse(cases[i].text), RF_USAGE);
        cr_expect_eq(strncmp(error.hint, cases[i].hint, strlen(cases[i].hint)), 0, "%s: %s",
                     cases[i].text, error.hint);
    }
}

/* ---- what is bounded ---- */

static char *repeated(const char *before, const char *part, size_t times, const char *after) {
    size_t size = strlen(part);
    char *text = malloc(strlen(before) + times * size + strlen(after) + 1);
    cr_assert_not_null(text);
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < times; i++) {
        at = stpcpy(at, part);
    }
    strcpy(at, after);
    return text;
}

Test(postgres_config, nesting_is_bounded) {
    char *deep = repeated("x: ", "[", 100000, "");
    cr_expect_eq(parse(deep), RF_USAGE);
    cr_expect_str_eq(error.what, "h.yaml:1:259: more than 256 levels are nested here");
    free(deep);
    deep = repeated("x: ", "[", 255, "");
    char *closed = repeated(deep, "]", 255, "\ndatabase: {name: psycopg2, args: {dbname: d}}\n");
    cr_expect_eq(parse(closed), RF_OK, "%s", error.what);
    rf_postgres_config_release(&config);
    free(closed);
    free(deep);
}

Test(postgres_config, aliases_do_not_multiply) {
    char text[8192] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 100; i++) {
        char line[80];
        snprintf(line, sizeof line, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
                 i - 1, i - 1);
        strcat(text, line);
    }
    strcat(text, "database: {name: psycopg2, args: {dbname: d}}\n");
    cr_expect_eq(parse(text), RF_OK, "%s", error.what);
    rf_postgres_config_release(&config);
}

Test(postgres_config, databases_are_bounded) {
    char text[4096] = "databases:\n";
    for (int i = 0; i < 17; i++) {
        char line[80];
        snprintf(line, sizeof line, "  d%d: {name: psycopg2, args: {dbname: d%d}}\n", i, i);
        strcat(text, line);
    }
    cr_expect_eq(parse(text), RF_USAGE);
    cr_expect_str_eq(error.what, "h.yaml:18:3: more than 16 databases");
}

/* ---- files ---- */

static char folder[64];

static void make_folder(void) {
    snprintf(folder, sizeof folder, "/tmp/rowferry-postgres-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static const char *file(const char *name, const char *text, size_t size) {
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, 128, "%s/%s", folder, name);
    FILE *made = fopen(path, "w");
    cr_assert_not_null(made);
    cr_assert_eq(fwrite(text, 1, size, made), size);
    fclose(made);
    return path;
}

static enum rf_code read_files(const char *first, const char *second) {
    const char *const paths[] = {first, second, NULL};
    rf_error_clear(&error);
    return rf_postgres_config_read(paths, &config, &error);
}

static void remove_folder(void) {
    char command[160];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

Test(postgres_config, a_later_file_replaces_the_section, .init = make_folder,
     .fini = remove_folder) {
    static const char one[] = PSYCOPG "{dbname: one, user: u}}\n";
    static const char two[] = PSYCOPG "{dbname: two}}\n";
    static const char none[] = "server_name: x\n";
    static const char split[] = "databases: {a: {name: psycopg2, args: {dbname: d}}}\n";
    const char *first = file("1.yaml", one, sizeof one - 1);
    const char *second = file("2.yaml", two, sizeof two - 1);
    const char *third = file("3.yaml", none, sizeof none - 1);
    const char *fourth = file("4.yaml", split, sizeof split - 1);
    cr_assert_eq(read_files(first, second), RF_OK, "%s", error.what);
    cr_expect_eq(config.count, 1);
    expect_setting(0, "dbname", "two");
    expect_setting(0, "user", "");
    rf_postgres_config_release(&config);
    cr_assert_eq(read_files(first, third), RF_OK, "%s", error.what);
    expect_setting(0, "dbname", "one");
    rf_postgres_config_release(&config);
    cr_expect_eq(read_files(first, fourth), RF_USAGE);
    cr_expect_not_null(strstr(error.what, "both database and databases are there"));
    cr_expect_eq(read_files(third, NULL), RF_USAGE);
    cr_expect_not_null(strstr(error.what, "3.yaml: there is no database section"));
}

Test(postgres_config, a_file_that_is_none, .init = make_folder, .fini = remove_folder) {
    cr_expect_eq(read_files(folder, NULL), RF_USAGE);
    cr_expect_not_null(strstr(error.what, "Is a directory"), "%s", error.what);
    cr_expect_eq(read_files("/nonexistent/h.yaml", NULL), RF_USAGE);
    cr_expect_not_null(strstr(error.what, "No such file"), "%s", error.what);
    char *large = repeated("# ", "x", RF_POSTGRES_CONFIG_BYTES_MAX, "\n");
    const char *path = file("large.yaml", large, strlen(large));
    cr_expect_eq(read_files(path, NULL), RF_USAGE);
    cr_expect_not_null(strstr(error.what, "is larger than 16 MiB"), "%s", error.what);
    free(large);
    cr_expect_eq(read_files("/dev/zero", NULL), RF_USAGE);
    if (geteuid() != 0) {
        static const char text[] = "x: 1\n";
        const char *closed = file("closed.yaml", text, sizeof text - 1);
        cr_assert_eq(chmod(closed, 0), 0);
        cr_expect_eq(read_files(closed, NULL), RF_STORAGE);
    }
}
