#include "replay/compare_find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/render.h"
#include "replay/sift.h"

#define BUCKETS 4096u

/* What one side is made of. */
struct tally {
    struct rf_digest buckets[BUCKETS];
    struct rf_digest asides;
};

/* A row to be named: found again by its hashes, then printed. */
struct named {
    struct rf_sift_entry entry;
    enum rf_difference_kind kind;
    bool found;
    struct rf_buffer tuple; /* the whole row, as far as it is a tuple */
    struct rf_buffer plain; /* the key of one that stands aside: strings, each with its NUL */
};

struct find {
    const struct rf_compare_table *table;
    struct rf_pg *pg;
    const struct rf_compare_options *options;
    struct tally *source;
    struct tally *target;
    struct rf_compared_table *result;
    struct rf_sift *sift;
    int32_t side; /* of the stream being read: 1 the snapshot, -1 the target */
    uint32_t named_count;
    struct named *named;
};

static enum rf_code read_both(struct find *find, const struct rf_visitor *visitor,
                              struct rf_error *error) {
    find->side = 1;
    enum rf_code code = rf_compare_read_source(find->table, visitor, error);
    find->side = -1;
    return code == RF_OK ? rf_compare_read_target(find->table, find->pg, visitor, error) : code;
}

/* ---- first reading: where ---- */

static uint32_t bucket_of(struct rf_hash key) {
    return (uint32_t)(key.low % BUCKETS);
}

static struct tally *tally_of(const struct find *find) {
    return find->side > 0 ? find->source : find->target;
}

static enum rf_code sum_row(void *context, const struct rf_tuple *tuple, struct rf_error *error) {
    (void)error;
    rf_digest_add(&tally_of(context)->buckets[bucket_of(tuple->key)], tuple->row);
    return RF_OK;
}

static enum rf_code sum_aside(void *context, struct rf_hash hash, const struct rf_rows *rows,
                              uint32_t row, struct rf_error *error) {
    (void)rows;
    (void)row;
    (void)error;
    rf_digest_add(&tally_of(context)->asides, hash);
    return RF_OK;
}

static enum rf_code sum_buckets(struct find *find, struct rf_error *error) {
    const struct rf_visitor visitor = {
        .keys = true, .row = sum_row, .aside = sum_aside, .context = find};
    return read_both(find, &visitor, error);
}

/* ---- second reading: count ---- */

static bool bucket_differs(const struct find *find, struct rf_hash key) {
    uint32_t bucket = bucket_of(key);
    return !rf_digest_equal(&find->source->buckets[bucket], &find->target->buckets[bucket]);
}

static bool asides_differ(const struct find *find) {
    return !rf_digest_equal(&find->source->asides, &find->target->asides);
}

static enum rf_code take_row(void *context, const struct rf_tuple *tuple, struct rf_error *error) {
    struct find *find = context;
    if (!bucket_differs(find, tuple->key)) {
        return RF_OK;
    }
    const struct rf_sift_entry entry = {.key = tuple->key, .row = tuple->row, .count = find->side};
    return rf_sift_add(find->sift, &entry, error);
}

static enum rf_code take_aside(void *context, struct rf_hash hash, const struct rf_rows *rows,
                               uint32_t row, struct rf_error *error) {
    (void)rows;
    (void)row;
    struct find *find = context;
    if (!asides_differ(find)) {
        return RF_OK;
    }
    const struct rf_sift_entry entry = {.key = hash, .row = hash, .count = find->side, .aside = 1};
    return rf_sift_add(find->sift, &entry, error);
}

static void want_named(struct find *find, const struct rf_sift_entry *entry,
                       enum rf_difference_kind kind) {
    if (find->named_count < find->options->name_at_most) {
        find->named[find->named_count++] = (struct named){.entry = *entry, .kind = kind};
    }
}

/* Entries [0, count) have one key: rows of the snapshot against rows of the target. As many of
 * either as pair up are different, the others missing or extra. Without a key no two rows pair up.
 */
static void count_key(struct find *find, const struct rf_sift_entry *entries, size_t count) {
    uint64_t here = 0, there = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].count > 0) {
            here += (uint64_t)entries[i].count;
        } else {
            there += (uint64_t) - (int64_t)entries[i].count;
        }
    }
    uint64_t pairs = here < there ? here : there;
    find->result->different += pairs;
    find->result->missing += here - pairs;
    find->result->extra += there - pairs;
    uint64_t paired = pairs;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].count > 0) {
            bool different = paired > 0;
            paired -= different;
            want_named(find, &entries[i], different ? RF_ROW_DIFFERENT : RF_ROW_MISSING);
        } else if (there > pairs) {
            there--;
            want_named(find, &entries[i], RF_ROW_EXTRA);
        }
    }
}

