#include "tools/databases.h"

#include <string.h>

#include "replay/conninfo.h"
#include "tools/values.h"

struct making {
    const struct rf_postgres_config *config;
    const struct rf_databases_options *options;
    struct rf_arena *arena;
    struct rf_error *error;
};

static bool is_in(const char *const *list, const char *word) {
    for (; list && *list; list++) {
        if (strcmp(*list, word) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- do they go together? ---- */

/* An entry that names no stores has them all. */
static bool has_store(const struct rf_postgres_entry *entry, const char *store) {
    return !entry->data_stores || is_in(entry->data_stores, store);
}

static enum rf_code check_known(const struct making *making, const struct rf_postgres_entry *entry,
                                const char *name) {
    const struct rf_databases_options *options = making->options;
    struct rf_buffer names = {0};
    for (uint32_t i = 0; i < options->store_count; i++) {
        if (strcmp(options->stores[i].name, name) == 0) {
            rf_buffer_release(&names);
            return RF_OK;
        }
        rf_buffer_printf(&names, "%s%s", i > 0 ? ", " : "", options->stores[i].name);
    }
    rf_buffer_u8(&names, 0);
    rf_fail(making->error, RF_USAGE, "%s: the profile knows no store \"%s\"", entry->place, name);
    if (rf_buffer_check(&names, making->error) != RF_OK) {
        return RF_NO_MEMORY;
    }
    rf_hint(making->error, "its stores are %s.", (const char *)names.bytes);
    rf_buffer_release(&names);
    return RF_USAGE;
}

/* Each store of the profile in one database, no more and no less. */
static enum rf_code check_placed(const struct making *making, const char *store) {
    const struct rf_postgres_entry *found = NULL;
    for (uint32_t i = 0; i < making->config->count; i++) {
        const struct rf_postgres_entry *entry = &making->config->entries[i];
        if (!has_store(entry, store)) {
            continue;
        }
        if (found) {
            return rf_fail(making->error, RF_USAGE,
                           "%s: the store \"%s\" is in two databases, %s and %s", entry->place,
                           store, found->label, entry->label);
        }
        found = entry;
    }
    if (!found) {
        rf_fail(making->error, RF_USAGE, "%s: no database has the store \"%s\"",
                making->config->entries[0].place, store);
        rf_hint(making->error, "its tables would go nowhere: add it to data_stores of one.");
        return RF_USAGE;
    }
    return RF_OK;
}

static enum rf_code check_stores(const struct making *making) {
    const struct rf_postgres_config *config = making->config;
    uint32_t stores = making->options->store_count;
    enum rf_code code = RF_OK;
    if (stores == 0 && config->count > 1) {
        rf_fail(making->error, RF_USAGE,
                "%s: tables are split over %u databases, and nothing says which table goes where",
                config->entries[0].place, config->count);
        rf_hint(making->error, "name a profile that has stores: rowferry profiles lists them.");
        return RF_USAGE;
    }
    for (uint32_t i = 0; stores > 0 && i < config->count; i++) {
        const char *const *name = config->entries[i].data_stores;
        for (; code == RF_OK && name && *name; name++) {
            code = check_known(making, &config->entries[i], *name);
        }
    }
    for (uint32_t i = 0; code == RF_OK && i < stores; i++) {
        code = check_placed(making, making->options->stores[i].name);
    }
    return code;
}

/* What tells one database from another. */
static void take_address(void *context, const char *keyword, const char *value) {
    static const char *const words[] = {"host", "hostaddr", "port", "dbname", "service", NULL};
    if (is_in(words, keyword)) {
        rf_conninfo_append(context, keyword, value);
    }
}

/* Two entries for one database would be one target to the ledger, and the second get nothing. */
static enum rf_code check_apart(const struct making *making) {
    const struct rf_postgres_config *config = making->config;
    struct rf_buffer one = {0}, other = {0};
    enum rf_code code = RF_OK;
    for (uint32_t i = 1; code == RF_OK && i < config->count; i++) {
        for (uint32_t j = 0; code == RF_OK && j < i; j++) {
            rf_buffer_clear(&one);
            rf_buffer_clear(&other);
            const struct rf_postgres_entry *entry = &config->entries[i];
            code = rf_conninfo_each(config->entries[j].conninfo, take_address, &one, making->error);
            if (code == RF_OK) {
                code = rf_conninfo_each(entry->conninfo, take_address, &other, making->error);
            }
            if (code == RF_OK && one.size == other.size &&
                memcmp(one.bytes, other.bytes, one.size) == 0) {
                code = rf_fail(making->error, RF_USAGE, "%s: %s is the same database as %s",
                               entry->place, entry->label, config->entries[j].label);
                rf_hint(making->error, "put its stores into data_stores of the other one.");
            }
        }
    }
    rf_buffer_release(&one);
    rf_buffer_release(&other);
    return code;
}

/* ---- tables ---- */

static const char *const every[] = {"*", NULL};

/* The globs of all stores that the entry has, or does not have. */
static const char *const *globs_of(const struct making *making,
                                   const struct rf_postgres_entry *entry, bool has) {
    const struct rf_databases_options *options = making->options;
    size_t room = 1, count = 0;
    for (uint32_t i = 0; i < options->store_count; i++) {
        for (const char *const *glob = options->stores[i].tables; *glob; glob++) {
            room++;
        }
    }
    const char **globs = rf_arena_take(making->arena, room, sizeof *globs);
    for (uint32_t i = 0; globs && i < options->store_count; i++) {
        const struct rf_store *store = &options->stores[i];
        for (const char *const *glob = store->tables; *glob; glob++) {
            if (has_store(entry, store->name) == has && strcmp(*glob, "*") != 0) {
                globs[count++] = *glob;
            }
        }
    }
    return globs;
}

/* Whether a store that the entry does not have takes all the rest. */
static bool rest_is_elsewhere(const struct making *making, const struct rf_postgres_entry *entry) {
    const struct rf_databases_options *options = making->options;
    for (uint32_t i = 0; i < options->store_count; i++) {
        if (!has_store(entry, options->stores[i].name) &&
            is_in(options->stores[i].tables, every[0])) {
            return true;
        }
    }
    return false;
}

static const char *name_of(const struct making *making, const struct rf_postgres_entry *entry) {
    const char *name = NULL;
    for (const char *const *store = entry->data_stores; store && *store; store++) {
        name = name ? rf_arena_printf(making->arena, "%s+%s", name, *store) : *store;
    }
    return name ? name : entry->label;
}

/* ---- rules ---- */

static enum rf_code check_rule(const char *store, const char *place, const struct rf_store *stores,
                               uint32_t store_count, struct rf_error *error) {
    for (uint32_t i = 0; store && i < store_count; i++) {
        if (strcmp(stores[i].name, store) == 0) {
            return RF_OK;
        }
    }
    if (!store) {
        return RF_OK;
    }
    rf_fail(error, RF_USAGE, "%s: no store is called \"%s\"", place, store);
    rf_hint(error, "stores: of the profile, or of the configuration file, has their names.");
    return RF_USAGE;
}

enum rf_code rf_databases_check_rules(const struct rf_rules *rules, const struct rf_store *stores,
                                      uint32_t store_count, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0; code == RF_OK && i < rules->after_count; i++) {
        const struct rf_after_rule *after = &rules->after[i];
        code = check_rule(after->store, after->place, stores, store_count, error);
    }
    for (uint32_t i = 0; code == RF_OK && i < rules->requirement_count; i++) {
        const struct rf_requirement_rule *rule = &rules->requirements[i];
        code = check_rule(rule->store, rule->place, stores, store_count, error);
    }
    return code;
}

static bool is_for(const struct rf_postgres_entry *entry, const char *store) {
    return !store || has_store(entry, store);
}

/* Those that are for a store of the entry, or for every database. Requirements keep their places,
 * which are those of the source's answers. */
static void choose_rules(const struct making *making, const struct rf_postgres_entry *entry,
                         struct rf_rules *rules) {
    const struct rf_rules *all = making->options->rules;
    struct rf_after_rule *after =
        rf_arena_take(making->arena, all->after_count + 1u, sizeof *after);
    struct rf_requirement_rule *requirements =
        rf_arena_take(making->arena, all->requirement_count + 1u, sizeof *requirements);
    rules->after = after;
    rules->after_count = 0;
    rules->requirements = requirements;
    for (uint32_t i = 0; after && i < all->after_count; i++) {
        if (is_for(entry, all->after[i].store)) {
            after[rules->after_count++] = all->after[i];
        }
    }
    for (uint32_t i = 0; requirements && i < all->requirement_count; i++) {
        requirements[i] = all->requirements[i];
        requirements[i].elsewhere = !is_for(entry, all->requirements[i].store);
    }
}

/* ---- connections ---- */

/* Beside those of the workers there is always one for the ledger, and at times one more that looks
 * at the rows there. */
#define ALWAYS_BESIDE 1u
#define AT_MOST_BESIDE 2u

static unsigned jobs_of(const struct rf_postgres_entry *entry,
                        const struct rf_databases_options *options) {
    unsigned jobs = options->jobs;
    if (!options->jobs_said && entry->cp_min > jobs + ALWAYS_BESIDE) {
        jobs = entry->cp_min - ALWAYS_BESIDE;
    }
    if (entry->cp_max > 0 && jobs + AT_MOST_BESIDE > entry->cp_max) {
        jobs = entry->cp_max > AT_MOST_BESIDE ? entry->cp_max - AT_MOST_BESIDE : 1;
    }
    return jobs > RF_JOBS_MAX ? RF_JOBS_MAX : jobs;
}

/* ---- the list ---- */

static void fill(const struct making *making, const struct rf_postgres_entry *entry,
                 struct rf_database *database) {
    *database = (struct rf_database){
        .conninfo = entry->conninfo,
        .jobs = jobs_of(entry, making->options),
        .rules = *making->options->rules,
    };
    database->rules.any_locale |= entry->any_locale;
    if (making->config->count > 1) {
        database->name = name_of(making, entry);
        choose_rules(making, entry, &database->rules);
        database->own = globs_of(making, entry, true);
        database->others =
            rest_is_elsewhere(making, entry) ? every : globs_of(making, entry, false);
    }
}

enum rf_code rf_databases_make(const struct rf_postgres_config *config,
                               const struct rf_databases_options *options, struct rf_arena *arena,
                               struct rf_database **databases, struct rf_error *error) {
    struct making making = {.config = config, .options = options, .arena = arena, .error = error};
    enum rf_code code = check_stores(&making);
    if (code == RF_OK) {
        code = check_apart(&making);
    }
    if (code != RF_OK) {
        return code;
    }
    *databases = rf_arena_take(arena, config->count, sizeof **databases);
    for (uint32_t i = 0; *databases && i < config->count; i++) {
        fill(&making, &config->entries[i], &(*databases)[i]);
    }
    return rf_arena_check(arena, error);
}

void rf_database_options(const struct rf_database *database, uint32_t count,
                         struct rf_target_options *options) {
    options->conninfo = database->conninfo;
    options->jobs = database->jobs;
    options->rules = &database->rules;
    options->store = database->name;
    options->one_of_several = count > 1;
    options->own = database->own;
    options->others = database->others;
}
