#include "replay/template.h"

#include <string.h>

static const struct rf_template_part *find(const struct rf_template_part *parts, size_t count,
                                           const char *name, size_t size) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(parts[i].place) == size && memcmp(parts[i].place, name, size) == 0) {
            return &parts[i];
        }
    }
    return NULL;
}

void rf_template_fill(const char *template, const struct rf_template_part *parts, size_t count,
                      struct rf_buffer *sql) {
    for (const char *at = template; *at;) {
        size_t plain = strcspn(at, "{");
        rf_buffer_append(sql, at, plain);
        at += plain;
        if (!*at) {
            return;
        }
        size_t size = strcspn(at + 1, "}");
        const struct rf_template_part *part = find(parts, count, at + 1, size);
        if (!part || part->text->failed) {
            sql->failed = true;
            return;
        }
        rf_buffer_append(sql, part->text->bytes, part->text->size);
        at += size + 2;
    }
}
