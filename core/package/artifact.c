/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <gantry/plugin.h>
#include <gantry/transport.h>

#include "core/package/package.h"
#include "core/plugin/manifest.h"
#include "core/plugin/permissions.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/interfaces.h"

#define CONFIG_MAX 65536
#define SIGNATURE_MAX 4096

void package_done(struct package *p)
{
	json_object_put(p->manifest);
	json_object_put(p->config);
	json_object_put(p->statement);
	buf_done(&p->statement_bytes);
	buf_done(&p->signature);
}

/* Letters, digits, '-', '_' and '.', the first a letter or digit. */
static int is_name(const char *text)
{
	return text && strlen(text) <= 64 && strchr("-_.", text[0]) == NULL &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(text);
}

static int refuse(struct gantry_error *err, struct json_object *config, const char *why)
{
	const char *name = json_get_string(config, "Name");

	return error_set(err, GANTRY_ERR_INVALID, "plugin package %.64s: %s", name ? name : "(no name)", why);
}

static int check_host(struct json_object *config, struct gantry_error *err)
{
	const char *needs = json_get_string(config, "Needs");
	const char *machine = json_get_string(config, "Architecture");
	const char *form = json_get_string(config, "Form");
	unsigned major = 1, minor = 0;
	struct utsname host;

	if (needs && sscanf(needs, "%u.%u", &major, &minor) != 2) {
		return refuse(err, config, "needs is not MAJOR.MINOR");
	}
	if (major != GANTRY_ABI_MAJOR || minor > GANTRY_ABI_MINOR) {
		error_set(err, GANTRY_ERR_UNSUPPORTED, "plugin package %s needs plugin ABI %u.%u, this gantry has %u.%u",
			  json_get_string(config, "Name"), major, minor, GANTRY_ABI_MAJOR, GANTRY_ABI_MINOR);
		return error_hint(err, "upgrade gantry, or install another version of the plugin");
	}
	if ((!form || !strcmp(form, "native")) && machine && uname(&host) == 0 && strcmp(machine, host.machine)) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "plugin package %s is for %s, this host is %s",
				 json_get_string(config, "Name"), machine, host.machine);
	}
	return 0;
}

static int check_permissions(struct json_object *config, struct gantry_error *err)
{
	struct json_object *list = json_get_array(config, "Permissions");
	struct permits permits = { 0 };

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_item_string(list, i);

		if (!text) {
			return refuse(err, config, "a permission is no text");
		}
		if (permits_add(&permits, text, err) < 0) {
			error_prefix(err, "plugin package %s", json_get_string(config, "Name"));
			return error_hint(err, "a newer gantry may know it; plugin-permissions.md lists those of this one");
		}
	}
	return 0;
}

int package_check_config(struct json_object *config, struct gantry_error *err)
{
	struct json_object *drivers = json_get_array(config, "Drivers");
	const char *file = json_get_string(config, "File");
	int r;

	if (!is_name(json_get_string(config, "Name")) || !is_name(json_get_string(config, "Version"))) {
		return refuse(err, config, "its name or version is missing, or has other characters than letters, "
					   "digits, '-', '_' and '.'");
	}
	if (!file || strchr(file, '/') || file[0] == '.' || !*file) {
		return refuse(err, config, "its file must lie beside its manifest");
	}
	if (json_array_size(drivers) == 0) {
		return refuse(err, config, "it has no drivers");
	}
	for (size_t i = 0; i < json_array_size(drivers); i++) {
		struct json_object *d = json_object_array_get_idx(drivers, i);
		const char *kind = json_get_string(d, "Kind");

		if (!kind || !interface_find(kind) || !is_name(json_get_string(d, "Name"))) {
			return refuse(err, config, "one of its drivers has no proper name, or is of an unknown kind");
		}
	}
	r = check_host(config, err);
	return r < 0 ? r : check_permissions(config, err);
}

/* ---- reading ---- */

static int is_type(struct json_object *o, const char *key, const char *want)
{
	const char *type = json_get_string(o, key);

	return type && strcmp(type, want) == 0;
}

static struct json_object *only_layer(struct json_object *manifest)
{
	struct json_object *layers = json_get_array(manifest, "layers");

	return json_array_size(layers) == 1 ? json_object_array_get_idx(layers, 0) : NULL;
}

void signature_name(const struct package *p, const struct place *place, char ret[400])
{
	/* A registry has tags; an archive has NAME:TAG. */
	if (place->is_registry) {
		snprintf(ret, 400, "sha256-%s.sig", p->digest + 7);
	} else {
		snprintf(ret, 400, "%s:sha256-%s.sig", json_get_string(p->config, "Name"), p->digest + 7);
	}
}

