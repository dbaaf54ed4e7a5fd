#include "replay/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "replay/server_error.h"
#include "replay/sql.h"

enum rf_catalog_kind rf_catalog_kind_of(char typtype, const char *schema, const char *name) {
    static const struct {
        const char *name;
        enum rf_catalog_kind kind;
    } kinds[] = {
        {"bool", RF_KIND_BOOL},
        {"int2", RF_KIND_INT2},
        {"int4", RF_KIND_INT4},
        {"int8", RF_KIND_INT8},
        {"float4", RF_KIND_FLOAT4},
        {"float8", RF_KIND_FLOAT8},
        {"numeric", RF_KIND_NUMERIC},
        {"text", RF_KIND_TEXT},
        {"varchar", RF_KIND_VARCHAR},
        {"bpchar", RF_KIND_CHAR},
        {"bytea", RF_KIND_BYTEA},
        {"date", RF_KIND_DATE},
        {"time", RF_KIND_TIME},
        {"timestamp", RF_KIND_TIMESTAMP},
        {"timestamptz", RF_KIND_TIMESTAMPTZ},
        {"json", RF_KIND_JSON},
        {"jsonb", RF_KIND_JSONB},
        {"uuid", RF_KIND_UUID},
        {"_int8", RF_KIND_INT8_ARRAY},
    };
    if (typtype == 'e') {
        return RF_KIND_ENUM;
    }
    if (strcmp(schema, "pg_catalog") != 0) {
        return RF_KIND_OTHER;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return kinds[i].kind;
        }
    }
    return RF_KIND_OTHER;
}

struct reader {
    struct rf_pg *pg;
    struct rf_arena *arena;
    struct rf_catalog *catalog;
    const struct rf_pg_rows *rows;
};

static const char *text(const struct reader *reader, uint32_t row, uint32_t column) {
    return rf_arena_copy(reader->arena, rf_pg_rows_text(reader->rows, row, column));
}

static bool truth(const struct reader *reader, uint32_t row, uint32_t column) {
    return rf_pg_rows_truth(reader->rows, row, column);
}

/* The server prints a "char" of no value as nothing. */
static char letter(const struct reader *reader, uint32_t row, uint32_t column) {
    const char *value = rf_pg_rows_text(reader->rows, row, column);
    return value ? value[0] : 0;
}

/* ---- one line each ---- */

static void take_table(const struct reader *reader, uint32_t row, struct rf_catalog_table *table) {
    enum { NAME, KIND, PARTITION, GUARDED, OWNED, SELECT, INSERT, DELETE, TRUNCATE, OWNER, BYTES };
    *table = (struct rf_catalog_table){
        .name = text(reader, row, NAME),
        .kind = letter(reader, row, KIND),
        .guarded = truth(reader, row, GUARDED),
        .owned = truth(reader, row, OWNED),
        .owner = text(reader, row, OWNER),
        .may_select = truth(reader, row, SELECT),
        .may_insert = truth(reader, row, INSERT),
        .may_delete = truth(reader, row, DELETE),
        .may_truncate = truth(reader, row, TRUNCATE),
        .bytes = rf_pg_rows_number(reader->rows, row, BYTES),
    };
}

