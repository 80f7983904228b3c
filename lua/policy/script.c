/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading one policy script: run its text, read the hooks it declared, give it
 * what it needs.  The text is kept, so that a script whose state was stopped is
 * loaded again.  A script is immutable but for its state, which `lock` guards.
 */
#include <stdlib.h>
#include <string.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"

#include "lua/policy/internal.h"

/* What a script may take to declare its hooks. */
#define LOAD_NS INT64_C(1000000000)

struct policy_script *policy_script_ref(struct policy_script *script)
{
	__atomic_add_fetch(&script->refs, 1, __ATOMIC_RELAXED);
	return script;
}

static void free_hook(struct hook *hook)
{
	free(hook->name);
	filters_free(hook->filters, hook->n_filters);
}

static void free_strings(char **list)
{
	size_t i;

	for (i = 0; list && list[i]; i++) {
		free(list[i]);
	}
	free(list);
}

struct policy_script *policy_script_unref(struct policy_script *script)
{
	size_t i;

	if (!script || __atomic_sub_fetch(&script->refs, 1, __ATOMIC_ACQ_REL) > 0) {
		return NULL;
	}
	sandbox_free(script->sb);
	if (script->has_services && script->config->drop_services) {
		script->config->drop_services(script->config->ctx, &script->services);
	}
	for (i = 0; i < script->n_hooks; i++) {
		free_hook(&script->hooks[i]);
	}
	free(script->hooks);
	free_strings(script->needs);
	json_object_put(script->declared);
	json_object_put(script->manifest);
	pthread_mutex_destroy(&script->lock);
	free(script->name);
	free(script->version);
	free(script->text);
	free(script);
	return NULL;
}

/* ---- what a hook was declared with ---- */

static int read_point(json_object *value, unsigned *ret_points, struct gantry_error *err)
{
	const char *name = json_object_get_string(value);
	int point = name && json_object_is_type(value, json_type_string) ?
			    policy_point_find(name) : -1;

	if (point < 0) {
		error_set(err, GANTRY_ERR_INVALID, "'%s' is not a point at which hooks run",
			  name ? name : "nil");
		return error_hint(err, "points are listed in docs/policy-cookbook.md: "
				  "container.create, image.pull, ...");
	}
	*ret_points |= 1u << point;
	return 0;
}

static int read_points(json_object *value, unsigned *ret_points, struct gantry_error *err)
{
	size_t i;
	int r;

	if (!json_object_is_type(value, json_type_array)) {
		return read_point(value, ret_points, err);
	}
	for (i = 0; i < json_object_array_length(value); i++) {
		r = read_point(json_object_array_get_idx(value, i), ret_points, err);
		if (r < 0) {
			return r;
		}
	}
	return *ret_points ? 0 :
	       error_set(err, GANTRY_ERR_INVALID, "the list of points is empty");
}

static int read_fail(json_object *value, int *ret_open, struct gantry_error *err)
{
	const char *text = json_object_get_string(value);

	if (value && strcmp(text, "open") != 0 && strcmp(text, "closed") != 0) {
		return error_set(err, GANTRY_ERR_INVALID, "fail is \"closed\" or \"open\", not %s",
				 text);
	}
	*ret_open = value && strcmp(text, "open") == 0;
	return 0;
}

static int read_deadline(json_object *value, int64_t *ret_ns, struct gantry_error *err)
{
	double seconds = json_object_get_double(value);

	if (!value) {
		return 0;
	}
	if (!(seconds > 0 && seconds * 1e9 <= (double)POLICY_DEADLINE_MAX)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "deadline is a number of seconds up to 10");
	}
	*ret_ns = (int64_t)(seconds * 1e9);
	return 0;
}

static int check_names(json_object *declared, const char *const *known, struct gantry_error *err)
{
	if (!json_object_is_type(declared, json_type_object)) {
		return error_set(err, GANTRY_ERR_INVALID, "it takes named fields, not a list");
	}
	json_object_object_foreach(declared, key, value)
	{
		const char *const *name = known;

		(void)value;
		while (*name && strcmp(*name, key) != 0) {
			name++;
		}
		if (!*name) {
			return error_set(err, GANTRY_ERR_INVALID, "unknown field '%s'", key);
		}
	}
	return 0;
}

