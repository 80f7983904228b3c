/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses are taken by creating their record, so that processes which attach at once
 * never share one; an IPAM plugin keeps its own account. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/rtnl.h"
#include "remote.h"

#define MAX_TRIES 65536

/* ---- IPAM plugins ---- */

/* The plugin of this name, found by the same folders. */
static int open_ipam(struct remote *d, const char *name, struct docker_plugin **ret,
		     struct gantry_error *err)
{
	auto_json struct json_object *config = NULL;

	if (json_object_deep_copy(d->config, &config, NULL) < 0) {
		return error_no_memory(err);
	}
	json_set_string(config, "driver", name);
	return docker_plugin_new(json_text(config), "IpamDriver", ret, err);
}

static int call_ipam(struct remote *d, const char *name, const char *method,
		     struct json_object *request, struct json_object **ret, struct gantry_error *err)
{
	struct docker_plugin *p;
	int r = open_ipam(d, name, &p, err);

	if (r == 0) {
		r = docker_plugin_call(p, method, request, DOCKER_PLUGIN_WORK, ret, err);
		docker_plugin_free(p);
	}
	return r;
}

static int request_space(struct remote *d, const char *driver, struct json_object *pool,
			 struct gantry_error *err)
{
	auto_json struct json_object *answer = NULL;
	int r = call_ipam(d, driver, "IpamDriver.GetDefaultAddressSpaces", NULL, &answer, err);
	const char *space = json_get_string(answer, "LocalDefaultAddressSpace");

	return r < 0 ? r : json_set_string(pool, "Space", space ? space : "");
}

static int request_pool(struct remote *d, const char *driver, struct json_object *given,
			struct json_object *options, struct json_object *pool,
			struct gantry_error *err)
{
	auto_json struct json_object *request = json_object_new_object(), *answer = NULL;
	const char *subnet = json_get_string(given, "Subnet"), *part = json_get_string(given, "IPRange");
	const char *id, *chosen;
	int r = request_space(d, driver, pool, err);

	json_set_string(request, "AddressSpace", json_get_string(pool, "Space"));
	json_set_string(request, "Pool", subnet ? subnet : "");
	json_set_string(request, "SubPool", part ? part : "");
	json_set(request, "Options", json_object_get(json_get_object(options, "Options")));
	json_set_bool(request, "V6", subnet && strchr(subnet, ':') != NULL);
	if (r == 0) {
		r = call_ipam(d, driver, "IpamDriver.RequestPool", request, &answer, err);
	}
	if (r < 0) {
		return r;
	}
	id = json_get_string(answer, "PoolID");
	chosen = json_get_string(answer, "Pool");
	if (!id || !chosen) {
		return error_set(err, GANTRY_ERR_CORRUPT, "plugin %s: IpamDriver.RequestPool gave no pool", driver);
	}
	json_set_string(pool, "PoolID", id);
	json_set_string(pool, "Pool", chosen);
	json_set_string(pool, "Driver", driver);
	return 0;
}

static int request_address(struct remote *d, struct json_object *pool, const char *wanted,
			   int is_gateway, char *ret, struct gantry_error *err)
{
	auto_json struct json_object *request = json_object_new_object(), *answer = NULL;
	const char *driver = json_get_string(pool, "Driver"), *address;
	struct subnet s;
	int r;

	json_set_string(request, "PoolID", json_get_string(pool, "PoolID"));
	json_set_string(request, "Address", wanted ? wanted : "");
	if (is_gateway) {
		struct json_object *options = json_object_new_object();

		json_set_string(options, "RequestAddressType", "com.docker.network.gateway");
		json_set(request, "Options", options);
	}
	r = call_ipam(d, driver, "IpamDriver.RequestAddress", request, &answer, err);
	if (r < 0) {
		return r;
	}
	address = json_get_string(answer, "Address");
	if (!address || subnet_parse(address, &s, NULL) < 0 || strlen(address) >= ADDRESS_TEXT) {
		return error_set(err, GANTRY_ERR_CORRUPT,
				 "plugin %s: IpamDriver.RequestAddress gave \"%.60s\", which is no address",
				 driver, address ? address : "");
	}
	snprintf(ret, ADDRESS_TEXT, "%s", address);
	return 0;
}

static int release_address(struct remote *d, const char *driver, const char *pool_id,
			   const char *address, struct gantry_error *err)
{
	auto_json struct json_object *request = json_object_new_object();
	auto_free char *bare = strndup(address, strcspn(address, "/"));

	json_set_string(request, "PoolID", pool_id);
	json_set_string(request, "Address", bare);
	return call_ipam(d, driver, "IpamDriver.ReleaseAddress", request, NULL, err);
}

/* ---- pools of our own ---- */

static int overlaps(const struct subnet *to, void *arg)
{
	return to->bits > 0 && subnet_overlaps(to, arg);
}

/* The address after that of the subnet itself. */
static struct address first_host(const struct subnet *s)
{
	struct address a = s->base;

	a.n++;
	return a;
}

