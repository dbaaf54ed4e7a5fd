/* Archives as files: what is written is read, and nothing else is ever taken for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fixture.h"
#include "format/archive.h"
#include "format/layout.h"
#include "golden.h"
#include "memory_io.h"

static void read_golden(const char *name, struct rf_buffer *bytes) {
    char path[PATH_MAX];
    scratch_read(scratch_path(RF_GOLDEN, name, path), bytes);
}

/* Opens the bytes as an archive and reads all of it. */
static enum rf_code read_all(const void *bytes, size_t size, struct rf_error *error) {
    struct memory_io memory = memory_io_of(bytes, size);
    struct rf_archive *archive;
    struct rf_codec *codec = rf_codec_new();
    struct rf_rows rows = {0};
    enum rf_code code = rf_archive_open(&memory.io, "/some/it.rfa", NULL, &archive, error);
    cr_assert_eq(code == RF_OK, archive != NULL);
    for (uint32_t i = 0; code == RF_OK && i < rf_archive_blocks(archive); i++) {
        code = rf_archive_read(archive, codec, i, &rows, error);
    }
    rf_rows_release(&rows);
    rf_codec_free(codec);
    rf_archive_close(archive);
    cr_assert_eq(memory.open, 0, "a file stayed open");
    return code;
}

/* Damage */

static void assert_flips(const char *name, bool every_bit) {
    struct rf_buffer bytes = {0};
    struct rf_error error = {0};
    read_golden(name, &bytes);
    assert_ok(read_all(bytes.bytes, bytes.size, &error), error);
    for (size_t i = 0; i < bytes.size; i++) {
        for (unsigned flip = 0; flip < (every_bit ? 9u : 1u); flip++) {
            unsigned mask = flip == 8 ? 0xffu : 1u << (flip + i) % 8;
            bytes.bytes[i] ^= (uint8_t)mask;
            enum rf_code code = read_all(bytes.bytes, bytes.size, &error);
            /* Bytes 8 to 11 are the version: what is there may be an archive to come. */
            bool version = i >= 8 && i < 12;
            cr_assert(code == RF_CORRUPT || (version && code == RF_MISPLACED),
                      "%s: byte %zu, bits %#x: %d", name, i, mask, code);
            cr_assert_not_null(strstr(error.what, "it.rfa"), "%s does not name the file",
                               error.what);
            bytes.bytes[i] ^= (uint8_t)mask;
        }
    }
    rf_buffer_release(&bytes);
}

Test(archive, every_flipped_bit) {
    assert_flips("single.rfa", true);
}

Test(archive, every_flipped_byte) {
    static const char *const names[] = {"classes.rfa",     "alias-delta.rfa", "keyed-delta.rfa",
                                        "place-delta.rfa", "without.rfa",     "empty.rfa"};
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_flips(names[i], false);
    }
}

Test(archive, every_length) {
    static const char *const names[] = {"single.rfa", "empty.rfa", "alias-delta.rfa"};
    for (size_t n = 0; n < COUNT(names); n++) {
        struct rf_buffer bytes = {0};
        struct rf_error error = {0};
        read_golden(names[n], &bytes);
        size_t whole = bytes.size;
        for (size_t size = 0; size < whole; size++) {
            uint8_t *cut = malloc(size + 1);
            memcpy(cut, bytes.bytes, size);
            cr_assert_eq(read_all(cut, size, &error), RF_CORRUPT, "%s cut at %zu", names[n], size);
            free(cut);
        }
        for (size_t more = 1; more < 70; more++) {
            rf_buffer_u8(&bytes, (uint8_t)more);
            cr_assert_eq(read_all(bytes.bytes, bytes.size, &error), RF_CORRUPT, "%zu bytes more",
                         more);
        }
        bytes.size = whole;
        rf_buffer_reserve(&bytes, whole);
        rf_buffer_append(&bytes, bytes.bytes, whole);
        cr_assert_eq(read_all(bytes.bytes, bytes.size, &error), RF_CORRUPT, "twice");
        cr_assert_eq(read_all(bytes.bytes + 1, whole - 1, &error), RF_CORRUPT,
                     "without the first byte");
        rf_buffer_release(&bytes);
    }
}

