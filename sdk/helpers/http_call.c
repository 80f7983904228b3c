/* SPDX-License-Identifier: Apache-2.0 */
/* A handle per call: connecting to a local socket costs less than sharing would. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <curl/curl.h>

#include "buf.h"
#include "cleanup.h"
#include "error.h"
#include "http_call.h"
#include "sigpipe.h"

#define CONNECT_MS 5000L

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_library(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_place_done(struct http_place *p)
{
	free(p->socket);
	free(p->url);
	free(p->ca_file);
	free(p->cert_file);
	free(p->key_file);
	*p = (struct http_place)HTTP_PLACE_INIT;
}

/* HOST[:PORT] and nothing that another part of a URL could hide in. */
static int is_host(const char *text)
{
	return *text && text[strcspn(text, "/@?# \t\r\n%\\")] == '\0';
}

static int set_url(struct http_place *p, const char *scheme, const char *host,
		   struct gantry_error *err)
{
	auto_(buf) struct buf url = BUF_INIT;

	buf_addf(&url, "%s://%s", scheme, host);
	p->url = buf_steal(&url);
	return p->url ? 0 : error_no_memory(err);
}

static int set_socket(struct http_place *p, const char *path, struct gantry_error *err)
{
	if (path[0] != '/' || strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "\"unix://%s\" is no absolute path of at most 107 bytes", path);
	}
	p->socket = strdup(path);
	return p->socket ? set_url(p, "http", "plugin", err) : error_no_memory(err);
}

int http_place_parse(const char *address, struct http_place *ret, struct gantry_error *err)
{
	static const struct {
		const char *prefix, *scheme;
	} forms[] = { { "tcp://", "http" }, { "http://", "http" }, { "https://", "https" } };
	auto_(http_place) struct http_place p = HTTP_PLACE_INIT;
	int r = 1; /* no form fits */

	if (!strncmp(address, "unix://", 7)) {
		r = set_socket(&p, address + 7, err);
	}
	for (size_t i = 0; r > 0 && i < ARRAY_SIZE(forms); i++) {
		size_t n = strlen(forms[i].prefix);
		auto_free char *host = NULL;

		if (strncmp(address, forms[i].prefix, n)) {
			continue;
		}
		host = strdup(address + n);
		if (!host) {
			return error_no_memory(err);
		}
		if (*host && host[strlen(host) - 1] == '/') {
			host[strlen(host) - 1] = '\0';
		}
		if (is_host(host)) {
			r = set_url(&p, forms[i].scheme, host, err);
		}
	}
	if (r > 0) {
		error_set(err, GANTRY_ERR_INVALID, "\"%.200s\" is no address of a service", address);
		return error_hint(err, "write unix:///PATH, tcp://HOST:PORT or https://HOST:PORT");
	}
	if (r < 0) {
		return r;
	}
	*ret = p;
	p = (struct http_place)HTTP_PLACE_INIT;
	return 0;
}

struct transfer {
	const struct http_call *call;
	size_t seen;
	int too_much, ended;
};

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	t->seen += size * n;
	if (t->call->limit && t->seen > t->call->limit) {
		t->too_much = 1;
		return 0;
	}
	if (t->call->take && t->call->take(t->call->data, bytes, size * n)) {
		t->ended = 1;
		return 0;
	}
	return size * n;
}

static int look(void *arg, curl_off_t down, curl_off_t down_now, curl_off_t up, curl_off_t up_now)
{
	struct transfer *t = arg;

	(void)down, (void)down_now, (void)up, (void)up_now;
	if (t->call->stop && t->call->stop(t->call->data)) {
		t->ended = 1;
	}
	return t->ended;
}

