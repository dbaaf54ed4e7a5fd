/* If these fail, a target is brought forward over a gap, or onto another history than it came from.
 */
#include "replay/leap.h"
#include "replay/route.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/manifest.h"

static char folder[] = "/tmp/rowferry-test-XXXXXX";
static struct rf_repository *repository;
static struct rf_snapshot_name names[8]; /* by number */

static void publish(uint64_t number, uint64_t parent, int64_t time) {
    struct rf_error error;
    struct rf_manifest manifest = {
        .snapshot = number,
        .parent = parent,
        .parent_digest = parent ? names[parent].digest : (struct rf_hash){0},
        .time_us = time,
        .path = strdup("/data/app.db"),
        .writer = strdup("rowferry 0.1.0"),
        .sqlite_version = strdup("3.40.1"),
        .page_size = 4096,
        .encoding = strdup("UTF-8"),
        .journal_mode = strdup("wal"),
    };
    memcpy(manifest.source, rf_repository_source(repository), sizeof manifest.source);
    cr_assert_eq(rf_repository_publish(repository, &manifest, NULL, 0, &names[number], &error),
                 RF_OK, "%s", error.what);
    rf_manifest_release(&manifest);
}

static void open_repository(enum rf_repository_mode mode) {
    struct rf_error error;
    rf_repository_close(repository);
    cr_assert_eq(rf_repository_open(rf_io_posix(), folder, mode, &repository, &error), RF_OK, "%s",
                 error.what);
}

/* Snapshots 1 to 5, each the next one's parent. */
static void set_up(void) {
    cr_assert(mkdtemp(folder));
    open_repository(RF_REPOSITORY_CREATE);
    for (uint64_t number = 1; number <= 5; number++) {
        publish(number, number - 1, (int64_t)number);
    }
}

static void tear_down(void) {
    rf_repository_close(repository);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

/* Removes the manifest of a snapshot, as a careless hand would. */
static void lose(uint64_t number) {
    char path[300], digest[RF_HASH_HEX];
    snprintf(path, sizeof path, "%s/snapshots", folder);
    rf_hash_text(names[number].digest, digest);
    DIR *snapshots = opendir(path);
    cr_assert(snapshots);
    for (struct dirent *entry; (entry = readdir(snapshots));) {
        if (strstr(entry->d_name, digest)) {
            cr_assert_eq(unlinkat(dirfd(snapshots), entry->d_name, 0), 0);
        }
    }
    closedir(snapshots);
    open_repository(RF_REPOSITORY_READ);
}

static enum rf_code find(uint64_t from, uint64_t to, struct rf_route *route,
                         struct rf_error *error) {
    rf_error_clear(error);
    return rf_route_find(repository, &names[from], &names[to], route, error);
}

TestSuite(route, .init = set_up, .fini = tear_down);

Test(route, all_snapshots_in_between_in_order) {
    struct rf_route route;
    struct rf_error error;
    cr_assert_eq(find(2, 5, &route, &error), RF_OK, "%s", error.what);
    cr_assert_eq(route.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        cr_expect_eq(route.names[i].number, i + 3);
        cr_expect(rf_hash_equal(route.names[i].digest, names[i + 3].digest));
    }
    rf_route_release(&route);
    cr_assert_eq(find(4, 4, &route, &error), RF_OK);
    cr_expect_eq(route.count, 0);
    rf_route_release(&route);
}

Test(route, a_target_ahead_is_misplaced) {
    struct rf_route route;
    struct rf_error error;
    cr_expect_eq(find(4, 3, &route, &error), RF_MISPLACED);
    cr_expect_str_eq(error.what, "the target stands at snapshot 4, ahead of snapshot 3");
    cr_expect(route.may_leap);
    cr_expect(rf_leap_can(repository, &names[4], &names[3]));
}

Test(route, a_target_of_another_history_is_misplaced) {
    struct rf_route route;
    struct rf_error error;
    names[2].digest.low ^= 1;
    cr_expect_eq(find(2, 5, &route, &error), RF_MISPLACED);
    cr_expect_str_eq(error.what, "the target stands at snapshot 2 of another history");
    struct rf_snapshot_name other = names[5];
    other.digest.high ^= 1;
    cr_expect_eq(rf_route_find(repository, &other, &names[5], &route, &error), RF_MISPLACED);
    cr_expect_not(route.may_leap);
    cr_expect_not(rf_leap_can(repository, &other, &names[3]), "of another history");
    cr_expect_not(rf_leap_can(repository, &names[3], &other));
}

Test(route, a_hole_is_damage_and_named) {
    struct rf_route route;
    struct rf_error error;
    lose(4);
    cr_expect_eq(find(2, 5, &route, &error), RF_CORRUPT);
    cr_expect_str_eq(error.what, "the manifest of snapshot 4 is missing");
    cr_expect(route.may_leap && rf_leap_can(repository, &names[2], &names[5]));
    cr_expect_not(rf_leap_can(repository, &names[4], &names[5]), "one end is not there");
    cr_expect_eq(find(2, 3, &route, &error), RF_OK, "what comes before the hole can be reached");
    rf_route_release(&route);
}

Test(route, a_repository_that_begins_later_leaves_a_gap) {
    struct rf_route route;
    struct rf_error error;
    lose(1);
    lose(2);
    lose(3);
    cr_expect_eq(find(1, 5, &route, &error), RF_MISPLACED);
    cr_expect_str_eq(error.what,
                     "there is a gap: the target stands at snapshot 1, the repository begins at 4");
    cr_expect_eq(find(3, 5, &route, &error), RF_OK, "the parent itself need not be there");
    cr_expect_eq(route.count, 2);
    rf_route_release(&route);
}

Test(route, a_snapshot_that_continues_another_one_is_damage) {
    struct rf_route route;
    struct rf_error error;
    struct rf_hash real = names[5].digest;
    names[5].digest.low ^= 1;
    publish(6, 5, 6);
    names[5].digest = real;
    cr_expect_eq(find(3, 6, &route, &error), RF_CORRUPT);
    cr_expect_str_eq(error.what,
                     "snapshot 6 does not continue the snapshot 5 that is in the repository");
}