/* An archive taken apart by SPEC.md, to be put together otherwise. */
struct parts {
    struct rf_buffer bytes;
    size_t header; /* bytes of the header with its checksum */
    size_t footer; /* where it begins */
    uint32_t blocks;
};

static struct parts take_apart(const char *name) {
    struct parts parts = {0};
    read_golden(name, &parts.bytes);
    parts.header = 16 + rf_load_u32(parts.bytes.bytes + 12) + 8;
    parts.footer = (size_t)rf_load_u64(parts.bytes.bytes + parts.bytes.size - 32);
    parts.blocks = rf_load_u32(parts.bytes.bytes + parts.footer + 4);
    return parts;
}

static uint8_t *entry_of(const struct parts *parts, uint32_t block) {
    return parts->bytes.bytes + parts->footer + 56 + (size_t)48 * block;
}

/* Gives the footer a checksum that fits. */
static void seal_footer(struct parts *parts) {
    uint8_t *trailer = parts->bytes.bytes + parts->bytes.size - 32;
    uint64_t header = rf_load_u64(parts->bytes.bytes + parts->header - 8);
    size_t size = parts->bytes.size - 32 - parts->footer;
    rf_store_u64(trailer + 16,
                 rf_footer_checksum(header, parts->bytes.bytes + parts->footer, size));
}

/* And all others too. */
static void seal(struct parts *parts) {
    uint8_t *bytes = parts->bytes.bytes;
    uint64_t header = rf_checksum(bytes, parts->header - 8);
    rf_store_u64(bytes + parts->header - 8, header);
    for (uint32_t i = 0; i < parts->blocks; i++) {
        uint8_t *entry = entry_of(parts, i);
        uint64_t offset = rf_load_u64(entry + 16);
        uint32_t size = rf_load_u32(entry + 12);
        uint64_t checksum =
            rf_block_checksum(header, i, offset, bytes + offset, bytes + offset + 32, size - 32);
        rf_store_u64(bytes + offset + 24, checksum);
        rf_store_u64(entry + 24, checksum);
    }
    seal_footer(parts);
}

/* The same header with blocks in another order, under a footer that fits them. */
static enum rf_code read_reordered(const struct parts *parts, const uint32_t *order, uint32_t count,
                                   struct rf_error *error) {
    struct parts made = {.header = parts->header, .blocks = count};
    rf_buffer_append(&made.bytes, parts->bytes.bytes, parts->header);
    struct rf_buffer entries = {0};
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *entry = entry_of(parts, order[i]);
        uint8_t *copy = rf_buffer_extend(&entries, 48);
        memcpy(copy, entry, 48);
        rf_store_u64(copy + 16, made.bytes.size);
        rf_buffer_append(&made.bytes, parts->bytes.bytes + rf_load_u64(entry + 16),
                         rf_load_u32(entry + 12));
    }
    made.footer = made.bytes.size;
    rf_buffer_append(&made.bytes, parts->bytes.bytes + parts->footer, 56);
    rf_store_u32(made.bytes.bytes + made.footer + 4, count);
    rf_buffer_append(&made.bytes, entries.bytes, entries.size);
    size_t end = made.bytes.size;
    rf_buffer_append(&made.bytes, parts->bytes.bytes + parts->bytes.size - 32, 32);
    rf_store_u64(made.bytes.bytes + end, made.footer);
    rf_store_u64(made.bytes.bytes + end + 8, end - made.footer);
    seal_footer(&made);
    enum rf_code code = read_all(made.bytes.bytes, made.bytes.size, error);
    rf_buffer_release(&entries);
    rf_buffer_release(&made.bytes);
    return code;
}

