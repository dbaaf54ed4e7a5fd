/* If these fail, a profile is not the one that was named, or what a user says of his own case does
 * not go before it. */
#include "tools/profile.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/config.h"
#include "tools/config_reader.h"
#include "tools/settings.h"

static char folder[32];
static struct rf_config config;
static struct rf_error error;

static void begin(void) {
    snprintf(folder, sizeof folder, "/tmp/rowferry-profile-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    unsetenv("ROWFERRY_PROFILE");
    unsetenv("ROWFERRY_REPO");
    rf_error_clear(&error);
}

static void end(void) {
    static const char *const names[] = {"p.yaml",     "p.yml",     "c.yaml", "sub/c.yaml",
                                        "sub/p.yaml", "sub/plain", "plain"};
    rf_config_release(&config);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unlink(names[i]);
    }
    rmdir("sub");
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(folder), 0);
}

TestSuite(profile, .init = begin, .fini = end);

static void write_file(const char *name, const char *text) {
    if (strncmp(name, "sub/", 4) == 0) {
        (void)!mkdir("sub", 0755);
    }
    FILE *file = fopen(name, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static const struct rf_config *read_layers(const char *profile, const char *file) {
    rf_config_release(&config);
    enum rf_code code = rf_profile_under(profile, file, &config, &error);
    cr_assert_eq(code, RF_OK, "%s", error.what);
    return &config;
}

static void expect_refused(const char *text, const char *what, const char *hint) {
    rf_error_clear(&error);
    cr_expect_eq(rf_config_parse_profile("p", text, strlen(text), &config, &error), RF_USAGE, "%s",
                 text);
    cr_expect_str_eq(error.what, what, "%s\n%s", text, error.what);
    cr_expect(!hint || strstr(error.hint, hint), "%s\n%s", text, error.hint);
    cr_expect_null(config.title, "nothing is left");
    rf_config_release(&config);
}

/* ---- those that come with rowferry ---- */

Test(profile, those_that_ship_are_sound_and_can_be_read) {
    cr_assert_not_null(rf_profiles[0].name);
    for (const struct rf_profile *profile = rf_profiles; profile->name; profile++) {
        const char *name = profile->name;
        cr_expect_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(name), "%s",
                     name);
        cr_expect(profile == rf_profiles || strcmp(profile[-1].name, name) < 0, "%s", name);
        cr_assert_eq(rf_profile_read(name, &config, &error), RF_OK, "%s", error.what);
        cr_expect_leq(strlen(config.title), 60, "%s: %s", name, config.title);
        cr_expect_not_null(config.about, "%s", name);
        rf_config_release(&config);
        char *copy = strdup(profile->text);
        for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
            cr_expect_leq(strlen(line), 100, "%s: %s", name, line);
        }
        free(copy);
    }
}

Test(profile, those_that_ship_are_the_files_of_the_tree) {
    for (const struct rf_profile *profile = rf_profiles; profile->name; profile++) {
        char path[4096];
        struct rf_buffer file = {0};
        struct rf_buffer text = {0};
        snprintf(path, sizeof path, "%s/tools/profiles/%s.yaml", RF_SOURCE_DIR, profile->name);
        cr_assert_eq(rf_profile_load(path, &file, &error), RF_OK, "%s", error.what);
        cr_assert_eq(rf_profile_load(profile->name, &text, &error), RF_OK, "%s", error.what);
        cr_assert_eq(file.size, text.size, "%s", profile->name);
        cr_expect_arr_eq(file.bytes, text.bytes, text.size, "%s", profile->name);
        rf_buffer_release(&file);
        rf_buffer_release(&text);
    }
}

/* ---- names and paths ---- */

Test(profile, what_is_a_path) {
    static const char *const paths[] = {"./synapse", "/synapse", "a/b",     "synapse.yaml",
                                        "x.yml",     ".yaml",    "synapse/"};
    static const char *const names[] = {"synapse",    "",     ".",           "..",
                                        "a.yaml.old", "yaml", "synapse.json"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        cr_expect(rf_profile_is_path(paths[i]), "%s", paths[i]);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cr_expect_not(rf_profile_is_path(names[i]), "%s", names[i]);
    }
}

