/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/daemon/options.h"

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/json.h"

#define DEFAULT_JSON SYSCONFDIR "/gantry/daemon.json"
#define MAX_JSON (1 << 20)
#define LONG_BASE 256 /* getopt_long() values of options without a letter */

enum rule_type { RULE_TEXT, RULE_BOOL, RULE_LIST, RULE_NUMBER };

struct rule {
	const char *flag;
	const char *json; /* key in daemon.json; NULL: flag only */
	const char *setting; /* of the core; NULL: gantryd's own */
	const char *help;
	char letter;
	enum rule_type type;
	int (*check)(const char *text, const char *what, struct gantry_error *err); /* or NULL */
};

static const struct rule rules[OPTION_COUNT] = {
	[OPTION_HOST] = { "host", "hosts", NULL,
			  "listen on unix://PATH, tcp://HOST:PORT or fd://", 'H', RULE_LIST },
	[OPTION_ROOT] = { "root", "data-root", NULL, "folder of durable state", 0, RULE_TEXT },
	[OPTION_RUN_ROOT] = { "run-root", "exec-root", NULL, "folder of run-time state", 0,
			      RULE_TEXT },
	[OPTION_CONFIG_FILE] = { "config-file", NULL, NULL,
				 "daemon.json, or configuration in gantry's own syntax", 0, RULE_TEXT },
	[OPTION_PLUGIN_PATH] = { "plugin-path", "plugin-path", NULL,
				 "folders of plugins, separated by colons", 0, RULE_TEXT },
	[OPTION_PIDFILE] = { "pidfile", "pidfile", NULL, "write the process id here", 'p',
			     RULE_TEXT },
	[OPTION_LOG_LEVEL] = { "log-level", "log-level", NULL, "debug, info, warn, error or fatal",
			       'l', RULE_TEXT, check_level },
	[OPTION_DEBUG] = { "debug", "debug", NULL, "the same as --log-level debug", 'D', RULE_BOOL },
	[OPTION_GROUP] = { "group", "group", NULL, "group that owns the Unix sockets", 'G',
			   RULE_TEXT },
	[OPTION_MAX_CONNECTIONS] = { "max-connections", "max-connections", NULL,
				     "clients served at once (1024)", 0, RULE_NUMBER },
	[OPTION_SHUTDOWN_TIMEOUT] = { "shutdown-timeout", "shutdown-timeout", NULL,
				      "seconds that requests get when gantryd stops (10)", 0,
				      RULE_NUMBER },
	[OPTION_LIVE_RESTORE] = { "live-restore", "live-restore", NULL,
				  "accepted: containers always outlive gantryd", 0, RULE_BOOL },
	[OPTION_TLS] = { "tls", "tls", NULL, "TLS on tcp:// sockets", 0, RULE_BOOL },
	[OPTION_TLS_VERIFY] = { "tlsverify", "tlsverify", NULL,
				"TLS, and clients must show a certificate", 0, RULE_BOOL },
	[OPTION_TLS_CA] = { "tlscacert", "tlscacert", NULL,
			    "authority of the clients' certificates", 0, RULE_TEXT },
	[OPTION_TLS_CERT] = { "tlscert", "tlscert", NULL, "certificate of gantryd", 0, RULE_TEXT },
	[OPTION_TLS_KEY] = { "tlskey", "tlskey", NULL, "key of gantryd", 0, RULE_TEXT },
	[OPTION_REGISTRY_MIRROR] = { "registry-mirror", "registry-mirrors", "registry.mirrors",
				     "URL to ask before the default registry", 0, RULE_LIST, check_mirror },
	[OPTION_INSECURE_REGISTRY] = { "insecure-registry", "insecure-registries",
				       "registry.insecure",
				       "registry that may be spoken to without TLS: HOST[:PORT] or subnet", 0,
				       RULE_LIST, check_insecure },
	[OPTION_BIP] = { "bip", "bip", "network.default_subnet",
			 "gateway address and prefix of the default network", 0, RULE_TEXT, check_subnet },
	[OPTION_STORAGE_DRIVER] = { "storage-driver", "storage-driver", "storage.driver",
				    "storage driver", 's', RULE_TEXT },
	[OPTION_DEFAULT_RUNTIME] = { "default-runtime", "default-runtime", "runtime.driver",
				     "runtime driver of containers that name none", 0, RULE_TEXT },
	[OPTION_LOG_DRIVER] = { "log-driver", "log-driver", "log.driver",
				"log driver of containers that name none", 0, RULE_TEXT },
	[OPTION_LOG_OPT] = { "log-opt", "log-opts", "log.options", "its options, KEY=VALUE", 0,
			     RULE_LIST },
	[OPTION_DNS] = { "dns", "dns", "network.dns", "name server of containers", 0, RULE_LIST },
	[OPTION_DNS_SEARCH] = { "dns-search", "dns-search", "network.dns_search",
				"search domain of containers", 0, RULE_LIST },
	[OPTION_INIT] = { "init", "init", "container.init", "an init process in each container", 0,
			  RULE_BOOL },
	[OPTION_CGROUP_PARENT] = { "cgroup-parent", "cgroup-parent", "container.cgroup_parent",
				   "control group of all containers", 0, RULE_TEXT },
	[OPTION_SECCOMP_PROFILE] = { "seccomp-profile", "seccomp-profile", "container.seccomp",
				     "profile of containers that name none", 0, RULE_TEXT },
	[OPTION_AUTHORIZATION_PLUGIN] = { "authorization-plugin", "authorization-plugins",
					  "policy.drivers", "plugin that must allow each request", 0,
					  RULE_LIST },
	[OPTION_HELP] = { "help", NULL, NULL, "print this", 'h', RULE_BOOL },
	[OPTION_VERSION] = { "version", NULL, NULL, "print the version", 'v', RULE_BOOL },
};

