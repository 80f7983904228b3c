/* SPDX-License-Identifier: Apache-2.0 */
/* Images as clients see them. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/container/filters.h"
#include "core/container/present.h"
#include "core/image/image.h"
#include "core/lazy/lazy.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/quantity.h"

/* "repo:tag" names and "repo@digest" names apart. */
static int split_names(struct core *core, const struct image *image, struct json_object **ret_tags,
		       struct json_object **ret_digests, struct gantry_error *err)
{
	auto_json struct json_object *names = NULL;
	struct json_object *tags, *digests;
	int r = image_names(core, image->id, &names, err);

	if (r < 0) {
		return r;
	}
	tags = json_object_new_array();
	digests = json_object_new_array();
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_item_string(names, i);

		json_add_string(strchr(name, '@') ? digests : tags, name);
	}
	*ret_tags = tags;
	*ret_digests = digests;
	return 0;
}

struct listing {
	struct json_object *filters;
	struct json_object *out;
	struct json_object *uses; /* chain id -> how many images have the layer; NULL: not asked for */
	int64_t before_ns, since_ns, until_ns;
};

static int count_layers(struct core *core, struct image *image, void *data, struct gantry_error *err)
{
	struct json_object *uses = data, *layers = json_get_array(image->doc, "Layers");

	(void)core;
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const char *chain = json_get_string(json_object_array_get_idx(layers, i), "ChainID");

		if (chain && json_set_int(uses, chain, json_get_int(uses, chain, 0) + 1) < 0) {
			return error_no_memory(err);
		}
	}
	return 0;
}

/* Bytes of the layers that other images have, too; -1 when nobody asks. */
static int64_t shared_size(const struct listing *l, const struct image *image)
{
	struct json_object *layers = json_get_array(image->doc, "Layers");
	int64_t total = 0;

	for (size_t i = 0; l->uses && i < json_array_size(layers); i++) {
		struct json_object *layer = json_object_array_get_idx(layers, i);

		if (json_get_int(l->uses, json_get_string(layer, "ChainID"), 0) > 1) {
			total += json_get_int(layer, "Size", 0);
		}
	}
	return l->uses ? total : -1;
}

/* Does "repo:tag" or "repo@digest", or its repository alone, match one of the patterns? */
static int reference_matches(struct json_object *patterns, const char *name)
{
	const char *end = strchr(name, '@');
	auto_free char *repository = NULL;

	end = end ? end : strrchr(name, ':');
	repository = end ? strndup(name, (size_t)(end - name)) : NULL;
	for (size_t p = 0; p < json_array_size(patterns); p++) {
		const char *pattern = json_item_string(patterns, p);

		if (pattern && (fnmatch(pattern, name, FNM_PATHNAME) == 0 ||
				(repository && fnmatch(pattern, repository, FNM_PATHNAME) == 0))) {
			return 1;
		}
	}
	return 0;
}

/* reference=PATTERN: an image is shown with the names that match, if any does. */
static void keep_matching(struct json_object *patterns, struct json_object *names)
{
	for (size_t i = json_array_size(names); i-- > 0;) {
		if (!reference_matches(patterns, json_item_string(names, i))) {
			json_object_array_del_idx(names, i, 1);
		}
	}
}

static int count_containers(struct core *core, const char *id, int64_t *ret, struct gantry_error *err)
{
	return db_get_int(core->db, 0, ret, err, "SELECT count(*) FROM containers WHERE image=?", "s", id);
}

static void copy_text(struct json_object *from, const char *key, struct json_object *to,
		      const char *as)
{
	const char *text = json_get_string(from, key);

	json_set_string(to, as, text ? text : "");
}

