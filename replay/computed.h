/* Tables whose rows the server computes (plan->computed): the statements of it.
 *
 * Rows of the source are copied into a temporary table, the stage, which is called like the
 * relation and has a column, called like the source's, for each of its columns; then one statement
 * makes rows of the target of them. All of it runs within rf_computed_begin and rf_computed_end of
 * one transaction: SQL that a user wrote finds the target's schema there, and after it what is
 * PostgreSQL's; the stage is never what an unqualified name means.
 *
 *     rf_computed_begin
 *     rf_computed_stage, then COPY into it (rf_plan_copy_in, with RF_COMPUTED_SCHEMA)
 *     rf_computed_select, or what of it is needed
 *     rf_computed_drop, rf_computed_end
 *
 * What users wrote stands in parentheses and ends with a line break, so that a comment at its end
 * takes nothing along. `where` sees the source's columns alone, whatever is joined. */
#ifndef RF_REPLAY_COMPUTED_H
#define RF_REPLAY_COMPUTED_H

#include "format/bytes.h"
#include "format/error.h"
#include "replay/connection.h"
#include "replay/plan.h"

#define RF_COMPUTED_SCHEMA "pg_temp" /* of the stage */

/* Names mean what they mean to the user from here to rf_computed_end, or the transaction's. */
RF_MUST_USE enum rf_code rf_computed_begin(struct rf_pg *pg, const char *schema,
                                           struct rf_error *error);
RF_MUST_USE enum rf_code rf_computed_end(struct rf_pg *pg, struct rf_error *error);

/* SQL, each one statement without a semicolon; `schema` is the target's. */
/* CREATE TEMPORARY TABLE, which goes with the transaction. */
void rf_computed_stage(const struct rf_plan *plan, struct rf_buffer *sql);
/* DROP TABLE, of the stage. */
void rf_computed_drop(const struct rf_plan *plan, struct rf_buffer *sql);
/* SELECT of all targets, in order and under their names, from the rows of the stage. */
void rf_computed_select(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql);
/* INSERT of that into the table. */
void rf_computed_insert(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql);
/* SELECT of how many rows of the stage `where` lets pass. */
void rf_computed_count(const struct rf_plan *plan, struct rf_buffer *sql);

/* Parts of such statements: the rows of the stage that `where` lets pass, AS source; `stage` is what
 * stands for the stage. And one target's SQL in parentheses. */
void rf_computed_rows(const struct rf_plan *plan, const char *stage, struct rf_buffer *sql);
void rf_computed_staged(const struct rf_plan *plan,
                        struct rf_buffer *sql); /* of the stage itself */
void rf_computed_insert_from(const struct rf_plan *plan, const char *schema, const char *stage,
                             struct rf_buffer *sql);
void rf_computed_joins(const struct rf_plan *plan, const char *schema, struct rf_buffer *sql);
void rf_computed_value(const struct rf_plan_target *target, struct rf_buffer *sql);
/* The stage, quoted and qualified. */
void rf_computed_stage_name(const struct rf_plan *plan, struct rf_buffer *sql);

/* What the rules say of values, joins and where otherwise than the plan, as a line for people in the
 * arena; NULL: nothing. (computed_rules.c) */
const char *rf_computed_disagrees(const struct rf_plan *plan,
                                  const struct rf_table_settings *settings, struct rf_arena *arena);

/* The column of the target that takes one of the plan's as it is; NULL: none does. Of any plan. */
const char *rf_plan_goes_to(const struct rf_plan *plan, uint32_t column);

#endif
