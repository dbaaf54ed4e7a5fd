/* Blocks: whatever rows go in come out, and whatever bytes come in, nothing is read past them. */
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include "fixture.h"
#include "format/block.h"
#include "format/column.h"

/* Number streams */

static void assert_stream(const uint64_t *numbers, uint32_t count, int form, const char *what) {
    struct rf_buffer out = {0};
    rf_stream_encode(numbers, count, &out);
    cr_assert_not(out.failed);
    cr_assert(form < 0 || out.bytes[0] == form, "%s: form %#x", what, out.bytes[0]);
    uint64_t *again = malloc(count * sizeof *again);
    struct rf_cursor cursor = rf_cursor_of(out.bytes, out.size);
    cr_assert(rf_stream_decode(&cursor, count, again), "%s", what);
    cr_assert_eq(rf_cursor_left(&cursor), 0, "%s", what);
    cr_assert_eq(memcmp(numbers, again, count * sizeof *again), 0, "%s", what);
    for (size_t size = 0; size < out.size; size++) {
        uint8_t *cut = malloc(size + 1);
        memcpy(cut, out.bytes, size);
        cursor = rf_cursor_of(cut, size);
        cr_assert_not(rf_stream_decode(&cursor, count, again), "%s cut at %zu", what, size);
        free(cut);
    }
    free(again);
    rf_buffer_release(&out);
}

#define MIN ((uint64_t)INT64_MIN)
#define MAX ((uint64_t)INT64_MAX)

Test(stream, the_narrowest_form_is_taken) {
    static const struct {
        int form;
        uint32_t count;
        uint64_t numbers[4];
        const char *what;
    } cases[] = {
        {0x00, 1, {42}, "one"},
        {0x00, 1, {MIN}, "the least alone"},
        {0x00, 3, {7, 7, 7}, "all the same"},
        {0x10, 3, {1, 2, 3}, "counting"},
        {0x10, 3, {3, 2, 1}, "counting down"},
        {0x01, 3, {1, 256, 1}, "255 apart"},
        {0x02, 3, {1, 257, 1}, "256 apart"},
        {0x02, 3, {0, 65535, 0}, "65535 apart"},
        {0x04, 3, {0, 65536, 0}, "65536 apart"},
        {0x04, 3, {0, 4294967295, 0}, "2^32 - 1 apart"},
        {0x08, 3, {0, 4294967296, 0}, "2^32 apart"},
        {0x08, 4, {MIN, 0, MAX, 0}, "over the whole range"},
        {0x11, 3, {MAX, MIN, MAX}, "over the edge and back"},
        {0x10, 4, {MAX - 1, MAX, MIN, MIN + 1}, "counting over the edge"},
        {0x10, 3, {MIN, 0, MIN}, "half way round each time"},
        {0x11, 4, {0, 1000, 2000, 3255}, "steps 255 apart"},
        {0x12, 4, {0, 1000000, 2000000, 3000256}, "steps 256 apart"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_stream(cases[i].numbers, cases[i].count, cases[i].form, cases[i].what);
    }
}

Test(stream, random_numbers_come_back) {
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct chance chance = {seed};
        uint64_t numbers[40];
        uint32_t count = 1 + chance_below(&chance, COUNT(numbers));
        unsigned bits = 1 + chance_below(&chance, 64);
        bool steps = chance_one_in(&chance, 2);
        uint64_t number = chance_next(&chance);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t part = chance_next(&chance) >> (64 - bits);
            numbers[i] = steps ? (number += part) : number + part;
        }
        char what[32];
        snprintf(what, sizeof what, "seed %llu", (unsigned long long)seed);
        assert_stream(numbers, count, -1, what);
    }
}

/* Steps of eight bytes are never written, as offsets are no wider then; a reader takes them. */
Test(stream, a_form_that_is_never_written) {
    static const uint8_t bytes[] = {0x18, 5,    0,    0,    0,    0,    0, 0, 0, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0,    0,
                                    0,    0,    0,    0,    0,    0,    0, 0, 0, 0,    0x80};
    uint64_t numbers[3];
    struct rf_cursor cursor = rf_cursor_of(bytes, sizeof bytes);
    cr_assert(rf_stream_decode(&cursor, 3, numbers));
    cr_assert(numbers[0] == 5 && numbers[1] == 5 && numbers[2] == 4 + MIN);
}

