/* If these fail, tables, JSON lines or messages are not what people and scripts read. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "captured.h"
#include "tools/grid.h"
#include "tools/json.h"
#include "tools/message.h"
#include "tools/progress.h"

static const struct rf_grid_column columns[] = {{"table", false}, {"rows", true}, {"note", false}};

Test(grid, columns_are_as_wide_as_their_widest_cell) {
    setlocale(LC_CTYPE, "C.UTF-8");
    struct rf_output output = captured_output();
    struct rf_grid *grid = rf_grid_new(columns, 3);
    rf_grid_name(grid, "Album");
    rf_grid_number(grid, 347);
    rf_grid_text(grid, "%s", "x");
    rf_grid_name(grid, "\xe6\x97\xa5\xe6\x9c\xac\n");
    rf_grid_number(grid, 18446744073709551615u);
    rf_grid_text(grid, "%s", "");
    rf_grid_print(grid, &output);
    rf_grid_free(grid);
    char *text = captured_text(&output);
    cr_expect_str_eq(text,
                     "table                   rows  note\n"
                     "Album                    347  x\n"
                     "\xe6\x97\xa5\xe6\x9c\xac\\n  18446744073709551615  \n",
                     "%s", text);
    free(text);
}

Test(grid, without_rows_there_is_nothing) {
    struct rf_output output = captured_output();
    struct rf_grid *grid = rf_grid_new(columns, 3);
    rf_grid_print(grid, &output);
    rf_grid_free(grid);
    char *text = captured_text(&output);
    cr_expect_str_eq(text, "");
    free(text);
}

Test(json, a_line_with_everything) {
    struct rf_output output = captured_output();
    struct rf_json json = rf_json_begin("table");
    rf_json_text(&json, "table", "a\"b\n\xc3\xa4");
    rf_json_text(&json, "none", NULL);
    rf_json_count(&json, "rows", 9007199254740993u);
    rf_json_count(&json, "too many", UINT64_MAX);
    rf_json_integer(&json, "least", INT64_MIN);
    rf_json_snapshot(&json, "parent", 0);
    rf_json_bool(&json, "published", true);
    rf_json_seconds(&json, "seconds", 0.231);
    rf_json_hash(&json, "digest", (struct rf_hash){.low = 0xab, .high = 0x01});
    struct rf_json list = rf_json_array();
    struct rf_json item = rf_json_begin(NULL);
    rf_json_count(&item, "n", 1);
    rf_json_append(&list, &item);
    rf_json_put(&json, "list", &list);
    rf_json_print(&json, &output);
    rf_json_release(&json);
    char *text = captured_text(&output);
    cr_expect_str_eq(text,
                     "{\"type\":\"table\",\"table\":\"a\\\"b\\n\xc3\xa4\",\"none\":null,"
                     "\"rows\":9007199254740993,\"too many\":9223372036854775807,"
                     "\"least\":-9223372036854775808,\"parent\":null,\"published\":true,"
                     "\"seconds\":0.231,\"digest\":\"000000000000000100000000000000ab\","
                     "\"list\":[{\"n\":1}]}\n",
                     "%s", text);
    free(text);
}

Test(json, names_that_are_not_utf8_are_escaped_and_given_in_hex) {
    struct rf_output output = captured_output();
    struct rf_json json = rf_json_begin(NULL);
    rf_json_text(&json, "table", "a\\\xff");
    rf_json_text(&json, "plain", "a\\");
    rf_json_text(&json, "column\xfe", "1");
    rf_json_print(&json, &output);
    char *text = captured_text(&output);
    cr_expect_str_eq(text,
                     "{\"table\":\"a\\\\\\\\\\\\xff\",\"table_hex\":\"615cff\",\"plain\":\"a\\\\\","
                     "\"column\\\\xfe\":\"1\"}\n",
                     "%s", text);
    json_error_t why;
    json_t *read = json_loads(text, 0, &why);
    cr_assert_not_null(read, "%s", why.text);
    cr_expect_str_eq(json_string_value(json_object_get(read, "table")), "a\\\\\\xff");
    json_decref(read);
    free(text);
}

static struct rf_error sample_error(void) {
    struct rf_error error = {0};
    rf_fail(&error, RF_CONNECT, "connection to postgres://u:pw@db failed\n");
    rf_detail(&error, "FATAL:  no password=geheim here\nerror: forged \x1b[m");
    rf_while(&error, "while connecting");
    rf_hint(&error, "look at %s.", "pg_hba.conf");
    memcpy(error.sqlstate, "28P01", 6);
    return error;
}

Test(message, three_parts_and_no_fourth_can_be_forged) {
    struct rf_error error = sample_error();
    struct rf_buffer text = {0};
    rf_message_format(&error, &text);
    rf_buffer_u8(&text, 0);
    cr_expect_str_eq((const char *)text.bytes,
                     "error: connection to postgres://u:***@db failed\n"
                     "detail: FATAL:  no password=*** here\n"
                     "        error: forged \\e[m\n"
                     "        while connecting\n"
                     "        SQLSTATE 28P01\n"
                     "hint: look at pg_hba.conf.\n",
                     "%s", (const char *)text.bytes);
    rf_buffer_release(&text);
}

Test(message, parts_that_are_empty_are_left_out) {
    struct rf_error error = {0};
    struct rf_buffer text = {0};
    rf_fail(&error, RF_FAILED, "no");
    rf_message_format(&error, &text);
    rf_buffer_u8(&text, 0);
    cr_expect_str_eq((const char *)text.bytes, "error: no\n");
    rf_buffer_release(&text);
}

Test(message, errors_in_json_hide_secrets_and_bear_bad_bytes) {
    struct rf_error error = sample_error();
    error.hint[0] = (char)0xe2; /* as if cut in the middle of a character */
    error.hint[1] = 0;
    struct rf_output output = captured_output();
    struct rf_json json = rf_json_error(&error);
    rf_json_print(&json, &output);
    char *text = captured_text(&output);
    cr_expect_str_eq(text,
                     "{\"what\":\"connection to postgres://u:***@db failed\\n\","
                     "\"detail\":\"FATAL:  no password=*** here\\nerror: forged \\u001B[m\\n"
                     "while connecting\\nSQLSTATE 28P01\",\"hint\":\"\\\\xe2\","
                     "\"sqlstate\":\"28P01\"}\n",
                     "%s", text);
    free(text);
}

