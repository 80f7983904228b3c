/* SPDX-License-Identifier: Apache-2.0 */
/* The process is a child without exit signal, so that nobody's SIGCHLD handling
 * meets it; its supervisor ends when our end of the leash is closed, also because
 * this process was killed. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/plugin/incarnation.h"
#include "core/plugin/page.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"
#include "helpers/io.h"

#define CHANNEL_FD 3
#define LEASH_FD 4
#define EXPLAIN_MS 2000
#define FAREWELL_MS 2000
#define START_TRIES 5

/* ---- starting ---- */

static int socket_pair(int pair[2], int type, struct gantry_error *err)
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) < 0) {
		return error_errno(err, errno, "cannot make a socket pair");
	}
	return 0;
}

/* In the child, between clone and exec: only system calls. */
static void become_host(const char *const *argv, int channel, int leash)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Above what they become. */
	channel = fcntl(channel, F_DUPFD_CLOEXEC, 10);
	leash = fcntl(leash, F_DUPFD_CLOEXEC, 10);
	if (channel < 0 || leash < 0 || null < 0 || dup2(null, 0) < 0 ||
	    dup2(channel, CHANNEL_FD) < 0 || dup2(leash, LEASH_FD) < 0) {
		_exit(126);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_range(LEASH_FD + 1, ~0U, 0);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

static int make_argv(struct incarnation *i, const char ***ret, struct gantry_error *err)
{
	const struct process_spec *spec = i->spec;
	size_t n = 0, at = 0;
	const char **argv;

	while (spec->permissions && spec->permissions[n]) {
		n++;
	}
	argv = calloc(2 * n + 28, sizeof(*argv));
	if (!argv) {
		return error_no_memory(err);
	}
#define ADD(option, value) (argv[at++] = (option), argv[at++] = (value))
	argv[at++] = spec->host_program;
	ADD("--kind", spec->kind);
	ADD("--driver", spec->name);
	ADD(spec->exec ? "--exec" : "--file", spec->file);
	ADD("--state", spec->state_dir);
	ADD("--run", spec->run_dir);
	for (size_t k = 0; k < n; k++) {
		ADD("--permission", spec->permissions[k]);
	}
	for (size_t k = 0; k < ARRAY_SIZE(spec->folders) && spec->folders[k]; k++) {
		ADD("--folder", spec->folders[k]);
	}
	if (spec->memory_mib) {
		snprintf(i->numbers[0], sizeof(i->numbers[0]), "%lld",
			 (long long)spec->memory_mib << 20);
		ADD("--memory", i->numbers[0]);
	}
	if (spec->pids) {
		snprintf(i->numbers[1], sizeof(i->numbers[1]), "%lld", (long long)spec->pids);
		ADD("--pids", i->numbers[1]);
	}
#undef ADD
	*ret = argv;
	return 0;
}

static int spawn(struct incarnation *i, struct gantry_error *err)
{
	auto_free const char **argv = NULL;
	int channel[2], leash[2];
	int r = make_argv(i, &argv, err);

	r = r < 0 ? r : socket_pair(channel, SOCK_STREAM, err);
	if (r < 0) {
		return r;
	}
	r = socket_pair(leash, SOCK_SEQPACKET, err);
	if (r == 0) {
		i->pid = (pid_t)syscall(SYS_clone, 0UL, NULL, NULL, NULL, 0UL);
		if (i->pid == 0) {
			become_host(argv, channel[1], leash[1]);
		}
		r = i->pid < 0 ? error_errno(err, errno, "cannot fork") : 0;
		close(leash[1]);
		i->leash = leash[0];
	}
	if (i->pid > 0 && i->spec->page) {
		page_add_process(i->spec->page, i->pid);
	}
	close(channel[1]);
	peer_init(&i->peer, channel[0], serve_request, i);
	return r;
}

/* ---- the greeting ---- */

enum {
	HELLO_PROTOCOL,
	HELLO_NAME,
	HELLO_VERSION,
	HELLO_THREADS,
	HELLO_OPERATIONS,
	HELLO_CONFIG,
	HELLO_ABOUT
};

static const struct gantry_field hello_results[] = {
	{"protocol", GANTRY_TYPE_INTEGER, 0, HELLO_PROTOCOL},
	{"name", GANTRY_TYPE_STRING, 0, HELLO_NAME},
	{"version", GANTRY_TYPE_STRING, 0, HELLO_VERSION},
	{"threads", GANTRY_TYPE_STRING, GANTRY_FIELD_OPTIONAL, HELLO_THREADS},
	{"operations", GANTRY_TYPE_LIST, 0, HELLO_OPERATIONS},
	{"config", GANTRY_TYPE_JSON, GANTRY_FIELD_OPTIONAL, HELLO_CONFIG},
	{"about", GANTRY_TYPE_JSON, GANTRY_FIELD_OPTIONAL, HELLO_ABOUT},
};
static const struct gantry_op hello_op = {
	.name = "hello", .results = hello_results, .n_results = ARRAY_SIZE(hello_results)};

static int read_operations(struct incarnation *i, const struct reply *hello,
			   struct gantry_error *err)
{
	const struct gantry_interface *iface = interface_find(i->spec->kind);
	const char *const *list = reply_list(hello, HELLO_OPERATIONS);
	auto_(buf) struct buf missing = BUF_INIT;

	for (; *list; list++) {
		uint32_t op = 0;

		while (op < iface->n_ops && strcmp(iface->ops[op].name, *list) != 0) {
			op++;
		}
		/* An unknown one is of a newer interface than ours. */
		i->has |= op < iface->n_ops ? UINT64_C(1) << op : 0;
	}
	for (uint32_t op = 0; op < iface->n_ops; op++) {
		if ((iface->ops[op].flags & GANTRY_OP_REQUIRED) && !(i->has & UINT64_C(1) << op)) {
			buf_addf(&missing, "%s%s", missing.len ? ", " : "", iface->ops[op].name);
		}
	}
	if (missing.len) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "it lacks required operations: %s",
			  buf_str(&missing));
		return error_hint(err,
				  "implement them and name them in the answer to hello; see "
				  "docs/reference/%s.md",
				  i->spec->kind);
	}
	return 0;
}

