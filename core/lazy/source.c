/* SPDX-License-Identifier: Apache-2.0 */
/* Sources are never freed before the process ends. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gantry/calls.h>

#include "core/engine/engine.h"
#include "core/lazy/source.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define REST_FIRST_MS 1000
#define REST_MAX_MS 30000
#define QUIET_MS 50 /* without a reader in need, before fetching ahead goes on */
#define MAX_LOG (1 << 20)
/* A reader waits in the kernel, so its patience is short. */
#define RETRIES 1
#define STALL_S 15

struct source {
	struct core *core;
	char *location;
	char *auth;
	char *options;
	struct source *next;
	pthread_mutex_t lock; /* what follows */
	struct driver *driver;
	uint64_t session; /* 0: none yet */
	int64_t rest_until_ns; /* monotonic; 0: it can be reached */
	int64_t rest_ms;
};

static pthread_mutex_t sources_lock = PTHREAD_MUTEX_INITIALIZER; /* sources, hurry */
static pthread_cond_t calm = PTHREAD_COND_INITIALIZER;
static struct source *sources;
static unsigned hurried;        /* transfers for readers under way */
static int64_t last_hurry_ns;

void lazy_log(struct core *core, const char *fmt, ...)
{
	auto_free char *path = path_join(core->paths.run_root, "lazy", "log", NULL);
	auto_fd int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	time_t now = time(NULL);
	char text[1500];
	struct stat st;
	struct tm tm;
	va_list ap;
	size_t n;

	if (fd < 0) {
		return;
	}
	if (fstat(fd, &st) == 0 && st.st_size > MAX_LOG && ftruncate(fd, 0) < 0) {
		return;
	}
	n = strftime(text, 40, "%Y-%m-%dT%H:%M:%SZ ", gmtime_r(&now, &tm));
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - n - 1, fmt, ap);
	va_end(ap);
	strcat(text, "\n");
	(void)write_all(fd, text, strlen(text));
}

/* Of a later pull: the next transfer logs in with it.  A session that others use just now goes
 * with the process. */
static void renew_auth(struct source *s, const char *auth)
{
	pthread_mutex_lock(&s->lock);
	free(s->auth);
	s->auth = strdup(auth);
	s->session = 0;
	pthread_mutex_unlock(&s->lock);
}

static char *session_options(const char *given)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_json struct json_object *o = NULL;
	const char *text;

	if (json_parse_object(given, "a session's options", &o, &ignored) < 0) {
		o = json_object_new_object();
	}
	json_set_int(o, "retries", RETRIES);
	json_set_int(o, "stall_timeout_s", STALL_S);
	text = json_text(o);
	return text ? strdup(text) : NULL;
}

int source_get(struct core *core, const char *location, const char *auth, const char *options,
	       struct source **ret, struct gantry_error *err)
{
	struct source *s;

	pthread_mutex_lock(&sources_lock);
	for (s = sources; s && strcmp(s->location, location); s = s->next) {
	}
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (s && (s->location = strdup(location))) {
			s->core = core;
			s->options = session_options(options);
			pthread_mutex_init(&s->lock, NULL);
			s->next = sources;
			sources = s;
		} else {
			free(s);
			s = NULL;
		}
	}
	if (s && auth && (!s->auth || strcmp(s->auth, auth))) {
		renew_auth(s, auth);
	}
	pthread_mutex_unlock(&sources_lock);
	*ret = s;
	return s ? 0 : error_no_memory(err);
}

/* The session, opened when there is none; the lock is held. */
static int open_session(struct source *s, struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	int r;

	if (s->session) {
		return 0;
	}
	r = registry_get(s->core->registry, "transport",
			 config_string(s->core->config, "transport.registry"), &s->driver, err);
	if (r == 0) {
		r = transport_open(s->driver,
				   &GANTRY_TRANSPORT_OPEN_ARGS(.location = s->location, .mode = "pull",
							       .auth = s->auth, .options = s->options),
				   &ret, err);
	}
	if (r == 0) {
		s->session = (uint64_t)reply_integer(&ret, GANTRY_TRANSPORT_OPEN_RET_SESSION, 0);
	}
	return r;
}

int64_t source_rest_ms(struct source *s)
{
	int64_t left;

	pthread_mutex_lock(&s->lock);
	left = s->rest_until_ns ? (s->rest_until_ns - time_monotonic_ns()) / 1000000 : 0;
	pthread_mutex_unlock(&s->lock);
	return left > 0 ? left : 0;
}

/* After a transfer: the first failure and the first success after it are worth a line. */
static void note_outcome(struct source *s, int r, const struct gantry_error *err)
{
	int was_down, is_down = r == GANTRY_ERR_UNAVAILABLE || r == GANTRY_ERR_TIMEOUT ||
				r == GANTRY_ERR_UNAUTHORIZED || r == GANTRY_ERR_NOT_FOUND;

	pthread_mutex_lock(&s->lock);
	was_down = s->rest_until_ns != 0;
	if (is_down) {
		s->rest_ms = was_down ? s->rest_ms * 2 : REST_FIRST_MS;
		s->rest_ms = s->rest_ms > REST_MAX_MS ? REST_MAX_MS : s->rest_ms;
		s->rest_until_ns = time_monotonic_ns() + s->rest_ms * 1000000;
	} else if (r == 0) {
		s->rest_until_ns = 0;
	}
	if (r == GANTRY_ERR_UNAUTHORIZED) {
		s->session = 0; /* the user may log in again meanwhile */
	}
	pthread_mutex_unlock(&s->lock);
	if (is_down && !was_down) {
		lazy_log(s->core, "%s cannot be reached: what is missing of its layers reads as an "
			 "input/output error until it can: %s", s->location, err->message);
	} else if (r == 0 && was_down) {
		lazy_log(s->core, "%s can be reached again", s->location);
	}
}

static void hurry(int change)
{
	pthread_mutex_lock(&sources_lock);
	hurried += (unsigned)change;
	last_hurry_ns = time_monotonic_ns();
	if (!hurried) {
		pthread_cond_broadcast(&calm);
	}
	pthread_mutex_unlock(&sources_lock);
}

void source_wait_for_calm(void)
{
	pthread_mutex_lock(&sources_lock);
	while (hurried || (last_hurry_ns && time_monotonic_ns() - last_hurry_ns < QUIET_MS * 1000000LL)) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += QUIET_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		(void)pthread_cond_timedwait(&calm, &sources_lock, &until);
	}
	pthread_mutex_unlock(&sources_lock);
}

int source_fetch(struct source *s, const char *digest, int64_t offset, int64_t length,
		 enum source_urgency urgency, transfer_sink sink, void *ctx, struct gantry_error *err)
{
	struct driver *driver;
	uint64_t session;
	int64_t rest = source_rest_ms(s);
	int r;

	if (rest > 0) {
		return error_set(err, GANTRY_ERR_UNAVAILABLE, "%s could not be reached; it is tried again in "
				 "%lld ms", s->location, (long long)rest);
	}
	pthread_mutex_lock(&s->lock);
	r = open_session(s, err);
	driver = s->driver;
	session = s->session;
	pthread_mutex_unlock(&s->lock);
	if (r == 0 && urgency == SOURCE_URGENT) {
		hurry(1);
		r = transfer_range(driver, session, digest, offset, length, sink, ctx, err);
		hurry(-1);
	} else if (r == 0) {
		r = transfer_range(driver, session, digest, offset, length, sink, ctx, err);
	}
	note_outcome(s, r, err);
	return r;
}
