/* The operations of an expression over typed values; see expression_value.h. */
#ifndef RF_REPLAY_EXPRESSION_OPERATION_H
#define RF_REPLAY_EXPRESSION_OPERATION_H

#include "replay/expression_value.h"

/* expression_arithmetic.c: + - * / % & | << >> and the unary - and ~. */
struct rf_sql_value rf_arithmetic(struct rf_translation *t, enum rf_operator op,
                                  const struct rf_sql_value *left,
                                  const struct rf_sql_value *right);
struct rf_sql_value rf_negate(struct rf_translation *t, const struct rf_sql_value *value);
struct rf_sql_value rf_invert(struct rf_translation *t, const struct rf_sql_value *value);
/* A value where arithmetic needs a number; refuses what has none for sure. */
struct rf_sql_value rf_operand(struct rf_translation *t, const struct rf_sql_value *value);

/* expression_compare.c */
enum rf_comparison {
    RF_COMPARE_EQ,
    RF_COMPARE_NE,
    RF_COMPARE_LT,
    RF_COMPARE_LE,
    RF_COMPARE_GT,
    RF_COMPARE_GE,
    RF_COMPARE_IS,     /* null-safe = */
    RF_COMPARE_IS_NOT, /* null-safe <> */
};
struct rf_sql_value rf_compare_values(struct rf_translation *t, enum rf_comparison comparison,
                                      const struct rf_sql_value *left,
                                      const struct rf_sql_value *right);
struct rf_sql_value rf_compare_between(struct rf_translation *t, const struct rf_sql_value *value,
                                       const struct rf_sql_value *low,
                                       const struct rf_sql_value *high);
struct rf_sql_value rf_compare_in(struct rf_translation *t, const struct rf_sql_value *value,
                                  const struct rf_sql_value *list, uint32_t count);
/* Text so that the C collation compares it as `collation` does. */
const char *rf_collated(struct rf_translation *t, enum rf_collation collation,
                        const struct rf_sql_value *text);
/* Of a function that compares its arguments: the first that has one decides. */
enum rf_collation rf_collation_of_arguments(struct rf_translation *t,
                                            const struct rf_sql_value *values, uint32_t count);
/* Whether BINARY orders text by its UTF-8. Of a default the encoding is not known. */
bool rf_text_is_ordered(const struct rf_translation *t);
enum rf_collation rf_collation_find(const char *name); /* NULL is BINARY */

/* expression_pattern.c */
struct rf_sql_value rf_like(struct rf_translation *t, const struct rf_sql_value *value,
                            const struct rf_sql_value *pattern, const struct rf_sql_value *escape);
struct rf_sql_value rf_glob(struct rf_translation *t, const struct rf_sql_value *value,
                            const struct rf_sql_value *pattern);

/* expression_function.c */
struct rf_sql_value rf_function(struct rf_translation *t, const char *name,
                                const struct rf_sql_value *arguments, uint32_t count);
/* expression_cast.c */
struct rf_sql_value rf_cast(struct rf_translation *t, const struct rf_sql_value *value,
                            const char *type);

/* expression_clock.c: what a default may ask of the clock. */
struct rf_sql_value rf_clock_current(struct rf_translation *t, const char *keyword);
bool rf_clock_is_function(const char *name);
struct rf_sql_value rf_clock_function(struct rf_translation *t, const char *name,
                                      const struct rf_sql_value *arguments, uint32_t count);

/* expression_translate.c */
struct rf_sql_value rf_translate(struct rf_translation *t, const struct rf_node *node);

#endif
