/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that does not end in time is killed with its whole process group.  What a
 * failed one printed is kept in a file of its own, since an error has no room for it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/run_program.h"

#define OUTPUT_MAX ((size_t)4 << 20)
#define SAID_MAX 600

/* ---- finding and running ---- */

static int find_plugin(const struct cni_exec *e, struct buf *ret, struct gantry_error *err)
{
	if (!*e->type || strchr(e->type, '/') || e->type[0] == '.') {
		return error_set(err, GANTRY_ERR_INVALID, "network %s: \"%.100s\" is no name of a CNI plugin",
				 e->network, e->type);
	}
	for (size_t i = 0; i < json_array_size(e->bin_dirs); i++) {
		buf_clear(ret);
		buf_addf(ret, "%s/%s", json_item_string(e->bin_dirs, i), e->type);
		if (!buf_failed(ret) && access(buf_str(ret), X_OK) == 0) {
			return 0;
		}
	}
	error_set(err, GANTRY_ERR_NOT_FOUND, "network %s: there is no CNI plugin %s in %s", e->network,
		  e->type, json_text(e->bin_dirs));
	return error_hint(err, "install it (Debian's package is containernetworking-plugins), or set "
			       "drivers.network.cni.bin_dirs");
}

struct environment {
	char *items[16];
	size_t n;
	int failed;
};

static void env_add(struct environment *env, const char *name, const char *value)
{
	if (!value) {
		return;
	}
	if (asprintf(&env->items[env->n], "%s=%s", name, value) < 0) {
		env->items[env->n] = NULL;
		env->failed = 1;
		return;
	}
	env->n++;
}

static void env_done(struct environment *env)
{
	for (size_t i = 0; i < env->n; i++) {
		free(env->items[i]);
	}
}