Test(stream, forms_that_there_are_not) {
    for (unsigned form = 0; form < 256; form++) {
        uint8_t bytes[64] = {(uint8_t)form};
        uint64_t numbers[2];
        struct rf_cursor cursor = rf_cursor_of(bytes, sizeof bytes);
        unsigned width = form & 15u;
        bool known = form < 32 && (width <= 2 || width == 4 || width == 8);
        cr_assert_eq(rf_stream_decode(&cursor, 2, numbers), known, "form %#x", form);
    }
}

/* Batches */

struct model {
    struct rf_batch batch;
    size_t *ends; /* where each row's canonical bytes end in batch.cells */
};

static struct model make_batch(struct chance *chance, struct rf_shape shape, uint32_t rows) {
    struct model model = {.ends = malloc((rows + 1) * sizeof *model.ends)};
    enum flavour *flavours = malloc((shape.columns + 1) * sizeof *flavours);
    for (uint32_t i = 0; i < shape.columns; i++) {
        flavours[i] = (enum flavour)chance_below(chance, FLAVOURS);
    }
    rf_batch_begin(&model.batch, RF_BLOCK_ROWS, shape);
    struct rf_buffer row = {0};
    int64_t rowid = (int64_t)(chance_next(chance) >> 2) - INT64_MAX / 2;
    uint32_t gap = chance_one_in(chance, 2) ? 1 : 1 + chance_below(chance, 100000);
    for (uint32_t i = 0; i < rows; i++) {
        rf_buffer_clear(&row);
        rowid += 1 + chance_below(chance, gap);
        for (uint32_t column = 0; column < shape.columns; column++) {
            if ((int32_t)column == shape.alias) {
                rf_row_put_integer(&row, rowid);
            } else {
                chance_cell(chance, flavours[column], i, &row);
            }
        }
        struct rf_hash hash = {chance_next(chance), chance_next(chance)};
        rf_batch_add(&model.batch, rowid, hash, row.bytes, row.size);
        model.ends[i] = model.batch.cells.size;
    }
    rf_buffer_release(&row);
    free(flavours);
    return model;
}

static void release(struct model *model) {
    rf_batch_release(&model->batch);
    free(model->ends);
}

static void assert_decoded(const struct model *model, const struct rf_rows *rows, uint64_t seed) {
    const struct rf_batch *batch = &model->batch;
    cr_assert_eq(rows->count, batch->rows, "seed %llu", (unsigned long long)seed);
    if (batch->shape.rowids) {
        cr_assert_eq(memcmp(rows->rowids, batch->rowids.bytes, batch->rowids.size), 0);
    }
    if (batch->shape.hashes) {
        cr_assert_eq(memcmp(rows->hashes, batch->hashes.bytes, batch->hashes.size), 0);
    }
    struct rf_buffer row = {0};
    size_t start = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        rf_buffer_clear(&row);
        rf_rows_put(rows, i, &row);
        cr_assert(
            row.size == model->ends[i] - start &&
                (row.size == 0 || memcmp(row.bytes, batch->cells.bytes + start, row.size) == 0),
            "row %u of seed %llu", i, (unsigned long long)seed);
        start = model->ends[i];
    }
    rf_buffer_release(&row);
}

/* Many rows at once are what they are one by one, wherever the run begins and ends. */
static void assert_run(const struct model *model, const struct rf_rows *rows, uint32_t first,
                       uint32_t count, uint64_t seed) {
    const struct rf_buffer *cells = &model->batch.cells;
    size_t start = first > 0 ? model->ends[first - 1] : 0;
    struct rf_buffer all = {0}, scratch = {0};
    struct rf_error error = {0};
    uint32_t *starts = malloc((count + 1) * sizeof *starts);
    struct rf_hash *hashes = malloc((count + 1) * sizeof *hashes);
    rf_rows_put_all(rows, first, count, &all, starts);
    cr_assert_not(all.failed);
    assert_ok(rf_rows_hash(rows, first, count, &scratch, hashes, &error), error);
    cr_assert_eq(starts[0], 0);
    for (uint32_t i = 0; i < count; i++) {
        size_t end = model->ends[first + i];
        cr_assert_eq(starts[i + 1], end - (first > 0 ? model->ends[first - 1] : 0));
        cr_assert(rf_hash_equal(hashes[i], rf_hash_bytes(cells->bytes + start, end - start)),
                  "hash of row %u of seed %llu", first + i, (unsigned long long)seed);
        start = end;
    }
    cr_assert_eq(all.size, starts[count]);
    cr_assert(all.size == 0 || memcmp(all.bytes, cells->bytes + start - all.size, all.size) == 0,
              "rows %u + %u of seed %llu", first, count, (unsigned long long)seed);
    free(starts);
    free(hashes);
    rf_buffer_release(&all);
    rf_buffer_release(&scratch);
}

