/* Finding profiles, and putting them under a configuration file. */
#include "tools/profile.h"

#include <stdio.h>
#include <string.h>

#include "tools/config.h"
#include "tools/option.h"

#define NAMES_MAX 64u /* of profiles that come with rowferry */

static bool ends_in(const char *text, const char *end) {
    size_t size = strlen(text);
    size_t tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

bool rf_profile_is_path(const char *name) {
    return strchr(name, '/') || ends_in(name, ".yaml") || ends_in(name, ".yml");
}

/* "gitea, synapse and vaultwarden" */
static void list_names(char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (unsigned i = 0; rf_profiles[i].name && used < size; i++) {
        const char *link = i == 0 ? "" : rf_profiles[i + 1].name ? ", " : " and ";
        used += (size_t)snprintf(text + used, size - used, "%s%s", link, rf_profiles[i].name);
    }
}

static enum rf_code unknown(const char *name, struct rf_error *error) {
    const char *names[NAMES_MAX];
    char all[256];
    unsigned count = 0;
    while (count < NAMES_MAX && rf_profiles[count].name) {
        names[count] = rf_profiles[count].name;
        count++;
    }
    const char *nearest = rf_nearest(name, names, count);
    list_names(all, sizeof all);
    rf_fail(error, RF_USAGE, "there is no profile called \"%s\"", name);
    rf_hint(error,
            "%s%s%sthose that come with rowferry are %s; for a file, name its path: ./%s.yaml",
            nearest ? "did you mean " : "", nearest ? nearest : "", nearest ? "? " : "", all,
            nearest ? nearest : "my");
    return RF_USAGE;
}

static enum rf_code find(const char *name, const struct rf_profile **profile,
                         struct rf_error *error) {
    for (*profile = rf_profiles; (*profile)->name; ++*profile) {
        if (strcmp((*profile)->name, name) == 0) {
            return RF_OK;
        }
    }
    return unknown(name, error);
}

enum rf_code rf_profile_load(const char *name, struct rf_buffer *text, struct rf_error *error) {
    if (rf_profile_is_path(name)) {
        return rf_config_load("profile", name, text, error);
    }
    const struct rf_profile *profile;
    enum rf_code code = find(name, &profile, error);
    if (code == RF_OK) {
        rf_buffer_append(text, profile->text, strlen(profile->text));
        code = rf_buffer_check(text, error);
    }
    return code;
}

enum rf_code rf_profile_read(const char *name, struct rf_config *config, struct rf_error *error) {
    char title[80];
    struct rf_buffer text = {0};
    *config = (struct rf_config){.busy_timeout_ms = -1};
    snprintf(title, sizeof title, "profile %s", name);
    enum rf_code code = rf_profile_load(name, &text, error);
    if (code == RF_OK) {
        code = rf_config_parse_profile(rf_profile_is_path(name) ? name : title, text.bytes,
                                       text.size, config, error);
    }
    rf_buffer_release(&text);
    return code;
}

/* The file is read twice: which profile is to lie under it, it says itself. */
static enum rf_code read_layers(const char *name, const char *file, const struct rf_buffer *text,
                                struct rf_config *config, struct rf_error *error) {
    struct rf_config alone = {.busy_timeout_ms = -1};
    enum rf_code code =
        file ? rf_config_parse(file, text->bytes, text->size, &alone, error) : RF_OK;
    name = name ? name : alone.profile;
    if (code == RF_OK && name) {
        code = rf_profile_read(name, config, error);
    }
    if (code == RF_OK && file) {
        code = rf_config_parse_over(file, text->bytes, text->size, config, error);
    }
    if (code == RF_OK) {
        config->profile = rf_arena_copy(&config->arena, name);
        code = rf_arena_check(&config->arena, error);
    }
    rf_config_release(&alone);
    return code;
}

enum rf_code rf_profile_under(const char *name, const char *file, struct rf_config *config,
                              struct rf_error *error) {
    struct rf_buffer text = {0};
    *config = (struct rf_config){.busy_timeout_ms = -1};
    enum rf_code code = file ? rf_config_load("configuration file", file, &text, error) : RF_OK;
    if (code == RF_OK) {
        code = read_layers(name, file, &text, config, error);
    }
    rf_buffer_release(&text);
    return code;
}