static void env_fill(struct environment *env, const struct cni_exec *e)
{
	auto_(buf) struct buf path = BUF_INIT;
	const char *inherited = getenv("PATH");

	for (size_t i = 0; i < json_array_size(e->bin_dirs); i++) {
		buf_addf(&path, "%s%s", i ? ":" : "", json_item_string(e->bin_dirs, i));
	}
	env->failed |= buf_failed(&path);
	env_add(env, "CNI_COMMAND", e->command);
	env_add(env, "CNI_CONTAINERID", e->container);
	env_add(env, "CNI_NETNS", e->netns);
	env_add(env, "CNI_IFNAME", e->interface);
	env_add(env, "CNI_ARGS", e->args);
	env_add(env, "CNI_PATH", buf_str(&path));
	/* Plugins execute iptables and the like. */
	env_add(env, "PATH", inherited && *inherited
				     ? inherited
				     : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	env_add(env, "HOME", getenv("HOME"));
}

/* ---- what went wrong ---- */

/* One line, without control characters. */
static void one_line(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text && n < size - 1; text++) {
		out[n++] = (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text;
	}
	while (n > 0 && out[n - 1] == ' ') {
		n--;
	}
	out[n] = '\0';
}

static int code_of(int64_t cni)
{
	switch (cni) {
	case 1: /* incompatible version */
	case 2: /* unsupported field */
		return GANTRY_ERR_UNSUPPORTED;
	case 3:
		return GANTRY_ERR_NOT_FOUND;
	case 4: /* environment variables */
	case 7:
		return GANTRY_ERR_INVALID;
	case 11: /* try again later */
	case 50: /* plugin not available */
	case 51:
		return GANTRY_ERR_UNAVAILABLE;
	default:
		return GANTRY_ERR_IO;
	}
}

int cni_read_error(const struct cni_exec *e, int status, const char *out, size_t out_len,
		   const char *said, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	char message[SAID_MAX], details[SAID_MAX / 2], last[SAID_MAX];
	const char *text;
	int64_t code;

	one_line(said, last, sizeof(last));
	if (out_len == 0 || json_parse(out, out_len, "error", &o, &ignored) < 0 ||
	    !(text = json_get_string(o, "msg"))) {
		one_line(out_len ? out : "", message, sizeof(message));
		return error_set(err, GANTRY_ERR_IO, "network %s: CNI plugin %s failed to %s: it %s %d%s%s%s%s",
				 e->network, e->type, e->command,
				 WIFSIGNALED(status) ? "was killed by signal" : "exited with status",
				 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
				 *message ? ": " : "", message, *last ? ": " : "", last);
	}
	code = json_get_int(o, "code", 0);
	one_line(text, message, sizeof(message));
	text = json_get_string(o, "details");
	one_line(text ? text : "", details, sizeof(details));
	return error_set(err, code_of(code), "network %s: CNI plugin %s failed to %s: %s%s%s (code %lld)",
			 e->network, e->type, e->command, message, *details ? ": " : "", details,
			 (long long)code);
}

static void keep_record(const struct cni_exec *e, struct json_object *config, const struct buf *out,
			const struct buf *said, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT, path = BUF_INIT;

	if (!e->record_dir) {
		return;
	}
	buf_addf(&path, "%s/last-failure-%s", e->record_dir, e->type);
	buf_addf(&text, "CNI_COMMAND=%s CNI_CONTAINERID=%s CNI_IFNAME=%s CNI_NETNS=%s\n\n--- stdin\n%s\n",
		 e->command, e->container ? e->container : "", e->interface ? e->interface : "",
		 e->netns ? e->netns : "", json_text(config));
	buf_addf(&text, "\n--- stdout\n%s\n\n--- stderr\n%s\n", buf_str(out), buf_str(said));
	if (!buf_failed(&text) && !buf_failed(&path) &&
	    write_file_atomic(AT_FDCWD, buf_str(&path), text.data, text.len, 0600, 0) == 0) {
		error_hint(err, "%s has its whole input and output", buf_str(&path));
	}
}

static int take_result(const struct cni_exec *e, const struct buf *out, struct json_object **ret,
		       struct gantry_error *err)
{
	int r;

	*ret = NULL;
	if (out->len == 0) {
		return 0;
	}
	r = json_parse(out->data, out->len, "result", ret, err);
	if (r == 0 && !json_object_is_type(*ret, json_type_object)) {
		json_object_put(*ret);
		*ret = NULL;
		r = error_set(err, GANTRY_ERR_CORRUPT, "the result is no JSON object");
	}
	return r < 0 ? error_prefix(err, "network %s: CNI plugin %s: %s", e->network, e->type, e->command)
		     : 0;
}

int cni_exec(const struct cni_exec *e, struct json_object *config, struct json_object **ret_result,
	     struct gantry_error *err)
{
	auto_(buf) struct buf file = BUF_INIT, out = BUF_INIT, said = BUF_INIT;
	struct environment env = { { NULL }, 0, 0 };
	struct program program = {
		.environment = env.items,
		.input = json_text(config),
		.deadline_ms = e->deadline_ms,
		.output_max = OUTPUT_MAX,
	};
	int status, r = find_plugin(e, &file, err);

	if (r < 0) {
		return r;
	}
	program.file = buf_str(&file);
	program.input_len = strlen(program.input);
	env_fill(&env, e);
	status = env.failed ? -ENOMEM : program_run(&program, &out, &said);
	env_done(&env);
	if (status == -ETIMEDOUT) {
		error_set(err, GANTRY_ERR_TIMEOUT,
			  "network %s: CNI plugin %s did not %s in %lld ms and was killed", e->network,
			  e->type, e->command, (long long)e->deadline_ms);
	} else if (status < 0) {
		return error_errno(err, -status, "network %s: cannot run CNI plugin %s", e->network,
				   buf_str(&file));
	} else if (status > 0) {
		cni_read_error(e, status, buf_str(&out), out.len, buf_str(&said), err);
	} else {
		r = take_result(e, &out, ret_result, err);
	}
	if (r < 0 || status != 0) {
		keep_record(e, config, &out, &said, err);
		return err->code;
	}
	return 0;
}
