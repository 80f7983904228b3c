/* SPDX-License-Identifier: Apache-2.0 */
/* The layer is stored compressed, then unpacked from the store like any other, so
 * that what runs here is what others would pull. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/container/present.h"
#include "core/content/content.h"
#include "core/content/encoder.h"
#include "core/image/layer.h"
#include "core/image/make.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define CHUNK (128 * 1024)
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar+gzip"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

struct stored {
	char digest[DIGEST_SIZE];
	char diff_id[DIGEST_SIZE];
	int64_t size;
};

struct packing {
	struct content_writer *writer;
	struct encoder *encoder;
	struct digester *diff;
	int64_t size;
	int64_t unpacked, limit; /* bytes; limit 0: none */
};

static int take_compressed(void *ctx, const void *data, size_t len, struct gantry_error *err)
{
	struct packing *p = ctx;

	p->size += (int64_t)len;
	return content_writer_add(p->writer, data, len, err);
}

static int take_plain(void *ctx, const void *data, size_t len, struct gantry_error *err)
{
	struct packing *p = ctx;

	p->unpacked += (int64_t)len;
	if (p->limit > 0 && p->unpacked > p->limit) {
		error_set(err, GANTRY_ERR_LIMIT, "the archive unpacks to more than the limit of %lld bytes",
			  (long long)p->limit);
		return error_hint(err, "image.max_layer_bytes in the configuration sets the limit");
	}
	digester_add(p->diff, data, len);
	return encoder_feed(p->encoder, data, len, err);
}

static int pump(int fd, struct decoder *decoder, struct gantry_error *err)
{
	auto_free char *chunk = malloc(CHUNK);
	int r = chunk ? 0 : error_no_memory(err);

	while (r == 0) {
		ssize_t n = read(fd, chunk, CHUNK);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? error_errno(err, errno, "cannot read the archive") : 0;
		}
		r = decoder_feed(decoder, chunk, (size_t)n, err);
	}
	return r;
}

/* Stores a tar (plain or compressed) as a gzip layer. */
static int store_layer(struct core *core, int archive, struct stored *ret, struct gantry_error *err)
{
	struct packing p = { .limit = config_int(core->config, "image.max_layer_bytes") };
	struct decoder *decoder = NULL;
	int64_t offset;
	int r = content_writer_new(core->paths.root, NULL, &p.writer, &offset, err);

	if (r == 0) {
		r = digester_new(&p.diff, err);
	}
	if (r == 0) {
		r = encoder_new(take_compressed, &p, &p.encoder, err);
	}
	if (r == 0) {
		r = decoder_new(take_plain, &p, &decoder, err);
	}
	if (r == 0) {
		r = pump(archive, decoder, err);
	}
	if (r == 0) {
		r = decoder_finish(decoder, err);
	}
	if (r == 0) {
		r = encoder_finish(p.encoder, err);
	}
	if (r == 0) {
		r = content_writer_commit(p.writer, ret->digest, err);
	}
	if (r == 0) {
		digester_result(p.diff, ret->diff_id);
		ret->size = p.size;
	}
	decoder_free(decoder);
	encoder_free(p.encoder);
	digester_free(p.diff);
	content_writer_free(p.writer);
	return r;
}

static struct json_object *copy_of(struct json_object *from, struct json_object *fallback)
{
	struct json_object *copy = NULL;

	if (from) {
		json_object_deep_copy(from, &copy, NULL);
	}
	if (!copy) {
		return fallback;
	}
	json_object_put(fallback);
	return copy;
}

/* The OCI image configuration: the base's, one layer and one history entry longer. */
static struct json_object *make_config(const struct image_making *m, const struct stored *layer,
				       struct json_object *container_config)
{
	struct json_object *o = json_object_new_object();
	struct json_object *rootfs = json_object_new_object();
	struct json_object *entry = json_object_new_object();
	struct json_object *history = copy_of(
		m->base ? json_get_array(m->base->config, "history") : NULL, json_object_new_array());
	struct json_object *diff_ids = copy_of(
		m->base ? json_get_array(json_get_object(m->base->config, "rootfs"), "diff_ids") : NULL,
		json_object_new_array());
	auto_free char *now = present_time(time_now_ns());