/* Other names for the same, as dockerd has them. */
static const struct {
	const char *flag;
	enum option_id id;
} aliases[] = {
	{ "data-root", OPTION_ROOT },
	{ "exec-root", OPTION_RUN_ROOT },
};

static void values_clear(struct option_values *v)
{
	for (unsigned i = 0; i < v->n; i++) {
		free(v->items[i]);
	}
	free(v->items);
	*v = (struct option_values){ 0 };
}

static int values_add(struct option_values *v, const char *text, struct gantry_error *err)
{
	char **items = realloc(v->items, sizeof(*items) * (v->n + 2));
	char *copy = strdup(text);

	if (items) {
		v->items = items;
	}
	if (!items || !copy) {
		free(copy);
		return error_no_memory(err);
	}
	items[v->n++] = copy;
	items[v->n] = NULL;
	return 0;
}

static int is_bool_text(const char *text)
{
	return !strcmp(text, "true") || !strcmp(text, "false") || !strcmp(text, "1") ||
	       !strcmp(text, "0");
}

/* Adds a value given by `what`, or replaces the one there. */
static int set_value(struct options *o, enum option_id id, const char *text, const char *what,
		     struct gantry_error *err)
{
	const struct rule *rule = &rules[id];
	char *end = NULL;

	if (rule->type == RULE_BOOL && !is_bool_text(text)) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid value \"%s\" of %s: neither true nor "
				 "false", text, what);
	}
	if (rule->type == RULE_NUMBER && (!*text || strtol(text, &end, 10) < 0 || *end)) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid value \"%s\" of %s: not a number",
				 text, what);
	}
	if (rule->check && rule->check(text, what, err) < 0) {
		return err->code;
	}
	if (rule->type != RULE_LIST) {
		values_clear(&o->values[id]);
	}
	return values_add(&o->values[id], text, err);
}

/* getopt's tables, made from the rules. */
struct getopt_tables {
	struct option longs[OPTION_COUNT + ARRAY_SIZE(aliases) + 1];
	char shorts[OPTION_COUNT * 2 + 2];
};

