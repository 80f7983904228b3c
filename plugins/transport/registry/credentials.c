/* SPDX-License-Identifier: Apache-2.0 */
/* The logins that `login` stored: config.json and credential helpers. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/credential_helper.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "registry.h"

#define CONFIG_LIMIT (1024 * 1024)

static int ask_helper(const char *name, const char *host, struct credentials *ret,
		      struct gantry_error *err)
{
	auto_(buf) struct buf answer = BUF_INIT;
	int ok, r = credential_helper_run(name, "get", host, &answer, &ok, err);

	if (r < 0)
		return error_prefix(err, "cannot get the credentials of %s", host);
	/* It exits with an error when it has none: then nobody is logged in. */
	if (!ok)
		return 0;
	r = credentials_from_helper(buf_str(&answer), answer.len, ret, err);
	if (answer.data)
		explicit_bzero(answer.data, answer.len);
	return r < 0 ? error_prefix(err, "docker-credential-%s", name) : 0;
}

static char *config_path(void)
{
	const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
	struct passwd *pw;
	char *path = NULL;

	if (dir && *dir)
		return asprintf(&path, "%s/config.json", dir) < 0 ? NULL : path;
	if (!home || !*home) {
		pw = getpwuid(getuid());
		home = pw ? pw->pw_dir : "/";
	}
	return asprintf(&path, "%s/.docker/config.json", home) < 0 ? NULL : path;
}

/* Docker's clients keep logins to its hub under an address that was its first. */
static const char *key_of(const char *host)
{
	int is_hub = !strcasecmp(host, "docker.io") || !strcasecmp(host, "index.docker.io");

	return is_hub ? "https://index.docker.io/v1/" : host;
}

int credentials_load(const char *host, struct credentials *ret, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_json struct json_object *config = NULL;
	auto_free char *path = config_path();
	const char *helper;
	int r;

	if (!path)
		return error_no_memory(err);
	r = read_file(AT_FDCWD, path, &text, CONFIG_LIMIT);
	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		return 0;
	if (r < 0)
		return error_errno(err, -r, "cannot read %s", path);
	r = json_parse_object(buf_str(&text), path, &config, err);
	if (r == 0)
		r = credentials_from_config(config, key_of(host), ret, &helper, err);
	if (r == 0 && helper)
		r = ask_helper(helper, key_of(host), ret, err);
	return r;
}