static enum rf_code count_entries(void *context, const struct rf_sift_entry *entries, size_t count,
                                  struct rf_error *error) {
    struct find *find = context;
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        while (end < count && entries[end].aside == entries[i].aside &&
               rf_hash_equal(entries[end].key, entries[i].key)) {
            end++;
        }
        count_key(find, entries + i, end - i);
        i = end;
    }
    return rf_run_check(find->table->run, error);
}

static uint64_t expected_entries(const struct find *find) {
    uint64_t expected = 0;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        if (!rf_digest_equal(&find->source->buckets[i], &find->target->buckets[i])) {
            expected += find->source->buckets[i].rows + find->target->buckets[i].rows;
        }
    }
    if (asides_differ(find)) {
        expected += find->source->asides.rows + find->target->asides.rows;
    }
    return expected;
}

static enum rf_code count_differences(struct find *find, struct rf_error *error) {
    const struct rf_visitor visitor = {
        .keys = true, .row = take_row, .aside = take_aside, .context = find};
    enum rf_code code = rf_sift_new(rf_repository_io(find->table->run->repository),
                                    expected_entries(find), RF_SIFT_MEMORY, &find->sift, error);
    if (code == RF_OK) {
        code = read_both(find, &visitor, error);
    }
    if (code == RF_OK) {
        code = rf_sift_visit(find->sift, count_entries, find, error);
    }
    rf_sift_free(find->sift);
    find->sift = NULL;
    return code;
}

/* ---- third reading: name ---- */

/* Missing and different rows are looked for in the snapshot, extra ones in the target. */
static struct named *wanted(struct find *find, struct rf_hash row, bool aside) {
    for (uint32_t i = 0; i < find->named_count; i++) {
        struct named *named = &find->named[i];
        bool side = (named->kind == RF_ROW_EXTRA) == (find->side < 0);
        if (side && !named->found && (named->entry.aside != 0) == aside &&
            rf_hash_equal(named->entry.row, row)) {
            return named;
        }
    }
    return NULL;
}

static enum rf_code keep_row(void *context, const struct rf_tuple *tuple, struct rf_error *error) {
    struct find *find = context;
    struct named *named = bucket_differs(find, tuple->key) ? wanted(find, tuple->row, false) : NULL;
    if (!named) {
        return RF_OK;
    }
    named->found = true;
    rf_buffer_append(&named->tuple, tuple->bytes, tuple->size);
    return rf_buffer_check(&named->tuple, error);
}

static void put_plain(struct rf_buffer *out, const struct rf_value *value) {
    char text[RF_NUMBER_TEXT];
    switch (value->class) {
    case RF_NULL:
        rf_buffer_printf(out, "NULL");
        break;
    case RF_INTEGER:
        rf_buffer_append(out, text, rf_render_integer(value->integer, text));
        break;
    case RF_REAL:
        rf_buffer_append(out, text, rf_render_real(value->real, text));
        break;
    case RF_TEXT:
        if (rf_text_inspect(value->bytes, value->size).valid_utf8 &&
            !memchr(value->bytes, 0, value->size)) {
            rf_buffer_append(out, value->bytes, value->size);
            break;
        } /* as a blob */
        __attribute__((fallthrough));
    case RF_BLOB:
        rf_buffer_printf(out, "\\x");
        for (uint32_t i = 0; i < value->size; i++) {
            rf_buffer_printf(out, "%02x", value->bytes[i]);
        }
        break;
    }
    rf_buffer_u8(out, 0);
}

static uint32_t key_columns(const struct rf_plan *plan) {
    return plan->key_count > 0 ? plan->key_count : plan->column_count;
}

static uint32_t key_column(const struct rf_plan *plan, uint32_t place) {
    return plan->key_count > 0 ? plan->key[place] : place;
}

static enum rf_code keep_aside(void *context, struct rf_hash hash, const struct rf_rows *rows,
                               uint32_t row, struct rf_error *error) {
    struct find *find = context;
    struct named *named = asides_differ(find) ? wanted(find, hash, true) : NULL;
    if (!named) {
        return RF_OK;
    }
    named->found = true;
    for (uint32_t i = 0; rows && i < key_columns(find->table->plan); i++) {
        struct rf_value value = rf_rows_value(rows, key_column(find->table->plan, i), row);
        put_plain(&named->plain, &value);
    }
    return rf_buffer_check(&named->plain, error);
}

/* ---- telling ---- */

