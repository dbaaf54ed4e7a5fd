/* The index file: what goes in comes out, and nothing that was not put in is ever believed. */
#include "capture/index_file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/block.h"
#include "format/memory_io.h"
#include "format/value.h"

#define PIECES 7u
#define MOST_ROWS 40u

static char folder[64];
static char path[4096];

static void begin(void) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rf-index-XXXXXX", base ? base : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
}

static void end(void) {
    unlink(path);
    cr_assert_eq(rmdir(folder), 0, "a file is left behind");
}

TestSuite(index, .init = begin, .fini = end);

static char name[] = "t", first_name[] = "k", second_name[] = "v";
static struct rf_column columns[2] = {{.name = first_name}, {.name = second_name}};
static uint32_t key[] = {1};
static struct rf_archive_ref state = {.digest = {11, 12}};

enum form { KEYED, ALIAS, PLAIN, WITHOUT, FORMS };

static struct rf_manifest_table table_of(enum form form) {
    return (struct rf_manifest_table){
        .table = {.name = name,
                  .key_kind = form == WITHOUT ? RF_KEY_COLUMNS : RF_KEY_ROWID,
                  .alias = form == ALIAS ? 1 : -1,
                  .column_count = 2,
                  .columns = columns,
                  .key_count = form == PLAIN ? 0 : 1,
                  .key = key},
        .state_count = 1,
        .state = &state,
    };
}

/* Pieces of 1, 2, … rows; the chunks are 0, 1-2, 3, 4-6, and 3 has no identity. */
struct made {
    struct rf_manifest_table table;
    int64_t rowids[PIECES][MOST_ROWS];
    struct rf_hash hashes[PIECES][MOST_ROWS];
    struct rf_buffer keys[PIECES];
    uint32_t key_starts[PIECES][MOST_ROWS + 1];
    struct rf_keyed_rows rows[PIECES];
    struct rf_index_put put[PIECES];
    struct rf_census census[PIECES][2];
};
static const uint32_t chunk_of[PIECES] = {0, 1, 1, 2, 3, 3, 3};

static void make_piece(struct made *made, uint32_t piece, enum form form) {
    uint32_t count = piece == 5 ? MOST_ROWS : piece + 1;
    struct rf_digest digest = {0};
    for (uint32_t i = 0; i < count; i++) {
        made->rowids[piece][i] = (int64_t)piece * 1000 + i * i - 5;
        uint64_t seed = piece * 100 + i;
        made->hashes[piece][i] = rf_hash_bytes(&seed, sizeof seed);
        rf_digest_add(&digest, made->hashes[piece][i]);
        rf_row_put_bytes(&made->keys[piece], RF_TEXT, "a key of some length", 5 + i % 15);
        made->key_starts[piece][i + 1] = (uint32_t)made->keys[piece].size;
    }
    rf_digest_join(&made->table.digest, &digest);
    made->rows[piece] = (struct rf_keyed_rows){
        .count = count, .rowids = made->rowids[piece], .hashes = made->hashes[piece]};
    if (form == KEYED || form == WITHOUT) {
        made->rows[piece].keys = made->keys[piece].bytes;
        made->rows[piece].key_starts = made->key_starts[piece];
    }
    made->census[piece][0] = (struct rf_census){.count = {piece, count, 0, 0, 0},
                                                .min_integer = -(int64_t)piece,
                                                .max_integer = INT64_MAX - piece};
    made->census[piece][1] = (struct rf_census){.count = {0, 0, 0, count + piece, 0},
                                                .longest = 1000 - piece,
                                                .text_with_nul = piece,
                                                .text_not_utf8 = 1};
    uint32_t chunk = chunk_of[piece];
    made->put[piece] = (struct rf_index_put){
        .identity = chunk == 2 ? (struct rf_hash){0} : (struct rf_hash){16 * chunk + 1, 7},
        .begins = piece == 0 || chunk_of[piece - 1] != chunk,
        .ends = piece == PIECES - 1 || chunk_of[piece + 1] != chunk,
        .rows = &made->rows[piece],
        .sum = digest.sum,
        .census = made->census[piece],
    };
}

static void make(struct made *made, enum form form) {
    memset(made, 0, sizeof *made);
    made->table = table_of(form);
    for (uint32_t i = 0; i < PIECES; i++) {
        make_piece(made, i, form);
    }
}

static void unmake(struct made *made) {
    for (uint32_t i = 0; i < PIECES; i++) {
        rf_buffer_release(&made->keys[i]);
    }
}

static struct rf_index_writer *writer_of(const struct made *made) {
    struct rf_index_writer *writer = NULL;
    struct rf_error error = {0};
    cr_assert_eq(rf_index_writer_new(rf_io_posix(), folder, &made->table.table, &writer, &error),
                 RF_OK);
    return writer;
}

