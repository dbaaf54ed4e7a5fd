/* Names are sorted by what each would be called, so that those who want the same stand side by
 * side. Whole names are given first; altered ones then avoid all of them. */
#include "replay/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "format/value.h"
#include "replay/quote.h"

/* Of a name whose owner is told in an error; longer ones are cut there. */
#define SHOWN_BYTES 100

struct wish {
    struct rf_resolve_name *of;
    const char *wanted;
    const char *refusal; /* why the server would not have it; NULL where it would */
    bool renamed;        /* by a rule, and new */
    bool altered;        /* gets another name than the wanted one */
};

struct resolver {
    const struct rf_rules *rules;
    const char *table;            /* whose columns these are; NULL for tables */
    const struct rf_names *taken; /* may be NULL */
    struct rf_arena *arena;       /* the caller's */
    struct rf_arena scratch;
    struct wish *wishes;
    uint32_t count;
    struct rf_error *error;
};

static const char *thing(const struct resolver *resolver) {
    return resolver->table ? "column" : "table";
}

/* ---- what each would be called ---- */

static const char *fold(struct resolver *resolver, const char *name) {
    if (strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL) {
        return name;
    }
    char *folded = rf_arena_copy(&resolver->scratch, name);
    for (char *at = folded; at && *at; at++) {
        if (*at >= 'A' && *at <= 'Z') {
            *at = (char)(*at | 0x20); /* the one bit between the two */
        }
    }
    return folded;
}

static const char *rename_of(const struct resolver *resolver, const char *source) {
    return resolver->table ? rf_rules_column(resolver->rules, resolver->table, source).rename
                           : rf_rules_table(resolver->rules, source).rename;
}

/* What the ledger says, and what is said of that. */
static void keep(struct rf_resolve_name *of, const char *rename) {
    of->name = of->standing;
    of->asked = true;
    if (rename && strcmp(rename, of->standing) != 0) {
        of->why = "it was made under this name, and a rename counts when it is made";
        of->asked = false;
    } else if (strcmp(of->source, of->standing) != 0) {
        of->why = "it was made under this name";
    }
}

static void wish(struct resolver *resolver, struct wish *wish, struct rf_resolve_name *of) {
    const char *rename = rename_of(resolver, of->source);
    of->why = NULL;
    of->asked = false;
    *wish = (struct wish){.of = of};
    if (of->standing) {
        keep(of, rename);
        wish->wanted = of->standing;
        return;
    }
    wish->renamed = rename != NULL;
    wish->wanted = rename                        ? rename
                   : resolver->rules->fold_names ? fold(resolver, of->source)
                                                 : of->source;
    if (wish->wanted) {
        wish->refusal =
            resolver->table ? rf_column_refusal(wish->wanted) : rf_name_refusal(wish->wanted);
    }
}

static int in_order(const void *left, const void *right) {
    const struct wish *a = left, *b = right;
    int order = strcmp(a->wanted, b->wanted);
    return order != 0 ? order : strcmp(a->of->source, b->of->source);
}

static enum rf_code make_wishes(struct resolver *resolver, struct rf_resolve_name *names) {
    resolver->wishes = rf_arena_take(&resolver->scratch, resolver->count, sizeof(struct wish));
    for (uint32_t i = 0; resolver->wishes && i < resolver->count; i++) {
        wish(resolver, &resolver->wishes[i], &names[i]);
    }
    enum rf_code code = rf_arena_check(&resolver->scratch, resolver->error);
    if (code == RF_OK && resolver->wishes) {
        qsort(resolver->wishes, resolver->count, sizeof(struct wish), in_order);
    }
    return code;
}

/* ---- errors ---- */

/* The name as a message can have it. */
static const char *shown(struct resolver *resolver, const char *name) {
    char *text = rf_sayable(&resolver->scratch, name);
    if (!text) {
        return "?";
    }
    text[rf_name_cut(text, SHOWN_BYTES)] = 0;
    return text;
}

static void add_table(struct resolver *resolver) {
    if (resolver->table) {
        rf_detail(resolver->error, "in table \"%s\"", shown(resolver, resolver->table));
    }
}

static enum rf_code fail_impossible(struct resolver *resolver, const struct wish *wish) {
    rf_fail(resolver->error, RF_USAGE, "%s \"%s\" cannot be renamed to \"%s\": %s", thing(resolver),
            shown(resolver, wish->of->source), shown(resolver, wish->wanted), wish->refusal);
    add_table(resolver);
    rf_hint(resolver->error, "the configuration's rules say so; give another name there.");
    return RF_USAGE;
}

static enum rf_code fail_collision(struct resolver *resolver, const struct wish *renamed,
                                   const struct wish *other) {
    rf_fail(resolver->error, RF_USAGE,
            "%s \"%s\" cannot be renamed to \"%s\": %s \"%s\" %s called so", thing(resolver),
            shown(resolver, renamed->of->source), shown(resolver, renamed->wanted), thing(resolver),
            shown(resolver, other->of->source), other->of->standing ? "is" : "would be");
    add_table(resolver);
    rf_hint(resolver->error, "the configuration's rules say so; a rename should match one %s only.",
            thing(resolver));
    return RF_USAGE;
}

/* ---- who gets what ---- */

static bool is_own(const struct wish *wish) {
    return strcmp(wish->wanted, wish->of->source) == 0;
}

