/* Proving archives. One thread reads a file from its start to its end and hashes it on the way; a crew decodes the
 * blocks and adds up the hashes of their rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/check_inner.h"

/* A block of more bytes than this is decoded only while no other is held, and its memory not kept. */
#define LARGE_BYTES (2u << 20)
#define PLACES_A_THREAD 2u
#define HASHES_AT_ONCE 256u

/* One block on its way from the reading thread to another and back. */
struct block_job {
    struct rf_crew_job job; /* first: the crew gives this back */
    const struct rf_archive *archive;
    uint32_t block;
    struct rf_buffer stored;
    struct rf_check_sums sums;
    enum rf_code code;
    struct rf_error error;
};

struct rf_check_blocks {
    struct rf_crew *crew;
    struct block_job *jobs;
    unsigned count, next;
};

/* The archive at hand. */
struct pass {
    struct rf_check_run *check;
    struct rf_archive *archive;
    const char *file;
    struct rf_hasher *hasher;
    struct rf_check_archive *found;
    bool decoded; /* its blocks were for the newest rows, so that its bytes need only be hashed */
    bool again;   /* they were, and progress was told of it */
};

enum rf_code rf_check_hash_rows(const struct rf_rows *rows, struct rf_buffer *cells,
                                struct rf_hash *hashes, struct rf_error *error) {
    enum rf_code code = RF_OK;
    for (uint32_t done = 0, some; code == RF_OK && done < rows->count; done += some) {
        some = rows->count - done < HASHES_AT_ONCE ? rows->count - done : HASHES_AT_ONCE;
        code = rf_rows_hash(rows, done, some, cells, hashes + done, error);
    }
    return code;
}

enum rf_code rf_check_sum_rows(const struct rf_rows *rows, uint32_t first, uint32_t count,
                               struct rf_buffer *cells, struct rf_digest *sum,
                               struct rf_error *error) {
    struct rf_hash hashes[HASHES_AT_ONCE];
    for (uint32_t done = 0, some; done < count; done += some) {
        some = count - done < HASHES_AT_ONCE ? count - done : HASHES_AT_ONCE;
        enum rf_code code = rf_rows_hash(rows, first + done, some, cells, hashes, error);
        if (code != RF_OK) {
            return code;
        }
        rf_digest_add_rows(sum, hashes, some);
    }
    return RF_OK;
}

static void sum_gone(const struct rf_rows *rows, struct rf_digest *sum) {
    for (uint32_t row = 0; row < rows->count; row++) {
        rf_digest_add(sum, rf_hash_load(rows->hashes + (size_t)row * RF_HASH_SIZE));
    }
}

/* On any thread. */
static void decode_block(struct rf_crew_job *of_crew, struct rf_crew_memory *memory) {
    struct block_job *job = (struct block_job *)of_crew;
    if (job->code != RF_OK) {
        return; /* it could not be read */
    }
    const struct rf_rows *rows = &memory->rows;
    enum rf_block_kind kind = rf_archive_block(job->archive, job->block)->facts.kind;
    job->code = rf_archive_decode(job->archive, memory->codec, job->block, &job->stored,
                                  &memory->rows, &job->error);
    if (job->code == RF_OK && kind == RF_BLOCK_ROWS) {
        job->code =
            rf_check_sum_rows(rows, 0, rows->count, &memory->cells, &job->sums.rows, &job->error);
    } else if (job->code == RF_OK && kind == RF_BLOCK_GONE) {
        sum_gone(rows, &job->sums.gone);
    }
    rf_crew_memory_trim(memory);
}

enum rf_code rf_check_blocks_new(unsigned threads, struct rf_check_blocks **made,
                                 struct rf_error *error) {
    struct rf_check_blocks *blocks = *made = calloc(1, sizeof *blocks);
    if (!blocks) {
        return rf_fail_memory(error);
    }
    blocks->count = threads * PLACES_A_THREAD;
    blocks->jobs = calloc(blocks->count, sizeof *blocks->jobs);
    enum rf_code code = blocks->jobs ? RF_OK : rf_fail_memory(error);
    if (code == RF_OK) {
        code = rf_crew_new(threads, blocks->count, &blocks->crew, error);
    }
    if (code != RF_OK) {
        rf_check_blocks_free(blocks);
        *made = NULL;
    }
    return code;
}

void rf_check_blocks_free(struct rf_check_blocks *blocks) {
    if (blocks) {
        rf_crew_free(blocks->crew);
        for (unsigned i = 0; blocks->jobs && i < blocks->count; i++) {
            rf_buffer_release(&blocks->jobs[i].stored);
        }
        free(blocks->jobs);
        free(blocks);
    }
}