Test(output, what_is_lost_is_told_at_the_end) {
    struct {
        const char *path;
        int flags;
        int expected;
    } cases[] = {{"/dev/full", O_WRONLY, ENOSPC}, {"/dev/null", O_RDONLY, EBADF}};
    for (size_t i = 0; i < 2; i++) {
        struct rf_output output;
        struct rf_error error = {0};
        int fd = open(cases[i].path, cases[i].flags);
        cr_assert_geq(fd, 0);
        rf_output_init(&output, fd);
        rf_output_printf(&output, "%d\n", 1);
        cr_expect_eq(output.failed, 0, "nothing is written yet");
        cr_expect_eq(rf_output_close(&output, &error), RF_STORAGE);
        cr_expect_eq(error.sys_errno, cases[i].expected);
        rf_output_printf(&output, "%s", "more is dropped");
        cr_expect_eq(rf_output_close(&output, &error), RF_STORAGE, "and stays lost");
        rf_output_release(&output);
        close(fd);
    }
}

Test(output, much_text_arrives_whole) {
    struct rf_output output = captured_output();
    for (int i = 0; i < 50000; i++) {
        rf_output_printf(&output, "%08d\n", i);
    }
    char *text = captured_text(&output);
    cr_expect_eq(strlen(text), 450000);
    cr_expect_eq(strncmp(text + 449991, "00049999\n", 9), 0);
    free(text);
}

Test(progress, what_is_shown) {
    struct {
        struct rf_progress_view view;
        const char *expected;
    } cases[] = {
        {{"capture", "events", false, 1200000, 5800000, 0, 2.0},
         "capture events: 1200000 of 5800000 rows (20 %), 600000 rows/s, 8 s left"},
        {{"capture", "ev\nents", false, 5, 10, 0, 0.1}, "capture ev\\nents: 5 of 10 rows (50 %)"},
        {{"replay", "", false, 7, 0, 0, 7.0}, "replay: 7 rows, 1 rows/s"},
        {{"replay", "t", false, 10, 10, 0, 5.0}, "replay t: 10 of 10 rows (100 %), 2 rows/s"},
        {{"replay", "t", false, 12, 10, 0, 6.0}, "replay t: 12 of 10 rows, 2 rows/s"},
        {{"replay", "t", false, 100, 1000, 90, 5.0},
         "replay t: 100 of 1000 rows (10 %), 2 rows/s, 7 min 31 s left"},
        {{"verify", "", true, 1048576, 10485760, 0, 1.0},
         "verify: 1.0 MiB of 10.0 MiB (10 %), 1.0 MiB/s, 10 s left"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rf_buffer line = {0};
        rf_progress_format(&cases[i].view, &line);
        rf_buffer_u8(&line, 0);
        cr_expect_str_eq((const char *)line.bytes, cases[i].expected, "%s",
                         (const char *)line.bytes);
        rf_buffer_release(&line);
    }
}

/* Nobody reads the pipe that standard error is: the copy must not notice. */
Test(progress, a_reader_that_sleeps_holds_nothing_up, .timeout = 20) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    int before = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    char filler[4096] = {0};
    while (write(ends[1], filler, sizeof filler) > 0) {
    }
    fcntl(ends[1], F_SETFL, 0);
    struct rf_progress *progress = rf_progress_start(RF_PROGRESS_ALWAYS, NULL);
    rf_progress_phase(progress, "capture");
    for (uint64_t i = 0; i < 24; i++) {
        rf_progress_rows(progress, "events", i, 24);
        usleep(100000);
    }
    rf_progress_phase(progress, "replay");
    rf_progress_stop(progress);
    dup2(before, STDERR_FILENO);
}
