/* The part of the configuration file that asks something of the target's server beside the rows:
 * sequences, SQL of the closing transaction, what has to be so beforehand (replay/rules.h), and
 * which tables go to which of several databases. */
#ifndef RF_TOOLS_CONFIG_SERVER_H
#define RF_TOOLS_CONFIG_SERVER_H

#include "format/error.h"
#include "tools/config_reader.h"

/* Into a struct rf_rules, behind those of an earlier file. */
RF_MUST_USE enum rf_code rf_config_sequences(struct rf_config_reader *reader,
                                             const struct rf_config_key *key, void *into);
RF_MUST_USE enum rf_code rf_config_after(struct rf_config_reader *reader,
                                         const struct rf_config_key *key, void *into);
RF_MUST_USE enum rf_code rf_config_requirements(struct rf_config_reader *reader,
                                                const struct rf_config_key *key, void *into);
/* Into a struct rf_config, in place of those of an earlier file. */
RF_MUST_USE enum rf_code rf_config_stores(struct rf_config_reader *reader,
                                          const struct rf_config_key *key, void *into);

extern const struct rf_config_mapping rf_config_sequence, rf_config_after_sql,
    rf_config_requirement, rf_config_store;

#endif
