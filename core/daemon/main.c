/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantryd: serves the Engine API on sockets.  It holds nothing that containers
 * need, so that it may be stopped or killed at any moment.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/core.h"
#include "core/daemon/listen.h"
#include "core/daemon/notify.h"
#include "core/daemon/options.h"
#include "core/daemon/server.h"
#include "core/daemon/tls.h"

#include "helpers/cleanup.h"
#include "helpers/error.h"

#define MAX_CONNECTIONS 1024
#define SHUTDOWN_S 10
#define PORT_PLAIN 2375
#define PORT_TLS 2376
#define MAX_FILES 65536

struct daemon {
	struct options options;
	struct listen_set listening;
	struct tls_context *tls;
	struct core *core;
	struct server *server;
	const char *pidfile; /* written by us; borrowed */
};

static struct server *server_to_stop; /* for the signal handler */

static void on_stop(int signal_number)
{
	(void)signal_number;
	server_stop(server_to_stop);
}

static void on_ignored(int signal_number)
{
	(void)signal_number;
}

/* Handlers, not SIG_IGN or a blocked mask: an exec undoes them, so that no
 * container inherits them. */
static void set_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop };
	struct sigaction ignored = { .sa_handler = on_ignored, .sa_flags = SA_RESTART };

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGPIPE, &ignored, NULL);
	sigaction(SIGHUP, &ignored, NULL);
}

static void say(const char *level, const char *text)
{
	const char *least = getenv("GANTRY_LOG_LEVEL");

	if (least && !strcmp(level, "warning") && (!strcmp(least, "error") || !strcmp(least, "fatal"))) {
		return;
	}
	fprintf(stderr, "gantryd: %s: %s\n", level, text);
}

static void say_error(const struct gantry_error *err)
{
	say("error", err->message);
	if (err->hint[0]) {
		say("hint", err->hint);
	}
}

/* What drivers say, and what our children say, follows it, too. */
static void set_log_level(const struct options *o)
{
	const char *level = option_text(o, OPTION_LOG_LEVEL);

	if (option_bool(o, OPTION_DEBUG)) {
		level = "debug";
	}
	if (level) {
		setenv("GANTRY_LOG_LEVEL", level, 1);
	}
	if (level && !strcmp(level, "debug")) {
		setenv("GANTRY_DEBUG", "1", 1);
	}
}

/* Memory that many threads touch is shared by few arenas, and given back. */
static void set_limits(void)
{
	struct rlimit files;

	mallopt(M_ARENA_MAX, 2);
	mallopt(M_TRIM_THRESHOLD, 64 * 1024);
	mallopt(M_MMAP_THRESHOLD, 64 * 1024);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max < MAX_FILES ? files.rlim_max : MAX_FILES;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int write_pidfile(const char *path, struct gantry_error *err)
{
	/* Never closed: the lock says that we live, whatever the number in the file. */
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0) {
		return error_errno(err, errno, "cannot write pid file %s", path);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return error_set(err, GANTRY_ERR_IN_USE,
				 "another gantryd runs: it holds the pid file %s", path);
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", getpid()) < 0) {
		return error_errno(err, errno, "cannot write pid file %s", path);
	}
	return 0;
}

static int open_tls(struct daemon *d, struct gantry_error *err)
{
	const struct options *o = &d->options;
	int verify = option_bool(o, OPTION_TLS_VERIFY);

	if (!verify && !option_bool(o, OPTION_TLS)) {
		return 0;
	}
	if (verify && !option_text(o, OPTION_TLS_CA)) {
		return error_set(err, GANTRY_ERR_INVALID, "--tlsverify needs --tlscacert");
	}
	return tls_context_new(&(struct tls_files){ .certificate = option_text(o, OPTION_TLS_CERT),
						    .key = option_text(o, OPTION_TLS_KEY),
						    .ca = verify ? option_text(o, OPTION_TLS_CA) : NULL },
			       &d->tls, err);
}

static void default_host(char *ret, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0 || !runtime || !*runtime) {
		snprintf(ret, size, "unix:///run/gantry.sock");
	} else {
		snprintf(ret, size, "unix://%s/gantry.sock", runtime);
	}
}