static void finish(struct rf_index_writer *writer) {
    struct rf_error error = {0};
    cr_assert_eq(rf_index_writer_finish(writer, state.digest, path, &error), RF_OK, "%s",
                 error.what);
}

static void write_made(const struct made *made) {
    struct rf_index_writer *writer = writer_of(made);
    struct rf_error error = {0};
    for (uint32_t i = 0; i < PIECES; i++) {
        cr_assert_eq(rf_index_writer_put(writer, &made->put[i], &error), RF_OK);
    }
    finish(writer);
}

static struct rf_index_reader *open_index(const struct rf_manifest_table *table) {
    struct rf_index_reader *reader = NULL;
    struct rf_error error = {0};
    cr_assert_eq(rf_index_reader_open(rf_io_posix(), path, table, &reader, &error), RF_OK);
    return reader;
}

static void expect_rows(const struct rf_keyed_rows *expected, const struct rf_keyed_rows *found,
                        bool rowids) {
    cr_assert_eq(found->count, expected->count);
    size_t hashes = expected->count * sizeof *expected->hashes;
    cr_assert_eq(memcmp(found->hashes, expected->hashes, hashes), 0);
    size_t size = expected->count * sizeof *expected->rowids;
    cr_assert(!rowids || memcmp(found->rowids, expected->rowids, size) == 0);
    cr_assert_eq(found->keys != NULL, expected->keys != NULL);
    for (uint32_t i = 0; expected->keys && i < expected->count; i++) {
        struct rf_keyed_row a = {expected, i}, b = {found, i};
        cr_assert_eq(rf_keyed_key_size(a), rf_keyed_key_size(b));
        cr_assert_eq(memcmp(rf_keyed_key(a), rf_keyed_key(b), rf_keyed_key_size(a)), 0);
    }
}

static void expect_made(const struct made *made) {
    struct rf_index_reader *reader = open_index(&made->table);
    struct rf_error error = {0};
    bool rowids = made->table.table.key_kind == RF_KEY_ROWID;
    cr_assert_not_null(reader);
    cr_assert_eq(rf_index_pieces(reader), PIECES);
    for (uint32_t i = 0; i < PIECES; i++) {
        struct rf_keyed_rows rows;
        const struct rf_index_entry *entry = rf_index_entry(reader, i);
        cr_assert(rf_hash_equal(entry->identity, made->put[i].identity));
        cr_assert(rf_hash_equal(entry->sum, made->put[i].sum));
        cr_assert(entry->begins == made->put[i].begins && entry->ends == made->put[i].ends);
        cr_assert_eq(entry->first, rowids ? made->rowids[i][0] : 0);
        cr_assert_eq(rf_index_read(reader, i, &rows, &error), RF_OK, "%s", error.what);
        expect_rows(&made->rows[i], &rows, rowids);
        if (chunk_of[i] != 2) {
            struct rf_census census[2] = {{{0}, 0, 0, 0, 0, 0}};
            cr_assert_eq(rf_index_read_census(reader, i, census, &error), RF_OK);
            cr_assert_eq(memcmp(census, made->census[i], sizeof census), 0, "piece %u", i);
        }
    }
    static const uint32_t begins[] = {0, 1, RF_INDEX_NONE, 4}, ends[] = {1, 3, 0, 7};
    for (uint32_t chunk = 0; chunk < 4; chunk++) {
        struct rf_hash identity = {16 * chunk + 1, 7};
        cr_assert_eq(rf_index_find(reader, identity), begins[chunk]);
        cr_assert(chunk == 2 || rf_index_chunk_end(reader, begins[chunk]) == ends[chunk]);
    }
    cr_assert_eq(rf_index_find(reader, (struct rf_hash){1, 8}), RF_INDEX_NONE);
    rf_index_reader_close(reader);
}

Test(index, what_is_put_is_read) {
    for (enum form form = 0; form < FORMS; form++) {
        struct made made;
        make(&made, form);
        write_made(&made);
        expect_made(&made);
        unmake(&made);
        unlink(path);
    }
}

/* Any run of pieces may come from another index, and others between them. */
Test(index, pieces_are_copied_as_they_are) {
    char from[sizeof path];
    struct made made;
    make(&made, KEYED);
    write_made(&made);
    memcpy(from, path, sizeof from);
    for (uint32_t chosen = 0; chosen < 1u << PIECES; chosen++) {
        struct rf_error error = {0};
        memcpy(path, from, sizeof path);
        struct rf_index_reader *reader = open_index(&made.table);
        struct rf_index_writer *writer = writer_of(&made);
        for (uint32_t i = 0; i < PIECES; i++) {
            enum rf_code code = chosen >> i & 1
                                    ? rf_index_writer_copy(writer, reader, i, i + 1, &error)
                                    : rf_index_writer_put(writer, &made.put[i], &error);
            cr_assert_eq(code, RF_OK);
        }
        cr_assert_eq(rf_index_writer_settle(writer, &error), RF_OK);
        rf_index_reader_close(reader);
        finish(writer);
        expect_made(&made);
        unlink(path);
    }
    memcpy(path, from, sizeof path);
    unmake(&made);
}

