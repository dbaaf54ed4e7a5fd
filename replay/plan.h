/* What a table of the source becomes in the target: its columns with their types, its key, and the
 * indexes and constraints that can be carried over.
 *
 * A plan is made once, from the manifest, when a table is created; from then on it is what the
 * ledger says (ledger.h reads it back), so that a later census changes nothing in silence. What
 * cannot be carried over is told in remarks; an index or a constraint that is not carried over
 * stays in the plan, with the reason, so that it is told of once.
 *
 * Everything a plan points to lives in the arena that it was made in. */
#ifndef RF_REPLAY_PLAN_H
#define RF_REPLAY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "format/bytes.h"
#include "format/error.h"
#include "format/manifest.h"
#include "replay/arena.h"
#include "replay/conversion.h"
#include "replay/encode.h"
#include "replay/names.h"
#include "replay/rules.h"

struct rf_run;

#define RF_PLAN_COLUMNS_MAX 1600u   /* of a PostgreSQL table */
#define RF_PLAN_INDEX_PARTS_MAX 32u /* of a PostgreSQL index */

struct rf_plan_column {
    const char *source;   /* its name in the source, */
    const char *name;     /* and in the target */
    uint32_t cell;        /* its number in the source's table, from 0 */
    const char *declared; /* as SQLite has it; "" where there is none */
    const struct rf_conversion *conversion;
    enum rf_mismatch on_mismatch; /* never DEFAULT */
    enum rf_bad_text bad_text;    /* never DEFAULT */
    const char *asked;            /* the conversion that a rule asked for; NULL where none did */
    const char *reason;
    bool widened; /* its rows forced another type on it than was declared or asked for */
    bool not_null;
    uint32_t key_part;         /* 1-based place in the key, 0 for none */
    const char *default_sql;   /* SQL: what follows DEFAULT; NULL: none */
    const char *generated_sql; /* SQL: the server computes its values from this; NULL: they come */
    const char *identity;      /* name of its sequence; NULL: it is no identity column */
};

/* Names in the ledger: "primary key", "unique", "unique index", "index". */
enum rf_plan_index_kind {
    RF_PLAN_PRIMARY_KEY, /* constraint */
    RF_PLAN_UNIQUE,      /* constraint */
    RF_PLAN_UNIQUE_INDEX,
    RF_PLAN_INDEX,
};

/* SQL of the target's, names quoted, wherever it says so. */
struct rf_plan_index {
    const char *name;   /* in the target; NULL until one is chosen */
    const char *wanted; /* what it would like to be called */
    enum rf_plan_index_kind kind;
    const char *parts;     /* SQL: what stands between the parentheses */
    const char *predicate; /* SQL: what follows WHERE; NULL: every row is in it */
    uint32_t column_count; /* parts that are a column by itself */
    uint32_t *columns;     /* their numbers, from 0, in the order of the parts */
    bool expressions;      /* some parts are something else */
    bool stands;         /* false: it could not be carried over, or the server would not have it */
    const char *refusal; /* why it could not be carried over: then `parts` is SQLite's own SQL */
};

/* Names in the ledger: "check", "foreign key". */
enum rf_plan_constraint_kind { RF_PLAN_CHECK, RF_PLAN_FOREIGN_KEY };

struct rf_plan_constraint {
    const char *name; /* in the target; NULL until one is chosen */
    const char *wanted;
    enum rf_plan_constraint_kind kind;
    const char *parent;     /* of a foreign key: the table of the source that it refers to */
    const char *definition; /* SQL: what follows the name; where it is refused, SQLite's own */
    bool stands;
    bool valid;          /* all rows satisfy it */
    const char *refusal; /* why it could not be carried over */
    const char *reason;  /* as the ledger has it: why it does not stand or is not valid */
};

/* A column of the target of a computed table, and what goes into it. */
struct rf_plan_target {
    const char *name;
    const char *sql; /* over the columns of the stage, AS source, and the aliases of the joins */
    bool plain;      /* it is a column of the stage as it is: */
    uint32_t column; /* this one */
    bool joined;     /* it may look at the joins */
};
struct rf_plan_join {
    const char *relation; /* in the target's schema */
    const char *alias;
    const char *on;
};
/* A table whose rows do not go in as they are: they are copied into a temporary table of the same
 * name, the stage, which has the plan's columns, and a statement of the server's makes of them what
 * goes in: SELECT targets FROM stage AS source LEFT JOIN joins WHERE where. */
struct rf_plan_computed {
    uint32_t target_count;
    struct rf_plan_target *targets;
    uint32_t join_count;
    struct rf_plan_join *joins;
    const char *where; /* NULL: every row */
};

