#include "format/proven.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* 4096 places of 80 bytes: more archives than most databases have tables. Each SHA-256 has one place, and takes
 * it from whichever was there. */
#define PLACES 4096u
#define STRIPES 256u

struct fact {
    uint8_t sha256[RF_SHA256_SIZE];
    struct rf_file_identity file; /* a size of 0, which no archive has: nothing is known */
};

struct rf_proven {
    /* Of every STRIPES-th place. Held while an archive is read, so that threads that open the same one wait
     * for the first instead of reading it too. */
    pthread_mutex_t stripes[STRIPES];
    struct fact facts[PLACES];
};

struct rf_proven *rf_proven_new(void) {
    struct rf_proven *proven = calloc(1, sizeof *proven);
    for (unsigned i = 0; proven && i < STRIPES; i++) {
        pthread_mutex_init(&proven->stripes[i], NULL);
    }
    return proven;
}

void rf_proven_free(struct rf_proven *proven) {
    for (unsigned i = 0; proven && i < STRIPES; i++) {
        pthread_mutex_destroy(&proven->stripes[i]);
    }
    free(proven);
}

static unsigned place_of(const uint8_t sha256[RF_SHA256_SIZE]) {
    return (sha256[0] | (unsigned)sha256[1] << 8) % PLACES;
}

static bool identity_equal(const struct rf_file_identity *a, const struct rf_file_identity *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

static bool is_known(const struct fact *fact, const uint8_t sha256[RF_SHA256_SIZE],
                     const struct rf_file_identity *file) {
    return fact->file.size > 0 && memcmp(fact->sha256, sha256, RF_SHA256_SIZE) == 0 &&
           identity_equal(&fact->file, file);
}

/* The identity is taken before the bytes are read, and again behind: a file that changed meanwhile is not
 * remembered. */
static enum rf_code prove(struct fact *fact, struct rf_archive *archive,
                          const uint8_t sha256[RF_SHA256_SIZE], const atomic_int *stop,
                          struct rf_error *error) {
    struct rf_file_identity before, behind;
    bool told = rf_archive_identity(archive, &before);
    if (told && is_known(fact, sha256, &before)) {
        return RF_OK;
    }
    enum rf_code code = rf_archive_prove_sha256(archive, sha256, stop, error);
    if (code == RF_OK && told && rf_archive_identity(archive, &behind) &&
        identity_equal(&before, &behind)) {
        *fact = (struct fact){.file = before};
        memcpy(fact->sha256, sha256, RF_SHA256_SIZE);
    }
    return code;
}

enum rf_code rf_proven_demand(struct rf_proven *proven, struct rf_archive *archive,
                              const uint8_t sha256[RF_SHA256_SIZE], const atomic_int *stop,
                              struct rf_error *error) {
    unsigned place = place_of(sha256);
    pthread_mutex_lock(&proven->stripes[place % STRIPES]);
    enum rf_code code = prove(&proven->facts[place], archive, sha256, stop, error);
    pthread_mutex_unlock(&proven->stripes[place % STRIPES]);
    return code;
}
