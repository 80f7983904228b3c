/* SPDX-License-Identifier: Apache-2.0 */
/* From a reference to a recorded image.  Blobs and layers are published one by one
 * as they are verified; the record that makes an image of them comes last. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/content/content.h"
#include "core/image/admit.h"
#include "core/image/image.h"
#include "core/image/layer.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MAX_LAYERS 500
#define MAX_CONFIG (8 << 20)
#define MAX_MANIFEST (4 << 20)

struct ingest {
	struct core *core;
	struct driver *transport;
	struct driver *storage;
	uint64_t session;
	const char *name; /* that the image is to have, or NULL */
	struct progress *progress;
	const struct lazy_origin *lazy; /* or NULL */
	struct json_object *manifest;
	struct buf config;
	struct json_object *config_json;
	char config_digest[DIGEST_SIZE];
	char manifest_digest[DIGEST_SIZE];
	char media_type[128];
	size_t n_layers;
	struct layer *layers;
	char (*chain_ids)[DIGEST_SIZE];

	pthread_mutex_t lock; /* next, error */
	size_t next;
	struct gantry_error error;
};

static int is_list_type(const char *media_type, struct json_object *manifest)
{
	return strstr(media_type, "manifest.list") || strstr(media_type, "image.index") ||
	       json_get_array(manifest, "manifests");
}

/* Resolves, verifies the digest and keeps the bytes. */
static int get_manifest(struct ingest *in, const char *reference, char digest[DIGEST_SIZE],
			struct json_object **ret, struct gantry_error *err)
{
	auto_(reply) struct reply answer = REPLY_INIT;
	struct gantry_bytes bytes;
	const char *type;
	int r = transport_resolve(in->transport,
				  &GANTRY_TRANSPORT_RESOLVE_ARGS(.session = in->session,
								 .reference = reference),
				  &answer, err);

	if (r < 0) {
		return r;
	}
	bytes = reply_bytes(&answer, GANTRY_TRANSPORT_RESOLVE_RET_MANIFEST);
	if (bytes.size > MAX_MANIFEST) {
		return error_set(err, GANTRY_ERR_LIMIT, "manifest of %s is larger than 4 MiB", reference);
	}
	r = content_put(in->core->paths.root, bytes.data, bytes.size, digest, err);
	if (r < 0) {
		return r;
	}
	if (!strncmp(reference, "sha256:", 7) && strcmp(reference, digest)) {
		return error_set(err, GANTRY_ERR_CORRUPT, "manifest %s has digest %s", reference, digest);
	}
	r = json_parse(bytes.data, bytes.size, "manifest", ret, err);
	type = json_get_string(r == 0 ? *ret : NULL, "mediaType");
	if (!type) {
		type = reply_string(&answer, GANTRY_TRANSPORT_RESOLVE_RET_MEDIA_TYPE);
	}
	snprintf(in->media_type, sizeof(in->media_type), "%s", type ? type : "");
	return r;
}

/* The entry of a manifest list that fits best. */
static const char *choose_platform(struct json_object *list, const struct platform *want)
{
	struct json_object *entries = json_get_array(list, "manifests"), *best = NULL;
	int best_rank = 0;

	for (size_t i = 0; i < json_array_size(entries); i++) {
		struct json_object *e = json_object_array_get_idx(entries, i);
		struct platform have;
		int rank;

		image_platform_of(json_get_object(e, "platform"), &have);
		rank = image_platform_rank(want, &have);
		if (rank && (!best || rank < best_rank)) {
			best = e;
			best_rank = rank;
		}
	}
	/* A list of one entry without a platform is an OCI layout's index. */
	if (!best && json_array_size(entries) == 1 &&
	    !json_get_object(json_object_array_get_idx(entries, 0), "platform")) {
		best = json_object_array_get_idx(entries, 0);
	}
	return best ? json_get_string(best, "digest") : NULL;
}

static int resolve(struct ingest *in, const char *reference, const struct platform *platform,
		   char ret_digest[DIGEST_SIZE], struct gantry_error *err)
{
	char wanted[PLATFORM_TEXT_MAX];
	int r = get_manifest(in, reference, ret_digest, &in->manifest, err);

	memcpy(in->manifest_digest, ret_digest, DIGEST_SIZE);
	for (int depth = 0; r == 0 && is_list_type(in->media_type, in->manifest); depth++) {
		const char *chosen = choose_platform(in->manifest, platform);
		auto_free char *digest = chosen ? strdup(chosen) : NULL;

		if (!digest || depth > 2) {
			image_platform_text(platform, wanted);
			return error_set(err, GANTRY_ERR_NOT_FOUND,
					 "no matching manifest for %s in the manifest list entries", wanted);
		}
		json_object_put(in->manifest);
		in->manifest = NULL;
		r = get_manifest(in, digest, in->manifest_digest, &in->manifest, err);
	}
	return r;
}

struct small_fetch {
	struct ingest *in;
	const char *digest;
	int sink;
	struct gantry_error error;
};