Test(archive, blocks_swapped_repeated_and_left_out) {
    struct parts parts = take_apart("alias.rfa");
    struct rf_error error = {0};
    cr_assert_eq(parts.blocks, 3);
    static const struct {
        uint32_t count, order[4];
    } cases[] = {{3, {1, 0, 2}},    {3, {0, 2, 1}}, {3, {0, 0, 2}},
                 {4, {0, 1, 2, 2}}, {2, {1, 2}},    {1, {2}}};
    assert_ok(read_reordered(&parts, (const uint32_t[]){0, 1, 2}, 3, &error), error);
    for (size_t i = 0; i < COUNT(cases); i++) {
        cr_assert_eq(read_reordered(&parts, cases[i].order, cases[i].count, &error), RF_CORRUPT,
                     "case %zu", i);
    }
    /* That the last blocks are missing is told by the file's digest alone. */
    assert_ok(read_reordered(&parts, (const uint32_t[]){0, 1}, 2, &error), error);
    rf_buffer_release(&parts.bytes);
}

/* The delta's blocks are of three kinds, so that order by rowid does not give a swap away. */
Test(archive, blocks_of_different_kinds_swapped) {
    struct parts parts = take_apart("keyed-delta.rfa");
    struct rf_error error = {0};
    assert_ok(read_reordered(&parts, (const uint32_t[]){0, 1, 2}, 3, &error), error);
    cr_assert_eq(read_reordered(&parts, (const uint32_t[]){1, 0, 2}, 3, &error), RF_CORRUPT);
    cr_assert_not_null(strstr(error.what, "checksum"), "%s", error.what);
    cr_assert_not_null(strstr(error.detail, "block 0 at offset"), "%s", error.detail);
    rf_buffer_release(&parts.bytes);
}

Test(archive, a_block_of_another_archive) {
    /* Two archives that differ in their snapshot's number alone. */
    struct parts parts = take_apart("single.rfa");
    struct parts other = take_apart("single.rfa");
    struct rf_error error = {0};
    other.bytes.bytes[34] ^= 1;
    seal(&other);
    assert_ok(read_all(other.bytes.bytes, other.bytes.size, &error), error);
    size_t block = (size_t)rf_load_u64(entry_of(&parts, 0) + 16);
    memcpy(other.bytes.bytes + block, parts.bytes.bytes + block, parts.footer - block);
    memcpy(entry_of(&other, 0), entry_of(&parts, 0), 48);
    seal_footer(&other);
    cr_assert_eq(read_all(other.bytes.bytes, other.bytes.size, &error), RF_CORRUPT);
    rf_buffer_release(&parts.bytes);
    rf_buffer_release(&other.bytes);
}

/* Every byte of header, footer and block headers changed, under checksums that fit: refused or
 * read, never believed further than the file goes. The sanitizers are the judge. */
Test(archive, changes_under_checksums_that_fit) {
    static const char *const names[] = {"alias-delta.rfa", "keyed-delta.rfa", "without-delta.rfa",
                                        "numbers.rfa"};
    struct rf_error error = {0};
    struct chance chance = {1};
    unsigned refused = 0;
    for (size_t n = 0; n < COUNT(names); n++) {
        struct parts parts = take_apart(names[n]);
        struct rf_buffer changed = {0};
        size_t block = (size_t)rf_load_u64(entry_of(&parts, 0) + 16);
        for (size_t i = 0; i < parts.bytes.size - 32; i++) {
            bool outside = i >= parts.header && i < parts.footer && (i < block || i >= block + 32);
            for (unsigned round = 0; !outside && round < 6; round++) {
                rf_buffer_clear(&changed);
                rf_buffer_append(&changed, parts.bytes.bytes, parts.bytes.size);
                changed.bytes[i] = round < 3 ? (const uint8_t[]){0, 0xff, 0x80}[round]
                                             : (uint8_t)chance_next(&chance);
                struct parts whole = parts;
                whole.bytes = changed;
                if (i < parts.footer) {
                    seal(&whole);
                } else {
                    seal_footer(&whole);
                }
                enum rf_code code = read_all(changed.bytes, changed.size, &error);
                cr_assert(code == RF_OK || code == RF_CORRUPT || code == RF_MISPLACED,
                          "%s: byte %zu: %d %s", names[n], i, code, error.what);
                refused += code == RF_CORRUPT;
            }
        }
        rf_buffer_release(&changed);
        rf_buffer_release(&parts.bytes);
    }
    cr_assert_gt(refused, 1000);
}

