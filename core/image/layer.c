/* SPDX-License-Identifier: Apache-2.0 */
/* Three threads per layer: the transport's fetch writes into one pipe, this one
 * verifies, stores and decompresses, the storage driver's apply reads the other.
 * Whoever fails closes its pipe, which ends the others.  Of a layer that is to be read in
 * place the third only notes where everything is. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/content/content.h"
#include "core/content/decoder.h"
#include "core/image/layer.h"
#include "core/lazy/build.h"
#include "core/lazy/checkpoint.h"
#include "core/lazy/tar.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define CHUNK (128 * 1024)
#define PIPE_SIZE (1 << 20)
#define TRIES 5

struct work {
	const struct layer *layer;
	char id[13]; /* for progress */
	char key[IMAGE_KEY_SIZE + 8]; /* the snapshot while it is written */

	int apply_pipe[2];
	pthread_t apply_thread;
	int applying;
	struct gantry_error apply_error;
	int64_t applied_bytes;

	int fetch_sink;
	int64_t fetch_offset;
	struct gantry_error fetch_error;

	struct content_writer *writer;
	struct decoder *decoder; /* one of the two */
	struct checkpoint *checkpoint;
	struct build *build;     /* of a layer that is to be read in place */
	struct digester *diff;
	int64_t received;
	int64_t reported;
};

static void *apply_main(void *arg)
{
	struct work *w = arg;
	auto_(reply) struct reply ret = REPLY_INIT;

	if (storage_apply(w->layer->storage,
			  &GANTRY_STORAGE_APPLY_ARGS(
				  .key = w->key, .archive = w->apply_pipe[0],
				  .size_limit = config_int(w->layer->core->config, "image.max_layer_bytes")),
			  &ret, &w->apply_error) == 0) {
		w->applied_bytes = reply_integer(&ret, GANTRY_STORAGE_APPLY_RET_SIZE, 0);
	}
	close(w->apply_pipe[0]);
	return NULL;
}

static void *scan_main(void *arg)
{
	struct work *w = arg;

	(void)tar_scan(w->apply_pipe[0], w->build,
		       config_int(w->layer->core->config, "image.max_layer_bytes"), &w->apply_error);
	close(w->apply_pipe[0]);
	return NULL;
}

static void *fetch_main(void *arg)
{
	struct work *w = arg;
	auto_(reply) struct reply ret = REPLY_INIT;

	(void)transport_fetch(w->layer->transport,
			      &GANTRY_TRANSPORT_FETCH_ARGS(.session = w->layer->session,
							   .digest = w->layer->digest,
							   .offset = w->fetch_offset, .sink = w->fetch_sink),
			      &ret, &w->fetch_error);
	close(w->fetch_sink);
	return NULL;
}

/* Decoded bytes on their way to the snapshot. */
static int take_decoded(void *ctx, const void *data, size_t len, struct gantry_error *err)
{
	struct work *w = ctx;
	int r;

	digester_add(w->diff, data, len);
	r = write_all(w->apply_pipe[1], data, len);
	/* The apply thread knows better why it stopped. */
	return r < 0 ? error_errno(err, -r, "cannot unpack layer %s", w->layer->digest) : 0;
}

static int take_bytes(struct work *w, const char *data, size_t len, int store,
		      struct gantry_error *err)
{
	int r = store ? content_writer_add(w->writer, data, len, err) : 0;

	if (r == 0) {
		r = w->build ? checkpoint_feed(w->checkpoint, data, len, err)
			     : decoder_feed(w->decoder, data, len, err);
	}
	w->received += (int64_t)len;
	if (r == 0 && (w->received - w->reported >= CHUNK * 4 || w->received == w->layer->blob_size)) {
		w->reported = w->received;
		progress_bytes(w->layer->progress, w->id,
			       w->layer->transport ? "Downloading" : "Extracting", w->received,
			       w->layer->blob_size);
	}
	if (r == 0 && w->layer->blob_size > 0 && w->received > w->layer->blob_size) {
		r = error_set(err, GANTRY_ERR_CORRUPT,
			      "layer %s is longer than the %lld bytes its manifest says", w->layer->digest,
			      (long long)w->layer->blob_size);
	}
	return r;
}

