/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auth/token: "Authorization: Bearer TOKEN".  The file of tokens holds no token but its
 * SHA-256, one line for each:
 *
 *     USER SHA256 [read-only] [administrator] [group=NAME]...
 *
 * It is read at each request that carries a token, so a removed line counts at once.
 * Nothing is kept between requests.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gantry/auth.h>
#include <gantry/plugin.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/digest.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define FILE_MAX ((size_t)1 << 20)
#define TOKEN_MAX 1024

/* A file that others may write would let them in. */
static int read_tokens(const char *path, struct buf *ret, struct gantry_error *err)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0) {
		return error_errno(err, errno, "cannot read the tokens in %s", path);
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		error_set(err, GANTRY_ERR_PERMISSION, "the tokens in %s may be written by others", path);
		return error_hint(err, "chmod 600 %s", path);
	}
	r = read_to_end(fd, ret, FILE_MAX);
	return r < 0 ? error_errno(err, -r, "cannot read the tokens in %s", path) : 0;
}

/* Takes the same time wherever they differ. */
static int same_digest(const char *a, const char *b)
{
	unsigned char differ = 0;

	for (int i = 0; i < 64; i++) {
		differ |= (unsigned char)(a[i] ^ b[i]);
	}
	return differ == 0;
}

static int add_word(const char *word, struct gantry_reply *reply)
{
	if (!strcmp(word, "read-only")) {
		return gantry_auth_identify_set_read_only(reply, 1);
	}
	if (!strcmp(word, "administrator")) {
		return gantry_auth_identify_set_administrator(reply, 1);
	}
	return strncmp(word, "group=", 6) ? 0 : gantry_auth_identify_add_groups(reply, word + 6);
}

/* 1: the line is of this token, and the reply says so; 0: it is not. */
static int match_line(char *line, const char *hex, struct gantry_reply *reply)
{
	char *save = NULL;
	char *user = strtok_r(line, " \t", &save);
	char *digest = user ? strtok_r(NULL, " \t", &save) : NULL;
	int r;

	if (!digest || *user == '#' || strlen(digest) != 64 || !same_digest(digest, hex)) {
		return 0;
	}
	r = gantry_auth_identify_set_decision(reply, "known");
	if (r == 0) {
		r = gantry_auth_identify_set_user(reply, user);
	}
	if (r == 0) {
		r = gantry_auth_identify_set_auth(reply, "token");
	}
	for (char *word; r == 0 && (word = strtok_r(NULL, " \t\r", &save));) {
		r = add_word(word, reply);
	}
	return r < 0 ? r : 1;
}

static int refuse(struct gantry_reply *reply, const char *reason, struct gantry_error *err)
{
	int r = gantry_auth_identify_set_decision(reply, "refused");

	if (r == 0) {
		r = gantry_auth_identify_set_reason(reply, reason);
	}
	if (r == 0) {
		r = gantry_auth_identify_set_challenge(reply, "Bearer realm=\"gantry\"");
	}
	return r < 0 ? error_no_memory(err) : 0;
}

static int check_token(const char *path, const char *token, struct gantry_reply *reply,
		       struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	char digest[DIGEST_TEXT_MAX];
	char *save = NULL;
	int r = read_tokens(path, &text, err);

	if (r == 0) {
		r = digest_of(token, strlen(token), digest, err);
	}
	if (r < 0) {
		return r;
	}
	for (char *line = text.len ? strtok_r(text.data, "\n", &save) : NULL; line && r == 0;
	     line = strtok_r(NULL, "\n", &save)) {
		r = match_line(line, digest + strlen("sha256:"), reply);
	}
	if (r < 0) {
		return error_no_memory(err);
	}
	return r ? 0 : refuse(reply, "the token is not known here", err);
}

static int token_identify(void *self, const struct gantry_auth_identify_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *headers = NULL;
	const char *header;
	int r = json_parse_object(args->headers, "headers", &headers, err);

	if (r < 0) {
		return r;
	}
	header = json_get_string(headers, "authorization");
	if (!header || strncasecmp(header, "Bearer", 6) || (header[6] && header[6] != ' ')) {
		r = gantry_auth_identify_set_decision(reply, "unknown");
		return r < 0 ? error_no_memory(err) : 0;
	}
	header += 6 + strspn(header + 6, " ");
	if (!*header || strlen(header) > TOKEN_MAX) {
		return refuse(reply, "the token is empty, or too long", err);
	}
	return check_token(json_get_string(self, "file"), header, reply, err);
}

static int token_open(const struct gantry_host *host, const char *config, void **ret_self,
		      struct gantry_error *err)
{
	auto_json struct json_object *parsed = NULL;
	int r = json_parse_object(config, "configuration of auth driver token", &parsed, err);

	(void)host;
	if (r == 0 && !json_get_string(parsed, "file")) {
		error_set(err, GANTRY_ERR_INVALID, "no file of tokens is configured");
		return error_hint(err, "set drivers.auth.token.file");
	}
	if (r == 0) {
		*ret_self = steal(&parsed);
	}
	return r;
}

static void token_close(void *self)
{
	json_object_put(self);
}

static const struct gantry_auth_ops ops = {
	.struct_size = sizeof(ops),
	.identify = token_identify,
};

static const struct gantry_config_key keys[] = {
	{ "file", GANTRY_TYPE_STRING, 0, NULL, "lines USER SHA256 [read-only] [administrator] [group=NAME]" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "auth",
	.name = "token",
	.summary = "Bearer tokens of a file",
	.ops = &ops,
	.config = keys,
	.open = token_open,
	.close = token_close,
};

static const struct gantry_driver *const drivers[] = { &driver, NULL };

GANTRY_PLUGIN(.name = "auth-token", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = drivers);