/* A block of a few bytes that says it holds a gigabyte: refused before it is decoded. */
Test(archive, a_block_that_cannot_hold_so_much) {
    struct parts parts = take_apart("single.rfa");
    struct rf_error error = {0};
    uint8_t *block = parts.bytes.bytes + rf_load_u64(entry_of(&parts, 0) + 16);
    rf_store_u32(block + 12, 1600000000u);
    rf_store_u32(entry_of(&parts, 0) + 8, 1600000000u);
    seal(&parts);
    cr_assert_eq(read_all(parts.bytes.bytes, parts.bytes.size, &error), RF_CORRUPT);
    cr_assert(strstr(error.what, "impossible block index") == error.what, "%s", error.what);
    cr_assert(strstr(error.detail, "at byte ") == error.detail, "%s", error.detail);
    rf_buffer_release(&parts.bytes);
}

/* Headers written out, under checksums that fit, and what is wrong with them. */
Test(archive, headers_that_cannot_be) {
    static const struct {
        size_t at; /* in the file */
        uint8_t byte;
        const char *what;
    } cases[] = {
        {16, 0, "no kind"},
        {16, 2, "a delta without a key that has the gone form of one"},
        {16, 3, "a kind that there is not"},
        {17, 1, "a gone form in a full archive"},
        {17, 2, "a gone form that there is not"},
        {42, 5, "a name that goes on"},
        {42, 7, "a name that goes on past what follows"},
        {46, 0, "a NUL in the name"},
        {52, 3, "a key kind that there is not"},
        {52, 2, "a key without columns"},
        {53, 0, "an alias that is not the key"},
        {57, 0, "no columns"},
        {57, 2, "a column too many"},
        {66, 1, "a key part too many"},
    };
    struct parts parts = take_apart("single.rfa");
    struct rf_error error = {0};
    cr_assert_eq(parts.bytes.bytes[42], 6, "the name's size");
    cr_assert_eq(parts.bytes.bytes[57], 1, "the number of columns");
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t before = parts.bytes.bytes[cases[i].at];
        parts.bytes.bytes[cases[i].at] = cases[i].byte;
        seal(&parts);
        cr_assert_eq(read_all(parts.bytes.bytes, parts.bytes.size, &error), RF_CORRUPT, "%s",
                     cases[i].what);
        parts.bytes.bytes[cases[i].at] = before;
    }
    seal(&parts);
    assert_ok(read_all(parts.bytes.bytes, parts.bytes.size, &error), error);
    rf_buffer_release(&parts.bytes);
}

Test(archive, a_newer_version_is_told_apart_from_damage) {
    struct parts parts = take_apart("single.rfa");
    struct rf_error error = {0};
    rf_store_u32(parts.bytes.bytes + 8, 4);
    cr_assert_eq(read_all(parts.bytes.bytes, parts.bytes.size, &error), RF_MISPLACED);
    cr_assert_not_null(strstr(error.what, "version 4"), "%s", error.what);
    rf_store_u32(parts.bytes.bytes + 8, 0);
    seal(&parts);
    cr_assert_eq(read_all(parts.bytes.bytes, parts.bytes.size, &error), RF_CORRUPT);
    rf_buffer_release(&parts.bytes);
}

/* What a manifest says of a file */

