/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin is activated once per process.  Its address is looked up for each call, so
 * that one which comes back elsewhere is found.  One that did not answer fails questions
 * at once for a while: a list of a hundred volumes waits for it once and not a hundred
 * times.  What is to be done is always tried. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "cleanup.h"
#include "docker_plugin.h"
#include "docker_plugin_find.h"
#include "error.h"
#include "io.h"

#define MEDIA_TYPE "application/vnd.docker.plugins.v1.2+json"
#define ANSWER_MAX ((size_t)4 << 20)
#define MUTE_NS INT64_C(5000000000)
#define LOOK_MS 1000L /* what `plugin ls` waits for one plugin */
#define LOOK_ALL_NS INT64_C(3000000000)
#define TEXT_MAX 600 /* of a plugin's own words */

struct docker_plugin {
	struct docker_plugin_folders folders;
	char *name;
	const char *interface;
	long work_ms, query_ms;
	atomic_int active;
	atomic_llong mute_until;
};

/* ---- one call ---- */

/* The plugin's words, on one line and without control characters. */
static void quote(const char *text, char *out)
{
	size_t n = 0;

	for (; *text && n < TEXT_MAX - 1; text++) {
		out[n++] = (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text;
	}
	while (n > 0 && out[n - 1] == ' ') {
		n--;
	}
	out[n] = '\0';
}

static int fail(const char *name, const char *method, const char *text, int status,
		struct gantry_error *err)
{
	char said[TEXT_MAX];

	quote(text, said);
	if (status == 404 && !*said) {
		snprintf(said, sizeof(said), "it has no such method");
	}
	return error_set(err, status == 404 ? GANTRY_ERR_UNSUPPORTED : GANTRY_ERR_IO,
			 "plugin %s: %s: %s", name, method, *said ? said : "it failed without a word");
}

/* Turns an HTTP answer into a document or into the plugin's error. */
static int read_answer(const char *name, const char *method, int status, const struct buf *body,
		       struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct gantry_error why = GANTRY_ERROR_INIT;
	const char *text;
	int r = body->len ? json_parse(body->data, body->len, "answer", &o, &why) : 0;

	text = r == 0 ? json_get_string(o, "Err") : NULL;
	if (status != 200) {
		return fail(name, method, text && *text ? text : buf_str(body), status, err);
	}
	if (r < 0 || (o && !json_object_is_type(o, json_type_object))) {
		return error_set(err, GANTRY_ERR_CORRUPT, "plugin %s: %s answered with no JSON object%s%s",
				 name, method, r < 0 ? ": " : "", r < 0 ? why.message : "");
	}
	if (text && *text) {
		return fail(name, method, text, 200, err);
	}
	*ret = o ? steal(&o) : json_object_new_object();
	return *ret ? 0 : error_no_memory(err);
}

static int post(const struct docker_plugin_folders *folders, const char *name, const char *method,
		struct json_object *request, long deadline_ms, struct json_object **ret,
		struct gantry_error *err)
{
	auto_(http_place) struct http_place place = HTTP_PLACE_INIT;
	auto_(buf) struct buf path = BUF_INIT, body = BUF_INIT;
	const char *text = request ? json_text(request) : "{}";
	struct http_call call = {
		.accept = MEDIA_TYPE,
		.body = text,
		.body_len = strlen(text),
		.deadline_ms = deadline_ms,
		.limit = ANSWER_MAX,
	};
	int status = 0;
	int r = docker_plugin_find(folders, name, &place, err);

	if (r < 0) {
		return r;
	}
	buf_addf(&path, "/%s", method);
	call.path = buf_str(&path);
	r = http_post_buf(&place, &call, &status, &body, err);
	if (r < 0) {
		error_prefix(err, "plugin %s", name);
		return error_hint(err, "is the plugin running? Its own log says more");
	}
	return read_answer(name, method, status, &body, ret, err);
}

/* ---- activation ---- */

static int implements(struct json_object *manifest, const char *interface)
{
	struct json_object *list = json_get_array(manifest, "Implements");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *item = json_item_string(list, i);

		if (item && !strcmp(item, interface)) {
			return 1;
		}
	}
	return 0;
}

static int activate(struct docker_plugin *p, struct gantry_error *err)
{
	auto_json struct json_object *manifest = NULL;
	char said[TEXT_MAX];
	int r;

	if (atomic_load(&p->active)) {
		return 0;
	}
	r = post(&p->folders, p->name, "Plugin.Activate", NULL, p->query_ms, &manifest, err);
	if (r < 0) {
		return r;
	}
	if (!implements(manifest, p->interface)) {
		quote(json_text(json_get(manifest, "Implements")), said);
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "plugin %s is no %s; it implements %s",
				 p->name, p->interface, said);
	}
	atomic_store(&p->active, 1);
	return 0;
}

/* ---- the interface ---- */

