/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/container/create.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

static const char default_path[] =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static size_t key_length(const char *env)
{
	return strcspn(env, "=");
}

static int env_has(struct json_object *env, const char *entry)
{
	size_t n = key_length(entry);

	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *have = json_item_string(env, i);

		if (have && key_length(have) == n && !strncmp(have, entry, n)) {
			return 1;
		}
	}
	return 0;
}

/* The image's variables that the request does not set, then the request's.  One
 * without '=' only removes the image's: it is kept here, and given to nobody. */
static void merge_env(struct json_object *config, struct json_object *from)
{
	struct json_object *asked = json_get_array(config, "Env");
	struct json_object *theirs = json_get_array(from, "Env");
	struct json_object *merged = json_object_new_array();

	if (!env_has(asked, default_path) && !env_has(theirs, default_path)) {
		json_add_string(merged, default_path);
	}
	for (size_t i = 0; i < json_array_size(theirs); i++) {
		const char *entry = json_item_string(theirs, i);

		if (entry && !env_has(asked, entry)) {
			json_add_string(merged, entry);
		}
	}
	for (size_t i = 0; i < json_array_size(asked); i++) {
		const char *entry = json_item_string(asked, i);

		if (entry) {
			json_add_string(merged, entry);
		}
	}
	json_set(config, "Env", merged);
}

/* Adds the members of from[key] that config[key] lacks. */
static void merge_map(struct json_object *config, struct json_object *from, const char *key)
{
	struct json_object *theirs = json_get_object(from, key);
	struct json_object *ours = json_get_object(config, key);

	if (!theirs) {
		return;
	}
	if (!ours) {
		json_set(config, key, json_object_get(theirs));
		return;
	}
	json_object_object_foreach(theirs, name, value)
	{
		if (!json_get(ours, name)) {
			json_set(ours, name, json_object_get(value));
		}
	}
}

static void merge_text(struct json_object *config, struct json_object *from, const char *key)
{
	const char *ours = json_get_string(config, key);

	if (!ours || !*ours) {
		json_set_string(config, key, json_get_string(from, key));
	}
}

/* A request with an Entrypoint of its own does not get the image's Cmd. */
static void merge_command(struct json_object *config, struct json_object *from)
{
	struct json_object *entrypoint = json_get_array(config, "Entrypoint");
	struct json_object *theirs;

	if (json_array_size(json_get_array(config, "Cmd")) == 0 && !entrypoint) {
		theirs = json_get_array(from, "Cmd");
		if (theirs) {
			json_set(config, "Cmd", json_object_get(theirs));
		}
	}
	if (!entrypoint) {
		theirs = json_get_array(from, "Entrypoint");
		if (theirs) {
			json_set(config, "Entrypoint", json_object_get(theirs));
		}
	} else if (json_array_size(entrypoint) == 1 && !*json_item_string(entrypoint, 0)) {
		json_object_object_del(config, "Entrypoint"); /* --entrypoint "" */
	}
}

static void merge_healthcheck(struct json_object *config, struct json_object *from)
{
	struct json_object *ours = json_get_object(config, "Healthcheck");
	struct json_object *theirs = json_get_object(from, "Healthcheck");

	if (!theirs) {
		return;
	}
	if (!ours) {
		json_set(config, "Healthcheck", json_object_get(theirs));
		return;
	}
	json_object_object_foreach(theirs, key, value)
	{
		struct json_object *have = json_get(ours, key);

		if (!have || (json_object_is_type(have, json_type_int) && !json_object_get_int64(have)) ||
		    (json_object_is_type(have, json_type_array) && !json_array_size(have))) {
			json_set(ours, key, json_object_get(value));
		}
	}
}

/* doc.Path and doc.Args: what will be executed. */
static int set_command(struct json_object *doc, struct json_object *config,
		       struct gantry_error *err)
{
	struct json_object *parts[] = { json_get_array(config, "Entrypoint"),
					json_get_array(config, "Cmd") };
	struct json_object *args = json_object_new_array();
	const char *path = NULL;

	for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
		for (size_t i = 0; i < json_array_size(parts[p]); i++) {
			const char *word = json_item_string(parts[p], i);

			if (!path) {
				path = word;
			} else {
				json_add_string(args, word ? word : "");
			}
		}
	}
	json_set(doc, "Args", args);
	if (!path || !*path) {
		error_set(err, GANTRY_ERR_INVALID, "no command specified");
		return error_hint(err, "name one after the image, or build the image with a CMD");
	}
	return json_set_string(doc, "Path", path);
}

int create_merge_image(struct json_object *doc, const struct image *image, struct gantry_error *err)
{
	struct json_object *config = json_get_object(doc, "Config");
	struct json_object *from = image_container_config(image);

	merge_env(config, from);
	merge_command(config, from);
	merge_text(config, from, "WorkingDir");
	merge_text(config, from, "User");
	merge_text(config, from, "StopSignal");
	merge_map(config, from, "Labels");
	merge_map(config, from, "ExposedPorts");
	merge_map(config, from, "Volumes");
	merge_healthcheck(config, from);
	return set_command(doc, config, err);
}