static int read_hello(struct incarnation *i, struct reply *hello, struct gantry_error *err)
{
	const char *threads = reply_string(hello, HELLO_THREADS);
	int r;

	for (uint32_t f = 0; f < ARRAY_SIZE(hello_results); f++) {
		if (!(hello_results[f].flags & GANTRY_FIELD_OPTIONAL) &&
		    hello_results[f].type != GANTRY_TYPE_LIST && !hello->values[f].type) {
			return error_set(err, GANTRY_ERR_UNSUPPORTED,
					 "its answer to hello lacks %s", hello_results[f].name);
		}
	}
	if (reply_integer(hello, HELLO_PROTOCOL, 0) != WIRE_VERSION) {
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "it speaks protocol %lld, this gantry speaks %d",
			  (long long)reply_integer(hello, HELLO_PROTOCOL, 0), WIRE_VERSION);
		return error_hint(err, "install a version of the plugin for protocol %d",
				  WIRE_VERSION);
	}
	i->threads = !threads || !strcmp(threads, "serial") ? GANTRY_THREADS_SERIAL
		     : !strcmp(threads, "per-object")	    ? GANTRY_THREADS_PER_OBJECT
		     : !strcmp(threads, "parallel")	    ? GANTRY_THREADS_PARALLEL
							    : 0;
	if (!i->threads) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED,
				 "threads must be serial, per-object or parallel, not %s", threads);
	}
	r = read_operations(i, hello, err);
	i->plugin = reply_take_string(hello, HELLO_NAME);
	i->version = reply_take_string(hello, HELLO_VERSION);
	i->config_keys = reply_take_string(hello, HELLO_CONFIG);
	i->about = reply_take_string(hello, HELLO_ABOUT);
	return r;
}

static int greet(struct incarnation *i, int64_t deadline_ns, struct gantry_error *err)
{
	auto_(buf) struct buf line = BUF_INIT;
	auto_(reply) struct reply hello = REPLY_INIT;
	struct peer_call call = {
		.op = &hello_op, .reply = &hello.base, .err = err, .deadline_ns = deadline_ns};
	int r;

	hello.op = &hello_op;
	peer_begin(&i->peer, &call);
	buf_addf(&line,
		 "{\"type\":\"hello\",\"id\":%lld,\"args\":{\"protocols\":[%d],\"gantry\":\"%s\","
		 "\"abi\":\"%d.%d\","
		 "\"kind\":\"%s\",\"driver\":\"%s\",\"message_max\":%u}}",
		 (long long)call.id, WIRE_VERSION, PACKAGE_VERSION, GANTRY_ABI_MAJOR,
		 GANTRY_ABI_MINOR, i->spec->kind, i->spec->name, WIRE_MESSAGE_MAX);
	r = peer_finish(&i->peer, &call, &line, NULL);
	return r < 0 ? r : read_hello(i, &hello, err);
}

