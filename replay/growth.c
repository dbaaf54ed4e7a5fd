#include "replay/growth.h"

#include <pthread.h>
#include <stdlib.h>

struct rf_growth {
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t changed;
    const struct rf_manifest *manifest;
    uint32_t *arrived; /* tables in the order in which they came */
    uint32_t count;
    uint32_t taken;
    bool ended;
    bool whole; /* ended with a snapshot */
    struct rf_snapshot_name name;
};

struct rf_growth *rf_growth_new(void) {
    struct rf_growth *growth = calloc(1, sizeof *growth);
    if (growth) {
        pthread_mutex_init(&growth->mutex, NULL);
        pthread_cond_init(&growth->changed, NULL);
    }
    return growth;
}

void rf_growth_free(struct rf_growth *growth) {
    if (!growth) {
        return;
    }
    pthread_mutex_destroy(&growth->mutex);
    pthread_cond_destroy(&growth->changed);
    free(growth->arrived);
    free(growth);
}

void rf_growth_begin(struct rf_growth *growth, const struct rf_manifest *manifest) {
    uint32_t *arrived = calloc((size_t)manifest->table_count + 1, sizeof *arrived);
    pthread_mutex_lock(&growth->mutex);
    growth->arrived = arrived;
    growth->manifest = arrived ? manifest : NULL;
    growth->ended = !arrived;
    pthread_cond_broadcast(&growth->changed);
    pthread_mutex_unlock(&growth->mutex);
}

void rf_growth_table(struct rf_growth *growth, uint32_t table) {
    pthread_mutex_lock(&growth->mutex);
    if (growth->manifest && growth->count < growth->manifest->table_count) {
        growth->arrived[growth->count++] = table;
    }
    pthread_cond_broadcast(&growth->changed);
    pthread_mutex_unlock(&growth->mutex);
}

void rf_growth_end(struct rf_growth *growth, const struct rf_snapshot_name *name) {
    pthread_mutex_lock(&growth->mutex);
    if (!growth->ended && name) {
        growth->whole = true;
        growth->name = *name;
    }
    growth->ended = true;
    pthread_cond_broadcast(&growth->changed);
    pthread_mutex_unlock(&growth->mutex);
}

const struct rf_manifest *rf_growth_manifest(struct rf_growth *growth) {
    pthread_mutex_lock(&growth->mutex);
    while (!growth->manifest && !growth->ended) {
        pthread_cond_wait(&growth->changed, &growth->mutex);
    }
    const struct rf_manifest *manifest = growth->manifest;
    pthread_mutex_unlock(&growth->mutex);
    return manifest;
}

bool rf_growth_next(struct rf_growth *growth, uint32_t *table) {
    pthread_mutex_lock(&growth->mutex);
    while (growth->taken == growth->count && !growth->ended) {
        pthread_cond_wait(&growth->changed, &growth->mutex);
    }
    bool found = growth->taken < growth->count;
    if (found) {
        *table = growth->arrived[growth->taken++];
    }
    pthread_mutex_unlock(&growth->mutex);
    return found;
}

bool rf_growth_result(struct rf_growth *growth, struct rf_snapshot_name *name) {
    pthread_mutex_lock(&growth->mutex);
    while (!growth->ended) {
        pthread_cond_wait(&growth->changed, &growth->mutex);
    }
    bool whole = growth->whole;
    *name = growth->name;
    pthread_mutex_unlock(&growth->mutex);
    return whole;
}
