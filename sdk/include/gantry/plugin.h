/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin exports and what the host offers it.  A native plugin is a
 * shared object with one exported symbol, `gantry_plugin`, a constant struct
 * gantry_plugin that lists its drivers; everything else is hidden.
 *
 * Every struct starts with its size and only grows: the host copies it once
 * into a zeroed struct of its own and never reads the plugin's again.  A plugin
 * built against 1.0 loads in every 1.x; only `needs` refuses.
 *
 * Since 1.0.
 */
#ifndef GANTRY_PLUGIN_H
#define GANTRY_PLUGIN_H

#include <stdint.h>

#include <gantry/error.h>
#include <gantry/interface.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANTRY_ABI_MAJOR 1
#define GANTRY_ABI_MINOR 0
#define GANTRY_VERSION(major, minor) (((uint32_t)(major) << 16) | (uint32_t)(minor))
#define GANTRY_ABI_VERSION GANTRY_VERSION(GANTRY_ABI_MAJOR, GANTRY_ABI_MINOR)

enum { /* gantry_driver.threads: what the host may do at once */
	GANTRY_THREADS_SERIAL = 1,     /* one call at a time; the host locks */
	GANTRY_THREADS_PER_OBJECT = 2, /* one call per first argument at a time */
	GANTRY_THREADS_PARALLEL = 3,   /* anything; the driver locks */
};

enum { /* log levels */
	GANTRY_LOG_DEBUG = 1,
	GANTRY_LOG_INFO = 2,
	GANTRY_LOG_WARNING = 3,
	GANTRY_LOG_ERROR = 4,
};

struct gantry_host;

/* Service "log": one line, without newline, attributed to the driver. */
struct gantry_log_service {
	uint32_t size;
	uint32_t reserved;
	void (*write)(const struct gantry_host *host, uint32_t level, const char *text);
};

/* Service "store": a small durable key-value store that belongs to this driver.
 * put replaces; put_new fails with EXISTS when the key is there, so that two
 * processes can allocate from one pool.  get and list answer through a reply:
 * get puts field 0 (bytes); list calls put_item(field 0) with each key that
 * starts with prefix, in order, and put_item(field 1) with its value.  Values
 * are at most 1 MiB of text.  Safe from any thread and process. */
struct gantry_store_service {
	uint32_t size;
	uint32_t reserved;
	int (*get)(const struct gantry_host *host, const char *key, struct gantry_reply *reply,
		   struct gantry_error *err);
	int (*put)(const struct gantry_host *host, const char *key, const char *value,
		   struct gantry_error *err);
	int (*put_new)(const struct gantry_host *host, const char *key, const char *value,
		       struct gantry_error *err);
	int (*remove)(const struct gantry_host *host, const char *key, struct gantry_error *err);
	int (*list)(const struct gantry_host *host, const char *prefix,
		    struct gantry_reply *reply, struct gantry_error *err);
};

/* Service "events": publishes to the engine's event log. attributes is a JSON
 * object of strings. */
struct gantry_events_service {
	uint32_t size;
	uint32_t reserved;
	int (*publish)(const struct gantry_host *host, const char *type, const char *action,
		       const char *id, const char *attributes, struct gantry_error *err);
};

/* Service "call": about the operation that the calling thread is inside of. */
struct gantry_call_service {
	uint32_t size;
	uint32_t reserved;
	/* It goes on: the deadline of an operation of class long or transfer begins anew.
	 * text says what it does, or is NULL.  May be called often. */
	void (*progress)(const struct gantry_host *host, const char *text);
	/* Has who called it given up?  Then it ends soon, with CANCELLED. */
	int (*is_cancelled)(const struct gantry_host *host);
};

/* One host per opened driver; it outlives the driver instance. */
struct gantry_host {
	uint32_t size;
	uint32_t abi;           /* the host's GANTRY_ABI_VERSION */
	const char *state_dir;  /* the driver's own folder; exists; survives a reboot */
	const char *run_dir;    /* the same, cleared by a reboot */
	/* A service table of at least min_version, or NULL.  Names: "log", "store",
	 * "events", "call", and "engine" (struct gantry_engine_service, api and monitor). */
	const void *(*query)(const struct gantry_host *host, const char *service,
			     uint32_t min_version);
};

