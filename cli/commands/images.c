/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/list.h"
#include "cli/commands/rows.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

const struct list_heading image_headings[] = {
	{ "ID", "IMAGE ID" },	     { "Repository", "REPOSITORY" }, { "Tag", "TAG" },
	{ "Digest", "DIGEST" },	     { "CreatedSince", "CREATED" },  { "CreatedAt", "CREATED AT" },
	{ "Size", "SIZE" },	     { "VirtualSize", "SIZE" },	     { "Containers", "CONTAINERS" },
	{ "SharedSize", "SHARED SIZE" }, { "UniqueSize", "UNIQUE SIZE" }, { NULL, NULL },
};

static const struct list_spec spec = {
	"*formatter.imageContext",
	"table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}"
	"N/A{{end}}\t{{.Size}}",
	"{{.ID}}",
	image_headings,
	NULL,
};

static const struct list_spec spec_digests = {
	"*formatter.imageContext",
	"table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{if .CreatedSince }}"
	"{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}",
	"{{.ID}}",
	image_headings,
	NULL,
};

struct print {
	struct list *list;
	struct json_object *image;
	int no_trunc;
	struct gantry_error *err;
};

static void set_size(struct json_object *row, const char *field, int64_t bytes, int digits)
{
	char text[UNITS_MAX];

	json_set_string(row, field,
			bytes < 0 ? "N/A" : units_human_size((double)bytes, digits, text));
}

struct json_object *image_row(struct json_object *image, const char *repository, const char *tag,
			      const char *digest, int no_trunc)
{
	struct json_object *row = json_object_new_object();
	int64_t containers = json_get_int(image, "Containers", -1);
	int64_t size = json_get_int(image, "Size", 0), shared = json_get_int(image, "SharedSize", -1);
	auto_(buf) struct buf text = BUF_INIT;

	row_set_id(row, "ID", json_get_string(image, "Id"), no_trunc);
	json_set_string(row, "Repository", repository);
	json_set_string(row, "Tag", tag);
	json_set_string(row, "Digest", digest);
	row_set_created(row, "CreatedSince", "CreatedAt", json_get_int(image, "Created", 0));
	set_size(row, "Size", size, 3);
	set_size(row, "VirtualSize", size, 4);
	set_size(row, "SharedSize", shared, 4);
	set_size(row, "UniqueSize", shared < 0 ? -1 : size - shared, 4);
	if (containers < 0) {
		buf_adds(&text, "N/A");
	} else {
		buf_addf(&text, "%lld", (long long)containers);
	}
	row_set_buf(row, "Containers", &text);
	return row;
}

static int print_row(const struct print *p, const char *repository, const char *tag,
		     const char *digest)
{
	auto_json struct json_object *row = image_row(p->image, repository, tag, digest, p->no_trunc);

	return list_add(p->list, row, p->err);
}

/* "name:tag" or "name@digest" cut at its last separator; both parts are the caller's. */
static void split(const char *reference, char separator, char **name, char **rest)
{
	const char *at = strrchr(reference, separator);

	*name = strndup(reference, at ? (size_t)(at - reference) : strlen(reference));
	*rest = strdup(at ? at + 1 : "");
}

/* The digest known for a repository, or "<none>"; the caller frees it. */
static char *digest_of(struct json_object *digests, const char *repository)
{
	for (size_t i = 0; i < json_array_size(digests); i++) {
		auto_free char *name = NULL;
		char *digest;

		split(json_item_string(digests, i), '@', &name, &digest);
		if (name && strcmp(name, repository) == 0) {
			return digest;
		}
		free(digest);
	}
	return strdup("<none>");
}

static int has_repository(struct json_object *tags, const char *repository)
{
	size_t len = strlen(repository);

	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *tag = json_item_string(tags, i);

		if (tag && strncmp(tag, repository, len) == 0 && tag[len] == ':') {
			return 1;
		}
	}
	return 0;
}

/* A row per tag, and one for each repository that is known by digest only. */
static int print_image(const struct print *p)
{
	struct json_object *tags = json_get_array(p->image, "RepoTags");
	struct json_object *digests = json_get_array(p->image, "RepoDigests");
	int rows = 0, r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(tags); i++) {
		auto_free char *name = NULL;
		auto_free char *tag = NULL;
		auto_free char *digest = NULL;

		if (strcmp(json_item_string(tags, i), "<none>:<none>") == 0) {
			continue;
		}
		split(json_item_string(tags, i), ':', &name, &tag);
		digest = digest_of(digests, name);
		r = print_row(p, name, tag, digest);
		rows++;
	}
	for (size_t i = 0; r == 0 && i < json_array_size(digests); i++) {
		auto_free char *name = NULL;
		auto_free char *digest = NULL;

		split(json_item_string(digests, i), '@', &name, &digest);
		if (strcmp(name, "<none>") == 0 || has_repository(tags, name)) {
			continue;
		}
		r = print_row(p, name, "<none>", digest);
		rows++;
	}
	return r == 0 && rows == 0 ? print_row(p, "<none>", "<none>", "<none>") : r;
}

static int add_reference_filter(struct buf *target, struct args *args)
{
	struct flag flag = { FLAG_FILTER, 'f', "filter", "", NULL, 0 };
	auto_(buf) struct buf text = BUF_INIT;
	struct args more = *args;
	auto_free struct flag_value *values = calloc(args->n_values + 1, sizeof(*values));

	if (!values) {
		return GANTRY_ERR_NO_MEMORY;
	}
	if (args->n_values) {
		memcpy(values, args->values, args->n_values * sizeof(*values));
	}
	if (args->argc) {
		buf_addf(&text, "reference=%s", args->argv[0]);
		values[more.n_values++] = (struct flag_value){ &flag, buf_str(&text) };
	}
	more.values = values;
	target_add_filters(target, &more, "filter");
	return 0;
}

static int command_images(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(list) struct list list = { NULL };
	auto_json struct json_object *images = NULL;
	auto_(buf) struct buf target = BUF_INIT;
	struct print print = { &list, NULL, args_bool(args, "no-trunc", 0), err };
	int r = list_open(&list, args_bool(args, "digests", 0) ? &spec_digests : &spec,
			  args_string(args, "format"), args_bool(args, "quiet", 0), err);

	if (r < 0) {
		cli_print_error(err);
		return CLI_EXIT_BAD_TEMPLATE;
	}
	buf_adds(&target, "/images/json");
	target_add(&target, "all", args_bool(args, "all", 0) ? "1" : NULL);
	r = add_reference_filter(&target, args);
	r = r < 0 ? error_no_memory(err) : api_call(cli, "GET", buf_str(&target), NULL, &images, err);
	for (size_t i = 0; r == 0 && i < json_array_size(images); i++) {
		print.image = json_object_array_get_idx(images, i);
		r = print_image(&print);
	}
	return r < 0 ? r : list_print(&list, err);
}

static const struct flag images_flags[] = {
	{ FLAG_BOOL, 'a', "all", "Show all images (default: no intermediate ones)", NULL, 0 },
	{ FLAG_BOOL, 0, "digests", "Show digests", NULL, 0 },
	FILTER_FLAG,
	FORMAT_FLAG,
	NO_TRUNC_FLAG,
	{ FLAG_BOOL, 'q', "quiet", "Show only IDs", NULL, 0 },
	{ FLAG_NONE },
};

const struct command images_command = {
	.name = "images",
	.category = "Common Commands",
	.summary = "List images",
	.usage = "[OPTIONS] [REPOSITORY[:TAG]]",
	.aliases = "image ls, image list, images",
	.max_args = 1,
	.flags = images_flags,
	.run = command_images,
};
