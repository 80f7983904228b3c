/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine operation "plugin_manage": one door to packages.  Each row of the table
 * is a command; what it answers is its report.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/package/package.h"
#include "helpers/base64.h"
#include "helpers/cleanup.h"
#include "helpers/ed25519.h"
#include "helpers/error.h"

struct manage {
	struct core *core;
	const char *name;
	struct json_object *options;
	struct json_object *report; /* owned */
};

static const char *option(const struct manage *m, const char *key)
{
	return json_get_string(m->options, key);
}

static int need(const struct manage *m, const char *key, struct gantry_error *err)
{
	return option(m, key) ? 0 : error_set(err, GANTRY_ERR_INVALID, "%s is missing", key);
}

/* Opens where a package is and reads it. */
static int open_package(struct manage *m, struct place *place, struct package *p, struct gantry_error *err)
{
	int r = place_open(m->core, m->name, "pull", option(m, "Auth"), place, err);

	return r < 0 ? r : package_read(place, p, err);
}

static int manage_build(struct manage *m, struct gantry_error *err)
{
	auto_(place) struct place to = { 0 };
	int r = need(m, "To", err);

	if (r == 0) {
		r = place_open(m->core, option(m, "To"), "push", option(m, "Auth"), &to, err);
	}
	if (r == 0) {
		json_object_put(m->report);
		m->report = NULL;
		r = package_build(m->name, &to, &m->report, err);
	}
	return r < 0 ? r : place_close(&to, 1, err);
}

/* What a publisher signs: which package, with which key, when. */
static int manage_statement(struct manage *m, struct gantry_error *err)
{
	auto_(place) struct place from = { 0 };
	auto_(package) struct package p = { 0 };
	struct json_object *statement;
	int r = need(m, "Key", err);

	if (r == 0) {
		r = open_package(m, &from, &p, err);
	}
	if (r < 0) {
		return r;
	}
	statement = json_object_new_object();
	json_set_string(statement, "Manifest", p.digest);
	json_set_string(statement, "Name", json_get_string(p.config, "Name"));
	json_set_string(statement, "Version", json_get_string(p.config, "Version"));
	json_set_string(statement, "Key", option(m, "Key"));
	json_set_int(statement, "Time", (int64_t)time(NULL));
	json_set_string(m->report, "Statement", json_text(statement));
	json_object_put(statement);
	return 0;
}

static int take_signature(const struct manage *m, struct package *p, struct gantry_error *err)
{
	const char *text = option(m, "Signature");

	buf_clear(&p->statement_bytes);
	buf_clear(&p->signature);
	buf_adds(&p->statement_bytes, option(m, "Statement"));
	json_object_put(p->statement);
	p->statement = NULL;
	if (base64_decode(text, strlen(text), &p->signature) < 0 || p->signature.len != ED25519_SIGNATURE_SIZE) {
		return error_set(err, GANTRY_ERR_INVALID, "the signature is none");
	}
	return json_parse_object(buf_str(&p->statement_bytes), "the statement", &p->statement, err);
}

/* Puts a signature beside its package: in a registry under its name; an archive is written
 * again and replaced. */
static int manage_sign(struct manage *m, struct gantry_error *err)
{
	auto_(place) struct place from = { 0 }, to = { 0 };
	auto_(package) struct package p = { 0 };
	auto_free char *fresh = NULL;
	int r = need(m, "Statement", err);

	if (r == 0) {
		r = need(m, "Signature", err);
	}
	if (r == 0) {
		r = open_package(m, &from, &p, err);
	}
	if (r == 0) {
		r = take_signature(m, &p, err);
	}
	if (r < 0) {
		return r;
	}
	if (asprintf(&fresh, "%s%s", m->name, from.is_registry ? "" : ".signed.tar") < 0) {
		fresh = NULL;
		return error_no_memory(err);
	}
	r = place_open(m->core, fresh, "push", option(m, "Auth"), &to, err);
	if (r == 0) {
		r = package_copy(&p, &from, &to, from.is_registry ? to.reference : p.name, err);
	}
	if (r == 0) {
		r = place_close(&to, 1, err);
	}
	if (r == 0 && !from.is_registry && rename(fresh, m->name) < 0) {
		r = error_errno(err, errno, "cannot replace %s", m->name);
	}
	return r;
}

static int manage_push(struct manage *m, struct gantry_error *err)
{
	auto_(place) struct place from = { 0 }, to = { 0 };
	auto_(package) struct package p = { 0 };
	int r = need(m, "To", err);

	if (r == 0) {
		r = open_package(m, &from, &p, err);
	}
	if (r == 0) {
		r = place_open(m->core, option(m, "To"), "push", option(m, "Auth"), &to, err);
	}
	if (r == 0) {
		r = package_copy(&p, &from, &to, to.is_registry ? to.reference : p.name, err);
	}
	if (r == 0) {
		json_set_string(m->report, "Digest", p.digest);
		r = place_close(&to, 1, err);
	}
	return r;
}

static int manage_describe(struct manage *m, struct gantry_error *err)
{
	auto_(place) struct place from = { 0 };
	auto_(package) struct package p = { 0 };
	int r = open_package(m, &from, &p, err);

	json_object_put(m->report);
	m->report = NULL;
	return r < 0 ? r : package_describe(m->core, &p, option(m, "AllowUnsigned"), &m->report, err);
}

