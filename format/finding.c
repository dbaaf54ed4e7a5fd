#include "format/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *rf_finding_state_name(enum rf_finding_state state) {
    static const char *const names[] = {
        [RF_FINDING_OK] = "ok",
        [RF_FINDING_NOTE] = "note",
        [RF_FINDING_WARNING] = "warning",
        [RF_FINDING_STOP] = "stop",
    };
    return names[state];
}

static struct rf_finding *next(struct rf_findings *findings) {
    if (findings->count == findings->room) {
        uint32_t room = findings->room ? 2 * findings->room : 32;
        struct rf_finding *grown = realloc(findings->list, room * sizeof *grown);
        if (!grown) {
            findings->failed = true;
            return NULL;
        }
        findings->list = grown;
        findings->room = room;
    }
    return &findings->list[findings->count++];
}

struct rf_finding *rf_find(struct rf_findings *findings, enum rf_finding_state state,
                           const char *name, const char *found, ...) {
    struct rf_finding *finding = next(findings);
    if (finding) {
        *finding = (struct rf_finding){.state = state,
                                       .code = state == RF_FINDING_STOP ? RF_MISPLACED : RF_OK};
        snprintf(finding->name, sizeof finding->name, "%s", name);
        va_list args;
        va_start(args, found);
        vsnprintf(finding->found, sizeof finding->found, found, args);
        va_end(args);
    }
    return finding;
}

void rf_finding_want(struct rf_finding *finding, const char *format, ...) {
    if (finding) {
        va_list args;
        va_start(args, format);
        vsnprintf(finding->wanted, sizeof finding->wanted, format, args);
        va_end(args);
    }
}

void rf_finding_hint(struct rf_finding *finding, const char *format, ...) {
    if (finding) {
        va_list args;
        va_start(args, format);
        vsnprintf(finding->hint, sizeof finding->hint, format, args);
        va_end(args);
    }
}

void rf_finding_of(struct rf_finding *finding, const char *store) {
    char name[sizeof finding->name];
    snprintf(name, sizeof name, "%.60s (%.30s)", finding->name, store);
    memcpy(finding->name, name, sizeof name);
}

enum rf_code rf_findings_check(const struct rf_findings *findings, struct rf_error *error) {
    return findings->failed ? rf_fail_memory(error) : RF_OK;
}

void rf_findings_release(struct rf_findings *findings) {
    free(findings->list);
    *findings = (struct rf_findings){0};
}
