/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/commands/commands.h"
#include "cli/commands/list.h"
#include "cli/commands/rows.h"
#include "cli/format/template.h"
#include "cli/format/value.h"
#include "cli/text/units.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const struct list_heading summary_headings[] = {
	{ "Type", "TYPE" },   { "TotalCount", "TOTAL" },	  { "Active", "ACTIVE" },
	{ "Size", "SIZE" },   { "Reclaimable", "RECLAIMABLE" }, { NULL, NULL },
};
static const struct list_spec summary_spec = {
	"*formatter.diskUsageContext",
	"table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}", NULL, summary_headings,
	NULL
};

struct usage {
	int64_t total, active, size, reclaimable;
};

static int add_usage(struct list *list, const char *type, const struct usage *u, int percent,
		     struct gantry_error *err)
{
	auto_json struct json_object *row = json_object_new_object();
	char text[96], size[UNITS_MAX];

	json_set_string(row, "Type", type);
	snprintf(text, sizeof(text), "%lld", (long long)u->total);
	json_set_string(row, "TotalCount", text);
	snprintf(text, sizeof(text), "%lld", (long long)u->active);
	json_set_string(row, "Active", text);
	json_set_string(row, "Size", units_human_size((double)u->size, 4, size));
	units_human_size((double)u->reclaimable, 4, size);
	if (percent && u->size > 0) {
		snprintf(text, sizeof(text), "%s (%lld%%)", size,
			 (long long)(u->reclaimable * 100 / u->size));
	} else {
		snprintf(text, sizeof(text), "%s", size);
	}
	json_set_string(row, "Reclaimable", text);
	return list_add(list, row, err);
}

static struct usage image_usage(struct json_object *df)
{
	struct json_object *images = json_get_array(df, "Images");
	struct usage u = { .total = (int64_t)json_array_size(images),
			   .size = json_get_int(df, "LayersSize", 0) };
	int64_t used = 0;

	for (size_t i = 0; i < json_array_size(images); i++) {
		struct json_object *image = json_object_array_get_idx(images, i);
		int64_t shared = json_get_int(image, "SharedSize", 0);

		if (json_get_int(image, "Containers", 0) > 0) {
			u.active++;
			used += json_get_int(image, "Size", 0) - (shared > 0 ? shared : 0);
		}
	}
	u.reclaimable = u.size > used ? u.size - used : 0;
	return u;
}

static int is_active(struct json_object *container)
{
	const char *state = json_get_string(container, "State");

	return state && (strcmp(state, "running") == 0 || strcmp(state, "paused") == 0 ||
			 strcmp(state, "restarting") == 0);
}

static struct usage container_usage(struct json_object *df)
{
	struct json_object *list = json_get_array(df, "Containers");
	struct usage u = { .total = (int64_t)json_array_size(list) };

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *c = json_object_array_get_idx(list, i);
		int64_t size = json_get_int(c, "SizeRw", 0);

		u.size += size;
		u.active += is_active(c);
		u.reclaimable += is_active(c) ? 0 : size;
	}
	return u;
}

static struct usage volume_usage(struct json_object *df)
{
	struct json_object *list = json_get_array(df, "Volumes");
	struct usage u = { .total = (int64_t)json_array_size(list) };

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *data =
			json_get_object(json_object_array_get_idx(list, i), "UsageData");
		int64_t size = json_get_int(data, "Size", 0), refs = json_get_int(data, "RefCount", 0);

		size = size > 0 ? size : 0;
		u.size += size;
		u.active += refs > 0;
		u.reclaimable += refs > 0 ? 0 : size;
	}
	return u;
}

static struct usage cache_usage(struct json_object *df)
{
	struct json_object *list = json_get_array(df, "BuildCache");
	struct usage u = { .total = (int64_t)json_array_size(list) };

	for (size_t i = 0; i < json_array_size(list); i++) {
		struct json_object *c = json_object_array_get_idx(list, i);

		u.size += json_get_int(c, "Size", 0);
		u.active += json_get_bool(c, "InUse", 0);
		u.reclaimable += json_get_bool(c, "InUse", 0) ? 0 : json_get_int(c, "Size", 0);
	}
	return u;
}

static int print_summary(struct list *list, struct json_object *df, struct gantry_error *err)
{
	struct usage u = image_usage(df);
	int r = add_usage(list, "Images", &u, 1, err);

	u = container_usage(df);
	r = r < 0 ? r : add_usage(list, "Containers", &u, 1, err);
	u = volume_usage(df);
	r = r < 0 ? r : add_usage(list, "Local Volumes", &u, 1, err);
	u = cache_usage(df);
	r = r < 0 ? r : add_usage(list, "Build Cache", &u, 0, err);
	return r < 0 ? r : list_print(list, err);
}

/* An image is one row here, with the first of its names. */
static struct json_object *whole_image(struct json_object *image, int no_trunc)
{
	const char *first = json_item_string(json_get_array(image, "RepoTags"), 0);
	const char *colon = first ? strrchr(first, ':') : NULL;
	auto_(buf) struct buf name = BUF_INIT;

	buf_add(&name, colon ? first : "<none>", colon ? (size_t)(colon - first) : strlen("<none>"));
	return image_row(image, buf_str(&name), colon ? colon + 1 : "<none>", "", no_trunc);
}

/* What a container adds to its image is what counts here, not both. */
static struct json_object *own_container(struct json_object *container, int no_trunc)
{
	json_object_object_del(container, "SizeRootFs");
	return container_row(container, no_trunc);
}

static struct json_object *plain_volume(struct json_object *volume, int no_trunc)
{
	(void)no_trunc; /* volumes are shown whole in every case */
	return volume_row(volume);
}

