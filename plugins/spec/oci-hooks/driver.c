/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec/oci-hooks: programs that hook folders add to containers, as podman and CRI-O read them.
 * A hook of the stage precreate is executed here, with the specification as its input, and
 * its output is the new one; the others become hooks of the specification.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gantry/plugin.h>
#include <gantry/spec.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/run_program.h"
#include "hook_file.h"

#define FILE_MAX ((size_t)1 << 20)
#define OUTPUT_MAX ((size_t)8 << 20)
#define PRECREATE_S 30 /* for a hook that has no timeout of its own */

struct hooks {
	struct json_object *config;
	struct json_object *folders;
};

/* ---- finding ---- */

static int is_json(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && n > 5 && !strcmp(e->d_name + n - 5, ".json");
}

/* name -> path; a file of a later folder replaces that of the same name in an earlier. */
static void scan(struct json_object *folders, struct json_object *found)
{
	for (size_t i = 0; i < json_array_size(folders); i++) {
		const char *folder = json_item_string(folders, i);
		auto_dir DIR *d = folder ? opendir(folder) : NULL;
		struct dirent *e;

		while (d && (e = readdir(d))) {
			auto_(buf) struct buf path = BUF_INIT;

			if (is_json(e)) {
				buf_addf(&path, "%s/%s", folder, e->d_name);
				json_set_string(found, e->d_name, buf_str(&path));
			}
		}
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of an object's members in order; the caller frees the view. */
static const char **sorted_names(struct json_object *found)
{
	size_t n = 0;
	const char **names = calloc((size_t)json_object_object_length(found) + 1, sizeof(*names));

	if (names) {
		json_object_object_foreach(found, name, value)
		{
			(void)value;
			names[n++] = name;
		}
		qsort(names, n, sizeof(*names), by_name);
	}
	return names;
}

/* A broken file is refused, and with it every start: a hook that is not executed because
 * of a typing error may be one that somebody relies on. */
static int read_hook(const char *path, struct json_object **ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r = read_file(AT_FDCWD, path, &text, FILE_MAX);

	if (r < 0) {
		return error_errno(err, -r, "cannot read hook file %s", path);
	}
	r = hook_file_parse(buf_str(&text), text.len, ret, err);
	return r < 0 ? error_prefix(err, "hook file %s", path) : 0;
}

/* ---- precreate ---- */

/* A NULL-terminated view of an array's texts; the caller frees the view. */
static char **as_vector(struct json_object *array, const char *alone)
{
	size_t n = json_array_size(array);
	char **list = calloc(n + 2, sizeof(*list));

	for (size_t i = 0; list && i < n; i++) {
		list[i] = (char *)json_item_string(array, i);
	}
	if (list && n == 0) {
		list[0] = (char *)alone;
	}
	return list;
}

static int take_output(const char *path, int status, const struct buf *out, const struct buf *said,
		       struct json_object **spec, struct gantry_error *err)
{
	struct json_object *changed;
	int r;

	if (status == -ETIMEDOUT) {
		return error_set(err, GANTRY_ERR_TIMEOUT, "precreate hook %s did not end in time", path);
	}
	if (status < 0) {
		return error_errno(err, -status, "cannot run precreate hook %s", path);
	}
	if (status != 0) {
		return error_set(err, GANTRY_ERR_IO, "precreate hook %s %s %d: %.400s", path,
				 WIFSIGNALED(status) ? "was killed by signal" : "exited with status",
				 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), buf_str(said));
	}
	if (out->len == 0) {
		return 0;
	}
	r = json_parse(out->data, out->len, "its output", &changed, err);
	if (r == 0 && !json_object_is_type(changed, json_type_object)) {
		json_object_put(changed);
		r = error_set(err, GANTRY_ERR_CORRUPT, "its output is no JSON object");
	}
	if (r < 0) {
		return error_prefix(err, "precreate hook %s", path);
	}
	json_object_put(*spec);
	*spec = changed;
	return 0;
}

static int run_precreate(struct json_object *hook, struct json_object **spec,
			 struct gantry_error *err)
{
	const char *path = json_get_string(hook, "path"), *input = json_text(*spec);
	auto_free char **argv = as_vector(json_get_array(hook, "args"), path);
	auto_free char **environment = as_vector(json_get_array(hook, "env"), NULL);
	auto_(buf) struct buf out = BUF_INIT, said = BUF_INIT;
	struct program program = {
		.file = path,
		.argv = argv,
		.environment = environment,
		.input = input,
		.input_len = strlen(input),
		.deadline_ms = json_get_int(hook, "timeout", PRECREATE_S) * 1000,
		.output_max = OUTPUT_MAX,
	};

	if (!argv || !environment) {
		return error_no_memory(err);
	}
	return take_output(path, program_run(&program, &out, &said), &out, &said, spec, err);
}

/* ---- the operations ---- */

static void add_hook(struct json_object *spec, const char *stage, struct json_object *hook)
{
	struct json_object *hooks = json_get_object(spec, "hooks"), *list;

	if (!hooks) {
		hooks = json_object_new_object();
		json_set(spec, "hooks", hooks);
	}
	list = json_get_array(hooks, stage);
	if (!list) {
		list = json_object_new_array();
		json_set(hooks, stage, list);
	}
	json_object_array_add(list, json_object_get(hook));
}

static int apply_one(struct json_object *file, int has_bind_mounts, struct json_object **spec,
		     struct gantry_error *err)
{
	struct json_object *stages = json_get_array(file, "stages");
	struct json_object *hook = json_get_object(file, "hook");
	int r = hook_file_matches(file, *spec, has_bind_mounts, err);

	if (r <= 0) {
		return r;
	}
	r = 0;
	for (size_t i = 0; r == 0 && i < json_array_size(stages); i++) {
		const char *stage = json_item_string(stages, i);

		if (!strcmp(stage, "precreate")) {
			r = run_precreate(hook, spec, err);
		} else {
			add_hook(*spec, stage, hook);
		}
	}
	return r;
}

static int hooks_apply(void *self, const struct gantry_spec_apply_args *args,
		       struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *found = json_object_new_object(), *who = NULL, *spec = NULL;
	auto_free const char **names = NULL;
	struct hooks *h = self;
	int r = json_parse_object(args->container, "container", &who, err);

	if (r == 0) {
		r = json_parse_object(args->spec, "specification", &spec, err);
	}
	if (r < 0) {
		return r;
	}
	scan(h->folders, found);
	names = sorted_names(found);
	if (!names) {
		return error_no_memory(err);
	}
	if (!names[0]) {
		return 0;
	}
	for (const char **name = names; r == 0 && *name; name++) {
		auto_json struct json_object *file = NULL;

		r = read_hook(json_get_string(found, *name), &file, err);
		if (r == 0) {
			r = apply_one(file, json_get_bool(who, "HasBindMounts", 0), &spec, err);
		}
	}
	return r < 0 ? r : gantry_spec_apply_set_spec(reply, json_text(spec));
}

/* ---- the instance ---- */

static void hooks_close(void *self)
{
	struct hooks *h = self;

	json_object_put(h->config);
	free(h);
}

static int hooks_open(const struct gantry_host *host, const char *config, void **ret_self,
		      struct gantry_error *err)
{
	struct hooks *h = calloc(1, sizeof(*h));
	int r = h ? json_parse_object(config, "the driver's configuration", &h->config, err)
		  : error_no_memory(err);

	if (r < 0) {
		free(h);
		return r;
	}
	h->folders = json_get_array(h->config, "folders");
	*ret_self = h;
	return 0;
}

static const struct gantry_spec_ops ops = {
	.struct_size = sizeof(ops),
	.apply = hooks_apply,
};

static const struct gantry_config_key keys[] = {
	{ "folders", GANTRY_TYPE_LIST, 0, "/usr/share/containers/oci/hooks.d,/etc/containers/oci/hooks.d",
	  "folders of hook files; a file of a later one replaces that of the same name" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "spec",
	.name = "oci-hooks",
	.summary = "Programs that hook folders add to containers (oci-hooks(5))",
	.ops = &ops,
	.config = keys,
	.open = hooks_open,
	.close = hooks_close,
};

GANTRY_PLUGIN(.name = "spec-oci-hooks", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .permissions = (const char *const[]){ "exec:*", NULL });