static int read_hook_fields(struct hook *hook, json_object *declared, struct gantry_error *err)
{
	static const char *const known[] = { "name", "point", "priority", "fail", "deadline",
					     "match", NULL };
	int r = check_names(declared, known, err);

	if (r == 0) {
		r = read_points(json_get(declared, "point"), &hook->points, err);
	}
	if (r == 0) {
		r = read_fail(json_get(declared, "fail"), &hook->fail_open, err);
	}
	if (r == 0) {
		r = read_deadline(json_get(declared, "deadline"), &hook->deadline_ns, err);
	}
	if (r == 0) {
		hook->priority = (int)json_get_int(declared, "priority", 50);
		r = filters_read(json_get(declared, "match"), &hook->filters, &hook->n_filters,
				 err);
	}
	return r;
}

static int read_hook(struct policy_script *script, struct hook *hook, json_object *declared,
		     struct gantry_error *err)
{
	const char *name = json_get_string(declared, "name");
	int r;

	hook->script = script;
	hook->number = (int)(hook - script->hooks) + 1;
	hook->deadline_ns = script->config->limits.deadline_ns;
	hook->name = strdup(name ? name : script->name);
	if (!hook->name) {
		return error_no_memory(err);
	}
	r = read_hook_fields(hook, declared, err);
	return r < 0 ? error_prefix(err, "script %s, hook %s", script->name, hook->name) : 0;
}

