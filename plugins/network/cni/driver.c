/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network/cni: networks that CNI plugins make, of lists in files and of lists made here.
 * Plugins are executed anew for each operation and hold their state themselves; this driver
 * keeps what each attachment was added with.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gantry/plugin.h>

#include "cni.h"
#include "conf.h"
#include "helpers/address.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/io.h"
#include "helpers/rtnl.h"

#define OPTION_FILE "cni.file"

struct cni_chain cni_chain_of(const struct cni *d, struct json_object *list)
{
	return (struct cni_chain){
		.bin_dirs = d->bin_dirs,
		.list = list,
		.deadline_ms = d->deadline_ms,
		.record_dir = d->host->run_dir,
	};
}

int cni_list_of(const struct cni *d, const char *options, struct json_object **ret,
		struct gantry_error *err)
{
	auto_json struct json_object *o = NULL;
	struct json_object *made;
	const char *file, *text;
	int r = json_parse_object(options, "the network's options", &o, err);

	if (r < 0) {
		return r;
	}
	file = json_get_string(json_get_object(o, "Options"), OPTION_FILE);
	if (file) {
		return cni_conf_read(file, ret, err);
	}
	made = json_get_object(o, "CNI");
	if (!made) {
		return error_set(err, GANTRY_ERR_INVALID, "the network has no CNI configuration");
	}
	text = json_text(made);
	return cni_conf_parse(text, strlen(text), ret, err);
}

/* ---- networks ---- */

static int has_subnet(struct json_object *options)
{
	struct json_object *pools = json_get_array(json_get_object(options, "IPAM"), "Config");
	const char *subnet = json_array_size(pools) > 0
				     ? json_get_string(json_object_array_get_idx(pools, 0), "Subnet")
				     : NULL;

	return subnet && *subnet;
}

/* Where inspect looks for the subnet that was chosen. */
static void show_subnet(struct json_object *options, const char *subnet)
{
	struct json_object *ipam = json_object_new_object(), *pools = json_object_new_array();
	struct json_object *pool = json_object_new_object();

	json_set_string(pool, "Subnet", subnet);
	json_object_array_add(pools, pool);
	json_set(ipam, "Config", pools);
	json_set(options, "IPAM", ipam);
}

static int make_list(struct cni *d, const char *id, struct json_object *options,
		     struct gantry_error *err)
{
	char subnet[ADDRESS_TEXT] = "";
	auto_(buf) struct buf data_dir = BUF_INIT;
	struct json_object *list;
	int chosen = !has_subnet(options);
	int r = chosen ? cni_claim_subnet(d, id, subnet, err) : 0;

	buf_addf(&data_dir, "%s/ipam", d->host->state_dir);
	if (r == 0) {
		r = cni_conf_make(id, options, subnet, buf_str(&data_dir), &list, err);
	}
	if (r < 0) {
		return r;
	}
	json_set(options, "CNI", list);
	if (chosen) {
		show_subnet(options, subnet);
	}
	return 0;
}

static int check_file(const char *path, struct json_object *options, struct gantry_error *err)
{
	if (path[0] != '/') {
		return error_set(err, GANTRY_ERR_INVALID, OPTION_FILE "=%s is no absolute path", path);
	}
	if (has_subnet(options)) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "the subnet of network file %s stands in it and cannot be given beside it", path);
	}
	return 0;
}

/* Can its plugins be executed, do they speak its version, are they ready? */
static int try_list(struct cni *d, struct json_object *options, struct gantry_error *err)
{
	auto_json struct json_object *list = NULL;
	struct cni_chain chain;
	int r = cni_list_of(d, json_text(options), &list, err);

	if (r < 0) {
		return r;
	}
	chain = cni_chain_of(d, list);
	r = cni_check_versions(&chain, err);
	return r < 0 ? r : cni_status(&chain, err);
}

static int driver_create(void *self, const struct gantry_network_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *options = NULL;
	struct cni *d = self;
	const char *file;
	int r = json_parse_object(args->options, "the network's options", &options, err);

	if (r < 0) {
		return r;
	}
	file = json_get_string(json_get_object(options, "Options"), OPTION_FILE);
	if (file) {
		r = check_file(file, options, err);
	} else if (!json_get(options, "CNI")) {
		r = make_list(d, args->id, options, err);
	}
	if (r == 0 && !json_get_string(options, "Discovered")) {
		r = try_list(d, options, err);
	}
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)cni_release_subnets(d, args->id, &ignored);
		return r;
	}
	return gantry_network_create_set_options(reply, json_text(options));
}

/* The protocol cannot remove a network, only attachments: what the bridge of a list made
 * here leaves is removed by name. */
static int remove_bridge(const char *id, struct gantry_error *err)
{
	auto_(rtnl) struct rtnl host = RTNL_INIT;
	char name[16];
	int r = rtnl_open(&host, -1);

	snprintf(name, sizeof(name), CNI_MADE_BRIDGE, id);
	if (r == 0 && rtnl_index(&host, name) > 0) {
		rtnl_remove_link(&host, name);
		r = rtnl_commit(&host, NULL);
	}
	return r < 0 && r != -ENODEV ? error_errno(err, -r, "cannot remove the bridge %s", name) : 0;
}

