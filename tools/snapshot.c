#include "tools/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/message.h"

static void warn(const struct rf_whole *newest, uint32_t in_part) {
    char what[RF_WHOLE_TEXT], names[RF_WHOLE_TEXT], text[3 * RF_WHOLE_TEXT], more[64] = "";
    rf_whole_what(newest, what);
    rf_whole_names(newest, names);
    if (in_part > 1) {
        snprintf(more, sizeof more, "; so did %" PRIu32 " before it", in_part - 1);
    }
    snprintf(text, sizeof text, "%s (%s)%s; copy the repository again to have it", what, names,
             more);
    rf_message_warning(text);
}

struct rf_json rf_snapshot_part(const struct rf_whole *newest, uint32_t in_part) {
    struct rf_json line = rf_json_begin(NULL);
    struct rf_json names = rf_json_array();
    rf_json_count(&line, "snapshot", newest->name.number);
    rf_json_count(&line, "files", newest->files);
    rf_json_count(&line, "missing", newest->missing);
    for (uint32_t i = 0; i < newest->named; i++) {
        rf_json_append_text(&names, newest->names[i]);
    }
    rf_json_put(&line, "names", &names);
    rf_json_count(&line, "snapshots", in_part);
    return line;
}

static void tell(struct rf_task *task, const struct rf_whole *newest, uint32_t in_part) {
    if (in_part == 0) {
        return;
    }
    struct rf_json part = rf_snapshot_part(newest, in_part);
    rf_json_put(&task->summary, "in_part", &part);
    if (!task->settings->quiet) {
        warn(newest, in_part);
    }
}

static enum rf_code newest_whole(struct rf_task *task, const struct rf_repository *repository,
                                 struct rf_snapshot_name *name, uint32_t *in_part,
                                 struct rf_error *error) {
    struct rf_whole newest;
    enum rf_code code = rf_whole_newest(repository, name, &newest, in_part, error);
    if (code == RF_OK && name->number == 0 && *in_part > 0) {
        code = rf_whole_refuse(repository, &newest, error);
    }
    if (code == RF_OK) {
        tell(task, &newest, *in_part);
    }
    return code;
}

enum rf_code rf_snapshot_resolve(struct rf_task *task, const struct rf_repository *repository,
                                 const char *text, struct rf_snapshot_name *name,
                                 struct rf_error *error) {
    uint32_t in_part;
    if ((text && strcmp(text, "latest") != 0) || rf_repository_count(repository) == 0) {
        return rf_repository_resolve(repository, text ? text : "latest", name, error);
    }
    return newest_whole(task, repository, name, &in_part, error);
}

enum rf_code rf_snapshot_arrived(struct rf_task *task, const struct rf_repository *repository,
                                 uint32_t *count, struct rf_error *error) {
    struct rf_snapshot_name name;
    uint32_t in_part = 0;
    enum rf_code code = newest_whole(task, repository, &name, &in_part, error);
    *count = rf_repository_count(repository) - in_part;
    return code;
}
