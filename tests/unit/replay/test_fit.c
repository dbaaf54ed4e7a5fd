/* If these fail, rows go into an application's columns in a way that loses something, or a table
 * that cannot take them is found out when some are in it already. */
#include "replay/fit.h"

#include <criterion/criterion.h>
#include <string.h>

#include "replay/fit_type.h"
#include "rows.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct rf_arena arena;

static void tear_down(void) {
    rf_arena_release(&arena);
}
TestSuite(fit, .fini = tear_down);

/* ---- types ---- */

static struct rf_catalog_label labels[] = {
    {"app", "mood", "sad"}, {"app", "other", "no"}, {"app", "mood", "it's ok"}};
static const struct rf_catalog label_catalog = {.label_count = COUNT(labels), .labels = labels};

struct typed {
    enum rf_catalog_kind kind;
    const char *type; /* as format_type prints it */
    const char *declared;
    uint64_t integers, reals, texts, blobs;
    bool distinct;
    const char *proven, *asked;
    enum rf_bad_text bad_text;
    const char *spec; /* NULL: none is found */
};

static const struct typed types[] = {
    {RF_KIND_BOOL, "boolean", "BOOL", 5, 0, 0, 0, .spec = "boolean"},
    {RF_KIND_BOOL, "boolean", "TEXT", 0, 0, 3, 0, .spec = "boolean from words"},
    {RF_KIND_INT2, "smallint", "INT", 1, 0, 0, 0, .spec = "smallint"},
    {RF_KIND_FLOAT4, "real", "REAL", 0, 1, 0, 0, .spec = "real"},
    {RF_KIND_NUMERIC, "numeric(10,2)", "DECIMAL", 1, 0, 0, 0, .spec = "numeric(10,2)"},
    {RF_KIND_NUMERIC, "numeric", "DECIMAL", 1, 0, 0, 0, .distinct = true,
     .spec = "numeric, told apart"},
    /* SQLite makes text of what comes into a column with TEXT affinity, into no other. */
    {RF_KIND_TEXT, "text", "VARCHAR(9)", 0, 0, 9, 0, .spec = "text"},
    {RF_KIND_TEXT, "text", "VARCHAR(9)", 1, 0, 9, 0, .spec = "text from any"},
    {RF_KIND_TEXT, "text", "BLOB", 0, 0, 9, 0, .spec = "text from any"},
    {RF_KIND_TEXT, "text", NULL, 0, 0, 0, 0, .distinct = true, .spec = "text from any, told apart"},
    {RF_KIND_TEXT, "text", "TEXT", 0, 0, 1, 0, .bad_text = RF_BAD_TEXT_STRIP,
     .spec = "text; strip"},
    {RF_KIND_TEXT, "text", "TEXT", 0, 0, 1, 0, .bad_text = RF_BAD_TEXT_BYTEA, .spec = "text"},
    {RF_KIND_VARCHAR, "character varying", "TEXT", 0, 0, 1, 0, .spec = "varchar"},
    {RF_KIND_VARCHAR, "character varying(20)", "TEXT", 0, 0, 1, 0, .bad_text = RF_BAD_TEXT_ESCAPE,
     .spec = "varchar(20); escape"},
    {RF_KIND_CHAR, "character(4)", "TEXT", 0, 0, 1, 0, .spec = "character(4)"},
    {RF_KIND_BYTEA, "bytea", "BLOB", 0, 0, 0, 4, .spec = "bytea"},
    {RF_KIND_BYTEA, "bytea", "BLOB", 0, 0, 1, 4, .spec = "bytea from any"},
    /* 'a' and x'61' are two keys in SQLite, and would be one there. */
    {RF_KIND_BYTEA, "bytea", "BLOB", 0, 0, 1, 4, .distinct = true, .spec = "bytea"},
    {RF_KIND_DATE, "date", "DATE", 0, 0, 4, 0, .proven = "iso YYYY-MM-DD", .spec = "date from iso"},
    {RF_KIND_TIMESTAMPTZ, "timestamp with time zone", "INT", 4, 0, 0, 0, .proven = "unix-ms",
     .spec = "timestamptz from unix-ms"},
    {RF_KIND_TIMESTAMP, "timestamp without time zone", "TEXT", 0, 0, 4, 0, .distinct = true,
     .proven = "iso YYYY-MM-DD", .spec = "timestamp from iso YYYY-MM-DD"},
    /* Nothing is guessed of numbers. */
    {RF_KIND_TIMESTAMPTZ, "timestamp with time zone", "INT", 4, 0, 0, 0, .spec = NULL},
    {RF_KIND_TIMESTAMPTZ, "timestamp with time zone", "INT", 4, 0, 0, 0,
     .asked = "timestamptz from unix-s", .spec = "timestamptz from unix-s"},
    {RF_KIND_TIME, "time without time zone", "INT", 0, 0, 0, 0, .spec = "time from iso"},
    {RF_KIND_JSONB, "jsonb", "TEXT", 0, 0, 1, 0, .spec = "jsonb"},
    {RF_KIND_UUID, "uuid", "BLOB", 0, 0, 0, 1, .spec = "uuid"},
    {RF_KIND_INT8_ARRAY, "bigint[]", "TEXT", 0, 0, 1, 0, .spec = "bigint[]"},
    {RF_KIND_ENUM, "app.mood", "TEXT", 0, 0, 1, 0,
     .spec = "enum \"app\".\"mood\"('sad','it''s ok')"},
    {RF_KIND_OTHER, "tsvector", "TEXT", 0, 0, 1, 0, .spec = NULL},
    {RF_KIND_OTHER, "tsvector", "TEXT", 0, 0, 1, 0, .asked = "text", .spec = NULL},
};

