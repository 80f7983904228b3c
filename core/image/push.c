/* SPDX-License-Identifier: Apache-2.0 */
/* Pushing to registries and saving to archives: blobs first, the manifest last. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/content/content.h"
#include "core/image/image.h"
#include "core/image/registry.h"
#include "core/lazy/lazy.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

#define MAX_MANIFEST (4 << 20)
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"

struct push {
	struct core *core;
	struct driver *transport;
	uint64_t session;
	struct progress *progress;
};

static int send_blob(struct push *p, const char *digest, const char *type, const char *shown,
		     struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_fd int fd = -1;
	int64_t size;
	int r;

	if (driver_has(p->transport, GANTRY_TRANSPORT_OP_HAS_BLOB)) {
		r = transport_has_blob(p->transport,
				       &GANTRY_TRANSPORT_HAS_BLOB_ARGS(.session = p->session, .digest = digest),
				       &ret, err);
		if (r < 0) {
			return r;
		}
		if (reply_integer(&ret, GANTRY_TRANSPORT_HAS_BLOB_RET_PRESENT, 0)) {
			if (shown) {
				progress_status(p->progress, shown, "Layer already exists");
			}
			return 0;
		}
	}
	r = lazy_finish(p->core, digest, err);
	if (r < 0) {
		return r;
	}
	size = content_size(p->core->paths.root, digest);
	r = content_open(p->core->paths.root, digest, &fd, err);
	if (r < 0) {
		return error_hint(err, "pull the image again: a part of it is missing here");
	}
	if (shown) {
		progress_bytes(p->progress, shown, "Pushing", 0, size);
	}
	r = transport_put_blob(p->transport,
			       &GANTRY_TRANSPORT_PUT_BLOB_ARGS(.session = p->session, .digest = digest,
							       .size = size, .source = fd,
							       .media_type = type),
			       &ret, err);
	if (r == 0 && shown) {
		progress_bytes(p->progress, shown, "Pushing", size, size);
		progress_status(p->progress, shown, "Pushed");
	}
	return r;
}

static int send_image(struct push *p, const struct image *image, const char *reference,
		      int64_t *ret_size, struct gantry_error *err)
{
	const char *manifest_digest = json_get_string(image->doc, "ManifestDigest");
	struct json_object *layers = json_get_array(image->doc, "Layers");
	auto_json struct json_object *manifest = NULL;
	auto_(buf) struct buf text = BUF_INIT;
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *config_type;
	int r = content_read(p->core->paths.root, manifest_digest, MAX_MANIFEST, &text, err);

	if (r == 0) {
		r = json_parse(text.data, text.len, "manifest", &manifest, err);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(layers); i++) {
		struct json_object *l = json_object_array_get_idx(layers, i);
		char shown[13];

		snprintf(shown, sizeof(shown), "%.12s", json_get_string(l, "Digest") + 7);
		r = send_blob(p, json_get_string(l, "Digest"), json_get_string(l, "MediaType"), shown, err);
	}
	config_type = json_get_string(json_get_object(manifest, "config"), "mediaType");
	if (r == 0) {
		r = send_blob(p, image->id, config_type ? config_type : CONFIG_TYPE, NULL, err);
	}
	if (r == 0) {
		r = transport_put_manifest(
			p->transport,
			&GANTRY_TRANSPORT_PUT_MANIFEST_ARGS(
				.session = p->session, .reference = reference,
				.media_type = json_get_string(image->doc, "ManifestMediaType"),
				.manifest = { text.data, text.len }),
			&ret, err);
	}
	*ret_size = (int64_t)text.len;
	return r;
}

struct push_request {
	struct reference ref;
	char *auth;
	int all_tags;
};

static void publish(struct core *core, const char *action, const char *id, const char *name)
{
	auto_json struct json_object *attributes = json_object_new_object();

	json_set_string(attributes, "name", name);
	engine_event(core, "image", action, id, attributes);
}

static int push_name(struct push *p, const struct reference *ref, const char *name, const char *tag,
		     struct gantry_error *err)
{
	auto_image struct image *image = NULL;
	char text[300];
	int64_t size;
	int r = image_find(p->core, name, &image, err);

	if (r == 0) {
		r = send_image(p, image, tag, &size, err);
	}
	if (r == 0) {
		r = image_set_digest(p->core, ref, json_get_string(image->doc, "ManifestDigest"), image->id,
				     err);
	}
	if (r < 0) {
		return r;
	}
	snprintf(text, sizeof(text), "%s: digest: %s size: %lld", tag,
		 json_get_string(image->doc, "ManifestDigest"), (long long)size);
	progress_status(p->progress, NULL, text);
	publish(p->core, "push", image->id, name);
	return 0;
}

static int name_row(void *data, sqlite3_stmt *row, struct gantry_error *err)
{
	return json_add_string(data, db_column(row, 0)) < 0 ? error_no_memory(err) : 0;
}

static int push_names(struct push *p, const struct push_request *q, struct gantry_error *err)
{
	auto_json struct json_object *names = json_object_new_array();
	char prefix[600], name[700];
	int r;

	if (!q->all_tags) {
		reference_name(&q->ref, name, sizeof(name));
		return push_name(p, &q->ref, name, *q->ref.tag ? q->ref.tag : "latest", err);
	}
	snprintf(prefix, sizeof(prefix), "%s:", q->ref.familiar);
	r = db_query(p->core->db, name_row, names, err,
		     "SELECT name FROM refs WHERE substr(name,1,length(?1))=?1", "s", prefix);
	if (r == 0 && json_array_size(names) == 0) {
		return error_set(err, GANTRY_ERR_NOT_FOUND,
				 "An image does not exist locally with the tag: %s", q->ref.familiar);
	}
	for (size_t i = 0; r == 0 && i < json_array_size(names); i++) {
		const char *full = json_item_string(names, i);

		r = push_name(p, &q->ref, full, full + strlen(prefix), err);
	}
	return r;
}

static void close_session(struct push *p, int commit, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	(void)transport_close(p->transport,
			      &GANTRY_TRANSPORT_CLOSE_ARGS(.session = p->session, .commit = commit), &ret,
			      commit ? err : &ignored);
}

static void run_push(struct core *core, void *data, int sink)
{
	struct push_request *q = data;
	struct push p = { .core = core, .progress = progress_new(sink) };
	struct gantry_error err = GANTRY_ERROR_INIT;
	char text[700];
	int r;

	snprintf(text, sizeof(text), "The push refers to repository [%s/%s]", q->ref.domain, q->ref.path);
	progress_status(p.progress, NULL, text);
	r = image_registry_open(core, &q->ref, "push", q->auth, &p.transport, &p.session, &err);
	if (r == 0) {
		r = push_names(&p, q, &err);
		close_session(&p, 0, &err);
	}
	if (r < 0) {
		progress_error(p.progress, &err);
	}
	progress_free(p.progress);
	close(sink);
	free(q->auth);
	free(q);
}

ENGINE_OP(image_push)
{
	struct core *core = self;
	struct push_request *q = calloc(1, sizeof(*q));
	auto_image struct image *image = NULL;
	int stream;
	int r = q ? image_parse_reference(core, args->reference, &q->ref, err) : error_no_memory(err);

	if (r == 0) {
		q->all_tags = (int)args->all_tags;
		q->auth = args->auth && *args->auth ? strdup(args->auth) : NULL;
		if (!q->all_tags) {
			char name[700];

			reference_name(&q->ref, name, sizeof(name));
			r = image_find(core, name, &image, err);
			if (r == GANTRY_ERR_NOT_FOUND) {
				r = error_set(err, r, "An image does not exist locally with the tag: %s",
					      q->ref.familiar);
			}
		}
	}
	if (r == 0) {
		r = engine_stream(core, run_push, q, &stream, err);
	}
	if (r < 0) {
		free(q ? q->auth : NULL);
		free(q);
		return r;
	}
	return gantry_engine_image_push_set_stream(reply, stream);
}

struct save {
	struct json_object *names;
};

static int save_one(struct push *p, const char *asked, struct gantry_error *err)
{
	auto_image struct image *image = NULL;
	struct reference ref;
	char name[700];
	int64_t size;
	int r = image_find(p->core, asked, &image, err);

	if (r < 0) {
		return r;
	}
	/* By id there is no name to save. */
	if (!strncmp(image->id + 7, asked, strlen(asked)) || !strcmp(image->id, asked)) {
		snprintf(name, sizeof(name), "@%s", json_get_string(image->doc, "ManifestDigest"));
	} else {
		r = image_parse_reference(p->core, asked, &ref, err);
		reference_name(&ref, name, sizeof(name));
	}
	return r < 0 ? r : send_image(p, image, name, &size, err);
}

