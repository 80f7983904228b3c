/* SPDX-License-Identifier: Apache-2.0 */
/* An attachment is deleted with the list it was added with, whatever has become of the
 * file since.  Its record is written first, so that what a crash leaves is found. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cni.h"
#include "conf.h"
#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"
#include "helpers/netns.h"
#include "result.h"

#define OPTION_PREFIX "cni."

/* ---- what is asked of the plugins ---- */

/* The first ethN that the sandbox does not have. */
static int choose_interface(int sandbox, char *ret, struct gantry_error *err)
{
	auto_fd int fd = netns_socket(sandbox, AF_INET, SOCK_DGRAM, 0);

	for (int i = 0; fd >= 0 && i < 256; i++) {
		struct ifreq request = { 0 };

		snprintf(request.ifr_name, IFNAMSIZ, "eth%d", i);
		if (ioctl(fd, SIOCGIFINDEX, &request) < 0) {
			snprintf(ret, IFNAMSIZ, "eth%d", i);
			return 0;
		}
	}
	return error_errno(err, fd < 0 ? -fd : EMFILE, "cannot choose an interface in the container");
}

static int sockaddr_of(const char *host, int port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in *a4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (!*host || inet_pton(AF_INET, host, &a4->sin_addr) == 1) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons((uint16_t)port);
		*ret_len = sizeof(*a4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &a6->sin6_addr) == 1) {
		a6->sin6_family = AF_INET6;
		a6->sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(*a6);
		return 0;
	}
	return -1;
}

/* A port of the host that nobody listens on: the wanted one, or with 0 any. */
static int free_port(const char *host, const char *protocol, int wanted, int *ret,
		     struct gantry_error *err)
{
	struct sockaddr_storage address;
	socklen_t len;
	auto_fd int fd = -1;

	if (sockaddr_of(host, wanted, &address, &len) < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "\"%s\" is no address to publish a port on", host);
	}
	fd = socket(address.ss_family,
		    (!strcmp(protocol, "udp") ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0) {
		return error_errno(err, errno, "cannot publish port %d/%s on %s", wanted, protocol,
				   *host ? host : "0.0.0.0");
	}
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
		return error_errno(err, errno, "cannot read the port of a socket");
	}
	*ret = ntohs(((struct sockaddr_in *)&address)->sin_port);
	return 0;
}

/* Fills in ports that were left open, and makes the capability portMappings of them. */
static int map_ports(struct json_object *ports, struct json_object **ret, struct gantry_error *err)
{
	auto_json struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < json_array_size(ports); i++) {
		struct json_object *p = json_object_array_get_idx(ports, i), *o;
		const char *protocol = json_get_string(p, "Protocol"), *host = json_get_string(p, "HostIP");
		int port = (int)json_get_int(p, "HostPort", 0);
		int r = !protocol ? error_set(err, GANTRY_ERR_INVALID, "a published port has no protocol")
			: free_port(host ? host : "", protocol, port, &port, err);

		if (r < 0) {
			return r;
		}
		json_set_int(p, "HostPort", port);
		o = json_object_new_object();
		json_set_int(o, "hostPort", port);
		json_set_int(o, "containerPort", json_get_int(p, "ContainerPort", 0));
		json_set_string(o, "protocol", protocol);
		if (host && *host && strcmp(host, "0.0.0.0")) {
			json_set_string(o, "hostIP", host);
		}
		json_object_array_add(list, o);
	}
	*ret = steal(&list);
	return 0;
}

static int add_ports(struct json_object *list, struct json_object *ports,
		     struct json_object *capabilities, struct gantry_error *err)
{
	struct json_object *mapped;
	int r;

	if (json_array_size(ports) == 0) {
		return 0;
	}
	if (!cni_conf_wants(list, "portMappings")) {
		error_set(err, GANTRY_ERR_UNSUPPORTED,
			  "network %s cannot publish ports: none of its plugins has the capability portMappings",
			  json_get_string(list, "name"));
		return error_hint(err, "add {\"type\":\"portmap\",\"capabilities\":{\"portMappings\":true}} to "
				       "its list");
	}
	r = map_ports(ports, &mapped, err);
	return r < 0 ? r : json_set(capabilities, "portMappings", mapped);
}

/* An address or hardware address that was asked for: as capability where a plugin has that,
 * else as argument. */