struct coded {
    struct rf_codec *codec;
    struct rf_buffer stored;
    struct rf_block_facts facts;
    struct rf_rows rows;
    struct rf_error error;
};

static void encode(struct coded *coded, const struct model *model) {
    enum rf_code code = rf_block_encode(coded->codec, &model->batch, 1, &coded->stored,
                                        &coded->facts, &coded->error);
    assert_ok(code, coded->error);
}

static enum rf_code decode(struct coded *coded, struct rf_shape shape) {
    /* Bytes of their own, so that reading past them shows. */
    uint8_t *exact = malloc(coded->stored.size + 1);
    memcpy(exact, coded->stored.bytes, coded->stored.size);
    enum rf_code code = rf_block_decode(coded->codec, &coded->facts, shape, exact,
                                        coded->stored.size, &coded->rows, &coded->error);
    free(exact);
    return code;
}

static void finish(struct coded *coded) {
    rf_rows_release(&coded->rows);
    rf_rows_release(&coded->rows);
    rf_buffer_release(&coded->stored);
    rf_codec_free(coded->codec);
}

static void round_trip(struct coded *coded, struct rf_shape shape, uint32_t rows, uint64_t seed) {
    struct chance chance = {seed};
    struct model model = make_batch(&chance, shape, rows);
    encode(coded, &model);
    cr_assert_eq(coded->facts.rows, rows);
    assert_ok(decode(coded, shape), coded->error);
    assert_decoded(&model, &coded->rows, seed);
    assert_run(&model, &coded->rows, 0, rows, seed);
    uint32_t first = chance_below(&chance, rows);
    assert_run(&model, &coded->rows, first, chance_below(&chance, rows - first + 1), seed);
    release(&model);
}

Test(block, random_rows_come_back) {
    struct coded coded = {.codec = rf_codec_new()};
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct chance chance = {seed << 32};
        struct rf_shape shape = {.rowids = chance_one_in(&chance, 2),
                                 .hashes = chance_one_in(&chance, 2),
                                 .alias = -1,
                                 .columns = chance_below(&chance, 20)};
        if (shape.rowids && shape.columns > 0 && chance_one_in(&chance, 2)) {
            shape.alias = (int32_t)chance_below(&chance, shape.columns);
        }
        round_trip(&coded, shape, 1 + chance_below(&chance, 60), seed);
    }
    finish(&coded);
}

/* One row of very many columns, very many rows of one, and nothing but keys. */
/* Short cells are copied and compared by words. The batch's memory ends where its rows do, and cells of all
 * lengths end there too. */
Test(block, cells_of_every_length) {
    struct coded coded = {.codec = rf_codec_new()};
    struct rf_shape shape = {.alias = -1, .columns = 2};
    uint8_t bytes[200];
    for (uint32_t length = 0; length <= sizeof bytes; length++) {
        struct model model = {.ends = malloc(3 * sizeof *model.ends)};
        rf_batch_begin(&model.batch, RF_BLOCK_ROWS, shape);
        struct rf_buffer row = {0};
        for (uint32_t i = 0; i < 3; i++) {
            memset(bytes, (int)(length + i), sizeof bytes);
            rf_buffer_clear(&row);
            rf_row_put_bytes(&row, RF_TEXT, bytes, length);
            rf_row_put_bytes(&row, i == 1 ? RF_TEXT : RF_BLOB, bytes, length);
            rf_batch_add(&model.batch, 0, (struct rf_hash){0}, row.bytes, row.size);
            model.ends[i] = model.batch.cells.size;
        }
        struct rf_buffer *cells = &model.batch.cells;
        cells->bytes = realloc(cells->bytes, cells->size);
        cells->capacity = cells->size;
        encode(&coded, &model);
        assert_ok(decode(&coded, shape), coded.error);
        assert_decoded(&model, &coded.rows, length);
        assert_run(&model, &coded.rows, 1, 2, length);
        rf_buffer_release(&row);
        release(&model);
    }
    finish(&coded);
}

