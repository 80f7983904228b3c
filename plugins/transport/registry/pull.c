/* SPDX-License-Identifier: Apache-2.0 */
/* Reading from a registry: each endpoint is asked in turn, mirrors first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/digest.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "registry.h"

#define TAGS_PAGE_LIMIT (4 * 1024 * 1024)
#define MAX_PAGES 1000

static const char *const manifest_headers[] = {
	"Accept: application/vnd.oci.image.index.v1+json",
	"Accept: application/vnd.oci.image.manifest.v1+json",
	"Accept: application/vnd.docker.distribution.manifest.list.v2+json",
	"Accept: application/vnd.docker.distribution.manifest.v2+json",
	NULL,
};

/* Another endpoint may succeed where this one failed, unless nobody wants it. */
static int try_next(int code)
{
	return code != GANTRY_ERR_CANCELLED && code != GANTRY_ERR_NO_MEMORY &&
	       code != GANTRY_ERR_NO_SPACE && code != GANTRY_ERR_IO;
}

static void log_mirror(const struct session *s, const struct endpoint *e,
		       const struct gantry_error *err)
{
	const struct gantry_log_service *log = gantry_service(s->registry->host, "log");
	char text[2400];

	if (!log || !e->is_mirror)
		return;
	snprintf(text, sizeof(text), "mirror %s did not serve %s: %s", e->host, e->repository,
		 err->message);
	log->write(s->registry->host, GANTRY_LOG_WARNING, text);
}

/* What kind of manifest it is: the header, or where that says nothing, itself. */
static int media_type(const struct http_response *r, char *to, size_t size, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	const char *own;
	int code;

	snprintf(to, size, "%.*s", (int)strcspn(r->content_type, "; "), r->content_type);
	code = json_parse(buf_str(&r->body), r->body.len, "the manifest", &o, err);
	if (code < 0) {
		err->code = GANTRY_ERR_CORRUPT;
		return err->code;
	}
	own = json_get_string(o, "mediaType");
	if (own && *own)
		snprintf(to, size, "%s", own);
	else if (!*to || !strcasecmp(to, "application/json") || !strncasecmp(to, "text/", 5))
		snprintf(to, size, "%s", json_get_array(o, "manifests") ?
			 "application/vnd.oci.image.index.v1+json" :
			 "application/vnd.oci.image.manifest.v1+json");
	if (json_get_int(o, "schemaVersion", 2) == 1) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "the image is in the old format of schema version 1");
		return error_hint(err, "push it again with a current tool");
	}
	return 0;
}

/* The digest of what came; it must be what was asked for and what was promised. */
static int check_digest(const struct endpoint *e, const struct http_response *r,
			const char *reference, char digest[DIGEST_TEXT_MAX],
			struct gantry_error *err)
{
	const char *want = digest_is_valid(reference) ? reference : NULL;
	int code;

	if (!want && digest_is_valid(r->digest))
		want = r->digest;
	if (!want)
		return digest_of(r->body.data, r->body.len, digest, err);
	code = digest_matches(want, r->body.data, r->body.len, err);
	if (code < 0)
		return code;
	if (code == 0)
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "registry %s sent a manifest of %s that does not match its digest %s",
				 e->host, e->repository, want);
	strcpy(digest, want); /* a valid one fits */
	return 0;
}

static int resolve_at(struct session *s, struct endpoint *e, const char *reference,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(http_response) struct http_response r = { 0 };
	auto_(buf) struct buf path = BUF_INIT;
	struct http_request q = { .method = "GET", .headers = manifest_headers, .source = -1, .sink = -1,
				  .body_limit = MANIFEST_LIMIT };
	char digest[DIGEST_TEXT_MAX], type[256], what[200];
	int code;

	buf_addf(&path, "/v2/%s/manifests/%s", e->repository, reference);
	if (buf_failed(&path))
		return error_no_memory(err);
	q.url = buf_str(&path);
	code = session_request(s, e, &q, &r, err);
	if (code < 0)
		return code;
	if (r.status != 200) {
		snprintf(what, sizeof(what), "manifest %s", reference);
		return session_status_error(s, e, &r, what, err);
	}
	code = check_digest(e, &r, reference, digest, err);
	if (code == 0)
		code = media_type(&r, type, sizeof(type), err);
	if (code < 0)
		return code;
	if (gantry_transport_resolve_set_digest(reply, digest) < 0 ||
	    gantry_transport_resolve_set_media_type(reply, type) < 0 ||
	    gantry_transport_resolve_set_manifest(reply, r.body.data, r.body.len) < 0)
		return error_no_memory(err);
	return 0;
}

int registry_resolve(void *self, const struct gantry_transport_resolve_args *args,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(session) struct session *s = session_get(self, args->session, err);
	int code = GANTRY_ERR_NOT_FOUND;

	if (!s)
		return err->code;
	if (!is_valid_reference(args->reference))
		return error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" is no tag or digest", args->reference);
	for (size_t i = 0; i < s->n_endpoints; i++) {
		error_clear(err);
		code = resolve_at(s, &s->endpoints[i], args->reference, reply, err);
		if (code == 0 || !try_next(code))
			return code;
		log_mirror(s, &s->endpoints[i], err);
	}
	return code;
}

