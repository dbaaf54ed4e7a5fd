/* jsonb from JSON in two steps: the text becomes a list of its values, each before those that it
 * holds, and then these are written, the members of every object in their order. */
#include <stdlib.h>
#include <string.h>

#include "replay/json_inner.h"

#define VALUE_BYTES 16u

/* What the token is in the server's writing, as long as it is no more than a jsonb may have. */
static bool measure(const struct rf_json_reader *reader, enum rf_json_token token, size_t *bytes) {
    struct rf_json_number number;
    switch (token) {
    case RF_JSON_STRING:
        *bytes = reader->size;
        return !reader->escaped ||
               rf_json_string_write(reader->token, reader->size, true, NULL, bytes);
    case RF_JSON_NUMBER:
        if (!rf_json_number_read(reader->token, reader->size, &number)) {
            return false;
        }
        *bytes = rf_json_number_write(&number, NULL);
        return true;
    case RF_JSON_COMMA:
    case RF_JSON_COLON:
        *bytes = 2;
        return true;
    default:
        *bytes = reader->size;
        return true;
    }
}

static bool is_value(enum rf_json_token token) {
    return token == RF_JSON_OBJECT || token == RF_JSON_ARRAY || token >= RF_JSON_STRING;
}

bool rf_jsonb_valid(const uint8_t *text, size_t size) {
    struct rf_json_reader reader;
    rf_json_start(&reader, text, size);
    uint64_t values = 0, total = 0;
    for (;;) {
        size_t bytes;
        enum rf_json_token token = rf_json_next(&reader);
        if (token == RF_JSON_END) {
            return true;
        }
        if (token == RF_JSON_BAD || !measure(&reader, token, &bytes)) {
            return false;
        }
        values += is_value(token);
        total += bytes + (is_value(token) ? VALUE_BYTES : 0);
        if (values > RF_JSONB_VALUES_MAX || total > RF_JSONB_BYTES_MAX) {
            return false;
        }
    }
}

struct node {
    uint32_t at, size; /* its token */
    uint32_t end;      /* the node behind it and all that it holds; of an escaped key: where it
                          stands among the keys */
    uint8_t token;
    bool escaped;
};

struct tree {
    const uint8_t *text;
    struct rf_buffer nodes; /* struct node each */
    struct rf_buffer keys;  /* those with escapes, read: u32 size, bytes */
    struct rf_buffer order; /* u32 each: key nodes of the objects that are being written */
    struct rf_buffer *out;
};

static struct node *node_of(const struct tree *tree, uint32_t index) {
    return (struct node *)(void *)tree->nodes.bytes + index;
}

static uint32_t node_count(const struct tree *tree) {
    return (uint32_t)(tree->nodes.size / sizeof(struct node));
}

static uint32_t keep_key(struct tree *tree, const uint8_t *token, size_t size) {
    uint32_t at = (uint32_t)tree->keys.size;
    size_t read = 0;
    rf_buffer_u32(&tree->keys, 0);
    uint8_t *room = rf_buffer_extend(&tree->keys, size);
    if (room) {
        rf_json_string_write(token, size, false, room, &read);
        rf_store_u32(tree->keys.bytes + at, (uint32_t)read);
        tree->keys.size = at + sizeof(uint32_t) + read;
    }
    return at;
}

static void add_node(struct tree *tree, const struct rf_json_reader *reader,
                     enum rf_json_token token) {
    struct node node = {
        .at = (uint32_t)(reader->token - tree->text),
        .size = (uint32_t)reader->size,
        .end = node_count(tree) + 1,
        .token = (uint8_t)token,
        .escaped = token == RF_JSON_STRING && reader->escaped,
    };
    if (node.escaped && reader->key) {
        node.end = keep_key(tree, reader->token, reader->size);
    }
    rf_buffer_append(&tree->nodes, &node, sizeof node);
}

static bool failed(const struct tree *tree) {
    return tree->nodes.failed || tree->keys.failed || tree->order.failed || tree->out->failed;
}

static void build(struct tree *tree, size_t size) {
    struct rf_json_reader reader;
    uint32_t open[RF_JSON_DEPTH_MAX];
    rf_json_start(&reader, tree->text, size);
    while (!failed(tree)) {
        enum rf_json_token token = rf_json_next(&reader);
        if (token == RF_JSON_END) {
            return;
        }
        if (token == RF_JSON_OBJECT_END || token == RF_JSON_ARRAY_END) {
            node_of(tree, open[reader.depth])->end = node_count(tree);
        } else if (is_value(token)) {
            if (token == RF_JSON_OBJECT || token == RF_JSON_ARRAY) {
                open[reader.depth - 1] = node_count(tree);
            }
            add_node(tree, &reader, token);
        }
    }
}