Test(profile, an_unknown_name_gets_the_list) {
    write_file("plain", "title: t\n");
    cr_expect_eq(rf_profile_read("synaps", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.what, "there is no profile called \"synaps\"");
    cr_expect_eq(
        strncmp(error.hint, "did you mean synapse? those that come with rowferry are ", 56), 0,
        "%s", error.hint);
    cr_expect_eq(rf_profile_read("plain", &config, &error), RF_USAGE, "a name is no file");
    cr_expect_not_null(strstr(error.hint, "synapse"), "%s", error.hint);
    cr_expect_eq(rf_profile_read("Synapse", &config, &error), RF_USAGE);
    cr_expect_eq(rf_profile_read("synapse.json", &config, &error), RF_USAGE);
    cr_assert_eq(rf_profile_read("./plain", &config, &error), RF_OK, "%s", error.what);
    cr_expect_str_eq(config.title, "t");
}

Test(profile, files_that_cannot_be_read) {
    cr_expect_eq(rf_profile_read("./none.yaml", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.what, "cannot read the profile ./none.yaml: No such file or directory");
    cr_expect_eq(rf_profile_read("/", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.what, "cannot read the profile /: Is a directory");
    cr_expect_eq(rf_profile_read("/dev/zero", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.what, "the profile /dev/zero is larger than 1 MiB");
}

/* ---- what may stand in one ---- */

Test(profile, where_and_how_is_refused) {
    static const char *const keys[] = {"repo", "target",       "schema",   "profile",
                                       "jobs", "busy_timeout", "progress", "any_locale"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char text[64], what[96];
        snprintf(text, sizeof text, "title: t\n%s: x\n", keys[i]);
        snprintf(what, sizeof what, "p:2:1: this is no place for the key \"%s\"", keys[i]);
        expect_refused(text, what, "where and how is said by options");
    }
    expect_refused("title: t\nfold_name: true\n", "p:2:1: unknown key \"fold_name\"",
                   "did you mean fold_names?");
}

Test(profile, refused) {
    struct {
        const char *text;
        const char *what;
    } cases[] = {
        {"", "p:1:1: key \"title\" is missing"},
        {"# nothing\n", "p:2:1: key \"title\" is missing"},
        {"---\n", "p:2:1: key \"title\" is missing"},
        {"{}\n", "p:1:1: key \"title\" is missing"},
        {"existing: true\n", "p:1:1: key \"title\" is missing"},
        {"title: ''\n", "p:1:8: title is empty"},
        {"title: [a]\n", "p:1:8: title must be a string, not a list"},
        {"title: 3\n", "p:1:8: title must be a string, not a number"},
        {"title: a\nabout: {a: b}\n", "p:2:8: about must be a string, not a mapping"},
        {"title: a\nabout: b\nabout: c\n", "p:3:1: key \"about\" is there twice"},
        {"title: &t a\nabout: *t\n", "p:1:8: anchors and aliases are not allowed (\"t\")"},
        {"title: a\n---\ntitle: b\n", "p:2:1: a second document begins here"},
        {"title: a\ntables: {rules: [{table: x, values: [{column: c, sql: ''}]}]}\n",
         "p:2:55: sql is empty"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_refused(cases[i].text, cases[i].what, NULL);
    }
}

/* Every key that takes a value of its own is given one of every other kind: none may be taken, and
 * none may bring the reader down. Strings are what most of the keys take. */
static void offer(const struct rf_config_mapping *mapping, const char *before, const char *after,
                  unsigned depth) {
    static const char *const values[] = {
        "",        "~",    "7",   "-1.5",   "true",     "[]",   "{}",        "[[]]",
        "[{}]",    "[~]",  "[7]", "{a: b}", "[{a: b}]", "\"\"", "\"a\\0b\"", "' '",
        "!!str x", "&a x", "*a",  "[",      "{",        "? x"};
    for (unsigned i = 0; i < mapping->count; i++) {
        const struct rf_config_key *key = &mapping->keys[i];
        unsigned taken = 0;
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            char text[2048];
            snprintf(text, sizeof text, "%s\"%s\": %s%s", before, key->name, values[j], after);
            rf_error_clear(&error);
            enum rf_code code = rf_config_parse_profile("p", text, strlen(text), &config, &error);
            cr_expect(code == RF_OK || (code == RF_USAGE && error.what[0]), "%s: %d", text, code);
            taken += code == RF_OK;
            rf_config_release(&config);
        }
        cr_expect_leq(taken, 4, "%s takes %u kinds of values", key->name, taken);
        if (key->mapping && depth < 4) {
            char inner[1024], outer[1024];
            bool list = strcmp(key->name, "tables") != 0;
            snprintf(inner, sizeof inner, "%s\"%s\": %s{", before, key->name, list ? "[" : "");
            snprintf(outer, sizeof outer, "}%s%s", list ? "]" : "", after);
            offer(key->mapping, inner, outer, depth + 1);
        }
    }
}

Test(profile, every_key_with_values_of_every_kind) {
    offer(&rf_config_profile, "{title: t, ", "}", 0);
}

Test(profile, a_megabyte_of_anything, .timeout = 60) {
    static const char *const fillers[] = {
        "[",    "{a: ", "- ", "? ", "\"", "&a ",  "*a ",  "!x ",
        "\n- ", "a: ",  "  ", "#",  "'",  "|\n ", "\xff", "\xf0\x9f\x98\x80"};
    char *text = malloc(RF_CONFIG_BYTES_MAX);
    cr_assert_not_null(text);
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
        static const char *const heads[] = {
            "", "title: ", "title: t\ntables: {rules: [{table: ", "title: t\nafter:\n"};
        for (size_t j = 0; j < sizeof heads / sizeof heads[0]; j++) {
            size_t used = strlen(heads[j]), size = strlen(fillers[i]);
            memcpy(text, heads[j], used);
            for (; used + size <= RF_CONFIG_BYTES_MAX; used += size) {
                memcpy(text + used, fillers[i], size);
            }
            enum rf_code code = rf_config_parse_profile("p", text, used, &config, &error);
            cr_expect(code == RF_OK || code == RF_USAGE, "%s%s...", heads[j], fillers[i]);
            rf_config_release(&config);
        }
    }
    free(text);
}

/* One file, cut short anywhere and with bytes changed: read or refused, never more. */
Test(profile, damaged, .timeout = 60) {
    unsigned seed = 1;
    for (const struct rf_profile *profile = rf_profiles; profile->name; profile++) {
        size_t size = strlen(profile->text);
        char *text = malloc(size + 1);
        cr_assert_not_null(text);
        for (unsigned round = 0; round < 400; round++) {
            memcpy(text, profile->text, size + 1);
            size_t kept = round % 2 ? size : (size_t)rand_r(&seed) % size;
            for (unsigned change = 0; change < round % 5; change++) {
                text[(size_t)rand_r(&seed) % size] = (char)rand_r(&seed);
            }
            enum rf_code code = rf_config_parse_profile("p", text, kept, &config, &error);
            cr_expect(code == RF_OK || code == RF_USAGE, "%s, round %u", profile->name, round);
            rf_config_release(&config);
        }
        free(text);
    }
}

/* ---- layers ---- */

static const char layer[] = "title: an application\n"
                            "about: its tables\n"
                            "existing: true\n"
                            "analyze: true\n"
                            "foreign_keys: false\n"
                            "on_mismatch: fail\n"
                            "bad_text: strip\n"
                            "locale: C\n"
                            "tables:\n"
                            "  include: [pi]\n"
                            "  exclude: [pe1, pe2]\n"
                            "  shadow: [ps]\n"
                            "  rules: [{table: pt, rename: a}, {table: pu}]\n"
                            "objects: [{name: o, sql: p}, {name: p}]\n"
                            "sequences: [{name: s, queries: [p]}, {name: t, queries: [p]}]\n"
                            "after: [{sql: p}]\n"
                            "requirements: [{name: r, target: p, expect: nothing},\n"
                            "  {name: q, target: p, expect: nothing}]\n"
                            "stores: [{name: main, tables: [a]}, {name: state, tables: [b]}]\n"
                            "next: p\n";

Test(profile, alone) {
    write_file("p.yaml", layer);
    const struct rf_config *read = read_layers("p.yaml", NULL);
    cr_expect_str_eq(read->profile, "p.yaml");
    cr_expect_str_eq(read->title, "an application");
    cr_expect_str_eq(read->about, "its tables");
    cr_expect(read->rules.existing && read->rules.analyze && read->rules.no_foreign_keys);
    cr_expect_eq(read->rules.table_count, 2);
    cr_expect_eq(read->rules.general_table_count, 2);
    cr_expect_str_eq(read->general[0], "pe1");
    cr_expect_null(read->exclude);
    cr_expect_str_eq(read->rules.tables[0].place, "p.yaml:13:19");
    cr_expect_eq(read->store_count, 2);
    cr_expect_null(read_layers(NULL, NULL)->profile);
}

Test(profile, a_file_goes_before_it_each_setting_by_itself) {
    write_file("p.yaml", layer);
    write_file("c.yaml", "profile: p.yaml\n"
                         "existing: false\n"
                         "foreign_keys: true\n"
                         "bad_text: escape\n"
                         "jobs: 3\n"
                         "tables:\n"
                         "  include: [ci]\n"
                         "  exclude: [ce]\n"
                         "  shadow: [cs]\n"
                         "  rules: [{table: ct}]\n"
                         "objects: [{name: o, sql: c}, {name: q}]\n"
                         "sequences: [{name: u, queries: [c]}, {name: s, queries: [c]}]\n"
                         "after: [{sql: c}]\n"
                         "requirements: [{name: q, target: c, expect: something}]\n"
                         "stores: [{name: all, tables: ['*']}]\n");
    const struct rf_config *read = read_layers(NULL, "c.yaml");
    const struct rf_rules *rules = &read->rules;
    cr_expect_str_eq(read->profile, "p.yaml");
    cr_expect_not(rules->existing || rules->no_foreign_keys);
    cr_expect(rules->analyze);
    cr_expect_eq(rules->on_mismatch, RF_MISMATCH_FAIL);
    cr_expect_eq(rules->bad_text, RF_BAD_TEXT_ESCAPE);
    cr_expect_str_eq(rules->locale, "C");
    cr_expect_str_eq(read->next, "p");
    cr_expect_eq(read->jobs, 3);
    cr_expect_str_eq(read->include[0], "ci");
    cr_expect_null(read->include[1]);
    cr_expect_str_eq(read->general[1], "pe2");
    cr_expect_str_eq(read->exclude[0], "ce");
    cr_expect_str_eq(read->shadow[0], "ps");
    cr_expect_str_eq(read->shadow[1], "cs");
    cr_expect_null(read->shadow[2]);
    cr_assert_eq(rules->table_count, 3);
    cr_expect_eq(rules->general_table_count, 2);
    cr_expect_str_eq(rules->tables[0].table, "pt");
    cr_expect_str_eq(rules->tables[2].table, "ct");
    cr_assert_eq(rules->object_count, 3);
    cr_expect_str_eq(rules->objects[0].name, "p");
    cr_expect_str_eq(rules->objects[1].name, "o");
    cr_expect_str_eq(rules->objects[1].sql, "c");
    cr_assert_eq(rules->sequence_count, 3);
    cr_expect_str_eq(rules->sequences[0].name, "t");
    cr_expect_str_eq(rules->sequences[2].name, "s");
    cr_expect_str_eq(rules->sequences[2].queries[0], "c");
    cr_assert_eq(rules->after_count, 2);
    cr_expect_str_eq(rules->after[0].sql, "p");
    cr_expect_str_eq(rules->after[1].sql, "c");
    cr_assert_eq(rules->requirement_count, 2);
    cr_expect_str_eq(rules->requirements[0].name, "r");
    cr_expect_eq(rules->requirements[1].expect, RF_EXPECT_SOMETHING);
    cr_assert_eq(read->store_count, 1);
    cr_expect_str_eq(read->stores[0].name, "all");
}

Test(profile, the_option_names_another_than_the_file) {
    write_file("p.yaml", layer);
    write_file("p.yml", "title: other\n");
    write_file("c.yaml", "profile: p.yaml\n");
    cr_expect_str_eq(read_layers("p.yml", "c.yaml")->title, "other");
    cr_expect_str_eq(config.profile, "p.yml");
    cr_expect_str_eq(read_layers("synapse", "c.yaml")->profile, "synapse");
}

Test(profile, a_path_in_a_file_is_relative_to_it) {
    write_file("sub/p.yaml", "title: there\n");
    write_file("sub/plain", "title: plain\n");
    write_file("sub/c.yaml", "profile: p.yaml\n");
    cr_expect_str_eq(read_layers(NULL, "sub/c.yaml")->title, "there");
    cr_expect_str_eq(config.profile, "sub/p.yaml");
    write_file("sub/c.yaml", "profile: ./plain\n");
    cr_expect_str_eq(read_layers(NULL, "sub/c.yaml")->title, "plain");
    write_file("sub/c.yaml", "profile: synapse\n");
    cr_expect_str_eq(read_layers(NULL, "sub/c.yaml")->profile, "synapse", "a name stays one");
}

Test(profile, errors_tell_which_of_the_two_it_was) {
    write_file("p.yaml", "title: t\njbos: 3\n");
    write_file("c.yaml", "profile: p.yaml\n");
    cr_expect_eq(rf_profile_under(NULL, "c.yaml", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.what, "p.yaml:2:1: unknown key \"jbos\"");
    write_file("c.yaml", "profile: p.yaml\nfoo: 1\n");
    cr_expect_eq(rf_profile_under(NULL, "c.yaml", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.what, "c.yaml:2:1: unknown key \"foo\"");
    cr_expect_eq(rf_profile_under(NULL, "none.yaml", &config, &error), RF_USAGE);
    cr_expect_str_eq(error.what,
                     "cannot read the configuration file none.yaml: No such file or directory");
}

/* ---- settings ---- */

static struct rf_arguments arguments;
static struct rf_settings settings;

static enum rf_code resolve(const char *line) {
    static char text[256];
    static char *words[24];
    int count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *rest = text; rest && count < 23;) {
        words[count++] = strsep(&rest, " ");
    }
    words[count] = NULL;
    rf_error_clear(&error);
    cr_assert_eq(rf_arguments_parse(rf_command_find(words[0]), count, words, &arguments, &error),
                 RF_OK, "%s: %s", line, error.what);
    return rf_settings_resolve(&arguments, &settings, &error);
}

static void release(void) {
    rf_settings_release(&settings);
    rf_arguments_release(&arguments);
}

Test(profile, options_go_before_both) {
    write_file("p.yaml", layer);
    write_file("c.yaml", "tables: {exclude: [ce]}\n");
    cr_assert_eq(resolve("sync -r r --profile p.yaml -c c.yaml x"), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.include[0], "pi");
    cr_expect_str_eq(settings.exclude[0], "pe1");
    cr_expect_str_eq(settings.exclude[2], "ce");
    cr_expect_null(settings.exclude[3]);
    cr_expect_str_eq(settings.shadow[0], "ps");
    cr_expect(settings.rules.existing);
    cr_expect_not(settings.rules.any_locale);
    cr_expect_eq(settings.store_count, 2);
    cr_expect_str_eq(settings.next, "p");
    release();
    cr_assert_eq(resolve("sync -r r --profile p.yaml -c c.yaml -t o -T oe --include-shadow "
                         "--bad-text replace --on-mismatch null --any-locale x"),
                 RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.include[0], "o");
    cr_expect_str_eq(settings.exclude[1], "pe2");
    cr_expect_str_eq(settings.exclude[2], "oe", "-T replaces the file's, not the profile's");
    cr_expect_null(settings.exclude[3]);
    cr_expect_str_eq(settings.shadow[0], "*");
    cr_expect_eq(settings.rules.bad_text, RF_BAD_TEXT_REPLACE);
    cr_expect_eq(settings.rules.on_mismatch, RF_MISMATCH_NULL);
    cr_expect(settings.rules.any_locale);
    release();
}

Test(profile, the_environment_names_one) {
    write_file("p.yaml", layer);
    write_file("p.yml", "title: other\n");
    write_file("c.yaml", "profile: p.yml\n");
    setenv("ROWFERRY_PROFILE", "p.yaml", 1);
    cr_assert_eq(resolve("replay -r r -c c.yaml"), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.config.title, "an application");
    release();
    cr_assert_eq(resolve("replay -r r -c c.yaml --profile p.yml"), RF_OK, "%s", error.what);
    cr_expect_str_eq(settings.config.title, "other");
    release();
    cr_assert_eq(resolve("log -r r"), RF_OK, "%s", error.what);
    cr_expect_null(settings.config.title, "a command that takes no profile");
    release();
    setenv("ROWFERRY_PROFILE", "", 1);
    cr_assert_eq(resolve("replay -r r"), RF_OK, "%s", error.what);
    cr_expect_null(settings.config.title);
    release();
    unsetenv("ROWFERRY_PROFILE");
}

Test(profile, what_does_not_go_together_is_told) {
    write_file("p.yaml", "title: t\nexisting: true\non_mismatch: widen\n");
    cr_expect_eq(resolve("replay -r r --profile p.yaml"), RF_USAGE);
    cr_expect_str_eq(error.what,
                     "on_mismatch widen alters tables, and existing ones are the application's");
    release();
    cr_expect_eq(resolve("replay -r r --profile p.yaml --on-mismatch fail"), RF_OK);
    release();
    cr_expect_eq(resolve("replay -r r --profile "), RF_USAGE);
    cr_expect_str_eq(error.what, "--profile is empty");
    release();
    cr_expect_eq(resolve("replay -r r --profile nobodys"), RF_USAGE);
    release();
}
