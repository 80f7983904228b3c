/* SPDX-License-Identifier: Apache-2.0 */
/* The record comes first, the snapshot after it: a record whose snapshot is missing
 * (killed in between) gets it at start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gantry/calls.h>

#include "core/container/create.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

/* Splits the request's body into doc.Config, doc.HostConfig, doc.NetworkingConfig. */
static int make_doc(const char *body, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *config = NULL;
	struct json_object *doc;
	static const char *const apart[] = { "HostConfig", "NetworkingConfig" };
	int r = json_parse_object(body, "container configuration", &config, err);

	if (r < 0) {
		return r;
	}
	doc = json_object_new_object();
	for (size_t i = 0; i < ARRAY_SIZE(apart); i++) {
		struct json_object *part = json_get_object(config, apart[i]);

		json_set(doc, apart[i], part ? json_object_get(part) : json_object_new_object());
		json_object_object_del(config, apart[i]);
	}
	json_set(doc, "Config", steal(&config));
	*ret = doc;
	return 0;
}

/* An image of another platform than was asked for is not there; where none was asked for, it
 * may run nevertheless. */
static int check_platform(const struct image *image, const char *name, const char *asked,
			  struct json_object *warnings, struct gantry_error *err)
{
	struct gantry_error mismatch = GANTRY_ERROR_INIT;
	char has[PLATFORM_TEXT_MAX], host[PLATFORM_TEXT_MAX], text[400];
	struct platform want, have;
	int r = image_platform(asked, &want, err);

	if (r < 0 || image_check_platform(image, name, &want, asked && *asked ? err : &mismatch) == 0) {
		return r;
	}
	if (mismatch.code == 0) {
		return err->code;
	}
	image_platform_of(image->config, &have);
	image_platform_text(&have, has);
	image_platform_text(&want, host);
	snprintf(text, sizeof(text),
		 "The requested image's platform (%s) does not match the detected host platform (%s) and no "
		 "specific platform was requested", has, host);
	json_add_string(warnings, text);
	return 0;
}

static int find_image(struct core *core, struct json_object *doc, const char *platform,
		      struct json_object *warnings, struct image **ret, struct gantry_error *err)
{
	const char *name = json_get_string(json_get_object(doc, "Config"), "Image");
	int r;

	if (!name || !*name) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "config cannot be empty in order to create a container");
	}
	r = image_find(core, name, ret, err);
	return r < 0 ? r : check_platform(*ret, name, platform, warnings, err);
}

static int insert_record(struct core *core, const char *id, const char *name,
			 const struct image *image, struct json_object *doc,
			 struct gantry_error *err)
{
	static const char state[] = "{\"Pid\":0,\"ExitCode\":0,\"RestartCount\":0}";

	return db_exec(core->db, err, "INSERT INTO containers VALUES(?,?,?,?,?,?,?)", "sssisss", id, name,
		       image->id, time_now_ns(), "created", json_text(doc), state);
}

/* With a name of the user's, or with made-up ones until one is free. */
static int insert_named(struct core *core, const char *id, const char *name,
			const struct image *image, struct json_object *doc,
			struct gantry_error *err)
{
	char random[64];
	auto_free char *holder = NULL;
	int r = GANTRY_ERR_EXISTS;

	if (!name || !*name) {
		for (int i = 0; i < 16 && r == GANTRY_ERR_EXISTS; i++) {
			create_random_name(random);
			r = insert_record(core, id, random, image, doc, err);
		}
		return r;
	}
	if (name[0] == '/') {
		name++;
	}
	if (!create_is_valid_name(name)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
				 name);
	}
	r = insert_record(core, id, name, image, doc, err);
	if (r == GANTRY_ERR_EXISTS) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		db_get_text(core->db, &holder, &ignored, "SELECT id FROM containers WHERE name=?", "s", name);
		error_set(err, GANTRY_ERR_EXISTS,
			  "Conflict. The container name \"/%s\" is already in use by container \"%s\". You "
			  "have to remove (or rename) that container to be able to reuse that name.",
			  name, holder ? holder : "");
	}
	return r;
}

static int prepare_snapshot(struct core *core, struct container *c, const struct image *image,
			    struct gantry_error *err)
{
	auto_(reply) struct reply ret = REPLY_INIT;
	struct driver *storage;
	int r = container_storage(core, c, &storage, err);

	return r < 0 ? r
		     : storage_prepare(storage,
				       &GANTRY_STORAGE_PREPARE_ARGS(
					       .key = c->id, .parent = image_snapshot(image),
					       .size_limit = container_size_limit(c)),
				       &ret, err);
}

static int report(struct gantry_reply *reply, const char *id, struct json_object *warnings)
{
	int r = gantry_engine_container_create_set_id(reply, id);

	for (size_t i = 0; r == 0 && i < json_array_size(warnings); i++) {
		r = gantry_engine_container_create_add_warning(reply, json_item_string(warnings, i));
	}
	return r;
}

/* A shim that was started ahead loads the runtime driver while the rest is prepared. */
static void warm_shim(struct core *core, struct json_object *doc)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	struct driver_place place;

	if (core->ahead.control >= 0 &&
	    registry_place(core->registry, "runtime", json_get_string(doc, "Runtime"), &place, &ignored) == 0 &&
	    !place.host_program) {
		launch_warm(core, place.file);
	}
}

ENGINE_OP(container_create)
{
	struct core *core = self;
	auto_json struct json_object *doc = NULL;
	auto_json struct json_object *warnings = json_object_new_array();
	auto_image struct image *image = NULL;
	auto_container struct container *c = NULL;
	struct driver *storage;
	char id[65];
	int r = make_doc(args->config, &doc, err);

	if (r == 0) {
		r = find_image(core, doc, args->platform, warnings, &image, err);
	}
	if (r == 0) {
		r = create_merge_image(doc, image, err);
	}
	if (r == 0) {
		r = create_check_host_config(core, doc, warnings, err);
	}
	if (r == 0) {
		r = engine_storage(core, &storage, err);
	}
	if (r == 0) {
		json_set_string(doc, "Driver", storage->name);
		r = create_resolve_mounts(core, doc, err);
	}
	create_random_id(id);
	if (r == 0) {
		warm_shim(core, doc);
		r = insert_named(core, id, args->name, image, doc, err);
	}
	if (r < 0) {
		return r;
	}
	r = container_find(core, id, &c, err);
	if (r == 0) {
		r = prepare_snapshot(core, c, image, err);
	}
	if (r == 0) {
		r = create_populate_volumes(core, c, err);
	}
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		if (c) {
			(void)container_delete(core, c, 1, &ignored);
		}
		return r;
	}
	container_event(core, c, "create", NULL);
	return report(reply, id, warnings);
}