static int install(struct manage *m, int upgrade, struct gantry_error *err)
{
	auto_(place) struct place from = { 0 };
	auto_(package) struct package p = { 0 };
	const char *digest = option(m, "Digest");
	int r = open_package(m, &from, &p, err);

	/* What was shown is what is installed. */
	if (r == 0 && digest && strcmp(digest, p.digest) != 0) {
		r = error_set(err, GANTRY_ERR_CONFLICT, "%s changed while you looked at it", m->name);
	}
	if (r == 0) {
		json_object_put(m->report);
		m->report = NULL;
		r = package_install(m->core, &from, &p, json_get_array(m->options, "Granted"),
				    option(m, "AllowUnsigned"), upgrade, json_get_bool(m->options, "Enable", 1),
				    &m->report, err);
	}
	if (r == 0) {
		engine_event(m->core, "plugin", upgrade ? "upgrade" : "install", json_get_string(p.config, "Name"), NULL);
	}
	return r;
}

static int manage_install(struct manage *m, struct gantry_error *err)
{
	return install(m, 0, err);
}

static int manage_upgrade(struct manage *m, struct gantry_error *err)
{
	return install(m, 1, err);
}

static int announce(struct manage *m, const char *action, int r)
{
	if (r == 0) {
		engine_event(m->core, "plugin", action, m->name, NULL);
	}
	return r;
}

static int manage_enable(struct manage *m, struct gantry_error *err)
{
	return announce(m, "enable", installed_enable(m->core, m->name, 1, 0, err));
}

static int manage_disable(struct manage *m, struct gantry_error *err)
{
	return announce(m, "disable",
			installed_enable(m->core, m->name, 0, json_get_bool(m->options, "Force", 0), err));
}

static int manage_remove(struct manage *m, struct gantry_error *err)
{
	return announce(m, "remove", installed_remove(m->core, m->name, json_get_bool(m->options, "Force", 0), err));
}

static int manage_inspect(struct manage *m, struct gantry_error *err)
{
	json_object_put(m->report);
	m->report = NULL;
	return installed_find(m->core, m->name, &m->report, err);
}

static int manage_list(struct manage *m, struct gantry_error *err)
{
	json_object_put(m->report);
	m->report = NULL;
	return installed_list(m->core, &m->report, err);
}

static int manage_search_path(struct manage *m, struct gantry_error *err)
{
	return json_set_string(m->report, "Path", m->core->paths.plugin_path) < 0 ? error_no_memory(err) : 0;
}

static int change_trust(struct manage *m, int (*change)(struct core *, const char *, struct gantry_error *),
			struct gantry_error *err)
{
	auto_fd int lock = -1;
	int r = installed_lock(m->core, &lock, err);

	return r < 0 ? r : change(m->core, m->name, err);
}

static int manage_trust_revoke(struct manage *m, struct gantry_error *err)
{
	return change_trust(m, trust_revoke, err);
}

static int manage_trust_remove(struct manage *m, struct gantry_error *err)
{
	return change_trust(m, trust_remove, err);
}

static int manage_trust_add(struct manage *m, struct gantry_error *err)
{
	auto_fd int lock = -1;
	int r = need(m, "Key", err);

	if (r == 0) {
		r = installed_lock(m->core, &lock, err);
	}
	if (r == 0) {
		json_object_put(m->report);
		m->report = NULL;
		r = trust_add(m->core, m->name, option(m, "Key"), json_get_int(m->options, "Expires", 0), &m->report,
			      err);
	}
	return r;
}

static int manage_trust_list(struct manage *m, struct gantry_error *err)
{
	json_object_put(m->report);
	m->report = NULL;
	return trust_list(m->core, &m->report, err);
}

static const struct {
	const char *name;
	int (*run)(struct manage *m, struct gantry_error *err);
	int without_name;
} commands[] = {
	{ "build", manage_build, 0 },
	{ "describe", manage_describe, 0 },
	{ "disable", manage_disable, 0 },
	{ "enable", manage_enable, 0 },
	{ "inspect", manage_inspect, 0 },
	{ "install", manage_install, 0 },
	{ "list", manage_list, 1 },
	{ "push", manage_push, 0 },
	{ "remove", manage_remove, 0 },
	{ "search_path", manage_search_path, 1 },
	{ "sign", manage_sign, 0 },
	{ "statement", manage_statement, 0 },
	{ "trust_add", manage_trust_add, 0 },
	{ "trust_list", manage_trust_list, 1 },
	{ "trust_remove", manage_trust_remove, 0 },
	{ "trust_revoke", manage_trust_revoke, 0 },
	{ "upgrade", manage_upgrade, 0 },
};

ENGINE_OP(plugin_manage)
{
	auto_json struct json_object *options = NULL;
	struct manage m = { .core = self, .name = args->name };
	int r = json_parse_object(args->options, "options", &options, err);

	if (r < 0) {
		return r;
	}
	m.options = options;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, args->command) != 0) {
			continue;
		}
		if (!commands[i].without_name && (!m.name || !*m.name)) {
			return error_set(err, GANTRY_ERR_INVALID, "which plugin?");
		}
		m.report = json_object_new_object();
		r = commands[i].run(&m, err);
		if (r == 0) {
			r = gantry_engine_plugin_manage_set_report(reply, json_text(m.report)) < 0 ? error_no_memory(err) : 0;
		}
		json_object_put(m.report);
		return r;
	}
	return error_set(err, GANTRY_ERR_INVALID, "there is no command \"%.40s\" for plugins", args->command);
}
