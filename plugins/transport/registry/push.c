/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a registry.  Small blobs go in one request; larger ones as a
 * session of one or more chunks, of which the registry tells how far it got, so
 * that an upload that broke goes on there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/digest.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "registry.h"

#define REPLY_LIMIT 65536
#define SMALL_BLOB 65536
#define MAX_RESUMES 8

static int head_blob(struct session *s, struct endpoint *e, const char *digest, int *ret_present,
		     struct gantry_error *err)
{
	auto_(http_response) struct http_response r = { 0 };
	auto_(buf) struct buf path = BUF_INIT;
	struct http_request q = { .method = "HEAD", .source = -1, .sink = -1, .body_limit = REPLY_LIMIT };
	int code;

	buf_addf(&path, "/v2/%s/blobs/%s", e->repository, digest);
	if (buf_failed(&path))
		return error_no_memory(err);
	q.url = buf_str(&path);
	code = session_request(s, e, &q, &r, err);
	if (code < 0)
		return code;
	*ret_present = r.status == 200;
	if (r.status == 200 || r.status == 404)
		return 0;
	return session_status_error(s, e, &r, "blob", err);
}

/* Starts an upload.  With from, the registry may link the blob instead:
 * *ret_location is then empty. */
static int start_upload(struct session *s, struct endpoint *e, const char *digest, const char *from,
			char *ret_location, size_t size, struct gantry_error *err)
{
	auto_(http_response) struct http_response r = { 0 };
	auto_(buf) struct buf path = BUF_INIT;
	struct http_request q = { .method = "POST", .source = -1, .sink = -1, .body_limit = REPLY_LIMIT };
	int code;

	buf_addf(&path, "/v2/%s/blobs/uploads/", e->repository);
	if (from) {
		buf_addf(&path, "?mount=%s&from=", digest);
		http_escape(&path, from);
	}
	if (buf_failed(&path))
		return error_no_memory(err);
	q.url = buf_str(&path);
	code = session_request(s, e, &q, &r, err);
	if (code < 0)
		return code;
	ret_location[0] = '\0';
	if (r.status == 201 && from)
		return 0;
	if (r.status != 202)
		return session_status_error(s, e, &r, "upload", err);
	if (!r.location[0] || strlen(r.location) >= size)
		return error_set(err, GANTRY_ERR_CORRUPT, "registry %s began an upload without saying where",
				 e->host);
	strcpy(ret_location, r.location);
	return 0;
}

static void cancel_upload(struct session *s, struct endpoint *e, const char *location)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(http_response) struct http_response r = { 0 };
	struct http_request q = { .method = "DELETE", .url = location, .source = -1, .sink = -1,
				  .body_limit = REPLY_LIMIT, .no_retry = 1 };

	(void)session_request(s, e, &q, &r, &ignored);
}

/* Links the blob from another repository of the registry, if it can. */
static int mount_blob(struct session *s, struct endpoint *e, const char *digest, const char *from,
		      int *ret_present, struct gantry_error *err)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char location[4096];

	pthread_mutex_lock(&e->lock);
	if (strcmp(e->mount_from, from) != 0 && strlen(from) < sizeof(e->mount_from)) {
		/* The token has to cover both repositories. */
		strcpy(e->mount_from, from);
		if (e->challenge.scheme == AUTH_BEARER && e->authorization)
			(void)auth_answer(s, e, NULL, &ignored);
	}
	pthread_mutex_unlock(&e->lock);
	/* Not being allowed to read the other repository only means to upload. */
	if (start_upload(s, e, digest, from, location, sizeof(location), &ignored) < 0)
		return 0;
	*ret_present = !location[0];
	if (location[0])
		cancel_upload(s, e, location);
	return 0;
}

static int check_push(const struct session *s, const char *digest, struct gantry_error *err)
{
	if (s->mode != SESSION_PUSH)
		return error_set(err, GANTRY_ERR_CONFLICT, "the session was not opened to push");
	if (digest && !digest_is_valid(digest))
		return error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" is no digest", digest);
	return 0;
}

int registry_has_blob(void *self, const struct gantry_transport_has_blob_args *args,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(session) struct session *s = session_get(self, args->session, err);
	int present = 0, code;

	if (!s)
		return err->code;
	code = check_push(s, args->digest, err);
	if (code == 0)
		code = head_blob(s, session_origin(s), args->digest, &present, err);
	if (code == 0 && !present && args->mount_from && *args->mount_from)
		code = mount_blob(s, session_origin(s), args->digest, args->mount_from, &present, err);
	if (code < 0)
		return code;
	return gantry_transport_has_blob_set_present(reply, present) < 0 ? error_no_memory(err) : 0;
}

