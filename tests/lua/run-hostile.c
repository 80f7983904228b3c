/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs hostile scripts in the sandbox, each in a state of its own, and checks
 * that it ends as its header says:
 *
 *     -- class: what kind of escape or exhaustion it tries
 *     -- source: where that was seen
 *     -- expect: ok | error TEXT | stop
 *
 * ok: it returned (its own assertions hold); error: a Lua error that contains
 * TEXT; stop: ended from outside.  When a script returns a function, that runs
 * as a second call.  A state that was stopped must refuse more calls, an honest
 * script must still work beside it, and no memory may be left.
 *
 * run-hostile [FOLDER|FILE [-v | --fork]]; without a folder, tests/lua/hostile of
 * the source tree.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "lua/sandbox/sandbox.h"
#include "lua/sandbox/services.h"

/* Endless work is cut short; what is to end by itself gets the time it needs on a
 * busy machine. */
#define CUT_NS INT64_C(60000000)
#define PATIENT_NS INT64_C(60000000000)
#define HANG_NS INT64_C(5000000000) /* of processor time */

static int64_t processor_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void no_log(void *ctx, int level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

static const struct services services = { .log = no_log };

struct expectation {
	char word[16];
	char text[200];
};

/* The header of a binary chunk comes after its NUL bytes. */
static const char *find(const struct buf *text, const char *what)
{
	return memmem(text->data, text->len, what, strlen(what));
}

static int read_expectation(const struct buf *source, struct expectation *ret)
{
	const char *line = find(source, "-- expect: ");

	memset(ret, 0, sizeof(*ret));
	return line && find(source, "-- class: ") && find(source, "-- source: ") &&
	       sscanf(line, "-- expect: %15[a-z]%*[ ]%199[^\n]", ret->word, ret->text) >= 1;
}

static void second_call(lua_State *L, void *arg)
{
	(void)arg;
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &sandbox_result_key) == LUA_TFUNCTION) {
		lua_call(L, 0, 0);
	}
}

static int run(const char *name, const char *text, size_t len, int64_t deadline_ns,
	       enum sandbox_stop *ret_stop, struct gantry_error *err)
{
	struct sandbox_config config = { .memory_bytes = 8 << 20, .deadline_ns = deadline_ns,
					 .services = &services };
	struct sandbox *sb = sandbox_new(&config, err);
	struct gantry_error again = GANTRY_ERROR_INIT;
	int r;

	if (!sb) {
		return err->code;
	}
	r = sandbox_load(sb, name, text, len, 0, err);
	if (r == 0) {
		r = sandbox_call(sb, second_call, NULL, 0, err);
	}
	*ret_stop = sandbox_stopped(sb);
	if (*ret_stop && sandbox_load(sb, name, "return 1", 8, 0, &again) == 0) {
		r = error_set(err, GANTRY_ERR_INTERNAL, "a stopped state ran again");
		*ret_stop = SANDBOX_ALIVE;
	}
	sandbox_free(sb);
	return r;
}

static int as_expected(const struct expectation *want, int r, enum sandbox_stop stop,
		       const struct gantry_error *err)
{
	if (strcmp(want->word, "ok") == 0) {
		return r == 0;
	}
	if (strcmp(want->word, "stop") == 0) {
		return r < 0 && stop;
	}
	if (strcmp(want->word, "error") == 0) {
		return r < 0 && !stop && strstr(err->message, want->text);
	}
	return strcmp(want->word, "any") == 0;
}

/* Returns 0 when the script ended as it should. */
static int check_file(const char *path, int verbose)
{
	struct gantry_error err = GANTRY_ERROR_INIT;
	enum sandbox_stop stop = SANDBOX_ALIVE;
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	struct expectation want;
	struct buf text = BUF_INIT;
	int64_t start, took;
	int r, good;

	if (read_file(-100, path, &text, 1 << 24) < 0 ||
	    !read_expectation(&text, &want)) {
		printf("not ok %s: cannot be read, or has no class, source and expect\n", name);
		buf_done(&text);
		return 1;
	}
	start = processor_ns();
	r = run(name, text.data, text.len,
		strcmp(want.word, "ok") == 0 || strcmp(want.word, "error") == 0 ? PATIENT_NS : CUT_NS,
		&stop, &err);
	took = processor_ns() - start;
	good = as_expected(&want, r, stop, &err) && took < HANG_NS;
	if (!good || verbose) {
		printf("%s %s: expected %s %s, got %d stop %d after %lld ms: %s\n",
		       good ? "ok" : "not ok", name, want.word, want.text, r, stop,
		       (long long)(took / 1000000), err.message);
	}
	buf_done(&text);
	return !good;
}

/* The same in a process of its own, with limits of the kernel's around it. */
static int check_in_child(const char *path, int verbose)
{
	struct rlimit processor = { 10, 10 };
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CPU, &processor);
		status = check_file(path, verbose);
		fflush(stdout);
		_exit(status);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
		printf("not ok %s: its process ended by signal %d\n", path, WTERMSIG(status));
		return 1;
	}
	return WEXITSTATUS(status) != 0;
}

static int check_honest(void)
{
	static const char text[] = "local n = 0 for i = 1, 1000 do n = n + i end "
				   "assert(n == 500500 and ('x'):rep(3) == 'xxx')";
	struct gantry_error err = GANTRY_ERROR_INIT;
	enum sandbox_stop stop = SANDBOX_ALIVE;

	return run("honest", text, sizeof(text) - 1, PATIENT_NS, &stop, &err) != 0;
}

static int is_script(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".lua") == 0;
}

int main(int argc, char **argv)
{
	int verbose = argc > 2 && strcmp(argv[2], "-v") == 0;
	int apart = argc > 2 && strcmp(argv[2], "--fork") == 0;
	const char *top = getenv("srcdir") ? getenv("srcdir") : ".";
	auto_free char *folder = NULL;
	struct dirent **entries = NULL;
	int i, n, failed = 0;

	if ((argc > 1 ? asprintf(&folder, "%s", argv[1]) :
			asprintf(&folder, "%s/tests/lua/hostile", top)) < 0) {
		return 1;
	}
	if (argc > 1 && strlen(folder) > 4 && strcmp(folder + strlen(folder) - 4, ".lua") == 0) {
		return check_file(folder, 1);
	}
	n = scandir(folder, &entries, is_script, alphasort);
	if (n < 0) {
		printf("not ok cannot read the folder %s: %s\n", folder, strerror(errno));
		return 1;
	}
	for (i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		failed += apart ? check_in_child(path, verbose) : check_file(path, verbose);
		failed += check_honest();
		free(entries[i]);
	}
	free(entries);
	printf("%d hostile scripts, %d failed\n", n, failed);
	return n < 1 || failed != 0;
}