static void make_tables(struct getopt_tables *t)
{
	char *letter = t->shorts;
	unsigned n = 0;

	*letter++ = ':';
	for (int id = 0; id < OPTION_COUNT; id++) {
		int has = rules[id].type == RULE_BOOL ? optional_argument : required_argument;

		t->longs[n++] = (struct option){ rules[id].flag, has, NULL, LONG_BASE + id };
		if (rules[id].letter) {
			*letter++ = rules[id].letter;
		}
		if (rules[id].letter && has == required_argument) {
			*letter++ = ':';
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		t->longs[n++] = (struct option){ aliases[i].flag, required_argument, NULL,
						 LONG_BASE + (int)aliases[i].id };
	}
	t->longs[n] = (struct option){ 0 };
	*letter = '\0';
}

static int id_of_letter(int letter)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		if (rules[id].letter && rules[id].letter == letter) {
			return id;
		}
	}
	return -1;
}

static int parse_flags(struct options *o, int argc, char **argv, struct gantry_error *err)
{
	struct getopt_tables tables;
	int c;

	make_tables(&tables);
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		int id = c >= LONG_BASE ? c - LONG_BASE : id_of_letter(c);
		char what[64];

		if (c == ':') {
			return error_set(err, GANTRY_ERR_INVALID, "flag needs an argument: %s",
					 argv[optind - 1]);
		}
		if (c == '?' || id < 0) {
			error_set(err, GANTRY_ERR_INVALID, "unknown flag: %s", argv[optind - 1]);
			return error_hint(err, "see `gantryd --help`");
		}
		snprintf(what, sizeof(what), "--%s", rules[id].flag);
		if (set_value(o, (enum option_id)id, optarg ? optarg : "true", what, err) < 0) {
			return err->code;
		}
		o->values[id].from_flags = 1;
	}
	if (optind < argc) {
		error_set(err, GANTRY_ERR_INVALID, "gantryd takes no arguments, but got \"%s\"",
			  argv[optind]);
		return error_hint(err, "see `gantryd --help`");
	}
	return 0;
}

static int id_of_json(const char *key)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		if (rules[id].json && !strcmp(rules[id].json, key)) {
			return id;
		}
	}
	return -1;
}

/* {"max-size":"10m"} as "max-size=10m", the way the flag says it. */
static int add_pairs(struct options *o, enum option_id id, struct json_object *object,
		     const char *what, struct gantry_error *err)
{
	json_object_object_foreach(object, key, value) {
		auto_(buf) struct buf pair = BUF_INIT;

		buf_addf(&pair, "%s=%s", key, json_object_get_string(value));
		if (set_value(o, id, buf_str(&pair), what, err) < 0) {
			return err->code;
		}
	}
	return 0;
}

static int set_from_json(struct options *o, enum option_id id, struct json_object *value,
			 const char *what, struct gantry_error *err)
{
	enum rule_type type = rules[id].type;
	enum json_type json = json_object_get_type(value);

	if (type == RULE_LIST && json == json_type_object) {
		return add_pairs(o, id, value, what, err);
	}
	if (type == RULE_LIST && json == json_type_array) {
		for (size_t i = 0; i < json_array_size(value); i++) {
			const char *text = json_item_string(value, i);

			if (!text) {
				return error_set(err, GANTRY_ERR_INVALID, "%s is not a list of strings", what);
			}
			if (set_value(o, id, text, what, err) < 0) {
				return err->code;
			}
		}
		return 0;
	}
	if ((type == RULE_TEXT && json == json_type_string) ||
	    (type == RULE_BOOL && json == json_type_boolean) ||
	    (type == RULE_NUMBER && json == json_type_int)) {
		return set_value(o, id, json_object_get_string(value), what, err);
	}
	return error_set(err, GANTRY_ERR_INVALID, "%s has the wrong type", what);
}