static int pump(struct work *w, int fd, int store, struct gantry_error *err)
{
	auto_free char *chunk = malloc(CHUNK);

	while (chunk) {
		ssize_t n = read(fd, chunk, CHUNK);
		int r;

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? error_errno(err, errno, "cannot read layer %s", w->layer->digest) : 0;
		}
		r = take_bytes(w, chunk, (size_t)n, store, err);
		if (r < 0) {
			return r;
		}
		if (progress_gone(w->layer->progress)) {
			return error_set(err, GANTRY_ERR_CANCELLED, "the pull of layer %s was given up",
					 w->layer->digest);
		}
	}
	return error_no_memory(err);
}

/* One call of the transport from where we are. */
static int fetch_once(struct work *w, struct gantry_error *err)
{
	pthread_t thread;
	int ends[2], code, r;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
	w->fetch_sink = ends[1];
	w->fetch_offset = w->received;
	w->fetch_error = (struct gantry_error)GANTRY_ERROR_INIT;
	code = pthread_create(&thread, NULL, fetch_main, w);
	if (code) {
		close(ends[0]);
		close(ends[1]);
		return error_errno(err, code, "cannot start a thread");
	}
	r = pump(w, ends[0], 1, err);
	close(ends[0]);
	pthread_join(thread, NULL);
	if (r == 0 && w->fetch_error.code < 0) {
		*err = w->fetch_error;
		r = err->code;
	}
	if (r == 0 && w->layer->blob_size > 0 && w->received < w->layer->blob_size) {
		r = error_set(err, GANTRY_ERR_UNAVAILABLE, "layer %s ended after %lld of %lld bytes",
			      w->layer->digest, (long long)w->received, (long long)w->layer->blob_size);
	}
	return r;
}

/* What an earlier try has stored already goes through the decoder first. */
static int replay_partial(struct work *w, int64_t offset, struct gantry_error *err)
{
	auto_free char *path = path_join(w->layer->core->paths.root, "content", "partial",
					 w->layer->digest + 7, NULL);
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (offset == 0) {
		return 0;
	}
	return fd < 0 ? error_errno(err, errno, "cannot open %s", path) : pump(w, fd, 0, err);
}

static int fetch_all(struct work *w, struct gantry_error *err)
{
	int64_t offset;
	int r = content_writer_new(w->layer->core->paths.root, w->layer->digest, &w->writer, &offset, err);

	if (r == 0 && w->layer->blob_size > 0 && offset > w->layer->blob_size) {
		offset = 0;
		r = content_writer_restart(w->writer, err);
	}
	if (r == 0) {
		r = replay_partial(w, offset, err);
	}
	for (int i = 0; r == 0 && !(w->layer->blob_size > 0 && w->received == w->layer->blob_size); i++) {
		int64_t before = w->received;

		r = fetch_once(w, err);
		/* A driver has its own patience; only one that got somewhere is asked again. */
		if (r == GANTRY_ERR_UNAVAILABLE && w->received > before && i + 1 < TRIES) {
			char text[64];

			snprintf(text, sizeof(text), "Retrying in %d second%s", 1 << i, i ? "s" : "");
			progress_status(w->layer->progress, w->id, text);
			sleep(1u << i);
			error_clear(err);
			r = 0;
		} else if (r == 0) {
			break;
		}
	}
	if (r == 0) {
		progress_status(w->layer->progress, w->id, "Verifying Checksum");
		r = content_writer_commit(w->writer, NULL, err);
	}
	if (r == 0) {
		progress_status(w->layer->progress, w->id, "Download complete");
	}
	return r;
}

static int read_stored(struct work *w, struct gantry_error *err)
{
	auto_fd int fd = -1;
	int r = content_open(w->layer->core->paths.root, w->layer->digest, &fd, err);

	return r < 0 ? r : pump(w, fd, 0, err);
}

static int prepare_snapshot(struct work *w, struct gantry_error *err)
{
	const struct layer *l = w->layer;
	auto_(reply) struct reply ret = REPLY_INIT;
	char parent[IMAGE_KEY_SIZE];
	int r;

	snprintf(w->key, sizeof(w->key), "unpack-%.64s", l->chain_id + 7);
	if (l->parent) {
		image_snapshot_key(l->parent, parent);
	}
	/* One that a crash left behind may hold half a layer. */
	r = storage_remove(l->storage, &GANTRY_STORAGE_REMOVE_ARGS(.key = w->key), &ret, err);
	if (r == 0) {
		r = storage_prepare(l->storage,
				    &GANTRY_STORAGE_PREPARE_ARGS(.key = w->key,
								 .parent = l->parent ? parent : NULL),
				    &ret, err);
	}
	return r;
}

