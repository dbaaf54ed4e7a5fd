/* The first pass of the diff, on lists written out by hand and on random ones. */
#include "capture/diff.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "format/value.h"

/* "k:h" pairs: key and hash, both small numbers. */
struct list {
    struct {
        int64_t key;
        uint64_t hash;
    } at[64];
    size_t count;
    size_t next;
    bool by_columns;
    struct rf_keyed_row row;
    struct rf_buffer key;
    int fail_at; /* call of next that fails; -1 never */
};

static enum rf_code next(void *context, const struct rf_keyed_row **row, struct rf_error *error) {
    struct list *list = context;
    *row = NULL;
    if (list->fail_at == (int)list->next) {
        return rf_fail(error, RF_STORAGE, "as ordered");
    }
    if (list->next == list->count) {
        return RF_OK;
    }
    list->row = (struct rf_keyed_row){.rowid = list->at[list->next].key,
                                      .hash = {.low = list->at[list->next].hash}};
    if (list->by_columns) {
        rf_buffer_clear(&list->key);
        rf_row_put_integer(&list->key, list->at[list->next].key);
        list->row.key = list->key.bytes;
        list->row.key_size = list->key.size;
        list->row.rowid = 0;
    }
    list->next++;
    *row = &list->row;
    return RF_OK;
}

static int64_t key_of(const struct rf_keyed_row *row) {
    if (!row->key) {
        return row->rowid;
    }
    struct rf_cursor cursor = rf_cursor_of(row->key, row->key_size);
    struct rf_value value;
    cr_assert(rf_row_next(&cursor, &value));
    return value.integer;
}

static enum rf_code record(void *context, enum rf_diff_event event, const struct rf_keyed_row *old,
                           const struct rf_keyed_row *new, struct rf_error *error) {
    char *text = context;
    (void)error;
    static const char letters[] = "=*-+";
    size_t used = strlen(text);
    cr_assert_eq(old != NULL, event != RF_DIFF_ADDED);
    cr_assert_eq(new != NULL, event != RF_DIFF_GONE);
    snprintf(text + used, 1024 - used, "%c%lld ", letters[event],
             (long long)key_of(old ? old : new));
    return RF_OK;
}

static struct list parse(const char *text, bool by_columns) {
    struct list list = {.by_columns = by_columns, .fail_at = -1};
    int used;
    long long key;
    unsigned long long hash;
    while (sscanf(text, "%lld:%llu%n", &key, &hash, &used) == 2) {
        list.at[list.count].key = key;
        list.at[list.count].hash = hash;
        list.count++;
        text += used;
    }
    return list;
}

static void expect(const char *old, const char *new, const char *events) {
    for (int by_columns = 0; by_columns < 2; by_columns++) {
        struct list left = parse(old, by_columns);
        struct list right = parse(new, by_columns);
        char text[1024] = "";
        struct rf_error error = {0};
        enum rf_code code = rf_diff(by_columns, &(struct rf_diff_side){next, &left},
                                    &(struct rf_diff_side){next, &right},
                                    &(struct rf_diff_sink){record, text}, &error);
        cr_assert_eq(code, RF_OK);
        cr_assert_str_eq(text, events, "%s against %s: %s", old, new, text);
        rf_buffer_release(&left.key);
        rf_buffer_release(&right.key);
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
    expect("-5:1 0:1 7:1", "-6:1 -5:1 7:2 8:1", "+-6 =-5 -0 *7 +8 ");
    expect("-9223372036854775808:1 9223372036854775807:1",
           "-9223372036854775808:2 9223372036854775806:1 9223372036854775807:1",
           "*-9223372036854775808 +9223372036854775806 =9223372036854775807 ");
}

Test(diff, the_first_failure_ends_it) {
    for (int side = 0; side < 2; side++) {
        for (int at = 0; at <= 2; at++) {
            struct list left = parse("1:1 2:2", false);
            struct list right = parse("1:1 2:3", false);
            (side ? &left : &right)->fail_at = at;
            char text[1024] = "";
            struct rf_error error = {0};
            enum rf_code code = rf_diff(false, &(struct rf_diff_side){next, &left},
                                        &(struct rf_diff_side){next, &right},
                                        &(struct rf_diff_sink){record, text}, &error);
            cr_assert_eq(code, RF_STORAGE);
            cr_assert_leq(strlen(text), 3u * (size_t)at);
        }
    }
}
