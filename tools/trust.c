#include "tools/trust.h"

#include <inttypes.h>

#include "tools/task.h"

static enum rf_code refuse_own(const struct rf_keys *keys, struct rf_error *error) {
    char key[RF_KEY_TEXT];
    if (keys->signer) {
        rf_fail(error, RF_USAGE, "the key of --sign-key, %s, is not among the trusted ones",
                rf_key_text(rf_signer_public(keys->signer), key));
        rf_hint(error, "name its public half with --trusted-key as well.");
    } else {
        rf_fail(error, RF_USAGE, "keys are trusted, and what this run writes would not be signed");
        rf_hint(error, "sign it with --sign-key FILE, or leave out --trusted-key (trusted_keys in "
                       "the configuration file).");
    }
    return RF_USAGE;
}

enum rf_code rf_keys_load(const struct rf_task *task, struct rf_keys *keys,
                          struct rf_error *error) {
    const struct rf_settings *settings = task->settings;
    *keys = (struct rf_keys){.trust.stop = task->stop};
    enum rf_code code =
        settings->sign_key ? rf_signer_load(settings->sign_key, &keys->signer, error) : RF_OK;
    for (const char *const *path = settings->trusted; code == RF_OK && path && *path; path++) {
        code = rf_trust_add(&keys->trust, *path, error);
    }
    bool signs = rf_command_takes(task->command, RF_OPTION_SIGN_KEY);
    if (code == RF_OK && signs && keys->trust.count > 0 &&
        !(keys->signer && rf_trust_has(&keys->trust, rf_signer_public(keys->signer)))) {
        code = refuse_own(keys, error);
    }
    return code;
}

void rf_keys_release(struct rf_keys *keys) {
    rf_signer_free(keys->signer);
    rf_trust_release(&keys->trust);
    *keys = (struct rf_keys){0};
}

/* A newest snapshot that cannot be read is for the command to tell. */
static enum rf_code refuse_unsigned(const struct rf_repository *repository,
                                    struct rf_error *error) {
    const struct rf_snapshot_name *newest = rf_repository_newest(repository);
    struct rf_manifest manifest;
    if (!newest || rf_repository_load(repository, newest, &manifest, error) != RF_OK) {
        rf_error_clear(error);
        return RF_OK;
    }
    enum rf_code code = RF_OK;
    if (manifest.signature.is_signed) {
        char key[RF_KEY_TEXT];
        code = rf_fail(error, RF_USAGE,
                       "snapshot %" PRIu64 " is signed, and what this run writes would not be",
                       newest->number);
        rf_detail(error, "it is signed by %s", rf_key_text(manifest.signature.key, key));
        rf_hint(error, "give --sign-key FILE; where that key is lost, make another with `rowferry "
                       "keygen` and have it trusted as well.");
    }
    rf_manifest_release(&manifest);
    return code;
}

enum rf_code rf_trust_apply(const struct rf_task *task, struct rf_repository *repository,
                            struct rf_error *error) {
    const struct rf_keys *keys = &task->keys;
    rf_repository_sign_with(repository, keys->signer);
    rf_repository_trust(repository, keys->trust.count > 0 ? &keys->trust : NULL);
    bool signs = rf_command_takes(task->command, RF_OPTION_SIGN_KEY);
    return signs && !keys->signer ? refuse_unsigned(repository, error) : RF_OK;
}

enum rf_code rf_trust_open(const struct rf_task *task, enum rf_repository_mode mode,
                           struct rf_repository **opened, struct rf_error *error) {
    enum rf_code code =
        rf_repository_open(rf_io_posix(), task->settings->repo, mode, opened, error);
    if (code == RF_OK) {
        code = rf_trust_apply(task, *opened, error);
    }
    if (code != RF_OK) {
        rf_repository_close(*opened);
        *opened = NULL;
    }
    return code;
}

void rf_trust_put(const struct rf_manifest *manifest, struct rf_json *json) {
    char key[RF_KEY_FINGERPRINT];
    const struct rf_signature *signature = &manifest->signature;
    rf_json_text(json, "signed_by",
                 signature->is_signed ? rf_key_fingerprint(signature->key, key) : NULL);
}

void rf_trust_put_newest(const struct rf_repository *repository, struct rf_json *json) {
    const struct rf_snapshot_name *newest = rf_repository_newest(repository);
    struct rf_manifest manifest = {0};
    struct rf_error ignored = {0};
    if (newest && rf_repository_load(repository, newest, &manifest, &ignored) != RF_OK) {
        manifest = (struct rf_manifest){0};
    }
    rf_trust_put(&manifest, json);
    rf_manifest_release(&manifest);
}