struct rf_plan {
    const char *table;    /* its name in the source, and in the ledger */
    const char *relation; /* its name in the target */
    bool owned;           /* rowferry made it; else the application did (fit.h) */
    bool kept;            /* not owned, and rows that it had before stay in it (keep.h) */
    const struct rf_plan_computed *computed; /* NULL: rows go in as they are */
    uint32_t column_count;
    struct rf_plan_column *columns; /* of the stage, where the table is computed */
    uint32_t excluded_count;
    const char **excluded; /* columns of the source that are not carried */
    uint32_t key_count;    /* 0: rows are told apart by all their columns */
    uint32_t *key;         /* columns in the order of the key */
    bool key_given;        /* by a rule, for a table that declares none */
    uint32_t
        lookup; /* of a table without a key that is not owned: 1 + the column that an index of it
                        begins with, as a delta finds it; 0: none */
    uint32_t index_count;
    struct rf_plan_index *indexes;
    uint32_t constraint_count;
    struct rf_plan_constraint *constraints;
    bool blurred; /* rows with different keys may have the same key in the target */
    uint32_t remark_count;
    const char **remarks;
};

/* Whether the source keeps its text as UTF-16, and so orders it otherwise than by its UTF-8. */
bool rf_plan_utf16(const struct rf_manifest *manifest);

/* What a plan is made of. */
struct rf_plan_request {
    struct rf_run *run; /* its repository has the rows */
    const struct rf_manifest_table *source;
    bool utf16;                   /* so is the source */
    const struct rf_rules *rules; /* NULL: none */
    struct rf_names *names;       /* taken in the target; those of the indexes are added */
    const char *relation;         /* its name in the target; NULL: as in the source */
    const char **column_names;    /* likewise, for every column of the source in its order */
};

/* Chooses types, key, constraints and the names of indexes. Reads the table's rows where something
 * is left to them (survey.h). RF_USAGE: the rules ask for what cannot be. */
RF_MUST_USE enum rf_code rf_plan_make(const struct rf_plan_request *request, struct rf_arena *arena,
                                      struct rf_plan *plan, struct rf_error *error);

/* Chooses the types of columns that have none yet, as for a table of rowferry's own. Reads the rows
 * where something is left to them. */
RF_MUST_USE enum rf_code rf_plan_choose_types(struct rf_run *run,
                                              const struct rf_manifest_table *source,
                                              struct rf_plan *plan, struct rf_arena *arena,
                                              struct rf_error *error);

/* Columns of a standing plan, by their place in it. */
struct rf_plan_narrow {
    uint32_t count; /* do not hold what the census counts, and are to be widened */
    uint32_t *columns;
    uint32_t unsure_count; /* are to be widened where a row turns up that does not fit: the census
                              cannot tell */
    uint32_t *unsure;
};
/* For a plan that is not outdated. Only columns with the policy widen are listed: for the others a misfit has its way already. A
 * NULL in a column that is NOT NULL in the target makes it too narrow as well. */
RF_MUST_USE enum rf_code rf_plan_too_narrow(const struct rf_plan *plan,
                                            const struct rf_manifest_table *source,
                                            struct rf_arena *arena, struct rf_plan_narrow *narrow,
                                            struct rf_error *error);
/* The standing plan with these columns chosen anew from the rows of the request's source, and no
 * NOT NULL where there are NULLs now. All else is as it stands, indexes and names too; of the
 * request only run and source are used. *widened tells whether anything is different. Remarks tell
 * what was widened and why, and nothing else. */
RF_MUST_USE enum rf_code rf_plan_widen(const struct rf_plan_request *request,
                                       const struct rf_plan *standing, const uint32_t *columns,
                                       uint32_t count, struct rf_arena *arena, struct rf_plan *plan,
                                       bool *widened, struct rf_error *error);

/* What the rules say otherwise than the plan: a line for people each, "column c: …", in the arena.
 * What they say nothing about stays as the plan has it. RF_USAGE: a type that there is not. */
RF_MUST_USE enum rf_code rf_plan_disagrees(const struct rf_plan *plan,
                                           const struct rf_manifest_table *source,
                                           const struct rf_rules *rules, struct rf_arena *arena,
                                           uint32_t *count, const char ***lines,
                                           struct rf_error *error);

/* Lists what the source has of indexes and constraints now, unnamed, for a table whose columns are
 * planned already. (plan_index.c) */
RF_MUST_USE enum rf_code rf_plan_list_indexes(const struct rf_manifest_table *source, bool utf16,
                                              struct rf_arena *arena, struct rf_plan *plan,
                                              struct rf_error *error);
