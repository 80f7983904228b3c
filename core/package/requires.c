/* SPDX-License-Identifier: Apache-2.0 */
/* What drivers of a package need besides themselves, and who needs and uses them. */
#include <stdlib.h>
#include <string.h>

#include "core/container/container.h"
#include "core/container/log.h"
#include "core/package/package.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int carries(struct json_object *config, const char *required)
{
	struct json_object *drivers = json_get_array(config, "Drivers");

	for (size_t i = 0; i < json_array_size(drivers); i++) {
		struct json_object *d = json_object_array_get_idx(drivers, i);
		auto_free char *name = NULL;

		if (asprintf(&name, "%s/%s", json_get_string(d, "Kind"), json_get_string(d, "Name")) < 0) {
			name = NULL;
		}
		if (name && !strcmp(name, required)) {
			return 1;
		}
	}
	return 0;
}

int requires_check(struct core *core, struct json_object *config, struct gantry_error *err)
{
	struct json_object *list = json_get_array(config, "Requires");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *required = json_item_string(list, i);
		const char *slash = required ? strchr(required, '/') : NULL;
		auto_free char *kind = slash ? strndup(required, (size_t)(slash - required)) : NULL;
		struct gantry_error why = GANTRY_ERROR_INIT;

		if (!slash) {
			return error_set(err, GANTRY_ERR_INVALID, "requires lists KIND/DRIVER");
		}
		if (!kind) {
			return error_no_memory(err);
		}
		if (carries(config, required) || registry_has(core->registry, kind, slash + 1, &why) == 0) {
			continue;
		}
		error_set(err, why.code == GANTRY_ERR_NOT_FOUND ? GANTRY_ERR_CONFLICT : why.code,
			  "plugin package %s requires the driver %s: %s", json_get_string(config, "Name"),
			  required, why.message);
		return error_hint(err, "install a plugin that carries %s first (`gantry plugin install`), or "
				       "enable the package that has it (`gantry plugin packages` lists them)",
				  required);
	}
	return 0;
}

int requires_check_others(struct core *core, struct json_object *record, struct gantry_error *err)
{
	const char *name = json_get_string(record, "Name");
	auto_json struct json_object *all = NULL;
	int r = installed_list(core, &all, err);

	for (size_t i = 0; r == 0 && i < json_array_size(all); i++) {
		struct json_object *other = json_object_array_get_idx(all, i);
		struct json_object *list = json_get_array(other, "Requires");

		if (!json_get_bool(other, "Enabled", 0) || !strcmp(json_get_string(other, "Name"), name)) {
			continue;
		}
		for (size_t k = 0; k < json_array_size(list); k++) {
			if (carries(record, json_item_string(list, k))) {
				error_set(err, GANTRY_ERR_IN_USE,
					  "plugin package %s is in use: package %s requires its driver %s", name,
					  json_get_string(other, "Name"), json_item_string(list, k));
				return error_hint(err, "disable that package first, or use --force");
			}
		}
	}
	return r;
}

/* ---- containers ---- */

struct search {
	struct json_object *record;
	const char *kind;
	const char *driver;
};

static int uses(struct core *core, struct container *c, const struct search *s)
{
	auto_(log_chain) struct log_chain chain = { .n = 0 };
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	const char *name = NULL;

	if (!strcmp(s->kind, "storage")) {
		name = json_get_string(c->doc, "Driver");
	} else if (!strcmp(s->kind, "runtime")) {
		name = json_get_string(c->doc, "Runtime");
	} else if (!strcmp(s->kind, "log") &&
		   log_chain_read(core, json_get_object(container_host_config(c), "LogConfig"), NULL, &chain,
				  &ignored) == 0) {
		for (unsigned i = 0; i < chain.n; i++) {
			if (!strcmp(chain.links[i].name, s->driver)) {
				return 1;
			}
		}
	}
	return name && !strcmp(name, s->driver);
}

static int refuse_container(struct core *core, struct container *c, void *data, struct gantry_error *err)
{
	const struct search *s = data;

	if (!uses(core, c, s)) {
		return 0;
	}
	error_set(err, GANTRY_ERR_IN_USE, "plugin package %s is in use: container %s is of its %s driver %s",
		  json_get_string(s->record, "Name"), c->name, s->kind, s->driver);
	return error_hint(err, "remove that first, or use --force");
}

int requires_check_containers(struct core *core, struct json_object *record, struct gantry_error *err)
{
	struct json_object *drivers = json_get_array(record, "Drivers");
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(drivers); i++) {
		struct json_object *d = json_object_array_get_idx(drivers, i);
		struct search s = { record, json_get_string(d, "Kind"), json_get_string(d, "Name") };

		if (!strcmp(s.kind, "log") || !strcmp(s.kind, "runtime") || !strcmp(s.kind, "storage")) {
			r = container_each(core, refuse_container, &s, err);
		}
	}
	return r;
}
