/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantry's own objects under /gantry/, and its plugins in the shape in which
 * Docker shows managed plugins, so that `docker plugin ls` and inspect work.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "handlers.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

static int doctor(struct request *rq, int clear, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, doctor, &GANTRY_ENGINE_DOCTOR_ARGS(.clear = clear), &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_DOCTOR_RET_REPORT), err);
}

int gantry_doctor(struct request *rq, struct gantry_error *err)
{
	return doctor(rq, 0, err);
}

int gantry_doctor_clear(struct request *rq, struct gantry_error *err)
{
	return doctor(rq, 1, err);
}

/* {Command, Name, Text, Test, Number}: what `gantry policy` sends. */
int gantry_policy(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *body = NULL;
	const char *text, *command;
	int r = request_json_required(rq, &text, err);

	if (r == 0) {
		r = json_parse_object(text, "body", &body, err);
	}
	if (r < 0) {
		return r;
	}
	command = json_get_string(body, "Command");
	if (!command) {
		return error_set(err, GANTRY_ERR_INVALID, "Command is missing");
	}
	r = ENGINE(rq, policy,
		   &GANTRY_ENGINE_POLICY_ARGS(.command = command, .name = json_get_string(body, "Name"),
					      .text = json_get_string(body, "Text"),
					      .test = json_get_string(body, "Test"),
					      .number = json_get_int(body, "Number", 0)),
		   &ret, err);
	return r < 0 ? r : answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_POLICY_RET_REPORT), err);
}

/* {Command, Name, Options}: what `gantry plugin` sends about packages. */
int gantry_plugin_manage(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *body = NULL;
	struct json_object *options;
	const char *text, *command;
	int r = request_json_required(rq, &text, err);

	if (r == 0) {
		r = json_parse_object(text, "body", &body, err);
	}
	if (r < 0) {
		return r;
	}
	command = json_get_string(body, "Command");
	if (!command) {
		return error_set(err, GANTRY_ERR_INVALID, "Command is missing");
	}
	options = json_get_object(body, "Options");
	r = ENGINE(rq, plugin_manage,
		   &GANTRY_ENGINE_PLUGIN_MANAGE_ARGS(.command = command, .name = json_get_string(body, "Name"),
						     .options = options ? json_text(options) : NULL),
		   &ret, err);
	return r < 0 ? r : answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_PLUGIN_MANAGE_RET_REPORT), err);
}

/* What a monitor driver reports, as it is. */
int gantry_metrics(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, monitor_report, &GANTRY_ENGINE_MONITOR_REPORT_ARGS(.name = rq->name), &ret, err);

	return r < 0 ? r
		     : answer_typed(rq, reply_string(&ret, GANTRY_ENGINE_MONITOR_REPORT_RET_MEDIA_TYPE),
				    reply_string(&ret, GANTRY_ENGINE_MONITOR_REPORT_RET_TEXT), err);
}

static int list(struct request *rq, struct reply *ret, struct gantry_error *err)
{
	auto_free char *filters = NULL;
	int r = request_filters(rq, &filters, err);

	if (r < 0) {
		return r;
	}
	return ENGINE(rq, plugin_list, &GANTRY_ENGINE_PLUGIN_LIST_ARGS(.filters = filters), ret,
		      err);
}

int gantry_plugins_list(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = list(rq, &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_PLUGIN_LIST_RET_PLUGINS), err);
}

int gantry_plugin_inspect(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, plugin_inspect, &GANTRY_ENGINE_PLUGIN_INSPECT_ARGS(.name = rq->name),
		       &ret, err);

	if (r < 0) {
		return r;
	}
	return answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_PLUGIN_INSPECT_RET_PLUGIN),
			   err);
}

int gantry_plugin_stats(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *name = rq->name && *rq->name ? rq->name : NULL;
	int r = ENGINE(rq, plugin_stats, &GANTRY_ENGINE_PLUGIN_STATS_ARGS(.name = name), &ret, err);

	return r < 0 ? r : answer_json(rq, 200, reply_string(&ret, GANTRY_ENGINE_PLUGIN_STATS_RET_STATS), err);
}

int gantry_plugin_reload(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, plugin_reload, &GANTRY_ENGINE_PLUGIN_RELOAD_ARGS(.name = rq->name), &ret, err);

	return r < 0 ? r : answer_empty(rq, 204, err);
}

int gantry_plugin_logs(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int64_t tail = 0;
	int follow = query_bool(&rq->query, "follow", 0);
	int r = query_int(&rq->query, "tail", &tail, err);

	if (r == 0) {
		r = ENGINE(rq, plugin_logs,
			   &GANTRY_ENGINE_PLUGIN_LOGS_ARGS(.name = rq->name, .tail = tail, .follow = follow), &ret,
			   err);
	}
	return r < 0 ? r
		     : answer_stream(rq, "text/plain", reply_take_fd(&ret, GANTRY_ENGINE_PLUGIN_LOGS_RET_STREAM),
				     err);
}