/* A free subnet of 10.90.0.0/16, claimed for the network. */
static int choose_subnet(struct remote *d, const char *network, char *ret, struct gantry_error *err)
{
	auto_(rtnl) struct rtnl host = RTNL_INIT;
	int r = rtnl_open(&host, -1);

	for (int i = 0; r == 0 && i < 256; i++) {
		char key[ADDRESS_TEXT + 8];
		struct subnet s;

		snprintf(ret, ADDRESS_TEXT, "10.90.%d.0/24", i);
		snprintf(key, sizeof(key), "subnet/%s", ret);
		if (subnet_parse(ret, &s, NULL) < 0 || rtnl_each_route(&host, AF_INET, overlaps, &s) != 0) {
			continue;
		}
		r = store_put_new(&d->store, key, network, err);
		if (r != GANTRY_ERR_EXISTS) {
			return r;
		}
		error_clear(err);
		r = 0;
	}
	if (r < 0) {
		return error_errno(err, -r, "cannot read the routes of this host");
	}
	error_set(err, GANTRY_ERR_NO_SPACE, "no subnet of 10.90.0.0/16 is free");
	return error_hint(err, "choose one with --subnet");
}

static int own_pool(struct remote *d, const char *network, struct json_object *given,
		    struct json_object *pool, struct gantry_error *err)
{
	const char *subnet = json_get_string(given, "Subnet");
	char chosen[ADDRESS_TEXT];
	struct subnet s;
	int r;

	if (!subnet || !*subnet) {
		r = choose_subnet(d, network, chosen, err);
		if (r < 0) {
			return r;
		}
		subnet = chosen;
	}
	if (subnet_parse(subnet, &s, NULL) < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%.60s\" is no subnet", subnet);
	}
	json_set_string(pool, "Pool", subnet_format(&s, chosen));
	json_set_string(pool, "PoolID", chosen);
	json_set_string(pool, "Space", "LocalDefault");
	return 0;
}

/* The gateway that was asked for, else the plugin's or the first of the subnet. */
static int choose_gateway(struct remote *d, struct json_object *given, struct json_object *pool,
			  struct gantry_error *err)
{
	const char *wanted = json_get_string(given, "Gateway");
	char text[ADDRESS_TEXT], bare[ADDRESS_TEXT];
	struct address a;
	struct subnet s;
	int r;

	if (json_get_string(pool, "Driver")) {
		r = request_address(d, pool, wanted, 1, text, err);
		return r < 0 ? r : json_set_string(pool, "Gateway", text);
	}
	if (subnet_parse(json_get_string(pool, "Pool"), &s, NULL) < 0) {
		return error_set(err, GANTRY_ERR_INTERNAL, "the pool is no subnet");
	}
	a = first_host(&s);
	if (wanted && *wanted && (address_parse(wanted, &a) < 0 || !subnet_has(&s, &a))) {
		return error_set(err, GANTRY_ERR_INVALID, "gateway %.60s is not in the subnet", wanted);
	}
	snprintf(text, sizeof(text), "%.45s/%d", address_format(&a, bare), s.bits);
	return json_set_string(pool, "Gateway", text);
}

static int make_pool(struct remote *d, const char *network, struct json_object *ipam,
		     struct json_object *given, struct json_object *pools, struct gantry_error *err)
{
	const char *driver = json_get_string(ipam, "Driver");
	struct json_object *pool = json_object_new_object();
	int r;

	json_object_array_add(pools, pool);
	r = driver && *driver && strcmp(driver, "default")
		    ? request_pool(d, driver, given, ipam, pool, err)
		    : own_pool(d, network, given, pool, err);
	if (r == 0) {
		r = choose_gateway(d, given, pool, err);
	}
	return r;
}

/* What inspect shows. */
static void show(struct json_object *options, struct json_object *pools)
{
	struct json_object *ipam = json_get_object(options, "IPAM"), *list = json_object_new_array();

	if (!ipam) {
		ipam = json_object_new_object();
		json_set(options, "IPAM", ipam);
	}
	for (size_t i = 0; i < json_array_size(pools); i++) {
		struct json_object *pool = json_object_array_get_idx(pools, i);
		struct json_object *o = json_object_new_object();
		const char *gateway = json_get_string(pool, "Gateway");
		auto_free char *bare = strndup(gateway, strcspn(gateway, "/"));

		json_set_string(o, "Subnet", json_get_string(pool, "Pool"));
		json_set_string(o, "Gateway", bare);
		json_object_array_add(list, o);
	}
	json_set(ipam, "Config", list);
}

int ipam_make_pools(struct remote *d, const char *network, struct json_object *options,
		    struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *pools = json_object_new_array();
	struct json_object *ipam = json_get_object(options, "IPAM");
	struct json_object *given = json_get_array(ipam, "Config");
	const char *driver = json_get_string(ipam, "Driver");
	int r = 0;

	if (!driver || strcmp(driver, "null")) {
		for (size_t i = 0; r == 0 && i < json_array_size(given); i++) {
			r = make_pool(d, network, ipam, json_object_array_get_idx(given, i), pools, err);
		}
		if (r == 0 && json_array_size(given) == 0) {
			r = make_pool(d, network, ipam, NULL, pools, err);
		}
	}
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)ipam_release_pools(d, network, pools, &ignored);
		return r;
	}
	show(options, pools);
	*ret = steal(&pools);
	return 0;
}

