/* Writing an archive: jobs come back from the pool in any order and are written in theirs. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "format/archive.h"
#include "format/layout.h"
#include "format/pool_work.h"

#define SLUG_MAX 40
/* What is smaller is gathered before it is written: a small archive is one write. */
#define GATHERED_MAX (64u << 10)
/* A batch of so few bytes is encoded on the thread that filled it. */
#define SMALL_BATCH (32u << 10)

struct rf_archive_writer {
    struct rf_io *io;
    struct rf_pool *pool;
    int level;
    enum rf_archive_kind kind;
    bool unsynced; /* whoever finishes the archive syncs it later */
    struct rf_digest before, after;
    char slug[SLUG_MAX + 1];
    char path[PATH_MAX];
    int fd;
    struct rf_shape shapes[RF_BLOCK_MOVES + 1];
    uint64_t header_checksum;
    uint64_t submitted; /* jobs given to the pool; only the filling thread looks */

    pthread_mutex_t mutex; /* guards these */
    pthread_cond_t done;
    uint64_t written;      /* jobs written, or dropped after a failure */
    struct rf_job *parked; /* encoded before their turn */
    bool writing;          /* a thread is at what follows */
    struct rf_error error; /* the first failure */

    struct rf_hasher *hasher;
    struct rf_sha256 *sha256;
    struct rf_buffer gathered; /* at the end of the file, not written yet */
    uint64_t offset;
    uint32_t blocks;
    struct rf_buffer index; /* footer entries */
};

/* Letters, digits and '_' of the table's name, so that people recognise the file. */
static void make_slug(const char *name, char slug[SLUG_MAX + 1]) {
    size_t used = 0;
    for (; *name && used < SLUG_MAX; name++) {
        unsigned char letter = (unsigned char)*name;
        if (letter < 0x80 && (isalnum(letter) || letter == '_')) {
            slug[used++] = (char)tolower(letter);
        }
    }
    if (used == 0) {
        memcpy(slug, "table", 5);
        used = 5;
    }
    slug[used] = 0;
}

static enum rf_code write_gathered(struct rf_archive_writer *writer, struct rf_error *error) {
    struct rf_buffer *gathered = &writer->gathered;
    enum rf_code code = rf_io_write_all(writer->io, writer->fd, writer->path, gathered->bytes,
                                        gathered->size, error);
    rf_buffer_clear(gathered);
    return code;
}

static enum rf_code append(struct rf_archive_writer *writer, const void *bytes, size_t size,
                           struct rf_error *error) {
    rf_hasher_add(writer->hasher, bytes, size);
    rf_sha256_add(writer->sha256, bytes, size);
    writer->offset += size;
    enum rf_code code = RF_OK;
    if (writer->gathered.size + size > GATHERED_MAX) {
        code = write_gathered(writer, error);
    }
    if (code == RF_OK && size > GATHERED_MAX) {
        return rf_io_write_all(writer->io, writer->fd, writer->path, bytes, size, error);
    }
    if (code == RF_OK) {
        rf_buffer_append(&writer->gathered, bytes, size);
        code = rf_buffer_check(&writer->gathered, error);
    }
    return code;
}