Test(archive, the_manifests_word_is_held_against_the_file) {
    struct rf_buffer bytes = {0};
    struct rf_error error = {0};
    read_golden("keyed-delta.rfa", &bytes);
    struct memory_io memory = memory_io_of(bytes.bytes, bytes.size);
    struct rf_archive_ref ref = {.kind = RF_ARCHIVE_DELTA,
                                 .size = bytes.size,
                                 .digest = rf_hash_bytes(bytes.bytes, bytes.size)};
    struct rf_archive *archive;
    assert_ok(rf_archive_open(&memory.io, "it", &ref, &archive, &error), error);
    assert_ok(rf_archive_prove(archive, ref.digest, &error), error);
    ref.digest.high ^= 1;
    cr_assert_eq(rf_archive_prove(archive, ref.digest, &error), RF_CORRUPT);
    rf_archive_close(archive);
    ref.size++;
    cr_assert_eq(rf_archive_open(&memory.io, "it", &ref, &archive, &error), RF_CORRUPT);
    ref.size--;
    ref.kind = RF_ARCHIVE_FULL;
    cr_assert_eq(rf_archive_open(&memory.io, "it", &ref, &archive, &error), RF_CORRUPT);
    cr_assert_null(archive);
    cr_assert_eq(memory.open, 0);
    rf_archive_close(NULL);
    rf_buffer_release(&bytes);
}

Test(archive, what_cannot_be_opened) {
    struct rf_archive *archive;
    struct rf_error error = {0};
    cr_assert_eq(rf_archive_open(rf_io_posix(), "/nonexistent/x.rfa", NULL, &archive, &error),
                 RF_STORAGE);
    cr_assert_eq(error.sys_errno, ENOENT);
    cr_assert_eq(rf_archive_open(rf_io_posix(), "/", NULL, &archive, &error), RF_STORAGE);
}

/* Writing */

static struct rf_pool *make_pool(unsigned threads) {
    struct rf_pool *pool;
    struct rf_error error = {0};
    assert_ok(rf_pool_new(threads, &pool, &error), error);
    return pool;
}

static struct rf_archive_head head_of(const struct rf_table *table) {
    return (struct rf_archive_head){.kind = RF_ARCHIVE_FULL, .snapshot = 1, .table = table};
}

/* Some hundred rows in blocks of a few, as far as the writer takes them. */
static enum rf_code write_some(struct rf_io *io, const char *folder, struct rf_pool *pool,
                               uint32_t rows, struct rf_archive_ref *ref, char path[PATH_MAX],
                               struct rf_error *error) {
    struct rf_archive_head head = head_of(golden_find("classes")->table);
    struct rf_archive_writer *writer;
    struct chance chance = {77};
    enum rf_code code = rf_archive_writer_new(io, folder, &head, 1, pool, &writer, error);
    if (code != RF_OK) {
        cr_assert_null(writer);
        return code;
    }
    struct rf_buffer row = {0};
    struct rf_batch *batch = NULL;
    for (uint32_t i = 0; i < rows; i++) {
        if (!batch && !(batch = rf_archive_writer_batch(writer, RF_BLOCK_ROWS))) {
            break;
        }
        rf_buffer_clear(&row);
        for (uint32_t column = 0; column < head.table->column_count; column++) {
            chance_cell(&chance, FLAVOUR_MIXED, i, &row);
        }
        rf_batch_add(batch, i, (struct rf_hash){0}, row.bytes, row.size);
        if (chance_one_in(&chance, 5)) {
            rf_archive_writer_add(writer, batch);
            batch = NULL;
        }
    }
    if (batch) {
        rf_archive_writer_add(writer, batch);
    }
    rf_buffer_release(&row);
    return rf_archive_writer_finish(writer, &(struct rf_digest){0}, ref, path, error);
}