static void count_block(const struct pass *pass, const struct rf_block_place *place) {
    struct rf_check_result *result = pass->check->result;
    result->blocks++;
    result->rows += place->facts.rows;
    result->bytes += place->size;
}

/* What came of a block goes into the sums, or is told. */
static enum rf_code settle(struct pass *pass, struct block_job *job, struct rf_error *error) {
    struct rf_check_run *check = pass->check;
    const struct rf_block_place *place = rf_archive_block(pass->archive, job->block);
    count_block(pass, place);
    if (!pass->again) {
        rf_check_advance(check, place->size);
    }
    if (rf_check_is_finding(job->code)) {
        rf_check_report(check, pass->file, job->block, &job->error);
        pass->found->whole = false;
    } else if (job->code != RF_OK) {
        *error = job->error;
        return job->code;
    }
    rf_digest_join(&pass->found->sums.rows, &job->sums.rows);
    rf_digest_join(&pass->found->sums.gone, &job->sums.gone);
    return RF_OK;
}

/* Takes back the oldest blocks until at most `left` are out. After a failure the others are taken too, as they
 * belong to this archive. */
static enum rf_code settle_until(struct pass *pass, unsigned left, enum rf_code code,
                                 struct rf_error *error) {
    struct rf_check_blocks *blocks = pass->check->blocks;
    while (rf_crew_out(blocks->crew) > (code == RF_OK ? left : 0)) {
        struct block_job *job = (struct block_job *)rf_crew_take(blocks->crew);
        if (code == RF_OK) {
            code = settle(pass, job, error);
        }
    }
    return code;
}

static struct block_job *fetch(struct pass *pass, uint32_t block) {
    struct rf_check_blocks *blocks = pass->check->blocks;
    struct block_job *job = &blocks->jobs[blocks->next++ % blocks->count];
    job->job.run = decode_block;
    job->archive = pass->archive;
    job->block = block;
    job->sums = (struct rf_check_sums){0};
    rf_error_clear(&job->error);
    job->code = rf_archive_fetch(pass->archive, block, &job->stored, &job->error);
    if (job->code == RF_OK) {
        rf_hasher_add(pass->hasher, job->stored.bytes, job->stored.size);
    }
    return job;
}

static void trim(struct block_job *job) {
    if (job->stored.capacity > 2 * (size_t)LARGE_BYTES) {
        rf_buffer_release(&job->stored);
    }
}

static bool is_large(const struct rf_block_place *place) {
    return place->size > LARGE_BYTES || place->facts.raw_size > LARGE_BYTES;
}

static enum rf_code pass_block(struct pass *pass, uint32_t block, struct rf_error *error) {
    struct rf_check_blocks *blocks = pass->check->blocks;
    bool alone =
        is_large(rf_archive_block(pass->archive, block)) || rf_archive_blocks(pass->archive) == 1;
    enum rf_code code = settle_until(pass, alone ? 0 : blocks->count - 1, RF_OK, error);
    if (code != RF_OK) {
        return code;
    }
    struct block_job *job = fetch(pass, block);
    if (!alone) {
        rf_crew_submit(blocks->crew, &job->job);
        return RF_OK;
    }
    rf_crew_run_here(blocks->crew, &job->job);
    trim(job);
    return settle(pass, job, error);
}

/* A block that was decoded before, into the hash of the file alone. */
static enum rf_code hash_block(struct pass *pass, uint32_t block, struct rf_error *error) {
    struct block_job *job = fetch(pass, block);
    if (job->code == RF_OK) {
        count_block(pass, rf_archive_block(pass->archive, block));
    } else {
        *error = job->error;
    }
    trim(job);
    return job->code;
}

static enum rf_code pass_blocks(struct pass *pass, struct rf_error *error) {
    enum rf_code code = rf_archive_hash_head(pass->archive, pass->hasher, error);
    for (uint32_t block = 0; code == RF_OK && block < rf_archive_blocks(pass->archive); block++) {
        code = rf_check_stopped(pass->check)
                   ? rf_fail(error, RF_INTERRUPTED, "stopped while checking %s", pass->file)
               : pass->decoded ? hash_block(pass, block, error)
                               : pass_block(pass, block, error);
    }
    code = settle_until(pass, 0, code, error);
    return code == RF_OK ? rf_archive_hash_tail(pass->archive, pass->hasher, error) : code;
}

