/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash rules: a layer's folder appears by rename, with its index and source; then comes the
 * key that says that the chain is attached, then the snapshot, then the layer's record.  What
 * has no record is collected like any layer that no image needs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/content/content.h"
#include "core/image/layer.h"
#include "core/lazy/build.h"
#include "core/lazy/client.h"
#include "core/lazy/index.h"
#include "core/lazy/lazy.h"
#include "core/lazy/toc.h"
#include "core/lazy/transfer.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define TAIL (256 * 1024) /* of an eStargz blob: the footer, and most tables */

static const char *name_of(const struct layer *l)
{
	return l->digest + strlen("sha256:");
}

static int write_source(const struct layer *l, int dir, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	const char *text;
	int r;

	json_set_string(o, "Digest", l->digest);
	json_set_int(o, "Size", l->blob_size);
	json_set_string(o, "Location", l->lazy ? l->lazy->location : "");
	json_set_string(o, "Options", l->lazy ? l->lazy->options : NULL);
	/* Who had no login must not have another's after a restart. */
	json_set_bool(o, "Anonymous", l->lazy && l->lazy->auth && !strcmp(l->lazy->auth, "{}"));
	text = json_text(o);
	r = write_file_atomic(dir, "source", text, strlen(text), 0600, 1);
	return r < 0 ? error_errno(err, -r, "cannot write where layer %s comes from", l->digest) : 0;
}

static int write_auth(const struct layer *l, struct gantry_error *err)
{
	auto_free char *folder = path_join(l->core->paths.run_root, "lazy", NULL);
	auto_free char *path = NULL;
	int r;

	if (!l->lazy || !l->lazy->auth || !strcmp(l->lazy->auth, "{}")) {
		return 0;
	}
	if (!folder || asprintf(&path, "%s/auth-%s", folder, name_of(l)) < 0) {
		return error_no_memory(err);
	}
	r = make_dirs(AT_FDCWD, folder, 0700);
	if (r == 0) {
		r = write_file_atomic(AT_FDCWD, path, l->lazy->auth, strlen(l->lazy->auth), 0600, 0);
	}
	return r < 0 ? error_errno(err, -r, "cannot write %s", path) : 0;
}

static int write_index(const struct layer *l, struct build *b, int dir, struct gantry_error *err)
{
	auto_fd int fd = openat(dir, "index", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct index index;
	int r;

	if (fd < 0) {
		return error_errno(err, errno, "cannot create the index of layer %s", l->digest);
	}
	r = build_write(b, l->digest, (uint64_t)l->blob_size, fd, err);
	if (r == 0 && fsync(fd) < 0) {
		r = error_errno(err, errno, "cannot flush the index of layer %s", l->digest);
	}
	/* What cannot be read back must not become a layer. */
	if (r == 0) {
		r = index_open(fd, l->digest, &index, err);
	}
	if (r == 0) {
		index_close(&index);
	}
	return r;
}

/* A folder that is there already is one of the same blob. */
static int is_usable(const struct layer *l, const char *path)
{
	auto_free char *file = path_join(path, "index", NULL);
	auto_fd int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct index index;

	if (fd < 0 || index_open(fd, l->digest, &index, &ignored) < 0) {
		return 0;
	}
	index_close(&index);
	return 1;
}

static int publish(const struct layer *l, struct build *b, struct gantry_error *err)
{
	auto_free char *all = lazy_path(l->core, NULL);
	auto_free char *path = lazy_path(l->core, name_of(l));
	auto_free char *fresh = NULL;
	auto_fd int dir = -1;
	int r = all && path && asprintf(&fresh, "%s/.new-%s", all, l->chain_id + 7) > 0 ?
			make_dirs(AT_FDCWD, all, 0700) : -ENOMEM;

	if (r == 0) {
		r = remove_tree(AT_FDCWD, fresh); /* of a pull that was killed */
	}
	if (r == 0) {
		r = mkdir(fresh, 0700) < 0 ? -errno : 0;
	}
	dir = r < 0 ? -1 : open(fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		return error_errno(err, r < 0 ? -r : errno, "cannot create a folder in %s", all ? all : "lazy");
	}
	r = write_index(l, b, dir, err);
	if (r == 0) {
		r = write_source(l, dir, err);
	}
	if (r == 0) {
		int moved = rename_new_folder(AT_FDCWD, fresh, path);

		if (moved == -EEXIST && !is_usable(l, path)) {
			moved = remove_tree(AT_FDCWD, path);
			moved = moved < 0 ? moved : rename_new_folder(AT_FDCWD, fresh, path);
		}
		if (moved < 0 && moved != -EEXIST) {
			r = error_errno(err, -moved, "cannot create %s", path);
		}
	}
	(void)remove_tree(AT_FDCWD, fresh);
	return r;
}

static int attach_snapshot(const struct layer *l, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	char key[IMAGE_KEY_SIZE], parent[IMAGE_KEY_SIZE];
	auto_fd int mount = -1;
	int r = lazy_mount(l->core, &mount, err);

	image_snapshot_key(l->chain_id, key);
	if (l->parent) {
		image_snapshot_key(l->parent, parent);
	}
	return r < 0 ? r : storage_attach(l->storage,
					  &GANTRY_STORAGE_ATTACH_ARGS(.key = key,
								      .parent = l->parent ? parent : NULL,
								      .name = name_of(l), .attached = mount),
					  &ret, err);
}

/* Unless another layer has the same blob. */
static void undo(const struct layer *l)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_free char *path = lazy_path(l->core, name_of(l));

	(void)lazy_forget(l->core, l->chain_id, &ignored);
	if (path && !lazy_needs(l->core, l->digest)) {
		(void)remove_tree(AT_FDCWD, path);
	}
}

