/* A hash set of strings; slots are found by linear probing and never given up. */
#include "replay/names.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "format/hash.h"
#include "format/value.h"
#include "replay/quote.h"

void rf_names_init(struct rf_names *names, struct rf_arena *arena) {
    *names = (struct rf_names){.arena = arena};
}

/* The slot of the name, or the free one where it would go. */
static size_t slot_of(const char *const *slots, size_t size, const char *name) {
    size_t slot = (size_t)rf_checksum(name, strlen(name)) & (size - 1);
    while (slots[slot] && strcmp(slots[slot], name) != 0) {
        slot = (slot + 1) & (size - 1);
    }
    return slot;
}

static bool grow(struct rf_names *names) {
    size_t size = names->size ? names->size * 2 : 64;
    const char **slots = rf_arena_take(names->arena, size, sizeof *slots);
    if (!slots) {
        return false;
    }
    for (size_t i = 0; i < names->size; i++) {
        if (names->slots[i]) {
            slots[slot_of(slots, size, names->slots[i])] = names->slots[i];
        }
    }
    names->slots = slots;
    names->size = size;
    return true;
}

void rf_names_add(struct rf_names *names, const char *name) {
    if ((names->used + 1) * 2 > names->size && !grow(names)) {
        return;
    }
    size_t slot = slot_of(names->slots, names->size, name);
    if (!names->slots[slot]) {
        names->slots[slot] = rf_arena_copy(names->arena, name);
        names->used++;
    }
}

bool rf_names_have(const struct rf_names *names, const char *name) {
    return names->size > 0 && names->slots[slot_of(names->slots, names->size, name)];
}

static bool usable(const struct rf_names *names, const char *name) {
    return !rf_name_refusal(name) && !rf_names_have(names, name);
}

static const char *shortened(struct rf_names *names, const char *owner, const char *wanted,
                             unsigned attempt) {
    const char *seed = rf_arena_printf(names->arena, "%s\n%s\n%u", owner, wanted, attempt);
    if (!seed) {
        return NULL;
    }
    char suffix[16];
    snprintf(suffix, sizeof suffix, "_%08x", (unsigned)(rf_checksum(seed, strlen(seed)) >> 32));
    bool text = rf_text_inspect((const uint8_t *)wanted, strlen(wanted)).valid_utf8;
    size_t kept = text ? rf_name_cut(wanted, RF_NAME_BYTES - strlen(suffix)) : 0;
    return rf_arena_printf(names->arena, "%.*s%s", (int)kept, wanted, suffix);
}

const char *rf_names_choose(struct rf_names *names, const char *owner, const char *wanted) {
    const char *name = wanted;
    names->contended = names->contended || rf_names_have(names, wanted);
    for (unsigned attempt = 0; name && !usable(names, name); attempt++) {
        name = shortened(names, owner, wanted, attempt);
    }
    if (name) {
        rf_names_add(names, name);
        name = rf_arena_copy(names->arena, name);
    }
    return name;
}