static void take_column(const struct reader *reader, uint32_t row,
                        struct rf_catalog_column *column) {
    enum {
        NAME = 1,
        NUMBER,
        DECLARED,
        TYPE,
        OID,
        MODIFIER,
        TYPTYPE,
        TYPE_SCHEMA,
        TYPE_NAME,
        NOT_NULL,
        DEFAULT,
        IDENTITY,
        GENERATED
    };
    const char *modifier = rf_pg_rows_text(reader->rows, row, MODIFIER);
    *column = (struct rf_catalog_column){
        .name = text(reader, row, NAME),
        .number = (uint32_t)rf_pg_rows_number(reader->rows, row, NUMBER),
        .declared = text(reader, row, DECLARED),
        .type = text(reader, row, TYPE),
        .oid = (uint32_t)rf_pg_rows_number(reader->rows, row, OID),
        .modifier = modifier ? (int32_t)strtol(modifier, NULL, 10) : -1,
        .type_schema = text(reader, row, TYPE_SCHEMA),
        .type_name = text(reader, row, TYPE_NAME),
        .not_null = truth(reader, row, NOT_NULL),
        .identity = letter(reader, row, IDENTITY) != 0,
        .generated = letter(reader, row, GENERATED) != 0,
    };
    column->has_default = truth(reader, row, DEFAULT) && !column->generated;
    column->kind = rf_catalog_kind_of(letter(reader, row, TYPTYPE),
                                      rf_pg_rows_text(reader->rows, row, TYPE_SCHEMA),
                                      rf_pg_rows_text(reader->rows, row, TYPE_NAME));
}

/* "1,3"; a 0 among them is an expression's place, which a plain index does not have. */
static void take_numbers(const struct reader *reader, const char *list,
                         struct rf_catalog_index *index) {
    uint32_t most = 1;
    for (const char *at = list; *at; at++) {
        most += *at == ',';
    }
    index->columns = rf_arena_take(reader->arena, most, sizeof *index->columns);
    for (const char *at = list; index->columns && *at;) {
        char *end;
        index->columns[index->column_count++] = (uint32_t)strtoul(at, &end, 10);
        at = *end == ',' ? end + 1 : end;
        if (*at && end == at) {
            break;
        }
    }
}

static void take_index(const struct reader *reader, uint32_t row, struct rf_catalog_index *index) {
    enum {
        NAME = 1,
        DEFINITION,
        UNIQUE,
        CONSTRAINT,
        CONSTRAINT_DEFINITION,
        COLUMNS,
        VALID,
        MARKED,
        DEFERRABLE,
        DUPLICATES
    };
    const char *columns = rf_pg_rows_text(reader->rows, row, COLUMNS);
    *index = (struct rf_catalog_index){
        .name = text(reader, row, NAME),
        .definition = text(reader, row, DEFINITION),
        .unique = truth(reader, row, UNIQUE),
        .constraint = text(reader, row, CONSTRAINT),
        .constraint_definition = text(reader, row, CONSTRAINT_DEFINITION),
        .valid = truth(reader, row, VALID),
        .marked = truth(reader, row, MARKED),
        .deferrable = truth(reader, row, DEFERRABLE),
        .duplicates = text(reader, row, DUPLICATES),
    };
    if (columns) {
        take_numbers(reader, columns, index);
    }
}

static void take_reflex(const struct reader *reader, uint32_t row,
                        struct rf_catalog_reflex *reflex) {
    enum { KIND = 1, NAME, ENABLED };
    *reflex = (struct rf_catalog_reflex){
        .name = text(reader, row, NAME),
        .rule = strcmp(rf_pg_rows_text(reader->rows, row, KIND), "rule") == 0,
        .enabled = letter(reader, row, ENABLED),
    };
}

static void take_foreign_key(const struct reader *reader, uint32_t row,
                             struct rf_catalog_foreign_key *key) {
    enum {
        SCHEMA,
        TABLE,
        TO_SCHEMA,
        TO_TABLE,
        NAME,
        DEFINITION,
        VALID,
        DEFERRABLE,
        ON_DELETE,
        ON_UPDATE,
        OWNED,
        OWNER,
        MAY_REFER,
        MAY_CHECK,
        ORPHANS
    };
    *key = (struct rf_catalog_foreign_key){
        .schema = text(reader, row, SCHEMA),
        .table = text(reader, row, TABLE),
        .to_schema = text(reader, row, TO_SCHEMA),
        .to_table = text(reader, row, TO_TABLE),
        .name = text(reader, row, NAME),
        .definition = text(reader, row, DEFINITION),
        .valid = truth(reader, row, VALID),
        .deferrable = truth(reader, row, DEFERRABLE),
        .on_delete = letter(reader, row, ON_DELETE),
        .on_update = letter(reader, row, ON_UPDATE),
        .owned = truth(reader, row, OWNED),
        .owner = text(reader, row, OWNER),
        .may_refer = truth(reader, row, MAY_REFER),
        .may_check = truth(reader, row, MAY_CHECK),
        .orphans = text(reader, row, ORPHANS),
    };
}

