/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <helpers/buf.h>
#include <helpers/cleanup.h>
#include <helpers/error.h>
#include <helpers/io.h>

#include "cgroup.h"
#include "dbus.h"
#include "resources.h"
#include "systemd.h"
#include "systemd_property.h"

#define MAX_CPU 8192

/* The system's manager serves root alone; root of a user namespace is a user. */
static bool is_user(void)
{
	auto_(buf) struct buf map = BUF_INIT;
	unsigned inside, outside, size;

	if (geteuid() != 0)
		return true;
	if (read_file(AT_FDCWD, "/proc/self/uid_map", &map, 4096) < 0)
		return false;
	return sscanf(buf_str(&map), "%u %u %u", &inside, &outside, &size) != 3 || outside != 0 ||
	       size != UINT32_MAX;
}

static bool is_unit_name(const char *s)
{
	return s[0] && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			       ":-_.\\@") == strlen(s);
}

int systemd_scope_name(const char *requested, const char *id, char *ret_slice, char *ret_scope,
		       size_t size, struct gantry_error *err)
{
	const char *p, *q;
	int n;

	snprintf(ret_slice, size, "%s", is_user() ? "user.slice" : "system.slice");
	if (requested && requested[0]) {
		p = strchr(requested, ':');
		q = p ? strchr(p + 1, ':') : NULL;
		if (!q || strchr(q + 1, ':')) {
			error_set(err, GANTRY_ERR_INVALID,
				  "config.json: linux.cgroupsPath: \"%s\" is not SLICE:PREFIX:NAME",
				  requested);
			return error_hint(err, "that form is needed with --systemd-cgroup");
		}
		if (strlen(q + 1) > 6 && !strcmp(q + strlen(q) - 6, ".slice"))
			return error_set(err, GANTRY_ERR_UNSUPPORTED,
					 "config.json: linux.cgroupsPath: a slice (%s) cannot be a "
					 "container's unit", q + 1);
		if (p > requested)
			snprintf(ret_slice, size, "%.*s", (int)(p - requested), requested);
		n = snprintf(ret_scope, size, "%.*s%s%s.scope", (int)(q - p - 1), p + 1,
			     q == p + 1 ? "" : "-", q + 1);
	} else {
		n = snprintf(ret_scope, size, "gantry-%s.scope", id);
	}
	if (n < 0 || (size_t)n >= size || n > 255 || !is_unit_name(ret_scope) ||
	    !is_unit_name(ret_slice) || strlen(ret_slice) < 7 ||
	    strcmp(ret_slice + strlen(ret_slice) - 6, ".slice"))
		return error_set(err, GANTRY_ERR_INVALID,
				 "config.json: linux.cgroupsPath: \"%s\" names no slice and scope",
				 requested ? requested : id);
	return 0;
}

static void put_name(struct buf *b, const char *name, const char *signature)
{
	dbus_align(b, 8);
	dbus_put_string(b, name);
	dbus_put_signature(b, signature);
}

static void put_text(struct buf *b, const char *name, const char *value)
{
	put_name(b, name, "s");
	dbus_put_string(b, value);
}

static void put_bool(struct buf *b, const char *name, bool value)
{
	put_name(b, name, "b");
	dbus_put_u32(b, value);
}

/* What is not set is left out; -1 is "infinity". */
static void put_limit(struct buf *b, const char *name, int64_t value)
{
	if (value == UNSET || value == 0)
		return;
	put_name(b, name, "t");
	dbus_put_u64(b, value < 0 ? UINT64_MAX : (uint64_t)value);
}

/* "0-2,5" as a bit for each. */
static void put_cpus(struct buf *b, const char *name, const char *list)
{
	unsigned char bits[MAX_CPU / 8] = { 0 };
	size_t used = 0, mark;

	for (const char *p = list; p && *p;) {
		char *end;
		unsigned long from = strtoul(p, &end, 10), to = from;

		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to && from < MAX_CPU; from++) {
			bits[from / 8] |= (unsigned char)(1 << from % 8);
			if (from / 8 >= used)
				used = from / 8 + 1;
		}
		if (*end != ',' && *end)
			return; /* the control group's file will refuse it with a reason */
		p = end + (*end == ',');
	}
	if (!used)
		return;
	put_name(b, name, "ay");
	mark = dbus_begin_array(b, 1);
	buf_add(b, bits, used);
	dbus_end_array(b, mark, 1);
}

static void put_quota(struct buf *b, const struct resources *res)
{
	int64_t period = res->cpu.period > 0 ? res->cpu.period : 100000;

	if (res->cpu.quota == UNSET && res->cpu.period <= 0)
		return;
	put_name(b, "CPUQuotaPeriodUSec", "t");
	dbus_put_u64(b, (uint64_t)period);
	put_name(b, "CPUQuotaPerSecUSec", "t");
	/* systemd wants whole hundredths of a processor */
	dbus_put_u64(b, res->cpu.quota > 0
				? (uint64_t)((res->cpu.quota * 1000000 / period + 9999) / 10000 * 10000)
				: UINT64_MAX);
}

static void put_limits(struct buf *b, const struct resources *res)
{
	int64_t extra = UNSET;

	if (!res)
		return;
	put_limit(b, "MemoryMax", res->memory.limit);
	put_limit(b, "MemoryLow", res->memory.reservation);
	if (res->memory.swap > 0 && res->memory.limit > 0)
		extra = res->memory.swap - res->memory.limit;
	if (extra != UNSET) {
		put_name(b, "MemorySwapMax", "t");
		dbus_put_u64(b, (uint64_t)extra);
	}
	put_limit(b, "TasksMax", res->pids_limit);
	if (res->cpu.shares > 0)
		put_limit(b, "CPUWeight", cgroup_weight_of_shares(res->cpu.shares));
	put_quota(b, res);
	put_cpus(b, "AllowedCPUs", res->cpu.cpus);
	put_cpus(b, "AllowedMemoryNodes", res->cpu.mems);
}

