/* Pages of a few kilobytes, filled from the front; what is larger gets a page of its own. */
#include "replay/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 8192u

struct rf_arena_page {
    struct rf_arena_page *next;
    size_t used;
    size_t size;
    alignas(max_align_t) uint8_t bytes[];
};

static struct rf_arena_page *page_with_room(struct rf_arena *arena, size_t size) {
    struct rf_arena_page *page = arena->pages;
    if (page && page->size - page->used >= size) {
        return page;
    }
    size_t room = size > PAGE_BYTES ? size : PAGE_BYTES;
    page = calloc(1, sizeof *page + room);
    if (!page) {
        return NULL;
    }
    page->size = room;
    page->next = arena->pages;
    arena->pages = page;
    return page;
}

void *rf_arena_take(struct rf_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (arena->failed || __builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 4) {
        arena->failed = true;
        return NULL;
    }
    size_t align = alignof(max_align_t);
    bytes = (bytes + align - 1) / align * align;
    struct rf_arena_page *page = page_with_room(arena, bytes);
    if (!page) {
        arena->failed = true;
        return NULL;
    }
    void *at = page->bytes + page->used;
    page->used += bytes;
    return at;
}

char *rf_arena_copy(struct rf_arena *arena, const char *string) {
    if (!string) {
        return NULL;
    }
    size_t size = strlen(string) + 1;
    char *copy = rf_arena_take(arena, 1, size);
    if (copy) {
        memcpy(copy, string, size);
    }
    return copy;
}

char *rf_arena_printf(struct rf_arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    char *text = size < 0 ? NULL : rf_arena_take(arena, 1, (size_t)size + 1);
    if (text) {
        vsnprintf(text, (size_t)size + 1, format, again);
    } else {
        arena->failed = true;
    }
    va_end(again);
    va_end(args);
    return text;
}

enum rf_code rf_arena_check(const struct rf_arena *arena, struct rf_error *error) {
    return arena->failed ? rf_fail_memory(error) : RF_OK;
}

void rf_arena_release(struct rf_arena *arena) {
    while (arena->pages) {
        struct rf_arena_page *page = arena->pages;
        arena->pages = page->next;
        free(page);
    }
    arena->failed = false;
}
