/* SPDX-License-Identifier: Apache-2.0 */
/* Pulling from registries and loading from archives: the same ingest behind other
 * transports and other words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/image/image.h"
#include "core/image/registry.h"
#include "core/lazy/lazy.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

struct pull {
	struct reference ref;
	struct platform platform;
	char *auth;
	int all_tags;
	int lazy;
	int chooses_platform;
};

static void pull_free(struct pull *p)
{
	free(p->auth);
	free(p);
}

static void close_session(struct driver *driver, uint64_t session)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(reply) struct reply ret = REPLY_INIT;

	(void)transport_close(driver, &GANTRY_TRANSPORT_CLOSE_ARGS(.session = session), &ret, &ignored);
}

static void publish(struct core *core, const char *action, const char *name)
{
	auto_json struct json_object *attributes = json_object_new_object();

	json_set_string(attributes, "name", name);
	engine_event(core, "image", action, name, attributes);
}

/* Of an image that is no list there is only one; it is taken, and said to be another. */
static int warn_of_platform(struct core *core, const struct pull *p, const char *name,
			    struct progress *progress, struct gantry_error *err)
{
	struct gantry_error mismatch = GANTRY_ERROR_INIT;
	auto_image struct image *image = NULL;
	char text[1100];
	int r = image_find(core, name, &image, err);

	if (r == 0 && image_check_platform(image, name, &p->platform, &mismatch) < 0) {
		snprintf(text, sizeof(text), "WARNING: %s", mismatch.message);
		progress_status(progress, NULL, text);
	}
	return r;
}

static int pull_one(struct core *core, struct pull *p, const char *tag, struct driver *driver,
		    uint64_t session, struct progress *progress, struct gantry_error *err)
{
	struct reference ref = p->ref;
	char digest[DIGEST_SIZE], name[700], text[1000], location[600];
	auto_free char *options = image_registry_options(core, ref.domain);
	struct lazy_origin origin = { location, !p->auth && core->daemon ? "{}" : p->auth, options };
	auto_free char *id = NULL;
	auto_free char *before = NULL;
	int r;

	snprintf(location, sizeof(location), "%s/%s", ref.domain, ref.path);
	snprintf(ref.tag, sizeof(ref.tag), "%s", tag);
	reference_name(&ref, name, sizeof(name));
	snprintf(text, sizeof(text), "Pulling from %s", ref.path);
	progress_greet(progress, *ref.digest ? ref.digest : *tag ? tag : "latest", text);
	r = db_get_text(core->db, &before, err, "SELECT image FROM refs WHERE name=?", "s", name);
	if (r == 0) {
		r = image_ingest(core, driver, session, name, *ref.digest ? ref.digest : *tag ? tag : "latest",
				 &p->platform, p->lazy ? &origin : NULL, progress, &id, digest, err);
	}
	if (r == 0) {
		r = image_set_digest(core, &ref, digest, id, err);
	}
	if (r < 0) {
		return r;
	}
	snprintf(text, sizeof(text), "Digest: %s", digest);
	progress_status(progress, NULL, text);
	snprintf(text, sizeof(text), "Status: %s for %s",
		 before && !strcmp(before, id) ? "Image is up to date" : "Downloaded newer image", name);
	progress_status(progress, NULL, text);
	r = p->chooses_platform ? warn_of_platform(core, p, name, progress, err) : 0;
	if (r < 0) {
		return r;
	}
	publish(core, "pull", name);
	return 0;
}

static int pull_tags(struct core *core, struct pull *p, struct driver *driver, uint64_t session,
		     struct progress *progress, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = transport_list(driver, &GANTRY_TRANSPORT_LIST_ARGS(.session = session), &ret, err);

	for (const char *const *tag = reply_list(&ret, GANTRY_TRANSPORT_LIST_RET_NAME); r == 0 && *tag;
	     tag++) {
		r = pull_one(core, p, *tag, driver, session, progress, err);
	}
	return r;
}

/* The words docker's clients look for. */
static void say_as_docker(struct pull *p, struct gantry_error *err)
{
	if (err->code == GANTRY_ERR_NOT_FOUND && !strstr(err->message, "no matching manifest")) {
		error_prefix(err, "manifest for %s:%s not found", p->ref.familiar,
			     *p->ref.tag ? p->ref.tag : "latest");
	} else if (err->code == GANTRY_ERR_UNAUTHORIZED) {
		error_prefix(err,
			     "pull access denied for %s, repository does not exist or may require 'docker "
			     "login'",
			     p->ref.familiar);
		err->code = GANTRY_ERR_NOT_FOUND; /* which of both it is, is nobody's business */
	}
}