static enum rf_code pass_archive(struct pass *pass, const struct rf_archive_ref *ref,
                                 struct rf_error *error) {
    bool trusting = pass->check->trusting;
    pass->hasher = trusting ? rf_hasher_new_sha256() : rf_hasher_new();
    enum rf_code code = pass->hasher ? pass_blocks(pass, error) : rf_fail_memory(error);
    if (code == RF_OK && pass->found->whole) {
        code =
            rf_archive_compare(pass->archive, ref->digest, rf_hasher_result(pass->hasher), error);
    }
    if (code == RF_OK && pass->found->whole && trusting) {
        uint8_t sha256[RF_SHA256_SIZE];
        rf_hasher_sha256(pass->hasher, sha256);
        code = rf_archive_compare_sha256(pass->archive, ref->sha256, sha256, error);
    }
    rf_hasher_free(pass->hasher);
    return code;
}

/* before - gone + rows = after, as the archive says of itself. */
static enum rf_code compare_sums(const struct pass *pass, const struct rf_archive_ref *ref,
                                 struct rf_error *error) {
    const struct rf_check_archive *found = pass->found;
    struct rf_digest sum = found->before;
    char left[RF_HASH_HEX], right[RF_HASH_HEX];
    rf_digest_part(&sum, &found->sums.gone);
    rf_digest_join(&sum, &found->sums.rows);
    if (rf_digest_equal(&sum, &found->after)) {
        return RF_OK;
    }
    rf_fail(error, RF_CORRUPT, "the rows of %s do not make the digest that it says", ref->name);
    rf_detail(error, "it says %llu rows, %s; its blocks make %llu rows, %s",
              (unsigned long long)found->after.rows, rf_hash_text(found->after.sum, left),
              (unsigned long long)sum.rows, rf_hash_text(sum.sum, right));
    return RF_CORRUPT;
}

/* An archive that was decoded and is another one now, or cannot be read any more, is passed like the others. */
static enum rf_code hash_archive(struct pass *pass, const struct rf_archive_ref *ref,
                                 struct rf_error *error) {
    const struct rf_check_result before = *pass->check->result;
    enum rf_code code = pass_archive(pass, ref, error);
    if (rf_check_is_finding(code)) {
        *pass->check->result = before;
        pass->decoded = false;
        return pass_archive(pass, ref, error);
    }
    pass->found->sums = rf_check_seen_find(&pass->check->decoded, ref->digest)->sums;
    return code;
}

static enum rf_code open_and_pass(struct pass *pass, const struct rf_archive_ref *ref,
                                  struct rf_error *error) {
    enum rf_code code =
        rf_repository_open_archive(pass->check->repository, ref, &pass->archive, error);
    if (code != RF_OK) {
        return code;
    }
    pass->found->before = rf_archive_head_of(pass->archive)->before;
    pass->found->after = rf_archive_head_of(pass->archive)->after;
    code = pass->decoded ? hash_archive(pass, ref, error) : pass_archive(pass, ref, error);
    if (code == RF_OK && pass->found->whole) {
        code = compare_sums(pass, ref, error);
    }
    rf_archive_close(pass->archive);
    return code;
}

/* One file cannot have two, so that this one is not what the manifest that came later means. */
static void check_names(struct rf_check_run *check, const char *file,
                        const struct rf_archive_ref *ref, struct rf_check_archive *seen) {
    if (!check->trusting || memcmp(seen->sha256, ref->sha256, RF_SHA256_SIZE) == 0) {
        return;
    }
    struct rf_error error = {0};
    char first[RF_SHA256_HEX], other[RF_SHA256_HEX];
    rf_fail(&error, RF_CORRUPT, "two manifests name another SHA-256 for %s", ref->name);
    rf_detail(&error, "one says %s, the other %s", rf_sha256_text(seen->sha256, first),
              rf_sha256_text(ref->sha256, other));
    rf_check_report(check, file, -1, &error);
    seen->whole = false;
}

enum rf_code rf_check_archive(struct rf_check_run *check, const struct rf_archive_ref *ref,
                              struct rf_check_archive *found, struct rf_error *error) {
    const struct rf_check_archive *seen = rf_check_seen_find(&check->seen, ref->digest);
    char file[RF_ARCHIVE_NAME_SIZE + 16];
    snprintf(file, sizeof file, "archives/%s", ref->name);
    if (seen) {
        *found = *seen;
        check_names(check, file, ref, found);
        return RF_OK;
    }
    bool decoded = rf_check_seen_find(&check->decoded, ref->digest);
    struct pass pass = {
        .check = check, .file = file, .found = found, .decoded = decoded, .again = decoded};
    *found = (struct rf_check_archive){.digest = ref->digest, .whole = true};
    memcpy(found->sha256, ref->sha256, RF_SHA256_SIZE);
    check->result->archives++;
    enum rf_code code = open_and_pass(&pass, ref, error);
    if (rf_check_is_finding(code)) {
        rf_check_report(check, file, -1, error);
        found->whole = false;
        code = RF_OK;
    }
    return code == RF_OK ? rf_check_seen_add(&check->seen, found, error) : code;
}
