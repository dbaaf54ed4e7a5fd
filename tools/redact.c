/* Finding secrets in conninfo strings, URIs and the messages that quote them. */
#include "tools/redact.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct span {
    const char *start;
    const char *end;
};

static bool is_blank(char character) {
    return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

/* The value of a keyword: quoted, with a backslash before what is meant literally, or up to a
 * blank; in the query of a URI up to the next '&'. */
static struct span value_at(const char *at, bool in_query) {
    const char *end = at;
    if (*at == '\'') {
        for (end++; *end && *end != '\''; end++) {
            if (*end == '\\' && end[1]) {
                end++;
            }
        }
        return (struct span){at, *end ? end + 1 : end};
    }
    while (*end && !is_blank(*end) && !(in_query && *end == '&')) {
        if (*end == '\\' && end[1]) {
            end++;
        }
        end++;
    }
    return (struct span){at, end};
}

/* "password" at `at`, an equals sign and a value behind it? Blanks may stand around the sign. */
static bool keyword_at(const char *text, const char *at, struct span *secret) {
    static const char word[] = "password";
    if (strncasecmp(at, word, sizeof word - 1) != 0) {
        return false;
    }
    const char *after = at + sizeof word - 1;
    while (is_blank(*after)) {
        after++;
    }
    if (*after != '=') {
        return false;
    }
    after++;
    while (is_blank(*after)) {
        after++;
    }
    const char *before = at;
    while (before > text && isalpha((unsigned char)before[-1])) {
        before--; /* sslpassword */
    }
    bool in_query = before > text && (before[-1] == '?' || before[-1] == '&');
    *secret = value_at(after, in_query);
    return secret->end > secret->start;
}

/* "://" at `at`: the secret lies between the first ':' and the last '@' before the host's end.
 * libpq wants '@' and '/' in a password percent-encoded; whoever forgot that is covered for '@'. */
static bool userinfo_at(const char *at, struct span *secret) {
    if (strncmp(at, "://", 3) != 0) {
        return false;
    }
    const char *user = at + 3;
    const char *colon = NULL;
    const char *last = NULL;
    for (const char *c = user; *c && !is_blank(*c) && *c != '"'; c++) {
        if (*c == ':' && !colon) {
            colon = c;
        } else if (*c == '@' && colon) {
            last = c;
        } else if (*c == '?' && last) {
            break;
        }
    }
    if (!colon || !last) {
        return false;
    }
    *secret = (struct span){colon + 1, last};
    return secret->end > secret->start;
}

/* The first secret at or after `from`. */
static bool next_secret(const char *text, const char *from, struct span *secret) {
    for (const char *at = from; *at; at++) {
        if (userinfo_at(at, secret) || keyword_at(text, at, secret)) {
            return true;
        }
    }
    return false;
}

void rf_redact(struct rf_buffer *out, const char *text) {
    const char *at = text;
    struct span secret;
    while (next_secret(text, at, &secret)) {
        rf_buffer_append(out, at, (size_t)(secret.start - at));
        rf_buffer_append(out, RF_REDACTED, sizeof RF_REDACTED - 1);
        at = secret.end;
    }
    rf_buffer_append(out, at, strlen(at));
}

void rf_redact_in_place(char *text) {
    const char *at = text;
    struct span secret;
    while (next_secret(text, at, &secret)) {
        memset(text + (secret.start - text), '*', (size_t)(secret.end - secret.start));
        at = secret.end;
    }
}
