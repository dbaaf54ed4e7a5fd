/* The first pass of the diff, on lists written out by hand and cut at every place. */
#include "capture/diff.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "format/value.h"

#define MOST 64

/* "k:h" pairs: key and hash, both small numbers; given out `stretch` rows at a time. */
struct list {
    int64_t keys[MOST];
    struct rf_hash hashes[MOST];
    struct rf_buffer cells;
    uint32_t starts[MOST + 1];
    uint32_t count;
    uint32_t next;
    uint32_t stretch;
    bool by_columns;
    int fail_at; /* call of next that fails; -1 never */
    int calls;
    struct rf_keyed_rows rows;
};

static struct rf_keyed_rows rows_of(const struct list *list, uint32_t first, uint32_t count) {
    return (struct rf_keyed_rows){
        .count = count,
        .rowids = list->by_columns ? NULL : list->keys + first,
        .hashes = list->hashes + first,
        .keys = list->by_columns ? list->cells.bytes : NULL,
        .key_starts = list->by_columns ? list->starts + first : NULL,
    };
}

static uint32_t take_stretch(struct list *list) {
    uint32_t left = list->count - list->next;
    uint32_t count = left < list->stretch ? left : list->stretch;
    list->rows = rows_of(list, list->next, count);
    list->next += count;
    return count;
}

struct run {
    struct list old, new;
    char told[1024];
};

static enum rf_code next_old(void *context, const struct rf_keyed_rows **rows,
                             struct rf_error *error) {
    struct run *run = context;
    *rows = NULL;
    if (run->old.fail_at == run->old.calls++) {
        return rf_fail(error, RF_STORAGE, "as ordered");
    }
    *rows = take_stretch(&run->old) > 0 ? &run->old.rows : NULL;
    return RF_OK;
}

static int64_t key_of(struct rf_keyed_row row) {
    if (!row.rows->keys) {
        return rf_keyed_rowid(row);
    }
    struct rf_cursor cursor = rf_cursor_of(rf_keyed_key(row), rf_keyed_key_size(row));
    struct rf_value value;
    cr_assert(rf_row_next(&cursor, &value));
    return value.integer;
}

static enum rf_code record(void *context, enum rf_diff_event event, struct rf_keyed_row old,
                           struct rf_keyed_row new, uint32_t count, struct rf_error *error) {
    struct run *run = context;
    (void)error;
    static const char letters[] = "=*-+";
    cr_assert_eq(old.rows != NULL, event != RF_DIFF_ADDED);
    cr_assert_eq(new.rows != NULL, event != RF_DIFF_GONE);
    cr_assert(count == 1 || (count > 1 && event == RF_DIFF_SAME));
    for (uint32_t i = 0; i < count; i++, old.at++, new.at++) {
        size_t used = strlen(run->told);
        snprintf(run->told + used, sizeof run->told - used, "%c%lld ", letters[event],
                 (long long)key_of(old.rows ? old : new));
    }
    return RF_OK;
}

static struct list parse(const char *text, bool by_columns, uint32_t stretch) {
    struct list list = {.by_columns = by_columns, .stretch = stretch, .fail_at = -1};
    int used;
    long long key;
    unsigned long long hash;
    while (sscanf(text, "%lld:%llu%n", &key, &hash, &used) == 2) {
        list.keys[list.count] = key;
        /* Where keys are columns, the hash is of them too. */
        list.hashes[list.count] = (struct rf_hash){hash, by_columns ? (uint64_t)key : 0};
        rf_row_put_integer(&list.cells, key);
        list.starts[++list.count] = (uint32_t)list.cells.size;
        text += used;
    }
    return list;
}

static enum rf_code run_diff(struct run *run, struct rf_error *error) {
    struct rf_diff diff = {
        .by_columns = run->new.by_columns, .context = run, .next = next_old, .take = record};
    enum rf_code code = RF_OK;
    while (code == RF_OK && take_stretch(&run->new) > 0) {
        code = rf_diff_rows(&diff, &run->new.rows, error);
    }
    return code == RF_OK ? rf_diff_finish(&diff, error) : code;
}