	json_set_string(o, "architecture", m->platform->arch);
	json_set_string(o, "os", m->platform->os);
	if (*m->platform->variant) {
		json_set_string(o, "variant", m->platform->variant);
	}
	json_set_string(o, "created", now);
	json_set_string(o, "author", m->author);
	json_set_string(o, "comment", m->comment);
	json_set(o, "config", json_object_get(container_config));
	json_add_string(diff_ids, layer->diff_id);
	json_set_string(rootfs, "type", "layers");
	json_set(rootfs, "diff_ids", diff_ids);
	json_set(o, "rootfs", rootfs);
	json_set_string(entry, "created", now);
	json_set_string(entry, "created_by", m->created_by);
	json_set_string(entry, "author", m->author);
	json_set_string(entry, "comment", m->comment);
	json_object_array_add(history, entry);
	json_set(o, "history", history);
	return o;
}

static struct json_object *descriptor(const char *type, const char *digest, int64_t size)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, "mediaType", type);
	json_set_string(o, "digest", digest);
	json_set_int(o, "size", size);
	return o;
}

static struct json_object *make_manifest(const char *config_digest, int64_t config_size,
					 struct json_object *layers)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_set_int(o, "schemaVersion", 2);
	json_set_string(o, "mediaType", MANIFEST_TYPE);
	json_set(o, "config", descriptor(CONFIG_TYPE, config_digest, config_size));
	for (size_t i = 0; i < json_array_size(layers); i++) {
		struct json_object *l = json_object_array_get_idx(layers, i);
		const char *type = json_get_string(l, "MediaType");

		/* Docker's names of layer types mean the same and may not stand in an OCI
		 * manifest. */
		if (strstr(type, "docker")) {
			type = strstr(type, "gzip") ? LAYER_TYPE : "application/vnd.oci.image.layer.v1.tar";
		}
		json_object_array_add(list, descriptor(type, json_get_string(l, "Digest"),
						       json_get_int(l, "BlobSize", 0)));
	}
	json_set(o, "layers", list);
	return o;
}

static int unpack(struct core *core, const struct image_making *m, const struct stored *stored,
		  struct json_object *layers, struct gantry_error *err)
{
	size_t n = json_array_size(layers);
	const char *parent =
		n ? json_get_string(json_object_array_get_idx(layers, n - 1), "ChainID") : NULL;
	struct progress *quiet = progress_new(-1);
	struct json_object *o = json_object_new_object();
	char chain_id[DIGEST_SIZE];
	struct layer layer = {
		.core = core,
		.progress = quiet,
		.digest = stored->digest,
		.media_type = LAYER_TYPE,
		.blob_size = stored->size,
		.diff_id = stored->diff_id,
		.parent = parent,
		.chain_id = chain_id,
	};
	int64_t size = 0;
	int found;
	int r = engine_storage(core, &layer.storage, err);

	if (r == 0) {
		r = image_chain_id(parent, stored->diff_id, chain_id, err);
	}
	if (r == 0) {
		r = layer_ensure(&layer, err);
	}
	if (r == 0) {
		r = layer_find(core, chain_id, layer.storage->name, &found, &size, err);
	}
	progress_free(quiet);
	json_set_string(o, "Digest", stored->digest);
	json_set_string(o, "DiffID", stored->diff_id);
	json_set_string(o, "ChainID", chain_id);
	json_set_string(o, "MediaType", LAYER_TYPE);
	json_set_int(o, "Size", size);
	json_set_int(o, "BlobSize", stored->size);
	json_object_array_add(layers, o);
	return r;
}

static int put_json(struct core *core, struct json_object *o, char digest[DIGEST_SIZE],
		    struct buf *text, struct gantry_error *err)
{
	buf_adds(text, json_text(o));
	return content_put(core->paths.root, text->data, text->len, digest, err);
}

static int make(struct core *core, const struct image_making *m, char **ret_id,
		struct gantry_error *err)
{
	auto_json struct json_object *container_config = copy_of(m->config, json_object_new_object());
	auto_json struct json_object *doc = json_object_new_object();
	auto_json struct json_object *config = NULL;
	auto_json struct json_object *manifest = NULL;
	struct json_object *layers = copy_of(m->base ? json_get_array(m->base->doc, "Layers") : NULL,
					     json_object_new_array());
	auto_(buf) struct buf config_text = BUF_INIT;
	auto_(buf) struct buf manifest_text = BUF_INIT;
	char config_digest[DIGEST_SIZE], manifest_digest[DIGEST_SIZE];
	struct stored stored = { .size = 0 };
	int64_t total = 0;
	int r;