Test(block, extreme_shapes) {
    static const struct {
        uint32_t columns, rows;
    } cases[] = {{32767, 1}, {32767, 2}, {2000, 1},  {2000, 3},
                 {40, 1},    {1, 32768}, {2, 32768}, {0, 32768}};
    struct coded coded = {.codec = rf_codec_new()};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_shape shape = {.rowids = true,
                                 .hashes = cases[i].columns == 0,
                                 .alias = -1,
                                 .columns = cases[i].columns};
        round_trip(&coded, shape, cases[i].rows, i);
    }
    finish(&coded);
}

Test(block, one_codec_and_one_struct_of_rows_serve_small_after_large) {
    struct coded coded = {.codec = rf_codec_new()};
    struct rf_shape wide = {.rowids = true, .alias = 3, .columns = 300};
    struct rf_shape slim = {.hashes = true, .alias = -1, .columns = 1};
    for (uint64_t seed = 0; seed < 6; seed++) {
        round_trip(&coded, seed % 2 ? slim : wide, seed % 3 ? 5 : 2000, seed);
    }
    finish(&coded);
}

Test(block, a_batch_is_full_at_rows_or_bytes) {
    struct rf_batch batch = {0};
    rf_batch_begin(&batch, RF_BLOCK_ROWS, (struct rf_shape){.alias = -1, .columns = 1});
    struct rf_hash none = {0};
    uint8_t null = RF_NULL;
    for (uint32_t i = 0; i < 32768; i++) {
        cr_assert_not(rf_batch_full(&batch), "%u rows", i);
        rf_batch_add(&batch, 0, none, &null, 1);
    }
    cr_assert(rf_batch_full(&batch));
    rf_batch_begin(&batch, RF_BLOCK_ROWS, batch.shape);
    cr_assert_not(rf_batch_full(&batch));
    struct rf_buffer row = {0};
    rf_buffer_extend(&row, 1 << 20);
    memset(row.bytes, 0, row.size);
    rf_batch_add(&batch, 0, none, row.bytes, (1 << 20) - 1);
    cr_assert_not(rf_batch_full(&batch));
    rf_batch_add(&batch, 0, none, row.bytes, 1);
    cr_assert(rf_batch_full(&batch));
    rf_buffer_release(&row);
    rf_batch_release(&batch);
}

/* Rows that come many at once fill the same batches as rows one by one. */
static void add_in_pieces(struct chance *chance, const struct model *model, uint32_t rows,
                          const uint32_t *starts, uint64_t seed) {
    const struct rf_batch *whole = &model->batch;
    const int64_t *rowids = (const void *)whole->rowids.bytes;
    const struct rf_hash *hashes = (const void *)whole->hashes.bytes;
    struct rf_batch single = {0}, pieces = {0};
    for (uint32_t next = 0; next < rows;) {
        rf_batch_begin(&single, RF_BLOCK_ROWS, whole->shape);
        rf_batch_begin(&pieces, RF_BLOCK_ROWS, whole->shape);
        uint32_t end = next;
        for (; end < rows && !rf_batch_full(&single); end++) {
            rf_batch_add(&single, rowids[end], hashes[end], whole->cells.bytes + starts[end],
                         starts[end + 1] - starts[end]);
        }
        while (next < rows && !rf_batch_full(&pieces)) {
            uint32_t some = 1 + chance_below(chance, rows - next);
            uint32_t took = rf_batch_add_rows(&pieces, rowids + next, hashes + next,
                                              whole->cells.bytes, starts + next, some);
            cr_assert(took == some || rf_batch_full(&pieces), "seed %llu",
                      (unsigned long long)seed);
            next += took;
        }
        cr_assert_eq(rf_batch_add_rows(&pieces, rowids, hashes, whole->cells.bytes, starts, 1),
                     rf_batch_full(&pieces) ? 0 : 1);
        cr_assert_eq(next, end, "seed %llu", (unsigned long long)seed);
        cr_assert_eq(memcmp(pieces.cells.bytes, single.cells.bytes, single.cells.size), 0);
        cr_assert_eq(memcmp(pieces.rowids.bytes, single.rowids.bytes, single.rowids.size), 0);
        cr_assert_eq(memcmp(pieces.hashes.bytes, single.hashes.bytes, single.hashes.size), 0);
    }
    rf_batch_release(&single);
    rf_batch_release(&pieces);
}