/* LOCATION with digest=... appended. */
static void final_url(const char *location, const char *digest, struct buf *out)
{
	buf_addf(out, "%s%sdigest=", location, strchr(location, '?') ? "&" : "?");
	http_escape(out, digest);
}

/* Ends an upload; data is sent along when all of it is small. */
static int finish_upload(struct session *s, struct endpoint *e, const char *location,
			 const char *digest, const struct buf *data, struct gantry_error *err)
{
	static const char *const headers[] = { "Content-Type: application/octet-stream", NULL };
	auto_(http_response) struct http_response r = { 0 };
	auto_(buf) struct buf url = BUF_INIT;
	struct http_request q = { .method = "PUT", .source = -1, .sink = -1, .body_limit = REPLY_LIMIT,
				  .headers = headers };
	int code;

	final_url(location, digest, &url);
	if (buf_failed(&url))
		return error_no_memory(err);
	q.url = buf_str(&url);
	if (data) {
		q.body = buf_str(data);
		q.body_size = data->len;
	}
	code = session_request(s, e, &q, &r, err);
	if (code < 0)
		return code;
	if (r.status == 201 || r.status == 204)
		return 0;
	if (r.status == 400)
		return error_set(err, GANTRY_ERR_CORRUPT, "registry %s finds that blob %s was damaged on the way",
				 e->host, digest);
	return session_status_error(s, e, &r, "upload", err);
}

struct upload {
	struct session *s;
	struct endpoint *e;
	char location[4096];
	int source;
	off_t start;   /* where the blob begins in source; -1: cannot seek */
	int64_t size;
	int64_t sent;  /* that the registry has */
};

/* How far did it get?  Sets sent; 0, or -1 when it cannot tell. */
static int ask_progress(struct upload *u)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(http_response) struct http_response r = { 0 };
	struct http_request q = { .method = "GET", .url = u->location, .source = -1, .sink = -1,
				  .body_limit = REPLY_LIMIT };
	long long first, last;

	if (session_request(u->s, u->e, &q, &r, &ignored) < 0 || r.status != 204)
		return -1;
	if (sscanf(r.range, "%lld-%lld", &first, &last) != 2 || first != 0 || last < 0)
		return -1;
	/* "0-0" is what an empty upload says. */
	u->sent = last == 0 ? 0 : last + 1;
	if (r.location[0])
		snprintf(u->location, sizeof(u->location), "%s", r.location);
	return u->sent <= u->size ? 0 : -1;
}

/* Sends the next chunk.  *ret_again: it failed in a way that may pass. */
static int send_chunk(struct upload *u, int *ret_again, struct gantry_error *err)
{
	int64_t chunk = u->s->registry->chunk_bytes, len = u->size - u->sent;
	auto_(http_response) struct http_response r = { 0 };
	char range[80];
	const char *headers[] = { "Content-Type: application/octet-stream", range, NULL };
	struct http_request q = { .method = "PATCH", .url = u->location, .source = u->source, .sink = -1,
				  .body_limit = REPLY_LIMIT, .headers = headers };
	int code;

	if (chunk > 0 && len > chunk)
		len = chunk;
	snprintf(range, sizeof(range), "Content-Range: %lld-%lld", (long long)u->sent,
		 (long long)(u->sent + len - 1));
	q.source_size = len;
	code = session_request(u->s, u->e, &q, &r, err);
	*ret_again = r.is_transient || (code == 0 && r.status == 416);
	if (code < 0)
		return code;
	if (r.status != 202)
		return session_status_error(u->s, u->e, &r, "upload", err);
	u->sent += len;
	if (r.location[0])
		snprintf(u->location, sizeof(u->location), "%s", r.location);
	return 0;
}

/* Finds out where to go on after a failure; the source is put there. */
static int resume(struct upload *u, int try, struct gantry_error *err)
{
	int64_t delay = u->s->registry->http.retry_delay_ms << (try < 6 ? try : 6);
	struct gantry_error again = GANTRY_ERROR_INIT;

	if (u->start < 0 || try >= MAX_RESUMES)
		return err->code;
	usleep((useconds_t)(delay * 1000));
	if (ask_progress(u) < 0) {
		/* It knows nothing of this upload any more: a new one. */
		u->sent = 0;
		if (start_upload(u->s, u->e, "", NULL, u->location, sizeof(u->location), &again) < 0)
			return err->code;
	}
	if (lseek(u->source, u->start + u->sent, SEEK_SET) < 0)
		return err->code;
	error_clear(err);
	return 0;
}

