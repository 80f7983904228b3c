/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/config/config.h"
#include "cli/format/value.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define MAX_CONFIG ((size_t)4 << 20)

char *config_dir(const struct cli *cli)
{
	const char *dir = cli->config_dir ? cli->config_dir : getenv("DOCKER_CONFIG");
	const char *home = getenv("HOME");
	auto_(buf) struct buf path = BUF_INIT;

	if (dir && *dir) {
		return strdup(dir);
	}
	buf_addf(&path, "%s/.docker", home ? home : "");
	return buf_steal(&path);
}

static char *config_path(const struct cli *cli)
{
	auto_free char *dir = config_dir(cli);
	auto_(buf) struct buf path = BUF_INIT;

	buf_addf(&path, "%s/config.json", dir ? dir : "");
	return buf_steal(&path);
}

int config_load(const struct cli *cli, struct json_object **ret, struct gantry_error *err)
{
	auto_free char *path = config_path(cli);
	auto_(buf) struct buf text = BUF_INIT;
	int r;

	if (!path) {
		return error_no_memory(err);
	}
	r = read_file(AT_FDCWD, path, &text, MAX_CONFIG);
	if (r == -ENOENT || r == -ENOTDIR) {
		return json_parse_object(NULL, path, ret, err);
	}
	if (r < 0) {
		return error_errno(err, -r, "cannot read %s", path);
	}
	return json_parse_object(buf_str(&text), path, ret, err);
}

int config_save(const struct cli *cli, struct json_object *config, struct gantry_error *err)
{
	auto_free char *path = config_path(cli);
	auto_free char *dir = config_dir(cli);
	auto_(buf) struct buf compact = BUF_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	int r;

	if (!path || !dir) {
		return error_no_memory(err);
	}
	json_print(config, &compact);
	json_indent(buf_str(&compact), compact.len, "", &text);
	r = make_dirs(AT_FDCWD, dir, 0700);
	if (r < 0) {
		return error_errno(err, -r, "cannot create the folder %s", dir);
	}
	r = write_file_atomic(AT_FDCWD, path, buf_str(&text), text.len, 0600, 1);
	return r < 0 ? error_errno(err, -r, "cannot write %s", path) : 0;
}