static int driver_remove(void *self, const struct gantry_network_remove_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	struct cni *d = self;
	auto_(buf) struct buf data = BUF_INIT;
	int r = remove_bridge(args->id, err);

	buf_addf(&data, "%s/ipam/" CNI_MADE_NAME, d->host->state_dir, args->id);
	if (r == 0 && !buf_failed(&data)) {
		remove_tree(AT_FDCWD, buf_str(&data));
	}
	return r < 0 ? r : cni_release_subnets(d, args->id, err);
}

static int driver_attach(void *self, const struct gantry_network_attach_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return cni_attach(self, args, reply, err);
}

static int driver_detach(void *self, const struct gantry_network_detach_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return cni_detach(self, args->endpoint, args->sandbox, err);
}

static int driver_reconcile(void *self, const struct gantry_network_reconcile_args *args,
			    struct gantry_reply *reply, struct gantry_error *err)
{
	return cni_reconcile(self, args->endpoints, err);
}

static int driver_verify(void *self, const struct gantry_network_verify_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	return cni_verify(self, args->endpoint, args->sandbox, err);
}

/* ---- networks of files ---- */

static void warn(const struct cni *d, const char *text)
{
	if (d->log) {
		d->log->write(d->host, GANTRY_LOG_WARNING, text);
	}
}

static int put_network(struct gantry_reply *reply, struct json_object *found)
{
	auto_json struct json_object *network = json_object_new_object();
	struct json_object *options = json_object_new_object();

	json_set_string(network, "Name", json_get_string(found, "Name"));
	json_set_string(options, OPTION_FILE, json_get_string(found, "File"));
	json_set_string(network, "Origin", json_get_string(found, "File"));
	json_set(network, "Options", options);
	return gantry_network_discover_add_network(reply, json_text(network));
}

static int driver_discover(void *self, const struct gantry_network_discover_args *args,
			   struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *found = NULL;
	struct cni *d = self;
	int r = cni_conf_list(d->conf_dirs, &found, err);

	for (size_t i = 0; r == 0 && i < json_array_size(found); i++) {
		struct json_object *one = json_object_array_get_idx(found, i);
		const char *why = json_get_string(one, "Error");

		if (why) {
			warn(d, why);
		} else if (put_network(reply, one) < 0) {
			r = error_no_memory(err);
		}
	}
	return r;
}

/* ---- the instance ---- */

static int usual_conf_dirs(struct json_object *config, struct gantry_error *err)
{
	struct json_object *list = json_object_new_array();
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	auto_(buf) struct buf path = BUF_INIT;

	if (geteuid() == 0) {
		buf_adds(&path, "/etc/cni/net.d");
	} else if (xdg && *xdg) {
		buf_addf(&path, "%s/cni/net.d", xdg);
	} else {
		buf_addf(&path, "%s/.config/cni/net.d", home ? home : "");
	}
	json_add_string(list, buf_str(&path));
	return json_set(config, "conf_dirs", list) < 0 || buf_failed(&path) ? error_no_memory(err) : 0;
}

static void driver_close(void *self)
{
	struct cni *d = self;

	json_object_put(d->config);
	free(d);
}

static int driver_open(const struct gantry_host *host, const char *config, void **ret_self,
		       struct gantry_error *err)
{
	struct cni *d = calloc(1, sizeof(*d));
	int r = d ? json_parse_object(config, "the driver's configuration", &d->config, err)
		  : error_no_memory(err);

	if (r == 0 && !json_get_array(d->config, "conf_dirs")) {
		r = usual_conf_dirs(d->config, err);
	}
	if (r == 0) {
		d->host = host;
		d->log = gantry_service(host, "log");
		d->bin_dirs = json_get_array(d->config, "bin_dirs");
		d->conf_dirs = json_get_array(d->config, "conf_dirs");
		d->deadline_ms = json_get_int(d->config, "deadline", 60) * 1000;
		r = store_init(&d->store, host, err);
	}
	if (r < 0) {
		if (d) {
			driver_close(d);
		}
		return r;
	}
	*ret_self = d;
	return 0;
}

static const struct gantry_network_ops ops = {
	.struct_size = sizeof(ops),
	.create = driver_create,
	.remove = driver_remove,
	.attach = driver_attach,
	.detach = driver_detach,
	.reconcile = driver_reconcile,
	.verify = driver_verify,
	.discover = driver_discover,
};

static const struct gantry_config_key keys[] = {
	{ "bin_dirs", GANTRY_TYPE_LIST, 0, "/usr/lib/cni,/opt/cni/bin,/usr/libexec/cni",
	  "folders of CNI plugins" },
	{ "conf_dirs", GANTRY_TYPE_LIST, 0, NULL,
	  "folders of network configurations (default /etc/cni/net.d)" },
	{ "deadline", GANTRY_TYPE_INTEGER, 0, "60", "seconds that one execution of a plugin may take" },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct gantry_driver driver = {
	.size = sizeof(driver),
	.threads = GANTRY_THREADS_PARALLEL,
	.kind = "network",
	.name = "cni",
	.summary = "Networks made by CNI plugins, from lists in files or made here",
	.ops = &ops,
	.config = keys,
	.open = driver_open,
	.close = driver_close,
};

GANTRY_PLUGIN(.name = "network-cni", .version = "0.1.0", .licence = "Apache-2.0",
	      .drivers = (const struct gantry_driver *const[]){ &driver, NULL },
	      .permissions = (const char *const[]){ "net_admin", "sys_admin", "exec:*", NULL });
