/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads: each exchange uses an easy handle of its own, taken from the
 * session's pool, so that connections are kept and calls run side by side.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/sigpipe.h"
#include "http.h"
#include "parse.h"

#define MAX_REDIRECTS 8
#define ERROR_BODY_LIMIT 65536

struct exchange {
	const struct http_request *request;
	struct http_response *response;
	CURL *curl;
	int64_t skip;      /* bytes to drop because the server ignored the range */
	int64_t sent;      /* of the source, ... */
	off_t source_start; /* ... which begins here; -1: cannot seek */
	int over_limit;
	int complete;      /* all of request->length has come */
	int started;       /* the status line of the final answer was looked at */
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_pool_init(struct http_pool *pool, const struct http_options *options)
{
	pthread_once(&curl_once, start_curl);
	pool->options = options;
	pool->n_idle = 0;
	return pthread_mutex_init(&pool->lock, NULL) ? -ENOMEM : 0;
}

void http_pool_done(struct http_pool *pool)
{
	while (pool->n_idle > 0)
		curl_easy_cleanup(pool->idle[--pool->n_idle]);
	pthread_mutex_destroy(&pool->lock);
}

static CURL *take_handle(struct http_pool *pool)
{
	CURL *curl = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->n_idle > 0)
		curl = pool->idle[--pool->n_idle];
	pthread_mutex_unlock(&pool->lock);
	return curl ? curl : curl_easy_init();
}

static void put_handle(struct http_pool *pool, CURL *curl)
{
	if (!curl)
		return;
	curl_easy_reset(curl); /* it points into the caller's frame */
	pthread_mutex_lock(&pool->lock);
	if (pool->n_idle < HTTP_POOL) {
		pool->idle[pool->n_idle++] = curl;
		curl = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	if (curl)
		curl_easy_cleanup(curl);
}

/* Takes url apart; the caller frees with curl_url_cleanup. */
static CURLU *parse_url(const char *url)
{
	CURLU *u = curl_url();

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK) {
		curl_url_cleanup(u);
		u = NULL;
	}
	return u;
}

static char *url_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;

	if (!u || curl_url_get(u, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return NULL;
	return text;
}

int http_same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT };
	CURLU *ua = parse_url(a), *ub = parse_url(b);
	int same = ua && ub;

	for (size_t i = 0; same && i < ARRAY_SIZE(parts); i++) {
		char *x = url_part(ua, parts[i]), *y = url_part(ub, parts[i]);

		same = x && y && !strcasecmp(x, y);
		curl_free(x);
		curl_free(y);
	}
	curl_url_cleanup(ua);
	curl_url_cleanup(ub);
	return same;
}

int http_resolve_url(const char *base, const char *reference, char *to, size_t size)
{
	CURLU *u = parse_url(base);
	char *text = NULL;
	int r = -1;

	if (u && curl_url_set(u, CURLUPART_URL, reference, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK && strlen(text) < size) {
		strcpy(to, text);
		r = 0;
	}
	curl_free(text);
	curl_url_cleanup(u);
	return r;
}

void http_escape(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *text))
			buf_addc(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned char)*text);
	}
}

/* If line is the header NAME, copies its value when it fits. */
static int header_value(const char *line, size_t len, const char *name, char *to, size_t size)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return 0;
	line += n + 1;
	len -= n + 1;
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	if (len >= size)
		return 0;
	memcpy(to, line, len);
	to[len] = '\0';
	return 1;
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	struct http_response *r = x->response;
	char value[4096];
	size_t len = size * n;

	if (len > 5 && !strncasecmp(line, "HTTP/", 5)) {
		r->location[0] = r->content_type[0] = r->digest[0] = '\0';
		r->range[0] = r->link[0] = r->challenge[0] = '\0';
		r->retry_after = -1;
		return len;
	}
	if (header_value(line, len, "Location", r->location, sizeof(r->location)) ||
	    header_value(line, len, "Content-Type", r->content_type, sizeof(r->content_type)) ||
	    header_value(line, len, "Docker-Content-Digest", r->digest, sizeof(r->digest)) ||
	    header_value(line, len, "Range", r->range, sizeof(r->range)) ||
	    header_value(line, len, "Link", r->link, sizeof(r->link)))
		return len;
	if (header_value(line, len, "Retry-After", value, sizeof(value)))
		r->retry_after = retry_after_seconds(value);
	if (header_value(line, len, "WWW-Authenticate", value, sizeof(value))) {
		/* Of several, a token is preferred to sending the password. */
		if (!r->challenge[0] || !strncasecmp(value, "bearer", 6))
			strcpy(r->challenge, value);
	}
	return len;
}