Test(block, rows_added_in_pieces) {
    static const uint32_t columns[] = {1, 2, 300, 0, 12};
    for (uint64_t seed = 0; seed < COUNT(columns); seed++) {
        struct chance chance = {seed};
        struct rf_shape shape = {
            .rowids = true, .hashes = true, .alias = -1, .columns = columns[seed]};
        uint32_t rows = seed == 2 ? 3000 : 40000;
        struct model model = make_batch(&chance, shape, rows);
        uint32_t *starts = malloc((rows + 1) * sizeof *starts);
        starts[0] = 0;
        for (uint32_t i = 0; i < rows; i++) {
            starts[i + 1] = (uint32_t)model.ends[i];
        }
        add_in_pieces(&chance, &model, rows, starts, seed);
        free(starts);
        release(&model);
    }
}

/* Our own mistake in a caller must not become an archive. */
Test(block, rows_that_are_none_are_refused) {
    struct coded coded = {.codec = rf_codec_new()};
    static const struct {
        uint8_t bytes[12];
        size_t size;
    } cases[] = {{{0}, 0},    {{0}, 1},       {{0, 0, 0}, 3},
                 {{9, 0}, 2}, {{0, 1, 5}, 3}, {{0, 3, 9, 0, 0, 0, 'x'}, 7}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_batch batch = {0};
        rf_batch_begin(&batch, RF_BLOCK_ROWS, (struct rf_shape){.alias = -1, .columns = 2});
        rf_batch_add(&batch, 0, (struct rf_hash){0}, cases[i].bytes, cases[i].size);
        cr_assert_eq(
            rf_block_encode(coded.codec, &batch, 1, &coded.stored, &coded.facts, &coded.error),
            RF_FAILED, "case %zu", i);
        rf_batch_release(&batch);
    }
    finish(&coded);
}

/* An alias cell that is not the rowid would be lost without a word. */
Test(block, an_alias_that_is_not_the_rowid_is_noticed) {
    struct coded coded = {.codec = rf_codec_new()};
    struct rf_batch batch = {0};
    struct rf_buffer row = {0};
    rf_batch_begin(&batch, RF_BLOCK_ROWS,
                   (struct rf_shape){.rowids = true, .alias = 0, .columns = 1});
    rf_row_put_integer(&row, 8);
    rf_batch_add(&batch, 7, (struct rf_hash){0}, row.bytes, row.size);
    cr_assert_eq(rf_block_encode(coded.codec, &batch, 1, &coded.stored, &coded.facts, &coded.error),
                 RF_FAILED);
    rf_buffer_release(&row);
    rf_batch_release(&batch);
    finish(&coded);
}

Test(block, facts_that_do_not_fit) {
    struct coded coded = {.codec = rf_codec_new()};
    struct chance chance = {5};
    struct rf_shape shape = {.rowids = true, .alias = -1, .columns = 4};
    struct model model = make_batch(&chance, shape, 30);
    encode(&coded, &model);
    const struct rf_block_facts right = coded.facts;
    struct rf_block_facts wrong[] = {right, right, right, right, right,
                                     right, right, right, right, right};
    wrong[0].rows = 0;
    wrong[1].rows = 29;
    wrong[2].rows = 31;
    wrong[3].rows = 32769;
    wrong[4].rows = UINT32_MAX;
    wrong[5].raw_size--;
    wrong[6].raw_size++;
    wrong[7].raw_size = UINT32_MAX;
    wrong[8].first++;
    wrong[9].last--;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        coded.facts = wrong[i];
        cr_assert_eq(decode(&coded, shape), RF_CORRUPT, "case %zu", i);
    }
    coded.facts = right;
    struct rf_shape shapes[] = {shape, shape, shape, shape};
    shapes[0].columns = 3;
    shapes[1].columns = 5;
    shapes[2].hashes = true;
    shapes[3].rowids = false;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        cr_assert_eq(decode(&coded, shapes[i]), RF_CORRUPT, "shape %zu", i);
    }
    assert_ok(decode(&coded, shape), coded.error);
    assert_decoded(&model, &coded.rows, 5);
    release(&model);
    finish(&coded);
}

