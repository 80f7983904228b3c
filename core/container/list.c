/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/container/container.h"
#include "core/container/filters.h"
#include "core/container/present.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

struct listing {
	const struct gantry_engine_container_list_args *args;
	struct json_object *filters;
	struct json_object *out;
	int64_t before_ns, since_ns;
};

/* "Less than a second", "5 minutes", "2 hours" as Docker says them. */
static void human_duration(int64_t seconds, char *text, size_t size)
{
	if (seconds < 1) {
		snprintf(text, size, "Less than a second");
	} else if (seconds < 60) {
		snprintf(text, size, "%lld second%s", (long long)seconds, seconds == 1 ? "" : "s");
	} else if (seconds < 120) {
		snprintf(text, size, "About a minute");
	} else if (seconds < 3600) {
		snprintf(text, size, "%lld minutes", (long long)seconds / 60);
	} else if (seconds < 5400) {
		snprintf(text, size, "About an hour");
	} else if (seconds < 48 * 3600) {
		snprintf(text, size, "%lld hours", (long long)(seconds + 1800) / 3600);
	} else if (seconds < 14 * 86400) {
		snprintf(text, size, "%lld days", (long long)seconds / 86400);
	} else if (seconds < 60 * 86400) {
		snprintf(text, size, "%lld weeks", (long long)seconds / (7 * 86400));
	} else if (seconds < 2 * 365 * 86400LL) {
		snprintf(text, size, "%lld months", (long long)seconds / (30 * 86400));
	} else {
		snprintf(text, size, "%lld years", (long long)seconds / (365 * 86400));
	}
}

static const char *health_status(struct core *core, const struct container *c, char text[16])
{
	struct json_object *health;
	const char *kind = json_item_string(
		json_get_array(json_get_object(container_config(c), "Healthcheck"), "Test"), 0);

	if (!kind || !strcmp(kind, "NONE")) {
		return "none";
	}
	health = present_health(core, c);
	snprintf(text, 16, "%s", json_get_string(health, "Status") ? json_get_string(health, "Status")
								   : "starting");
	json_object_put(health);
	return text;
}

/* The STATUS column. */
static void status_text(struct core *core, const struct container *c, char *out, size_t size)
{
	char ago[64], buffer[16];
	int64_t now = time_now_ns();
	int up = container_is_running(c) && !container_is(c, "restarting");
	int64_t since = json_get_int(c->state, up ? "StartedNs" : "FinishedNs", 0);
	int code = (int)json_get_int(c->state, "ExitCode", 0);
	const char *health;

	human_duration((now - since) / 1000000000, ago, sizeof(ago));
	if (container_is(c, "restarting")) {
		snprintf(out, size, "Restarting (%d) %s ago", code, ago);
	} else if (container_is(c, "paused")) {
		snprintf(out, size, "Up %s (Paused)", ago);
	} else if (container_is(c, "running")) {
		health = health_status(core, c, buffer);
		if (!strcmp(health, "none")) {
			snprintf(out, size, "Up %s", ago);
		} else {
			snprintf(out, size, "Up %s (%s%s)", ago,
				 strcmp(health, "starting") ? "" : "health: ", health);
		}
	} else if (container_is(c, "exited")) {
		snprintf(out, size, "Exited (%d) %s ago", code, ago);
	} else if (container_is(c, "removing")) {
		snprintf(out, size, "Removal In Progress");
	} else if (container_is(c, "dead")) {
		snprintf(out, size, "Dead");
	} else {
		snprintf(out, size, "Created");
	}
}

/* [{IP,PrivatePort,PublicPort,Type}] of state.Ports. */
static struct json_object *list_ports(const struct container *c)
{
	struct json_object *list = json_object_new_array();
	struct json_object *ports = json_get_object(c->state, "Ports");

	if (!ports || !container_is_running(c)) {
		return list;
	}
	json_object_object_foreach(ports, key, bindings)
	{
		const char *slash = strchr(key, '/');
		size_t n = json_array_size(bindings);

		for (size_t i = 0; i < (n ? n : 1); i++) {
			struct json_object *o = json_object_new_object();
			struct json_object *b = n ? json_object_array_get_idx(bindings, i) : NULL;

			json_set_string(o, "IP", json_get_string(b, "HostIp"));
			json_set_int(o, "PrivatePort", atoi(key));
			if (b) {
				json_set_int(o, "PublicPort", atoi(json_get_string(b, "HostPort")));
			}
			json_set_string(o, "Type", slash ? slash + 1 : "tcp");
			json_object_array_add(list, o);
		}
	}
	return list;
}