static int release_pool(struct remote *d, struct json_object *pool, struct gantry_error *err)
{
	auto_json struct json_object *request = json_object_new_object();
	const char *driver = json_get_string(pool, "Driver"), *id = json_get_string(pool, "PoolID");
	const char *gateway = json_get_string(pool, "Gateway");
	int r = 0;

	if (!driver || !id) {
		return 0;
	}
	if (gateway) {
		r = release_address(d, driver, id, gateway, err);
	}
	json_set_string(request, "PoolID", id);
	return r < 0 ? r : call_ipam(d, driver, "IpamDriver.ReleasePool", request, NULL, err);
}

int ipam_release_pools(struct remote *d, const char *network, struct json_object *pools,
		       struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	const char *const *keys, *const *values;
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(pools); i++) {
		r = release_pool(d, json_object_array_get_idx(pools, i), err);
	}
	if (r == 0) {
		r = store_list(&d->store, "subnet/", &records, err);
	}
	keys = reply_list(&records, 0);
	values = reply_list(&records, 1);
	for (size_t i = 0; r == 0 && keys[i] && values[i]; i++) {
		if (!strcmp(values[i], network)) {
			r = store_remove(&d->store, keys[i], err);
		}
	}
	return r;
}

/* ---- addresses ---- */

static int claim(struct remote *d, const char *network, const char *endpoint,
		 const struct address *a, struct gantry_error *err)
{
	char text[ADDRESS_TEXT], key[160];

	snprintf(key, sizeof(key), "ip/%.64s/%s", network, address_format(a, text));
	return store_put_new(&d->store, key, endpoint, err);
}

static int take_own(struct remote *d, const char *network, const char *endpoint,
		    struct json_object *pool, const char *wanted, char *ret, struct gantry_error *err)
{
	struct address a, gateway, last;
	char text[ADDRESS_TEXT];
	struct subnet s;
	int r = GANTRY_ERR_EXISTS;

	if (subnet_parse(json_get_string(pool, "Pool"), &s, NULL) < 0 ||
	    subnet_parse(json_get_string(pool, "Gateway"), &(struct subnet){ 0 }, &gateway) < 0) {
		return error_set(err, GANTRY_ERR_INTERNAL, "the network's pool is no subnet");
	}
	if (wanted && *wanted) {
		if (address_parse(wanted, &a) < 0 || !subnet_has(&s, &a)) {
			return error_set(err, GANTRY_ERR_INVALID, "address %.60s is not in the subnet %s", wanted,
					 json_get_string(pool, "Pool"));
		}
		r = address_equal(&a, &gateway) ? error_set(err, GANTRY_ERR_IN_USE, "%s is the gateway", wanted)
						: claim(d, network, endpoint, &a, err);
		if (r == GANTRY_ERR_EXISTS) {
			return error_set(err, GANTRY_ERR_IN_USE, "address %.60s is taken", wanted);
		}
	}
	a = wanted && *wanted ? a : first_host(&s);
	last = subnet_last(&s);
	for (int i = 0; r == GANTRY_ERR_EXISTS && i < MAX_TRIES && a.n < last.n; i++, a.n++) {
		if (address_equal(&a, &gateway)) {
			continue;
		}
		error_clear(err);
		r = claim(d, network, endpoint, &a, err);
		if (r == 0) {
			break;
		}
	}
	if (r == GANTRY_ERR_EXISTS) {
		return error_set(err, GANTRY_ERR_NO_SPACE, "no address of %s is free",
				 json_get_string(pool, "Pool"));
	}
	if (r == 0) {
		snprintf(ret, ADDRESS_TEXT, "%.45s/%d", address_format(&a, text), s.bits);
	}
	return r;
}

int ipam_take(struct remote *d, const char *network, const char *endpoint, struct json_object *pool,
	      const char *wanted, struct json_object *record, char *ret, struct gantry_error *err)
{
	const char *driver = json_get_string(pool, "Driver");
	struct json_object *o;
	int r = driver ? request_address(d, pool, wanted, 0, ret, err)
		       : take_own(d, network, endpoint, pool, wanted, ret, err);

	if (r < 0) {
		return r;
	}
	o = json_object_new_object();
	json_set_string(o, "Address", ret);
	json_set_string(o, "PoolID", json_get_string(pool, "PoolID"));
	json_set_string(o, "Driver", driver);
	json_object_array_add(json_get_array(record, "Addresses"), o);
	return 0;
}

int ipam_release(struct remote *d, struct json_object *record, struct gantry_error *err)
{
	struct json_object *list = json_get_array(record, "Addresses");
	const char *network = json_get_string(record, "Network");
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *driver = json_get_string(o, "Driver"), *address = json_get_string(o, "Address");
		char key[160];

		if (driver) {
			r = release_address(d, driver, json_get_string(o, "PoolID"), address, err);
			continue;
		}
		snprintf(key, sizeof(key), "ip/%.64s/%.*s", network, (int)strcspn(address, "/"), address);
		r = store_remove(&d->store, key, err);
	}
	return r;
}