static void *small_fetch_main(void *arg)
{
	struct small_fetch *f = arg;
	auto_(reply) struct reply ret = REPLY_INIT;

	(void)transport_fetch(f->in->transport,
			      &GANTRY_TRANSPORT_FETCH_ARGS(.session = f->in->session,
							   .digest = f->digest, .sink = f->sink),
			      &ret, &f->error);
	close(f->sink);
	return NULL;
}

/* The configuration: small, so it is held in memory. */
static int fetch_config(struct ingest *in, struct gantry_error *err)
{
	struct small_fetch f = { .in = in, .error = GANTRY_ERROR_INIT };
	pthread_t thread;
	int ends[2], code, r;

	if (content_size(in->core->paths.root, in->config_digest) >= 0) {
		return content_read(in->core->paths.root, in->config_digest, MAX_CONFIG, &in->config, err);
	}
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	f.digest = in->config_digest;
	f.sink = ends[1];
	code = pthread_create(&thread, NULL, small_fetch_main, &f);
	if (code) {
		close(ends[0]);
		close(ends[1]);
		return error_errno(err, code, "cannot start a thread");
	}
	r = read_to_end(ends[0], &in->config, MAX_CONFIG);
	close(ends[0]);
	pthread_join(thread, NULL);
	if (r == -EFBIG) {
		return error_set(err, GANTRY_ERR_LIMIT, "image configuration %s is larger than 8 MiB",
				 in->config_digest);
	}
	if (f.error.code < 0) {
		*err = f.error;
		return err->code;
	}
	return r < 0 ? error_errno(err, -r, "cannot read configuration %s", in->config_digest) : 0;
}

static int load_config(struct ingest *in, struct gantry_error *err)
{
	const char *digest = json_get_string(json_get_object(in->manifest, "config"), "digest");
	char real[DIGEST_SIZE];
	int r;

	if (!digest_is_valid(digest)) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "manifest %s (%s) names no image configuration",
			  in->manifest_digest, in->media_type);
		return error_hint(err, "images of schema version 1 and other artifacts cannot be run");
	}
	memcpy(in->config_digest, digest, DIGEST_SIZE);
	r = fetch_config(in, err);
	if (r == 0) {
		r = content_put(in->core->paths.root, in->config.data, in->config.len, real, err);
	}
	if (r == 0 && strcmp(real, in->config_digest)) {
		(void)content_remove(in->core->paths.root, real, err);
		r = error_set(err, GANTRY_ERR_CORRUPT, "image configuration %s has digest %s",
			      in->config_digest, real);
	}
	return r < 0 ? r : json_parse(in->config.data, in->config.len, "image configuration",
				      &in->config_json, err);
}

