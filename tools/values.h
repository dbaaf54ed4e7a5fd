/* Values that can be given as an option and in the configuration file, read in one way. */
#ifndef RF_TOOLS_VALUES_H
#define RF_TOOLS_VALUES_H

#include <stdbool.h>

#define RF_JOBS_MAX 64u
#define RF_BUSY_TIMEOUT_MAX 86400 /* seconds: a day */

enum rf_progress_when { RF_PROGRESS_AUTO, RF_PROGRESS_ALWAYS, RF_PROGRESS_NEVER };

/* Each answers whether the text is such a value; only then *out is set. */
bool rf_value_jobs(const char *text, unsigned *out);                  /* "1" to "64" */
bool rf_value_progress(const char *text, enum rf_progress_when *out); /* "auto", … */
bool rf_value_timeout(const char *text, int *milliseconds);           /* "30", "2.5" seconds */

/* What the value should have been, for messages: "a number from 1 to 64". */
#define RF_VALUE_JOBS "a number from 1 to 64"
#define RF_VALUE_PROGRESS "auto, always or never"
#define RF_VALUE_MISMATCH "widen, set-aside, null or fail"
#define RF_VALUE_BAD_TEXT "set-aside, bytea, strip, replace or escape"
#define RF_VALUE_KEEP "a number from 1 on, or unlimited"
#define RF_VALUE_WITHIN "a duration such as 30d or 1y5m7d2h"
#define RF_VALUE_TIMEOUT "a number of seconds from 0 to 86400"

#endif