/* ---- all lines of a kind, each handed to the table that its first column names ---- */

static void take_columns(const struct reader *reader, uint32_t from, uint32_t to,
                         struct rf_catalog_table *table) {
    table->columns = rf_arena_take(reader->arena, to - from, sizeof *table->columns);
    for (uint32_t row = from; table->columns && row < to; row++) {
        take_column(reader, row, &table->columns[table->column_count++]);
    }
}

static void take_indexes(const struct reader *reader, uint32_t from, uint32_t to,
                         struct rf_catalog_table *table) {
    table->indexes = rf_arena_take(reader->arena, to - from, sizeof *table->indexes);
    for (uint32_t row = from; table->indexes && row < to; row++) {
        take_index(reader, row, &table->indexes[table->index_count++]);
    }
}

static void take_reflexes(const struct reader *reader, uint32_t from, uint32_t to,
                          struct rf_catalog_table *table) {
    table->reflexes = rf_arena_take(reader->arena, to - from, sizeof *table->reflexes);
    for (uint32_t row = from; table->reflexes && row < to; row++) {
        take_reflex(reader, row, &table->reflexes[table->reflex_count++]);
    }
}

typedef void take_part(const struct reader *reader, uint32_t from, uint32_t to,
                       struct rf_catalog_table *table);

static enum rf_code ask(struct reader *reader, const char *sql, struct rf_pg_rows **rows,
                        struct rf_error *error) {
    struct rf_pg_args args = {.count = 0};
    rf_pg_text(&args, reader->catalog->schema);
    enum rf_code code = rf_pg_ask(reader->pg, sql, &args, rows, error);
    reader->rows = *rows;
    return code;
}