/* Larger than what is held in memory, with a copy of more than that. */
Test(index, a_large_index) {
    static int64_t rowids[RF_BATCH_ROWS];
    static struct rf_hash hashes[RF_BATCH_ROWS];
    struct rf_keyed_rows rows = {RF_BATCH_ROWS, rowids, hashes, NULL, NULL};
    struct rf_index_put put = {.begins = true, .ends = true, .rows = &rows};
    struct rf_manifest_table table = table_of(PLAIN);
    struct made made = {.table = table};
    struct rf_error error = {0};
    struct rf_index_writer *writer = writer_of(&made);
    for (uint32_t piece = 0; piece < 9; piece++) {
        struct rf_digest digest = {0};
        for (uint32_t i = 0; i < RF_BATCH_ROWS; i++) {
            rowids[i] = (int64_t)piece * RF_BATCH_ROWS + i;
            hashes[i] = rf_hash_bytes(&rowids[i], sizeof rowids[i]);
            rf_digest_add(&digest, hashes[i]);
        }
        put.sum = digest.sum;
        rf_digest_join(&table.digest, &digest);
        cr_assert_eq(rf_index_writer_put(writer, &put, &error), RF_OK);
    }
    finish(writer);
    struct rf_index_reader *reader = open_index(&table);
    char from[sizeof path];
    memcpy(from, path, sizeof from);
    writer = writer_of(&made);
    cr_assert_eq(rf_index_writer_copy(writer, reader, 0, 4, &error), RF_OK);
    cr_assert_eq(rf_index_writer_copy(writer, reader, 4, 9, &error), RF_OK);
    cr_assert_eq(rf_index_writer_settle(writer, &error), RF_OK);
    rf_index_reader_close(reader);
    finish(writer);
    unlink(from);
    reader = open_index(&table);
    cr_assert_not_null(reader);
    for (uint32_t piece = 0; piece < 9; piece++) {
        struct rf_keyed_rows found;
        cr_assert_eq(rf_index_read(reader, piece, &found, &error), RF_OK);
        for (uint32_t i = 0; i < found.count; i++) {
            int64_t expected = (int64_t)piece * RF_BATCH_ROWS + i;
            cr_assert_eq(found.rowids[i], expected);
            cr_assert(rf_hash_equal(found.hashes[i], rf_hash_bytes(&expected, sizeof expected)));
        }
    }
    rf_index_reader_close(reader);
}

/* ---- hostile files ---- */

/* Reads all there is: whether anything was found to be wrong. */
static bool is_refused(const struct rf_manifest_table *table, const void *bytes, size_t size) {
    struct memory_io io = memory_io_of(bytes, size);
    struct rf_index_reader *reader = NULL;
    struct rf_error error = {0};
    cr_assert_eq(rf_index_reader_open(&io.io, "an index", table, &reader, &error), RF_OK);
    bool refused = !reader;
    for (uint32_t i = 0; reader && i < rf_index_pieces(reader); i++) {
        struct rf_keyed_rows rows;
        struct rf_census census[2] = {{{0}, 0, 0, 0, 0, 0}};
        enum rf_code code = rf_index_read(reader, i, &rows, &error);
        cr_assert(code == RF_OK || code == RF_CORRUPT);
        refused |= code == RF_CORRUPT;
        if (rf_index_entry(reader, i)->census_size > 0) {
            code = rf_index_read_census(reader, i, census, &error);
            cr_assert(code == RF_OK || code == RF_CORRUPT);
            refused |= code == RF_CORRUPT;
        }
    }
    rf_index_reader_close(reader);
    return refused;
}

/* The index just written, which goes. */
static size_t take_file(uint8_t *bytes, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, bytes, room);
    cr_assert(size > 0 && (size_t)size < room);
    close(fd);
    unlink(path);
    return (size_t)size;
}