static struct json_object *cache_row(struct json_object *entry, int no_trunc)
{
	struct json_object *row = json_object_new_object();
	char size[UNITS_MAX];

	row_set_id(row, "ID", json_get_string(entry, "ID"), no_trunc);
	json_set_string(row, "CacheType", json_get_string(entry, "Type"));
	json_set_string(row, "Size", units_human_size((double)json_get_int(entry, "Size", 0), 3, size));
	json_set_string(row, "CreatedSince", json_get_string(entry, "CreatedAt"));
	json_set_string(row, "LastUsedSince", json_get_string(entry, "LastUsedAt"));
	json_set_string(row, "UsageCount", json_object_get_string(json_get(entry, "UsageCount")));
	json_set_string(row, "Shared", json_get_bool(entry, "Shared", 0) ? "true" : "false");
	return row;
}

static const struct list_heading cache_headings[] = {
	{ "ID", "CACHE ID" },	      { "CacheType", "CACHE TYPE" },	{ "Size", "SIZE" },
	{ "CreatedSince", "CREATED" }, { "LastUsedSince", "LAST USED" }, { "UsageCount", "USAGE" },
	{ "Shared", "SHARED" },	      { NULL, NULL },
};

/* One part of the detailed view. */
struct section {
	const char *member; /* of the answer, and of what a template sees */
	const char *title;
	struct json_object *(*row)(struct json_object *object, int no_trunc);
	struct list_spec spec;
};

static const struct section sections[] = {
	{ "Images", "Images space usage:\n\n", whole_image,
	  { "*formatter.imageContext",
	    "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}"
	    "\t{{.UniqueSize}}\t{{.Containers}}",
	    NULL, image_headings, NULL } },
	{ "Containers", "\nContainers space usage:\n\n", own_container,
	  { "*formatter.ContainerContext",
	    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}"
	    "\t{{.Status}}\t{{.Names}}",
	    NULL, container_headings, NULL } },
	{ "Volumes", "\nLocal Volumes space usage:\n\n", plain_volume,
	  { "*formatter.volumeContext", "table {{.Name}}\t{{.Links}}\t{{.Size}}", NULL, volume_headings,
	    NULL } },
	{ "BuildCache", NULL, cache_row,
	  { "*formatter.buildCacheContext",
	    "table {{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}"
	    "\t{{.UsageCount}}\t{{.Shared}}",
	    NULL, cache_headings, NULL } },
};

static int print_section(const struct section *s, struct json_object *df, struct gantry_error *err)
{
	auto_(list) struct list list = { NULL };
	struct json_object *objects = json_get_array(df, s->member);
	int r = list_open(&list, &s->spec, NULL, 0, err);

	for (size_t i = 0; r == 0 && i < json_array_size(objects); i++) {
		auto_json struct json_object *row = s->row(json_object_array_get_idx(objects, i), 0);

		r = list_add(&list, row, err);
	}
	return r < 0 ? r : list_print(&list, err);
}

static int print_sections(struct json_object *df, struct gantry_error *err)
{
	char size[UNITS_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sections); i++) {
		if (sections[i].title) {
			fputs(sections[i].title, stdout);
		} else {
			printf("\nBuild cache usage: %s\n\n",
			       units_human_size((double)cache_usage(df).size, 4, size));
		}
		r = print_section(&sections[i], df, err);
	}
	return r;
}

/* A template sees all sections at once, and ends no line of its own. */
static int print_template(struct json_object *df, const char *format, struct gantry_error *err)
{
	auto_json struct json_object *all = json_object_new_object();
	struct template_data data = { .dot = all, .type_name = "*formatter.diskUsageContext" };
	auto_(buf) struct buf text = BUF_INIT;
	auto_(buf) struct buf out = BUF_INIT;
	struct template *t = NULL;
	int r;

	list_unescape(strcmp(format, "json") == 0 ? "{{json .}}" : format, &text);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		struct json_object *objects = json_get_array(df, sections[i].member);
		struct json_object *rows = json_object_new_array();

		json_set(all, sections[i].member, rows);
		for (size_t k = 0; k < json_array_size(objects); k++) {
			auto_json struct json_object *row =
				sections[i].row(json_object_array_get_idx(objects, k), 1);

			json_object_array_add(rows, list_sorted(row));
		}
	}
	r = template_parse(buf_str(&text), &t, err);
	r = r < 0 ? r : template_execute(t, &data, &out, err);
	template_free(t);
	if (r < 0) {
		return error_prefix(err, "template parsing error");
	}
	fwrite(buf_str(&out), 1, out.len, stdout);
	return 0;
}

static int is_table(const char *format)
{
	return !format || !*format || strncmp(format, "table", 5) == 0;
}

static int command_system_df(struct cli *cli, struct args *args, struct gantry_error *err)
{
	auto_(list) struct list list = { NULL };
	auto_json struct json_object *df = NULL;
	const char *format = args_string(args, "format");
	int verbose = args_bool(args, "verbose", 0);
	int r = verbose ? 0 : list_open(&list, &summary_spec, format, 0, err);

	r = r < 0 ? r : api_call(cli, "GET", "/system/df", NULL, &df, err);
	if (r < 0) {
		return r;
	}
	if (!verbose) {
		return print_summary(&list, df, err);
	}
	return is_table(format) ? print_sections(df, err) : print_template(df, format, err);
}

static const struct flag df_flags[] = {
	FORMAT_FLAG,
	{ FLAG_BOOL, 'v', "verbose", "Show each image, container and volume", NULL, 0 },
	{ FLAG_NONE },
};

const struct command system_df_command = {
	.name = "df",
	.summary = "Show how much disk space is used",
	.usage = "[OPTIONS]",
	.flags = df_flags,
	.run = command_system_df,
};
