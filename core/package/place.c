/* SPDX-License-Identifier: Apache-2.0 */
/* Registries and layouts are reached as for images: through the transport drivers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/image/image.h"
#include "core/image/registry.h"
#include "core/package/package.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define MANIFEST_MAX 65536
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

static int is_path(const char *location)
{
	size_t len = strlen(location);

	return location[0] == '/' || location[0] == '.' || (len > 4 && !strcmp(location + len - 4, ".tar"));
}

static int open_layout(struct place *p, const char *location, const char *mode,
		       struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r = transport_open(p->driver, &GANTRY_TRANSPORT_OPEN_ARGS(.location = location, .mode = mode),
			       &ret, err);

	if (r == 0) {
		p->session = (uint64_t)reply_integer(&ret, GANTRY_TRANSPORT_OPEN_RET_SESSION, 0);
		p->is_open = 1;
	}
	return r;
}

int place_open(struct core *core, const char *location, const char *mode, const char *auth,
	       struct place *ret, struct gantry_error *err)
{
	struct reference ref;
	int r;

	*ret = (struct place){ 0 };
	snprintf(ret->what, sizeof(ret->what), "%s", location);
	if (is_path(location)) {
		r = registry_get(core->registry, "transport", config_string(core->config, "transport.layout"),
				 &ret->driver, err);
		return r < 0 ? r : open_layout(ret, location, mode, err);
	}
	ret->is_registry = 1;
	r = image_parse_reference(core, location, &ref, err);
	if (r < 0) {
		return r;
	}
	snprintf(ret->reference, sizeof(ret->reference), "%s",
		 *ref.digest ? ref.digest : *ref.tag ? ref.tag : "latest");
	r = image_registry_open(core, &ref, mode, auth, &ret->driver, &ret->session, err);
	ret->is_open = r == 0;
	return r;
}

int place_close(struct place *p, int commit, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;

	if (!p->is_open) {
		return 0;
	}
	p->is_open = 0;
	return transport_close(p->driver, &GANTRY_TRANSPORT_CLOSE_ARGS(.session = p->session, .commit = commit),
			       &ret, err);
}

void place_done(struct place *p)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	(void)place_close(p, 0, &ignored);
}

int place_manifest(struct place *p, const char *reference, struct json_object **ret,
		   char ret_digest[DIGEST_SIZE], struct gantry_error *err)
{
	auto_(reply) struct reply answer = REPLY_INIT;
	struct gantry_bytes bytes;
	int r = transport_resolve(p->driver,
				  &GANTRY_TRANSPORT_RESOLVE_ARGS(.session = p->session, .reference = reference),
				  &answer, err);

	if (r < 0) {
		return r;
	}
	bytes = reply_bytes(&answer, GANTRY_TRANSPORT_RESOLVE_RET_MANIFEST);
	if (bytes.size > MANIFEST_MAX) {
		return error_set(err, GANTRY_ERR_LIMIT, "%s: the manifest of a package is at most 64 KiB", p->what);
	}
	/* What it is called is not believed. */
	r = digest_of(bytes.data, bytes.size, ret_digest, err);
	if (r == 0 && !strncmp(reference, "sha256:", 7) && strcmp(reference, ret_digest) != 0) {
		r = error_set(err, GANTRY_ERR_CORRUPT, "%s: its manifest is %s and not what was asked for", p->what,
			      ret_digest);
	}
	return r < 0 ? r : json_parse(bytes.data, bytes.size, "the package's manifest", ret, err);
}

int place_blob(struct place *p, struct json_object *descriptor, size_t limit, struct buf *out,
	       struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *digest = json_get_string(descriptor, "digest");
	int64_t size = json_get_int(descriptor, "size", -1);
	auto_fd int fd = memfd_create("package", MFD_CLOEXEC);
	char actual[DIGEST_SIZE];
	int r;

	if (!digest || !digest_is_valid(digest) || size < 0) {
		return error_set(err, GANTRY_ERR_CORRUPT, "%s: a part of the package has no proper digest or size",
				 p->what);
	}
	if ((uint64_t)size > limit) {
		return error_set(err, GANTRY_ERR_LIMIT, "%s: a part of the package has %lld bytes, more than %zu",
				 p->what, (long long)size, limit);
	}
	r = fd < 0 ? error_errno(err, errno, "cannot make a file in memory")
		   : transport_fetch(p->driver,
				     &GANTRY_TRANSPORT_FETCH_ARGS(.session = p->session, .digest = digest, .sink = fd),
				     &ret, err);
	if (r < 0) {
		return r;
	}
	if (lseek(fd, 0, SEEK_SET) < 0 || read_to_end(fd, out, limit) < 0) {
		return error_set(err, GANTRY_ERR_LIMIT, "%s: a part of the package is larger than it says", p->what);
	}
	r = digest_of(buf_str(out), out->len, actual, err);
	if (r == 0 && ((int64_t)out->len != size || strcmp(actual, digest) != 0)) {
		r = error_set(err, GANTRY_ERR_CORRUPT, "%s: a part of the package is not what its digest says", p->what);
		error_hint(err, "fetch it again; if it stays so, tell its publisher");
	}
	return r;
}

int place_names(struct place *p, struct reply *ret, struct gantry_error *err)
{
	return transport_list(p->driver, &GANTRY_TRANSPORT_LIST_ARGS(.session = p->session), ret, err);
}

int place_put_blob(struct place *p, const void *data, size_t len, const char *type,
		   struct json_object **ret_descriptor, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	auto_json struct json_object *o = json_object_new_object();
	auto_fd int fd = memfd_create("package", MFD_CLOEXEC);
	char digest[DIGEST_SIZE];
	int r = digest_of(data, len, digest, err);

	if (r < 0) {
		return r;
	}
	if (fd < 0 || write_all(fd, data, len) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		return error_errno(err, errno, "cannot make a file in memory");
	}
	r = transport_put_blob(p->driver,
			       &GANTRY_TRANSPORT_PUT_BLOB_ARGS(.session = p->session, .digest = digest,
							       .size = (int64_t)len, .source = fd,
							       .media_type = type),
			       &ret, err);
	if (r < 0) {
		return r;
	}
	if (!o || json_set_string(o, "mediaType", type) < 0 || json_set_string(o, "digest", digest) < 0 ||
	    json_set_int(o, "size", (int64_t)len) < 0) {
		return error_no_memory(err);
	}
	*ret_descriptor = steal(&o);
	return 0;
}

int place_put_manifest(struct place *p, const char *reference, struct json_object *manifest,
		       char ret_digest[DIGEST_SIZE], struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	const char *text = json_text(manifest);
	int r = text ? digest_of(text, strlen(text), ret_digest, err) : error_no_memory(err);

	return r < 0 ? r
		     : transport_put_manifest(p->driver,
					      &GANTRY_TRANSPORT_PUT_MANIFEST_ARGS(
						      .session = p->session, .reference = reference,
						      .media_type = MANIFEST_TYPE, .manifest = { text, strlen(text) }),
					      &ret, err);
}