static void compress_raw(struct coded *coded, const uint8_t *raw, size_t size) {
    rf_buffer_clear(&coded->stored);
    rf_buffer_extend(&coded->stored, ZSTD_compressBound(size));
    size_t got = ZSTD_compress(coded->stored.bytes, coded->stored.size, raw, size, 1);
    cr_assert_not(ZSTD_isError(got));
    coded->stored.size = got;
    coded->facts.raw_size = (uint32_t)size;
}

/* A few bytes that claim to be very much: refused by their claim, before memory is asked for. */
Test(block, bombs) {
    struct coded coded = {.codec = rf_codec_new()};
    uint8_t zeros[64] = {0};
    struct rf_shape shape = {.alias = -1, .columns = 32767};
    compress_raw(&coded, zeros, sizeof zeros);
    for (uint32_t rows = 34; rows <= 32768; rows *= 2) {
        coded.facts.rows = rows;
        cr_assert_eq(decode(&coded, shape), RF_CORRUPT, "%u rows", rows);
    }
    coded.facts.rows = 1;
    coded.facts.raw_size = RF_BLOCK_RAW_MAX;
    cr_assert_eq(decode(&coded, shape), RF_CORRUPT, "raw size against the frame");

    /* The frame's own header claims as much as the block may be, and holds nothing. */
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0x00,
                                    0xf1, 0x53, 0x65, 0x01, 0,    0};
    rf_buffer_clear(&coded.stored);
    rf_buffer_append(&coded.stored, frame, sizeof frame);
    cr_assert_eq(ZSTD_getFrameContentSize(frame, sizeof frame), RF_BLOCK_RAW_MAX);
    cr_assert_eq(decode(&coded, shape), RF_CORRUPT, "an empty frame");
    finish(&coded);
}

/* Any bytes at all, under a checksum that fits: a decoder may refuse them or make rows of them, and
 * all that it makes can be read. The sanitizers are the judge. */
Test(block, raw_bytes_changed_at_random) {
    struct coded coded = {.codec = rf_codec_new()};
    struct rf_buffer raw = {0}, row = {0};
    unsigned refused = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct chance chance = {seed};
        struct rf_shape shape = {.rowids = seed % 2,
                                 .hashes = seed % 3 == 0,
                                 .alias = seed % 4 == 1 ? 0 : -1,
                                 .columns = 1 + (uint32_t)seed % 9};
        struct model model = make_batch(&chance, shape, 1 + chance_below(&chance, 20));
        encode(&coded, &model);
        rf_buffer_clear(&raw);
        uint8_t *at = rf_buffer_extend(&raw, coded.facts.raw_size);
        cr_assert_eq(ZSTD_decompress(at, raw.size, coded.stored.bytes, coded.stored.size),
                     raw.size);
        for (unsigned round = 0; round < 60; round++) {
            uint32_t place = chance_below(&chance, (uint32_t)raw.size);
            uint8_t before = at[place];
            uint64_t other = chance_one_in(&chance, 2) ? chance_next(&chance)
                                                       : before ^ 1u << chance_below(&chance, 8);
            at[place] = (uint8_t)other;
            size_t size =
                chance_one_in(&chance, 5) ? chance_below(&chance, (uint32_t)raw.size) : raw.size;
            compress_raw(&coded, at, size);
            enum rf_code code = decode(&coded, shape);
            cr_assert(code == RF_OK || code == RF_CORRUPT, "seed %llu", (unsigned long long)seed);
            refused += code == RF_CORRUPT;
            if (code == RF_OK) {
                uint32_t starts[64];
                cr_assert_lt(coded.rows.count, COUNT(starts));
                rf_rows_put_all(&coded.rows, 0, coded.rows.count, &row, starts);
                cr_assert_not(row.failed);
            }
            if (!chance_one_in(&chance, 3)) {
                at[place] = before;
            }
        }
        release(&model);
    }
    cr_assert_gt(refused, 1000);
    rf_buffer_release(&raw);
    rf_buffer_release(&row);
    finish(&coded);
}