/* A configuration key of a driver; the host parses and checks the types, so the
 * driver sees a JSON object of known keys only. */
struct gantry_config_key {
	const char *name;
	uint32_t type;           /* STRING, INTEGER, BOOLEAN or LIST */
	uint32_t reserved;
	const char *default_text; /* as the user would write it, or NULL */
	const char *doc;
};

struct gantry_driver {
	uint32_t size;
	uint32_t threads;     /* GANTRY_THREADS_* */
	const char *kind;     /* "storage", ... */
	const char *name;     /* "overlay", ... */
	const char *summary;  /* one line for `gantry plugin ls` */
	const void *ops;      /* struct gantry_<kind>_ops */
	const struct gantry_config_key *config; /* ends with a NULL name; or NULL */
	/* May this driver serve on this host?  No side effects that last.  An
	 * error says why not and, as hint, what would change that. Optional. */
	int (*probe)(const struct gantry_host *host, const char *config,
		     struct gantry_error *err);
	/* Checks a configuration without side effects.  Optional. */
	int (*check)(const char *config, struct gantry_error *err);
	/* Activates: *ret_self is passed to each operation until close.  Optional for a
	 * driver without a state: self is then NULL. */
	int (*open)(const struct gantry_host *host, const char *config, void **ret_self,
		    struct gantry_error *err);
	void (*close)(void *self);
	/* Where one function opens many drivers (a host of scripts): called instead of
	 * open, with the context that stands here. */
	const void *context;
	int (*open_with)(const void *context, const struct gantry_host *host,
			 const char *config, void **ret_self, struct gantry_error *err);
	/* Only of an adaptor, whose manifest says `adapts = true`: it serves drivers that
	 * are found when somebody names them.  Tells of the one called name (nothing
	 * when there is none; this may not wait for anybody), or with NULL of all: field
	 * 0 their names, field 1 where each is or why it cannot serve.  The configuration
	 * given to check and open then has a member "driver", the name. */
	int (*discover)(const char *config, const char *name, struct gantry_reply *reply,
			struct gantry_error *err);
};

enum { /* gantry_plugin.flags */
	GANTRY_PLUGIN_UNLOADABLE = 1, /* dlclose is safe: no threads, no atexit */
};

struct gantry_plugin {
	uint32_t size;
	uint32_t abi;           /* built against: GANTRY_ABI_VERSION */
	uint32_t needs;         /* the oldest host it can work with */
	uint32_t flags;         /* GANTRY_PLUGIN_* */
	const char *name;
	const char *version;
	const char *licence;    /* SPDX expression */
	const struct gantry_driver *const *drivers; /* ends with NULL */
	const char *const *permissions;             /* ends with NULL; or NULL */
};

#ifndef GANTRY_PLUGIN_SYMBOL
#define GANTRY_PLUGIN_SYMBOL gantry_plugin
#endif
#define GANTRY_EXPORT __attribute__((visibility("default")))

/* GANTRY_PLUGIN(.name = ..., .drivers = ...): the exported descriptor.  A static
 * build defines GANTRY_PLUGIN_SYMBOL to a name of its own. */
#ifndef __cplusplus
#define GANTRY_PLUGIN(...)                                                    \
	extern const struct gantry_plugin GANTRY_PLUGIN_SYMBOL;               \
	GANTRY_EXPORT const struct gantry_plugin GANTRY_PLUGIN_SYMBOL = {     \
		.size = sizeof(struct gantry_plugin), .abi = GANTRY_ABI_VERSION, \
		.needs = GANTRY_VERSION(1, 0), __VA_ARGS__ }
#endif

/* Façades. */
static inline const void *gantry_service(const struct gantry_host *host, const char *name)
{
	return host->query(host, name, GANTRY_VERSION(1, 0));
}

#ifdef __cplusplus
}
#endif

#endif
