/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "docker_plugin_find.h"
#include "error.h"
#include "io.h"
#include "privilege.h"

#define SPEC_MAX 65536
#define NAME_MAX_LEN 128
#define MAX_NAMES 256

static int add_folder(struct json_object *list, const char *env, const char *home_part,
		      const char *rest, struct gantry_error *err)
{
	const char *base = env ? getenv(env) : NULL;
	const char *home = getenv("HOME");
	auto_(buf) struct buf path = BUF_INIT;

	if (base && *base) {
		buf_addf(&path, "%s/%s", base, rest);
	} else if (home_part && home) {
		buf_addf(&path, "%s/%s/%s", home, home_part, rest);
	} else {
		return 0;
	}
	return buf_failed(&path) || json_add_string(list, buf_str(&path)) < 0 ? error_no_memory(err) : 0;
}

static int usual_sockets(struct json_object *list, struct gantry_error *err)
{
	if (is_host_root()) {
		return json_add_string(list, "/run/docker/plugins") < 0 ? error_no_memory(err) : 0;
	}
	return add_folder(list, "XDG_RUNTIME_DIR", NULL, "docker/plugins", err);
}

static int usual_specs(struct json_object *list, struct gantry_error *err)
{
	int r;

	if (is_host_root()) {
		return json_add_string(list, "/etc/docker/plugins") < 0 ||
				       json_add_string(list, "/usr/lib/docker/plugins") < 0
			       ? error_no_memory(err)
			       : 0;
	}
	r = add_folder(list, "XDG_CONFIG_HOME", ".config", "docker/plugins", err);
	return r < 0 ? r : add_folder(list, NULL, ".local/lib", "docker/plugins", err);
}

int docker_plugin_folders_init(struct docker_plugin_folders *f, struct json_object *config,
			       struct gantry_error *err)
{
	struct json_object *sockets = json_get_array(config, "sockets");
	struct json_object *specs = json_get_array(config, "specs");
	int r = 0;

	f->sockets = sockets ? json_object_get(sockets) : json_object_new_array();
	f->specs = specs ? json_object_get(specs) : json_object_new_array();
	if (!f->sockets || !f->specs) {
		r = error_no_memory(err);
	}
	if (r == 0 && !sockets) {
		r = usual_sockets(f->sockets, err);
	}
	if (r == 0 && !specs) {
		r = usual_specs(f->specs, err);
	}
	if (r < 0) {
		docker_plugin_folders_done(f);
	}
	return r;
}

void docker_plugin_folders_done(struct docker_plugin_folders *f)
{
	json_object_put(f->sockets);
	json_object_put(f->specs);
	f->sockets = f->specs = NULL;
}

int docker_plugin_is_name(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > NAME_MAX_LEN || name[0] == '.') {
		return 0;
	}
	for (; *name; name++) {
		if (*name == '/' || (unsigned char)*name <= ' ' || *name == 0x7f) {
			return 0;
		}
	}
	return 1;
}

/* FOLDER/NAME.SUFFIX or FOLDER/NAME/NAME.SUFFIX, whichever is of the wanted kind. */
static int look(const char *folder, const char *name, const char *suffix, mode_t type,
		struct buf *ret)
{
	struct stat st;

	for (int i = 0; i < 2; i++) {
		buf_clear(ret);
		if (i == 0) {
			buf_addf(ret, "%s/%s%s", folder, name, suffix);
		} else {
			buf_addf(ret, "%s/%s/%s%s", folder, name, name, suffix);
		}
		if (!buf_failed(ret) && stat(buf_str(ret), &st) == 0 && (st.st_mode & S_IFMT) == type) {
			return 1;
		}
	}
	return 0;
}

static int take_text(struct json_object *o, const char *key, char **ret, struct gantry_error *err)
{
	const char *text = json_get_string(o, key);

	if (text && *text) {
		*ret = strdup(text);
		return *ret ? 0 : error_no_memory(err);
	}
	return 0;
}

int docker_plugin_parse_json(const char *text, size_t len, struct http_place *ret,
			     struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	auto_(http_place) struct http_place p = HTTP_PLACE_INIT;
	struct json_object *tls;
	const char *address;
	int r = json_parse(text, len, "plugin file", &o, err);

	if (r < 0) {
		return r;
	}
	address = json_get_string(o, "Addr");
	if (!address) {
		return error_set(err, GANTRY_ERR_INVALID, "it has no text \"Addr\"");
	}
	tls = json_get_object(o, "TLSConfig");
	r = http_place_parse(address, &p, err);
	/* Docker takes tcp:// with a TLSConfig for TLS. */
	if (r == 0 && tls && !strncmp(address, "tcp://", 6)) {
		auto_(buf) struct buf url = BUF_INIT;

		buf_addf(&url, "https://%s", p.url + strlen("http://"));
		free(p.url);
		p.url = buf_steal(&url);
		r = p.url ? 0 : error_no_memory(err);
	}
	if (r == 0) {
		r = take_text(tls, "CAFile", &p.ca_file, err);
	}
	if (r == 0) {
		r = take_text(tls, "CertFile", &p.cert_file, err);
	}
	if (r == 0) {
		r = take_text(tls, "KeyFile", &p.key_file, err);
	}
	if (r < 0) {
		return r;
	}
	p.insecure = json_get_bool(tls, "InsecureSkipVerify", 0);
	*ret = p;
	p = (struct http_place)HTTP_PLACE_INIT;
	return 0;
}

