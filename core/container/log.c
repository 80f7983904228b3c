/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/container/log.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

void log_chain_done(struct log_chain *chain)
{
	for (unsigned i = 0; i < chain->n; i++) {
		free(chain->links[i].name);
		free(chain->links[i].dir);
		json_object_put(chain->links[i].options);
	}
	chain->n = 0;
}

/* The first driver's folder is the container's own, as without a chain; those of others
 * are in it. */
static char *link_folder(struct core *core, const char *id, unsigned number, const char *name)
{
	auto_free char *dir = container_dir(core, id);
	auto_(buf) struct buf own = BUF_INIT;

	buf_addf(&own, "log-%s", name);
	return !number ? steal(&dir) : path_join(dir, buf_str(&own), NULL);
}

static int add_link(struct core *core, struct log_chain *chain, const char *name, size_t len,
		    const char *id, struct gantry_error *err)
{
	struct log_link *link = &chain->links[chain->n];

	if (chain->n == LOG_LINKS_MAX) {
		return error_set(err, GANTRY_ERR_INVALID, "logger: more than %d log drivers in a chain",
				 LOG_LINKS_MAX);
	}
	for (unsigned i = 0; i < chain->n; i++) {
		if (strlen(chain->links[i].name) == len && !strncmp(chain->links[i].name, name, len)) {
			error_set(err, GANTRY_ERR_INVALID, "logger: log driver %.*s is named twice",
				  (int)len, name);
			return error_hint(err, "another instance of it has a name of its own: "
					       "drivers.log.NAME.driver = \"%.*s\"", (int)len, name);
		}
	}
	*link = (struct log_link){ .name = strndup(name, len), .options = json_object_new_object() };
	chain->n++;
	if (!link->name || !link->options) {
		return error_no_memory(err);
	}
	link->dir = id ? link_folder(core, id, chain->n - 1, link->name) : NULL;
	return id && !link->dir ? error_no_memory(err) : 0;
}

/* NAME.KEY with the name of a driver of the chain is that driver's KEY. */
static struct log_link *owner_of_option(struct log_chain *chain, const char **key)
{
	for (unsigned i = 0; chain->n > 1 && i < chain->n; i++) {
		size_t len = strlen(chain->links[i].name);

		if (!strncmp(*key, chain->links[i].name, len) && (*key)[len] == '.') {
			*key += len + 1;
			return &chain->links[i];
		}
	}
	return &chain->links[0];
}

int log_chain_read(struct core *core, struct json_object *config, const char *id,
		   struct log_chain *ret, struct gantry_error *err)
{
	const char *type = json_get_string(config, "Type");
	struct json_object *options = json_get_object(config, "Config");
	int r = 0;

	*ret = (struct log_chain){ .n = 0 };
	type = type ? type : "";
	do {
		size_t len = strcspn(type, ",");

		r = len ? add_link(core, ret, type, len, id, err)
			: error_set(err, GANTRY_ERR_INVALID, "logger: a log driver in a chain has no name");
		type += len;
	} while (r == 0 && *type++);
	if (r == 0 && options) {
		json_object_object_foreach(options, key, value)
		{
			const char *own = key;
			struct log_link *link = owner_of_option(ret, &own);

			r = r < 0 ? r : json_set(link->options, own, json_object_get(value));
		}
		r = r < 0 ? error_no_memory(err) : 0;
	}
	if (r < 0) {
		log_chain_done(ret);
	}
	return r;
}

char *log_default_driver(struct core *core)
{
	struct json_object *list = config_list(core->config, "log.driver");
	auto_(buf) struct buf text = BUF_INIT;

	for (size_t i = 0; i < json_array_size(list); i++) {
		buf_addf(&text, "%s%s", i ? "," : "", json_item_string(list, i));
	}
	return buf_failed(&text) ? NULL : strdup(buf_str(&text));
}

/* Options of the configuration that the request does not set itself. */
static void add_default_options(struct core *core, struct json_object *options)
{
	struct json_object *list = config_list(core->config, "log.options");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *item = json_item_string(list, i);
		const char *eq = strchr(item, '=');
		auto_free char *key = eq ? strndup(item, (size_t)(eq - item)) : NULL;

		if (key && !json_get(options, key)) {
			json_set_string(options, key, eq + 1);
		}
	}
}

static int check_link(struct core *core, struct log_link *link, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = registry_get(core->registry, "log", link->name, &link->driver, err);

	if (r == GANTRY_ERR_NOT_FOUND) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "logger: no log driver named '%s' is registered", link->name);
	}
	if (r < 0 || json_member_count(link->options) == 0) {
		return r;
	}
	return log_check_options(link->driver,
				 &GANTRY_LOG_CHECK_OPTIONS_ARGS(.options = json_text(link->options)),
				 &ret, err);
}

int log_config_check(struct core *core, struct json_object *hc, struct gantry_error *err)
{
	struct json_object *log = json_get_object(hc, "LogConfig");
	const char *type = json_get_string(log, "Type");
	auto_(log_chain) struct log_chain chain = { .n = 0 };
	auto_free char *driver = log_default_driver(core);
	int r;

	if (!log) {
		log = json_object_new_object();
		json_set(hc, "LogConfig", log);
	}
	if (!driver || !log) {
		return error_no_memory(err);
	}
	if (!type || !*type) {
		json_set_string(log, "Type", driver);
	}
	if (!json_get_object(log, "Config")) {
		json_set(log, "Config", json_object_new_object());
	}
	/* They are those of the configured driver, and no other's. */
	if (driver && !strcmp(json_get_string(log, "Type"), driver)) {
		add_default_options(core, json_get_object(log, "Config"));
	}
	r = log_chain_read(core, log, NULL, &chain, err);
	for (unsigned i = 0; r == 0 && i < chain.n; i++) {
		r = check_link(core, &chain.links[i], err);
	}
	return r;
}

void log_remove_all(struct core *core, struct container *c)
{
	auto_(log_chain) struct log_chain chain = { .n = 0 };
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int r = log_chain_read(core, json_get_object(container_host_config(c), "LogConfig"), c->id,
			       &chain, &ignored);

	for (unsigned i = 0; r == 0 && i < chain.n; i++) {
		struct log_link *link = &chain.links[i];
		struct gantry_error why = GANTRY_ERROR_INIT;
		auto_(reply) struct reply ret = REPLY_INIT;

		if (registry_get(core->registry, "log", link->name, &link->driver, &why) == 0 &&
		    driver_has(link->driver, GANTRY_LOG_OP_REMOVE)) {
			(void)log_remove(link->driver,
					 &GANTRY_LOG_REMOVE_ARGS(.container = c->id, .directory = link->dir),
					 &ret, &why);
		}
	}
}