static int read_hooks(struct policy_script *script, struct gantry_error *err)
{
	size_t i, n = json_object_array_length(script->declared);
	int r;

	if (n == 0) {
		error_set(err, GANTRY_ERR_INVALID, "script %s declares no hook", script->name);
		return error_hint(err, "declare one with hook { point = ..., run = function(request) "
				  "... end }");
	}
	script->hooks = calloc(n, sizeof(*script->hooks));
	if (!script->hooks) {
		return error_no_memory(err);
	}
	for (i = 0; i < n; i++) {
		script->n_hooks = i + 1;
		r = read_hook(script, &script->hooks[i],
			      json_object_array_get_idx(script->declared, i), err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* ---- what the script was declared with ---- */

static int read_needs(struct policy_script *script, struct gantry_error *err)
{
	json_object *list = json_get_array(script->manifest, "needs");
	size_t i, n = json_array_size(list);

	script->needs = calloc(n + 1, sizeof(*script->needs));
	if (!script->needs) {
		return error_no_memory(err);
	}
	for (i = 0; i < n; i++) {
		const char *text = json_item_string(list, i);

		if (!text) {
			return error_set(err, GANTRY_ERR_INVALID,
					 "script %s: needs is a list of texts", script->name);
		}
		script->needs[i] = strdup(text);
		if (!script->needs[i]) {
			return error_no_memory(err);
		}
	}
	return 0;
}

static int read_manifest(struct policy_script *script, struct gantry_error *err)
{
	static const char *const known[] = { "name", "version", "needs", "doc", NULL };
	const char *version = json_get_string(script->manifest, "version");
	int r = 0;

	if (script->manifest) {
		r = check_names(script->manifest, known, err);
	}
	if (r < 0) {
		return error_prefix(err, "script %s, policy", script->name);
	}
	free(script->version);
	script->version = strdup(version ? version : "0");
	if (!script->version) {
		return error_no_memory(err);
	}
	return read_needs(script, err);
}

/* ---- the state ---- */

static void open_functions(lua_State *L, void *arg)
{
	(void)arg;
	hook_functions_open(L);
}

/* A state in which the text has run: the hooks' functions are in its registry. */
static int make_state(struct policy_script *script, int64_t budget_ns, struct gantry_error *err)
{
	struct sandbox_config config = {
		.memory_bytes = script->config->limits.memory_bytes,
		.deadline_ns = POLICY_DEADLINE_MAX,
		.services = &script->services,
	};
	struct sandbox *sb = sandbox_new(&config, err);
	int r;

	if (!sb) {
		return err->code;
	}
	json_object_put(script->declared);
	json_object_put(script->manifest);
	script->manifest = NULL;
	script->declared = json_object_new_array();
	sandbox_set_user(sb, script);
	r = script->declared ? sandbox_call(sb, open_functions, NULL, 0, err) :
			       error_no_memory(err);
	if (r == 0) {
		r = sandbox_load(sb, script->name, script->text, script->len, budget_ns, err);
	}
	sandbox_set_user(sb, NULL);
	if (r < 0) {
		sandbox_free(sb);
		return r;
	}
	script->sb = sb;
	return 0;
}

int script_revive(struct policy_script *script, int64_t budget_ns, struct gantry_error *err)
{
	if (script->sb && sandbox_stopped(script->sb) == SANDBOX_ALIVE) {
		return 0;
	}
	sandbox_free(script->sb);
	script->sb = NULL;
	return make_state(script, budget_ns, err);
}

static int give_services(struct policy_script *script, struct gantry_error *err)
{
	const struct policy_config *config = script->config;
	int r;

	if (!config->get_services) {
		return 0;
	}
	r = config->get_services(config->ctx, script->name, (const char *const *)script->needs,
				 &script->services, err);
	script->has_services = r == 0;
	return r < 0 ? error_prefix(err, "script %s", script->name) : 0;
}

static int load(struct policy_script *script, struct gantry_error *err)
{
	int r = make_state(script, LOAD_NS, err);

	if (r == 0) {
		r = read_manifest(script, err);
	}
	if (r == 0) {
		r = read_hooks(script, err);
	}
	return r == 0 ? give_services(script, err) : r;
}

int policy_script_load(const struct policy_config *config, const char *name, const char *text,
		       size_t len, struct policy_script **ret, struct gantry_error *err)
{
	struct policy_script *script = calloc(1, sizeof(*script));

	if (!script) {
		return error_no_memory(err);
	}
	script->refs = 1;
	pthread_mutex_init(&script->lock, NULL);
	script->config_copy = *config;
	script->config = &script->config_copy;
	if (!script->config_copy.limits.deadline_ns) {
		script->config_copy.limits.deadline_ns = SANDBOX_DEADLINE_DEFAULT;
	}
	script->name = strdup(name);
	script->text = malloc(len + 1);
	if (!script->name || !script->text) {
		policy_script_unref(script);
		return error_no_memory(err);
	}
	memcpy(script->text, text, len);
	script->text[len] = '\0';
	script->len = len;
	sha256_text(text, len, script->digest);
	if (load(script, err) < 0) {
		policy_script_unref(script);
		return err->code;
	}
	*ret = script;
	return 0;
}

const char *policy_script_name(const struct policy_script *script)
{
	return script->name;
}

const char *policy_script_digest(const struct policy_script *script)
{
	return script->digest;
}

static json_object *describe_hook(const struct hook *hook, json_object *declared)
{
	json_object *o = json_object_new_object();
	json_object *points = json_object_new_array();
	int i;

	for (i = 0; policy_points[i].name; i++) {
		if (hook->points & (1u << i)) {
			json_add_string(points, policy_points[i].name);
		}
	}
	json_set_string(o, "name", hook->name);
	json_set(o, "points", points);
	json_set_int(o, "priority", hook->priority);
	json_set_string(o, "fail", hook->fail_open ? "open" : "closed");
	json_set_int(o, "deadline_ms", hook->deadline_ns / 1000000);
	if (json_get(declared, "match")) {
		json_set(o, "match", json_object_get(json_get(declared, "match")));
	}
	return o;
}

json_object *policy_script_describe(const struct policy_script *script)
{
	json_object *o = json_object_new_object();
	json_object *hooks = json_object_new_array(), *needs = json_object_new_array();
	size_t i;

	for (i = 0; i < script->n_hooks; i++) {
		json_object_array_add(hooks, describe_hook(&script->hooks[i],
				      json_object_array_get_idx(script->declared, i)));
	}
	for (i = 0; script->needs && script->needs[i]; i++) {
		json_add_string(needs, script->needs[i]);
	}
	json_set_string(o, "name", script->name);
	json_set_string(o, "version", script->version);
	json_set_string(o, "digest", script->digest);
	json_set(o, "needs", needs);
	json_set(o, "hooks", hooks);
	return o;
}
