/* If these fail, a password shows in a message, a log or the process list. */
#include "tools/redact.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct redaction {
    const char *text;
    const char *hidden;   /* rf_redact */
    const char *in_place; /* rf_redact_in_place */
};

static const struct redaction cases[] = {
    {"", "", ""},
    {"host=db dbname=app", "host=db dbname=app", "host=db dbname=app"},
    {"host=db password=geheim user=u", "host=db password=*** user=u",
     "host=db password=****** user=u"},
    {"password='two words' host=db", "password=*** host=db", "password=*********** host=db"},
    {"password='it\\'s' host=db", "password=*** host=db", "password=******* host=db"},
    {"password = x host=db", "password = *** host=db", "password = * host=db"},
    {"password=a\\ b host=db", "password=*** host=db", "password=**** host=db"},
    {"sslpassword=abc", "sslpassword=***", "sslpassword=***"},
    {"PASSWORD=abc", "PASSWORD=***", "PASSWORD=***"},
    {"password='never ends", "password=***", "password=***********"},
    {"password=", "password=", "password="},
    {"passwordless host=db", "passwordless host=db", "passwordless host=db"},
    {"postgresql://u:pw@db/app", "postgresql://u:***@db/app", "postgresql://u:**@db/app"},
    {"postgres://u:p%40w@db:5432/app?sslmode=require",
     "postgres://u:***@db:5432/app?sslmode=require",
     "postgres://u:*****@db:5432/app?sslmode=require"},
    {"postgres://u:p@w@db/app", "postgres://u:***@db/app", "postgres://u:***@db/app"},
    {"postgres://u@db:5432/app", "postgres://u@db:5432/app", "postgres://u@db:5432/app"},
    {"postgres://u@db/app?password=pw&sslmode=require",
     "postgres://u@db/app?password=***&sslmode=require",
     "postgres://u@db/app?password=**&sslmode=require"},
    {"postgres://u:@db/app", "postgres://u:@db/app", "postgres://u:@db/app"},
    {"postgres://u:pw@db/app?options=a@b", "postgres://u:***@db/app?options=a@b",
     "postgres://u:**@db/app?options=a@b"},
    /* messages that quote */
    {"invalid URI \"postgres://u:pw@db:x/app\": port",
     "invalid URI \"postgres://u:***@db:x/app\": port",
     "invalid URI \"postgres://u:**@db:x/app\": port"},
    {"two: postgres://a:b@c and postgres://d:e@f", "two: postgres://a:***@c and postgres://d:***@f",
     "two: postgres://a:*@c and postgres://d:*@f"},
};

Test(redact, secrets_are_hidden) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rf_buffer out = {0};
        rf_redact(&out, cases[i].text);
        rf_buffer_u8(&out, 0);
        cr_expect_str_eq((const char *)out.bytes, cases[i].hidden);
        rf_buffer_release(&out);
    }
}

Test(redact, arguments_are_overwritten_at_their_length) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = strdup(cases[i].text);
        rf_redact_in_place(text);
        cr_expect_str_eq(text, cases[i].in_place);
        cr_expect_eq(strlen(text), strlen(cases[i].text));
        free(text);
    }
}