static int open_sockets(struct daemon *d, struct gantry_error *err)
{
	const struct option_values *hosts = &d->options.values[OPTION_HOST];
	const char *group = option_text(&d->options, OPTION_GROUP);
	int port = d->tls ? PORT_TLS : PORT_PLAIN;
	char fallback[256];
	int r = 0;

	for (unsigned i = 0; r == 0 && i < hosts->n; i++) {
		r = listen_open(&d->listening, hosts->items[i], group, port, err);
	}
	if (hosts->n == 0) {
		default_host(fallback, sizeof(fallback));
		r = listen_open(&d->listening, fallback, group, port, err);
	}
	for (size_t i = 0; r == 0 && i < d->listening.n; i++) {
		if (d->listening.sockets[i].is_tcp && !option_bool(&d->options, OPTION_TLS_VERIFY)) {
			say("warning", "a TCP socket without --tlsverify gives root on this host to "
				       "whoever reaches it");
		}
	}
	return r;
}

static int open_server(struct daemon *d, struct gantry_error *err)
{
	long max;
	int r = option_number(&d->options, OPTION_MAX_CONNECTIONS, MAX_CONNECTIONS, &max, err);

	if (r == 0) {
		r = server_new(d->core, d->tls, (unsigned)max, &d->server, err);
	}
	for (size_t i = 0; r == 0 && i < d->listening.n; i++) {
		struct listen_socket *s = &d->listening.sockets[i];

		r = server_listen(d->server, steal_fd(&s->fd),
				  s->is_tcp && d->tls ? SERVER_TLS : SERVER_PLAIN, err);
	}
	return r;
}

static int daemon_open(struct daemon *d, struct gantry_error *err)
{
	const struct options *o = &d->options;
	struct core_options core = {
		.root = option_text(o, OPTION_ROOT),
		.run_root = option_text(o, OPTION_RUN_ROOT),
		.config_file = option_text(o, OPTION_CONFIG_FILE),
		.plugin_path = option_text(o, OPTION_PLUGIN_PATH),
		.settings = (const char *const *)o->settings,
		.daemon = 1,
	};
	const char *pidfile = option_text(o, OPTION_PIDFILE);
	int r = pidfile ? write_pidfile(pidfile, err) : 0;

	if (r < 0) {
		return r;
	}
	d->pidfile = pidfile;
	r = open_tls(d, err);
	if (r == 0) {
		r = open_sockets(d, err);
	}
	if (r == 0) {
		r = core_open(&core, &d->core, err);
	}
	if (r == 0 && core_warning(d->core)) {
		say("warning", core_warning(d->core)->message);
		say("hint", core_warning(d->core)->hint);
	}
	return r < 0 ? r : open_server(d, err);
}

/* Frees everything unless requests are still being served; the process ends then
 * with them, which harms nothing but their clients. */
static void daemon_close(struct daemon *d)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	long seconds;
	unsigned left = 0;

	option_number(&d->options, OPTION_SHUTDOWN_TIMEOUT, SHUTDOWN_S, &seconds, &ignored);
	if (d->server) {
		left = server_drain(d->server, (int)seconds * 1000);
	}
	listen_done(&d->listening);
	if (d->pidfile) {
		unlink(d->pidfile);
	}
	if (left > 0) {
		say("warning", "requests were still being served");
		_exit(EXIT_SUCCESS);
	}
	server_free(d->server);
	core_close(d->core);
	tls_context_free(d->tls);
	options_done(&d->options);
}

static int serve(struct daemon *d, struct gantry_error *err)
{
	int r = daemon_open(d, err);

	if (r < 0) {
		return r;
	}
	server_to_stop = d->server;
	set_signals();
	notify_manager("READY=1");
	malloc_trim(0);
	r = server_run(d->server, err);
	notify_manager("STOPPING=1");
	return r;
}

static int print_and_quit(const struct options *o)
{
	auto_free char *help = NULL;

	if (option_bool(o, OPTION_HELP)) {
		help = options_help();
		fputs(help ? help : "", stdout);
		return 1;
	}
	if (option_bool(o, OPTION_VERSION)) {
		printf("gantryd version %s\n", PACKAGE_VERSION);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	struct daemon d = { 0 };
	int status = EXIT_SUCCESS;
	int r = options_parse(argc, argv, &d.options, &err);

	if (r == 0 && print_and_quit(&d.options)) {
		options_done(&d.options);
		return EXIT_SUCCESS;
	}
	if (r == 0) {
		set_log_level(&d.options);
		set_limits();
		r = serve(&d, &err);
	}
	if (r < 0) {
		say_error(&err);
		status = EXIT_FAILURE;
	}
	daemon_close(&d);
	return status;
}
