/* If this fails, a file that somebody broke brings the program down, or is read in two ways. */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/postgres_config.h"

#define ROUNDS 60000
#define ROOM 1024u

static uint64_t state;

static uint32_t random_below(uint32_t limit) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 11) % limit;
}

static const char *const seeds[] = {
    "server_name: \"example.test\"\ndatabase:\n  name: psycopg2\n  args:\n    user: u\n"
    "    password: \"s3cr:et w0rd\"\n    dbname: synapse\n    port: 5432\n    cp_min: 5\n"
    "    cp_max: 10\n    keepalives: true\n  allow_unsafe_locale: true\nx: [1, {a: b}]\n",
    "databases:\n  master: {name: psycopg2, data_stores: [main], args: {dbname: one}}\n"
    "  other:\n    name: psycopg2\n    data_stores:\n      - state\n    args:\n"
    "      database: two\n      dsn: 'host=h'\n",
    "a: &a {x: 1}\nb: *a\nc: {<<: *a}\nd: |\n  text\ne: !tag [x]\n? [k]\n: v\n"
    "database: {name: psycopg2, args: {dbname: d}}\n",
};

static const char *const pieces[] = {
    "\n",        "\n  ", "\n    ", ": ",       "- ",           "{",      "}",        "[",
    "]",         ", ",   "&a ",    "*a",       "!!str ",       "!x ",    "<<: ",     "|\n",
    ">\n",       "\"",   "'",      "\\",       "# ",           "---\n",  "...\n",    "%YAML 1.1\n",
    "? ",        "~",    "\0",     "\xff",     "\xef\xbb\xbf", "\t",     "\r",       "database",
    "databases", "args", "name",   "psycopg2", "sqlite3",      "dbname", "password", "cp_max",
    "0x1f",      "1:30", "yes",    "\u4f60"};

static size_t mutate(char *text, size_t size) {
    uint32_t at = random_below((uint32_t)size + 1);
    const char *piece = pieces[random_below(sizeof pieces / sizeof pieces[0])];
    size_t length = *piece ? strlen(piece) : 1;
    switch (random_below(4)) {
    case 0:
        if (at < size) {
            text[at] = (char)random_below(256);
        }
        return size;
    case 1: {
        uint32_t gone = random_below(12);
        gone = gone < size - at ? gone : (uint32_t)(size - at);
        memmove(text + at, text + at + gone, size - at - gone);
        return size - gone;
    }
    case 2:
        length = size + length < ROOM ? length : 0;
        memmove(text + at + length, text + at, size - at);
        memcpy(text + at, piece, length);
        return size + length;
    default:
        return at > 0 && random_below(20) == 0 ? at : size;
    }
}

static void expect_readable(const struct rf_postgres_config *config, uint64_t seed) {
    cr_assert(config->count >= 1 && config->count <= RF_POSTGRES_DATABASES_MAX);
    for (uint32_t i = 0; i < config->count; i++) {
        PQconninfoOption *options = PQconninfoParse(config->entries[i].conninfo, NULL);
        cr_assert_not_null(options, "seed %llu", (unsigned long long)seed);
        PQconninfoFree(options);
    }
}

/* Whatever the bytes are: an answer, and twice the same one. */
static bool try(const char *text, size_t size, uint64_t seed) {
    struct rf_postgres_config one, other;
    struct rf_error first = {0}, second = {0};
    char *copy = malloc(size + 1); /* so that a sanitizer sees what is read behind its end */
    cr_assert_not_null(copy);
    memcpy(copy, text, size);
    enum rf_code code = rf_postgres_config_parse("f", copy, size, &one, &first);
    enum rf_code again = rf_postgres_config_parse("f", copy, size, &other, &second);
    free(copy);
    cr_assert_eq(code, again, "seed %llu", (unsigned long long)seed);
    cr_assert(code == RF_OK || code == RF_USAGE, "seed %llu", (unsigned long long)seed);
    if (code == RF_OK) {
        expect_readable(&one, seed);
    } else {
        cr_assert(first.what[0], "seed %llu", (unsigned long long)seed);
        cr_assert_str_eq(first.what, second.what, "seed %llu", (unsigned long long)seed);
    }
    rf_postgres_config_release(&one);
    rf_postgres_config_release(&other);
    return code == RF_OK;
}

Test(postgres_config, any_bytes) {
    static char text[ROOM + 16];
    uint32_t read = 0;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        state = round * UINT64_C(0x9e3779b97f4a7c15);
        const char *seed = seeds[random_below(3)];
        size_t size = strlen(seed);
        memcpy(text, seed, size);
        for (uint32_t left = 1 + random_below(8); left > 0; left--) {
            size = mutate(text, size);
        }
        read += try(text, size, round);
    }
    cr_expect(read > ROUNDS / 20 && read < ROUNDS, "%u files were read", read);
}