int docker_plugin_new(const char *config, const char *interface, struct docker_plugin **ret,
		      struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct docker_plugin *p;
	const char *name;
	int r = json_parse_object(config, "the adaptor's configuration", &o, err);

	if (r < 0) {
		return r;
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		return error_no_memory(err);
	}
	name = json_get_string(o, "driver");
	p->name = strdup(name ? name : "");
	p->interface = interface;
	p->work_ms = (long)json_get_int(o, "deadline", 60) * 1000;
	p->query_ms = (long)json_get_int(o, "query_deadline", 5) * 1000;
	r = p->name ? docker_plugin_folders_init(&p->folders, o, err) : error_no_memory(err);
	if (r == 0 && (p->work_ms <= 0 || p->query_ms <= 0)) {
		r = error_set(err, GANTRY_ERR_INVALID, "deadline and query_deadline must be above 0");
	}
	if (r < 0) {
		docker_plugin_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct docker_plugin *docker_plugin_free(struct docker_plugin *p)
{
	if (p) {
		docker_plugin_folders_done(&p->folders);
		free(p->name);
		free(p);
	}
	return NULL;
}

const char *docker_plugin_name(const struct docker_plugin *p)
{
	return p->name;
}

static int check_named(const struct docker_plugin *p, struct gantry_error *err)
{
	if (!*p->name) {
		error_set(err, GANTRY_ERR_INVALID, "the adaptor of Docker's plugins serves none itself");
		return error_hint(err, "name a plugin; `gantry plugin ls` shows those that were found");
	}
	return 0;
}

static void note_silence(struct docker_plugin *p, int r)
{
	if (r == GANTRY_ERR_TIMEOUT) {
		atomic_store(&p->mute_until, time_monotonic_ns() + MUTE_NS);
	} else if (r == 0) {
		atomic_store(&p->mute_until, 0);
	}
}

int docker_plugin_call(struct docker_plugin *p, const char *method, struct json_object *request,
		       enum docker_plugin_wait wait, struct json_object **ret,
		       struct gantry_error *err)
{
	auto_json struct json_object *unused = NULL;
	int r = check_named(p, err);

	if (r < 0) {
		return r;
	}
	if (wait == DOCKER_PLUGIN_QUERY && time_monotonic_ns() < atomic_load(&p->mute_until)) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "plugin %s did not answer a moment ago",
				 p->name);
	}
	r = activate(p, err);
	if (r == 0) {
		r = post(&p->folders, p->name, method, request,
			 wait == DOCKER_PLUGIN_WORK ? p->work_ms : p->query_ms, ret ? ret : &unused, err);
	}
	note_silence(p, r);
	return r;
}

int docker_plugin_stream(struct docker_plugin *p, const char *method, struct json_object *request,
			 int (*take)(void *data, const char *bytes, size_t len),
			 int (*stop)(void *data), void *data, struct gantry_error *err)
{
	auto_(http_place) struct http_place place = HTTP_PLACE_INIT;
	auto_(buf) struct buf path = BUF_INIT;
	const char *text = json_text(request);
	struct http_call call = {
		.accept = MEDIA_TYPE,
		.body = text,
		.body_len = strlen(text),
		.take = take,
		.stop = stop,
		.data = data,
	};
	int status = 0;
	int r = check_named(p, err);

	if (r == 0) {
		r = activate(p, err);
	}
	if (r == 0) {
		r = docker_plugin_find(&p->folders, p->name, &place, err);
	}
	if (r < 0) {
		return r;
	}
	buf_addf(&path, "/%s", method);
	call.path = buf_str(&path);
	r = http_post(&place, &call, &status, err);
	if (r < 0) {
		return error_prefix(err, "plugin %s", p->name);
	}
	return status == 200 || status == 0 ? 0 : fail(p->name, method, "", status, err);
}

/* ---- discovery ---- */

static int put_found(struct gantry_reply *reply, const char *name, const char *place,
		     struct gantry_error *err)
{
	return reply->ops->put_item(reply, 0, name) < 0 || reply->ops->put_item(reply, 1, place) < 0
		       ? error_no_memory(err)
		       : 0;
}

/* Asks one what it implements. */
static int look_at(const struct docker_plugin_folders *folders, const char *name,
		   const char *interface, int with_dead, int may_ask, struct gantry_reply *reply,
		   struct gantry_error *err)
{
	auto_json struct json_object *manifest = NULL;
	auto_(http_place) struct http_place place = HTTP_PLACE_INIT;
	struct gantry_error why = GANTRY_ERROR_INIT;
	int r = docker_plugin_find(folders, name, &place, &why);

	if (r == 0) {
		r = may_ask ? post(folders, name, "Plugin.Activate", NULL, LOOK_MS, &manifest, &why)
			    : error_set(&why, GANTRY_ERR_TIMEOUT, "not asked: others took too long");
	}
	if (r < 0) {
		return with_dead ? put_found(reply, name, why.message, err) : 0;
	}
	if (!implements(manifest, interface)) {
		return 0;
	}
	return put_found(reply, name, place.socket ? place.socket : place.url, err);
}

int docker_plugin_discover(const char *config, const char *interface, int with_dead,
			   const char *name, struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL, *names = NULL;
	auto_(docker_plugin_folders) struct docker_plugin_folders folders = { NULL, NULL };
	auto_(http_place) struct http_place place = HTTP_PLACE_INIT;
	int64_t end = time_monotonic_ns() + LOOK_ALL_NS;
	int r = json_parse_object(config, "the adaptor's configuration", &o, err);

	if (r == 0) {
		r = docker_plugin_folders_init(&folders, o, err);
	}
	if (r == 0 && name) {
		struct gantry_error why = GANTRY_ERROR_INIT;

		/* One whose file is wrong is there, too: using it says what is wrong. */
		return docker_plugin_find(&folders, name, &place, &why) == GANTRY_ERR_NOT_FOUND
			       ? 0
			       : put_found(reply, name, "", err);
	}
	if (r == 0) {
		r = docker_plugin_names(&folders, &names, err);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(names); i++) {
		r = look_at(&folders, json_item_string(names, i), interface, with_dead,
			    time_monotonic_ns() < end, reply, err);
	}
	return r;
}