/* Raw bytes written out, each wrong in one way. */
Test(block, raw_bytes_that_are_no_block) {
    struct coded coded = {.codec = rf_codec_new()};
    struct rf_shape shape = {.rowids = true, .alias = -1, .columns = 1};
#define ROWS_AND_IDS 2, 0, 0, 0, 0x01, 5, 0, 0, 0, 0, 0, 0, 0, 0, 1
    static const struct {
        uint8_t bytes[48];
        size_t size;
        bool right;
        const char *what;
    } cases[] = {
        {{ROWS_AND_IDS, 0}, 16, true, "two NULL"},
        {{ROWS_AND_IDS, 0, 0}, 17, false, "a byte too many"},
        {{ROWS_AND_IDS}, 15, false, "no column"},
        {{ROWS_AND_IDS, 6}, 16, false, "a mode that there is not"},
        {{ROWS_AND_IDS, 5, 0, 5}, 18, false, "a class that there is not"},
        {{ROWS_AND_IDS, 5, 0, 0}, 18, true, "mixed, though all are NULL"},
        {{ROWS_AND_IDS, 5, 0}, 17, false, "one class too few"},
        {{2, 0, 0, 0, 0x01, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}, 16, false, "rowids that descend"},
        {{2, 0, 0, 0, 0x01, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 16, false, "a rowid twice"},
        {{3, 0, 0, 0, 0x01, 5, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 16, false, "another number of rows"},
        {{ROWS_AND_IDS, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 'a', 'b'}, 27, true, "two texts"},
        {{ROWS_AND_IDS, 3, 0, 2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b'},
         27,
         false,
         "texts that are longer"},
        {{ROWS_AND_IDS, 4, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'a', 'b'},
         27,
         false,
         "a size that is negative"},
        {{ROWS_AND_IDS, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 'a', 'b'},
         27,
         false,
         "sizes that overflow when they are added"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        compress_raw(&coded, cases[i].bytes, cases[i].size);
        coded.facts.rows = 2;
        coded.facts.first = 5;
        coded.facts.last = 6;
        cr_assert_eq(decode(&coded, shape), cases[i].right ? RF_OK : RF_CORRUPT, "%s",
                     cases[i].what);
    }
    finish(&coded);
}

/* What a block kind holds of a table. */
Test(block, shapes) {
    struct rf_table table = {
        .key_kind = RF_KEY_ROWID, .alias = 2, .column_count = 5, .key_count = 1};
    struct rf_shape shape = rf_shape_of(&table, RF_BLOCK_ROWS, RF_GONE_KEY);
    cr_assert(shape.rowids && !shape.hashes && shape.alias == 2 && shape.columns == 5);
    shape = rf_shape_of(&table, RF_BLOCK_GONE, RF_GONE_KEY);
    cr_assert(shape.rowids && shape.hashes && shape.alias == 0 && shape.columns == 1);
    shape = rf_shape_of(&table, RF_BLOCK_GONE, RF_GONE_ROW);
    cr_assert(shape.rowids && shape.hashes && shape.alias == 2 && shape.columns == 5);
    shape = rf_shape_of(&table, RF_BLOCK_MOVES, RF_GONE_KEY);
    cr_assert(!shape.rowids && !shape.hashes && shape.alias == -1 && shape.columns == 3);
    table = (struct rf_table){
        .key_kind = RF_KEY_COLUMNS, .alias = -1, .column_count = 5, .key_count = 2};
    shape = rf_shape_of(&table, RF_BLOCK_ROWS, RF_GONE_KEY);
    cr_assert(!shape.rowids && shape.columns == 5);
    shape = rf_shape_of(&table, RF_BLOCK_GONE, RF_GONE_KEY);
    cr_assert(!shape.rowids && shape.hashes && shape.columns == 2);
}