static void add_wish(struct json_object *list, const char *capability, int as_array,
		     const char *argument, const char *value, struct json_object *capabilities,
		     struct buf *args)
{
	if (!value || !*value) {
		return;
	}
	if (!cni_conf_wants(list, capability)) {
		buf_addf(args, ";%s=%s", argument, value);
	} else if (as_array) {
		struct json_object *values = json_get_array(capabilities, capability);

		if (!values) {
			values = json_object_new_array();
			json_set(capabilities, capability, values);
		}
		json_add_string(values, value);
	} else {
		json_set_string(capabilities, capability, value);
	}
}

/* driver-opt cni.NAME=JSON gives the capability NAME a value. */
static int add_driver_options(struct json_object *list, struct json_object *options,
			      struct json_object *capabilities, struct gantry_error *err)
{
	if (!options) {
		return 0;
	}
	json_object_object_foreach(options, key, value)
	{
		const char *text = json_object_get_string(value), *name = key + strlen(OPTION_PREFIX);
		struct json_object *parsed;
		int r;

		if (strncmp(key, OPTION_PREFIX, strlen(OPTION_PREFIX))) {
			continue;
		}
		if (!cni_conf_wants(list, name)) {
			return error_set(err, GANTRY_ERR_INVALID, "network %s: none of its plugins has the capability %s",
					 json_get_string(list, "name"), name);
		}
		r = json_parse(text, strlen(text), key, &parsed, err);
		if (r < 0) {
			return error_prefix(err, "option %s", key);
		}
		json_set(capabilities, name, parsed);
	}
	return 0;
}

static int is_argument(const char *text)
{
	return !text || text[strcspn(text, ";= \t\r\n")] == '\0';
}

static int gather(struct json_object *list, struct json_object *request, struct json_object *ports,
		  struct json_object *capabilities, struct buf *args, struct gantry_error *err)
{
	static const char *const texts[] = { "IPv4Address", "IPv6Address", "MacAddress" };
	int r = add_ports(list, ports, capabilities, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++) {
		if (!is_argument(json_get_string(request, texts[i]))) {
			r = error_set(err, GANTRY_ERR_INVALID, "%s \"%.60s\" is no address", texts[i],
				      json_get_string(request, texts[i]));
		}
	}
	if (r < 0) {
		return r;
	}
	buf_adds(args, "IgnoreUnknown=1");
	add_wish(list, "ips", 1, "IP", json_get_string(request, "IPv4Address"), capabilities, args);
	add_wish(list, "ips", 1, "IP", json_get_string(request, "IPv6Address"), capabilities, args);
	add_wish(list, "mac", 0, "MAC", json_get_string(request, "MacAddress"), capabilities, args);
	return add_driver_options(list, json_get_object(request, "DriverOpts"), capabilities, err);
}

/* ---- records ---- */

static void record_key(const char *endpoint, char key[80])
{
	snprintf(key, 80, "att/%.64s", endpoint);
}

static int load(struct cni *d, const char *endpoint, struct json_object **ret,
		struct gantry_error *err)
{
	auto_free char *text = NULL;
	char key[80];
	int r;

	record_key(endpoint, key);
	r = store_get(&d->store, key, &text, err);
	return r < 0 ? r : json_parse_object(text, "the attachment's record", ret, err);
}

static int save(struct cni *d, const char *endpoint, struct json_object *record,
		struct gantry_error *err)
{
	char key[80];

	record_key(endpoint, key);
	return store_put(&d->store, key, json_text(record), err);
}

static int forget(struct cni *d, const char *endpoint, struct gantry_error *err)
{
	char key[80];

	record_key(endpoint, key);
	return store_remove(&d->store, key, err);
}

static struct cni_chain chain_of_record(const struct cni *d, struct json_object *record)
{
	struct cni_chain c = cni_chain_of(d, json_get_object(record, "List"));

	c.capabilities = json_get_object(record, "Capabilities");
	c.container = json_get_string(record, "Container");
	c.interface = json_get_string(record, "Interface");
	c.args = json_get_string(record, "Args");
	return c;
}

/* The path by which a child of this process opens the namespace. */
static void netns_path(int fd, char ret[48])
{
	snprintf(ret, 48, "/proc/%d/fd/%d", getpid(), fd);
}

/* The result with this namespace's path in place of the one at ADD, which was of a process
 * that has ended; a new reference, or NULL. */
static struct json_object *result_in(struct json_object *record, const char *netns)
{
	struct json_object *result = json_get_object(record, "Result"), *copy = NULL, *interfaces;

	if (!result || json_object_deep_copy(result, &copy, NULL) < 0) {
		return NULL;
	}
	interfaces = json_get_array(copy, "interfaces");
	for (size_t i = 0; netns && i < json_array_size(interfaces); i++) {
		struct json_object *o = json_object_array_get_idx(interfaces, i);
		const char *sandbox = json_get_string(o, "sandbox");

		if (sandbox && *sandbox) {
			json_set_string(o, "sandbox", netns);
		}
	}
	return copy;
}