static enum rf_code write_header(struct rf_archive_writer *writer,
                                 const struct rf_archive_head *head, struct rf_error *error) {
    struct rf_buffer body = {0};
    rf_buffer_u8(&body, (uint8_t)head->kind);
    rf_buffer_u8(&body, (uint8_t)head->gone);
    rf_buffer_append(&body, head->source, RF_SOURCE_ID_SIZE);
    rf_buffer_u64(&body, head->snapshot);
    rf_table_encode_rows(head->table, &body);
    struct rf_buffer header = {0};
    rf_buffer_append(&header, RF_ARCHIVE_MAGIC, RF_MAGIC_SIZE);
    rf_buffer_u32(&header, RF_FORMAT_VERSION);
    rf_buffer_u32(&header, (uint32_t)body.size);
    rf_buffer_append(&header, body.bytes, body.size);
    enum rf_code code = RF_OK;
    if (body.failed || header.failed) {
        code = rf_fail_memory(error);
    } else if (body.size > RF_HEADER_BODY_MAX) {
        code = rf_fail(error, RF_FAILED, "the names of table %s are too long for an archive",
                       head->table->name);
    } else {
        writer->header_checksum = rf_checksum(header.bytes, header.size);
        rf_buffer_u64(&header, writer->header_checksum);
        code = rf_buffer_check(&header, error);
    }
    if (code == RF_OK) {
        code = append(writer, header.bytes, header.size, error);
    }
    rf_buffer_release(&body);
    rf_buffer_release(&header);
    return code;
}

static void writer_free(struct rf_archive_writer *writer) {
    rf_io_discard(writer->io, &writer->fd);
    rf_hasher_free(writer->hasher);
    rf_sha256_free(writer->sha256);
    rf_buffer_release(&writer->index);
    rf_buffer_release(&writer->gathered);
    pthread_cond_destroy(&writer->done);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}

/* Removes the file of an archive that is not to be. */
static void writer_drop(struct rf_archive_writer *writer) {
    struct rf_error ignored;
    rf_io_discard(writer->io, &writer->fd);
    (void)!rf_io_unlink(writer->io, writer->path, &ignored);
    writer_free(writer);
}

enum rf_code rf_archive_writer_new(struct rf_io *io, const char *folder,
                                   const struct rf_archive_head *head, int level,
                                   struct rf_pool *pool, struct rf_archive_writer **made,
                                   struct rf_error *error) {
    static atomic_uint counter;
    *made = NULL;
    struct rf_archive_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return rf_fail_memory(error);
    }
    writer->io = io;
    writer->pool = pool;
    writer->level = level;
    writer->kind = head->kind;
    writer->before = head->before;
    writer->fd = -1;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->done, NULL);
    make_slug(head->table->name, writer->slug);
    for (enum rf_block_kind kind = RF_BLOCK_ROWS; kind <= RF_BLOCK_MOVES; kind++) {
        writer->shapes[kind] = rf_shape_of(head->table, kind, head->gone);
    }
    snprintf(writer->path, sizeof writer->path, "%s/%s-%ld-%u.part", folder, writer->slug,
             (long)getpid(), atomic_fetch_add(&counter, 1));
    writer->hasher = rf_hasher_new();
    writer->sha256 = rf_sha256_new();
    if (!writer->hasher || !writer->sha256) {
        writer_free(writer);
        return rf_fail_memory(error);
    }
    enum rf_code code = rf_io_create(io, writer->path, &writer->fd, error);
    if (code != RF_OK) {
        writer_free(writer);
        return code;
    }
    code = write_header(writer, head, error);
    if (code != RF_OK) {
        writer_drop(writer);
        return code;
    }
    *made = writer;
    return RF_OK;
}

void rf_archive_writer_leave_unsynced(struct rf_archive_writer *writer) {
    writer->unsynced = true;
}

static bool has_failed(struct rf_archive_writer *writer) {
    pthread_mutex_lock(&writer->mutex);
    bool failed = writer->error.code != RF_OK;
    pthread_mutex_unlock(&writer->mutex);
    return failed;
}

struct rf_batch *rf_archive_writer_batch(struct rf_archive_writer *writer,
                                         enum rf_block_kind kind) {
    if (has_failed(writer)) {
        return NULL;
    }
    struct rf_job *job = rf_pool_take(writer->pool);
    job->writer = writer;
    rf_batch_begin(&job->batch, kind, writer->shapes[kind]);
    return &job->batch;
}