Test(fit, specs) {
    char name[] = "c";
    for (size_t i = 0; i < COUNT(types); i++) {
        const struct typed *typed = &types[i];
        const struct rf_catalog_column to = {.name = "c",
                                             .declared = typed->type,
                                             .type = typed->type,
                                             .kind = typed->kind,
                                             .modifier = -1,
                                             .type_schema = "app",
                                             .type_name = "mood"};
        char *declared = rf_arena_copy(&arena, typed->declared);
        const struct rf_column from = {.name = name, .declared = declared};
        const struct rf_census census = {.count = {[RF_INTEGER] = typed->integers,
                                                   [RF_REAL] = typed->reals,
                                                   [RF_TEXT] = typed->texts,
                                                   [RF_BLOB] = typed->blobs}};
        const struct rf_fit_type_question question = {
            .catalog = &label_catalog,
            .to = &to,
            .from = &from,
            .census = &census,
            .settings = {.type = typed->asked, .bad_text = typed->bad_text},
            .distinct = typed->distinct,
            .proven = typed->proven,
        };
        struct rf_fit_type found = rf_fit_type_choose(&question, &arena);
        cr_assert_eq(found.spec == NULL, typed->spec == NULL, "case %zu", i);
        cr_assert_eq(found.trouble == NULL, typed->spec != NULL, "case %zu", i);
        if (!typed->spec) {
            continue;
        }
        cr_assert_str_eq(found.spec, typed->spec, "case %zu", i);
        /* Every spec is one that there is, and leads back to the type. */
        struct rf_error error;
        const struct rf_conversion *conversion;
        cr_assert_eq(rf_conversion_read(found.spec, &arena, &conversion, &error), RF_OK,
                     "case %zu: %s", i, error.what);
        cr_assert(rf_fit_type_is(&to, conversion->type), "case %zu: %s", i, conversion->type);
    }
}

Test(fit, precision_of_instants) {
    const struct rf_catalog_column to = {.declared = "timestamp(3) with time zone",
                                         .type = "timestamp(3) with time zone",
                                         .kind = RF_KIND_TIMESTAMPTZ,
                                         .modifier = 3};
    char name[] = "c";
    const struct rf_column from = {.name = name};
    const struct rf_census census = {.count = {[RF_TEXT] = 1}};
    const struct rf_fit_type_question question = {.to = &to, .from = &from, .census = &census};
    struct rf_error error;
    const struct rf_conversion *conversion;
    struct rf_fit_type found = rf_fit_type_choose(&question, &arena);
    cr_assert_str_eq(found.spec, "timestamptz(3) from iso");
    cr_assert_eq(rf_conversion_read(found.spec, &arena, &conversion, &error), RF_OK);
    cr_assert(rf_fit_type_is(&to, conversion->type), "%s", conversion->type);
}