	json_set(doc, "Layers", layers);
	r = image_apply_changes(container_config, m->changes, err);
	if (r == 0) {
		r = store_layer(core, m->archive, &stored, err);
	}
	if (r == 0) {
		r = unpack(core, m, &stored, layers, err);
	}
	if (r < 0) {
		return r;
	}
	config = make_config(m, &stored, container_config);
	r = put_json(core, config, config_digest, &config_text, err);
	if (r == 0) {
		manifest = make_manifest(config_digest, (int64_t)config_text.len, layers);
		r = put_json(core, manifest, manifest_digest, &manifest_text, err);
	}
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < json_array_size(layers); i++) {
		total += json_get_int(json_object_array_get_idx(layers, i), "Size", 0);
	}
	if (m->base) {
		json_set_string(doc, "Parent", m->base->id);
	}
	json_set_string(doc, "ManifestDigest", manifest_digest);
	json_set_string(doc, "ManifestMediaType", MANIFEST_TYPE);
	json_set_int(doc, "Size", total);
	r = image_insert(core, config_digest, &config_text, doc, m->name, err);
	if (r == 0) {
		*ret_id = strdup(config_digest);
		r = *ret_id ? 0 : error_no_memory(err);
	}
	return r;
}

int image_make(struct core *core, const struct image_making *m, char **ret_id,
	       struct gantry_error *err)
{
	int hold = image_parts_hold(core, err);
	int r = hold < 0 ? err->code : make(core, m, ret_id, err);

	image_parts_release(core, hold);
	return r;
}

struct import {
	int source;
	struct reference ref;
	int named;
	char *message;
	struct platform platform;
	char **changes;
	char *what;
};

static void import_free(struct import *i)
{
	if (i->source >= 0) {
		close(i->source);
	}
	for (char **c = i->changes; c && *c; c++) {
		free(*c);
	}
	free(i->changes);
	free(i->message);
	free(i);
}

static void run_import(struct core *core, void *data, int sink)
{
	struct import *i = data;
	struct progress *progress = progress_new(sink);
	struct gantry_error err = GANTRY_ERROR_INIT;
	auto_free char *id = NULL;
	struct image_making m = {
		.archive = i->source,
		.comment = i->message,
		.platform = &i->platform,
		.changes = (const char *const *)i->changes,
	};
	char name[700];
	int r;

	if (i->named) {
		reference_name(&i->ref, name, sizeof(name));
		m.name = name;
	}
	r = image_make(core, &m, &id, &err);
	if (r == 0) {
		progress_status(progress, NULL, id);
		engine_event(core, "image", "import", id, NULL);
	} else {
		progress_error(progress, &err);
	}
	progress_free(progress);
	close(sink);
	import_free(i);
}

static char **copy_list(const char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list && list[n]) {
		n++;
	}
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(list[i]);
	}
	return copy;
}

ENGINE_OP(image_import)
{
	struct core *core = self;
	struct import *i = calloc(1, sizeof(*i));
	auto_free char *text = NULL;
	int stream, r;

	if (!i) {
		return error_no_memory(err);
	}
	i->source = dup(args->source);
	i->message = strdup(args->message ? args->message : "");
	i->changes = copy_list(args->changes);
	r = i->source < 0 ? error_set(err, GANTRY_ERR_INVALID, "no archive was given")
			  : image_platform(args->platform, &i->platform, err);
	if (r == 0 && args->repository && *args->repository) {
		const char *tag = args->tag && *args->tag ? args->tag : NULL;

		i->named = 1;
		r = asprintf(&text, "%s%s%s", args->repository, tag ? ":" : "", tag ? tag : "") < 0
			    ? error_no_memory(err)
			    : image_parse_reference(core, text, &i->ref, err);
	}
	if (r == 0) {
		r = engine_stream(core, run_import, i, &stream, err);
	}
	if (r < 0) {
		import_free(i);
		return r;
	}
	return gantry_engine_image_import_set_stream(reply, stream);
}