Test(archive, threads_do_not_change_the_bytes) {
    char folder[PATH_MAX], path[PATH_MAX];
    struct rf_error error = {0};
    struct rf_buffer first = {0}, other = {0};
    struct rf_archive_ref ref;
    scratch_make(folder);
    for (unsigned threads = 1; threads <= 8; threads *= 2) {
        struct rf_pool *pool = make_pool(threads);
        assert_ok(write_some(rf_io_posix(), folder, pool, 400, &ref, path, &error), error);
        scratch_read(path, threads == 1 ? &first : &other);
        cr_assert(threads == 1 || (first.size == other.size &&
                                   memcmp(first.bytes, other.bytes, first.size) == 0),
                  "%u threads", threads);
        rf_pool_free(pool);
    }
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    assert_ok(read_all(first.bytes, first.size, &error), error);
    char name[RF_ARCHIVE_NAME_SIZE];
    cr_assert(rf_hash_equal(ref.digest, rf_hash_bytes(first.bytes, first.size)));
    cr_assert_eq(ref.size, first.size);
    golden_archive_name(golden_find("classes"), ref.digest, name);
    cr_assert_str_eq(ref.name, name);
    rf_buffer_release(&first);
    rf_buffer_release(&other);
    scratch_remove(folder);
}

static void assert_slug(struct rf_pool *pool, const char *folder, const char *name,
                        const char *slug) {
    struct rf_column column = {.name = (char[]){"c"}};
    char own[200];
    snprintf(own, sizeof own, "%s", name);
    struct rf_table table = {.name = own, .alias = -1, .column_count = 1, .columns = &column};
    struct rf_archive_head head = head_of(&table);
    struct rf_archive_writer *writer;
    struct rf_archive_ref ref;
    struct rf_error error = {0};
    char path[PATH_MAX], expected[RF_ARCHIVE_NAME_SIZE], hex[RF_HASH_HEX];
    assert_ok(rf_archive_writer_new(rf_io_posix(), folder, &head, 1, pool, &writer, &error), error);
    assert_ok(rf_archive_writer_finish(writer, &(struct rf_digest){0}, &ref, path, &error), error);
    snprintf(expected, sizeof expected, "%s-%s.rfa", slug, rf_hash_text(ref.digest, hex));
    cr_assert_str_eq(ref.name, expected);
    cr_assert_eq(remove(path), 0);
}

Test(archive, names_that_a_file_may_have) {
    char folder[PATH_MAX];
    struct rf_pool *pool = make_pool(1);
    scratch_make(folder);
    assert_slug(pool, folder, "events", "events");
    assert_slug(pool, folder, "Classes \xc3\xa9", "classes");
    assert_slug(pool, folder, "A-b_C.9", "ab_c9");
    assert_slug(pool, folder, "../../etc/passwd", "etcpasswd");
    assert_slug(pool, folder, "", "table");
    assert_slug(pool, folder, "\xe6\x9d\xb1\xe4\xba\xac", "table");
    assert_slug(pool, folder, "abcdefghijklmnopqrstuvwxyz0123456789_ABCDEFGHIJ",
                "abcdefghijklmnopqrstuvwxyz0123456789_abc");
    rf_pool_free(pool);
    scratch_remove(folder);
}

Test(archive, what_is_given_up_leaves_nothing) {
    char folder[PATH_MAX];
    struct rf_pool *pool = make_pool(2);
    struct rf_archive_head head = head_of(golden_find("single")->table);
    struct rf_archive_writer *writer;
    struct rf_error error = {0};
    scratch_make(folder);
    assert_ok(rf_archive_writer_new(rf_io_posix(), folder, &head, 1, pool, &writer, &error), error);
    for (int i = 0; i < 50; i++) {
        struct rf_batch *batch = rf_archive_writer_batch(writer, RF_BLOCK_ROWS);
        cr_assert_not_null(batch);
        uint8_t null = RF_NULL;
        if (i % 2) {
            rf_batch_add(batch, i, (struct rf_hash){0}, &null, 1);
        }
        rf_archive_writer_add(writer, batch);
    }
    cr_assert_eq(scratch_count(folder), 1);
    rf_archive_writer_abort(writer);
    rf_archive_writer_abort(NULL);
    cr_assert_eq(scratch_count(folder), 0);
    rf_pool_free(pool);
    rf_pool_free(NULL);
    scratch_remove(folder);
}

