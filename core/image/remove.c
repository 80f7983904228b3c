/* SPDX-License-Identifier: Apache-2.0 */
/* Names go first, then the record, then what nothing refers to any more (collect.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/container/filters.h"
#include "core/image/image.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

ENGINE_OP(image_tag)
{
	struct core *core = self;
	auto_image struct image *image = NULL;
	auto_json struct json_object *attributes = json_object_new_object();
	struct reference ref;
	char text[700], name[700];
	int r = image_find(core, args->name, &image, err);

	if (r < 0) {
		return r;
	}
	snprintf(text, sizeof(text), "%s%s%s", args->repository, args->tag && *args->tag ? ":" : "",
		 args->tag ? args->tag : "");
	r = image_parse_reference(core, text, &ref, err);
	if (r == 0 && *ref.digest) {
		r = error_set(err, GANTRY_ERR_INVALID, "refusing to create a tag with a digest reference");
	}
	if (r == 0) {
		reference_name(&ref, name, sizeof(name));
		r = image_set_name(core, name, image->id, err);
	}
	if (r == 0) {
		json_set_string(attributes, "name", name);
		engine_event(core, "image", "tag", image->id, attributes);
	}
	return r;
}

static void add_line(struct json_object *report, const char *key, const char *value)
{
	struct json_object *o = json_object_new_object();

	json_set_string(o, key, value);
	json_object_array_add(report, o);
}

static int untag(struct core *core, const char *name, const char *id, struct json_object *report,
		 struct gantry_error *err)
{
	auto_json struct json_object *attributes = json_object_new_object();
	int r = db_exec(core->db, err, "DELETE FROM refs WHERE name=?", "s", name);

	if (r == 0) {
		add_line(report, "Untagged", name);
		json_set_string(attributes, "name", name);
		engine_event(core, "image", "untag", id, attributes);
	}
	return r;
}

/* Which container stands in the way? running: only one that runs. */
static int find_user(struct core *core, const char *id, char **ret_id, char **ret_status,
		     struct gantry_error *err)
{
	int r = db_get_text(core->db, ret_id, err,
			    "SELECT id FROM containers WHERE image=? ORDER BY status='running' DESC LIMIT 1", "s",
			    id);

	return r < 0 || !*ret_id ? r
				 : db_get_text(core->db, ret_status, err,
					       "SELECT status FROM containers WHERE id=?", "s", *ret_id);
}

static int is_id(const struct image *image, const char *name)
{
	const char *hex = !strncmp(name, "sha256:", 7) ? name + 7 : name;

	return !strncmp(image->id + 7, hex, strlen(hex)) && strlen(hex) >= 4 &&
	       hex[strspn(hex, "0123456789abcdef")] == '\0';
}

/* Does a container need it?  Only that of a running one withstands force. */
static int refuse_used(struct core *core, struct image *image, const char *asked, int force,
		       int *ret_used, struct gantry_error *err)
{
	auto_free char *user = NULL;
	auto_free char *status = NULL;
	const char *id = image->id + strlen("sha256:");
	int r = find_user(core, image->id, &user, &status, err);
	int runs = status && !strcmp(status, "running");

	if (r < 0) {
		return r;
	}
	*ret_used = user != NULL;
	if (!user || (force && !(runs && is_id(image, asked)))) {
		return 0;
	}
	if (!is_id(image, asked)) {
		error_set(err, GANTRY_ERR_IN_USE,
			  "conflict: unable to remove repository reference \"%s\" (must force) - container "
			  "%.12s is using its referenced image %.12s", asked, user, id);
	} else {
		error_set(err, GANTRY_ERR_IN_USE,
			  "conflict: unable to delete %.12s (%s be forced) - image is being used by %s container "
			  "%.12s", id, runs ? "cannot" : "must", runs ? "running" : "stopped", user);
	}
	return error_hint(err, "remove the container first: gantry rm %s%.12s", runs ? "-f " : "", user);
}

/* Its names are gone; so are its record and what only it used, unless a container needs it. */
static int delete_image(struct core *core, struct image *image, struct json_object *report,
			struct gantry_error *err)
{
	int r = db_exec(core->db, err, "DELETE FROM images WHERE id=?", "s", image->id);

	if (r == 0) {
		add_line(report, "Deleted", image->id);
		engine_event(core, "image", "delete", image->id, NULL);
		r = image_collect(core, COLLECT_IMAGE, report, NULL, err);
	}
	return r;
}

static size_t repository_length(const char *name)
{
	const char *end = strchr(name, '@');

	end = end ? end : strrchr(name, ':');
	return end ? (size_t)(end - name) : strlen(name);
}

static int same_repository(const char *a, const char *b)
{
	return repository_length(a) == repository_length(b) && !strncmp(a, b, repository_length(a));
}

/* One tag, and the digests under which its repository knows the image. */
static int is_one_repository(struct json_object *names)
{
	int tags = 0;

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_item_string(names, i);

		tags += !strchr(name, '@');
		if (!same_repository(name, json_item_string(names, 0))) {
			return 0;
		}
	}
	return tags <= 1;
}

/* Does the name take this one along?  A repository's digests go with its last tag. */
static int goes_with(const char *name, const char *other, struct json_object *names)
{
	if (!strcmp(name, other)) {
		return 1;
	}
	if (strchr(name, '@') || !strchr(other, '@') || !same_repository(name, other)) {
		return 0;
	}
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *tag = json_item_string(names, i);

		if (!strchr(tag, '@') && strcmp(tag, name) != 0 && same_repository(tag, name)) {
			return 0;
		}
	}
	return 1;
}

