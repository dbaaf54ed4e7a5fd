#include "format/proven.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* 4096 places of 80 bytes: more archives than most databases have tables. Each SHA-256 has one place, and takes
 * it from whichever was there. */
#define PLACES 4096u

struct fact {
    uint8_t sha256[RF_SHA256_SIZE];
    struct rf_file_identity file; /* a size of 0, which no archive has: nothing is known */
};

struct rf_proven {
    pthread_mutex_t lock;
    struct fact facts[PLACES];
};

struct rf_proven *rf_proven_new(void) {
    struct rf_proven *proven = calloc(1, sizeof *proven);
    if (proven && pthread_mutex_init(&proven->lock, NULL) != 0) {
        free(proven);
        return NULL;
    }
    return proven;
}

void rf_proven_free(struct rf_proven *proven) {
    if (proven) {
        pthread_mutex_destroy(&proven->lock);
        free(proven);
    }
}

static struct fact *place_of(struct rf_proven *proven, const uint8_t sha256[RF_SHA256_SIZE]) {
    return &proven->facts[(sha256[0] | (unsigned)sha256[1] << 8) % PLACES];
}

static bool identity_equal(const struct rf_file_identity *a, const struct rf_file_identity *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static bool is_known(struct rf_proven *proven, const uint8_t sha256[RF_SHA256_SIZE],
                     const struct rf_file_identity *file) {
    pthread_mutex_lock(&proven->lock);
    const struct fact *fact = place_of(proven, sha256);
    bool known = fact->file.size > 0 && memcmp(fact->sha256, sha256, RF_SHA256_SIZE) == 0 &&
                 identity_equal(&fact->file, file);
    pthread_mutex_unlock(&proven->lock);
    return known;
}

static void remember(struct rf_proven *proven, const uint8_t sha256[RF_SHA256_SIZE],
                     const struct rf_file_identity *file) {
    pthread_mutex_lock(&proven->lock);
    struct fact *fact = place_of(proven, sha256);
    memcpy(fact->sha256, sha256, RF_SHA256_SIZE);
    fact->file = *file;
    pthread_mutex_unlock(&proven->lock);
}

/* The identity is taken before the bytes are read, and again behind: a file that changed meanwhile is not
 * remembered. */
enum rf_code rf_proven_demand(struct rf_proven *proven, struct rf_archive *archive,
                              const uint8_t sha256[RF_SHA256_SIZE], const atomic_int *stop,
                              struct rf_error *error) {
    struct rf_file_identity before, behind;
    bool told = rf_archive_identity(archive, &before);
    if (told && is_known(proven, sha256, &before)) {
        return RF_OK;
    }
    enum rf_code code = rf_archive_prove_sha256(archive, sha256, stop, error);
    if (code == RF_OK && told && rf_archive_identity(archive, &behind) &&
        identity_equal(&before, &behind)) {
        remember(proven, sha256, &before);
    }
    return code;
}