static struct json_object *make_command(const struct container *c)
{
	struct json_object *args = json_get_array(c->doc, "Args");
	size_t n = 0;
	char text[4096];

	n = (size_t)snprintf(text, sizeof(text), "%s", json_get_string(c->doc, "Path"));
	for (size_t i = 0; i < json_array_size(args) && n < sizeof(text); i++) {
		const char *arg = json_item_string(args, i);

		/* As Docker: words with spaces are quoted. */
		n += (size_t)snprintf(text + n, sizeof(text) - n, strchr(arg, ' ') ? " '%s'" : " %s", arg);
	}
	return json_object_new_string(text);
}

static void add_networks(struct core *core, const struct container *c, struct json_object *o)
{
	struct json_object *settings = json_object_new_object();

	json_set(settings, "Networks", present_networks(core, c));
	json_set(o, "NetworkSettings", settings);
}

static struct json_object *summary(struct core *core, const struct container *c, int size)
{
	struct json_object *o = json_object_new_object();
	struct json_object *names = json_object_new_array();
	struct json_object *host = json_object_new_object();
	struct json_object *labels = json_get_object(container_config(c), "Labels");
	auto_free char *name = NULL;
	char status[128];

	if (asprintf(&name, "/%s", c->name) >= 0) {
		json_add_string(names, name);
	}
	json_set_string(o, "Id", c->id);
	json_set(o, "Names", names);
	json_set_string(o, "Image", json_get_string(container_config(c), "Image"));
	json_set_string(o, "ImageID", c->image);
	json_set(o, "Command", make_command(c));
	json_set_int(o, "Created", c->created_ns / 1000000000);
	json_set(o, "Ports", list_ports(c));
	if (size) {
		int64_t rw = 0, total = 0;

		present_sizes(core, c, &rw, &total);
		json_set_int(o, "SizeRw", rw);
		json_set_int(o, "SizeRootFs", total);
	}
	json_set(o, "Labels", labels ? json_object_get(labels) : json_object_new_object());
	json_set_string(o, "State", c->status);
	status_text(core, c, status, sizeof(status));
	json_set_string(o, "Status", status);
	json_set_string(host, "NetworkMode", json_get_string(container_host_config(c), "NetworkMode"));
	json_set(o, "HostConfig", host);
	add_networks(core, c, o);
	json_set(o, "Mounts", present_mounts(core, c));
	return o;
}

struct subject {
	struct core *core;
	const struct container *c;
};

static int id_matches(const char *value, const void *data)
{
	return !strncmp(((const struct subject *)data)->c->id, value, strlen(value));
}

static int name_matches(const char *value, const void *data)
{
	const char *name = ((const struct subject *)data)->c->name;
	size_t n;
	auto_free char *copy = strdup(value + (value[0] == '^') + (value[value[0] == '^'] == '/'));

	/* Anchors are what people use of the regular expressions Docker takes here. */
	n = copy ? strlen(copy) : 0;
	if (n && copy[n - 1] == '$') {
		copy[n - 1] = '\0';
		return value[0] == '^' ? !strcmp(name, copy)
				       : strlen(name) >= n - 1 &&
						 !strcmp(name + strlen(name) - (n - 1), copy);
	}
	return value[0] == '^' ? !strncmp(name, copy, n) : copy && strstr(name, copy) != NULL;
}

static int status_matches(const char *value, const void *data)
{
	return !strcmp(((const struct subject *)data)->c->status, value);
}

static int exited_matches(const char *value, const void *data)
{
	const struct container *c = ((const struct subject *)data)->c;

	return !container_is_running(c) && !container_is(c, "created") &&
	       json_get_int(c->state, "ExitCode", 0) == atoi(value);
}

static int ancestor_matches(const char *value, const void *data)
{
	const struct container *c = ((const struct subject *)data)->c;
	const char *image = json_get_string(container_config(c), "Image");
	size_t n = strlen(value);
	const char *digest = c->image + 7;

	return !strcmp(image, value) || (!strncmp(image, value, n) && image[n] == ':') ||
	       !strncmp(digest, value, n) || !strncmp(c->image, value, n);
}