static int read_signature(struct place *place, struct package *p, struct gantry_error *err)
{
	auto_json struct json_object *manifest = NULL;
	char name[400], digest[DIGEST_SIZE];
	int r;

	signature_name(p, place, name);
	r = place_manifest(place, name, &manifest, digest, err);
	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		return 0;
	}
	if (r == 0 && (!is_type(manifest, "artifactType", SIGNATURE_TYPE) || !only_layer(manifest))) {
		r = error_set(err, GANTRY_ERR_CORRUPT, "%s: the signature of the package is none", place->what);
	}
	if (r == 0) {
		r = place_blob(place, json_get_object(manifest, "config"), SIGNATURE_MAX, &p->statement_bytes, err);
	}
	if (r == 0) {
		r = place_blob(place, only_layer(manifest), SIGNATURE_MAX, &p->signature, err);
	}
	return r < 0 ? r
		     : json_parse(buf_str(&p->statement_bytes), p->statement_bytes.len, "the signature's statement",
				  &p->statement, err);
}

/* The package's name in an archive: the one that is no signature. */
static int find_in_archive(struct place *place, char name[300], struct gantry_error *err)
{
	auto_(reply) struct reply names = REPLY_INIT;
	int r = place_names(place, &names, err);

	name[0] = '\0';
	for (const char *const *n = reply_list(&names, GANTRY_TRANSPORT_LIST_RET_NAME); r == 0 && *n; n++) {
		size_t len = strlen(*n);

		if (len > 4 && !strcmp(*n + len - 4, ".sig")) {
			continue;
		}
		if (*name) {
			r = error_set(err, GANTRY_ERR_INVALID, "%s has several packages: %s and %s", place->what, name, *n);
		}
		snprintf(name, 300, "%s", *n);
	}
	return r == 0 && !*name ? error_set(err, GANTRY_ERR_NOT_FOUND, "%s has no plugin package", place->what) : r;
}

int package_read(struct place *place, struct package *ret, struct gantry_error *err)
{
	auto_(buf) struct buf config = BUF_INIT;
	int r = 0;

	*ret = (struct package){ 0 };
	snprintf(ret->name, sizeof(ret->name), "%s", place->reference);
	if (!place->is_registry) {
		r = find_in_archive(place, ret->name, err);
	}
	if (r == 0) {
		r = place_manifest(place, ret->name, &ret->manifest, ret->digest, err);
	}
	if (r == 0 && (!is_type(ret->manifest, "artifactType", PACKAGE_TYPE) ||
		       !is_type(json_get_object(ret->manifest, "config"), "mediaType", PACKAGE_CONFIG_TYPE) ||
		       !only_layer(ret->manifest))) {
		error_set(err, GANTRY_ERR_INVALID, "%s is no plugin package of gantry", place->what);
		r = error_hint(err, "`gantry plugin build FOLDER -o FILE.tar` makes one");
	}
	if (r == 0) {
		r = place_blob(place, json_get_object(ret->manifest, "config"), CONFIG_MAX, &config, err);
	}
	if (r == 0) {
		r = json_parse(buf_str(&config), config.len, "the package's configuration", &ret->config, err);
	}
	if (r == 0) {
		r = package_check_config(ret->config, err);
	}
	return r < 0 ? r : read_signature(place, ret, err);
}

/* ---- writing ---- */

static struct json_object *new_manifest(const char *type, struct json_object *config, struct json_object *layer)
{
	struct json_object *o = json_object_new_object(), *layers = json_object_new_array();

	json_set_int(o, "schemaVersion", 2);
	json_set_string(o, "mediaType", "application/vnd.oci.image.manifest.v1+json");
	json_set_string(o, "artifactType", type);
	json_set(o, "config", config);
	json_object_array_add(layers, layer);
	json_set(o, "layers", layers);
	return o;
}

static int put_artifact(struct place *to, const char *reference, const char *type, const struct buf *config,
			const char *config_type, const struct buf *layer, const char *layer_type,
			struct json_object *annotations, char ret_digest[DIGEST_SIZE], struct gantry_error *err)
{
	auto_json struct json_object *manifest = NULL;
	struct json_object *first, *second;
	int r = place_put_blob(to, buf_str(config), config->len, config_type, &first, err);

	if (r < 0) {
		return r;
	}
	r = place_put_blob(to, layer->data, layer->len, layer_type, &second, err);
	if (r < 0) {
		json_object_put(first);
		return r;
	}
	manifest = new_manifest(type, first, second);
	if (annotations) {
		json_set(manifest, "annotations", json_object_get(annotations));
	}
	return place_put_manifest(to, reference, manifest, ret_digest, err);
}