void rf_archive_writer_add(struct rf_archive_writer *writer, struct rf_batch *batch) {
    struct rf_job *job = (void *)batch;
    if (batch->rows == 0) {
        rf_pool_give_back(writer->pool, job);
        return;
    }
    job->sequence = writer->submitted++;
    if (batch->cells.size > SMALL_BATCH || !rf_pool_encode_here(writer->pool, job)) {
        rf_pool_submit(writer->pool, job);
    }
}

static void put_block_header(const struct rf_job *job, uint8_t *header) {
    memset(header, 0, RF_BLOCK_HEADER_SIZE);
    memcpy(header, RF_BLOCK_MAGIC, 4);
    header[4] = (uint8_t)job->facts.kind;
    rf_store_u32(header + 8, job->facts.rows);
    rf_store_u32(header + 12, job->facts.raw_size);
    rf_store_u32(header + 16, (uint32_t)job->stored.size);
}

static void put_entry(struct rf_archive_writer *writer, const struct rf_job *job,
                      uint64_t checksum) {
    struct rf_buffer *index = &writer->index;
    rf_buffer_u32(index, (uint32_t)job->facts.kind);
    rf_buffer_u32(index, job->facts.rows);
    rf_buffer_u32(index, job->facts.raw_size);
    rf_buffer_u32(index, (uint32_t)job->stored.size + RF_BLOCK_HEADER_SIZE);
    rf_buffer_u64(index, writer->offset);
    rf_buffer_u64(index, checksum);
    rf_buffer_u64(index, (uint64_t)job->facts.first);
    rf_buffer_u64(index, (uint64_t)job->facts.last);
}

static enum rf_code write_block(struct rf_archive_writer *writer, const struct rf_job *job,
                                struct rf_error *error) {
    if (job->error.code != RF_OK) {
        *error = job->error;
        return error->code;
    }
    uint8_t header[RF_BLOCK_HEADER_SIZE];
    put_block_header(job, header);
    uint64_t checksum = rf_block_checksum(writer->header_checksum, writer->blocks, writer->offset,
                                          header, job->stored.bytes, job->stored.size);
    rf_store_u64(header + RF_BLOCK_HEADER_CHECKED, checksum);
    put_entry(writer, job, checksum);
    writer->blocks++;
    enum rf_code code = append(writer, header, sizeof header, error);
    if (code == RF_OK) {
        code = append(writer, job->stored.bytes, job->stored.size, error);
    }
    return code;
}

/* With the mutex held: the parked job whose turn it is, no longer parked, or NULL. */
static struct rf_job *next_in_order(struct rf_archive_writer *writer) {
    for (struct rf_job **link = &writer->parked; *link; link = &(*link)->next) {
        struct rf_job *job = *link;
        if (job->sequence == writer->written) {
            *link = job->next;
            return job;
        }
    }
    return NULL;
}

/* With the mutex held, but not while bytes are digested and written: whoever comes first writes, others leave
 * their jobs to it and go on encoding. */
static void write_parked(struct rf_archive_writer *writer) {
    if (writer->writing) {
        return;
    }
    writer->writing = true;
    for (struct rf_job *job; (job = next_in_order(writer));) {
        bool dropped = writer->error.code != RF_OK;
        struct rf_error error = {0};
        pthread_mutex_unlock(&writer->mutex);
        enum rf_code code = dropped ? RF_OK : write_block(writer, job, &error);
        rf_pool_give_back(writer->pool, job);
        pthread_mutex_lock(&writer->mutex);
        if (code != RF_OK && writer->error.code == RF_OK) {
            writer->error = error;
        }
        writer->written++;
    }
    writer->writing = false;
    pthread_cond_broadcast(&writer->done);
}

void rf_archive_writer_encode(struct rf_codec *codec, struct rf_job *job) {
    struct rf_archive_writer *writer = job->writer;
    rf_error_clear(&job->error);
    if (!has_failed(writer)) {
        job->error.code = rf_block_encode(codec, &job->batch, writer->level, &job->stored,
                                          &job->facts, &job->error);
    }
    pthread_mutex_lock(&writer->mutex);
    job->next = writer->parked;
    writer->parked = job;
    write_parked(writer);
    pthread_mutex_unlock(&writer->mutex);
}

