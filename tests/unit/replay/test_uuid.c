/* If these fail, an id is not the one that other systems know. */
#include "replay/uuid.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* uuid_send() of PostgreSQL 15.18 */
Test(uuid, text_in_the_one_form_that_comes_back) {
    const struct {
        const char *text;
        const char bytes[RF_UUID_BYTES + 1];
    } cases[] = {
        {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
         "\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11"},
        {"00000000-0000-0000-0000-000000000000", ""},
        {"ffffffff-ffff-ffff-ffff-ffffffffffff",
         "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t uuid[RF_UUID_BYTES];
        const char *text = cases[i].text;
        cr_assert(rf_uuid_of_text((const uint8_t *)text, strlen(text), uuid), "%s", text);
        cr_expect_arr_eq(uuid, cases[i].bytes, RF_UUID_BYTES, "%s", text);
    }
}

Test(uuid, other_texts_are_refused) {
    const char *const texts[] = {
        "",
        "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1A",
        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
        "a0eebc999c0b4ef8bb6d6bb9bd380a11",
        "a0eebc99-9c0b-4ef8-bb6d6bb9-bd380a11",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1 ",
        "a0eebc99-9c0b-4ef8-bb6d--bb9bd380a11",
        "------------------------------------",
        "urn:uuid:a0eebc99-9c0b-4ef8-bb6d-6bb",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a/:",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a`1",
    };
    uint8_t uuid[RF_UUID_BYTES];
    for (size_t i = 0; i < COUNT(texts); i++) {
        cr_expect_not(rf_uuid_of_text((const uint8_t *)texts[i], strlen(texts[i]), uuid), "%s",
                      texts[i]);
    }
}

Test(uuid, blobs_are_taken_as_they_stand) {
    uint8_t blob[RF_UUID_BYTES + 1], uuid[RF_UUID_BYTES];
    for (unsigned i = 0; i < sizeof blob; i++) {
        blob[i] = (uint8_t)(i * 17);
    }
    cr_assert(rf_uuid_of_blob(blob, RF_UUID_BYTES, uuid));
    cr_expect_arr_eq(uuid, blob, RF_UUID_BYTES);
    cr_expect_not(rf_uuid_of_blob(blob, RF_UUID_BYTES - 1, uuid));
    cr_expect_not(rf_uuid_of_blob(blob, RF_UUID_BYTES + 1, uuid));
    cr_expect_not(rf_uuid_of_blob(blob, 0, uuid));
}
