/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/options/options.h"
#include "helpers/cleanup.h"
#include "helpers/error.h"

struct range {
	unsigned int first, last;
};

static int parse_range(const char *text, struct range *ret)
{
	char *end;
	unsigned long first, last;

	if (!isdigit((unsigned char)*text)) {
		return -1;
	}
	first = last = strtoul(text, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1])) {
		last = strtoul(end + 1, &end, 10);
	}
	if (*end || first > 65535 || last > 65535 || last < first) {
		return -1;
	}
	*ret = (struct range){ (unsigned int)first, (unsigned int)last };
	return 0;
}

static int known_protocol(const char *protocol)
{
	return strcasecmp(protocol, "tcp") == 0 || strcasecmp(protocol, "udp") == 0 ||
	       strcasecmp(protocol, "sctp") == 0;
}

static void expose(struct json_object *config, unsigned int port, const char *protocol)
{
	char key[32];

	snprintf(key, sizeof(key), "%u/%s", port, protocol);
	json_set(options_member(config, "ExposedPorts"), key, json_object_new_object());
}

static int bind_port(struct json_object *host, unsigned int port, const char *protocol,
		     const char *ip, const char *host_port)
{
	struct json_object *bindings = options_member(host, "PortBindings");
	struct json_object *binding = json_object_new_object();
	struct json_object *list;
	char key[32];

	snprintf(key, sizeof(key), "%u/%s", port, protocol);
	list = json_get_array(bindings, key);
	if (!list) {
		list = json_object_new_array();
		json_set(bindings, key, list);
	}
	json_set_string(binding, "HostIp", ip);
	json_set_string(binding, "HostPort", host_port);
	return json_object_array_add(list, binding);
}

/* "[::1]:8080:80" into its three parts, each "" when absent; text is cut up. */
static void split_spec(char *text, char **ip, char **host_port, char **container_port)
{
	char *colon = strrchr(text, ':');

	*ip = *host_port = text + strlen(text);
	*container_port = text;
	if (!colon) {
		return;
	}
	*colon = '\0';
	*container_port = colon + 1;
	*host_port = text;
	colon = strrchr(text, ':');
	if (colon) {
		*colon = '\0';
		*host_port = colon + 1;
		*ip = text;
		if (**ip == '[') {
			++*ip;
			(*ip)[strcspn(*ip, "]")] = '\0';
		}
	}
}

/* Binds the ports of one range to those of the other. */
static int bind_range(struct json_object *config, struct json_object *host, const char *protocol,
		      const char *ip, const char *host_text, const char *container_text,
		      struct gantry_error *err)
{
	struct range to, from = { 0, 0 };

	if (!*container_text) {
		return error_set(err, GANTRY_ERR_INVALID, "no port specified: %s<empty>", host_text);
	}
	if (parse_range(container_text, &to) < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid containerPort: %s", container_text);
	}
	if (*host_text && parse_range(host_text, &from) < 0) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid hostPort: %s", host_text);
	}
	if (*host_text && to.last - to.first != from.last - from.first && to.first != to.last) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid ranges specified for container and host Ports: %s and %s",
				 container_text, host_text);
	}
	for (unsigned int i = 0; i <= to.last - to.first; i++) {
		char text[24] = "";

		if (*host_text && to.first == to.last && from.first != from.last) {
			snprintf(text, sizeof(text), "%u-%u", from.first, from.last);
		} else if (*host_text) {
			snprintf(text, sizeof(text), "%u", from.first + i);
		}
		expose(config, to.first + i, protocol);
		if (bind_port(host, to.first + i, protocol, ip, text) < 0) {
			return error_no_memory(err);
		}
	}
	return 0;
}

struct long_port {
	char target[16], published[16], protocol[8];
};

static int long_field(void *user, const char *key, const char *value, int has_value,
		      struct gantry_error *err)
{
	struct long_port *port = user;

	if (strcmp(key, "target") == 0) {
		snprintf(port->target, sizeof(port->target), "%s", value);
	} else if (strcmp(key, "published") == 0) {
		snprintf(port->published, sizeof(port->published), "%s", value);
	} else if (strcmp(key, "protocol") == 0) {
		snprintf(port->protocol, sizeof(port->protocol), "%s", value);
	} else if (strcmp(key, "mode") != 0) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid field key: %s", key);
	}
	return 0;
}

static int publish(struct json_object *config, struct json_object *host, const char *text,
		   struct gantry_error *err)
{
	struct long_port port = { .protocol = "tcp" };
	auto_free char *copy = strdup(text);
	char *slash, *ip, *host_port, *container_port;
	const char *protocol = "tcp";
	int r;

	if (!copy) {
		return error_no_memory(err);
	}
	if (strchr(text, '=')) {
		r = options_csv(text, long_field, &port, err);
		return r < 0 ? r
			     : bind_range(config, host, port.protocol, "", port.published, port.target,
					  err);
	}
	slash = strrchr(copy, '/');
	if (slash) {
		*slash = '\0';
		protocol = slash + 1;
	}
	split_spec(copy, &ip, &host_port, &container_port);
	if (!known_protocol(protocol)) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid proto: %s", protocol);
	}
	return bind_range(config, host, protocol, ip, host_port, container_port, err);
}

static int expose_text(struct json_object *config, const char *text, struct gantry_error *err)
{
	auto_free char *copy = strdup(text);
	const char *protocol = "tcp";
	struct range range;
	char *slash;

	if (!copy) {
		return error_no_memory(err);
	}
	slash = strchr(copy, '/');
	if (slash) {
		*slash = '\0';
		protocol = slash + 1;
	}
	if (strchr(copy, ':') || !known_protocol(protocol)) {
		return error_set(err, GANTRY_ERR_INVALID, "invalid port format for --expose: %s", text);
	}
	if (parse_range(copy, &range) < 0) {
		return error_set(err, GANTRY_ERR_INVALID,
				 "invalid range format for --expose: %s, error: strconv.ParseUint: "
				 "parsing \"%s\": invalid syntax",
				 text, copy);
	}
	for (unsigned int p = range.first; p <= range.last; p++) {
		expose(config, p, protocol);
	}
	return 0;
}

int options_ports(const struct args *args, struct json_object *config, struct json_object *host,
		  struct gantry_error *err)
{
	const char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && (text = args_item(args, "publish", i)); i++) {
		r = publish(config, host, text, err);
	}
	for (size_t i = 0; r == 0 && (text = args_item(args, "expose", i)); i++) {
		r = expose_text(config, text, err);
	}
	if (args_bool(args, "publish-all", 0)) {
		json_set_bool(host, "PublishAllPorts", 1);
	}
	return r;
}