static void set_tls(CURL *h, const struct http_place *p)
{
	if (p->ca_file) {
		curl_easy_setopt(h, CURLOPT_CAINFO, p->ca_file);
	}
	if (p->cert_file) {
		curl_easy_setopt(h, CURLOPT_SSLCERT, p->cert_file);
	}
	if (p->key_file) {
		curl_easy_setopt(h, CURLOPT_SSLKEY, p->key_file);
	}
	if (p->insecure) {
		curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void set_options(CURL *h, const struct http_place *p, struct transfer *t, const char *url,
			struct curl_slist *headers)
{
	const struct http_call *c = t->call;

	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
			 c->deadline_ms && c->deadline_ms < CONNECT_MS ? c->deadline_ms : CONNECT_MS);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, c->deadline_ms);
	curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_len);
	curl_easy_setopt(h, CURLOPT_POSTFIELDS, c->body ? c->body : "");
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, look);
	curl_easy_setopt(h, CURLOPT_XFERINFODATA, t);
	if (p->socket) {
		curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, p->socket);
	}
	set_tls(h, p);
}

static struct curl_slist *make_headers(const struct http_call *c)
{
	auto_(buf) struct buf type = BUF_INIT, accept = BUF_INIT;
	struct curl_slist *list = NULL;

	buf_addf(&type, "Content-Type: %s", c->accept);
	buf_addf(&accept, "Accept: %s", c->accept);
	list = curl_slist_append(list, buf_str(&type));
	list = curl_slist_append(list, buf_str(&accept));
	/* Without it a large body waits for "100 Continue". */
	return curl_slist_append(list, "Expect:");
}

static int explain(const struct http_place *p, const struct http_call *c, CURLcode result,
		   const struct transfer *t, const char *detail, struct gantry_error *err)
{
	const char *where = p->socket ? p->socket : p->url;
	const char *why = *detail ? detail : curl_easy_strerror(result);

	if (t->too_much) {
		return error_set(err, GANTRY_ERR_CORRUPT, "%s on %s answered with more than %zu bytes",
				 c->path + 1, where, c->limit);
	}
	switch (result) {
	case CURLE_OPERATION_TIMEDOUT:
		return error_set(err, GANTRY_ERR_TIMEOUT, "%s on %s gave no answer in %ld ms", c->path + 1,
				 where, c->deadline_ms);
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "%s: %s", where, why);
	case CURLE_OUT_OF_MEMORY:
		return error_no_memory(err);
	default:
		return error_set(err, GANTRY_ERR_CORRUPT, "%s on %s: %s", c->path + 1, where, why);
	}
}

int http_post(const struct http_place *place, const struct http_call *call, int *ret_status,
	      struct gantry_error *err)
{
	struct transfer t = { .call = call };
	auto_(buf) struct buf url = BUF_INIT;
	char detail[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers;
	struct sigpipe_hold hold;
	CURLcode result;
	long status = 0;
	CURL *h;

	pthread_once(&once, init_library);
	buf_addf(&url, "%s%s", place->url, call->path);
	h = buf_failed(&url) ? NULL : curl_easy_init();
	if (!h) {
		return error_no_memory(err);
	}
	headers = make_headers(call);
	set_options(h, place, &t, buf_str(&url), headers);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, detail);
	sigpipe_hold(&hold);
	result = curl_easy_perform(h);
	sigpipe_release(&hold);
	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(h);
	curl_slist_free_all(headers);
	if (result != CURLE_OK && !t.ended) {
		return explain(place, call, result, &t, detail, err);
	}
	*ret_status = (int)status;
	return 0;
}

static int collect(void *data, const char *bytes, size_t len)
{
	struct buf *body = data;

	buf_add(body, bytes, len);
	return buf_failed(body);
}

int http_post_buf(const struct http_place *place, const struct http_call *call, int *ret_status,
		  struct buf *ret_body, struct gantry_error *err)
{
	struct http_call c = *call;
	int r;

	c.take = collect;
	c.data = ret_body;
	r = http_post(place, &c, ret_status, err);
	return r == 0 && buf_failed(ret_body) ? error_no_memory(err) : r;
}
