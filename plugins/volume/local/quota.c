/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/project_quota.h"
#include "quota.h"

#define FIRST_PROJECT 0x68000000u /* away from administrators' and from storage's */
#define N_PROJECTS 0x100000u
#define MAX_TRIES 64

static int unsupported(int sys_errno, const char *name, struct gantry_error *err)
{
	error_set(err, GANTRY_ERR_UNSUPPORTED,
		  "cannot limit the size of volume %s: its filesystem has no project quotas (%s)", name,
		  strerror(sys_errno));
	return error_hint(err, "mount the filesystem with the option prjquota, or use "
			       "type=tmpfs with o=size=...");
}

/* Takes a free project id; its record in the store says whose it is. */
static int take_project(const struct gantry_host *host, const char *name, uint32_t *ret,
			struct gantry_error *err)
{
	const struct gantry_store_service *store = gantry_service(host, "store");
	uint32_t hash = 2166136261u;

	if (!store) {
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "the host has no store for project ids");
	}
	for (const char *p = name; *p; p++) {
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	}
	for (uint32_t i = 0; i < MAX_TRIES; i++) {
		struct gantry_error why = GANTRY_ERROR_INIT;
		uint32_t project = FIRST_PROJECT + (hash + i) % N_PROJECTS;
		char key[32];
		int r;

		snprintf(key, sizeof(key), "project/%u", project);
		r = store->put_new(host, key, name, &why);
		if (r == 0) {
			*ret = project;
			return 0;
		}
		if (r != GANTRY_ERR_EXISTS) {
			*err = why;
			return r;
		}
	}
	return error_set(err, GANTRY_ERR_NO_SPACE, "no project id is free for volume %s", name);
}

int quota_set(const struct gantry_host *host, int volume, const char *name, int64_t bytes,
	      struct gantry_error *err)
{
	uint32_t project;
	char text[16];
	int r = project_quota_set_limit(volume, FIRST_PROJECT - 1, 0);

	if (r < 0) {
		return unsupported(-r, name, err);
	}
	r = take_project(host, name, &project, err);
	if (r < 0) {
		return r;
	}
	snprintf(text, sizeof(text), "%u", project);
	r = write_file_atomic(volume, "project", text, strlen(text), 0600, 0);
	if (r == 0) {
		r = project_quota_set_limit(volume, project, bytes);
	}
	if (r == 0) {
		r = project_quota_assign(volume, "_data", project);
	}
	if (r < 0) {
		quota_drop(host, volume);
		return unsupported(-r, name, err);
	}
	return 0;
}

void quota_drop(const struct gantry_host *host, int volume)
{
	const struct gantry_store_service *store = gantry_service(host, "store");
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_(buf) struct buf text = BUF_INIT;
	char key[32];

	if (read_file(volume, "project", &text, 32) < 0) {
		return;
	}
	(void)project_quota_set_limit(volume, (uint32_t)strtoul(buf_str(&text), NULL, 10), 0);
	snprintf(key, sizeof(key), "project/%.16s", buf_str(&text));
	if (store) {
		(void)store->remove(host, key, &ignored);
	}
}
