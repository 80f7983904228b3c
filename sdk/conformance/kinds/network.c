/* SPDX-License-Identifier: Apache-2.0 */
/* What every network driver does.  The kit runs in a network namespace of its own. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <conformance/network.h>

#include "helpers/cleanup.h"
#include "helpers/json.h"

/* 64 hexadecimal digits from a text. */
static const char *hex(const char *id, int salt, char room[65])
{
	uint64_t hash = 0xcbf29ce484222325 + (uint64_t)salt;

	for (; *id; id++) {
		hash = (hash ^ (unsigned char)*id) * 0x100000001b3;
	}
	snprintf(room, 65, "%016llx%016llx%032d", (unsigned long long)hash, (unsigned long long)hash * 31, salt);
	return room;
}

/* A network namespace; -1 where this process may not make one. */
static int new_sandbox(void)
{
	int ends[2], fd = -1;
	char path[64], byte = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		byte = unshare(CLONE_NEWNET) == 0;
		(void)!write(ends[1], &byte, 1);
		pause();
		_exit(0);
	}
	close(ends[1]);
	if (pid > 0 && read(ends[0], &byte, 1) == 1 && byte) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	close(ends[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return fd;
}

#define OPTIONS "{\"Driver\":\"\",\"EnableIPv6\":false,\"Internal\":false,\"IPAM\":{\"Config\":[]},\"Options\":{}}"

static int create(struct kit *k, const char *id, char options[4096])
{
	char room[65], name[20];
	int r;

	snprintf(name, sizeof(name), "kit%.12s", hex(id, 1, room));
	r = call_create(k, &GANTRY_NETWORK_CREATE_ARGS(.id = hex(id, 1, room), .name = name, .options =
						     kit_setting(k->subject, "options") ?: OPTIONS));
	snprintf(options, 4096, "%s", r == 0 ? reply_string(&k->reply, GANTRY_NETWORK_CREATE_RET_OPTIONS) : "{}");
	return r;
}

static int attach_to(struct kit *k, const char *id, int number, const char *options, int sandbox)
{
	char network[65], endpoint[65], container[128];

	hex(id, number, endpoint);
	snprintf(container, sizeof(container), "{\"Id\":\"%s\",\"Name\":\"/kit\",\"Labels\":{}}", endpoint);
	return call_attach(k, &GANTRY_NETWORK_ATTACH_ARGS(.network = hex(id, 1, network), .options = options,
							  .endpoint = endpoint, .container = container,
							  .sandbox = sandbox));
}

/* A driver for containers in the host's own namespace refuses a sandbox, and must do without. */
static int attach_as(struct kit *k, const char *id, int number, const char *options, int sandbox)
{
	int r = attach_to(k, id, number, options, sandbox);

	return r == GANTRY_ERR_INVALID || r == GANTRY_ERR_UNSUPPORTED
		       ? attach_to(k, id, number, options, -1)
		       : r;
}

static int attach(struct kit *k, const char *id, const char *options, int sandbox)
{
	return attach_as(k, id, 2, options, sandbox);
}

static int detach_as(struct kit *k, const char *id, int number, const char *options, int sandbox)
{
	char network[65], endpoint[65];

	return call_detach(k, &GANTRY_NETWORK_DETACH_ARGS(.network = hex(id, 1, network), .options = options,
							  .endpoint = hex(id, number, endpoint),
							  .sandbox = sandbox));
}

static int detach(struct kit *k, const char *id, const char *options, int sandbox)
{
	return detach_as(k, id, 2, options, sandbox);
}

static int drop(struct kit *k, const char *id)
{
	char room[65];

	return call_remove(k, &GANTRY_NETWORK_REMOVE_ARGS(.id = hex(id, 1, room)));
}

static void life(struct kit *k, const char *id)
{
	auto_fd int sandbox = new_sandbox();
	char options[4096];

	KIT_OK(k, create(k, id, options));
	if (sandbox >= 0) {
		KIT_OK(k, attach(k, id, options, sandbox));
		KIT_OK(k, detach(k, id, options, sandbox));
	}
	KIT_OK(k, drop(k, id));
}

static void recover(struct kit *k, const char *id)
{
	static const char *const none[] = { NULL };
	char options[4096];

	if (kit_has(k, GANTRY_NETWORK_OP_RECONCILE)) {
		KIT_OK(k, call_reconcile(k, &GANTRY_NETWORK_RECONCILE_ARGS(.networks = none, .endpoints = none)));
	}
	KIT_OK(k, create(k, id, options));
	KIT_OK(k, detach(k, id, options, -1));
	KIT_OK(k, drop(k, id));
}

void conform_network_create(struct kit *k)
{
	auto_json struct json_object *o = NULL;
	char options[4096], again[4096], room[65];

	KIT_OK(k, create(k, "one", options));
	KIT_TRUE(k, json_parse_object(options, "options", &o, &k->err) == 0, "create returned no JSON object: %s",
		 options);
	/* With its own answer as options, it restores the network and changes nothing. */
	KIT_OK(k, call_create(k, &GANTRY_NETWORK_CREATE_ARGS(.id = hex("one", 1, room), .name = "kitone",
							     .options = options)));
	snprintf(again, sizeof(again), "%s", reply_string(&k->reply, GANTRY_NETWORK_CREATE_RET_OPTIONS));
	KIT_TRUE(k, strcmp(options, again) == 0, "restored, the options changed from %.200s to %.200s", options, again);
	KIT_OK(k, drop(k, "one"));
}

void conform_network_remove(struct kit *k)
{
	char options[4096];

	KIT_OK(k, drop(k, "absent"));
	KIT_OK(k, create(k, "one", options));
	KIT_OK(k, drop(k, "one"));
	KIT_OK(k, drop(k, "one"));
}

void conform_network_attach(struct kit *k)
{
	auto_fd int sandbox = new_sandbox();
	auto_json struct json_object *o = NULL;
	char options[4096];

	if (sandbox < 0) {
		kit_skip(k, "this process may not make a network namespace");
		return;
	}
	KIT_OK(k, create(k, "one", options));
	KIT_OK(k, attach(k, "one", options, sandbox));
	KIT_TRUE(k, json_parse_object(reply_string(&k->reply, GANTRY_NETWORK_ATTACH_RET_ENDPOINT), "endpoint", &o,
				      &k->err) == 0, "the endpoint is no JSON object");
	KIT_OK(k, detach(k, "one", options, sandbox));
	/* Its address is free for the next. */
	KIT_OK(k, attach_as(k, "one", 3, options, sandbox));
	KIT_OK(k, detach_as(k, "one", 3, options, sandbox));
	KIT_OK(k, drop(k, "one"));
}

void conform_network_detach(struct kit *k)
{
	auto_fd int sandbox = new_sandbox();
	char options[4096];

	KIT_OK(k, create(k, "one", options));
	KIT_OK(k, detach(k, "one", options, -1));
	if (sandbox >= 0) {
		KIT_OK(k, attach(k, "one", options, sandbox));
		/* The container died, its namespace with it. */
		replace_fd(&sandbox, -1);
		KIT_OK(k, detach(k, "one", options, -1));
	}
	KIT_OK(k, drop(k, "one"));
}

void conform_network_reconcile(struct kit *k)
{
	static const char *const none[] = { NULL };

	KIT_NEEDS(k, GANTRY_NETWORK_OP_RECONCILE);
	KIT_OK(k, call_reconcile(k, &GANTRY_NETWORK_RECONCILE_ARGS(.networks = none, .endpoints = none)));
	life(k, "one");
	KIT_OK(k, call_reconcile(k, &GANTRY_NETWORK_RECONCILE_ARGS(.networks = none, .endpoints = none)));
}

void conform_network_verify(struct kit *k)
{
	auto_fd int sandbox = new_sandbox();
	char options[4096], network[65], endpoint[65];

	KIT_NEEDS(k, GANTRY_NETWORK_OP_VERIFY);
	if (sandbox < 0) {
		kit_skip(k, "this process may not make a network namespace");
		return;
	}
	KIT_OK(k, create(k, "one", options));
	KIT_OK(k, attach(k, "one", options, sandbox));
	KIT_OK(k, call_verify(k, &GANTRY_NETWORK_VERIFY_ARGS(.network = hex("one", 1, network), .options = options,
							     .endpoint = hex("one", 2, endpoint),
							     .sandbox = sandbox)));
	KIT_OK(k, detach(k, "one", options, sandbox));
	KIT_TRUE(k, call_verify(k, &GANTRY_NETWORK_VERIFY_ARGS(.network = network, .options = options,
							       .endpoint = endpoint, .sandbox = sandbox)) < 0,
		 "verify finds nothing wrong with an endpoint that was detached");
	KIT_OK(k, drop(k, "one"));
}

void conform_network_discover(struct kit *k)
{
	KIT_NEEDS(k, GANTRY_NETWORK_OP_DISCOVER);
	KIT_OK(k, call_discover(k, &GANTRY_NETWORK_DISCOVER_ARGS()));
	for (const char *const *i = reply_list(&k->reply, GANTRY_NETWORK_DISCOVER_RET_NETWORK); *i; i++) {
		auto_json struct json_object *o = NULL;

		KIT_TRUE(k, json_parse_object(*i, "network", &o, &k->err) == 0 && json_get_string(o, "Name") &&
				    json_get_string(o, "Origin"),
			 "\"%.200s\" is no JSON object with Name and Origin", *i);
	}
}

const struct kit_kind kit_network = {
	.kind = "network",
	.operations = conform_network_operations,
	.life = life,
	.recover = recover,
};
