/* The part of the configuration file that says what becomes of tables and columns
 * (replay/rules.h). */
#ifndef RF_TOOLS_CONFIG_RULES_H
#define RF_TOOLS_CONFIG_RULES_H

#include "format/error.h"
#include "tools/config_reader.h"

/* Into an enum rf_mismatch, an enum rf_bad_text. */
RF_MUST_USE enum rf_code rf_config_mismatch(struct rf_config_reader *reader,
                                            const struct rf_config_key *key, void *into);
RF_MUST_USE enum rf_code rf_config_bad_text(struct rf_config_reader *reader,
                                            const struct rf_config_key *key, void *into);
/* A name in the target, exactly: const char *. */
RF_MUST_USE enum rf_code rf_config_relation(struct rf_config_reader *reader,
                                            const struct rf_config_key *key, void *into);
RF_MUST_USE enum rf_code rf_config_column(struct rf_config_reader *reader,
                                          const struct rf_config_key *key, void *into);
/* Into a struct rf_rules, behind those of an earlier file. */
RF_MUST_USE enum rf_code rf_config_table_rules(struct rf_config_reader *reader,
                                               const struct rf_config_key *key, void *into);
RF_MUST_USE enum rf_code rf_config_objects(struct rf_config_reader *reader,
                                           const struct rf_config_key *key, void *into);

extern const struct rf_config_mapping rf_config_table_rule, rf_config_object;

#endif
