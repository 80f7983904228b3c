/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <pthread.h>

#include <curl/curl.h>

#include "helpers/buf.h"
#include "helpers/error.h"

#include "lua/drivers/http.h"
#include "lua/sandbox/services.h"

#define BODY_MAX ((size_t)4 << 20)

/* The functions that are used, by the types of the header. */
static struct {
	__typeof__(&curl_global_init) global_init;
	__typeof__(&curl_easy_init) easy_init;
	CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
	__typeof__(&curl_easy_perform) easy_perform;
	CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
	__typeof__(&curl_easy_cleanup) easy_cleanup;
	__typeof__(&curl_easy_strerror) easy_strerror;
	__typeof__(&curl_slist_append) slist_append;
	__typeof__(&curl_slist_free_all) slist_free_all;
	int ready;
} curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *symbol(void *library, const char *name, int *missing)
{
	void *p = dlsym(library, name);

	*missing = *missing || !p;
	return p;
}

static void load_library(void)
{
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	int missing = 0;

	if (!library) {
		return;
	}
	curl.global_init = symbol(library, "curl_global_init", &missing);
	curl.easy_init = symbol(library, "curl_easy_init", &missing);
	curl.easy_setopt = symbol(library, "curl_easy_setopt", &missing);
	curl.easy_perform = symbol(library, "curl_easy_perform", &missing);
	curl.easy_getinfo = symbol(library, "curl_easy_getinfo", &missing);
	curl.easy_cleanup = symbol(library, "curl_easy_cleanup", &missing);
	curl.easy_strerror = symbol(library, "curl_easy_strerror", &missing);
	curl.slist_append = symbol(library, "curl_slist_append", &missing);
	curl.slist_free_all = symbol(library, "curl_slist_free_all", &missing);
	curl.ready = !missing && curl.global_init(CURL_GLOBAL_DEFAULT) == 0;
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
	struct buf *body = arg;

	if (body->len + size * n > BODY_MAX) {
		return 0;
	}
	buf_add(body, data, size * n);
	return buf_failed(body) ? 0 : size * n;
}

static void set_options(CURL *handle, const struct service_http *request,
			struct curl_slist *headers, struct buf *body)
{
	curl.easy_setopt(handle, CURLOPT_URL, request->url);
	curl.easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
	curl.easy_setopt(handle, CURLOPT_NOBODY, (long)(request->method[0] == 'H'));
	curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
	curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
	curl.easy_setopt(handle, CURLOPT_PROXY, "");
	curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(handle, CURLOPT_TIMEOUT_MS,
			 (long)(request->deadline_ns / 1000000) + 1);
	curl.easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
	curl.easy_setopt(handle, CURLOPT_WRITEDATA, body);
	if (request->body) {
		curl.easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)request->body_len);
		curl.easy_setopt(handle, CURLOPT_POSTFIELDS, request->body);
	}
}

static struct curl_slist *header_list(const struct service_http *request)
{
	struct curl_slist *headers = NULL;
	const char *const *line;

	for (line = request->headers; line && *line; line++) {
		headers = curl.slist_append(headers, *line);
	}
	return headers;
}

int http_request(void *ctx, const struct service_http *request, int *ret_status,
		 struct buf *ret_body, struct gantry_error *err)
{
	struct curl_slist *headers;
	CURL *handle;
	CURLcode result;
	long status = 0;

	(void)ctx;
	pthread_once(&once, load_library);
	if (!curl.ready) {
		error_set(err, GANTRY_ERR_UNAVAILABLE, "HTTP is not available");
		return error_hint(err, "install the package libcurl4");
	}
	handle = curl.easy_init();
	if (!handle) {
		return error_no_memory(err);
	}
	headers = header_list(request);
	set_options(handle, request, headers, ret_body);
	result = curl.easy_perform(handle);
	curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
	curl.easy_cleanup(handle);
	curl.slist_free_all(headers);
	if (result != CURLE_OK) {
		return error_set(err, result == CURLE_OPERATION_TIMEDOUT ? GANTRY_ERR_TIMEOUT :
									   GANTRY_ERR_UNAVAILABLE,
				 "%s %s: %s", request->method, request->url,
				 curl.easy_strerror(result));
	}
	*ret_status = (int)status;
	return 0;
}