/* *written counts on over several places. */
static int fetch_from(struct session *s, struct endpoint *e, const char *url,
		      const struct gantry_transport_fetch_args *args, int64_t *written,
		      struct gantry_error *err)
{
	auto_(http_response) struct http_response r = { 0 };
	const char *digest = args->digest;
	struct http_request q = { .method = "GET", .url = url, .source = -1, .sink = args->sink,
				  .offset = args->offset + *written };
	char what[200];
	int code;

	if (args->length > 0) {
		if (*written >= args->length)
			return 0;
		q.length = args->length - *written;
	}
	code = e ? session_request(s, e, &q, &r, err) : http_perform(&s->pool, &q, &r, err);

	*written += r.written;
	if (code < 0)
		return error_prefix(err, "blob %.19s", digest);
	if (r.status == 200 || r.status == 206)
		return 0;
	snprintf(what, sizeof(what), "blob %s", digest);
	return session_status_error(s, e ? e : session_origin(s), &r, what, err);
}

/* Places that a foreign layer's descriptor names: https only, no credentials. */
static int fetch_urls(struct session *s, const struct gantry_transport_fetch_args *args,
		      int64_t *written, struct gantry_error *err)
{
	int code = err->code;

	for (size_t i = 0; code < 0 && args->urls && args->urls[i]; i++) {
		if (strncasecmp(args->urls[i], "https://", 8) != 0)
			continue;
		error_clear(err);
		code = fetch_from(s, NULL, args->urls[i], args, written, err);
	}
	return code;
}

int registry_fetch(void *self, const struct gantry_transport_fetch_args *args,
		   struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(session) struct session *s = session_get(self, args->session, err);
	int64_t written = 0;
	int code = 0;

	if (!s)
		return err->code;
	if (!digest_is_valid(args->digest))
		return error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" is no digest", args->digest);
	if (args->offset < 0 || args->length < 0 || args->length > INT64_MAX - args->offset)
		return error_set(err, GANTRY_ERR_INVALID, "a range of blob %.19s is impossible", args->digest);
	for (size_t i = 0; i < s->n_endpoints; i++) {
		struct endpoint *e = &s->endpoints[i];
		auto_(buf) struct buf path = BUF_INIT;

		buf_addf(&path, "/v2/%s/blobs/%s", e->repository, args->digest);
		if (buf_failed(&path))
			return error_no_memory(err);
		error_clear(err);
		code = fetch_from(s, e, buf_str(&path), args, &written, err);
		if (code == 0 || !try_next(code))
			break;
		log_mirror(s, e, err);
	}
	if (code == GANTRY_ERR_NOT_FOUND && args->urls)
		code = fetch_urls(s, args, &written, err);
	if (code < 0)
		return code;
	return gantry_transport_fetch_set_size(reply, written) < 0 ? error_no_memory(err) : 0;
}

/* One page of tags; *path becomes the next one's, empty at the end. */
static int list_page(struct session *s, struct endpoint *e, struct buf *path,
		     struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(http_response) struct http_response r = { 0 };
	auto_json struct json_object *o = NULL;
	struct http_request q = { .method = "GET", .url = buf_str(path), .source = -1, .sink = -1,
				  .body_limit = TAGS_PAGE_LIMIT };
	struct json_object *tags;
	char link[2048], next[4096];
	int code = session_request(s, e, &q, &r, err);

	if (code < 0)
		return code;
	if (r.status != 200)
		return session_status_error(s, e, &r, "list of tags", err);
	code = json_parse(buf_str(&r.body), r.body.len, "the list of tags", &o, err);
	if (code < 0)
		return code;
	tags = json_get_array(o, "tags");
	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *tag = json_item_string(tags, i);

		if (tag && is_valid_reference(tag) && gantry_transport_list_add_name(reply, tag) < 0)
			return error_no_memory(err);
	}
	buf_clear(path);
	if (!r.link[0] || next_link(r.link, link, sizeof(link)) < 0 ||
	    http_resolve_url(r.url, link, next, sizeof(next)) < 0 || !http_same_origin(r.url, next))
		return 0;
	buf_adds(path, next);
	return buf_failed(path) ? error_no_memory(err) : 0;
}

int registry_list(void *self, const struct gantry_transport_list_args *args,
		  struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(session) struct session *s = session_get(self, args->session, err);
	auto_(buf) struct buf path = BUF_INIT;
	struct endpoint *e;
	int code = 0;

	if (!s)
		return err->code;
	e = session_origin(s);
	buf_addf(&path, "/v2/%s/tags/list?n=1000", e->repository);
	for (int i = 0; code == 0 && path.len > 0 && i < MAX_PAGES; i++)
		code = list_page(s, e, &path, reply, err);
	return code;
}