/* Both keep the same parts of the same rows in the same way, and would be called alike. */
bool rf_plan_index_same(const struct rf_plan_index *a, const struct rf_plan_index *b);
/* plan_carry.c: what columns do by themselves, for columns that are planned already: defaults,
 * expressions of generated columns, identity. `names` may be NULL: then no column becomes an
 * identity that is none. */
RF_MUST_USE enum rf_code rf_plan_carry_columns(const struct rf_manifest_table *source, bool utf16,
                                               struct rf_names *names, struct rf_arena *arena,
                                               struct rf_plan *plan, struct rf_error *error);
/* plan_constraint.c: the CHECK constraints that the source has now, unnamed. */
RF_MUST_USE enum rf_code rf_plan_list_checks(const struct rf_manifest_table *source, bool utf16,
                                             struct rf_arena *arena, struct rf_plan *plan,
                                             struct rf_error *error);
/* Gives it a name that nothing else of the plan has. Want of memory shows in rf_arena_check. */
void rf_plan_name_constraint(const struct rf_plan *plan, struct rf_plan_constraint *constraint,
                             struct rf_arena *arena);
bool rf_plan_constraint_same(const struct rf_plan_constraint *a,
                             const struct rf_plan_constraint *b);
const char *rf_plan_constraint_kind_name(enum rf_plan_constraint_kind kind);
bool rf_plan_constraint_kind_find(const char *name, enum rf_plan_constraint_kind *kind);

/* Whether different keys of the source may be the same in the target. */
bool rf_plan_key_blurs(const struct rf_plan *plan);
const char *rf_plan_index_kind_name(enum rf_plan_index_kind kind);
bool rf_plan_index_kind_find(const char *name, enum rf_plan_index_kind *kind);

/* Columns that are widened. */
uint32_t rf_plan_widened(const struct rf_plan *plan);
/* Whether the table is declared in another way than when the plan was made, so that it has to be
 * made anew: other columns, types, NOT NULLs or another key. */
bool rf_plan_outdated(const struct rf_plan *plan, const struct rf_manifest_table *source,
                      struct rf_arena *arena);

/* The encoder of whole rows as they are filled in, without the columns that the server generates;
 * of whole rows as they stand; and of the cells of the key, in its order. `census` (of the snapshot
 * that the rows are of) may be NULL, and spares the inspection of clean text. */
RF_MUST_USE enum rf_code rf_plan_encoder(const struct rf_plan *plan, const struct rf_census *census,
                                         struct rf_arena *arena, struct rf_encoder *encoder,
                                         struct rf_error *error);
RF_MUST_USE enum rf_code rf_plan_whole_encoder(const struct rf_plan *plan,
                                               const struct rf_census *census,
                                               struct rf_arena *arena, struct rf_encoder *encoder,
                                               struct rf_error *error);
RF_MUST_USE enum rf_code rf_plan_key_encoder(const struct rf_plan *plan, struct rf_arena *arena,
                                             struct rf_encoder *encoder, struct rf_error *error);

/* SQL, each one statement without a semicolon. */
/* As it stands in CREATE TABLE and behind ADD COLUMN. */
void rf_plan_column_definition(const struct rf_plan_column *column, const char *schema,
                               struct rf_buffer *sql);
/* Without `identities`, columns that are to be identity columns are plain ones. */
void rf_plan_create_table(const struct rf_plan *plan, const char *schema, bool identities,
                          struct rf_buffer *sql);
void rf_plan_copy_in(const struct rf_plan *plan, const char *schema, bool freeze,
                     struct rf_buffer *sql);
void rf_plan_copy_out(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql);
void rf_plan_create_index(const struct rf_plan *plan, const struct rf_plan_index *index,
                          const char *schema, struct rf_buffer *sql);
/* Makes the constraint from the index of its name; nothing for what is only an index. */
void rf_plan_attach_constraint(const struct rf_plan *plan, const struct rf_plan_index *index,
                               const char *schema, struct rf_buffer *sql);
void rf_plan_drop_index(const struct rf_plan *plan, const struct rf_plan_index *index,
                        const char *schema, struct rf_buffer *sql);
bool rf_plan_index_is_constraint(const struct rf_plan_index *index);
void rf_plan_add_constraint(const struct rf_plan *plan, const struct rf_plan_constraint *constraint,
                            const char *schema, struct rf_buffer *sql);
void rf_plan_validate_constraint(const struct rf_plan *plan,
                                 const struct rf_plan_constraint *constraint, const char *schema,
                                 struct rf_buffer *sql);
void rf_plan_drop_constraint(const struct rf_plan *plan,
                             const struct rf_plan_constraint *constraint, const char *schema,
                             struct rf_buffer *sql);
/* The columns that are filled in, with commas between. */

#endif
