/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network's record is written before its interface is made and removed after
 * everything else, so a network without a record owns nothing in the host.
 * Creating and removing hold the driver's lock; attaching does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "bridge.h"
#include "foreign.h"
#include "ground.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/json.h"
#include "ipam.h"
#include "helpers/rtnl.h"
#include "rules.h"
#include "sysctl.h"

#define KEY_MAX 80
#define ALIAS "gantry network "
#define ALIAS_MAX 250 /* the kernel takes 255 */
#define DEFAULT_NAMES 100 /* gantry0 ... */

void bridge_warn(const struct bridge_driver *d, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	if (!d->log) {
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->log->write(d->host, GANTRY_LOG_WARNING, text);
}

int bridge_lock(const struct bridge_driver *d, struct gantry_error *err)
{
	auto_free char *path = NULL;
	auto_fd int fd = -1;

	if (asprintf(&path, "%s/lock", d->host->run_dir) < 0) {
		path = NULL;
		return error_no_memory(err);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return error_errno(err, errno, "cannot open %s", path);
	}
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR) {
			return error_errno(err, errno, "cannot lock %s", path);
		}
	}
	return steal_fd(&fd);
}

static void make_key(const char *id, char *ret)
{
	snprintf(ret, KEY_MAX, "net/%.64s", id);
}

static int put_record(const struct bridge_driver *d, const struct network *n, const char *name,
		      int adopted, struct json_object *options, struct gantry_error *err)
{
	auto_json struct json_object *o = json_object_new_object();
	char key[KEY_MAX];

	if (!o || json_set_string(o, "Name", name) < 0 ||
	    json_set_string(o, "Bridge", n->bridge) < 0 || json_set_bool(o, "Adopted", adopted) < 0 ||
	    json_set(o, "Options", json_object_get(options)) < 0) {
		return error_no_memory(err);
	}
	make_key(n->id, key);
	return store_put(&d->store, key, json_text(o), err);
}

/* The record of a network, or NULL. */
static int get_record(const struct bridge_driver *d, const char *id, struct json_object **ret,
		      struct gantry_error *err)
{
	struct gantry_error why = GANTRY_ERROR_INIT;
	auto_free char *text = NULL;
	char key[KEY_MAX];
	int r;

	make_key(id, key);
	r = store_get(&d->store, key, &text, &why);
	if (r == GANTRY_ERR_NOT_FOUND) {
		return 0;
	}
	if (r < 0) {
		*err = why;
		return r;
	}
	return json_parse_object(text, "the network's record", ret, err);
}

/*
 * A bridge of an engine whose folder was deleted, with no port left, is nobody's: its
 * alias, "gantry network ID FOLDER", says whose it was.
 */
static int find_orphan(const struct rtnl_link *l, void *arg)
{
	const char *name = arg, *folder;

	if (strcmp(l->name, name) || !l->alias || strncmp(l->alias, ALIAS, strlen(ALIAS))) {
		return 0;
	}
	folder = strchr(l->alias + strlen(ALIAS), ' ');
	return folder && folder[1] == '/' && access(folder + 1, F_OK) < 0 && errno == ENOENT
		       ? l->index
		       : 0;
}

static int has_master(const struct rtnl_link *l, void *arg)
{
	return l->master == *(const int *)arg;
}

/* Removes such a bridge with its rules; 1 when it is gone. */
static int remove_orphan(struct rtnl *host, char *bridge)
{
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	int index = rtnl_each_link(host, find_orphan, bridge);

	if (index <= 0 || rtnl_each_link(host, has_master, &index) != 0) {
		return 0;
	}
	rtnl_remove_link(host, bridge);
	if (rtnl_commit(host, NULL) < 0) {
		return 0;
	}
	(void)rules_remove_network(bridge, &ignored);
	return 1;
}

/* What the bridge of a new network is called, and whether it is somebody's already. */
static int choose_bridge(struct rtnl *host, struct network *n, int *ret_adopted)
{
	int r;

	*ret_adopted = 0;
	for (int i = 1; i < DEFAULT_NAMES; i++) {
		r = rtnl_index(host, n->bridge);
		if (r < 0) {
			break;
		}
		if (n->names_bridge || strncmp(n->bridge, "gantry", 6)) {
			*ret_adopted = 1;
			break;
		}
		if (remove_orphan(host, n->bridge)) {
			r = -ENODEV;
			break;
		}
		/* Another engine of this host has it. */
		snprintf(n->bridge, sizeof(n->bridge), "gantry%d", i);
	}
	return r == -ENODEV ? 0 : r < 0 ? r : 0;
}