int options_read_json(struct options *o, const char *path, struct gantry_error *err)
{
	auto_(buf) struct buf text = BUF_INIT;
	auto_json struct json_object *file = NULL;
	int r = read_file(AT_FDCWD, path, &text, MAX_JSON);

	if (r < 0) {
		return error_errno(err, -r, "cannot read %s", path);
	}
	r = json_parse_object(buf_str(&text), path, &file, err);
	if (r < 0) {
		return r;
	}
	json_object_object_foreach(file, key, value) {
		int id = id_of_json(key);
		char what[512];

		snprintf(what, sizeof(what), "\"%.100s\" in %.300s", key, path);
		if (id < 0) {
			return error_set(err, GANTRY_ERR_INVALID, "unknown key %s", what);
		}
		if (!o->values[id].from_flags &&
		    set_from_json(o, (enum option_id)id, value, what, err) < 0) {
			return err->code;
		}
	}
	return 0;
}

/* One "key=value" per rule that concerns the core; lists joined by commas. */
static int make_settings(struct options *o, struct gantry_error *err)
{
	unsigned n = 0;

	o->settings = calloc(OPTION_COUNT + 1, sizeof(*o->settings));
	if (!o->settings) {
		return error_no_memory(err);
	}
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_values *v = &o->values[id];
		auto_(buf) struct buf text = BUF_INIT;

		if (!rules[id].setting || v->n == 0) {
			continue;
		}
		buf_addf(&text, "%s=", rules[id].setting);
		for (unsigned i = 0; i < v->n; i++) {
			buf_addf(&text, "%s%s", i ? "," : "", v->items[i]);
		}
		o->settings[n] = buf_steal(&text);
		if (!o->settings[n++]) {
			return error_no_memory(err);
		}
	}
	return 0;
}

static int is_json_file(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && !strcmp(dot, ".json");
}

int options_parse(int argc, char **argv, struct options *ret, struct gantry_error *err)
{
	const char *file;
	int r;

	*ret = (struct options){ 0 };
	r = parse_flags(ret, argc, argv, err);
	if (r < 0) {
		return r;
	}
	file = option_text(ret, OPTION_CONFIG_FILE);
	if (file && is_json_file(file)) {
		r = options_read_json(ret, file, err);
		values_clear(&ret->values[OPTION_CONFIG_FILE]);
	} else if (!file && access(DEFAULT_JSON, F_OK) == 0) {
		r = options_read_json(ret, DEFAULT_JSON, err);
	}
	return r < 0 ? r : make_settings(ret, err);
}

void options_done(struct options *o)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		values_clear(&o->values[id]);
	}
	for (char **p = o->settings; p && *p; p++) {
		free(*p);
	}
	free(o->settings);
	o->settings = NULL;
}

const char *option_text(const struct options *o, enum option_id id)
{
	const struct option_values *v = &o->values[id];

	return v->n ? v->items[v->n - 1] : NULL;
}

int option_bool(const struct options *o, enum option_id id)
{
	const char *text = option_text(o, id);

	return text && (*text == 't' || *text == '1');
}

int option_number(const struct options *o, enum option_id id, long fallback, long *ret,
		  struct gantry_error *err)
{
	const char *text = option_text(o, id);

	errno = 0;
	*ret = text ? strtol(text, NULL, 10) : fallback;
	if (errno || *ret > 1000000) {
		return error_set(err, GANTRY_ERR_INVALID, "--%s is too large", rules[id].flag);
	}
	return 0;
}

char *options_help(void)
{
	struct buf text = BUF_INIT;

	buf_adds(&text, "Usage: gantryd [OPTIONS]\n\nServes the Engine API of gantry.\n\nOptions:\n");
	for (int id = 0; id < OPTION_COUNT; id++) {
		char name[64];

		snprintf(name, sizeof(name), "%s%s", rules[id].flag,
			 rules[id].type == RULE_BOOL ? "" : " VALUE");
		if (rules[id].letter) {
			buf_addf(&text, "  -%c, --%-24s %s\n", rules[id].letter, name, rules[id].help);
		} else {
			buf_addf(&text, "      --%-24s %s\n", name, rules[id].help);
		}
	}
	return buf_steal(&text);
}
