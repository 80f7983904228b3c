/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports as `ps` prints them: ranges together, addresses in front.
 */
#ifndef CLI_COMMANDS_PORTS_H
#define CLI_COMMANDS_PORTS_H

#include "helpers/buf.h"

struct json_object;

void ports_print(struct json_object *ports, struct buf *out);

#endif