static void make_mac(const struct network *n, uint8_t *ret)
{
	unsigned int id = 0;

	(void)sscanf(n->id, "%8x", &id);
	ret[0] = 0x02;
	ret[1] = 0x42;
	for (int i = 0; i < 4; i++) {
		ret[2 + i] = (uint8_t)(id >> (24 - 8 * i));
	}
}

/* Makes the interface where missing and gives it its addresses. */
static int make_interface(const struct bridge_driver *d, struct rtnl *host,
			  const struct network *n, struct gantry_error *err)
{
	int index = rtnl_index(host, n->bridge), r = 0;
	char alias[ALIAS_MAX];
	uint8_t mac[6];

	if (index < 0) {
		make_mac(n, mac);
		rtnl_add_bridge(host, n->bridge, mac, n->mtu);
		r = rtnl_commit(host, NULL);
		if (r == -EEXIST) {
			r = 0; /* another process was faster */
		}
		if (r == -EOPNOTSUPP) {
			error_set(err, GANTRY_ERR_UNSUPPORTED, "the kernel has no bridge interfaces");
			return error_hint(err, "load the kernel module bridge");
		}
		if (r < 0) {
			return error_errno(err, -r, "cannot create the bridge %s", n->bridge);
		}
		/* A folder that does not fit is left out rather than cut: a cut one looks deleted. */
		if (snprintf(alias, sizeof(alias), ALIAS "%s %s", n->id, d->host->state_dir) >=
		    (int)sizeof(alias)) {
			snprintf(alias, sizeof(alias), ALIAS "%s", n->id);
		}
		rtnl_set_alias(host, n->bridge, alias);
		(void)rtnl_commit(host, NULL);
		index = rtnl_index(host, n->bridge);
	}
	if (index < 0) {
		return error_errno(err, -index, "cannot find the bridge %s", n->bridge);
	}
	if (!n->no_gateway_address) {
		rtnl_add_address(host, index, &n->v4.gateway, n->v4.subnet.bits);
	}
	if (n->ipv6) {
		rtnl_add_address(host, index, &n->v6.gateway, n->v6.subnet.bits);
	}
	rtnl_up(host, index);
	r = rtnl_commit(host, NULL);
	return r < 0 ? error_errno(err, -r, "cannot configure the bridge %s", n->bridge) : 0;
}

int bridge_restore(const struct bridge_driver *d, struct rtnl *host, const struct network *n,
		   struct gantry_error *err)
{
	int r = make_interface(d, host, n, err);

	if (r == 0) {
		r = sysctl_prepare_bridge(n, err);
	}
	if (r == 0 && !n->internal) {
		r = sysctl_enable_forwarding(&d->store, 0, err);
		if (r == 0 && n->ipv6) {
			r = sysctl_enable_forwarding(&d->store, 1, err);
		}
	}
	if (r == 0) {
		r = rules_add_network(n, err);
	}
	if (r == 0 && !n->internal) {
		foreign_allow(d, n->bridge);
	}
	return r;
}

/* Takes away everything of a network but its record. */
static int unmake(const struct bridge_driver *d, const char *bridge, int adopted,
		  struct gantry_error *err)
{
	auto_(rtnl) struct rtnl host = RTNL_INIT;
	int r = rtnl_open(&host, ground_namespace());

	if (r < 0) {
		return error_errno(err, -r, "cannot open a netlink socket");
	}
	foreign_withdraw(d, bridge);
	if (!adopted) {
		rtnl_remove_link(&host, bridge);
		r = rtnl_commit(&host, NULL);
		if (r < 0 && r != -ENODEV) {
			return error_errno(err, -r, "cannot remove the bridge %s", bridge);
		}
	}
	return rules_remove_network(bridge, err);
}

/* A new network: everything is chosen and recorded. */
static int choose_all(const struct bridge_driver *d, struct rtnl *host, struct network *n,
		      const char *name, const char *options, struct json_object **ret,
		      int *ret_adopted, struct gantry_error *err)
{
	int r = choose_bridge(host, n, ret_adopted);

	if (r < 0) {
		return error_errno(err, -r, "cannot look for the bridge %s", n->bridge);
	}
	if (ground_namespace() >= 0 && n->sockets < 0) {
		/* The relay carries no TCP. */
		n->sockets = !strcmp(ground_way(d), "relay");
	} else if (ground_namespace() < 0 && n->sockets == 1) {
		error_set(err, GANTRY_ERR_INVALID, "network option org.gantry.sockets=true is for networks of "
			  "ordinary users");
		return error_hint(err, "root's containers have the host's network by --network host");
	}
	r = ipam_choose_subnets(&d->store, host, n, name, err);
	if (r < 0) {
		return r;
	}
	network_choose_gateways(n);
	return network_complete(n, options, ret, err);
}