static size_t keep_body(struct exchange *x, const char *data, size_t len, size_t limit)
{
	struct buf *body = &x->response->body;

	if (body->len + len > limit) {
		x->over_limit = 1;
		return 0;
	}
	buf_add(body, data, len);
	return buf_failed(body) ? 0 : len;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	size_t len = size * n, use = len;
	long status = 0;

	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status >= 300 || x->request->sink < 0) {
		size_t limit = status < 200 || status >= 300 ? ERROR_BODY_LIMIT : x->request->body_limit;

		return keep_body(x, data, len, limit);
	}
	if (!x->started) {
		x->started = 1;
		/* 200 instead of 206: everything comes again from the start. */
		x->skip = status == 206 ? 0 : x->request->offset + x->response->written;
	}
	if (x->skip > 0) {
		size_t drop = (int64_t)len < x->skip ? len : (size_t)x->skip;

		x->skip -= (int64_t)drop;
		data += drop;
		use -= drop;
	}
	if (x->request->length > 0 && (int64_t)use > x->request->length - x->response->written) {
		/* The server ignored the end of the range. */
		use = (size_t)(x->request->length - x->response->written);
		x->complete = 1;
	}
	x->response->sink_errno = -write_all(x->request->sink, data, use);
	if (x->response->sink_errno)
		return 0;
	x->response->written += (int64_t)use;
	return x->complete ? 0 : len;
}

static size_t on_send(char *to, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	int64_t left = x->request->source_size - x->sent;
	size_t want = size * n;
	ssize_t got;

	if ((int64_t)want > left)
		want = (size_t)left;
	got = want ? read_full(x->request->source, to, want) : 0;
	if (got < 0 || (size_t)got < want) {
		x->response->source_errno = got < 0 ? (int)-got : ENODATA;
		return CURL_READFUNC_ABORT;
	}
	x->sent += got;
	return (size_t)got;
}

/* curl sends again what went into a connection that turned out to be dead. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct exchange *x = ctx;

	if (origin != SEEK_SET || x->source_start < 0 ||
	    lseek(x->request->source, x->source_start + offset, SEEK_SET) < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	x->sent = offset;
	return CURL_SEEKFUNC_OK;
}

static void set_upload(struct exchange *x)
{
	const struct http_request *q = x->request;

	if (q->source >= 0) {
		curl_easy_setopt(x->curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(x->curl, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(x->curl, CURLOPT_READDATA, x);
		curl_easy_setopt(x->curl, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(x->curl, CURLOPT_SEEKDATA, x);
		curl_easy_setopt(x->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->source_size);
		curl_easy_setopt(x->curl, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
	} else if (q->body || !strcmp(q->method, "POST") || !strcmp(q->method, "PUT") ||
		   !strcmp(q->method, "PATCH")) {
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_size);
		curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, q->body ? q->body : "");
	}
	if (!strcmp(q->method, "HEAD"))
		curl_easy_setopt(x->curl, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, q->method);
}

/* HOST/ca.crt and a client certificate, if the administrator put them there. */
static void set_certificates(CURL *curl, const char *dir, const char *url)
{
	static const struct {
		const char *file;
		CURLoption option;
	} files[] = {
		{ "ca.crt", CURLOPT_CAINFO },
		{ "client.cert", CURLOPT_SSLCERT },
		{ "client.key", CURLOPT_SSLKEY },
	};
	const char *host = strstr(url, "://");
	char path[4096];

	if (!dir || !host)
		return;
	host += 3;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%.*s/%s", dir, (int)strcspn(host, "/"), host,
			 files[i].file);
		if (access(path, R_OK) == 0)
			curl_easy_setopt(curl, files[i].option, path);
	}
}