static enum rf_code read_part(struct reader *reader, const char *sql, take_part *take,
                              struct rf_error *error) {
    struct rf_pg_rows *rows;
    enum rf_code code = ask(reader, sql, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    for (uint32_t from = 0; from < count;) {
        const char *name = rf_pg_rows_text(rows, from, 0);
        uint32_t to = from + 1;
        while (to < count && strcmp(rf_pg_rows_text(rows, to, 0), name) == 0) {
            to++;
        }
        const struct rf_catalog_table *table = rf_catalog_find(reader->catalog, name);
        if (table) { /* one made a moment ago is none of ours */
            take(reader, from, to, &reader->catalog->tables[table - reader->catalog->tables]);
        }
        from = to;
    }
    rf_pg_rows_free(rows);
    return code;
}

static enum rf_code read_tables(struct reader *reader, struct rf_error *error) {
    struct rf_catalog *catalog = reader->catalog;
    struct rf_pg_rows *rows;
    enum rf_code code = ask(reader, rf_sql_catalog_tables, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    catalog->tables = rf_arena_take(reader->arena, count, sizeof *catalog->tables);
    for (uint32_t row = 0; catalog->tables && row < count; row++) {
        take_table(reader, row, &catalog->tables[catalog->table_count++]);
    }
    rf_pg_rows_free(rows);
    return code == RF_OK ? rf_arena_check(reader->arena, error) : code;
}

static enum rf_code read_foreign_keys(struct reader *reader, struct rf_error *error) {
    struct rf_catalog *catalog = reader->catalog;
    struct rf_pg_rows *rows;
    enum rf_code code = ask(reader, rf_sql_catalog_foreign_keys, &rows, error);
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    catalog->foreign_keys = rf_arena_take(reader->arena, count, sizeof *catalog->foreign_keys);
    for (uint32_t row = 0; catalog->foreign_keys && row < count; row++) {
        take_foreign_key(reader, row, &catalog->foreign_keys[catalog->foreign_key_count++]);
    }
    rf_pg_rows_free(rows);
    return code;
}

static enum rf_code read_labels(struct reader *reader, struct rf_error *error) {
    enum { SCHEMA, TYPE, LABEL };
    struct rf_catalog *catalog = reader->catalog;
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(reader->pg, rf_sql_catalog_labels, NULL, &rows, error);
    reader->rows = rows;
    uint32_t count = code == RF_OK ? rf_pg_rows_count(rows) : 0;
    catalog->labels = rf_arena_take(reader->arena, count, sizeof *catalog->labels);
    for (uint32_t row = 0; catalog->labels && row < count; row++) {
        catalog->labels[catalog->label_count++] = (struct rf_catalog_label){
            .schema = text(reader, row, SCHEMA),
            .type = text(reader, row, TYPE),
            .label = text(reader, row, LABEL),
        };
    }
    rf_pg_rows_free(rows);
    return code;
}

/* Who may set the parameter differs from version to version; the server knows best. */
static enum rf_code try_replica(struct reader *reader, struct rf_error *error) {
    enum rf_code code = rf_pg_do(reader->pg, rf_sql_replica_try, NULL, error);
    if (code != RF_OK && strcmp(error->sqlstate, RF_SQLSTATE_PRIVILEGE) == 0) {
        rf_error_clear(error);
        return rf_pg_do(reader->pg, rf_sql_replica_try_end, NULL, error);
    }
    reader->catalog->may_be_replica = code == RF_OK;
    return code == RF_OK ? rf_pg_do(reader->pg, rf_sql_replica_try_end, NULL, error) : code;
}

static enum rf_code read_role(struct reader *reader, struct rf_error *error) {
    struct rf_pg_rows *rows;
    enum rf_code code = ask(reader, rf_sql_catalog_role, &rows, error);
    if (code == RF_OK) {
        reader->catalog->role = text(reader, 0, 0);
        reader->catalog->may_create = truth(reader, 0, 1);
    }
    rf_pg_rows_free(rows);
    return code == RF_OK ? try_replica(reader, error) : code;
}

enum rf_code rf_catalog_read(struct rf_pg *pg, const char *schema, struct rf_arena *arena,
                             struct rf_catalog *catalog, struct rf_error *error) {
    *catalog = (struct rf_catalog){.schema = schema};
    struct reader reader = {.pg = pg, .arena = arena, .catalog = catalog};
    static const struct {
        const char *sql;
        take_part *take;
    } parts[] = {
        {rf_sql_catalog_columns, take_columns},
        {rf_sql_catalog_indexes, take_indexes},
        {rf_sql_catalog_reflexes, take_reflexes},
    };
    enum rf_code code = read_role(&reader, error);
    if (code == RF_OK) {
        code = read_tables(&reader, error);
    }
    for (size_t i = 0; code == RF_OK && i < sizeof parts / sizeof parts[0]; i++) {
        code = read_part(&reader, parts[i].sql, parts[i].take, error);
    }
    if (code == RF_OK) {
        code = read_foreign_keys(&reader, error);
    }
    if (code == RF_OK) {
        code = read_labels(&reader, error);
    }
    if (code == RF_OK) {
        return rf_arena_check(arena, error);
    }
    rf_while(error, "while reading what stands in schema \"%s\"", schema);
    return code;
}

const struct rf_catalog_table *rf_catalog_find(const struct rf_catalog *catalog, const char *name) {
    uint32_t low = 0, high = catalog->table_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(catalog->tables[middle].name, name);
        if (order == 0) {
            return &catalog->tables[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct rf_catalog_column *rf_catalog_find_column(const struct rf_catalog_table *table,
                                                       const char *name) {
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return &table->columns[i];
        }
    }
    return NULL;
}