static int list_one(struct core *core, struct image *image, void *data, struct gantry_error *err)
{
	struct listing *l = data;
	auto_json struct json_object *tags = NULL;
	auto_json struct json_object *digests = NULL;
	struct json_object *labels = json_get_object(image_container_config(image), "Labels");
	struct json_object *dangling = json_get_array(l->filters, "dangling");
	struct json_object *patterns = json_get_array(l->filters, "reference");
	struct json_object *o;
	int64_t containers;
	int r = split_names(core, image, &tags, &digests, err);

	if (r < 0) {
		return r;
	}
	if (dangling && (json_array_size(tags) == 0) !=
				(!strcmp(json_item_string(dangling, 0), "true") ||
				 !strcmp(json_item_string(dangling, 0), "1"))) {
		return 0;
	}
	if (patterns) {
		keep_matching(patterns, tags);
		keep_matching(patterns, digests);
	}
	if ((patterns && !json_array_size(tags) && !json_array_size(digests)) ||
	    !filters_match_labels(l->filters, labels) ||
	    image->created_ns >= l->until_ns ||
	    (l->before_ns && image->created_ns >= l->before_ns) ||
	    (l->since_ns && image->created_ns <= l->since_ns)) {
		return 0;
	}
	r = count_containers(core, image->id, &containers, err);
	if (r < 0) {
		return r;
	}
	o = json_object_new_object();
	json_set_string(o, "Id", image->id);
	copy_text(image->doc, "Parent", o, "ParentId");
	json_set(o, "RepoTags", json_object_get(tags));
	json_set(o, "RepoDigests", json_object_get(digests));
	json_set_int(o, "Created", image->created_ns / 1000000000);
	json_set_int(o, "Size", json_get_int(image->doc, "Size", 0));
	json_set_int(o, "VirtualSize", json_get_int(image->doc, "Size", 0));
	json_set_int(o, "SharedSize", shared_size(l, image));
	json_set(o, "Labels", labels ? json_object_get(labels) : NULL);
	json_set_int(o, "Containers", containers);
	json_object_array_add(l->out, o);
	return 0;
}

static int anchor(struct core *core, struct json_object *filters, const char *key, int64_t *ret,
		  struct gantry_error *err)
{
	const char *name = json_item_string(json_get_array(filters, key), 0);
	auto_image struct image *image = NULL;
	int r = name ? image_find(core, name, &image, err) : 0;

	if (image) {
		*ret = image->created_ns;
	}
	return r;
}

ENGINE_OP(image_list)
{
	static const char *const known[] = { "dangling", "reference", "label", "label!",
					     "before",	 "since",     "until", NULL };
	struct core *core = self;
	auto_json struct json_object *filters = NULL;
	auto_json struct json_object *out = json_object_new_array();
	auto_json struct json_object *uses = args->shared_size ? json_object_new_object() : NULL;
	struct listing l = { .out = out, .uses = uses };
	int r = json_parse_object(args->filters, "filters", &filters, err);

	l.filters = filters;
	if (r == 0) {
		r = filters_check(filters, known, err);
	}
	if (r == 0) {
		r = filters_until(filters, &l.until_ns, err);
	}
	if (r == 0) {
		r = anchor(core, filters, "before", &l.before_ns, err);
	}
	if (r == 0) {
		r = anchor(core, filters, "since", &l.since_ns, err);
	}
	if (r == 0 && uses) {
		r = image_each(core, count_layers, uses, err);
	}
	if (r == 0) {
		r = image_each(core, list_one, &l, err);
	}
	return r < 0 ? r : gantry_engine_image_list_set_images(reply, json_text(out));
}

static struct json_object *make_rootfs(const struct image *image)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct json_object *layers = json_get_array(image->doc, "Layers");

	json_set_string(o, "Type", "layers");
	for (size_t i = 0; i < json_array_size(layers); i++) {
		json_add_string(list, json_get_string(json_object_array_get_idx(layers, i), "DiffID"));
	}
	json_set(o, "Layers", list);
	return o;
}

/* Layers that are read in place, and how much of their blobs is here; NULL when there are none. */
static struct json_object *show_lazy(struct core *core, const struct image *image)
{
	struct json_object *layers = json_get_array(image->doc, "Layers"), *o;
	int64_t present = 0, size = 0;
	char text[32];
	int n = 0;

	for (size_t i = 0; i < json_array_size(layers); i++) {
		const char *chain = json_get_string(json_object_array_get_idx(layers, i), "ChainID");
		int64_t here, all;

		if (chain && lazy_progress(core, chain, &here, &all)) {
			present += here;
			size += all;
			n++;
		}
	}
	if (!n) {
		return NULL;
	}
	o = json_object_new_object();
	snprintf(text, sizeof(text), "%d", n);
	json_set_string(o, "LayersInPlace", text);
	snprintf(text, sizeof(text), "%lld", (long long)size);
	json_set_string(o, "PackedBytes", text);
	snprintf(text, sizeof(text), "%lld", (long long)present);
	json_set_string(o, "PackedBytesHere", text);
	return o;
}