static int send_all(struct upload *u, struct gantry_error *err)
{
	int tries = 0;

	while (u->sent < u->size) {
		int64_t before = u->sent;
		int again = 0, code = send_chunk(u, &again, err);

		if (code == 0)
			continue;
		if (!again)
			return code;
		code = resume(u, tries, err);
		if (code < 0)
			return code;
		tries = u->sent > before ? 0 : tries + 1;
	}
	return 0;
}

static int send_small(struct upload *u, const char *digest, struct gantry_error *err)
{
	auto_(buf) struct buf data = BUF_INIT;
	char *to = buf_reserve(&data, (size_t)u->size + 1);
	ssize_t n = to ? read_full(u->source, to, (size_t)u->size) : -ENOMEM;

	if (n < 0)
		return error_errno(err, (int)-n, "cannot read blob %s", digest);
	if (n < u->size)
		return error_set(err, GANTRY_ERR_INVALID, "blob %s has %zd bytes instead of %lld", digest, n,
				 (long long)u->size);
	data.len = (size_t)n;
	return finish_upload(u->s, u->e, u->location, digest, &data, err);
}

int registry_put_blob(void *self, const struct gantry_transport_put_blob_args *args,
		      struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(session) struct session *s = session_get(self, args->session, err);
	struct upload u = { .s = s, .source = args->source, .size = args->size };
	int code;

	if (!s)
		return err->code;
	code = check_push(s, args->digest, err);
	if (code == 0 && args->size < 0)
		code = error_set(err, GANTRY_ERR_INVALID, "blob %s has no size", args->digest);
	if (code < 0)
		return code;
	u.e = session_origin(s);
	u.start = lseek(args->source, 0, SEEK_CUR);
	code = start_upload(s, u.e, args->digest, NULL, u.location, sizeof(u.location), err);
	if (code < 0)
		return code;
	if (args->size <= SMALL_BLOB) {
		code = send_small(&u, args->digest, err);
	} else {
		code = send_all(&u, err);
		if (code == 0)
			code = finish_upload(s, u.e, u.location, args->digest, NULL, err);
	}
	if (code < 0)
		cancel_upload(s, u.e, u.location);
	return code;
}

int registry_put_manifest(void *self, const struct gantry_transport_put_manifest_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	auto_(session) struct session *s = session_get(self, args->session, err);
	auto_(http_response) struct http_response r = { 0 };
	auto_(buf) struct buf path = BUF_INIT;
	char type[300], digest[DIGEST_TEXT_MAX];
	const char *headers[] = { type, NULL };
	struct http_request q = { .method = "PUT", .source = -1, .sink = -1, .body_limit = REPLY_LIMIT,
				  .headers = headers, .body = args->manifest.data,
				  .body_size = args->manifest.size };
	struct endpoint *e;
	int code;

	if (!s)
		return err->code;
	code = check_push(s, NULL, err);
	if (code == 0 && (!is_valid_reference(args->reference) || strpbrk(args->media_type, "\r\n")))
		code = error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" is no tag or digest", args->reference);
	if (code == 0)
		code = digest_of(args->manifest.data, args->manifest.size, digest, err);
	if (code < 0)
		return code;
	e = session_origin(s);
	snprintf(type, sizeof(type), "Content-Type: %s", args->media_type);
	buf_addf(&path, "/v2/%s/manifests/%s", e->repository, args->reference);
	if (buf_failed(&path))
		return error_no_memory(err);
	q.url = buf_str(&path);
	code = session_request(s, e, &q, &r, err);
	if (code < 0)
		return code;
	if (r.status != 201 && r.status != 200 && r.status != 202)
		return session_status_error(s, e, &r, "manifest", err);
	if (!strncmp(r.digest, "sha256:", 7) && strcmp(r.digest, digest) != 0)
		return error_set(err, GANTRY_ERR_CORRUPT, "registry %s stored another manifest (%s) than was sent (%s)",
				 e->host, r.digest, digest);
	return gantry_transport_put_manifest_set_digest(reply, digest) < 0 ? error_no_memory(err) : 0;
}
