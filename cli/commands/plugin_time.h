/* SPDX-License-Identifier: Apache-2.0 */
/* How commands about plugins write times. */
#ifndef CLI_COMMANDS_PLUGIN_TIME_H
#define CLI_COMMANDS_PLUGIN_TIME_H

#include <stdint.h>

struct json_object;

/* "1.3µs" */
void plugin_set_time(struct json_object *row, const char *key, int64_t ns);

#endif