/* The configuration with all members that Docker's clients find there. */
static struct json_object *make_config(const struct image *image)
{
	static const char *const texts[] = { "Hostname", "Domainname", "User", "Image", "WorkingDir" };
	static const char *const flags[] = { "AttachStdin", "AttachStdout", "AttachStderr",
					     "Tty",	    "OpenStdin",    "StdinOnce" };
	static const char *const others[] = { "Env", "Cmd", "Volumes", "Entrypoint", "OnBuild", "Labels" };
	struct json_object *config = image_container_config(image), *o = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_set_string(o, texts[i], "");
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		json_set_bool(o, flags[i], 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		json_set(o, others[i], NULL);
	}
	if (config) {
		json_object_object_foreach(config, key, value) {
			json_set(o, key, json_object_get(value));
		}
	}
	return o;
}

ENGINE_OP(image_inspect)
{
	struct core *core = self;
	auto_image struct image *image = NULL;
	auto_json struct json_object *o = json_object_new_object();
	struct json_object *metadata = json_object_new_object();
	struct json_object *tags, *digests, *graph;
	auto_free char *last_tag = NULL;
	struct driver *storage;
	int r = image_find(core, args->name, &image, err);

	if (r == 0) {
		r = split_names(core, image, &tags, &digests, err);
	}
	if (r < 0) {
		return r;
	}
	json_set_string(o, "Id", image->id);
	json_set(o, "RepoTags", tags);
	json_set(o, "RepoDigests", digests);
	copy_text(image->doc, "Parent", o, "Parent");
	copy_text(image->config, "comment", o, "Comment");
	copy_text(image->config, "created", o, "Created");
	json_set_string(o, "DockerVersion", "");
	copy_text(image->config, "author", o, "Author");
	json_set(o, "Config", make_config(image));
	copy_text(image->config, "architecture", o, "Architecture");
	if (json_get_string(image->config, "variant")) {
		copy_text(image->config, "variant", o, "Variant");
	}
	copy_text(image->config, "os", o, "Os");
	json_set_int(o, "Size", json_get_int(image->doc, "Size", 0));
	json_set_int(o, "VirtualSize", json_get_int(image->doc, "Size", 0));
	graph = json_object_new_object();
	r = engine_storage(core, &storage, err);
	if (r == 0) {
		json_set_string(graph, "Name", storage->name);
	}
	json_set(graph, "Data", show_lazy(core, image));
	last_tag = present_time(json_get_int(image->doc, "LastTagNs", 0));
	json_set_string(metadata, "LastTagTime", last_tag);
	json_set(o, "GraphDriver", graph);
	json_set(o, "RootFS", make_rootfs(image));
	json_set(o, "Metadata", metadata);
	return r < 0 ? r : gantry_engine_image_inspect_set_image(reply, json_text(o));
}

/* The history entries of the configuration, the newest first, with layer sizes. */
ENGINE_OP(image_history)
{
	struct core *core = self;
	auto_image struct image *image = NULL;
	auto_json struct json_object *names = NULL;
	auto_json struct json_object *out = json_object_new_array();
	struct json_object *history, *layers;
	size_t n, layer;
	int r = image_find(core, args->name, &image, err);

	if (r == 0) {
		r = image_names(core, image->id, &names, err);
	}
	if (r < 0) {
		return r;
	}
	history = json_get_array(image->config, "history");
	layers = json_get_array(image->doc, "Layers");
	n = json_array_size(history);
	layer = json_array_size(layers);
	for (size_t i = n; i-- > 0;) {
		struct json_object *h = json_object_array_get_idx(history, i);
		struct json_object *o = json_object_new_object();
		const char *created = json_get_string(h, "created");
		int64_t size = 0, created_ns = 0;

		if (!json_get_bool(h, "empty_layer", 0) && layer > 0) {
			size = json_get_int(json_object_array_get_idx(layers, --layer), "Size", 0);
		}
		json_set_string(o, "Id", i == n - 1 ? image->id : "<missing>");
		if (created && parse_date(created, &created_ns) < 0) {
			created_ns = 0;
		}
		json_set_int(o, "Created", created_ns / 1000000000);
		copy_text(h, "created_by", o, "CreatedBy");
		json_set(o, "Tags", i == n - 1 ? json_object_get(names) : NULL);
		json_set_int(o, "Size", size);
		copy_text(h, "comment", o, "Comment");
		json_object_array_add(out, o);
	}
	return gantry_engine_image_history_set_history(reply, json_text(out));
}
