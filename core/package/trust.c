/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the administrator trusts: publishers, each with keys that expire and can be
 * revoked.  A revoked key stays in the list, so that it is not added again by
 * mistake, and so that what it signed is refused with the reason.
 *
 *   keys.json: [{Publisher, Key (base64), Id, Expires (seconds, 0: never), Revoked}]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/package/package.h"
#include "helpers/base64.h"
#include "helpers/cleanup.h"
#include "helpers/ed25519.h"
#include "helpers/error.h"
#include "helpers/io.h"

#define KEYS_MAX ((size_t)1 << 20)

static int read_keys(struct core *core, struct json_object **ret, struct gantry_error *err)
{
	auto_free char *path = path_join(core->paths.root, "plugins", "keys.json", NULL);
	auto_(buf) struct buf text = BUF_INIT;
	int r = path ? read_file(AT_FDCWD, path, &text, KEYS_MAX) : -ENOMEM;

	if (r == -ENOENT) {
		*ret = json_object_new_array();
		return *ret ? 0 : error_no_memory(err);
	}
	if (r < 0) {
		return error_errno(err, -r, "cannot read the trusted keys in %s", path);
	}
	r = json_parse(buf_str(&text), text.len, "the list of trusted keys", ret, err);
	if (r == 0 && !json_object_is_type(*ret, json_type_array)) {
		json_object_put(*ret);
		r = error_set(err, GANTRY_ERR_CORRUPT, "%s is no list of keys", path);
	}
	return r;
}

static int write_keys(struct core *core, struct json_object *keys, struct gantry_error *err)
{
	auto_free char *path = path_join(core->paths.root, "plugins", "keys.json", NULL);
	const char *text = json_text(keys);
	int r = path && text ? write_file_atomic(AT_FDCWD, path, text, strlen(text), 0600, 1) : -ENOMEM;

	return r < 0 ? error_errno(err, -r, "cannot write the trusted keys to %s", path ? path : "") : 0;
}

static struct json_object *find_key(struct json_object *keys, const char *id, size_t *ret_index)
{
	for (size_t i = 0; i < json_array_size(keys); i++) {
		struct json_object *key = json_object_array_get_idx(keys, i);
		const char *have = json_get_string(key, "Id");

		if (have && id && strcmp(have, id) == 0) {
			*ret_index = i;
			return key;
		}
	}
	return NULL;
}

int trust_list(struct core *core, struct json_object **ret, struct gantry_error *err)
{
	return read_keys(core, ret, err);
}

int trust_add(struct core *core, const char *publisher, const char *pem, int64_t expires,
	      struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *keys = NULL;
	auto_(buf) struct buf text = BUF_INIT;
	unsigned char key[ED25519_KEY_SIZE];
	struct json_object *one;
	char id[17];
	size_t at;
	int r = ed25519_public_key(pem, "the key", key, err);

	if (r == 0) {
		r = read_keys(core, &keys, err);
	}
	if (r < 0) {
		return r;
	}
	ed25519_key_id(key, id);
	one = find_key(keys, id, &at);
	if (one && json_get_bool(one, "Revoked", 0)) {
		return error_set(err, GANTRY_ERR_DENIED, "key %s was revoked and is not trusted again", id);
	}
	if (one && strcmp(json_get_string(one, "Publisher"), publisher) != 0) {
		return error_set(err, GANTRY_ERR_EXISTS, "key %s belongs to publisher %s", id,
				 json_get_string(one, "Publisher"));
	}
	if (!one) {
		one = json_object_new_object();
		json_object_array_add(keys, one);
	}
	base64_encode(key, sizeof(key), &text);
	json_set_string(one, "Publisher", publisher);
	json_set_string(one, "Id", id);
	json_set_string(one, "Key", buf_str(&text));
	json_set_int(one, "Expires", expires);
	json_set_bool(one, "Revoked", 0);
	*ret = json_object_get(one);
	return write_keys(core, keys, err);
}

static int no_such_key(const char *id, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_NOT_FOUND, "there is no trusted key %s", id);
	return error_hint(err, "`gantry plugin trust ls` lists them");
}