static int start_apply(struct work *w, struct gantry_error *err)
{
	int code, r = w->build ? 0 : prepare_snapshot(w, err);

	if (r < 0) {
		return r;
	}
	if (pipe2(w->apply_pipe, O_CLOEXEC) < 0) {
		return error_errno(err, errno, "cannot make a pipe");
	}
	fcntl(w->apply_pipe[1], F_SETPIPE_SZ, PIPE_SIZE);
	code = pthread_create(&w->apply_thread, NULL, w->build ? scan_main : apply_main, w);
	if (code) {
		close(w->apply_pipe[0]);
		close(w->apply_pipe[1]);
		return error_errno(err, code, "cannot start a thread");
	}
	w->applying = 1;
	return 0;
}

/* Ends the apply thread; its error is the better one. */
static int end_apply(struct work *w, int r, struct gantry_error *err)
{
	if (!w->applying) {
		return r;
	}
	close(w->apply_pipe[1]);
	pthread_join(w->apply_thread, NULL);
	if (w->apply_error.code < 0 && (r == 0 || err->sys_errno == EPIPE)) {
		*err = w->apply_error;
		return err->code;
	}
	return r;
}

static int check_diff_id(struct work *w, struct gantry_error *err)
{
	char diff_id[DIGEST_SIZE];

	digester_result(w->diff, diff_id);
	if (w->layer->diff_id && strcmp(diff_id, w->layer->diff_id)) {
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "layer %s unpacks to %s, but the image's configuration says %s",
				 w->layer->digest, diff_id, w->layer->diff_id);
	}
	return 0;
}

int layer_record(const struct layer *l, int64_t size, struct gantry_error *err)
{
	int r = db_exec(l->core->db, err, "INSERT OR REPLACE INTO layers VALUES(?,?,?,?,?)", "ssssi",
			l->chain_id, l->storage->name, l->diff_id, l->parent, size);

	if (r == 0 && l->media_type) {
		r = db_exec(l->core->db, err, "INSERT OR REPLACE INTO blobs VALUES(?,?,?,?,'')", "sssi",
			    l->diff_id, l->digest, l->media_type, l->blob_size);
	}
	return r;
}

static int commit_snapshot(struct work *w, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	char name[IMAGE_KEY_SIZE];
	int r;

	image_snapshot_key(w->layer->chain_id, name);
	r = storage_commit(w->layer->storage,
			   &GANTRY_STORAGE_COMMIT_ARGS(.key = w->key, .name = name), &ret, err);
	if (r == GANTRY_ERR_EXISTS) {
		/* Committed before a crash, and not recorded: take that one. */
		error_clear(err);
		r = storage_remove(w->layer->storage, &GANTRY_STORAGE_REMOVE_ARGS(.key = w->key), &ret, err);
	}
	return r < 0 ? r : layer_record(w->layer, w->applied_bytes, err);
}

/* Damaged bytes must not be what the next try goes on from. */
static int explain(struct work *w, struct gantry_error *err)
{
	if (err->code == GANTRY_ERR_CORRUPT) {
		content_writer_discard(w->writer);
		if (!err->hint[0]) {
			error_hint(err, "pull again; if it happens again, the image is damaged at its source");
		}
	}
	return strstr(err->message, w->layer->digest) ? err->code
						      : error_prefix(err, "layer %s", w->layer->digest);
}

static int start_decoding(struct work *w, int in_place, struct gantry_error *err)
{
	int r;

	if (!in_place) {
		return decoder_new(take_decoded, w, &w->decoder, err);
	}
	r = build_new(&w->build, err);
	return r < 0 ? r : checkpoint_new(w->build, take_decoded, w, &w->checkpoint, err);
}

static int finish_decoding(struct work *w, struct gantry_error *err)
{
	return w->build ? checkpoint_finish(w->checkpoint, err) : decoder_finish(w->decoder, err);
}

static void transfer_done(struct work *w)
{
	content_writer_free(w->writer);
	decoder_free(w->decoder);
	checkpoint_free(w->checkpoint);
	build_free(w->build);
	digester_free(w->diff);
}

