/* The ground floor: bytes that grow and are read back, files, and errors that say what happened. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "format/bytes.h"
#include "memory_io.h"

Test(bytes, a_cursor_never_reads_past_its_end) {
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
    struct rf_cursor cursor = rf_cursor_of(bytes, sizeof bytes);
    cr_assert_eq(rf_cursor_u32(&cursor), 0x04030201);
    cr_assert_eq(rf_cursor_left(&cursor), 3);
    cr_assert_eq(rf_cursor_u32(&cursor), 0);
    cr_assert(cursor.failed);
    cr_assert_eq(rf_cursor_u8(&cursor), 0, "what has failed yields zeros");
    cr_assert_eq(rf_cursor_left(&cursor), 3);
    cursor = rf_cursor_of(NULL, 0);
    cr_assert_null(rf_cursor_bytes(&cursor, 1));
}

Test(bytes, strings) {
    struct rf_buffer buffer = {0};
    rf_buffer_string(&buffer, "one");
    rf_buffer_string(&buffer, "");
    rf_buffer_string(&buffer, NULL);
    rf_buffer_append(&buffer, "\3\0\0\0a\0b", 7);
    struct rf_cursor cursor = rf_cursor_of(buffer.bytes, buffer.size);
    char *one = rf_cursor_string(&cursor);
    char *empty = rf_cursor_string(&cursor);
    cr_assert_str_eq(one, "one");
    cr_assert_str_eq(empty, "");
    cr_assert_null(rf_cursor_string(&cursor));
    cr_assert_not(cursor.failed, "an absent string is no failure");
    cr_assert_null(rf_cursor_string(&cursor));
    cr_assert(cursor.failed, "a NUL within a name would cut it");
    free(one);
    free(empty);
    rf_buffer_release(&buffer);
}

Test(bytes, a_buffer_grows_and_is_printed_to) {
    struct rf_buffer buffer = {0};
    char expected[4001] = "";
    for (int i = 0; i < 1000; i++) {
        rf_buffer_printf(&buffer, "%04d", i);
        snprintf(expected + 4 * i, sizeof expected - 4 * (size_t)i, "%04d", i);
    }
    struct rf_error error;
    cr_assert_eq(rf_buffer_check(&buffer, &error), RF_OK);
    cr_assert_eq(buffer.size, 4000);
    cr_assert_arr_eq(buffer.bytes, expected, 4000);
    rf_buffer_clear(&buffer);
    rf_buffer_append(&buffer, NULL, 0);
    cr_assert_eq(buffer.size, 0);
    rf_buffer_release(&buffer);
    rf_buffer_release(&buffer);
}

/* More than there can be: refused once, and for good. */
Test(bytes, a_buffer_that_failed_stays_failed) {
    struct rf_buffer buffer = {0};
    struct rf_error error;
    rf_buffer_u8(&buffer, 1);
    cr_assert_null(rf_buffer_extend(&buffer, SIZE_MAX / 2));
    rf_buffer_u8(&buffer, 2);
    cr_assert_eq(buffer.size, 1);
    cr_assert_eq(rf_buffer_check(&buffer, &error), RF_NO_MEMORY);
    cr_assert_str_eq(error.what, "out of memory");
    rf_buffer_clear(&buffer);
    rf_buffer_u8(&buffer, 2);
    cr_assert_eq(rf_buffer_check(&buffer, &error), RF_OK);
    rf_buffer_release(&buffer);
}

