/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which calls of a container are emulated: --security-opt emulation=LEVEL, the
 * annotation of that purpose, or the configured default.
 */
#ifndef CORE_CONTAINER_EMULATION_H
#define CORE_CONTAINER_EMULATION_H

#include "core/container/container.h"
#include "helpers/emulate.h"

/* Only where there is one id; elsewhere the kernel needs no help. */
enum emulate_level container_emulation(struct core *core, const struct container *c);

/* Does it need an emulator, for this or for its sockets (core/network/network.h)? */
int emulation_is_needed(struct core *core, const struct container *c);

/* Refuses a level that does not exist. */
int emulation_check(struct json_object *host_config, struct gantry_error *err);

/* Tells the runtime, by annotations. */
void emulation_annotate(struct core *core, const struct container *c, const char *run_dir,
			struct json_object *annotations);

#endif