struct key {
    const uint8_t *bytes;
    uint32_t size;
};

static struct key key_of(const struct tree *tree, uint32_t index) {
    const struct node *node = node_of(tree, index);
    if (node->escaped) {
        const uint8_t *kept = tree->keys.bytes + node->end;
        return (struct key){kept + sizeof(uint32_t), rf_load_u32(kept)};
    }
    return (struct key){tree->text + node->at + 1, node->size - 2};
}

/* Of keys alone: the shorter one first, as the server has them. */
static int compare_keys(struct key a, struct key b) {
    if (a.size != b.size) {
        return a.size < b.size ? -1 : 1;
    }
    return a.size > 0 ? memcmp(a.bytes, b.bytes, a.size) : 0;
}

/* For qsort_r: of members with the same key the last one first. */
static int compare_members(const void *left, const void *right, void *context) {
    const struct tree *tree = context;
    uint32_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    int order = compare_keys(key_of(tree, a), key_of(tree, b));
    if (order != 0) {
        return order;
    }
    return a > b ? -1 : a < b;
}

static void write_number(struct tree *tree, const struct node *node) {
    struct rf_json_number number;
    if (rf_json_number_read(tree->text + node->at, node->size, &number)) {
        uint8_t *at = rf_buffer_extend(tree->out, rf_json_number_write(&number, NULL));
        if (at) {
            rf_json_number_write(&number, at);
        }
    }
}

static void write_string(struct tree *tree, const struct node *node) {
    const uint8_t *token = tree->text + node->at;
    size_t size = 0;
    if (!node->escaped) {
        rf_buffer_append(tree->out, token, node->size);
    } else if (rf_json_string_write(token, node->size, true, NULL, &size)) {
        uint8_t *at = rf_buffer_extend(tree->out, size);
        if (at) {
            rf_json_string_write(token, node->size, true, at, &size);
        }
    }
}

static void write_value(struct tree *tree, uint32_t index);

static void write_array(struct tree *tree, uint32_t index) {
    uint32_t end = node_of(tree, index)->end;
    rf_buffer_u8(tree->out, '[');
    for (uint32_t i = index + 1; i < end; i = node_of(tree, i)->end) {
        if (i > index + 1) {
            rf_buffer_append(tree->out, ", ", 2);
        }
        write_value(tree, i);
    }
    rf_buffer_u8(tree->out, ']');
}

static uint32_t ordered(const struct tree *tree, size_t place) {
    uint32_t index;
    memcpy(&index, tree->order.bytes + place, sizeof index);
    return index;
}

static void write_object(struct tree *tree, uint32_t index) {
    uint32_t end = node_of(tree, index)->end;
    size_t start = tree->order.size;
    for (uint32_t i = index + 1; i < end; i = node_of(tree, i + 1)->end) {
        rf_buffer_append(&tree->order, &i, sizeof i);
    }
    size_t stop = tree->order.size;
    if (failed(tree)) {
        return;
    }
    if (stop > start) {
        qsort_r(tree->order.bytes + start, (stop - start) / sizeof index, sizeof index,
                compare_members, tree);
    }
    rf_buffer_u8(tree->out, '{');
    for (size_t at = start; at < stop && !failed(tree); at += sizeof index) {
        uint32_t key = ordered(tree, at);
        bool first = at == start;
        if (!first &&
            compare_keys(key_of(tree, key), key_of(tree, ordered(tree, at - sizeof index))) == 0) {
            continue;
        }
        if (!first) {
            rf_buffer_append(tree->out, ", ", 2);
        }
        write_string(tree, node_of(tree, key));
        rf_buffer_append(tree->out, ": ", 2);
        write_value(tree, key + 1);
    }
    rf_buffer_u8(tree->out, '}');
    tree->order.size = start;
}

static void write_value(struct tree *tree, uint32_t index) {
    const struct node *node = node_of(tree, index);
    switch ((enum rf_json_token)node->token) {
    case RF_JSON_OBJECT:
        write_object(tree, index);
        break;
    case RF_JSON_ARRAY:
        write_array(tree, index);
        break;
    case RF_JSON_STRING:
        write_string(tree, node);
        break;
    case RF_JSON_NUMBER:
        write_number(tree, node);
        break;
    default:
        rf_buffer_append(tree->out, tree->text + node->at, node->size);
        break;
    }
}

void rf_jsonb_put(const uint8_t *text, size_t size, struct rf_buffer *out) {
    struct tree tree = {.text = text, .out = out};
    build(&tree, size);
    if (!failed(&tree)) {
        write_value(&tree, 0);
    }
    out->failed = failed(&tree);
    rf_buffer_release(&tree.nodes);
    rf_buffer_release(&tree.keys);
    rf_buffer_release(&tree.order);
}