Test(error, a_failed_call_says_which_and_what_to_do) {
    static const struct {
        int number;
        enum rf_code code;
        const char *what, *hint;
    } cases[] = {
        {ENOSPC, RF_STORAGE, "No space left on device", "free space"},
        {EDQUOT, RF_STORAGE, "Disk quota exceeded", "free space"},
        {EACCES, RF_STORAGE, "Permission denied", "permissions"},
        {EROFS, RF_STORAGE, "Read-only file system", "read-only"},
        {EIO, RF_STORAGE, "Input/output error", ""},
        {ENOMEM, RF_NO_MEMORY, "Cannot allocate memory", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rf_error error = {.detail = "of another error"};
        cr_assert_eq(rf_fail_errno(&error, cases[i].number, "cannot write %s", "x.rfa"),
                     cases[i].code);
        cr_assert_eq(strstr(error.what, "cannot write x.rfa: "), error.what);
        cr_assert_not_null(strstr(error.what, cases[i].what), "%s", error.what);
        cr_assert_not_null(strstr(error.hint, cases[i].hint), "%s", error.hint);
        cr_assert_eq(error.sys_errno, cases[i].number);
        cr_assert_str_empty(error.detail);
    }
}

Test(error, long_messages_are_cut_and_contexts_counted) {
    struct rf_error error;
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    cr_assert_eq(rf_fail_errno(&error, EIO, "%s", text), RF_STORAGE);
    cr_assert_eq(strlen(error.what), sizeof error.what - 1);
    rf_detail(&error, "%s", text);
    rf_hint(&error, "%s", text);
    for (int i = 0; i < 10; i++) {
        rf_while(&error, "while %d %s", i, text);
    }
    cr_assert_eq(error.contexts, COUNT(error.context));
    cr_assert_eq(strncmp(error.context[0], "while 0 x", 9), 0);
    cr_assert_eq(strlen(error.detail), sizeof error.detail - 1);
    cr_assert_eq(strlen(error.hint), sizeof error.hint - 1);
    /* An error told again, in its own words. */
    rf_fail(&error, RF_CORRUPT, "again: %s", error.what);
    cr_assert_eq(strncmp(error.what, "again: xxx", 10), 0);
    cr_assert(error.contexts == 0 && error.sys_errno == 0 && error.code == RF_CORRUPT);
}

Test(io, whole_reads_and_writes) {
    char folder[PATH_MAX], path[PATH_MAX], bytes[8] = "";
    struct rf_error error = {0};
    struct rf_io *io = rf_io_posix();
    int fd, other;
    uint64_t size;
    scratch_make(folder);
    scratch_path(folder, "f", path);
    assert_ok(rf_io_create(io, path, &fd, &error), error);
    cr_assert_eq(rf_io_create(io, path, &other, &error), RF_STORAGE, "it was there");
    assert_ok(rf_io_write_all(io, fd, path, "abcdef", 6, &error), error);
    assert_ok(rf_io_sync(io, fd, path, &error), error);
    assert_ok(rf_io_close(io, &fd, path, &error), error);
    assert_ok(rf_io_close(io, &fd, path, &error), error);
    assert_ok(rf_io_open_read(io, path, &fd, &size, &error), error);
    cr_assert_eq(size, 6);
    assert_ok(rf_io_read_at(io, fd, path, bytes, 4, 2, &error), error);
    cr_assert_str_eq(bytes, "cdef");
    cr_assert_eq(rf_io_read_at(io, fd, path, bytes, 5, 2, &error), RF_CORRUPT);
    cr_assert_not_null(strstr(error.what, "cut short"));
    cr_assert_eq(rf_io_write_all(io, fd, path, "x", 1, &error), RF_STORAGE);
    rf_io_discard(io, &fd);
    rf_io_discard(io, &fd);
    assert_ok(rf_io_unlink(io, path, &error), error);
    assert_ok(rf_io_unlink(io, path, &error), error);
    assert_ok(rf_io_mkdir(io, folder, &error), error);
    cr_assert_eq(rf_io_open_read(io, folder, &fd, &size, &error), RF_STORAGE);
    cr_assert_eq(rf_io_rename(io, path, folder, &error), RF_STORAGE);
    cr_assert_eq(rf_io_sync_directory(io, path, &error), RF_STORAGE);
    scratch_remove(folder);
}

/* A read or write that a signal cuts off goes on where it was. */
Test(io, signals_are_no_failures) {
    char folder[PATH_MAX], path[PATH_MAX], bytes[8] = "";
    struct rf_error error = {0};
    struct failing_io io;
    int fd;
    uint64_t size;
    scratch_make(folder);
    scratch_path(folder, "f", path);
    failing_io_init(&io, 2, EINTR, false);
    assert_ok(rf_io_create(&io.io, path, &fd, &error), error);
    assert_ok(rf_io_write_all(&io.io, fd, path, "abcdef", 6, &error), error);
    assert_ok(rf_io_close(&io.io, &fd, path, &error), error);
    cr_assert(io.failed);
    failing_io_init(&io, 3, EINTR, false);
    assert_ok(rf_io_open_read(&io.io, path, &fd, &size, &error), error);
    assert_ok(rf_io_read_at(&io.io, fd, path, bytes, 6, 0, &error), error);
    cr_assert(io.failed && size == 6 && strcmp(bytes, "abcdef") == 0);
    failing_io_init(&io, 1, EINTR, false);
    assert_ok(rf_io_close(&io.io, &fd, path, &error), error);
    scratch_remove(folder);
}

struct seen {
    char names[200];
    int left;
};

static enum rf_code see(void *context, const char *name, struct rf_error *error) {
    struct seen *seen = context;
    strcat(seen->names, name);
    strcat(seen->names, " ");
    return --seen->left == 0 ? rf_fail(error, RF_FAILED, "enough") : RF_OK;
}

Test(io, a_folder_is_listed_in_the_order_of_bytes) {
    char folder[PATH_MAX], path[PATH_MAX];
    struct rf_error error = {0};
    struct seen seen = {.left = -1};
    static const char *const names[] = {"b", "a", "B", "\xc3\xa9", "10", "9", ".hidden"};
    scratch_make(folder);
    for (size_t i = 0; i < COUNT(names); i++) {
        scratch_write(scratch_path(folder, names[i], path), "", 0);
    }
    assert_ok(rf_io_list(folder, see, &seen, &error), error);
    cr_assert_str_eq(seen.names, ".hidden 10 9 B a b \xc3\xa9 ");
    seen = (struct seen){.left = 2};
    cr_assert_eq(rf_io_list(folder, see, &seen, &error), RF_FAILED);
    cr_assert_str_eq(seen.names, ".hidden 10 ");
    scratch_remove(folder);
    cr_assert_eq(rf_io_list(folder, see, &seen, &error), RF_STORAGE);
}