static int attach(const struct layer *l, struct build *b, struct gantry_error *err)
{
	int r = publish(l, b, err);

	if (r == 0) {
		r = write_auth(l, err);
	}
	if (r == 0) {
		r = db_exec(l->core->db, err, "INSERT OR REPLACE INTO kv VALUES('lazy',?,?)", "ss",
			    l->chain_id, l->digest);
	}
	if (r == 0) {
		r = attach_snapshot(l, err);
	}
	if (r == 0) {
		r = layer_record(l, (int64_t)build_content_size(b), err);
	}
	if (r < 0) {
		undo(l);
	}
	return r;
}

int lazy_attach_stored(const struct layer *l, struct build *b, struct gantry_error *err)
{
	return attach(l, b, err);
}

/* The packed table: the end of an eStargz blob has it mostly, with the footer. */
static int fetch_table(const struct layer *l, struct toc *toc, struct buf *packed,
		       struct gantry_error *err)
{
	int64_t tail, start;
	int r;

	if (toc->kind == TOC_ZSTD_CHUNKED) {
		return transfer_to_buf(l->transport, l->session, l->digest, toc->offset, toc->size, packed,
				       err);
	}
	tail = l->blob_size < TAIL ? l->blob_size : TAIL;
	start = l->blob_size - tail;
	r = transfer_to_buf(l->transport, l->session, l->digest, start, tail, packed, err);
	if (r < 0) {
		return r;
	}
	if (toc_read_footer(toc, packed->data + packed->len - TOC_FOOTER, l->blob_size) < 0) {
		return error_set(err, GANTRY_ERR_CORRUPT, "layer %s has no footer of eStargz, which its "
				 "manifest announces", l->digest);
	}
	if (toc->offset >= start) {
		buf_consume(packed, (size_t)(toc->offset - start));
		packed->len = (size_t)toc->size;
		return 0;
	}
	buf_clear(packed);
	return transfer_to_buf(l->transport, l->session, l->digest, toc->offset, toc->size, packed, err);
}

static int index_remote(const struct layer *l, struct build *b, struct toc *toc,
			struct gantry_error *err)
{
	auto_(buf) struct buf packed = BUF_INIT;
	auto_(buf) struct buf json = BUF_INIT;
	int r = fetch_table(l, toc, &packed, err);

	if (r == 0) {
		r = toc_unpack(toc, packed.data, packed.len, &json, err);
	}
	return r < 0 ? r : toc_index(toc, &json, b, err);
}

static int check_limit(const struct layer *l, struct build *b, struct gantry_error *err)
{
	int64_t limit = config_int(l->core->config, "image.max_layer_bytes");

	if (limit <= 0 || build_content_size(b) <= (uint64_t)limit) {
		return 0;
	}
	error_set(err, GANTRY_ERR_LIMIT, "the layer unpacks to more than the limit of %lld bytes",
		  (long long)limit);
	return error_hint(err, "raise the limit in the configuration if this image is trusted");
}

int lazy_attach_remote(const struct layer *l, struct gantry_error *err)
{
	struct build *b = NULL;
	struct toc toc;
	int r;

	toc_announced(l->descriptor, l->blob_size, &toc);
	if (toc.kind == TOC_NONE || !l->transport || !driver_has(l->storage, GANTRY_STORAGE_OP_ATTACH) ||
	    content_size(l->core->paths.root, l->digest) >= 0) {
		return 0;
	}
	r = build_new(&b, err);
	if (r == 0) {
		r = index_remote(l, b, &toc, err);
	}
	if (r == 0) {
		r = check_limit(l, b, err);
	}
	if (r == 0) {
		r = attach(l, b, err);
	}
	build_free(b);
	if (r == GANTRY_ERR_UNSUPPORTED) {
		error_clear(err);
		return 0;
	}
	return r < 0 ? error_prefix(err, "layer %s", l->digest) : 1;
}
