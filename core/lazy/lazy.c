/* SPDX-License-Identifier: Apache-2.0 */
/* An engine without such layers has no folder for them, which is all that it looks at. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/content/content.h"
#include "core/image/image.h"
#include "core/lazy/client.h"
#include "core/lazy/lazy.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define BLOCK (64 * 1024) /* of blob.c */

static int has_any(struct core *core)
{
	auto_free char *path = lazy_path(core, NULL);

	return path && access(path, F_OK) == 0;
}

static int find_digest(struct core *core, const char *chain_id, char **ret, struct gantry_error *err)
{
	*ret = NULL;
	return db_get_text(core->db, ret, err, "SELECT value FROM kv WHERE owner='lazy' AND key=?", "s",
			   chain_id);
}

int lazy_folder(struct core *core, const char *image_id, int *ret_fd, struct gantry_error *err)
{
	auto_image struct image *image = NULL;
	struct json_object *layers;
	int r;

	*ret_fd = -1;
	if (!has_any(core)) {
		return 0;
	}
	r = image_find(core, image_id, &image, err);
	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		return 0;
	}
	layers = r < 0 ? NULL : json_get_array(image->doc, "Layers");
	for (size_t i = 0; r == 0 && i < json_array_size(layers); i++) {
		const char *chain = json_get_string(json_object_array_get_idx(layers, i), "ChainID");
		auto_free char *digest = NULL;

		r = chain ? find_digest(core, chain, &digest, err) : 0;
		if (r == 0 && digest) {
			return lazy_mount(core, ret_fd, err);
		}
	}
	return r;
}

int lazy_finish(struct core *core, const char *digest, struct gantry_error *err)
{
	auto_free char *path = digest_is_valid(digest) ? lazy_path(core, digest + 7) : NULL;
	auto_fd int connection = -1;
	char request[128];
	int r;

	if (!path || content_size(core->paths.root, digest) >= 0 || access(path, F_OK) < 0) {
		return 0;
	}
	r = lazy_connect(core, &connection, err);
	if (r == 0) {
		snprintf(request, sizeof(request), "finish %s", digest + 7);
		r = lazy_ask(connection, request, NULL, err);
	}
	if (r < 0) {
		error_prefix(err, "the rest of layer %s cannot be fetched", digest);
		return error_hint(err, "it was pulled with --lazy: try again when its registry can be reached");
	}
	return 0;
}

int lazy_finish_chain(struct core *core, const char *chain_id, struct gantry_error *err)
{
	auto_free char *digest = NULL;
	int r = has_any(core) ? find_digest(core, chain_id, &digest, err) : 0;

	return r < 0 || !digest ? r : lazy_finish(core, digest, err);
}

int lazy_needs(struct core *core, const char *digest)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int64_t n = 0;

	/* One that cannot be asked keeps it. */
	return db_get_int(core->db, 0, &n, &ignored,
			  "SELECT count(*) FROM kv WHERE owner='lazy' AND value=?", "s", digest) < 0 ||
	       n > 0;
}

int lazy_forget(struct core *core, const char *chain_id, struct gantry_error *err)
{
	return db_exec(core->db, err, "DELETE FROM kv WHERE owner='lazy' AND key=?", "s", chain_id);
}

void lazy_collect(struct core *core)
{
	auto_free char *folder = lazy_path(core, NULL);
	auto_dir DIR *dir = folder ? opendir(folder) : NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct dirent *e;

	if (!dir) {
		return;
	}
	(void)db_exec(core->db, &ignored,
		      "DELETE FROM kv WHERE owner='lazy' AND key NOT IN (SELECT chain_id FROM layers)", "");
	while ((e = readdir(dir))) {
		char digest[8 + 256];
		auto_free char *auth = NULL;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) {
			continue;
		}
		snprintf(digest, sizeof(digest), "sha256:%s", e->d_name);
		if (lazy_needs(core, digest)) {
			continue;
		}
		(void)remove_tree(dirfd(dir), e->d_name);
		if (asprintf(&auth, "%s/lazy/auth-%s", core->paths.run_root, e->d_name) > 0) {
			(void)unlink(auth);
		}
	}
}

/* The map has a bit for each block that is here. */
static int64_t count_blocks(const char *path)
{
	auto_(buf) struct buf map = BUF_INIT;
	int64_t n = 0;

	if (read_file(AT_FDCWD, path, &map, 64 << 20) < 0) {
		return 0;
	}
	for (size_t i = 0; i < map.len; i++) {
		n += __builtin_popcount((unsigned char)map.data[i]);
	}
	return n;
}

int lazy_progress(struct core *core, const char *chain_id, int64_t *ret_present, int64_t *ret_size)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_free char *digest = NULL;
	auto_free char *map = NULL;
	auto_free char *data = NULL;
	struct stat st;

	if (!has_any(core) || find_digest(core, chain_id, &digest, &ignored) < 0 || !digest) {
		return 0;
	}
	*ret_size = *ret_present = content_size(core->paths.root, digest);
	if (*ret_size >= 0) {
		return 1;
	}
	map = path_join(core->paths.root, "lazy", digest + 7, "map", NULL);
	data = path_join(core->paths.root, "lazy", digest + 7, "data", NULL);
	*ret_present = *ret_size = 0;
	if (map && data && stat(data, &st) == 0) {
		*ret_size = st.st_size;
		*ret_present = count_blocks(map) * BLOCK;
		*ret_present = *ret_present < *ret_size ? *ret_present : *ret_size;
	}
	return 1;
}