Test(fit, kinds) {
    cr_assert_eq(rf_catalog_kind_of('b', "pg_catalog", "int8"), RF_KIND_INT8);
    cr_assert_eq(rf_catalog_kind_of('b', "public", "int8"), RF_KIND_OTHER);
    cr_assert_eq(rf_catalog_kind_of('e', "pg_catalog", "int8"), RF_KIND_ENUM);
    cr_assert_eq(rf_catalog_kind_of('b', "pg_catalog", "_int4"), RF_KIND_OTHER);
}

/* ---- tables ---- */

static struct rf_catalog_column column(const char *name, uint32_t number, enum rf_catalog_kind kind,
                                       const char *type) {
    return (struct rf_catalog_column){.name = name,
                                      .number = number,
                                      .declared = type,
                                      .type = type,
                                      .kind = kind,
                                      .modifier = -1};
}

struct scene {
    struct rf_rules rules;
    struct rf_manifest_table source;
    struct rf_catalog_column columns[6];
    struct rf_catalog_table table;
    struct rf_catalog catalog;
    struct rf_troubles troubles;
    struct rf_plan plan;
};

/* t (id PRIMARY KEY, v, n), into a table with the same columns. */
static void set_scene(struct scene *scene) {
    *scene = (struct scene){.rules = {.existing = true}, .source = test_table("t", 3)};
    test_column(&scene->source, 0, "id", "INTEGER");
    test_column(&scene->source, 1, "v", "TEXT");
    test_column(&scene->source, 2, "n", "INT");
    test_census(&scene->source, 0, 0, 9, 0, 0, 0);
    test_census(&scene->source, 1, 2, 0, 0, 7, 0);
    test_census(&scene->source, 2, 0, 9, 0, 0, 0);
    test_key(&scene->source, 1, (const uint32_t[]){0});
    scene->columns[0] = column("n", 1, RF_KIND_INT8, "bigint");
    scene->columns[1] = column("v", 2, RF_KIND_TEXT, "text");
    scene->columns[2] = column("id", 5, RF_KIND_INT8, "bigint");
    scene->table = (struct rf_catalog_table){.name = "t",
                                             .kind = 'r',
                                             .may_select = true,
                                             .may_insert = true,
                                             .may_delete = true,
                                             .column_count = 3,
                                             .columns = scene->columns};
    scene->catalog = (struct rf_catalog){
        .schema = "public", .role = "me", .table_count = 1, .tables = &scene->table};
    scene->troubles.arena = &arena;
}

static void fit_scene(struct scene *scene, const struct rf_plan *before) {
    struct rf_error error;
    const struct rf_fit_question question = {.rules = &scene->rules,
                                             .catalog = &scene->catalog,
                                             .source = &scene->source,
                                             .before = before};
    scene->troubles = (struct rf_troubles){.arena = &arena};
    cr_assert_eq(rf_fit_table(&question, &arena, &scene->plan, &scene->troubles, &error), RF_OK);
    cr_assert(!arena.failed);
}

static void assert_trouble(const struct scene *scene, const char *part) {
    for (const struct rf_trouble *at = scene->troubles.first; at; at = at->next) {
        if (strstr(at->line, part)) {
            return;
        }
    }
    cr_assert_fail("no trouble says \"%s\"; the first of %u: %s", part, scene->troubles.count,
                   scene->troubles.first ? scene->troubles.first->line : "");
}

Test(fit, columns_by_name) {
    struct scene scene;
    set_scene(&scene);
    fit_scene(&scene, NULL);
    cr_assert_eq(scene.troubles.count, 0);
    cr_assert(!scene.plan.owned);
    cr_assert_eq(scene.plan.column_count, 3);
    cr_assert_str_eq(scene.plan.columns[2].name, "n");
    cr_assert_eq(scene.plan.columns[2].cell, 2);
    cr_assert_eq(scene.plan.key_count, 1);
    cr_assert_eq(scene.plan.key[0], 0);
    cr_assert_eq(scene.plan.columns[0].key_part, 1);
    cr_assert(!rf_fit_outdated(&scene.plan, &scene.source, &scene.catalog, &arena));
    rf_manifest_table_release(&scene.source);
}