static void set_common(struct exchange *x, const struct http_options *options, const char *url)
{
	CURL *curl = x->curl;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "gantry/" PACKAGE_VERSION);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)options->connect_s);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)options->stall_s);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, x->request->allow_http ? "https,http" : "https");
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 512L * 1024);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, x->response->text);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
	set_certificates(curl, options->certs_dir, url);
	if (x->request->tls == HTTP_TLS_ANY) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static int add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *more = curl_slist_append(*list, line);

	if (!more)
		return -1;
	*list = more;
	return 0;
}

/* The header lines of one try. */
static struct curl_slist *make_headers(const struct http_request *q, int with_credentials,
				       int64_t offset, int64_t end)
{
	/* Some registries do not answer the question before an upload. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	char range[64];
	int failed = !list;

	if (!failed && q->authorization && with_credentials)
		failed = add_line(&list, q->authorization) < 0;
	for (size_t i = 0; !failed && q->headers && q->headers[i]; i++)
		failed = add_line(&list, q->headers[i]) < 0;
	if (!failed && (offset > 0 || end > 0)) {
		int n = snprintf(range, sizeof(range), "Range: bytes=%lld-", (long long)offset);

		if (end > 0)
			snprintf(range + n, sizeof(range) - (size_t)n, "%lld", (long long)end - 1);
		failed = add_line(&list, range) < 0;
	}
	if (failed) {
		curl_slist_free_all(list);
		return NULL;
	}
	return list;
}

static int is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Where a redirect leads, if it may be followed. */
static int follow(struct exchange *x, char *url, size_t size, struct gantry_error *err)
{
	char next[4096];

	if (http_resolve_url(url, x->response->location, next, sizeof(next)) < 0)
		return error_set(err, GANTRY_ERR_CORRUPT, "%.200s redirects to something that is no URL",
				 url);
	if (strncasecmp(next, "https://", 8) != 0 &&
	    !(x->request->allow_http && !strncasecmp(next, "http://", 7)))
		return error_set(err, GANTRY_ERR_DENIED, "%.200s redirects to %.200s, which is not https",
				 url, next);
	snprintf(url, size, "%s", next);
	return 0;
}

/* One try, with its redirects.  Credentials stay with the host they are for. */
static int try_once(struct exchange *x, struct http_pool *pool, struct gantry_error *err)
{
	struct http_response *r = x->response;
	char url[sizeof(r->url)];
	int safe = !strcmp(x->request->method, "GET") || !strcmp(x->request->method, "HEAD");

	snprintf(url, sizeof(url), "%s", x->request->url);
	for (int i = 0; i <= MAX_REDIRECTS; i++) {
		int own = http_same_origin(url, x->request->url);
		int64_t from = x->request->sink >= 0 ? x->request->offset + r->written : 0;
		int64_t end = x->request->length > 0 ? x->request->offset + x->request->length : 0;
		struct curl_slist *headers = make_headers(x->request, own, from, end);
		int code;

		if (!headers)
			return error_no_memory(err);
		buf_clear(&r->body);
		r->text[0] = '\0';
		x->started = 0;
		curl_easy_reset(x->curl);
		set_common(x, pool->options, url);
		set_upload(x);
		curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, headers);
		r->curl = curl_easy_perform(x->curl);
		if (x->complete && r->curl == CURLE_WRITE_ERROR)
			r->curl = CURLE_OK;
		curl_slist_free_all(headers);
		r->status = 0;
		curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &r->status);
		strcpy(r->url, url);
		if (r->curl != CURLE_OK || !is_redirect(r->status) || !r->location[0] || !safe)
			return 0;
		code = follow(x, url, sizeof(url), err);
		if (code < 0)
			return code;
	}
	return error_set(err, GANTRY_ERR_CORRUPT, "%.200s redirects more than %d times",
			 x->request->url, MAX_REDIRECTS);
}

