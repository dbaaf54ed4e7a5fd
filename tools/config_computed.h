/* The part of a table's rule that has the server compute something: columns of the target that are
 * not a column of the source, and tables that they look at (replay/rules.h). */
#ifndef RF_TOOLS_CONFIG_COMPUTED_H
#define RF_TOOLS_CONFIG_COMPUTED_H

#include "format/error.h"
#include "tools/config_reader.h"

/* Into a struct rf_table_rule. */
RF_MUST_USE enum rf_code rf_config_values(struct rf_config_reader *reader,
                                          const struct rf_config_key *key, void *into);
RF_MUST_USE enum rf_code rf_config_joins(struct rf_config_reader *reader,
                                         const struct rf_config_key *key, void *into);

extern const struct rf_config_mapping rf_config_value, rf_config_join;

#endif
