/* Whose snapshots are taken, and who signs those that are written: the keys of one run.
 *
 * They are read before anything else is done. Every command opens its repository by rf_trust_open, or
 * has rf_trust_apply look at one that it opened in another way; from there on the repository itself
 * refuses what no trusted key vouches for. */
#ifndef RF_TOOLS_TRUST_H
#define RF_TOOLS_TRUST_H

#include "format/error.h"
#include "format/key.h"
#include "format/repository.h"
#include "tools/json.h"

struct rf_settings;
struct rf_task;

struct rf_keys {
    struct rf_signer *signer; /* NULL: nothing is signed */
    struct rf_trust trust;    /* empty: whoever wrote it */
};

/* RF_USAGE: no such keys, and a run that would write what its own trusted keys refuse. */
RF_MUST_USE enum rf_code rf_keys_load(const struct rf_task *task, struct rf_keys *keys,
                                      struct rf_error *error);
void rf_keys_release(struct rf_keys *keys); /* twice is fine */

/* The repository of the settings, with the keys of the task, which it borrows. */
RF_MUST_USE enum rf_code rf_trust_open(const struct rf_task *task, enum rf_repository_mode mode,
                                       struct rf_repository **repository, struct rf_error *error);
/* For a repository that is open. RF_USAGE where the command would write into a signed history without
 * signing: all who trust keys would stop before it. */
RF_MUST_USE enum rf_code rf_trust_apply(const struct rf_task *task,
                                        struct rf_repository *repository, struct rf_error *error);

/* "signed_by": the fingerprint of the key, or null. */
void rf_trust_put(const struct rf_manifest *manifest, struct rf_json *json);
/* The same for the newest snapshot of a repository; null too where it cannot be read. */
void rf_trust_put_newest(const struct rf_repository *repository, struct rf_json *json);

#endif