/* ---- the operations ---- */

static int put_results(struct json_object *record, struct gantry_reply *reply,
		       struct gantry_error *err)
{
	auto_json struct json_object *endpoint = NULL;
	struct json_object *ports = json_get_array(record, "Ports");
	int r = cni_endpoint(json_get_object(record, "Result"), json_get_string(record, "Interface"),
			     &endpoint, err);

	if (r == 0) {
		r = gantry_network_attach_set_endpoint(reply, json_text(endpoint));
	}
	if (r == 0 && ports) {
		r = gantry_network_attach_set_ports(reply, json_text(ports));
	}
	return r < 0 && !err->code ? error_no_memory(err) : r;
}

static int make_record(struct cni *d, const struct gantry_network_attach_args *args,
		       struct json_object *record, struct gantry_error *err)
{
	auto_json struct json_object *who = NULL, *request = NULL;
	auto_(buf) struct buf cni_args = BUF_INIT;
	struct json_object *list, *ports = NULL, *capabilities = json_object_new_object();
	char interface[IFNAMSIZ];
	int r = cni_list_of(d, args->options, &list, err);

	json_set(record, "Capabilities", capabilities);
	if (r == 0) {
		json_set(record, "List", list);
		r = json_parse_object(args->container, "container", &who, err);
	}
	if (r == 0) {
		r = json_parse_object(args->request, "request", &request, err);
	}
	if (r == 0 && args->ports) {
		r = json_parse(args->ports, strlen(args->ports), "ports", &ports, err);
		json_set(record, "Ports", ports);
	}
	if (r == 0) {
		r = gather(list, request, ports, capabilities, &cni_args, err);
	}
	if (r == 0 && !args->interface) {
		r = choose_interface(args->sandbox, interface, err);
	}
	if (r < 0) {
		return r;
	}
	json_set_string(record, "Network", args->network);
	json_set_string(record, "Container", json_get_string(who, "Id"));
	json_set_string(record, "Interface", args->interface ? args->interface : interface);
	json_set_string(record, "Args", buf_str(&cni_args));
	return json_get_string(record, "Container") && !buf_failed(&cni_args)
		       ? 0
		       : error_set(err, GANTRY_ERR_INVALID, "the container has no id");
}

static int add(struct cni *d, const struct gantry_network_attach_args *args,
	       struct json_object *record, struct gantry_error *err)
{
	struct cni_chain chain = chain_of_record(d, record);
	struct json_object *result;
	char netns[48];
	int r = netns_loopback_up(args->sandbox);

	if (r < 0) {
		return error_errno(err, -r, "cannot bring the loopback interface up");
	}
	netns_path(args->sandbox, netns);
	chain.netns = netns;
	r = save(d, args->endpoint, record, err);
	if (r == 0) {
		r = cni_add(&chain, &result, err);
	}
	if (r < 0) {
		struct gantry_error ignored = GANTRY_ERROR_INIT;

		(void)forget(d, args->endpoint, &ignored);
		return r;
	}
	json_set(record, "Result", result);
	return save(d, args->endpoint, record, err);
}

int cni_attach(struct cni *d, const struct gantry_network_attach_args *args,
	       struct gantry_reply *reply, struct gantry_error *err)
{
	auto_json struct json_object *record = NULL;
	int r;

	if (args->sandbox < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "a CNI network needs a network namespace");
	}
	r = load(d, args->endpoint, &record, err);
	if (r == 0 && json_get(record, "Result")) {
		return put_results(record, reply, err); /* asked again */
	}
	if (r == 0) { /* a crash left it half added */
		json_object_put(record);
		record = NULL;
		r = cni_detach(d, args->endpoint, args->sandbox, err);
	} else if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		r = 0;
	}
	record = json_object_new_object();
	if (r == 0) {
		r = make_record(d, args, record, err);
	}
	if (r == 0) {
		r = add(d, args, record, err);
	}
	if (r == 0) {
		r = put_results(record, reply, err);
		if (r < 0) { /* a result that cannot be */
			struct gantry_error ignored = GANTRY_ERROR_INIT;

			(void)cni_detach(d, args->endpoint, args->sandbox, &ignored);
		}
	}
	return r;
}

