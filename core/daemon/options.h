/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gantryd's flags and its daemon.json, which say the same things: dockerd's that
 * matter, and gantry's own.  What concerns the engine becomes settings of the
 * core; flags win over the file.
 */
#ifndef CORE_DAEMON_OPTIONS_H
#define CORE_DAEMON_OPTIONS_H

#include <gantry/error.h>

enum option_id {
	OPTION_HOST,
	OPTION_ROOT,
	OPTION_RUN_ROOT,
	OPTION_CONFIG_FILE,
	OPTION_PLUGIN_PATH,
	OPTION_PIDFILE,
	OPTION_LOG_LEVEL,
	OPTION_DEBUG,
	OPTION_GROUP,
	OPTION_MAX_CONNECTIONS,
	OPTION_SHUTDOWN_TIMEOUT,
	OPTION_LIVE_RESTORE,
	OPTION_TLS,
	OPTION_TLS_VERIFY,
	OPTION_TLS_CA,
	OPTION_TLS_CERT,
	OPTION_TLS_KEY,
	OPTION_REGISTRY_MIRROR,
	OPTION_INSECURE_REGISTRY,
	OPTION_BIP,
	OPTION_STORAGE_DRIVER,
	OPTION_DEFAULT_RUNTIME,
	OPTION_LOG_DRIVER,
	OPTION_LOG_OPT,
	OPTION_DNS,
	OPTION_DNS_SEARCH,
	OPTION_INIT,
	OPTION_CGROUP_PARENT,
	OPTION_SECCOMP_PROFILE,
	OPTION_AUTHORIZATION_PLUGIN,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COUNT,
};

struct option_values {
	char **items; /* NULL-terminated, owned; NULL when there is none */
	unsigned n;
	int from_flags;
};

struct options {
	struct option_values values[OPTION_COUNT];
	char **settings; /* for struct core_options; NULL-terminated, owned */
};

/* Reads flags, then the daemon.json that they or the default name.  INVALID
 * names the flag, or the file and key. */
int options_parse(int argc, char **argv, struct options *ret, struct gantry_error *err);
/* A daemon.json over what is there; flags given keep their values. */
int options_read_json(struct options *o, const char *path, struct gantry_error *err);
void options_done(struct options *o);

/* The last value, or NULL. */
const char *option_text(const struct options *o, enum option_id id);
int option_bool(const struct options *o, enum option_id id);
int option_number(const struct options *o, enum option_id id, long fallback, long *ret,
		  struct gantry_error *err);

/* Is it a value that --registry-mirror, --insecure-registry, --bip, --log-level can have (check.c)?  what:
 * where it was written. */
int check_mirror(const char *text, const char *what, struct gantry_error *err);
int check_insecure(const char *text, const char *what, struct gantry_error *err);
int check_subnet(const char *text, const char *what, struct gantry_error *err);
int check_level(const char *text, const char *what, struct gantry_error *err);

/* The text of --help; the caller frees it, NULL is out of memory. */
char *options_help(void);

#endif
