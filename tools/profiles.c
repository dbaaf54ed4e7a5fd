/* rowferry profiles: those that come with the program, or one of them. */
#include <string.h>

#include "tools/config.h"
#include "tools/grid.h"
#include "tools/help.h"
#include "tools/profile.h"
#include "tools/task.h"
#include "tools/text.h"

static void put(struct rf_json *json, const char *name, const struct rf_config *config) {
    rf_json_text(json, "name", name);
    rf_json_text(json, "title", config->title);
    rf_json_text(json, "about", config->about);
}

/* Paragraphs, of which a file of anybody's may hold more than letters. */
static void print_about(struct rf_output *output, const char *about) {
    struct rf_buffer text = {0};
    rf_text_message(&text, about, 0);
    while (!text.failed && text.size > 0 && text.bytes[text.size - 1] == '\n') {
        text.size--;
    }
    rf_buffer_u8(&text, 0);
    rf_output_printf(output, "  ");
    rf_help_words(text.failed ? "?" : (const char *)text.bytes, 2, output);
    rf_buffer_release(&text);
}

void rf_profile_tell(struct rf_task *task) {
    const struct rf_config *config = &task->settings->config;
    if (!config->profile || task->settings->sql) {
        return;
    }
    if (task->settings->json) {
        struct rf_json line = rf_json_begin("profile");
        put(&line, config->profile, config);
        rf_json_print(&line, task->output);
    }
    if (!rf_task_for_people(task)) {
        return;
    }
    rf_output_printf(task->output, "profile ");
    rf_output_name(task->output, config->profile);
    rf_output_printf(task->output, ": ");
    rf_output_name(task->output, config->title);
    rf_output_printf(task->output, "\n");
    if (config->about) {
        print_about(task->output, config->about);
    }
    rf_output_printf(task->output, "\n");
}

/* ---- the command ---- */

static enum rf_code list(struct rf_task *task, struct rf_grid *grid, struct rf_error *error) {
    uint64_t count = 0;
    for (const struct rf_profile *profile = rf_profiles; profile->name; profile++, count++) {
        struct rf_config config;
        enum rf_code code = rf_profile_read(profile->name, &config, error);
        if (code != RF_OK) {
            return code;
        }
        struct rf_json line = rf_json_begin("profile");
        put(&line, profile->name, &config);
        if (task->settings->json) {
            rf_json_print(&line, task->output);
        }
        rf_json_release(&line);
        rf_grid_name(grid, profile->name);
        rf_grid_name(grid, config.title);
        rf_config_release(&config);
    }
    rf_json_count(&task->summary, "profiles", count);
    return RF_OK;
}

static enum rf_code list_all(struct rf_task *task, struct rf_error *error) {
    static const struct rf_grid_column columns[] = {{"profile", false}, {"for", false}};
    struct rf_grid *grid = rf_grid_new(columns, 2);
    enum rf_code code = list(task, grid, error);
    if (code == RF_OK && !task->settings->json) {
        rf_grid_print(grid, task->output);
    }
    rf_grid_free(grid);
    return code;
}

/* The file as it is, so that it can be copied to start one's own from. */
static enum rf_code print_one(struct rf_task *task, const char *name, struct rf_error *error) {
    struct rf_buffer text = {0};
    struct rf_config config;
    enum rf_code code = rf_profile_read(name, &config, error);
    if (code == RF_OK) {
        code = rf_profile_load(name, &text, error);
    }
    if (code == RF_OK && task->settings->json) {
        struct rf_json line = rf_json_begin("profile");
        rf_buffer_u8(&text, 0);
        code = rf_buffer_check(&text, error);
        put(&line, name, &config);
        rf_json_text(&line, "text", code == RF_OK ? (const char *)text.bytes : NULL);
        rf_json_print(&line, task->output);
    } else if (code == RF_OK) {
        rf_output_bytes(task->output, text.bytes, text.size);
    }
    rf_config_release(&config);
    rf_buffer_release(&text);
    return code;
}

enum rf_code rf_command_profiles(struct rf_task *task, struct rf_error *error) {
    return task->operand ? print_one(task, task->operand, error) : list_all(task, error);
}
