/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "chain.h"
#include "conf.h"
#include "exec.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const char *version(const struct cni_chain *c)
{
	return json_get_string(c->list, "cniVersion");
}

static size_t n_plugins(const struct cni_chain *c)
{
	return json_array_size(json_get_array(c->list, "plugins"));
}

static const char *type_of(const struct cni_chain *c, size_t i)
{
	return json_get_string(json_object_array_get_idx(json_get_array(c->list, "plugins"), i), "type");
}

/* One plugin of the list with config, which is put. */
static int run(const struct cni_chain *c, size_t i, const char *command, struct json_object *config,
	       struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *owned = config;
	auto_json struct json_object *result = NULL;
	struct cni_exec e = {
		.bin_dirs = c->bin_dirs,
		.type = type_of(c, i),
		.command = command,
		.network = json_get_string(c->list, "name"),
		.container = c->container,
		.netns = c->netns,
		.interface = c->interface,
		.args = c->args,
		.deadline_ms = c->deadline_ms,
		.record_dir = c->record_dir,
	};
	int r = owned ? cni_exec(&e, owned, &result, err) : error_no_memory(err);

	if (r == 0 && ret) {
		*ret = steal(&result);
	}
	return r;
}

int cni_add(const struct cni_chain *c, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *result = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_plugins(c); i++) {
		struct json_object *next = NULL;

		r = run(c, i, "ADD", cni_conf_plugin(c->list, i, c->capabilities, result), &next, err);
		if (r == 0 && !next) {
			r = error_set(err, GANTRY_ERR_CORRUPT, "network %s: CNI plugin %s added without a result",
				      json_get_string(c->list, "name"), type_of(c, i));
		}
		if (r == 0) {
			json_object_put(result);
			result = next;
		}
	}
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)cni_del(c, result, &ignored);
		return r;
	}
	*ret = steal(&result);
	return 0;
}

int cni_del(const struct cni_chain *c, struct json_object *result, struct gantry_error *err)
{
	/* Before 0.4.0 plugins do not expect a result here. */
	struct json_object *previous = cni_version_at_least(version(c), "0.4.0") ? result : NULL;
	int r = 0;

	for (size_t i = n_plugins(c); i-- > 0;) {
		struct gantry_error why = GANTRY_ERROR_INIT;

		if (run(c, i, "DEL", cni_conf_plugin(c->list, i, c->capabilities, previous), NULL, &why) < 0 &&
		    r == 0) {
			*err = why;
			r = why.code;
		}
	}
	return r;
}

int cni_check(const struct cni_chain *c, struct json_object *result, struct gantry_error *err)
{
	int r = 0;

	if (!cni_version_at_least(version(c), "0.4.0")) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "network %s: CHECK came with cniVersion 0.4.0",
				 json_get_string(c->list, "name"));
	}
	if (json_get_bool(c->list, "disableCheck", 0)) {
		return 0;
	}
	for (size_t i = 0; r == 0 && i < n_plugins(c); i++) {
		r = run(c, i, "CHECK", cni_conf_plugin(c->list, i, c->capabilities, result), NULL, err);
	}
	return r;
}

int cni_status(const struct cni_chain *c, struct gantry_error *err)
{
	int r = 0;

	if (!cni_version_at_least(version(c), "1.1.0")) {
		return 0;
	}
	for (size_t i = 0; r == 0 && i < n_plugins(c); i++) {
		r = run(c, i, "STATUS", cni_conf_plugin(c->list, i, NULL, NULL), NULL, err);
	}
	return r;
}

int cni_gc(const struct cni_chain *c, struct json_object *attachments, struct gantry_error *err)
{
	int r = 0;

	if (!cni_version_at_least(version(c), "1.1.0") || json_get_bool(c->list, "disableGC", 0)) {
		return 0;
	}
	for (size_t i = 0; i < n_plugins(c); i++) {
		struct json_object *config = cni_conf_plugin(c->list, i, NULL, NULL);
		struct gantry_error why = GANTRY_ERROR_INIT;

		json_set(config, "cni.dev/valid-attachments", json_object_get(attachments));
		if (run(c, i, "GC", config, NULL, &why) < 0 && r == 0) {
			*err = why;
			r = why.code;
		}
	}
	return r;
}

static int speaks(struct json_object *answer, const char *wanted)
{
	struct json_object *list = json_get_array(answer, "supportedVersions");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *one = json_item_string(list, i);

		if (one && !strcmp(one, wanted)) {
			return 1;
		}
	}
	return 0;
}

int cni_check_versions(const struct cni_chain *c, struct gantry_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_plugins(c); i++) {
		auto_json struct json_object *answer = NULL;
		struct json_object *config = json_object_new_object();

		json_set_string(config, "cniVersion", version(c));
		r = run(c, i, "VERSION", config, &answer, err);
		if (r == 0 && !speaks(answer, version(c))) {
			error_set(err, GANTRY_ERR_UNSUPPORTED,
				  "network %s: CNI plugin %s does not speak version %s, only %.200s",
				  json_get_string(c->list, "name"), type_of(c, i), version(c),
				  json_text(json_get(answer, "supportedVersions")));
			r = error_hint(err, "change cniVersion, or install a newer plugin");
		}
	}
	return r;
}