static void run_save(struct core *core, void *data, int sink)
{
	struct save *s = data;
	struct push p = { .core = core, .progress = progress_new(-1) };
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = registry_get(core->registry, "transport",
			     config_string(core->config, "transport.archive"), &p.transport, &err);

	if (r == 0) {
		r = transport_open(p.transport,
				   &GANTRY_TRANSPORT_OPEN_ARGS(.location = "", .mode = "push", .file = sink),
				   &ret, &err);
	}
	if (r == 0) {
		p.session = (uint64_t)reply_integer(&ret, GANTRY_TRANSPORT_OPEN_RET_SESSION, 0);
		for (size_t i = 0; r == 0 && i < json_array_size(s->names); i++) {
			r = save_one(&p, json_item_string(s->names, i), &err);
		}
		close_session(&p, r == 0, &err);
	}
	progress_free(p.progress);
	close(sink);
	json_object_put(s->names);
	free(s);
}

/* What a lazy pull has left to be fetched; the stream could not say that it is missing. */
static int finish_layers(struct core *core, const struct image *image, struct gantry_error *err)
{
	struct json_object *layers = json_get_array(image->doc, "Layers");
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(layers); i++) {
		r = lazy_finish(core, json_get_string(json_object_array_get_idx(layers, i), "Digest"), err);
	}
	return r;
}

ENGINE_OP(image_save)
{
	struct core *core = self;
	struct save *s = calloc(1, sizeof(*s));
	int stream, r = 0;

	if (!s || !(s->names = json_object_new_array())) {
		free(s);
		return error_no_memory(err);
	}
	for (const char *const *n = args->names; r == 0 && n && *n; n++) {
		auto_image struct image *image = NULL;

		r = image_find(core, *n, &image, err); /* refused before the stream begins */
		if (r == 0) {
			r = finish_layers(core, image, err);
		}
		if (r == 0) {
			json_add_string(s->names, *n);
			publish(core, "save", image->id, *n);
		}
	}
	if (r == 0) {
		r = engine_stream(core, run_save, s, &stream, err);
	}
	if (r < 0) {
		json_object_put(s->names);
		free(s);
		return r;
	}
	return gantry_engine_image_save_set_stream(reply, stream);
}
