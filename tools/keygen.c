/* rowferry keygen: a pair of keys, to sign snapshots with and to know them by. */
#include <stdio.h>
#include <string.h>

#include "format/key.h"
#include "tools/task.h"

#define DEFAULT_NAME "rowferry.key"

static void tell(struct rf_task *task, const char *secret, const uint8_t key[RF_PUBLIC_KEY_SIZE],
                 bool made_secret) {
    char public[PATH_MAX], text[RF_KEY_FINGERPRINT];
    snprintf(public, sizeof public, "%s" RF_PUBLIC_KEY_SUFFIX, secret);
    rf_key_fingerprint(key, text);
    if (rf_task_for_people(task)) {
        rf_output_printf(task->output, "secret key   ");
        rf_output_name(task->output, secret);
        rf_output_printf(task->output, "%s\npublic key   ", made_secret ? "" : " (was there)");
        rf_output_name(task->output, public);
        rf_output_printf(task->output, "\nfingerprint  %s\n", text);
    }
    rf_json_text(&task->summary, "secret_key", secret);
    rf_json_text(&task->summary, "public_key", public);
    rf_json_text(&task->summary, "fingerprint", text);
    rf_json_bool(&task->summary, "made_secret", made_secret);
}

enum rf_code rf_command_keygen(struct rf_task *task, struct rf_error *error) {
    const char *path = task->settings->output ? task->settings->output : DEFAULT_NAME;
    uint8_t key[RF_PUBLIC_KEY_SIZE];
    bool made_secret;
    if (strcmp(path, "-") == 0) {
        rf_fail(error, RF_USAGE, "a secret key is not written to standard output");
        rf_hint(error, "name a file; the public half goes beside it, to FILE.pub.");
        return RF_USAGE;
    }
    enum rf_code code = rf_key_make(rf_io_posix(), path, key, &made_secret, error);
    if (code == RF_OK) {
        tell(task, path, key, made_secret);
    }
    return code;
}