static int plan_layers(struct ingest *in, struct gantry_error *err)
{
	struct json_object *layers = json_get_array(in->manifest, "layers");
	struct json_object *diff_ids =
		json_get_array(json_get_object(in->config_json, "rootfs"), "diff_ids");
	size_t n = json_array_size(layers);

	if (n != json_array_size(diff_ids) || n > MAX_LAYERS) {
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "manifest %s has %zu layers, its configuration %zu (at most %d are allowed)",
				 in->manifest_digest, n, json_array_size(diff_ids), MAX_LAYERS);
	}
	in->layers = calloc(n ? n : 1, sizeof(*in->layers));
	in->chain_ids = calloc(n ? n : 1, sizeof(*in->chain_ids));
	if (!in->layers || !in->chain_ids) {
		return error_no_memory(err);
	}
	in->n_layers = n;
	for (size_t i = 0; i < n; i++) {
		struct json_object *d = json_object_array_get_idx(layers, i);
		struct layer *l = &in->layers[i];
		int r;

		*l = (struct layer){
			.core = in->core,
			.storage = in->storage,
			.transport = in->transport,
			.session = in->session,
			.progress = in->progress,
			.digest = json_get_string(d, "digest"),
			.media_type = json_get_string(d, "mediaType"),
			.blob_size = json_get_int(d, "size", 0),
			.diff_id = json_item_string(diff_ids, i),
			.parent = i ? in->chain_ids[i - 1] : NULL,
			.chain_id = in->chain_ids[i],
			.lazy = in->lazy,
			.descriptor = d,
		};
		if (!digest_is_valid(l->digest) || !digest_is_valid(l->diff_id) || !l->media_type) {
			return error_set(err, GANTRY_ERR_CORRUPT, "manifest %s: layer %zu is malformed",
					 in->manifest_digest, i);
		}
		r = image_chain_id(l->parent, l->diff_id, in->chain_ids[i], err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static void *worker(void *arg)
{
	struct ingest *in = arg;

	for (;;) {
		struct gantry_error err = GANTRY_ERROR_INIT;
		size_t i;

		pthread_mutex_lock(&in->lock);
		i = in->error.code < 0 ? in->n_layers : in->next++;
		pthread_mutex_unlock(&in->lock);
		if (i >= in->n_layers) {
			return NULL;
		}
		if (layer_ensure(&in->layers[i], &err) < 0) {
			pthread_mutex_lock(&in->lock);
			if (in->error.code == 0) {
				in->error = err;
			}
			pthread_mutex_unlock(&in->lock);
		}
	}
}

/* As many at once as configured, or one by one where a layer needs its parent. */
static int fetch_layers(struct ingest *in, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	pthread_t threads[16];
	int64_t wanted = config_int(in->core->config, "image.parallel_downloads");
	size_t n = 0;
	int r = storage_status(in->storage, &GANTRY_STORAGE_STATUS_ARGS(), &ret, err);

	if (r < 0) {
		return r;
	}
	if (!reply_integer(&ret, GANTRY_STORAGE_STATUS_RET_INDEPENDENT_LAYERS, 0) || wanted < 1) {
		wanted = 1;
	}
	while (n + 1 < (size_t)wanted && n < ARRAY_SIZE(threads) && n + 1 < in->n_layers &&
	       pthread_create(&threads[n], NULL, worker, in) == 0) {
		n++;
	}
	worker(in);
	while (n > 0) {
		pthread_join(threads[--n], NULL);
	}
	if (in->error.code < 0) {
		*err = in->error;
	}
	return in->error.code;
}

static int record(struct ingest *in, struct gantry_error *err)
{
	auto_json struct json_object *doc = json_object_new_object();
	struct json_object *list = json_object_new_array();
	int64_t total = 0;

	char owner[128];

	/* Whose it is, for quotas; nobody counts where nobody asks. */
	if (policy_wants(in->core->policy, POLICY_IMAGE_PULL)) {
		policy_asking_name(owner, sizeof(owner));
		json_set_string(doc, "Owner", owner);
	}
	json_set_string(doc, "ManifestDigest", in->manifest_digest);
	json_set_string(doc, "ManifestMediaType", in->media_type);
	json_set(doc, "Layers", list);
	for (size_t i = 0; i < in->n_layers; i++) {
		struct layer *l = &in->layers[i];
		struct json_object *o = json_object_new_object();
		int64_t size = 0;
		int found;
		int r = layer_find(in->core, l->chain_id, in->storage->name, &found, &size, err);

		if (r < 0) {
			json_object_put(o);
			return r;
		}
		json_set_string(o, "Digest", l->digest);
		json_set_string(o, "DiffID", l->diff_id);
		json_set_string(o, "ChainID", l->chain_id);
		json_set_string(o, "MediaType", l->media_type);
		json_set_int(o, "Size", size);
		json_set_int(o, "BlobSize", l->blob_size);
		json_object_array_add(list, o);
		total += size;
	}
	json_set_int(doc, "Size", total);
	return image_insert(in->core, in->config_digest, &in->config, doc, in->name, err);
}

static void ingest_done(struct ingest *in)
{
	json_object_put(in->manifest);
	json_object_put(in->config_json);
	buf_done(&in->config);
	free(in->layers);
	free(in->chain_ids);
	pthread_mutex_destroy(&in->lock);
}

static int ingest(struct ingest *in, struct admission *admission, const char *reference,
		  const struct platform *platform, char ret_digest[DIGEST_SIZE],
		  struct gantry_error *err)
{
	int r = engine_storage(in->core, &in->storage, err);

	if (r == 0) {
		r = resolve(in, reference, platform, ret_digest, err);
	}
	if (r == 0) {
		admission->digest = ret_digest;
		admission->manifest_digest = in->manifest_digest;
		admission->media_type = in->media_type;
		admission->manifest = in->manifest;
		r = image_admit_manifest(in->core, admission, err);
	}
	if (r == 0) {
		r = load_config(in, err);
	}
	if (r == 0) {
		r = plan_layers(in, err);
	}
	if (r == 0) {
		r = fetch_layers(in, err);
	}
	if (r == 0) {
		r = image_admit_verified(in->core, admission, in->config_json, err);
	}
	return r < 0 ? r : record(in, err);
}

int image_ingest(struct core *core, struct driver *transport, uint64_t session, const char *name,
		 const char *reference, const struct platform *platform,
		 const struct lazy_origin *lazy, struct progress *progress, char **ret_id,
		 char ret_digest[DIGEST_SIZE], struct gantry_error *err)
{
	struct admission admission = { .transport = transport, .session = session, .name = name };
	struct ingest in = {
		.core = core,
		.transport = transport,
		.session = session,
		.name = name[0] == '@' ? NULL : name,
		.progress = progress,
		.lazy = lazy,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.error = GANTRY_ERROR_INIT,
	};
	int hold = image_parts_hold(core, err);
	int r = hold < 0 ? err->code : ingest(&in, &admission, reference, platform, ret_digest, err);

	image_parts_release(core, hold);
	if (r == 0) {
		*ret_id = strdup(in.config_digest);
		r = *ret_id ? 0 : error_no_memory(err);
	}
	ingest_done(&in);
	return r;
}
