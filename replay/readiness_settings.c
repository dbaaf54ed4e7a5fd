/* Settings of the server that are worth a thought before a large load.
 *
 * The rules are coarse on purpose, and each stands in rowferry-check(1). D is the size that the
 * database is expected to have, M the machine's memory; where M is not known (the server is on
 * another machine), fixed limits take its place. Sizes are rounded down to powers of two.
 *
 *     shared_buffers        D, at most M/4 (512MB), at least 128MB
 *     effective_cache_size  M/2 (nothing is said)
 *     maintenance_work_mem  D/4, at most M/16 and 1GB (256MB), at least 64MB
 *     work_mem              M/256, at most 32MB (8MB), at least 4MB
 *     autovacuum_work_mem   256MB where it would be a maintenance_work_mem that is larger
 *     max_wal_size          D, at most 16GB, at least 1GB
 *
 * A value that is larger already is left in peace. */
#include <stdlib.h>
#include <string.h>

#include "replay/readiness_inner.h"
#include "replay/sql.h"

#define MB ((uint64_t)1 << 20)
#define GB ((uint64_t)1 << 30)

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t round_down(uint64_t bytes) {
    uint64_t power = 1;
    while (power <= bytes / 2) {
        power *= 2;
    }
    return power;
}

static uint64_t round_up(uint64_t bytes) {
    uint64_t down = round_down(bytes);
    return down < bytes ? 2 * down : down;
}

static uint64_t maintenance_for(const struct rf_readying *readying) {
    uint64_t memory = readying->memory;
    uint64_t limit = memory ? least(memory / 16, GB) : 256 * MB;
    return most(least(round_up(readying->expected / 4), limit), 64 * MB);
}

/* 0: nothing to be said. */
static uint64_t better(const struct rf_readying *readying, const char *name) {
    uint64_t memory = readying->memory, size = readying->expected;
    if (strcmp(name, "shared_buffers") == 0) {
        return most(least(round_up(size), memory ? memory / 4 : 512 * MB), 128 * MB);
    }
    if (strcmp(name, "effective_cache_size") == 0) {
        return memory / 2;
    }
    if (strcmp(name, "maintenance_work_mem") == 0) {
        return maintenance_for(readying);
    }
    if (strcmp(name, "work_mem") == 0) {
        return most(memory ? least(memory / 256, 32 * MB) : 8 * MB, 4 * MB);
    }
    if (strcmp(name, "max_wal_size") == 0) {
        return most(least(round_up(size), 16 * GB), GB);
    }
    return 0;
}

static void find_size(struct rf_readying *readying, const char *name, uint64_t now,
                      uint64_t wanted) {
    char there[RF_READINESS_SIZE], text[RF_READINESS_SIZE];
    bool enough = now >= wanted;
    struct rf_finding *finding =
        rf_find(readying->findings, enough ? RF_FINDING_OK : RF_FINDING_NOTE, name, "%s",
                rf_readiness_size(now, there));
    if (!enough) {
        rf_readiness_size(wanted, text);
        rf_finding_want(finding, "%s", text);
        rf_finding_hint(finding, "ALTER SYSTEM SET %s = '%s';%s", name, text,
                        strcmp(name, "shared_buffers") == 0 ? " -- then restart the server"
                                                            : " SELECT pg_reload_conf();");
    }
}

/* -1 lets each of several workers take as much as maintenance_work_mem says. */
static void find_autovacuum(struct rf_readying *readying, const char *now) {
    uint64_t maintenance = maintenance_for(readying);
    bool tames = strcmp(now, "-1") == 0 && maintenance > 256 * MB;
    struct rf_finding *finding =
        rf_find(readying->findings, tames ? RF_FINDING_NOTE : RF_FINDING_OK, "autovacuum_work_mem",
                "%s%s", now, strcmp(now, "-1") == 0 ? ", which means maintenance_work_mem" : "kB");
    if (tames) {
        rf_finding_want(finding, "256MB");
        rf_finding_hint(finding, "ALTER SYSTEM SET autovacuum_work_mem = '256MB'; "
                                 "SELECT pg_reload_conf();");
    }
}

/* What a server does to be quick at the cost of what it promises. */
static void find_promise(struct rf_readying *readying, const char *name, const char *now) {
    static const struct {
        const char *name, *bad, *means, *wanted;
        bool restart;
    } promises[] = {
        {"fsync", "off", "a crash of the machine may leave a database that cannot be read", "on",
         false},
        {"full_page_writes", "off",
         "a crash of the machine may leave a database that cannot be read", "on", false},
        {"synchronous_commit", "off", "a crash of the server may lose the last transactions", "on",
         false},
        {"wal_level", "minimal", "no standby and no recovery to a point in time is possible",
         "replica", true},
    };
    for (unsigned i = 0; i < sizeof promises / sizeof promises[0]; i++) {
        if (strcmp(promises[i].name, name) != 0) {
            continue;
        }
        bool bad = strcmp(promises[i].bad, now) == 0;
        struct rf_finding *finding =
            rf_find(readying->findings, bad ? RF_FINDING_WARNING : RF_FINDING_OK, name, "%s%s%s",
                    now, bad ? ": " : "", bad ? promises[i].means : "");
        if (bad) {
            rf_finding_want(finding, "%s", promises[i].wanted);
            rf_finding_hint(finding, "ALTER SYSTEM SET %s = '%s';%s", name, promises[i].wanted,
                            promises[i].restart ? " -- then restart the server"
                                                : " SELECT pg_reload_conf();");
        }
    }
}

enum rf_code rf_readiness_settings(struct rf_readying *readying, struct rf_error *error) {
    enum { NAME, VALUE, BYTES };
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_ask(readying->pg, rf_sql_readiness_settings, NULL, &rows, error);
    for (uint32_t i = 0; code == RF_OK && i < rf_pg_rows_count(rows); i++) {
        const char *name = rf_pg_rows_text(rows, i, NAME);
        const char *value = rf_pg_rows_text(rows, i, VALUE);
        if (strcmp(name, "autovacuum_work_mem") == 0) {
            find_autovacuum(readying, value);
        } else if (rf_pg_rows_text(rows, i, BYTES)) {
            find_size(readying, name, rf_pg_rows_number(rows, i, BYTES),
                      round_down(better(readying, name)));
        } else {
            find_promise(readying, name, value);
        }
    }
    rf_pg_rows_free(rows);
    return code;
}