static void wait_for_jobs(struct rf_archive_writer *writer) {
    pthread_mutex_lock(&writer->mutex);
    while (writer->written < writer->submitted) {
        pthread_cond_wait(&writer->done, &writer->mutex);
    }
    pthread_mutex_unlock(&writer->mutex);
}

static enum rf_code write_end(struct rf_archive_writer *writer, struct rf_error *error) {
    struct rf_buffer end = {0};
    uint64_t footer_offset = writer->offset;
    rf_buffer_append(&end, RF_FOOTER_MAGIC, 4);
    rf_buffer_u32(&end, writer->blocks);
    uint8_t digests[2 * RF_DIGEST_SIZE];
    rf_digest_store(digests, &writer->before);
    rf_digest_store(digests + RF_DIGEST_SIZE, &writer->after);
    rf_buffer_append(&end, digests, sizeof digests);
    rf_buffer_append(&end, writer->index.bytes, writer->index.size);
    uint64_t footer_size = end.size;
    uint64_t checksum =
        end.failed ? 0 : rf_footer_checksum(writer->header_checksum, end.bytes, end.size);
    rf_buffer_u64(&end, footer_offset);
    rf_buffer_u64(&end, footer_size);
    rf_buffer_u64(&end, checksum);
    rf_buffer_append(&end, RF_TRAILER_MAGIC, RF_MAGIC_SIZE);
    enum rf_code code = end.failed || writer->index.failed ? rf_fail_memory(error) : RF_OK;
    if (code == RF_OK) {
        code = append(writer, end.bytes, end.size, error);
    }
    rf_buffer_release(&end);
    return code;
}

static enum rf_code finish_file(struct rf_archive_writer *writer, struct rf_error *error) {
    enum rf_code code = write_end(writer, error);
    if (code == RF_OK) {
        code = write_gathered(writer, error);
    }
    if (code == RF_OK && !writer->unsynced) {
        code = rf_io_sync(writer->io, writer->fd, writer->path, error);
    }
    if (code == RF_OK) {
        code = rf_io_close(writer->io, &writer->fd, writer->path, error);
    }
    return code;
}

static void make_name(const struct rf_archive_writer *writer, struct rf_archive_ref *ref) {
    char hex[RF_HASH_HEX];
    rf_hash_text(ref->digest, hex);
    snprintf(ref->name, sizeof ref->name, "%s-%s.rfa", writer->slug, hex);
}

enum rf_code rf_archive_writer_finish(struct rf_archive_writer *writer,
                                      const struct rf_digest *after, struct rf_archive_ref *ref,
                                      char *path, struct rf_error *error) {
    wait_for_jobs(writer);
    writer->after = *after;
    enum rf_code code = writer->error.code;
    if (code != RF_OK) {
        *error = writer->error;
    } else {
        code = finish_file(writer, error);
    }
    if (code != RF_OK) {
        writer_drop(writer);
        return code;
    }
    *ref = (struct rf_archive_ref){
        .kind = writer->kind, .digest = rf_hasher_result(writer->hasher), .size = writer->offset};
    make_name(writer, ref);
    rf_sha256_result(writer->sha256, ref->sha256);
    memcpy(path, writer->path, sizeof writer->path);
    writer_free(writer);
    return RF_OK;
}

void rf_archive_writer_abort(struct rf_archive_writer *writer) {
    if (!writer) {
        return;
    }
    pthread_mutex_lock(&writer->mutex);
    if (writer->error.code == RF_OK) {
        writer->error.code = RF_INTERRUPTED; /* so that waiting jobs are dropped, not encoded */
    }
    pthread_mutex_unlock(&writer->mutex);
    wait_for_jobs(writer);
    writer_drop(writer);
}