/* Do plugins find what they masquerade by reading the interface's addresses? */
static int reads_addresses(struct json_object *list)
{
	struct json_object *plugins = json_get_array(list, "plugins");

	for (size_t i = 0; i < json_array_size(plugins); i++) {
		if (json_get_bool(json_object_array_get_idx(plugins, i), "ipMasq", 0)) {
			return 1;
		}
	}
	return 0;
}

int cni_detach(struct cni *d, const char *endpoint, int sandbox, struct gantry_error *err)
{
	auto_json struct json_object *record = NULL, *result = NULL;
	struct cni_chain chain;
	auto_fd int stand_in = -1;
	char netns[48];
	int r = load(d, endpoint, &record, err);

	if (r == GANTRY_ERR_NOT_FOUND) {
		error_clear(err);
		return 0;
	}
	if (r < 0) {
		return r;
	}
	chain = chain_of_record(d, record);
	if (sandbox < 0 && json_get(record, "Result") && reads_addresses(chain.list)) {
		stand_in = cni_stand_in(chain.interface, json_get(record, "Result"), err);
		if (stand_in < 0) {
			return stand_in;
		}
		sandbox = stand_in;
	}
	if (sandbox >= 0) {
		netns_path(sandbox, netns);
		chain.netns = netns;
	}
	result = result_in(record, chain.netns);
	r = cni_del(&chain, result, err);
	return r < 0 ? r : forget(d, endpoint, err);
}

int cni_verify(struct cni *d, const char *endpoint, int sandbox, struct gantry_error *err)
{
	auto_json struct json_object *record = NULL, *result = NULL;
	struct cni_chain chain;
	char netns[48];
	int r = load(d, endpoint, &record, err);

	if (r < 0) {
		return r;
	}
	chain = chain_of_record(d, record);
	netns_path(sandbox, netns);
	chain.netns = netns;
	result = result_in(record, netns);
	r = cni_check(&chain, result, err);
	if (r == GANTRY_ERR_UNSUPPORTED) { /* too old a list to be asked */
		error_clear(err);
		r = 0;
	}
	return r;
}

static int is_listed(const char *const *list, const char *text)
{
	for (; list && *list; list++) {
		if (!strcmp(*list, text)) {
			return 1;
		}
	}
	return 0;
}

/* Adds an attachment that exists to its list's in gc: {name: {List, Attachments}}. */
static int note_live(struct json_object *gc, struct json_object *record)
{
	struct json_object *list = json_get_object(record, "List"), *attachment, *one;
	const char *name = json_get_string(list, "name");

	if (!name) {
		return 0;
	}
	one = json_get_object(gc, name);
	if (!one) {
		one = json_object_new_object();
		json_set(one, "List", json_object_get(list));
		json_set(one, "Attachments", json_object_new_array());
		json_set(gc, name, one);
	}
	attachment = json_object_new_object();
	json_set_string(attachment, "containerID", json_get_string(record, "Container"));
	json_set_string(attachment, "ifname", json_get_string(record, "Interface"));
	return json_object_array_add(json_get_array(one, "Attachments"), attachment);
}

static int collect(struct cni *d, struct json_object *gc, struct gantry_error *err)
{
	int r = 0;

	json_object_object_foreach(gc, name, one)
	{
		struct cni_chain chain = cni_chain_of(d, json_get_object(one, "List"));

		(void)name;
		if (r == 0) {
			r = cni_gc(&chain, json_get_array(one, "Attachments"), err);
		}
	}
	return r;
}

int cni_reconcile(struct cni *d, const char *const *endpoints, struct gantry_error *err)
{
	auto_(reply) struct reply records = REPLY_INIT;
	auto_json struct json_object *gc = json_object_new_object();
	const char *const *keys, *const *values;
	int r = store_list(&d->store, "att/", &records, err), failed = 0;
	struct gantry_error first = GANTRY_ERROR_INIT;

	keys = reply_list(&records, 0);
	values = reply_list(&records, 1);
	for (size_t i = 0; r == 0 && keys[i] && values[i]; i++) {
		auto_json struct json_object *record = NULL;
		struct gantry_error why = GANTRY_ERROR_INIT;
		const char *endpoint = keys[i] + strlen("att/");
		int one = 0;

		if (is_listed(endpoints, endpoint)) {
			one = json_parse_object(values[i], "the attachment's record", &record, &why);
			if (one == 0) {
				note_live(gc, record);
			}
		} else {
			one = cni_detach(d, endpoint, -1, &why);
		}
		if (one < 0 && !failed++) {
			first = why;
		}
	}
	if (r == 0) {
		r = collect(d, gc, err);
	}
	if (r == 0 && failed) {
		*err = first;
		r = first.code;
	}
	return r;
}