int gantry_plugin_trace(struct request *rq, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = ENGINE(rq, plugin_trace, &GANTRY_ENGINE_PLUGIN_TRACE_ARGS(.name = rq->name), &ret, err);

	return r < 0 ? r : answer_stream(rq, TYPE_JSON, reply_take_fd(&ret, GANTRY_ENGINE_PLUGIN_TRACE_RET_STREAM), err);
}

/* Docker shows an id of 64 hex digits; a name's hash serves, as names are unique. */
static void id_of_name(const char *name, char *ret, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (const char *p = name; *p; p++) {
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
	}
	snprintf(ret, size, "%016llx%048d", (unsigned long long)hash, 0);
}

static int add_empty(struct json_object *config)
{
	static const char *const arrays[] = { "Entrypoint", "Env", "Mounts" };

	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
		if (json_set(config, arrays[i], json_object_new_array()) < 0) {
			return GANTRY_ERR_NO_MEMORY;
		}
	}
	return 0;
}

/* Docker's Config.Interface.Types: one "gantry.KIND/1.0" per driver. */
static int add_types(struct json_object *config, struct json_object *plugin)
{
	struct json_object *interface = json_object_new_object();
	struct json_object *types = json_object_new_array();
	struct json_object *drivers = json_get_array(plugin, "Drivers");
	int r = interface ? json_set(interface, "Types", types) : GANTRY_ERR_NO_MEMORY;

	for (size_t i = 0; r == 0 && i < json_array_size(drivers); i++) {
		const char *kind = json_get_string(json_object_array_get_idx(drivers, i), "Kind");
		char text[64];

		snprintf(text, sizeof(text), "gantry.%s/1.0", kind ? kind : "driver");
		r = json_add_string(types, text);
	}
	if (r == 0) {
		r = json_set_string(interface, "Socket", "");
	}
	if (r < 0) {
		json_object_put(interface);
		return r;
	}
	return json_set(config, "Interface", interface);
}

/* What Docker's does not have: each driver with its statistics. */
static int add_drivers(struct json_object *o, struct json_object *plugin)
{
	struct json_object *drivers = json_get_array(plugin, "Drivers");

	return drivers ? json_set(o, "Drivers", json_object_get(drivers)) : 0;
}

/* A plugin of gantry's as Docker shows one; NULL is out of memory. */
static struct json_object *docker_plugin(struct json_object *plugin)
{
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *config = json_object_new_object();
	const char *name = json_get_string(plugin, "Name");
	const char *about = json_get_string(plugin, "Summary");
	char id[80];

	if (!o || !config || json_set(o, "Config", config) < 0) {
		return NULL;
	}
	id_of_name(name ? name : "", id, sizeof(id));
	if (json_set_string(o, "Id", id) < 0 || json_set_string(o, "Name", name ? name : "") < 0 ||
	    json_set_bool(o, "Enabled", json_get_bool(plugin, "Enabled", 1)) < 0 ||
	    json_set(o, "Settings", json_object_new_object()) < 0 ||
	    json_set_string(config, "Description", about ? about : "") < 0 ||
	    add_empty(config) < 0 || add_types(config, plugin) < 0 || add_drivers(o, plugin) < 0) {
		return NULL;
	}
	return steal(&o);
}

/* gantry's plugins as an array that the caller owns. */
static int parsed_list(struct request *rq, struct json_object **ret, struct gantry_error *err)
{
	auto_(reply) struct reply answer = REPLY_INIT;
	const char *text;
	int r = list(rq, &answer, err);

	if (r < 0) {
		return r;
	}
	text = reply_string(&answer, GANTRY_ENGINE_PLUGIN_LIST_RET_PLUGINS);
	return text ? json_parse(text, strlen(text), "the list of plugins", ret, err) :
		      error_set(err, GANTRY_ERR_INTERNAL, "the engine gave no list of plugins");
}

int plugins_list(struct request *rq, struct gantry_error *err)
{
	auto_json struct json_object *in = NULL;
	auto_json struct json_object *out = json_object_new_array();
	int r = parsed_list(rq, &in, err);

	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < json_array_size(in); i++) {
		struct json_object *one = docker_plugin(json_object_array_get_idx(in, i));

		if (!one || !out || json_object_array_add(out, one) < 0) {
			json_object_put(one);
			return error_no_memory(err);
		}
	}
	return answer_object(rq, 200, steal(&out), err);
}

/* Docker finds a plugin by its name or by the start of its id. */
static int is_named(struct json_object *plugin, const char *wanted)
{
	const char *name = json_get_string(plugin, "Name");
	char id[80];

	id_of_name(name ? name : "", id, sizeof(id));
	return name && (!strcmp(name, wanted) ||
			(*wanted && !strncmp(id, wanted, strlen(wanted))));
}

int plugin_inspect(struct request *rq, struct gantry_error *err)
{
	auto_json struct json_object *in = NULL;
	int r = parsed_list(rq, &in, err);

	for (size_t i = 0; r == 0 && i < json_array_size(in); i++) {
		struct json_object *plugin = json_object_array_get_idx(in, i);

		if (is_named(plugin, rq->name)) {
			return answer_object(rq, 200, docker_plugin(plugin), err);
		}
	}
	return r < 0 ? r : error_set(err, GANTRY_ERR_NOT_FOUND, "plugin \"%s\" not found", rq->name);
}
