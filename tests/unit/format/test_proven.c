/* If these fail, an archive is taken that nobody vouches for, or read for the same proof again and again. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain.h"

/* The real thing, and how many bytes were read. */
struct counting_io {
    struct rf_io io; /* first */
    uint64_t bytes;
};

static ssize_t counting_pread(struct rf_io *io, int fd, void *bytes, size_t size, off_t offset) {
    struct counting_io *counting = (struct counting_io *)io;
    ssize_t got = rf_io_posix()->pread(rf_io_posix(), fd, bytes, size, offset);
    counting->bytes += got > 0 ? (uint64_t)got : 0;
    return got;
}

/* A repository with one archive, read by somebody who trusts a key. */
struct scene {
    struct chain chain;
    struct counting_io io;
    struct rf_repository *repository;
    uint8_t keys[1][RF_PUBLIC_KEY_SIZE];
    struct rf_trust trust;
    struct rf_archive_ref ref;
    char path[PATH_MAX];
};

static void scene_make(struct scene *scene) {
    struct rf_error error = {0};
    *scene = (struct scene){.io.io = *rf_io_posix()};
    scene->io.io.pread = counting_pread;
    chain_make(&scene->chain, CHAIN_ALIAS, 7, 2000);
    scene->ref = scene->chain.state[0];
    assert_ok(rf_repository_open(&scene->io.io, scene->chain.path, RF_REPOSITORY_READ,
                                 &scene->repository, &error),
              error);
    scene->trust = (struct rf_trust){.count = 1, .keys = scene->keys};
    rf_repository_trust(scene->repository, &scene->trust);
    assert_ok(
        rf_repository_place(scene->repository, "archives", scene->ref.name, scene->path, &error),
        error);
}

static void scene_release(struct scene *scene) {
    rf_repository_close(scene->repository);
    chain_free(&scene->chain);
}

/* What opening it comes to, and the bytes that were read for that. */
static enum rf_code open_once(struct scene *scene, uint64_t *bytes, struct rf_error *error) {
    struct rf_archive *archive;
    scene->io.bytes = 0;
    enum rf_code code = rf_repository_open_archive(scene->repository, &scene->ref, &archive, error);
    cr_assert_eq(code == RF_OK, archive != NULL);
    rf_archive_close(archive);
    *bytes = scene->io.bytes;
    return code;
}

static void set_time(const char *path, time_t seconds) {
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* In the middle of a block, whose checksum nobody has looked at yet. */
static void change_a_byte(const char *path, uint64_t size) {
    uint8_t byte;
    int fd = open(path, O_RDWR);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pread(fd, &byte, 1, (off_t)(size / 2)), 1);
    byte ^= 1;
    cr_assert_eq(pwrite(fd, &byte, 1, (off_t)(size / 2)), 1);
    close(fd);
}

Test(proven, read_once_as_long_as_it_is_that_file) {
    struct scene scene;
    struct rf_error error = {0};
    uint64_t first, again;
    scene_make(&scene);
    assert_ok(open_once(&scene, &first, &error), error);
    for (int i = 0; i < 3; i++) {
        assert_ok(open_once(&scene, &again, &error), error);
        cr_assert_eq(first - again, scene.ref.size, "the proof reads the file, once");
    }
    set_time(scene.path, 1000000000);
    assert_ok(open_once(&scene, &again, &error), error);
    cr_assert_eq(again, first, "it may have been written to");
    assert_ok(open_once(&scene, &again, &error), error);
    cr_assert_eq(first - again, scene.ref.size);
    change_a_byte(scene.path, scene.ref.size);
    set_time(scene.path, 1000000001);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(open_once(&scene, &again, &error), RF_CORRUPT);
        cr_assert_not_null(strstr(error.what, "another SHA-256"), "%s", error.what);
        cr_assert_eq(again, first, "what failed is not remembered");
    }
    rf_repository_trust(scene.repository, NULL);
    assert_ok(open_once(&scene, &again, &error), error);
    cr_assert_eq(first - again, scene.ref.size, "nobody asked");
    scene_release(&scene);
}

/* What was proven for one manifest proves nothing for another that names something else. */
Test(proven, another_sha256_for_the_same_file) {
    struct scene scene;
    struct rf_error error = {0};
    uint64_t bytes;
    scene_make(&scene);
    assert_ok(open_once(&scene, &bytes, &error), error);
    for (size_t i = 0; i < RF_SHA256_SIZE; i++) {
        scene.ref.sha256[i] ^= 1;
        cr_assert_eq(open_once(&scene, &bytes, &error), RF_CORRUPT, "byte %zu", i);
        scene.ref.sha256[i] ^= 1;
    }
    assert_ok(open_once(&scene, &bytes, &error), error);
    scene_release(&scene);
}

Test(proven, a_file_put_in_its_place) {
    struct scene scene;
    struct rf_error error = {0};
    char other[PATH_MAX];
    struct rf_buffer bytes = {0};
    uint64_t read;
    scene_make(&scene);
    set_time(scene.path, 1000000000);
    assert_ok(open_once(&scene, &read, &error), error);
    scratch_read(scene.path, &bytes);
    scratch_path(scene.chain.path, "other", other);
    scratch_write(other, bytes.bytes, bytes.size);
    change_a_byte(other, bytes.size);
    set_time(other, 1000000000);
    cr_assert_eq(rename(other, scene.path), 0);
    cr_assert_eq(open_once(&scene, &read, &error), RF_CORRUPT);
    rf_buffer_release(&bytes);
    scene_release(&scene);
}

Test(proven, ends_when_told_to) {
    struct scene scene;
    struct rf_error error = {0};
    atomic_int stop = 15;
    uint64_t bytes;
    scene_make(&scene);
    scene.trust.stop = &stop;
    cr_assert_eq(open_once(&scene, &bytes, &error), RF_INTERRUPTED);
    atomic_store(&stop, 0);
    assert_ok(open_once(&scene, &bytes, &error), error);
    scene_release(&scene);
}