/* Rows that cannot be encoded: told once, at the end, and nothing is left. */
Test(archive, a_batch_that_fails_fails_the_archive) {
    char folder[PATH_MAX], path[PATH_MAX];
    struct rf_pool *pool = make_pool(2);
    struct rf_archive_head head = head_of(golden_find("single")->table);
    struct rf_archive_writer *writer;
    struct rf_archive_ref ref;
    struct rf_error error = {0};
    scratch_make(folder);
    assert_ok(rf_archive_writer_new(rf_io_posix(), folder, &head, 1, pool, &writer, &error), error);
    struct rf_batch *batch;
    for (int i = 0; i < 100 && (batch = rf_archive_writer_batch(writer, RF_BLOCK_ROWS)); i++) {
        rf_batch_add(batch, i, (struct rf_hash){0}, "\x09", 1);
        rf_archive_writer_add(writer, batch);
    }
    cr_assert_eq(rf_archive_writer_finish(writer, &(struct rf_digest){0}, &ref, path, &error),
                 RF_FAILED);
    cr_assert_eq(scratch_count(folder), 0);
    rf_pool_free(pool);
    scratch_remove(folder);
}

Test(archive, every_failing_call_of_a_writer) {
    char folder[PATH_MAX], path[PATH_MAX];
    struct rf_pool *pool = make_pool(1);
    struct failing_io io;
    struct rf_archive_ref ref;
    struct rf_error error = {0};
    scratch_make(folder);
    int fail_at = 1;
    for (;; fail_at++) {
        failing_io_init(&io, fail_at, ENOSPC, false);
        enum rf_code code = write_some(&io.io, folder, pool, 60, &ref, path, &error);
        if (!io.failed) {
            assert_ok(code, error);
            cr_assert_eq(remove(path), 0);
            break;
        }
        cr_assert_eq(code, RF_STORAGE, "call %d: %d", fail_at, code);
        cr_assert_eq(error.sys_errno, ENOSPC);
        cr_assert_eq(scratch_count(folder), 0, "call %d left a file", fail_at);
    }
    cr_assert_geq(fail_at, 5); /* open, write, sync and close, at least */
    /* A signal in the middle of a write is no failure. */
    failing_io_init(&io, 2, EINTR, false);
    assert_ok(write_some(&io.io, folder, pool, 60, &ref, path, &error), error);
    cr_assert(io.failed);
    rf_pool_free(pool);
    scratch_remove(folder);
}

Test(archive, every_failing_call_of_a_reader) {
    char path[PATH_MAX];
    scratch_path(RF_GOLDEN, "alias.rfa", path);
    for (int fail_at = 1;; fail_at++) {
        struct failing_io io;
        struct rf_archive *archive;
        struct rf_error error = {0};
        struct rf_rows rows = {0};
        struct rf_codec *codec = rf_codec_new();
        failing_io_init(&io, fail_at, EIO, false);
        enum rf_code code = rf_archive_open(&io.io, path, NULL, &archive, &error);
        for (uint32_t i = 0; code == RF_OK && i < rf_archive_blocks(archive); i++) {
            code = rf_archive_read(archive, codec, i, &rows, &error);
        }
        if (code == RF_OK) {
            struct rf_hash digest = {0};
            code = rf_archive_prove(archive, digest, &error);
        }
        bool failed = io.failed;
        cr_assert_eq(code, failed ? RF_STORAGE : RF_CORRUPT, "call %d: %d", fail_at, code);
        rf_rows_release(&rows);
        rf_codec_free(codec);
        rf_archive_close(archive);
        if (!failed) {
            cr_assert_gt(fail_at, 5);
            break;
        }
    }
}