int trust_revoke(struct core *core, const char *id, struct gantry_error *err)
{
	auto_json struct json_object *keys = NULL;
	struct json_object *one;
	size_t at;
	int r = read_keys(core, &keys, err);

	if (r < 0) {
		return r;
	}
	one = find_key(keys, id, &at);
	if (!one) {
		return no_such_key(id, err);
	}
	json_set_bool(one, "Revoked", 1);
	return write_keys(core, keys, err);
}

int trust_remove(struct core *core, const char *id, struct gantry_error *err)
{
	auto_json struct json_object *keys = NULL;
	size_t at;
	int r = read_keys(core, &keys, err);

	if (r < 0) {
		return r;
	}
	if (!find_key(keys, id, &at)) {
		return no_such_key(id, err);
	}
	json_object_array_del_idx(keys, at, 1);
	return write_keys(core, keys, err);
}

static int denied(const struct package *p, struct gantry_error *err, const char *why, const char *hint)
{
	error_set(err, GANTRY_ERR_DENIED, "plugin package %s %s is refused: %s", json_get_string(p->config, "Name"),
		  json_get_string(p->config, "Version"), why);
	return error_hint(err, "%s", hint);
}

static int check_key(const struct package *p, struct json_object *key, struct gantry_error *err)
{
	int64_t expires = json_get_int(key, "Expires", 0);

	if (json_get_bool(key, "Revoked", 0)) {
		return denied(p, err, "the key that signed it was revoked", "ask its publisher for one that is signed "
			      "with another key");
	}
	if (expires && expires <= (int64_t)time(NULL)) {
		return denied(p, err, "the key that signed it has expired", "ask its publisher for one that is signed "
			      "with a newer key, or trust this one longer: gantry plugin trust add --expires");
	}
	return 0;
}

int trust_check(struct core *core, const struct package *p, char **ret_publisher, struct gantry_error *err)
{
	auto_json struct json_object *keys = NULL;
	auto_(buf) struct buf raw = BUF_INIT;
	const char *digest = json_get_string(p->statement, "Manifest");
	const char *encoded;
	struct json_object *key;
	size_t at;
	int r;

	if (!p->statement) {
		return denied(p, err, "it is not signed", "sign it (gantry plugin sign), or allow it by its name: "
			      "--allow-unsigned NAME");
	}
	/* The statement is about this package and no other. */
	if (!digest || strcmp(digest, p->digest) != 0) {
		return denied(p, err, "its signature is that of another package", "fetch it again");
	}
	r = read_keys(core, &keys, err);
	if (r < 0) {
		return r;
	}
	key = find_key(keys, json_get_string(p->statement, "Key"), &at);
	if (!key) {
		char why[200];

		snprintf(why, sizeof(why), "it is signed with the key %.16s, which is not trusted",
			 json_get_string(p->statement, "Key") ? json_get_string(p->statement, "Key") : "(none)");
		return denied(p, err, why, "if you trust its publisher: gantry plugin trust add PUBLISHER KEY.pub");
	}
	r = check_key(p, key, err);
	encoded = json_get_string(key, "Key");
	if (r == 0 && (!encoded || base64_decode(encoded, strlen(encoded), &raw) < 0 || raw.len != ED25519_KEY_SIZE)) {
		r = error_set(err, GANTRY_ERR_CORRUPT, "the trusted key %s is damaged", json_get_string(key, "Id"));
	}
	if (r == 0 && ed25519_verify((const unsigned char *)raw.data, p->statement_bytes.data, p->statement_bytes.len,
				     (const unsigned char *)buf_str(&p->signature), p->signature.len, err) < 0) {
		r = err->code == GANTRY_ERR_DENIED
			    ? denied(p, err, "its signature does not fit: it was changed, or is a forgery", "fetch it again "
				     "from its publisher")
			    : err->code;
	}
	if (r == 0) {
		*ret_publisher = strdup(json_get_string(key, "Publisher"));
		r = *ret_publisher ? 0 : error_no_memory(err);
	}
	return r;
}