static int parse_spec(struct buf *text, struct http_place *ret, struct gantry_error *err)
{
	char *start = text->data ? text->data : (char *)"";

	start += strspn(start, " \t\r\n");
	if (*start) {
		start[strcspn(start, " \t\r\n")] = '\0';
	}
	return http_place_parse(start, ret, err);
}

static int read_spec(const char *path, int is_json, struct http_place *ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	int r = read_file(AT_FDCWD, path, &text, SPEC_MAX);

	if (r < 0) {
		return error_errno(err, -r, "cannot read %s", path);
	}
	r = is_json ? docker_plugin_parse_json(buf_str(&text), text.len, ret, err)
		    : parse_spec(&text, ret, err);
	return r < 0 ? error_prefix(err, "%s", path) : 0;
}

static int find_socket(const struct docker_plugin_folders *f, const char *name,
		       struct http_place *ret, struct gantry_error *err)
{
	auto_(buf) struct buf path = BUF_INIT, address = BUF_INIT;

	for (size_t i = 0; i < json_array_size(f->sockets); i++) {
		const char *folder = json_item_string(f->sockets, i);
		int r;

		if (!folder || !look(folder, name, ".sock", S_IFSOCK, &path)) {
			continue;
		}
		buf_addf(&address, "unix://%s", buf_str(&path));
		r = http_place_parse(buf_str(&address), ret, err);
		return r < 0 ? r : 1;
	}
	return 0;
}

int docker_plugin_find(const struct docker_plugin_folders *f, const char *name,
		       struct http_place *ret, struct gantry_error *err)
{
	static const char *const suffixes[] = { ".spec", ".json" };
	auto_(buf) struct buf path = BUF_INIT;
	int r = docker_plugin_is_name(name) ? find_socket(f, name, ret, err) : 0;

	if (r != 0) {
		return r < 0 ? r : 0;
	}
	for (size_t i = 0; docker_plugin_is_name(name) && i < json_array_size(f->specs); i++) {
		const char *folder = json_item_string(f->specs, i);

		for (size_t k = 0; folder && k < ARRAY_SIZE(suffixes); k++) {
			if (look(folder, name, suffixes[k], S_IFREG, &path)) {
				return read_spec(buf_str(&path), (int)k, ret, err);
			}
		}
	}
	error_set(err, GANTRY_ERR_NOT_FOUND, "Docker plugin %s: it is not there", name);
	return error_hint(err, "is it running? Looked for %s.sock in %s, .spec and .json in %s", name,
			  json_text(f->sockets), json_text(f->specs));
}

static int has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && !strcmp(name + n - k, suffix);
}

static void add_name(struct json_object *names, const char *name)
{
	for (size_t i = 0; i < json_array_size(names); i++) {
		if (!strcmp(json_item_string(names, i), name)) {
			return;
		}
	}
	if (json_array_size(names) < MAX_NAMES) {
		json_add_string(names, name);
	}
}

/* An entry NAME.SUFFIX, or a folder NAME that could have one of that name in it. */
static void scan(const struct docker_plugin_folders *f, const char *folder,
		 const char *const *suffixes, struct json_object *names)
{
	auto_dir DIR *d = opendir(folder);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		auto_(http_place) struct http_place place = HTTP_PLACE_INIT;
		struct gantry_error err = GANTRY_ERROR_INIT;
		auto_free char *name = strdup(e->d_name);

		for (const char *const *s = suffixes; name && *s; s++) {
			if (has_suffix(name, *s)) {
				name[strlen(name) - strlen(*s)] = '\0';
				break;
			}
		}
		if (name && docker_plugin_is_name(name) &&
		    docker_plugin_find(f, name, &place, &err) != GANTRY_ERR_NOT_FOUND) {
			add_name(names, name);
		}
	}
}

int docker_plugin_names(const struct docker_plugin_folders *f, struct json_object **ret,
			struct gantry_error *err)
{
	static const char *const sockets[] = { ".sock", NULL };
	static const char *const specs[] = { ".spec", ".json", NULL };
	struct json_object *names = json_object_new_array();

	if (!names) {
		return error_no_memory(err);
	}
	for (size_t i = 0; i < json_array_size(f->sockets); i++) {
		scan(f, json_item_string(f->sockets, i), sockets, names);
	}
	for (size_t i = 0; i < json_array_size(f->specs); i++) {
		scan(f, json_item_string(f->specs, i), specs, names);
	}
	*ret = names;
	return 0;
}