static void run_pull(struct core *core, void *data, int sink)
{
	struct pull *p = data;
	struct progress *progress = progress_new(sink);
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct driver *driver;
	uint64_t session;
	int r = image_registry_open(core, &p->ref, "pull", p->auth, &driver, &session, &err);

	if (r == 0) {
		r = p->all_tags ? pull_tags(core, p, driver, session, progress, &err)
				: pull_one(core, p, p->ref.tag, driver, session, progress, &err);
		close_session(driver, session);
	}
	if (r < 0) {
		say_as_docker(p, &err);
		progress_error(progress, &err);
	}
	progress_free(progress);
	close(sink);
	pull_free(p);
}

ENGINE_OP(image_pull)
{
	struct core *core = self;
	struct pull *p = calloc(1, sizeof(*p));
	int stream;
	int r = p ? image_parse_reference(core, args->reference, &p->ref, err) : error_no_memory(err);

	if (r == 0) {
		r = image_platform(args->platform, &p->platform, err);
	}
	if (r == 0) {
		p->lazy = (int)args->lazy;
		p->chooses_platform = args->platform && *args->platform;
		p->all_tags = args->all_tags && !*p->ref.tag && !*p->ref.digest;
		p->auth = args->auth && *args->auth ? strdup(args->auth) : NULL;
		r = engine_stream(core, run_pull, p, &stream, err);
	}
	if (r < 0) {
		if (p) {
			pull_free(p);
		}
		return r;
	}
	return gantry_engine_image_pull_set_stream(reply, stream);
}

struct load {
	int source;
	int quiet;
};

static int load_one(struct core *core, struct driver *driver, uint64_t session, const char *name,
		    struct progress *progress, struct progress *layers, struct gantry_error *err)
{
	struct platform platform;
	struct reference ref;
	char digest[DIGEST_SIZE], full[700], text[800];
	auto_free char *id = NULL;
	int named = name[0] != '@';
	int r = image_platform(NULL, &platform, err);

	if (r == 0 && named) {
		r = image_parse_reference(core, name, &ref, err);
	}
	if (r < 0) {
		return r;
	}
	if (named) {
		reference_name(&ref, full, sizeof(full));
	}
	r = image_ingest(core, driver, session, named ? full : name, name, &platform, NULL, layers, &id,
			 digest, err);
	if (r < 0) {
		return r;
	}
	snprintf(text, sizeof(text), "Loaded image%s: %s\n", named ? "" : " ID", named ? full : id);
	progress_stream(progress, text);
	publish(core, "load", id);
	return r;
}

static void run_load(struct core *core, void *data, int sink)
{
	struct load *l = data;
	struct progress *progress = progress_new(sink);
	struct progress *layers = l->quiet ? progress_new(-1) : progress;
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_(reply) struct reply names = REPLY_INIT;
	struct driver *driver;
	uint64_t session = 0;
	int r = registry_get(core->registry, "transport",
			     config_string(core->config, "transport.archive"), &driver, &err);

	if (r == 0) {
		r = transport_open(driver,
				   &GANTRY_TRANSPORT_OPEN_ARGS(.location = "", .mode = "pull",
							       .file = l->source),
				   &ret, &err);
	}
	if (r == 0) {
		session = (uint64_t)reply_integer(&ret, GANTRY_TRANSPORT_OPEN_RET_SESSION, 0);
		r = transport_list(driver, &GANTRY_TRANSPORT_LIST_ARGS(.session = session), &names, &err);
	}
	for (const char *const *n = reply_list(&names, GANTRY_TRANSPORT_LIST_RET_NAME); r == 0 && *n; n++) {
		r = load_one(core, driver, session, *n, progress, layers, &err);
	}
	if (session) {
		close_session(driver, session);
	}
	if (r < 0) {
		progress_error(progress, &err);
	}
	if (layers != progress) {
		progress_free(layers);
	}
	progress_free(progress);
	close(sink);
	close(l->source);
	free(l);
}

ENGINE_OP(image_load)
{
	struct core *core = self;
	struct load *l = calloc(1, sizeof(*l));
	int stream, r;

	if (!l) {
		return error_no_memory(err);
	}
	l->quiet = (int)args->quiet;
	l->source = dup(args->source);
	r = l->source < 0 ? error_set(err, GANTRY_ERR_INVALID, "no archive was given")
			  : engine_stream(core, run_load, l, &stream, err);
	if (r < 0) {
		if (l->source >= 0) {
			close(l->source);
		}
		free(l);
		return r;
	}
	return gantry_engine_image_load_set_stream(reply, stream);
}