/* Of several who want one name. Who stands with it, or else is called so in the source, keeps it;
 * without such a one nobody gets it, so that the order says nothing. */
static enum rf_code settle_several(struct resolver *resolver, struct wish *first, uint32_t count) {
    const struct wish *keeper = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (first[i].renamed) {
            return fail_collision(resolver, &first[i], &first[i == 0 ? 1 : 0]);
        }
        bool stands = first[i].of->standing;
        if (stands || (is_own(&first[i]) && !(keeper && keeper->of->standing))) {
            keeper = &first[i];
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        first[i].altered = &first[i] != keeper && !first[i].of->standing;
    }
    return RF_OK;
}

static enum rf_code settle(struct resolver *resolver, struct wish *first, uint32_t count) {
    if (first->refusal) {
        for (uint32_t i = 0; i < count; i++) {
            if (first[i].renamed) {
                return fail_impossible(resolver, &first[i]);
            }
            first[i].altered = true;
        }
        return RF_OK;
    }
    return count > 1 ? settle_several(resolver, first, count) : RF_OK;
}

static enum rf_code settle_all(struct resolver *resolver) {
    enum rf_code code = RF_OK;
    for (uint32_t i = 0, count; code == RF_OK && i < resolver->count; i += count) {
        struct wish *first = &resolver->wishes[i];
        count = 1;
        while (i + count < resolver->count && strcmp(first[count].wanted, first->wanted) == 0) {
            count++;
        }
        code = settle(resolver, first, count);
    }
    return code;
}

/* ---- giving the names ---- */

static void give_whole(const struct resolver *resolver, const struct wish *wish) {
    struct rf_resolve_name *of = wish->of;
    if (of->standing) {
        return;
    }
    if (is_own(wish)) {
        of->name = of->source;
        return;
    }
    of->name = rf_arena_copy(resolver->arena, wish->wanted);
    of->why = wish->renamed ? "the configuration renames it" : "names are put in lower case";
    of->asked = true;
}

/* A name that can be cut and read: nothing at all becomes a word, what is not UTF-8 underscores. */
static const char *base_of(struct resolver *resolver, const char *wanted) {
    if (*wanted == 0) {
        return thing(resolver);
    }
    if (rf_text_inspect((const uint8_t *)wanted, strlen(wanted)).valid_utf8) {
        return wanted;
    }
    char *base = rf_arena_copy(&resolver->scratch, wanted);
    for (char *at = base; at && *at; at++) {
        if ((uint8_t)*at >= 0x80) {
            *at = '_';
        }
    }
    return base;
}

static void give_altered(struct resolver *resolver, const struct wish *wish,
                         struct rf_names *names) {
    const char *base = base_of(resolver, wish->wanted);
    if (!base) {
        return;
    }
    rf_names_add(names, base); /* so that it is altered in any case */
    wish->of->name = rf_arena_copy(resolver->arena, rf_names_choose(names, wish->of->source, base));
    wish->of->why = wish->refusal     ? wish->refusal
                    : resolver->table ? "another column of the table would be called the same"
                                      : "another table would be called the same";
}

/* Everything that an altered name has to avoid, once the whole names are given. */
static void gather(const struct resolver *resolver, struct rf_names *names) {
    const struct rf_names *taken = resolver->taken;
    for (size_t i = 0; taken && i < taken->size; i++) {
        if (taken->slots[i]) {
            rf_names_add(names, taken->slots[i]);
        }
    }
    for (uint32_t i = 0; i < resolver->count; i++) {
        rf_names_add(names, resolver->wishes[i].wanted);
    }
}

static enum rf_code give(struct resolver *resolver) {
    struct rf_names names;
    bool any = false;
    for (uint32_t i = 0; i < resolver->count; i++) {
        if (resolver->wishes[i].altered) {
            any = true;
        } else {
            give_whole(resolver, &resolver->wishes[i]);
        }
    }
    rf_names_init(&names, &resolver->scratch);
    if (any) {
        gather(resolver, &names);
    }
    for (uint32_t i = 0; any && i < resolver->count; i++) {
        if (resolver->wishes[i].altered) {
            give_altered(resolver, &resolver->wishes[i], &names);
        }
    }
    enum rf_code code = rf_arena_check(&resolver->scratch, resolver->error);
    return code == RF_OK ? rf_arena_check(resolver->arena, resolver->error) : code;
}

static enum rf_code resolve(struct resolver *resolver, struct rf_resolve_name *names) {
    enum rf_code code = make_wishes(resolver, names);
    if (code == RF_OK) {
        code = settle_all(resolver);
    }
    if (code == RF_OK) {
        code = give(resolver);
    }
    rf_arena_release(&resolver->scratch);
    return code;
}

enum rf_code rf_resolve_tables(const struct rf_rules *rules, const struct rf_names *taken,
                               struct rf_resolve_name *tables, uint32_t count,
                               struct rf_arena *arena, struct rf_error *error) {
    struct resolver resolver = {
        .rules = rules, .taken = taken, .arena = arena, .count = count, .error = error};
    return resolve(&resolver, tables);
}

enum rf_code rf_resolve_columns(const struct rf_rules *rules, const char *table,
                                struct rf_resolve_name *columns, uint32_t count,
                                struct rf_arena *arena, struct rf_error *error) {
    struct resolver resolver = {
        .rules = rules, .table = table, .arena = arena, .count = count, .error = error};
    return resolve(&resolver, columns);
}