static void expect(const char *old, const char *new, const char *events) {
    for (uint32_t cut = 0; cut < 2 * 4 * 4; cut++) {
        struct run run = {.old = parse(old, cut % 2, 1 + cut / 2 % 4),
                          .new = parse(new, cut % 2, 1 + cut / 8)};
        struct rf_error error = {0};
        cr_assert_eq(run_diff(&run, &error), RF_OK);
        cr_assert_str_eq(run.told, events, "%s against %s: %s", old, new, run.told);
        rf_buffer_release(&run.old.cells);
        rf_buffer_release(&run.new.cells);
    }
}

Test(diff, every_way_in_which_two_lists_can_meet) {
    expect("", "", "");
    expect("1:1", "", "-1 ");
    expect("", "1:1", "+1 ");
    expect("1:1", "1:1", "=1 ");
    expect("1:1", "1:2", "*1 ");
    expect("1:1 2:1", "2:1", "-1 =2 ");
    expect("2:1", "1:1 2:1", "+1 =2 ");
    expect("1:1 3:1", "2:1 3:1", "-1 +2 =3 ");
    expect("1:1 2:2 3:3", "1:1 2:9 4:4", "=1 *2 -3 +4 ");
    expect("1:1 2:2 3:3 4:4 5:5", "1:1 2:2 3:3 4:4 5:5", "=1 =2 =3 =4 =5 ");
    expect("1:1 2:2 3:3 4:4 5:5 6:6", "1:1 2:2 4:4 5:6 6:6", "=1 =2 -3 =4 *5 =6 ");
    expect("-5:1 0:1 7:1", "-6:1 -5:1 7:2 8:1", "+-6 =-5 -0 *7 +8 ");
    expect("-9223372036854775808:1 9223372036854775807:1",
           "-9223372036854775808:2 9223372036854775806:1 9223372036854775807:1",
           "*-9223372036854775808 +9223372036854775806 =9223372036854775807 ");
}

/* Whoever passes over old rows must find them where they were. */
Test(diff, old_rows_are_not_fetched_before_they_are_looked_at) {
    struct run run = {.old = parse("1:1 2:2 3:3 4:4", false, 2), .new = parse("1:1 2:2", false, 2)};
    struct rf_diff diff = {.context = &run, .next = next_old, .take = record};
    struct rf_error error = {0};
    cr_assert_eq(take_stretch(&run.new), 2u);
    cr_assert_eq(rf_diff_rows(&diff, &run.new.rows, &error), RF_OK);
    cr_assert_eq(run.old.calls, 1);
    cr_assert_eq(rf_diff_left(&diff), 0u);
    cr_assert_eq(rf_diff_gone(&diff, &error), RF_OK);
    cr_assert_eq(run.old.calls, 2);
    cr_assert_str_eq(run.told, "=1 =2 -3 -4 ");
    cr_assert_eq(rf_diff_finish(&diff, &error), RF_OK);
    cr_assert(diff.ended);
    cr_assert_str_eq(run.told, "=1 =2 -3 -4 ");
    rf_buffer_release(&run.old.cells);
    rf_buffer_release(&run.new.cells);
}

Test(diff, the_first_failure_ends_it) {
    for (int at = 0; at <= 2; at++) {
        struct run run = {.old = parse("1:1 2:2", false, 1), .new = parse("1:1 2:3", false, 2)};
        struct rf_error error = {0};
        run.old.fail_at = at;
        cr_assert_eq(run_diff(&run, &error), RF_STORAGE);
        cr_assert_leq(strlen(run.told), 3u * (size_t)at);
        rf_buffer_release(&run.old.cells);
        rf_buffer_release(&run.new.cells);
    }
}
