/* If these fail, a dry run leaves something behind. */
#include "tools/place.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[32];
static char repo[64];

static void make_folder(void) {
    snprintf(folder, sizeof folder, "/tmp/rowferry-place-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(repo, sizeof repo, "%s/repo", folder);
    setenv("TMPDIR", folder, 1);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_folder(void) {
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(place, .init = make_folder, .fini = remove_folder);

static bool is_there(const char *path) {
    return access(path, F_OK) == 0;
}

static void rehearse(struct rf_error *error) {
    struct rf_place place;
    cr_assert_eq(rf_place_open(repo, true, &place, error), RF_OK, "%s", error->what);
    cr_expect_not_null(place.repository);
    cr_assert_not_null(place.temporary);
    cr_expect(is_there(place.temporary));
    rf_place_close(&place);
    rf_place_close(&place);
}

Test(place, a_rehearsal_without_a_repository_leaves_nothing) {
    struct rf_error error = {0};
    rehearse(&error);
    cr_expect_not(is_there(repo));
    cr_assert_eq(mkdir(repo, 0700), 0);
    rehearse(&error);
    cr_expect_eq(rmdir(repo), 0, "the folder is still empty");
    cr_expect_eq(rmdir(folder), 0, "and so is TMPDIR");
}

Test(place, a_temporary_one_is_for_the_caller_alone) {
    struct rf_error error = {0};
    struct rf_place place;
    struct stat status;
    cr_assert_eq(rf_place_temporary(&place, &error), RF_OK, "%s", error.what);
    cr_assert_eq(stat(place.temporary, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0700);
    rf_place_close(&place);
    cr_expect_eq(rmdir(folder), 0, "TMPDIR is empty again");
    cr_expect_eq(rf_place_temporary(&place, &error), RF_STORAGE, "and now it is gone");
    rf_place_close(&place);
}

Test(place, a_capture_makes_it_and_a_rehearsal_reads_it) {
    struct rf_error error = {0};
    struct rf_place place, again;
    cr_assert_eq(rf_place_open(repo, false, &place, &error), RF_OK, "%s", error.what);
    cr_expect_null(place.temporary);
    cr_expect_eq(rf_place_open(repo, false, &again, &error), RF_LOCKED);
    rf_place_close(&again);
    cr_assert_eq(rf_place_open(repo, true, &again, &error), RF_OK, "no lock: %s", error.what);
    cr_expect_null(again.temporary);
    rf_place_close(&again);
    rf_place_close(&place);
    cr_expect(is_there(repo));
}

Test(place, what_is_no_repository_is_refused_in_a_rehearsal_too) {
    struct rf_error error = {0};
    struct rf_place place;
    cr_expect_eq(rf_place_open("/proc", true, &place, &error), RF_USAGE);
    rf_place_close(&place);
    cr_expect_eq(rf_place_open("/dev/null", true, &place, &error), RF_USAGE);
    rf_place_close(&place);
}
