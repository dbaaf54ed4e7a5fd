/* If these fail, scripts take one failure for another. The numbers are the contract's. */
#include "tools/exit.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

Test(exit, codes) {
    struct {
        enum rf_code code;
        int expected;
    } cases[] = {
        {RF_OK, 0},        {RF_FAILED, 1},  {RF_USAGE, 2},  {RF_CORRUPT, 3}, {RF_DIFFERENT, 3},
        {RF_MISPLACED, 4}, {RF_CONNECT, 5}, {RF_LOCKED, 6}, {RF_STORAGE, 7}, {RF_NO_MEMORY, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(rf_exit_of(cases[i].code, 0), cases[i].expected, "code %d", cases[i].code);
        cr_expect_eq(rf_exit_of(cases[i].code, SIGINT), cases[i].expected,
                     "a signal that came too late, code %d", cases[i].code);
    }
    cr_expect_eq(rf_exit_of(RF_INTERRUPTED, SIGINT), 130);
    cr_expect_eq(rf_exit_of(RF_INTERRUPTED, SIGTERM), 143);
    cr_expect_eq(rf_exit_of(RF_INTERRUPTED, SIGHUP), 129);
    cr_expect_eq(rf_exit_of(RF_INTERRUPTED, 0), 1);
}

Test(exit, every_code_is_explained) {
    unsigned explained = 0;
    for (const struct rf_exit_meaning *row = rf_exit_meanings; row->code; row++, explained++) {
        cr_expect(strlen(row->meaning) > 0);
        cr_expect(explained == 9 || atoi(row->code) == (int)explained, "%s", row->code);
    }
    cr_expect_eq(explained, 10);
}