/* in_place: the layer stays packed; UNSUPPORTED when that is not possible. */
static int transfer(struct work *w, int in_place, struct gantry_error *err)
{
	const struct layer *l = w->layer;
	int stored = content_size(l->core->paths.root, l->digest) >= 0;
	int r = digester_new(&w->diff, err);

	if (r == 0) {
		r = start_decoding(w, in_place, err);
	}
	if (r == 0) {
		r = start_apply(w, err);
	}
	if (r == 0) {
		r = stored || !l->transport ? read_stored(w, err) : fetch_all(w, err);
	}
	if (r == 0) {
		r = finish_decoding(w, err);
	}
	r = end_apply(w, r, err);
	if (r == 0) {
		r = check_diff_id(w, err);
	}
	if (r == 0) {
		r = in_place ? lazy_attach_stored(l, w->build, err) : commit_snapshot(w, err);
	}
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;
		auto_(reply) struct reply ret = REPLY_INIT;

		r = explain(w, err);
		if (*w->key) {
			(void)storage_remove(l->storage, &GANTRY_STORAGE_REMOVE_ARGS(.key = w->key), &ret,
					     &ignored);
		}
	}
	transfer_done(w);
	return r;
}

/* Without its bytes, in place, or unpacked: what is asked for and possible. */
static int make_layer(struct work *w, struct gantry_error *err)
{
	const struct layer *l = w->layer;
	struct work fresh = *w;
	int r = 0;

	if (l->lazy && driver_has(l->storage, GANTRY_STORAGE_OP_ATTACH)) {
		r = lazy_attach_remote(l, err);
		if (r == 0) {
			r = transfer(w, 1, err);
			r = r == 0 ? 1 : r;
		}
	}
	if (r == GANTRY_ERR_UNSUPPORTED) {
		error_clear(err);
		*w = fresh;
		r = 0;
	}
	if (r == 0) {
		return transfer(w, 0, err);
	}
	return r < 0 ? r : 0;
}

int layer_find(struct core *core, const char *chain_id, const char *driver, int *ret_found,
	       int64_t *ret_size, struct gantry_error *err)
{
	int64_t size;
	int r = db_get_int(core->db, -1, &size, err,
			   "SELECT size FROM layers WHERE chain_id=? AND driver=?", "ss", chain_id, driver);

	*ret_found = r == 0 && size >= 0;
	*ret_size = size;
	return r;
}

static int lock_layer(const struct layer *l, int *ret, struct gantry_error *err)
{
	auto_free char *folder = path_join(l->core->paths.run_root, "layers", NULL);
	auto_free char *path = path_join(folder, l->chain_id + 7, NULL);
	int r = make_dirs(AT_FDCWD, folder, 0700);

	if (r < 0) {
		return error_errno(err, -r, "cannot create folder %s", folder);
	}
	*ret = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*ret < 0) {
		return error_errno(err, errno, "cannot open %s", path);
	}
	while (flock(*ret, LOCK_EX) < 0 && errno == EINTR) {
	}
	return 0;
}

int layer_ensure(const struct layer *layer, struct gantry_error *err)
{
	auto_free struct work *w = calloc(1, sizeof(*w));
	auto_fd int lock = -1;
	int64_t size;
	int found;
	int r = w ? lock_layer(layer, &lock, err) : error_no_memory(err);

	if (r == 0) {
		r = layer_find(layer->core, layer->chain_id, layer->storage->name, &found, &size, err);
	}
	if (r < 0) {
		return r;
	}
	w->layer = layer;
	w->apply_error = (struct gantry_error)GANTRY_ERROR_INIT;
	snprintf(w->id, sizeof(w->id), "%.12s", layer->digest + 7);
	if (found) {
		/* Without --lazy, what a lazy pull has begun is to be all there in the end. */
		r = layer->lazy || !layer->transport ? 0 : lazy_finish_chain(layer->core, layer->chain_id, err);
		progress_status(layer->progress, w->id, r < 0 ? "Incomplete" : "Already exists");
		return r;
	}
	progress_status(layer->progress, w->id, "Pulling fs layer");
	r = make_layer(w, err);
	if (r == 0) {
		progress_status(layer->progress, w->id, "Pull complete");
	}
	return r;
}