static int call_error(struct dbus_message *m, const char *member, struct gantry_error *err)
{
	const char *text = dbus_read_string(m);
	bool exists = m->error_name && strstr(m->error_name, "UnitExists");
	bool missing = m->error_name && strstr(m->error_name, "NoSuchUnit");

	return error_set(err, exists ? GANTRY_ERR_EXISTS : missing ? GANTRY_ERR_NOT_FOUND
								   : GANTRY_ERR_UNAVAILABLE,
			 "systemd refuses %s: %s", member, text ? text : "no reason given");
}

/* Calls and, when the answer is a job, waits until that job has left the queue. */
static int call(struct dbus *d, const char *member, const char *signature, const struct buf *body,
		const char *unit, struct gantry_error *err)
{
	auto_(dbus_message) struct dbus_message m = DBUS_MESSAGE_INIT;
	bool answered = false, ended = unit == NULL;
	uint32_t serial;
	int r = dbus_send_call(d, member, signature, body, err);

	serial = d->serial;
	while (r == 0 && !(answered && ended)) {
		const char *name, *result;

		r = dbus_receive(d, &m, err);
		if (r < 0)
			break;
		if (m.type == DBUS_ERROR && m.reply_to == serial)
			return call_error(&m, member, err);
		answered = answered || (m.type == DBUS_REPLY && m.reply_to == serial);
		if (m.type != DBUS_SIGNAL || !m.member || strcmp(m.member, "JobRemoved"))
			continue;
		dbus_skip_u32(&m);
		(void)dbus_read_string(&m);
		name = dbus_read_string(&m);
		result = dbus_read_string(&m);
		if (!unit || !name || strcmp(name, unit))
			continue;
		if (!result || strcmp(result, "done"))
			return error_set(err, GANTRY_ERR_UNAVAILABLE, "systemd: %s of %s: %s",
					 member, unit, result ? result : "no result");
		ended = true;
	}
	return r;
}

/* Where systemd has put the process: in version 2, or in its own hierarchy. */
static int read_group(pid_t pid, char *ret, size_t size, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	char path[64];
	const char *at;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	r = read_file(AT_FDCWD, path, &text, 1 << 16);
	if (r < 0)
		return error_errno(err, -r, "cannot read %s", path);
	at = strstr(buf_str(&text), ":name=systemd:");
	if (at)
		at += strlen(":name=systemd:");
	else if ((at = strstr(buf_str(&text), "0::")))
		at += 3;
	if (!at || strcspn(at, "\n") >= size)
		return error_set(err, GANTRY_ERR_UNSUPPORTED, "systemd has no control groups here");
	snprintf(ret, size, "%.*s", (int)strcspn(at, "\n"), at);
	return 0;
}

int systemd_start_scope(const char *slice, const char *scope, const char *id, pid_t pid,
			const struct resources *res, struct json_object *annotations,
			char *ret_path, size_t size, struct gantry_error *err)
{
	auto_(dbus) struct dbus d = DBUS_INIT;
	auto_(buf) struct buf b = BUF_INIT;
	char description[320];
	size_t properties, pids, others;
	int r = dbus_connect(&d, is_user(), err);

	if (r < 0)
		return r;
	dbus_put_string(&b, scope);
	dbus_put_string(&b, "replace");
	properties = dbus_begin_array(&b, 8);
	snprintf(description, sizeof(description), "gantry container %s", id);
	put_text(&b, "Description", description);
	put_text(&b, "Slice", slice);
	put_text(&b, "CollectMode", "inactive-or-failed");
	put_bool(&b, "Delegate", true);
	put_bool(&b, "DefaultDependencies", false);
	put_name(&b, "PIDs", "au");
	pids = dbus_begin_array(&b, 4);
	dbus_put_u32(&b, (uint32_t)pid);
	dbus_end_array(&b, pids, 4);
	put_limits(&b, res);
	r = systemd_put_annotations(&b, annotations, err);
	if (r < 0)
		return r;
	dbus_end_array(&b, properties, 8);
	others = dbus_begin_array(&b, 8);
	dbus_end_array(&b, others, 8);
	r = call(&d, "StartTransientUnit", "ssa(sv)a(sa(sv))", &b, scope, err);
	return r < 0 ? r : read_group(pid, ret_path, size, err);
}

int systemd_update_scope(const char *scope, const struct resources *res, struct gantry_error *err)
{
	auto_(dbus) struct dbus d = DBUS_INIT;
	auto_(buf) struct buf b = BUF_INIT;
	size_t properties;
	int r = dbus_connect(&d, is_user(), err);

	if (r < 0)
		return r;
	dbus_put_string(&b, scope);
	dbus_put_u32(&b, true); /* until the next boot */
	properties = dbus_begin_array(&b, 8);
	put_limits(&b, res);
	dbus_end_array(&b, properties, 8);
	return call(&d, "SetUnitProperties", "sba(sv)", &b, NULL, err);
}

int systemd_stop_scope(const char *scope, struct gantry_error *err)
{
	auto_(dbus) struct dbus d = DBUS_INIT;
	auto_(buf) struct buf b = BUF_INIT;
	int r = dbus_connect(&d, is_user(), err);

	if (r < 0)
		return r;
	dbus_put_string(&b, scope);
	dbus_put_string(&b, "replace");
	r = call(&d, "StopUnit", "ss", &b, scope, err);
	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		r = 0;
	}
	return r;
}