int incarnation_prepare(struct incarnation *i, const char *what, const char *config,
			int64_t deadline_ns, struct gantry_error *err)
{
	static const struct gantry_op none = {.name = "open"};
	auto_(buf) struct buf line = BUF_INIT;
	struct peer_call call = {.op = &none, .err = err, .deadline_ns = deadline_ns};
	int r;

	peer_begin(&i->peer, &call);
	buf_addf(&line, "{\"type\":\"%s\",\"id\":%lld,\"args\":{\"config\":", what,
		 (long long)call.id);
	if (json_add_compact(&line, config && *config ? config : "{}",
			     strlen(config && *config ? config : "{}")) < 0) {
		buf_adds(&line, "{}");
	}
	buf_adds(&line, ",\"state_dir\":");
	(void)json_add_text(&line, i->spec->state_dir, strlen(i->spec->state_dir));
	buf_adds(&line, ",\"run_dir\":");
	(void)json_add_text(&line, i->spec->run_dir, strlen(i->spec->run_dir));
	buf_adds(&line, "}}");
	r = peer_finish(&i->peer, &call, &line, NULL);
	if (r == GANTRY_ERR_UNAVAILABLE && peer_is_broken(&i->peer)) {
		i->ending = incarnation_explain(i, err);
		r = error_prefix(err, "%s failed", what);
	}
	return r;
}

static int start_once(const struct process_spec *spec, const struct gantry_host *services,
		      uint64_t number, const char *config, int64_t deadline_ns,
		      struct incarnation **ret, enum ending *ret_ending, struct gantry_error *err)
{
	struct incarnation *i = calloc(1, sizeof(*i));
	int r;

	if (!i) {
		return error_no_memory(err);
	}
	atomic_init(&i->refs, 1);
	i->number = number;
	i->spec = spec;
	i->services = services;
	i->leash = -1;
	i->peer.fd = -1;
	r = spawn(i, err);
	if (r == 0) {
		r = greet(i, deadline_ns, err);
		if (r == GANTRY_ERR_UNAVAILABLE && peer_is_broken(&i->peer)) {
			i->ending = incarnation_explain(i, err);
			error_prefix(err, "it could not be started");
		}
	}
	if (r == 0 && config) {
		r = incarnation_prepare(i, "open", config, deadline_ns, err);
	}
	if (r < 0) {
		*ret_ending = i->ending;
		i->killed = 1;
		incarnation_unref(i);
		return err->code;
	}
	*ret = i;
	return 0;
}

int incarnation_start(const struct process_spec *spec, const struct gantry_host *services,
		      uint64_t number, const char *config, int64_t deadline_ns,
		      struct incarnation **ret, struct gantry_error *err)
{
	enum ending ending = ENDING_KILLED;
	int r = GANTRY_ERR_UNAVAILABLE;

	for (int tries = 0; r < 0 && tries < START_TRIES && ending == ENDING_KILLED; tries++) {
		error_clear(err);
		ending = ENDING_UNKNOWN;
		r = start_once(spec, services, number, config, deadline_ns, ret, &ending, err);
	}
	return r;
}

/* ---- the end ---- */

struct incarnation *incarnation_ref(struct incarnation *i)
{
	atomic_fetch_add(&i->refs, 1);
	return i;
}

void incarnation_kill(struct incarnation *i)
{
	i->killed = 1;
	/* The supervisor kills what it supervises. */
	shutdown(i->leash, SHUT_RDWR);
}

/* Lets it end by itself when it can. */
static void say_farewell(struct incarnation *i)
{
	auto_(buf) struct buf line = BUF_INIT;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct pollfd pfd = {.fd = i->leash, .events = POLLIN};

	if (i->killed || peer_is_broken(&i->peer)) {
		return;
	}
	buf_adds(&line, "{\"type\":\"bye\"}");
	if (peer_send(&i->peer, &line, NULL, time_monotonic_ns() + FAREWELL_MS * INT64_C(1000000),
		      &ignored) == 0) {
		shutdown(i->peer.fd, SHUT_WR);
		poll(&pfd, 1, FAREWELL_MS);
	}
}

static void *listen_to(void *arg)
{
	struct incarnation *i = arg;
	struct gantry_error ignored = GANTRY_ERROR_INIT;

	while (peer_serve(&i->peer, &ignored) == 0) {
	}
	return NULL;
}

void incarnation_listen(struct incarnation *i)
{
	i->listens = i->listens || pthread_create(&i->listener, NULL, listen_to, i) == 0;
}