Test(fit, a_rule_names_and_leaves_out) {
    struct scene scene;
    set_scene(&scene);
    scene.columns[1].name = "Value";
    const struct rf_column_rule columns[] = {{.column = "v", .rename = "Value"},
                                             {.column = "n", .exclude = RF_CHOICE_YES}};
    const struct rf_table_rule rule = {.table = "t", .column_count = 2, .columns = columns};
    scene.rules.table_count = 1;
    scene.rules.tables = &rule;
    fit_scene(&scene, NULL);
    cr_assert_eq(scene.troubles.count, 0);
    cr_assert_eq(scene.plan.column_count, 2);
    cr_assert_str_eq(scene.plan.columns[1].name, "Value");
    cr_assert_str_eq(scene.plan.excluded[0], "n");
    cr_assert(!rf_fit_outdated(&scene.plan, &scene.source, &scene.catalog, &arena));
    rf_manifest_table_release(&scene.source);
}

Test(fit, folded_names) {
    struct scene scene;
    set_scene(&scene);
    scene.source.table.columns[1].name[0] = 'V';
    fit_scene(&scene, NULL);
    cr_assert_eq(scene.troubles.count, 0);
    cr_assert_str_eq(scene.plan.columns[1].source, "V");
    cr_assert_str_eq(scene.plan.columns[1].name, "v");
    scene.columns[1].name = "V";
    scene.source.table.columns[1].name[0] = 'v';
    fit_scene(&scene, NULL);
    assert_trouble(&scene, "has no column \"v\"");
    rf_manifest_table_release(&scene.source);
}

Test(fit, all_troubles_at_once) {
    struct scene scene;
    set_scene(&scene);
    scene.columns[0].name = "other";
    scene.columns[0].not_null = true;
    scene.columns[1].kind = RF_KIND_OTHER;
    scene.columns[1].declared = "inet";
    scene.table.guarded = true;
    scene.table.may_delete = false;
    fit_scene(&scene, NULL);
    cr_assert_eq(scene.troubles.count, 5);
    assert_trouble(&scene, "ALTER TABLE \"public\".\"t\" ADD COLUMN \"n\" bigint");
    assert_trouble(&scene, "\"v\" is of type inet");
    assert_trouble(&scene, "\"other\" is NOT NULL without a default");
    assert_trouble(&scene, "row security");
    assert_trouble(&scene, "GRANT DELETE ON \"public\".\"t\" TO \"me\"");
    rf_manifest_table_release(&scene.source);
}

Test(fit, what_fills_a_column_that_the_source_lacks) {
    struct scene scene;
    set_scene(&scene);
    scene.table.column_count = 6;
    scene.columns[3] = column("a", 6, RF_KIND_OTHER, "inet");
    scene.columns[4] = column("b", 7, RF_KIND_INT8, "bigint");
    scene.columns[4].not_null = scene.columns[4].identity = true;
    scene.columns[5] = column("c", 8, RF_KIND_INT8, "bigint");
    scene.columns[5].not_null = scene.columns[5].has_default = true;
    fit_scene(&scene, NULL);
    cr_assert_eq(scene.troubles.count, 0);
    scene.columns[5].has_default = false;
    fit_scene(&scene, NULL);
    cr_assert_eq(scene.troubles.count, 1);
    rf_manifest_table_release(&scene.source);
}

Test(fit, a_key_must_be_carried) {
    struct scene scene;
    set_scene(&scene);
    scene.columns[2].generated = true;
    fit_scene(&scene, NULL);
    assert_trouble(&scene, "\"id\" is of the source's key");
    rf_manifest_table_release(&scene.source);
}

