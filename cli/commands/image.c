/* SPDX-License-Identifier: Apache-2.0 */
/* Single images: tag, rmi, history; and as archives: load, save, import. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/list.h"
#include "cli/commands/transfer.h"
#include "cli/image_name.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/terminal.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static int command_tag(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;
	struct image_name ref;
	int r = image_name_parse(args->argv[1], &ref, err);

	if (r < 0) {
		return error_prefix(err, "Error parsing reference: \"%s\" is not a valid "
				    "repository/tag", args->argv[1]);
	}
	target_set(&target, "/images/%s/tag", args->argv[0]);
	target_add(&target, "repo", ref.name);
	target_add(&target, "tag", ref.tag[0] ? ref.tag : "latest");
	return api_call(cli, "POST", buf_str(&target), NULL, NULL, err);
}

static int remove_image(struct cli *cli, struct args *args, const char *name,
			struct gantry_error *err)
{
	auto_json struct json_object *answer = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int r;

	target_set(&target, "/images/%s", name);
	target_add(&target, "force", args_bool(args, "force", 0) ? "1" : NULL);
	target_add(&target, "noprune", args_bool(args, "no-prune", 0) ? "1" : NULL);
	r = api_call(cli, "DELETE", buf_str(&target), NULL, &answer, err);
	for (size_t i = 0; r == 0 && i < json_array_size(answer); i++) {
		struct json_object *item = json_object_array_get_idx(answer, i);
		const char *deleted = json_get_string(item, "Deleted");

		if (deleted) {
			printf("Deleted: %s\n", deleted);
		} else {
			printf("Untagged: %s\n", json_get_string(item, "Untagged"));
		}
	}
	return r;
}

static int command_rmi(struct cli *cli, struct args *args, struct gantry_error *err)
{
	int status = CLI_EXIT_OK;

	for (int i = 0; i < args->argc; i++) {
		struct gantry_error one = GANTRY_ERROR_INIT;

		if (remove_image(cli, args, args->argv[i], &one) < 0) {
			cli_print_error(&one);
			if (one.code != GANTRY_ERR_NOT_FOUND || !args_bool(args, "force", 0)) {
				status = CLI_EXIT_FAILED;
			}
		}
	}
	return status;
}

static const struct list_heading history_headings[] = {
	{ "ID", "IMAGE" },	     { "CreatedSince", "CREATED" }, { "CreatedAt", "CREATED AT" },
	{ "CreatedBy", "CREATED BY" }, { "Size", "SIZE" },	    { "Comment", "COMMENT" },
	{ NULL, NULL },
};
static const struct list_spec history_spec = {
	"*formatter.historyContext",
	"table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
	"{{.ID}}",
	history_headings,
	NULL,
};
static const struct list_spec history_plain_spec = {
	"*formatter.historyContext",
	"table {{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
	"{{.ID}}",
	history_headings,
	NULL,
};

static struct json_object *history_row(struct json_object *h, int human, int no_trunc)
{
	struct json_object *row = json_object_new_object();
	int64_t created = json_get_int(h, "Created", 0);
	const char *by = json_get_string(h, "CreatedBy");
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf flat = BUF_INIT;
	char size[UNITS_MAX];

	row_set_id(row, "ID", json_get_string(h, "Id"), no_trunc);
	row_set_created(row, "CreatedSince", "CreatedAt", created);
	json_set_string(row, "CreatedAt", units_rfc3339(created, size));
	for (const char *p = by ? by : ""; *p; p++) {
		buf_addc(&flat, *p == '\t' ? ' ' : *p);
	}
	if (no_trunc) {
		buf_adds(&text, buf_str(&flat));
	} else {
		ellipsis(buf_str(&flat), 45, &text);
	}
	row_set_buf(row, "CreatedBy", &text);
	if (human) {
		json_set_string(row, "Size",
				units_human_size((double)json_get_int(h, "Size", 0), 3, size));
	} else {
		buf_addf(&text, "%lld", (long long)json_get_int(h, "Size", 0));
		row_set_buf(row, "Size", &text);
	}
	json_set_string(row, "Comment", json_get_string(h, "Comment") ?: "");
	return row;
}

static int command_history(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(list) struct list list = { NULL };
	auto_json struct json_object *history = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	int r = list_open(&list, args_bool(args, "human", 1) ? &history_spec : &history_plain_spec,
			  args_string(args, "format"),
			  args_bool(args, "quiet", 0), err);

	target_set(&target, "/images/%s/history", args->argv[0]);
	r = r < 0 ? r : api_call(cli, "GET", buf_str(&target), NULL, &history, err);
	for (size_t i = 0; r == 0 && i < json_array_size(history); i++) {
		auto_json struct json_object *row =
			history_row(json_object_array_get_idx(history, i),
				    args_bool(args, "human", 1), args_bool(args, "no-trunc", 0));

		r = list_add(&list, row, err);
	}
	return r < 0 ? r : list_print(&list, err);
}

/* POST target with an archive as its body, and the engine's messages. */
static int send_archive(struct cli *cli, const char *target, int fd, int quiet,
			struct gantry_error *err)
{
	auto_(client_response) struct client_response response = CLIENT_RESPONSE_INIT;
	struct client_request request = { .method = "POST",
					  .target = target,
					  .body_fd = fd,
					  .has_body_fd = fd >= 0,
					  .want = CLIENT_STREAM };
	struct progress_options options = { .fd = STDOUT_FILENO, .quiet = quiet };
	int r = api_send(cli, &request, &response, err);