Test(index, every_flipped_byte_and_every_length) {
    static uint8_t bytes[16384 + 80];
    for (enum form form = 0; form < FORMS; form++) {
        struct made made;
        make(&made, form);
        write_made(&made);
        size_t size = take_file(bytes, sizeof bytes);
        for (size_t i = 0; i < size; i++) {
            bytes[i] ^= (uint8_t)(1u << i % 8);
            cr_assert(is_refused(&made.table, bytes, size), "form %d: byte %zu of %zu", form, i,
                      size);
            bytes[i] ^= (uint8_t)(1u << i % 8);
        }
        for (size_t cut = 0; cut < size; cut++) {
            cr_assert(is_refused(&made.table, bytes, cut), "form %d: cut at %zu", form, cut);
        }
        for (size_t more = 1; more < 80; more++) {
            cr_assert(is_refused(&made.table, bytes, size + more), "form %d: %zu more", form, more);
        }
        unmake(&made);
    }
}

/* Whatever the directory claims, under checksums that fit: the sanitizers are the judge. */
Test(index, claims_under_checksums_that_fit) {
    static uint8_t bytes[16384], changed[16384];
    static const uint32_t claims[] = {0, 1, 7, 71, 0x7fff, 0x8001, 0x7fffffff, 0xffffffff};
    unsigned refused = 0;
    for (enum form form = 0; form < FORMS; form++) {
        struct made made;
        make(&made, form);
        write_made(&made);
        size_t size = take_file(bytes, sizeof bytes);
        size_t trailer = size - 72, directory = trailer - PIECES * 72;
        for (size_t at = directory; at < size - 16; at += 4) {
            for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
                memcpy(changed, bytes, size);
                rf_store_u32(changed + at, claims[i]);
                rf_store_u64(changed + trailer + 48,
                             rf_checksum(changed + directory, trailer - directory));
                rf_store_u64(changed + trailer + 64, rf_checksum(changed + trailer, 64));
                refused += is_refused(&made.table, changed, size);
            }
        }
        unmake(&made);
    }
    cr_assert_gt(refused, 3000u);
}

/* And whatever a piece does: counts, sizes and censuses of another making. */
Test(index, pieces_of_another_making) {
    static uint8_t bytes[16384], changed[16384];
    srandom(7);
    for (enum form form = 0; form < FORMS; form++) {
        struct made made;
        make(&made, form);
        write_made(&made);
        size_t size = take_file(bytes, sizeof bytes);
        size_t trailer = size - 72, directory = trailer - PIECES * 72;
        for (unsigned round = 0; round < 4000; round++) {
            memcpy(changed, bytes, size);
            uint8_t *entry = changed + directory + (size_t)(random() % PIECES) * 72;
            uint8_t *piece = changed + rf_load_u64(entry + 32);
            uint32_t stored = rf_load_u32(entry + 56), census = rf_load_u32(entry + 60);
            for (long n = 1 + random() % 3; n > 0; n--) {
                uint32_t from = random() % 2 ? 0 : census + rf_load_u32(entry + 64) * RF_HASH_SIZE;
                if (from < stored) {
                    piece[from + (uint32_t)random() % (stored - from)] = (uint8_t)random();
                }
            }
            if (census > 8) {
                rf_store_u64(piece + census - 8, rf_checksum(piece, census - 8));
            }
            rf_store_u64(entry + 40, rf_checksum(piece + census, stored - census));
            rf_store_u64(changed + trailer + 48,
                         rf_checksum(changed + directory, trailer - directory));
            rf_store_u64(changed + trailer + 64, rf_checksum(changed + trailer, 64));
            (void)is_refused(&made.table, changed, size);
        }
        unmake(&made);
    }
}

Test(index, an_index_of_something_else) {
    struct made made;
    make(&made, KEYED);
    write_made(&made);
    struct rf_manifest_table other = made.table;
    struct rf_archive_ref later = {.digest = {11, 13}};
    other.state = &later;
    cr_assert_null(open_index(&other), "of the state before");
    other = made.table;
    other.digest.rows++;
    cr_assert_null(open_index(&other), "of other rows");
    other = table_of(ALIAS);
    other.digest = made.table.digest;
    cr_assert_null(open_index(&other), "of a table with another key");
    unlink(path);
    cr_assert_null(open_index(&made.table), "missing");
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_null(open_index(&made.table), "a folder");
    rmdir(path);
    unmake(&made);
}

Test(index, an_aborted_writer_leaves_nothing) {
    struct made made;
    make(&made, PLAIN);
    struct rf_index_writer *writer = writer_of(&made);
    struct rf_error error = {0};
    static struct rf_hash hashes[RF_BATCH_ROWS];
    static int64_t rowids[RF_BATCH_ROWS];
    struct rf_keyed_rows rows = {RF_BATCH_ROWS, rowids, hashes, NULL, NULL};
    struct rf_index_put put = {.begins = true, .ends = true, .rows = &rows};
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(rf_index_writer_put(writer, &put, &error), RF_OK);
    }
    rf_index_writer_abort(writer);
    rf_index_writer_abort(NULL);
    unmake(&made);
}
