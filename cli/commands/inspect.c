/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/inspect.h"
#include "cli/format/list.h"
#include "cli/format/template.h"
#include "cli/format/value.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

int inspect_open(struct inspect *in, const char *format, struct gantry_error *err)
{
	*in = (struct inspect){ .format = format };
	if (!format || !*format) {
		buf_addc(&in->out, '[');
		return 0;
	}
	in->is_json = strcmp(format, "json") == 0;
	if (template_parse(in->is_json ? "{{json .}}" : format, &in->template, err) < 0) {
		return error_prefix(err, "template parsing error");
	}
	return 0;
}

int inspect_add(struct inspect *in, const char *text, size_t len, struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct template_data data = { 0 };
	int r;

	if (!in->template) {
		buf_adds(&in->out, in->n ? ",\n    " : "\n    ");
		json_indent(text, len, "    ", &in->out);
		in->n++;
		return 0;
	}
	r = json_parse(text, len, "the engine's answer", &o, err);
	if (r < 0) {
		return r;
	}
	data.dot = o;
	if (in->is_json) {
		buf_adds(&in->out, in->n++ ? "," : "");
		json_print(o, &in->out);
		return 0;
	}
	r = template_execute(in->template, &data, &in->out, err);
	if (r < 0) {
		buf_addc(&in->out, '\n');
		return error_prefix(err, "template parsing error");
	}
	buf_addc(&in->out, '\n');
	in->n++;
	return 0;
}

void inspect_finish(struct inspect *in)
{
	if (!in->template) {
		buf_adds(&in->out, in->n ? "\n]\n" : "]\n");
	} else if (in->is_json) {
		printf("[");
		buf_adds(&in->out, "]\n");
	} else if (!in->n) {
		buf_clear(&in->out);
		buf_addc(&in->out, '\n');
	}
	fwrite(buf_str(&in->out), 1, in->out.len, stdout);
}

void inspect_done(struct inspect *in)
{
	template_free(in->template);
	buf_done(&in->out);
}

int inspect_objects(struct cli *cli, struct args *args,
		    int (*get)(struct cli *cli, struct args *args, const char *name,
			       struct buf *ret, struct gantry_error *err),
		    struct gantry_error *err)
{
	auto_(inspect) struct inspect in = { NULL };
	auto_(buf) struct buf failures = BUF_INIT;

	if (inspect_open(&in, args_string(args, "format"), err) < 0) {
		cli_print_error(err);
		return CLI_EXIT_BAD_TEMPLATE;
	}
	for (int i = 0; i < args->argc; i++) {
		struct gantry_error one = GANTRY_ERROR_INIT;
		auto_(buf) struct buf text = BUF_INIT;
		int r = get(cli, args, args->argv[i], &text, &one);

		r = r < 0 ? r : inspect_add(&in, buf_str(&text), text.len, &one);
		if (r < 0) {
			buf_addf(&failures, "%s\n", one.message);
			if (strncmp(one.message, "template", 8) == 0) {
				break;
			}
		}
	}
	inspect_finish(&in);
	fflush(stdout);
	fputs(buf_str(&failures), stderr);
	return failures.len ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

int inspect_get(struct cli *cli, const char *target, struct buf *ret, struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	struct client_request request = { .method = "GET", .target = target };
	int r = api_send(cli, &request, &response, err);

	r = r < 0 ? r : api_check(&response, err);
	if (r == 0) {
		buf_add(ret, response.body.data, response.body.len);
	}
	return r;
}

/* Where objects of each type are, in the order in which a name is tried. */
static const struct {
	const char *type;
	const char *target; /* %s is the name */
} types[] = {
	{ "container", "/containers/%s/json" }, { "image", "/images/%s/json" },
	{ "network", "/networks/%s" },		{ "volume", "/volumes/%s" },
	{ "plugin", "/plugins/%s/json" },
};

static int get_any(struct cli *cli, struct args *args, const char *name, struct buf *ret,
		   struct gantry_error *err)
{
	const char *type = args_string(args, "type");
	auto_(buf) struct buf target = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct gantry_error one = GANTRY_ERROR_INIT;
		int r;

		if (type && strcmp(type, types[i].type) != 0) {
			continue;
		}
		target_set(&target, types[i].target, name);
		if (i == 0 && args_bool(args, "size", 0)) {
			target_add(&target, "size", "1");
		}
		r = inspect_get(cli, buf_str(&target), ret, &one);
		if (r == 0) {
			return 0;
		}
		/* Plugins may be unknown to an engine, and odd names invalid for one type. */
		if (type || (one.code != GANTRY_ERR_NOT_FOUND && one.code != GANTRY_ERR_INVALID &&
			     one.code != GANTRY_ERR_UNSUPPORTED)) {
			*err = one;
			return r;
		}
	}
	return error_set(err, GANTRY_ERR_NOT_FOUND, "Error: No such object: %s", name);
}