static void tell(const struct find *find, const struct named *named, uint32_t count,
                 const char *const *columns, const char *const *values) {
    const struct rf_difference difference = {
        .table = find->table->plan->table,
        .kind = named->kind,
        .whole = find->table->plan->key_count == 0,
        .key_count = count,
        .columns = columns,
        .values = values,
    };
    pthread_mutex_lock(&find->table->run->callbacks);
    find->options->difference(find->options->target.context, &difference);
    pthread_mutex_unlock(&find->table->run->callbacks);
}

struct telling {
    uint32_t count;
    const char **columns;
    const char **values;
    struct rf_pg_field *fields;
};

static enum rf_code tell_tuple(struct find *find, struct named *named, struct telling *telling,
                               struct rf_error *error) {
    const struct rf_plan *plan = find->table->plan;
    for (uint32_t i = 0; i < telling->count; i++) {
        struct rf_pg_field *field = &telling->fields[i];
        field->oid = plan->columns[key_column(plan, i)].conversion->oid;
        field->bytes = rf_tuple_field(named->tuple.bytes, key_column(plan, i), &field->size);
    }
    struct rf_pg_rows *rows;
    enum rf_code code = rf_pg_print(find->pg, telling->fields, telling->count, &rows, error);
    for (uint32_t i = 0; code == RF_OK && i < telling->count; i++) {
        telling->values[i] = rf_pg_rows_text(rows, 0, i);
    }
    if (code == RF_OK) {
        tell(find, named, telling->count, telling->columns, telling->values);
    }
    rf_pg_rows_free(rows);
    return code;
}

static void tell_plain(struct find *find, struct named *named, struct telling *telling) {
    if (named->plain.size == 0) { /* only the ledger knows of it */
        char hash[RF_HASH_HEX];
        const char *column = "row_hash", *value = rf_hash_text(named->entry.row, hash);
        tell(find, named, 1, &column, &value);
        return;
    }
    const char *at = (const char *)named->plain.bytes;
    for (uint32_t i = 0; i < telling->count; i++) {
        telling->values[i] = at;
        at += strlen(at) + 1;
    }
    tell(find, named, telling->count, telling->columns, telling->values);
}

static enum rf_code tell_all(struct find *find, struct rf_error *error) {
    const struct rf_plan *plan = find->table->plan;
    struct rf_arena arena = {0};
    struct telling telling = {.count = key_columns(plan)};
    telling.columns = rf_arena_take(&arena, telling.count, sizeof *telling.columns);
    telling.values = rf_arena_take(&arena, telling.count, sizeof *telling.values);
    telling.fields = rf_arena_take(&arena, telling.count, sizeof *telling.fields);
    enum rf_code code = rf_arena_check(&arena, error);
    for (uint32_t i = 0; code == RF_OK && i < telling.count; i++) {
        telling.columns[i] = plan->columns[key_column(plan, i)].name;
    }
    for (uint32_t i = 0; code == RF_OK && i < find->named_count; i++) {
        struct named *named = &find->named[i];
        if (named->found && named->entry.aside == 0) {
            code = tell_tuple(find, named, &telling, error);
        } else if (named->found) {
            tell_plain(find, named, &telling);
        }
    }
    rf_arena_release(&arena);
    return code;
}

static enum rf_code name_differences(struct find *find, struct rf_error *error) {
    const struct rf_visitor visitor = {
        .keys = true, .row = keep_row, .aside = keep_aside, .context = find};
    if (find->named_count == 0 || !find->options->difference) {
        return RF_OK;
    }
    enum rf_code code = read_both(find, &visitor, error);
    return code == RF_OK ? tell_all(find, error) : code;
}

enum rf_code rf_compare_find(const struct rf_compare_table *table, struct rf_pg *pg,
                             struct rf_compared_table *result, struct rf_error *error) {
    struct find find = {
        .table = table,
        .pg = pg,
        .options = table->options,
        .source = calloc(1, sizeof *find.source),
        .target = calloc(1, sizeof *find.target),
        .named = calloc(table->options->name_at_most + 1u, sizeof *find.named),
        .result = result,
    };
    bool room = find.source && find.target && find.named;
    enum rf_code code = room ? sum_buckets(&find, error) : rf_fail_memory(error);
    if (code == RF_OK) {
        code = count_differences(&find, error);
    }
    if (code == RF_OK) {
        code = name_differences(&find, error);
    }
    for (uint32_t i = 0; i < find.named_count; i++) {
        rf_buffer_release(&find.named[i].tuple);
        rf_buffer_release(&find.named[i].plain);
    }
    free(find.source);
    free(find.target);
    free(find.named);
    return code;
}
