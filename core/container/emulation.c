/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/container/emulation.h"
#include "core/network/network.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/privilege.h"

#define OPTION "emulation="

/* What the user asked for, or NULL. */
static const char *asked(struct json_object *host_config)
{
	struct json_object *options = json_get_array(host_config, "SecurityOpt");
	const char *text =
		json_get_string(json_get_object(host_config, "Annotations"), EMULATE_ANNOTATION);

	for (size_t i = 0; i < json_array_size(options); i++) {
		const char *o = json_item_string(options, i);

		if (o && !strncmp(o, OPTION, strlen(OPTION))) {
			text = o + strlen(OPTION);
		}
	}
	return text;
}

int emulation_check(struct json_object *host_config, struct gantry_error *err)
{
	const char *text = asked(host_config);

	if (!text || emulate_level(text) >= 0) {
		return 0;
	}
	error_set(err, GANTRY_ERR_INVALID, "invalid --security-opt: \"" OPTION "%s\"", text);
	return error_hint(err, "levels of emulation are off, record and consistent");
}

enum emulate_level container_emulation(struct core *core, const struct container *c)
{
	struct json_object *hc = container_host_config(c);
	const char *text = asked(hc);
	const char *userns = json_get_string(hc, "UsernsMode");
	int level;

	if (userns_has_ids() || (userns && !strcmp(userns, "keep-id"))) {
		return EMULATE_OFF;
	}
	level = emulate_level(text ? text : config_string(core->config, "rootless.emulation"));
	return level < 0 ? EMULATE_OFF : (enum emulate_level)level;
}

int emulation_is_needed(struct core *core, const struct container *c)
{
	return container_emulation(core, c) != EMULATE_OFF ||
	       network_sockets(core, c) != EMULATE_NO_SOCKETS;
}

void emulation_annotate(struct core *core, const struct container *c, const char *run_dir,
			struct json_object *annotations)
{
	static const char *const names[] = {"off", "record", "consistent"};
	enum emulate_level level = container_emulation(core, c);
	enum emulate_sockets sockets = network_sockets(core, c);
	auto_free char *path = path_join(run_dir, "emulate.sock", NULL);

	json_set_string(annotations, EMULATE_ANNOTATION, names[level]);
	json_object_object_del(annotations, EMULATE_SOCKETS_ANNOTATION);
	if (sockets != EMULATE_NO_SOCKETS) {
		json_set_string(annotations, EMULATE_SOCKETS_ANNOTATION,
				sockets == EMULATE_ACCEPT ? "accept" : "connect");
	}
	if (level != EMULATE_OFF || sockets != EMULATE_NO_SOCKETS) {
		json_set_string(annotations, EMULATE_SOCKET_ANNOTATION, path);
	}
}