	r = r < 0 ? r : api_check(&response, err);
	return r < 0 ? r : progress_show(&response.stream, &options, err);
}

static int command_load(struct cli *cli, struct args *args, struct gantry_error *err)
{
	int quiet = args_bool(args, "quiet", 0) || !terminal_is(STDOUT_FILENO);
	auto_(buf) struct buf target = BUF_INIT;
	auto_fd int fd = transfer_open_input(args_string(args, "input"), err);

	if (fd < 0) {
		return err->code;
	}
	buf_adds(&target, "/images/load");
	target_add(&target, "quiet", quiet ? "1" : "0");
	target_add(&target, "platform", args_string(args, "platform"));
	/* Quiet only means no bars: the names of what was loaded still come. */
	return send_archive(cli, buf_str(&target), fd, 0, err);
}

static int command_save(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(buf) struct buf target = BUF_INIT;

	buf_adds(&target, "/images/get");
	for (int i = 0; i < args->argc; i++) {
		target_add(&target, "names", args->argv[i]);
	}
	target_add(&target, "platform", args_string(args, "platform"));
	return transfer_to_output(cli, buf_str(&target), args_string(args, "output"), "save", err);
}

static int command_import(struct cli *cli, struct args *args, struct gantry_error *err)
{
	const char *source = args->argv[0];
	auto_(buf) struct buf target = BUF_INIT;
	struct image_name ref = { .tag = "" };
	int url = strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
	auto_fd int fd = -1;
	const char *text;

	if (args->argc > 1 && image_name_parse(args->argv[1], &ref, err) < 0) {
		return err->code;
	}
	if (!url) {
		fd = transfer_open_input(strcmp(source, "-") == 0 ? NULL : source, err);
		if (fd < 0) {
			return err->code;
		}
	}
	buf_adds(&target, "/images/create");
	target_add(&target, "fromSrc", url ? source : "-");
	target_add(&target, "repo", ref.name[0] ? ref.name : NULL);
	target_add(&target, "tag", ref.tag[0] ? ref.tag : ref.name[0] ? "latest" : NULL);
	target_add(&target, "message", args_string(args, "message"));
	target_add(&target, "platform", args_string(args, "platform"));
	for (size_t i = 0; (text = args_item(args, "change", i)); i++) {
		target_add(&target, "changes", text);
	}
	return send_archive(cli, buf_str(&target), fd, 0, err);
}

static const struct flag rmi_flags[] = {
	{ FLAG_BOOL, 'f', "force", "Remove it even if it is in use", NULL, 0 },
	{ FLAG_BOOL, 0, "no-prune", "Keep untagged parents", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag history_flags[] = {
	FORMAT_FLAG,
	{ FLAG_BOOL, 'H', "human", "Print sizes and dates for human readers", "true", 0 },
	NO_TRUNC_FLAG,
	{ FLAG_BOOL, 'q', "quiet", "Show only IDs", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag load_flags[] = {
	{ FLAG_STRING, 'i', "input", "Read from this file instead of STDIN", NULL, 0 },
	{ FLAG_STRING, 0, "platform", "Load only this platform", NULL, 0 },
	{ FLAG_BOOL, 'q', "quiet", "Show no progress", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag save_flags[] = {
	{ FLAG_STRING, 'o', "output", "Write to a file instead of STDOUT", NULL, 0 },
	{ FLAG_STRING, 0, "platform", "Save only this platform", NULL, 0 },
	{ FLAG_NONE },
};
static const struct flag import_flags[] = {
	{ FLAG_LIST, 'c', "change", "Apply a Dockerfile instruction to the image", NULL, 0 },
	{ FLAG_STRING, 'm', "message", "Message of the import", NULL, 0 },
	{ FLAG_STRING, 0, "platform", "Platform of the image", NULL, 0 },
	{ FLAG_NONE },
};

#define IMAGE_COMMAND(id, text, how, other, least, most, its_flags)                            \
	const struct command id##_command = {                                                  \
		.name = #id,                                                                   \
		.summary = text,                                                               \
		.usage = how,                                                                  \
		.aliases = other,                                                              \
		.min_args = least,                                                             \
		.max_args = most,                                                              \
		.flags = its_flags,                                                            \
		.run = command_##id,                                                           \
	}

IMAGE_COMMAND(tag, "Give an image another name", "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
	      "image tag, tag", 2, 2, NULL);
IMAGE_COMMAND(rmi, "Remove one or more images", "[OPTIONS] IMAGE [IMAGE...]",
	      "image rm, image remove, rmi", 1, -1, rmi_flags);
IMAGE_COMMAND(history, "Show the history of an image", "[OPTIONS] IMAGE",
	      "image history, history", 1, 1, history_flags);
IMAGE_COMMAND(load, "Load images from a tar archive or STDIN", "[OPTIONS]", "image load, load", 0, 0,
	      load_flags);
IMAGE_COMMAND(save, "Save images to a tar archive (to STDOUT by default)",
	      "[OPTIONS] IMAGE [IMAGE...]", "image save, save", 1, -1, save_flags);
IMAGE_COMMAND(import, "Create an image from the files of a tar archive",
	      "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]", "image import, import", 1, 2, import_flags);