Test(fit, a_key_may_be_given) {
    struct scene scene;
    set_scene(&scene);
    scene.source.table.key_count = 0;
    scene.source.table.columns[0].key_part = 0;
    const char *const key[] = {"n", "id", NULL};
    const struct rf_table_rule rule = {.table = "t", .key = key, .standing_rows = RF_STANDING_KEEP};
    scene.rules.table_count = 1;
    scene.rules.tables = &rule;
    fit_scene(&scene, NULL);
    cr_assert_eq(scene.troubles.count, 0);
    cr_assert(scene.plan.key_given && scene.plan.kept);
    cr_assert_eq(scene.plan.key_count, 2);
    cr_assert_eq(scene.plan.key[0], 2);
    cr_assert_eq(scene.plan.columns[0].key_part, 2);
    cr_assert(!rf_fit_outdated(&scene.plan, &scene.source, &scene.catalog, &arena));
    const struct rf_table_rule keep = {.table = "t", .standing_rows = RF_STANDING_KEEP};
    scene.rules.tables = &keep;
    fit_scene(&scene, NULL);
    assert_trouble(&scene, "has no key to tell them by");
    rf_manifest_table_release(&scene.source);
}

Test(fit, nulls_and_ranges_are_foreseen) {
    struct scene scene;
    set_scene(&scene);
    scene.columns[1].not_null = true;
    scene.columns[0] = column("n", 1, RF_KIND_INT2, "smallint");
    scene.source.census[2].max_integer = 40000;
    fit_scene(&scene, NULL);
    cr_assert_eq(scene.troubles.count, 0);
    cr_assert_eq(scene.plan.remark_count, 2);
    cr_assert(strstr(scene.plan.remarks[0], "the source has 2 NULLs: their rows are set aside"));
    cr_assert(strstr(scene.plan.remarks[1], "is smallint, which does not hold all"));
    scene.rules.on_mismatch = RF_MISMATCH_FAIL;
    fit_scene(&scene, NULL);
    cr_assert_eq(scene.troubles.count, 2);
    rf_manifest_table_release(&scene.source);
}

Test(fit, conversions_stay) {
    struct scene scene;
    set_scene(&scene);
    fit_scene(&scene, NULL);
    struct rf_plan before = scene.plan;
    test_census(&scene.source, 1, 0, 5, 0, 5, 0); /* numbers came into the text */
    fit_scene(&scene, &before);
    cr_assert_str_eq(scene.plan.columns[1].conversion->name, "text");
    memcpy(scene.source.table.columns[1].declared, "BLOB", 4);
    cr_assert(rf_fit_outdated(&before, &scene.source, &scene.catalog, &arena));
    fit_scene(&scene, &before);
    cr_assert_str_eq(scene.plan.columns[1].conversion->name, "text from any");
    rf_manifest_table_release(&scene.source);
}

Test(fit, outdated) {
    struct scene scene;
    set_scene(&scene);
    fit_scene(&scene, NULL);
    scene.columns[0].type = "integer";
    cr_assert(rf_fit_outdated(&scene.plan, &scene.source, &scene.catalog, &arena));
    scene.columns[0].type = "bigint";
    scene.columns[0].not_null = true;
    cr_assert(rf_fit_outdated(&scene.plan, &scene.source, &scene.catalog, &arena));
    scene.columns[0].not_null = false;
    scene.columns[0].name = "m";
    cr_assert(rf_fit_outdated(&scene.plan, &scene.source, &scene.catalog, &arena));
    scene.columns[0].name = "n";
    cr_assert(!rf_fit_outdated(&scene.plan, &scene.source, &scene.catalog, &arena));
    scene.catalog.table_count = 0;
    cr_assert(rf_fit_outdated(&scene.plan, &scene.source, &scene.catalog, &arena));
    rf_manifest_table_release(&scene.source);
}

Test(fit, not_a_table) {
    struct scene scene;
    set_scene(&scene);
    scene.table.kind = 'v';
    fit_scene(&scene, NULL);
    assert_trouble(&scene, "\"t\" is a view");
    scene.catalog.table_count = 0;
    fit_scene(&scene, NULL);
    assert_trouble(&scene, "not in the target");
    rf_manifest_table_release(&scene.source);
}