static void *finish(void *arg)
{
	struct incarnation *i = arg;

	if (i->pid > 0) {
		say_farewell(i);
	}
	replace_fd(&i->leash, -1);
	if (i->listens) {
		shutdown(i->peer.fd, SHUT_RDWR);
		pthread_join(i->listener, NULL);
	}
	if (i->peer.fd >= 0) {
		peer_done(&i->peer);
	}
	if (i->pid > 0) {
		while (waitpid(i->pid, NULL, __WALL) < 0 && errno == EINTR) {
		}
		if (i->spec->page) {
			page_remove_process(i->spec->page, i->pid);
		}
	}
	free(i->plugin);
	free(i->version);
	free(i->config_keys);
	free(i->about);
	free(i);
	return NULL;
}

struct incarnation *incarnation_unref(struct incarnation *i)
{
	pthread_t other;

	if (!i || atomic_fetch_sub(&i->refs, 1) > 1) {
		return NULL;
	}
	/* What it asked ended in its own end: the thread that answers cannot wait for itself. */
	if (i->listens && pthread_equal(i->listener, pthread_self()) &&
	    pthread_create(&other, NULL, finish, i) == 0) {
		pthread_detach(other);
		return NULL;
	}
	finish(i);
	return NULL;
}

/* The supervisor's last word: "exit 1", "signal 11", "memory". */
static void read_ending(struct incarnation *i, char *text, size_t size)
{
	struct pollfd pfd = {.fd = i->leash, .events = POLLIN};
	ssize_t n = 0;

	if (i->leash >= 0 && poll(&pfd, 1, EXPLAIN_MS) > 0) {
		n = recv(i->leash, text, size - 1, MSG_DONTWAIT | MSG_PEEK);
	}
	text[n > 0 ? n : 0] = '\0';
}

static enum ending explain_signal(int number, struct gantry_error *err)
{
	if (number == SIGSYS) {
		error_set(err, GANTRY_ERR_UNAVAILABLE,
			  "its process was killed because it used a system call that its "
			  "permissions do not include");
		error_hint(err, "the plugin must declare the permission; "
				"docs/plugin-permissions.md lists them");
		return ENDING_SYSCALL;
	}
	if (number == SIGKILL) {
		error_set(err, GANTRY_ERR_UNAVAILABLE, "its process was killed");
		return ENDING_KILLED;
	}
	error_set(err, GANTRY_ERR_UNAVAILABLE, "its process crashed with signal %d (%s)", number,
		  strsignal(number));
	return ENDING_SIGNAL;
}

enum ending incarnation_explain(struct incarnation *i, struct gantry_error *err)
{
	struct gantry_error why = i->peer.broken;
	enum ending ending = ENDING_UNKNOWN;
	char text[64];
	int number;

	if (why.code == GANTRY_ERR_CORRUPT || why.code == GANTRY_ERR_LIMIT) {
		error_set(err, GANTRY_ERR_UNAVAILABLE,
			  "its process broke the protocol and was stopped: %s", why.message);
		error_hint(err,
			   "update the plugin or report this to its author; `gantry plugin trace "
			   "%s/%s` shows "
			   "its messages",
			   i->spec->kind, i->spec->name);
		incarnation_kill(i);
		return ENDING_BREACH;
	}
	read_ending(i, text, sizeof(text));
	if (sscanf(text, "signal %d", &number) == 1) {
		ending = explain_signal(number, err);
	} else if (sscanf(text, "exit %d", &number) == 1) {
		error_set(err, GANTRY_ERR_UNAVAILABLE, "its process ended with status %d", number);
		ending = ENDING_EXIT;
	} else if (!strcmp(text, "memory")) {
		error_set(err, GANTRY_ERR_UNAVAILABLE,
			  "its process used more memory than it may and was killed");
		error_hint(err,
			   "raise drivers.%s.%s.memory_mib, or report this to the plugin's author",
			   i->spec->kind, i->spec->name);
		ending = ENDING_MEMORY;
	} else {
		error_set(err, GANTRY_ERR_UNAVAILABLE, "its process is gone (%s)",
			  why.message[0] ? why.message : "nobody knows why");
		ending = i->killed ? ENDING_KILLED : ENDING_UNKNOWN;
	}
	if (!err->hint[0]) {
		error_hint(err, "`gantry plugin logs %s/%s` shows what it wrote last",
			   i->spec->kind, i->spec->name);
	}
	incarnation_kill(i);
	return ending;
}
