/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and checking an audit log.  Only the frame of each line is read here;
 * its members are text under the hash.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"

#include "lua/policy/audit-line.h"
#include "lua/policy/audit.h"

static int is_hash(const char *text)
{
	int i;

	for (i = 0; i < AUDIT_HASH - 1; i++) {
		if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) {
			return 0;
		}
	}
	return 1;
}

int audit_line_parse(const char *text, size_t len, struct audit_line *ret)
{
	static const char start[] = "{\"seq\":", prev[] = ",\"prev\":\"";
	size_t end = sizeof(AUDIT_HASH_MEMBER) - 1 + AUDIT_HASH - 1 + 2;
	char number[24] = "", computed[AUDIT_HASH], *after;
	const char *p;

	if (len < 200 || memcmp(text, start, sizeof(start) - 1) != 0) {
		return -1;
	}
	memcpy(number, text + sizeof(start) - 1, sizeof(number) - 1);
	ret->seq = strtoll(number, &after, 10);
	p = text + sizeof(start) - 1 + (after - number);
	if (memcmp(p, prev, sizeof(prev) - 1) != 0 || !is_hash(p + sizeof(prev) - 1)) {
		return -1;
	}
	memcpy(ret->prev, p + sizeof(prev) - 1, AUDIT_HASH - 1);
	ret->prev[AUDIT_HASH - 1] = '\0';
	ret->hashed = len - end;
	p = text + ret->hashed;
	if (memcmp(p, AUDIT_HASH_MEMBER, sizeof(AUDIT_HASH_MEMBER) - 1) != 0 ||
	    !is_hash(p + sizeof(AUDIT_HASH_MEMBER) - 1) || memcmp(text + len - 2, "\"}", 2) != 0) {
		return -1;
	}
	memcpy(ret->hash, p + sizeof(AUDIT_HASH_MEMBER) - 1, AUDIT_HASH - 1);
	ret->hash[AUDIT_HASH - 1] = '\0';
	audit_line_hash(text, ret->hashed, computed);
	return strcmp(computed, ret->hash) == 0 ? 0 : -1;
}

int audit_read(const char *path,
	       int (*line)(void *arg, int64_t number, const char *text, size_t len,
			   struct gantry_error *err),
	       void *arg, struct gantry_error *err)
{
	auto_file FILE *file = fopen(path, "re");
	auto_free char *text = NULL;
	size_t cap = 0;
	int64_t number = 0;
	ssize_t len;
	int r;

	if (!file) {
		return error_errno(err, errno, "cannot read the audit log %s", path);
	}
	while ((len = getline(&text, &cap, file)) > 0) {
		if (text[len - 1] == '\n') {
			len--;
		}
		text[len] = '\0';
		r = line(arg, ++number, text, (size_t)len, err);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

struct verify {
	struct audit_report *report;
	struct audit_head head;
	int has_head;
	int head_seen;
	char last[AUDIT_HASH];
};

static int bad(struct verify *verify, int64_t number, const char *problem,
	       struct gantry_error *err)
{
	verify->report->bad_line = number;
	snprintf(verify->report->problem, sizeof(verify->report->problem), "%s", problem);
	return error_set(err, GANTRY_ERR_CORRUPT, "line %lld: %s", (long long)number, problem);
}

static int verify_line(void *arg, int64_t number, const char *text, size_t len,
		       struct gantry_error *err)
{
	struct verify *verify = arg;
	struct audit_line line;

	if (audit_line_parse(text, len, &line) < 0) {
		return bad(verify, number, "the line was changed: its hash does not fit", err);
	}
	if (line.seq != number) {
		return bad(verify, number, line.seq > number ? "a line before this one is missing" :
							       "the line is out of place", err);
	}
	if (strcmp(line.prev, verify->last) != 0) {
		return bad(verify, number, "the line before this one was replaced", err);
	}
	memcpy(verify->last, line.hash, AUDIT_HASH);
	verify->report->lines = number;
	if (verify->has_head && line.seq == verify->head.seq) {
		verify->head_seen = 1;
		if (strcmp(line.hash, verify->head.hash) != 0) {
			return bad(verify, number, "the log was written anew: the head names "
				   "another line", err);
		}
	}
	return 0;
}

static void read_head(const char *path, struct verify *verify)
{
	char name[4096];
	auto_fd int fd = -1;

	snprintf(name, sizeof(name), "%s.head", path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	verify->has_head = fd >= 0 && read_full(fd, &verify->head, sizeof(verify->head)) ==
				      (ssize_t)sizeof(verify->head) && verify->head.seq > 0;
	verify->head.hash[AUDIT_HASH - 1] = '\0';
}

int audit_verify(const char *path, struct audit_report *ret, struct gantry_error *err)
{
	struct verify verify;
	int r;

	memset(&verify, 0, sizeof(verify));
	memset(ret, 0, sizeof(*ret));
	memcpy(verify.last, AUDIT_FIRST, AUDIT_HASH);
	verify.report = ret;
	read_head(path, &verify);
	r = audit_read(path, verify_line, &verify, err);
	if (r < 0) {
		return error_prefix(err, "audit log %s", path);
	}
	if (verify.has_head && !verify.head_seen) {
		bad(&verify, ret->lines + 1, "lines at the end are missing", err);
		return error_prefix(err, "audit log %s", path);
	}
	if (!verify.has_head && ret->lines > 0) {
		bad(&verify, ret->lines, "its .head file is missing: lines may be cut off", err);
		return error_prefix(err, "audit log %s", path);
	}
	return 0;
}