static int volume_matches(const char *value, const void *data)
{
	struct json_object *mounts = json_get_array(((const struct subject *)data)->c->doc, "Mounts");

	for (size_t i = 0; i < json_array_size(mounts); i++) {
		struct json_object *m = json_object_array_get_idx(mounts, i);
		const char *name = json_get_string(m, "Name");

		if ((name && !strcmp(name, value)) || !strcmp(json_get_string(m, "Destination"), value) ||
		    !strcmp(json_get_string(m, "Source"), value)) {
			return 1;
		}
	}
	return 0;
}

static int network_matches(const char *value, const void *data)
{
	const struct container *c = ((const struct subject *)data)->c;
	struct json_object *live = json_get_object(c->state, "Networks");

	if (!strcmp(json_get_string(container_host_config(c), "NetworkMode"), value)) {
		return 1;
	}
	if (live) {
		json_object_object_foreach(live, name, settings)
		{
			const char *id = json_get_string(settings, "NetworkID");

			if (!strcmp(name, value) || (id && !strncmp(id, value, strlen(value)))) {
				return 1;
			}
		}
	}
	return 0;
}

static int health_matches(const char *value, const void *data)
{
	const struct subject *s = data;
	char text[16];

	return !strcmp(health_status(s->core, s->c, text), value);
}

static int passes(struct core *core, const struct container *c, struct json_object *filters)
{
	static const struct {
		const char *key;
		int (*test)(const char *value, const void *data);
	} tests[] = {
		{ "id", id_matches },	    { "name", name_matches },	  { "status", status_matches },
		{ "exited", exited_matches }, { "ancestor", ancestor_matches }, { "volume", volume_matches },
		{ "network", network_matches }, { "health", health_matches },
	};
	struct subject subject = { core, c };

	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!filters_any(filters, tests[i].key, tests[i].test, &subject)) {
			return 0;
		}
	}
	return filters_match_labels(filters, json_get_object(container_config(c), "Labels"));
}

static int list_one(struct core *core, struct container *c, void *data, struct gantry_error *err)
{
	struct listing *l = data;
	int all = l->args->all || l->args->limit > 0 || json_get(l->filters, "status") ||
		  json_get(l->filters, "exited");

	present_restarting(core, c);
	if ((!all && !container_is_running(c)) || (l->before_ns && c->created_ns >= l->before_ns) ||
	    c->created_ns <= l->since_ns || !passes(core, c, l->filters)) {
		return 0;
	}
	json_object_array_add(l->out, summary(core, c, (int)l->args->size));
	return l->args->limit > 0 && json_array_size(l->out) >= (size_t)l->args->limit;
}

/* before=NAME, since=NAME: the time that container was created. */
static int anchor_time(struct core *core, struct json_object *filters, const char *key, int64_t *ret,
		       struct gantry_error *err)
{
	const char *name = json_item_string(json_get_array(filters, key), 0);
	auto_container struct container *c = NULL;
	int r = name ? container_find(core, name, &c, err) : 0;

	if (c) {
		*ret = c->created_ns;
	}
	return r;
}

ENGINE_OP(container_list)
{
	static const char *const known[] = { "id",	"name",	  "status", "exited", "ancestor", "volume",
					     "network", "health", "label",  "before", "since",	  "label!",
					     "publish", "expose", "is-task", "isolation", NULL };
	struct core *core = self;
	auto_json struct json_object *filters = NULL;
	auto_json struct json_object *out = json_object_new_array();
	struct listing l = { .args = args, .out = out };
	int r = json_parse_object(args->filters, "filters", &filters, err);

	l.filters = filters;
	if (r == 0) {
		r = filters_check(filters, known, err);
	}
	if (r == 0) {
		r = anchor_time(core, filters, "before", &l.before_ns, err);
	}
	if (r == 0) {
		r = anchor_time(core, filters, "since", &l.since_ns, err);
	}
	if (r == 0) {
		r = container_each(core, list_one, &l, err);
	}
	return r < 0 ? r : gantry_engine_container_list_set_containers(reply, json_text(out));
}