int bridge_create(const struct bridge_driver *d, const char *id, const char *name,
		  const char *options, struct json_object **ret, struct gantry_error *err)
{
	auto_(rtnl) struct rtnl host = RTNL_INIT;
	auto_json struct json_object *record = NULL, *complete = NULL;
	struct gantry_error ignored = GANTRY_ERROR_INIT;
	auto_fd int lock = -1;
	char key[KEY_MAX];
	struct network n;
	int adopted, r = network_parse(id, name, options, &n, err);

	if (r < 0) {
		return r;
	}
	lock = bridge_lock(d, err);
	if (lock < 0) {
		return lock;
	}
	r = rtnl_open(&host, ground_namespace());
	if (r < 0) {
		return error_errno(err, -r, "cannot open a netlink socket");
	}
	r = get_record(d, id, &record, err);
	if (r < 0) {
		return r;
	}
	if (record) {
		/* Called again: what was chosen then holds. */
		complete = json_object_get(json_get_object(record, "Options"));
		r = network_parse(id, name, json_text(complete), &n, err);
		adopted = json_get_bool(record, "Adopted", 0);
	} else {
		r = choose_all(d, &host, &n, name, options, &complete, &adopted, err);
		if (r == 0) {
			r = put_record(d, &n, name, adopted, complete, err);
		}
	}
	if (r < 0) {
		return r;
	}
	r = bridge_restore(d, &host, &n, err);
	if (r < 0 && !record && unmake(d, n.bridge, adopted, &ignored) == 0) {
		make_key(id, key);
		(void)store_remove(&d->store, key, &ignored);
	}
	if (r < 0) {
		return error_prefix(err, "cannot create network %s", name);
	}
	*ret = steal(&complete);
	return 0;
}

/* The caller holds the lock. */
static int remove_record(const struct bridge_driver *d, const char *id, struct json_object *record,
			 struct gantry_error *err)
{
	const char *bridge = json_get_string(record, "Bridge");
	char key[KEY_MAX];
	int r = 0;

	if (bridge && *bridge) {
		r = unmake(d, bridge, json_get_bool(record, "Adopted", 0), err);
	}
	make_key(id, key);
	return r < 0 ? r : store_remove(&d->store, key, err);
}

int bridge_remove(const struct bridge_driver *d, const char *id, struct gantry_error *err)
{
	auto_(reply) struct reply addresses = REPLY_INIT;
	auto_json struct json_object *record = NULL;
	auto_fd int lock = bridge_lock(d, err);
	const char *first, *name;
	char prefix[KEY_MAX];
	int r;

	if (lock < 0) {
		return lock;
	}
	r = get_record(d, id, &record, err);
	if (r < 0 || !record) {
		return r;
	}
	snprintf(prefix, sizeof(prefix), "ip/%.64s/", id);
	r = store_list(&d->store, prefix, &addresses, err);
	if (r < 0) {
		return r;
	}
	first = reply_list(&addresses, 1)[0];
	if (first) {
		name = strchr(first, ' ');
		error_set(err, GANTRY_ERR_IN_USE, "cannot remove network %s: container %s is connected",
			  json_get_string(record, "Name"), name ? name + 1 : first);
		return error_hint(err, "remove or disconnect its containers first");
	}
	r = remove_record(d, id, record, err);
	return r < 0 ? error_prefix(err, "cannot remove network %s", json_get_string(record, "Name"))
		     : 0;
}

static int is_listed(const char *const *list, const char *id)
{
	for (; list && *list; list++) {
		if (!strcmp(*list, id)) {
			return 1;
		}
	}
	return 0;
}

int bridge_reconcile(const struct bridge_driver *d, const char *const *networks,
		     struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	const char *const *keys, *const *values;
	int r = store_list(&d->store, "net/", &records, err);

	keys = reply_list(&records, 0);
	values = reply_list(&records, 1);
	for (size_t i = 0; r == 0 && keys[i] && values[i]; i++) {
		auto_json struct json_object *record = NULL;
		const char *id = keys[i] + strlen("net/");

		if (is_listed(networks, id)) {
			continue;
		}
		r = json_parse_object(values[i], keys[i], &record, err);
		if (r == 0) {
			r = remove_record(d, id, record, err);
		}
	}
	return r;
}