/* Unless nothing is left: then it is the image that goes. */
static int remove_name(struct core *core, struct image *image, const char *name,
		       struct json_object *names, struct json_object *report, int *ret_left,
		       struct gantry_error *err)
{
	size_t n = json_array_size(names);
	int r = 0;

	*ret_left = (int)n;
	for (size_t i = 0; i < n; i++) {
		*ret_left -= goes_with(name, json_item_string(names, i), names);
	}
	for (size_t i = 0; r == 0 && *ret_left > 0 && i < n; i++) {
		const char *other = json_item_string(names, i);

		r = goes_with(name, other, names) ? untag(core, other, image->id, report, err) : 0;
	}
	return r;
}

static int has_tag(struct json_object *names)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		if (!strchr(json_item_string(names, i), '@')) {
			return 1;
		}
	}
	return 0;
}

static int remove_names(struct core *core, struct image *image, const char *asked, int force,
			struct json_object *names, struct json_object *report, int *ret_left,
			struct gantry_error *err)
{
	struct reference ref;
	char name[700];
	size_t n = json_array_size(names);
	int r;

	if (!is_id(image, asked)) {
		r = image_parse_reference(core, asked, &ref, err);
		if (r < 0) {
			return r;
		}
		reference_name(&ref, name, sizeof(name));
		return remove_name(core, image, name, names, report, ret_left, err);
	}
	if (n > 1 && !force && !is_one_repository(names)) {
		return error_set(err, GANTRY_ERR_CONFLICT,
				 "conflict: unable to delete %s (must be forced) - image is referenced in "
				 "multiple repositories",
				 asked);
	}
	*ret_left = 0;
	return 0;
}

ENGINE_OP(image_remove)
{
	struct core *core = self;
	auto_image struct image *image = NULL;
	auto_json struct json_object *names = NULL;
	auto_json struct json_object *report = json_object_new_array();
	auto_json struct json_object *untagged = json_object_new_array();
	int left = 0, used = 0;
	int r = image_find(core, args->name, &image, err);

	if (r == 0) {
		r = image_names(core, image->id, &names, err);
	}
	if (r == 0) {
		r = remove_names(core, image, args->name, (int)args->force, names, untagged, &left, err);
	}
	if (r == 0 && left <= 0) {
		r = refuse_used(core, image, args->name, (int)args->force, &used, err);
		for (size_t i = 0; r == 0 && i < json_array_size(names); i++) {
			r = untag(core, json_item_string(names, i), image->id, untagged, err);
		}
		r = r < 0 || used ? r : delete_image(core, image, report, err);
	}
	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < json_array_size(report); i++) {
		json_object_array_add(untagged, json_object_get(json_object_array_get_idx(report, i)));
	}
	return gantry_engine_image_remove_set_report(reply, json_text(untagged));
}

struct prune {
	struct json_object *filters;
	struct json_object *report;
	int64_t until_ns;
	int all;
};

static int prune_one(struct core *core, struct image *image, void *data, struct gantry_error *err)
{
	struct prune *p = data;
	auto_json struct json_object *names = NULL;
	int64_t users;
	int r = image_names(core, image->id, &names, err);

	if (r == 0) {
		r = db_get_int(core->db, 0, &users, err, "SELECT count(*) FROM containers WHERE image=?", "s",
			       image->id);
	}
	if (r < 0 || users > 0 || (!p->all && has_tag(names)) ||
	    !filters_match_prune(p->filters, p->until_ns, image_container_config(image), image->created_ns)) {
		return r;
	}
	for (size_t i = 0; r == 0 && i < json_array_size(names); i++) {
		r = untag(core, json_item_string(names, i), image->id, p->report, err);
	}
	if (r == 0) {
		r = db_exec(core->db, err, "DELETE FROM images WHERE id=?", "s", image->id);
	}
	if (r == 0) {
		add_line(p->report, "Deleted", image->id);
		engine_event(core, "image", "delete", image->id, NULL);
	}
	return r;
}

ENGINE_OP(image_prune)
{
	static const char *const known[] = { "dangling", "label", "label!", "until", NULL };
	struct core *core = self;
	auto_json struct json_object *filters = NULL;
	auto_json struct json_object *out = json_object_new_object();
	struct prune p = { .report = json_object_new_array() };
	int64_t freed = 0;
	const char *dangling;
	int r = json_parse_object(args->filters, "filters", &filters, err);

	p.filters = filters;
	dangling = json_item_string(json_get_array(filters, "dangling"), 0);
	p.all = dangling && (!strcmp(dangling, "false") || !strcmp(dangling, "0"));
	json_set(out, "ImagesDeleted", p.report);
	if (r == 0) {
		r = filters_check(filters, known, err);
	}
	if (r == 0) {
		r = filters_until(filters, &p.until_ns, err);
	}
	if (r == 0) {
		r = image_each(core, prune_one, &p, err);
	}
	if (r == 0) {
		r = image_collect(core, COLLECT_ALL, p.report, &freed, err);
	}
	json_set_int(out, "SpaceReclaimed", freed);
	return r < 0 ? r : gantry_engine_image_prune_set_report(reply, json_text(out));
}
