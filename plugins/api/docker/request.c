/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "filters.h"
#include "request.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define MAX_JSON_BODY (4 << 20)

/* Takes "/v1.NN" off the path, when it is there. */
static int take_version(struct request *rq, struct gantry_error *err)
{
	char *end;
	long major, minor;

	if (rq->path[0] != 'v' || rq->path[1] < '0' || rq->path[1] > '9') {
		return 0;
	}
	major = strtol(rq->path + 1, &end, 10);
	minor = *end == '.' ? strtol(end + 1, &end, 10) : -1;
	if (*end != '/' || minor < 0) {
		return 0; /* not a version: no route will match */
	}
	if (major > 1 || minor > API_VERSION_MAX) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "client version %ld.%ld is too new. Maximum supported API version is %s",
				 major, minor, API_VERSION_MAX_TEXT);
	}
	if (major < 1 || minor < API_VERSION_MIN) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "client version %ld.%ld is too old. Minimum supported API version is "
				 "1.%d, please upgrade your client to a newer version",
				 major, minor, API_VERSION_MIN);
	}
	rq->version = (int)minor;
	rq->path = end + 1;
	return 0;
}

int request_init(struct request *rq, const struct front *front,
		 const struct gantry_api_handle_args *args, struct gantry_reply *reply,
		 struct gantry_error *err)
{
	char *query;
	int r;

	/* Not one zeroing initialiser: the query's table is large and is only
	 * read up to its count. */
	rq->front = front;
	rq->args = args;
	rq->reply = reply;
	rq->method = args->method;
	rq->name = NULL;
	rq->version = API_VERSION_MAX;
	rq->query.n = 0;
	rq->headers = NULL;
	rq->body = NULL;
	rq->target = strdup(args->target);
	if (!rq->target) {
		return error_no_memory(err);
	}
	rq->path = rq->target;
	if (*rq->path != '/') {
		return error_set(err, GANTRY_ERR_INVALID, "the request target does not start with /");
	}
	rq->path++;
	query = strchr(rq->path, '?');
	if (query) {
		*query++ = '\0';
		r = query_parse(query, &rq->query, err);
		if (r < 0) {
			return r;
		}
	}
	return take_version(rq, err);
}

void request_done(struct request *rq)
{
	free(rq->target);
	free(rq->body);
	json_object_put(rq->headers);
}

const char *request_header(struct request *rq, const char *name)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	if (!rq->args->headers) {
		return NULL;
	}
	if (!rq->headers) {
		/* Whoever calls the driver made this text; without it a request has no headers. */
		json_parse_object(rq->args->headers, "request headers", &rq->headers, &ignored);
	}
	return json_get_string(rq->headers, name);
}

static int check_json_type(struct request *rq, struct gantry_error *err)
{
	static const char json[] = "application/json";
	const char *type = request_header(rq, "content-type");

	if (!type || !*type) {
		/* A browser sends no type with an untyped blob, but it says where it comes from. */
		if (!request_header(rq, "origin")) {
			return 0;
		}
		type = "";
	}
	if (!strncasecmp(type, json, strlen(json)) &&
	    (type[strlen(json)] == '\0' || strchr("; \t", type[strlen(json)]))) {
		return 0;
	}
	return error_set(err, GANTRY_ERR_INVALID,
			 "unsupported Content-Type header (%s): must be 'application/json'", type);
}

int request_json(struct request *rq, const char **ret, struct gantry_error *err)
{
	auto_(buf) struct buf body = BUF_INIT;
	int r;

	if (rq->args->body_stream >= 0) {
		r = read_to_end(rq->args->body_stream, &body, MAX_JSON_BODY);
		if (r == -EFBIG) {
			return error_set(err, GANTRY_ERR_LIMIT,
					 "the request body is larger than %d bytes", MAX_JSON_BODY);
		}
		if (r < 0) {
			return error_errno(err, -r, "cannot read the request body");
		}
	} else {
		buf_add(&body, rq->args->body.data, rq->args->body.size);
	}
	if (buf_failed(&body)) {
		return error_no_memory(err);
	}
	*ret = NULL;
	if (body.len == 0) {
		return 0;
	}
	if (memchr(body.data, '\0', body.len)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "the request body is not valid JSON: it has a NUL byte");
	}
	r = check_json_type(rq, err);
	if (r < 0) {
		return r;
	}
	free(rq->body);
	rq->body = buf_steal(&body);
	*ret = rq->body;
	return 0;
}

int request_json_required(struct request *rq, const char **ret, struct gantry_error *err)
{
	int r = request_json(rq, ret, err);

	if (r == 0 && !*ret) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid JSON: got EOF while reading request body");
	}
	return r;
}

int request_body_fd(struct request *rq, int *ret, int *ret_owned, struct gantry_error *err)
{
	auto_fd int fd = -1;
	int r;

	if (rq->args->body_stream >= 0) {
		*ret = rq->args->body_stream;
		*ret_owned = -1;
		return 0;
	}
	fd = memfd_create("gantry-body", MFD_CLOEXEC);
	if (fd < 0) {
		return error_errno(err, errno, "cannot keep the request body");
	}
	r = write_all(fd, rq->args->body.data, rq->args->body.size);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		return error_errno(err, r < 0 ? -r : errno, "cannot keep the request body");
	}
	*ret = *ret_owned = steal_fd(&fd);
	return 0;
}

int request_filters(struct request *rq, char **ret, struct gantry_error *err)
{
	return filters_normalise(query_get(&rq->query, "filters"), ret, err);
}

int request_no_operation(const char *op, struct gantry_error *err)
{
	return error_set(err, GANTRY_ERR_UNSUPPORTED, "the engine lacks the operation %s", op);
}
