/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hostile scripts once more, where scripts of strangers run: in gantry-plugin-host, as
 * the module of a driver that is called through the protocol.  Each ends as its header says
 * (see run-hostile.c; "-- isolated:" where that differs), the host lives and serves the next call, and nothing is left of it
 * when the driver is closed.
 *
 * run-isolated [FOLDER]
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/auth.h>

#include "core/plugin/driver.h"
#include "core/plugin/process.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/reply.h"
#include "tests/unit/fake_host.h"

/* The names that a driver has beside those of the sandbox are hidden from its module. */
static const char wrapper[] =
	"driver { kind = 'auth', name = 'h', limits = { seconds = %s, memory_mib = 8 } }\n"
	"driver, fail, config, state_dir, run_dir, tree = nil\n"
	"local require, type = require, type\n"
	"return { identify = function(args)\n"
	"  if args.method == 'HONEST' then return { decision = 'known', user = 'honest', groups = {} } end\n"
	"  local result = require 'victim'\n"
	"  if type(result) == 'function' then result() end\n"
	"  return { decision = 'unknown', groups = {} }\n"
	"end }\n";

static struct fake_host *host;
static char folder[300];
static const char *host_program;

struct expectation {
	char word[16];
	char text[200];
};

static int read_expectation(const struct buf *source, struct expectation *ret)
{
	const char *line = memmem(source->data, source->len, "-- isolated: ", 13);

	line = line ? line : memmem(source->data, source->len, "-- expect: ", 11);
	memset(ret, 0, sizeof(*ret));
	return line && sscanf(line, "-- %*[a-z]: %15[a-z]%*[ ]%199[^\n]", ret->word, ret->text) >= 1;
}

static int put(const char *name, const char *text, size_t len)
{
	auto_free char *path = NULL;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? -ENOMEM :
	       write_file_atomic(AT_FDCWD, path, text, len, 0644, 0);
}

static int open_driver(struct driver **ret, struct gantry_error *err)
{
	static const char *const none[] = { NULL };
	auto_free char *file = NULL;
	const struct gantry_host *base = fake_host_get(host);
	struct process_driver *p = NULL;
	struct process_spec spec = {
		.host_program = host_program, .kind = "auth", .name = "h", .permissions = none,
		.state_dir = base->state_dir, .run_dir = base->run_dir,
	};
	int r;

	if (asprintf(&file, "%s/h.lua", folder) < 0) {
		return error_no_memory(err);
	}
	spec.file = file;
	r = process_driver_new(&spec, base, &p, err);
	return r < 0 ? r : process_driver_open(p, "{}", ret, err);
}

static int call(struct driver *driver, const char *method, struct gantry_error *err)
{
	auto_(reply) struct reply reply = REPLY_INIT;

	return driver_call(driver, GANTRY_AUTH_OP_IDENTIFY,
			   &GANTRY_AUTH_IDENTIFY_ARGS(.peer = "{}", .method = method, .target = "/"), &reply,
			   err);
}

static int as_expected(const struct expectation *want, int r, const struct gantry_error *err)
{
	int stopped = strstr(err->message, "the script was stopped") != NULL;

	if (strcmp(want->word, "ok") == 0) {
		return r == 0;
	}
	if (strcmp(want->word, "stop") == 0) {
		return r < 0 && stopped;
	}
	if (strcmp(want->word, "error") == 0) {
		return r < 0 && !stopped && strstr(err->message, want->text);
	}
	return strcmp(want->word, "any") == 0;
}

/* Returns 0 when the script ended as it should. */
static int check_script(const char *name, const struct buf *text)
{
	struct gantry_error err = GANTRY_ERROR_INIT, after = GANTRY_ERROR_INIT;
	struct driver *driver = NULL;
	struct expectation want;
	struct buf script = BUF_INIT;
	int r, good, honest;

	if (!read_expectation(text, &want)) {
		printf("not ok %s: no expectation\n", name);
		return 1;
	}
	/* What has to be cut short is; what ends by itself gets the time it needs. */
	buf_addf(&script, wrapper, !strcmp(want.word, "stop") || !strcmp(want.word, "any") ? "0.06" : "4");
	r = put("h.lua", buf_str(&script), script.len);
	r = r < 0 ? r : put("victim.lua", text->data, text->len);
	buf_done(&script);
	if (r < 0 || open_driver(&driver, &err) < 0) {
		printf("not ok %s: cannot be run: %s\n", name, err.message);
		return 1;
	}
	r = call(driver, "GET", &err);
	good = as_expected(&want, r, &err);
	honest = call(driver, "HONEST", &after) == 0;
	if (!good || !honest) {
		printf("not ok %s: expected %s %s, got %d: %s%s%s\n", name, want.word, want.text, r, err.message,
		       honest ? "" : "; and then: ", after.message);
	}
	driver_free(driver);
	return !good || !honest;
}

static int is_script(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".lua") == 0;
}

/* A plugin folder with the script host of this build. */
static int make_folders(void)
{
	static const char conf[] = "name = \"h\"; version = \"1\"; needs = \"1.0\"; file = \"h.lua\"; "
				   "drivers = ( { kind = \"auth\"; name = \"h\"; } ); permissions = [ ];";
	auto_free char *hosts = realpath("plugins/hosts", NULL);
	char path[300];

	snprintf(path, sizeof(path), "%s/plugins", fake_host_dir(host));
	snprintf(folder, sizeof(folder), "%s/plugins/auth/h", fake_host_dir(host));
	if (!hosts || make_dirs(AT_FDCWD, folder, 0755) < 0) {
		return -1;
	}
	strncat(path, "/hosts", sizeof(path) - strlen(path) - 1);
	return symlink(hosts, path) < 0 ? -1 : put("plugin.conf", conf, strlen(conf));
}

int main(int argc, char **argv)
{
	const char *top = getenv("srcdir") ? getenv("srcdir") : ".";
	auto_free char *scripts = NULL;
	auto_free char *program = realpath("gantry-plugin-host", NULL);
	struct dirent **entries = NULL;
	int i, n, failed = 0;

	if (!program) {
		printf("gantry-plugin-host is not built\n");
		return 77;
	}
	host_program = program;
	host = fake_host_new();
	if (asprintf(&scripts, "%s%s", argc > 1 ? argv[1] : top, argc > 1 ? "" : "/tests/lua/hostile") < 0 ||
	    make_folders() < 0) {
		printf("not ok cannot make folders: %s\n", strerror(errno));
		return 1;
	}
	n = scandir(scripts, &entries, is_script, alphasort);
	for (i = 0; i < n; i++) {
		auto_(buf) struct buf text = BUF_INIT;
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", scripts, entries[i]->d_name);
		failed += read_file(AT_FDCWD, path, &text, 1 << 24) < 0 || check_script(entries[i]->d_name, &text);
		free(entries[i]);
	}
	free(entries);
	fake_host_free(host);
	printf("%d hostile scripts, each in a process of its own, %d failed\n", n, failed);
	return n < 1 || failed != 0;
}