/* The manifest as packages carry it: without where it lies here. */
static struct json_object *config_of_manifest(struct json_object *manifest)
{
	static const char *const keys[] = { "Name", "Version", "Summary", "Licence", "Needs", "Form", "Isolation",
					    "File", "Permissions", "Drivers", "Requires" };
	struct json_object *o = json_object_new_object();
	const char *form = json_get_string(manifest, "Form");
	struct utsname host;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (json_get(manifest, keys[i])) {
			json_set(o, keys[i], json_object_get(json_get(manifest, keys[i])));
		}
	}
	if ((!form || !strcmp(form, "native")) && uname(&host) == 0 &&
	    strstr(json_get_string(manifest, "File"), ".so")) {
		json_set_string(o, "Architecture", host.machine);
	}
	return o;
}

int package_build(const char *folder, struct place *to, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *manifest = NULL, *config = NULL;
	auto_json struct json_object *o = json_object_new_object(), *annotations = json_object_new_object();
	auto_(buf) struct buf text = BUF_INIT, tar = BUF_INIT;
	auto_free char *file = NULL;
	char reference[700], digest[DIGEST_SIZE];
	int r = manifest_read(folder, &manifest, err);

	if (r < 0) {
		return r;
	}
	config = config_of_manifest(manifest);
	r = package_check_config(config, err);
	file = path_join(folder, json_get_string(manifest, "File"), NULL);
	if (r == 0 && (!file || access(file, R_OK) < 0)) {
		error_set(err, GANTRY_ERR_NOT_FOUND, "cannot pack %s: there is no %s in it", folder,
			  json_get_string(manifest, "File"));
		r = error_hint(err, "build the plugin first");
	}
	if (r == 0) {
		r = tar_pack(folder, &tar, err);
	}
	if (r < 0) {
		return r;
	}
	buf_adds(&text, json_text(config));
	json_set_string(annotations, "org.opencontainers.image.title", json_get_string(config, "Name"));
	json_set_string(annotations, "org.opencontainers.image.version", json_get_string(config, "Version"));
	snprintf(reference, sizeof(reference), "%s%s%s", to->is_registry ? to->reference : json_get_string(config, "Name"),
		 to->is_registry ? "" : ":", to->is_registry ? "" : json_get_string(config, "Version"));
	r = put_artifact(to, reference, PACKAGE_TYPE, &text, PACKAGE_CONFIG_TYPE, &tar, PACKAGE_LAYER_TYPE,
			 annotations, digest, err);
	if (r == 0) {
		json_set_string(o, "Name", json_get_string(config, "Name"));
		json_set_string(o, "Version", json_get_string(config, "Version"));
		json_set_string(o, "Digest", digest);
		*ret = steal(&o);
	}
	return r;
}

static int copy_blob(struct place *from, struct place *to, struct json_object *descriptor, struct gantry_error *err)
{
	auto_(buf) struct buf bytes = BUF_INIT;
	auto_json struct json_object *ignored = NULL;
	const char *type = json_get_string(descriptor, "mediaType");
	int r = place_blob(from, descriptor, (size_t)PACKAGE_MAX, &bytes, err);

	return r < 0 ? r : place_put_blob(to, buf_str(&bytes), bytes.len, type ? type : "application/octet-stream",
					  &ignored, err);
}

int package_copy(struct package *p, struct place *from, struct place *to, const char *reference,
		 struct gantry_error *err)
{
	char digest[DIGEST_SIZE], name[400];
	int r = copy_blob(from, to, json_get_object(p->manifest, "config"), err);

	if (r == 0) {
		r = copy_blob(from, to, only_layer(p->manifest), err);
	}
	if (r == 0) {
		r = place_put_manifest(to, reference, p->manifest, digest, err);
	}
	/* A manifest that is printed otherwise than it was is another one. */
	if (r == 0 && strcmp(digest, p->digest) != 0) {
		r = error_set(err, GANTRY_ERR_UNSUPPORTED, "%s: its manifest was not written by gantry and cannot be "
			      "copied", from->what);
	}
	if (r < 0 || !p->statement) {
		return r;
	}
	signature_name(p, to, name);
	return put_artifact(to, name, SIGNATURE_TYPE, &p->statement_bytes, SIGNATURE_CONFIG_TYPE, &p->signature,
			    SIGNATURE_LAYER_TYPE, NULL, digest, err);
}