static int check_type(const char *type, struct gantry_error *err)
{
	for (size_t i = 0; type && i < ARRAY_SIZE(types); i++) {
		if (strcmp(type, types[i].type) == 0) {
			return 0;
		}
	}
	if (!type) {
		return 0;
	}
	return error_set(err, GANTRY_ERR_INVALID,
			 *type ? "unknown type: \"%s\": must be one of \"container\", \"image\", "
				 "\"network\", \"plugin\", \"volume\""
			       : "type is empty: must be one of \"container\", \"image\", "
				 "\"network\", \"plugin\", \"volume\"%s",
			 type);
}

static int command_inspect(struct cli *cli, struct args *args, struct gantry_error *err)
{
	int r = check_type(args_string(args, "type"), err);

	return r < 0 ? r : inspect_objects(cli, args, get_any, err);
}

/* The groups' own: `gantry network inspect`. */
static int get_typed(struct cli *cli, const char *target, const char *name, struct buf *ret,
		     struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;

	target_set(&text, target, name);
	return inspect_get(cli, buf_str(&text), ret, err);
}

static int get_container(struct cli *cli, struct args *args, const char *name, struct buf *ret,
			 struct gantry_error *err)
{
	return get_typed(cli,
			 args_bool(args, "size", 0) ? "/containers/%s/json?size=1"
						    : "/containers/%s/json",
			 name, ret, err);
}

static int get_image(struct cli *cli, struct args *args, const char *name, struct buf *ret,
		     struct gantry_error *err)
{
	return get_typed(cli, "/images/%s/json", name, ret, err);
}

static int get_network(struct cli *cli, struct args *args, const char *name, struct buf *ret,
		       struct gantry_error *err)
{
	return get_typed(cli,
			 args_bool(args, "verbose", 0) ? "/networks/%s?verbose=true"
						       : "/networks/%s",
			 name, ret, err);
}

static int get_volume(struct cli *cli, struct args *args, const char *name, struct buf *ret,
		      struct gantry_error *err)
{
	return get_typed(cli, "/volumes/%s", name, ret, err);
}

static int get_plugin(struct cli *cli, struct args *args, const char *name, struct buf *ret,
		      struct gantry_error *err)
{
	const char *slash = strchr(name, '/');
	int r = get_typed(cli, "/plugins/%s/json", name, ret, err);

	/* KIND/DRIVER: what was negotiated with one driver, and what it did. */
	if (r == GANTRY_ERR_NOT_FOUND && slash && !strchr(slash + 1, '/')) {
		struct gantry_error why = GANTRY_ERROR_INIT;

		if (get_typed(cli, "/gantry/plugins/%s", name, ret, &why) == 0) {
			error_clear(err);
			return 0;
		}
		if (why.code != GANTRY_ERR_INVALID) {
			*err = why;
		}
		return err->code;
	}
	return r;
}

#define INSPECT_RUN(type)                                                                      \
	static int command_inspect_##type(struct cli *cli, struct args *args,                  \
					  struct gantry_error *err)                            \
	{                                                                                      \
		return inspect_objects(cli, args, get_##type, err);                            \
	}

INSPECT_RUN(container)
INSPECT_RUN(image)
INSPECT_RUN(network)
INSPECT_RUN(volume)
INSPECT_RUN(plugin)

static const struct flag inspect_flags[] = {
	INSPECT_FORMAT_FLAG,
	{ FLAG_BOOL, 's', "size", "Show sizes of containers", NULL, 0 },
	{ FLAG_STRING, 0, "type", "Look only for objects of this type", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag plain_flags[] = { INSPECT_FORMAT_FLAG, { FLAG_NONE } };
static const struct flag container_flags[] = {
	INSPECT_FORMAT_FLAG,
	{ FLAG_BOOL, 's', "size", "Show sizes", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag network_flags[] = {
	INSPECT_FORMAT_FLAG,
	{ FLAG_BOOL, 'v', "verbose", "Show more for diagnosis", NULL, 0 },
	{ FLAG_NONE },
};

const struct command inspect_command = {
	.name = "inspect",
	.summary = "Return low-level information on containers, images, networks and volumes",
	.usage = "[OPTIONS] NAME|ID [NAME|ID...]",
	.min_args = 1,
	.max_args = -1,
	.flags = inspect_flags,
	.run = command_inspect,
};

#define INSPECT_COMMAND(type, TYPE, its_flags)                                                 \
	const struct command type##_inspect_command = {                                        \
		.name = "inspect",                                                             \
		.summary = "Show details of one or more " #type "s",                           \
		.usage = "[OPTIONS] " TYPE " [" TYPE "...]",                                   \
		.min_args = 1,                                                                 \
		.max_args = -1,                                                                \
		.flags = its_flags,                                                            \
		.run = command_inspect_##type,                                                 \
	}

INSPECT_COMMAND(container, "CONTAINER", container_flags);
INSPECT_COMMAND(image, "IMAGE", plain_flags);
INSPECT_COMMAND(network, "NETWORK", network_flags);
INSPECT_COMMAND(volume, "VOLUME", plain_flags);
INSPECT_COMMAND(plugin, "PLUGIN", plain_flags);