static int is_transient(const struct http_response *r)
{
	switch (r->curl) {
	case CURLE_OK:
		return r->status == 408 || r->status == 429 || r->status == 500 || r->status == 502 ||
		       r->status == 503 || r->status == 504;
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return 1;
	default:
		return 0;
	}
}

static void pause_ms(int64_t ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* Doubles each time, with some spread so that many clients do not come back at
 * once; a server that names a time is obeyed. */
static int64_t retry_pause_ms(const struct http_pool *pool, const struct http_response *r, int try)
{
	int64_t ms = pool->options->retry_delay_ms << (try < 6 ? try : 6);

	if (r->retry_after >= 0)
		return (int64_t)r->retry_after * 1000;
	return ms + ms * (time_monotonic_ns() % 256) / 1024;
}

static int exchange_error(const struct exchange *x, struct gantry_error *err)
{
	const struct http_response *r = x->response;

	if (r->sink_errno == EPIPE)
		return error_set(err, GANTRY_ERR_CANCELLED, "the transfer was given up");
	if (r->sink_errno)
		return error_errno(err, r->sink_errno, "cannot store what %.200s sends", r->url);
	if (r->source_errno)
		return error_errno(err, r->source_errno, "cannot read what is to be sent to %.200s", r->url);
	if (x->over_limit)
		return error_set(err, GANTRY_ERR_LIMIT, "%.200s sends more than %zu bytes", r->url,
				 x->request->body_limit);
	error_set(err, r->curl == CURLE_OPERATION_TIMEDOUT ? GANTRY_ERR_TIMEOUT : GANTRY_ERR_UNAVAILABLE,
		  "%.200s: %s", r->url, r->text[0] ? r->text : curl_easy_strerror(r->curl));
	if (r->curl == CURLE_PEER_FAILED_VERIFICATION)
		return error_hint(err, "if you trust it, put its certificate into the certs_dir of "
				       "transport/registry, or list the host in insecure_registries");
	return error_hint(err, "check the name and the network; a proxy is taken from HTTPS_PROXY");
}

static int perform(struct exchange *x, struct http_pool *pool, struct gantry_error *err)
{
	struct http_response *r = x->response;
	int64_t before;

	for (int try = 0, idle = 0;; try++) {
		int code;

		before = r->written;
		x->sent = 0;
		code = try_once(x, pool, err);
		if (code < 0)
			return code;
		/* What breaks behind the last byte that was wanted is nobody's trouble. */
		if (x->request->length > 0 && r->written >= x->request->length)
			return 0;
		r->is_transient = is_transient(r) && !r->sink_errno && !r->source_errno && !x->over_limit;
		r->tls_failed = r->curl == CURLE_SSL_CONNECT_ERROR;
		/* A transfer that moves on is not given up, however often it breaks. */
		idle = r->written > before ? 0 : idle + 1;
		if (!r->is_transient || x->request->no_retry || x->request->source >= 0 ||
		    idle > pool->options->retries || try > 1000)
			break;
		pause_ms(retry_pause_ms(pool, r, idle ? idle - 1 : 0));
	}
	return r->curl == CURLE_OK ? 0 : exchange_error(x, err);
}

int http_perform(struct http_pool *pool, const struct http_request *request,
		 struct http_response *ret, struct gantry_error *err)
{
	struct exchange x = { .request = request, .response = ret, .curl = take_handle(pool) };
	struct sigpipe_hold hold;
	int r;

	*ret = (struct http_response){ .retry_after = -1 };
	if (!x.curl)
		return error_no_memory(err);
	x.source_start = request->source >= 0 ? lseek(request->source, 0, SEEK_CUR) : -1;
	sigpipe_hold(&hold);
	r = perform(&x, pool, err);
	sigpipe_release(&hold);
	if (ret->location[0]) {
		char absolute[sizeof(ret->location)];

		if (http_resolve_url(ret->url, ret->location, absolute, sizeof(absolute)) == 0)
			strcpy(ret->location, absolute);
		else
			ret->location[0] = '\0';
	}
	/* A connection that broke is dropped by curl itself. */
	put_handle(pool, x.curl);
	return r;
}
