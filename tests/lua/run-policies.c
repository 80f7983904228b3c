/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks every policy of a folder: its own tests pass, the lint has nothing to
 * say, and it is short.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "lua/policy/policy.h"
#include "lua/policy/test.h"

#define LINES_MAX 60

static int count_lines(const struct buf *text)
{
	int n = 0;
	size_t i;

	for (i = 0; i < text->len; i++) {
		n += text->data[i] == '\n';
	}
	return n;
}

static int check_tests(const char *folder, const char *name, const struct buf *text)
{
	struct policy_limits limits = { 0 };
	struct gantry_error err = GANTRY_ERROR_INIT;
	json_object *report = NULL;
	struct buf tests = BUF_INIT;
	char path[4096];
	int64_t passed;
	int r;

	snprintf(path, sizeof(path), "%s/%s_test.lua", folder, name);
	(void)read_file(-100, path, &tests, 1 << 20);
	r = policy_test(&limits, name, buf_str(text), text->len, buf_str(&tests), tests.len, &report,
			&err);
	passed = json_get_int(report, "passed", 0);
	printf("%s %s: %lld tests passed%s%s\n", r == 0 && passed ? "ok" : "not ok", name,
	       (long long)passed, r < 0 ? "; " : "", r < 0 ? err.message : "");
	json_object_put(report);
	buf_done(&tests);
	return r < 0 || passed == 0;
}

static int check_lint(const char *name, const struct buf *text)
{
	struct policy_limits limits = { 0 };
	struct gantry_error err = GANTRY_ERROR_INIT;
	json_object *findings = NULL;
	int bad;

	if (policy_check(&limits, name, buf_str(text), text->len, &findings, &err) < 0) {
		printf("not ok %s: %s\n", name, err.message);
		return 1;
	}
	bad = json_array_size(findings) > 0;
	if (bad) {
		printf("not ok %s: %s\n", name, json_text(findings));
	}
	json_object_put(findings);
	return bad;
}

static int is_policy(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 4 && strcmp(entry->d_name + len - 4, ".lua") == 0 &&
	       !strstr(entry->d_name, "_test.lua");
}

int main(int argc, char **argv)
{
	const char *top = getenv("srcdir") ? getenv("srcdir") : ".";
	auto_free char *folder = NULL;
	struct dirent **entries = NULL;
	int i, n, failed = 0;

	if ((argc > 1 ? asprintf(&folder, "%s", argv[1]) :
			asprintf(&folder, "%s/lua/policies", top)) < 0) {
		return 1;
	}
	n = scandir(folder, &entries, is_policy, alphasort);
	if (n < 0) {
		printf("not ok cannot read the folder %s: %s\n", folder, strerror(errno));
		return 1;
	}
	for (i = 0; i < n; i++) {
		struct buf text = BUF_INIT;
		char path[4096], name[256];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		snprintf(name, sizeof(name), "%.*s", (int)strlen(entries[i]->d_name) - 4,
			 entries[i]->d_name);
		if (read_file(-100, path, &text, 1 << 20) < 0 || count_lines(&text) >= LINES_MAX) {
			printf("not ok %s: unreadable, or %d lines and more\n", name, LINES_MAX);
			failed++;
		} else {
			failed += check_tests(folder, name, &text) + check_lint(name, &text);
		}
		buf_done(&text);
		free(entries[i]);
	}
	free(entries);
	return n < 1 || failed;
}
