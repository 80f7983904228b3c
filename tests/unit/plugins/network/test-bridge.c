/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network/bridge with real interfaces and rules.  Each test is a process with a network
 * namespace of its own that plays the host, so tests do not see each other or the machine.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gantry/network.h>

#include "helpers/buf.h"
#include "helpers/cleanup.h"
#include "helpers/io.h"
#include "helpers/json.h"
#include "helpers/netns.h"
#include "helpers/reply.h"
#include "tests/unit/fake_host.h"

#define PLUGIN "plugins/network/bridge/bridge.so"
#define NET1 "1111111111111111111111111111111111111111111111111111111111111111"
#define NET2 "2222222222222222222222222222222222222222222222222222222222222222"
#define ATTACH(...) GANTRY_NETWORK_ATTACH_ARGS(__VA_ARGS__)

static struct fake_host *host;
static const struct gantry_network_ops *ops;
static void *self;
static struct gantry_error err;

static int new_namespace(void *arg)
{
	if (unshare(CLONE_NEWNET) < 0) {
		return -errno;
	}
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* A namespace that lives as long as the descriptor. */
static int new_sandbox(void)
{
	auto_fd int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd = netns_run(here, new_namespace, NULL);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void setup(void)
{
	const void *table;

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(system("ip link set lo up"), 0);
	host = fake_host_new();
	err = (struct gantry_error)GANTRY_ERROR_INIT;
	ck_assert_msg(fake_host_open(host, PLUGIN, "network", "bridge", NULL, &table, &self, &err) == 0,
		      "%s", err.message);
	ops = table;
}

static void teardown(void)
{
	fake_host_free(host);
}

/* The complete options, or NULL with err filled; the caller's. */
static char *create(const char *id, const char *name, const char *options)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	const struct gantry_network_create_args args =
		GANTRY_NETWORK_CREATE_ARGS(.id = id, .name = name, .options = options);

	err = (struct gantry_error)GANTRY_ERROR_INIT;
	if (ops->create(self, &args, &reply.base, &err) < 0) {
		ck_assert_int_lt(err.code, 0);
		return NULL;
	}
	return reply_take_string(&reply, GANTRY_NETWORK_CREATE_RET_OPTIONS);
}

static int remove_network(const char *id)
{
	const struct gantry_network_remove_args args = GANTRY_NETWORK_REMOVE_ARGS(.id = id);

	err = (struct gantry_error)GANTRY_ERROR_INIT;
	return ops->remove(self, &args, NULL, &err);
}

static const char *endpoint_id(int i)
{
	static char id[4][65];
	char *to = id[i % 4];

	snprintf(to, 65, "%08x%056x", (unsigned)i + 0xabc, 0);
	return to;
}

/* "endpoint JSON\nports JSON", or NULL with err filled. */
static char *attach(struct gantry_network_attach_args args, const char *options, int i)
{
	auto_(reply) struct reply reply = REPLY_INIT;
	char container[100], *text = NULL;

	snprintf(container, sizeof(container), "{\"Id\":\"x\",\"Name\":\"/c%d\"}", i);
	args.options = options;
	args.network = args.network ? args.network : NET1;
	args.container = container;
	args.endpoint = endpoint_id(i);
	err = (struct gantry_error)GANTRY_ERROR_INIT;
	if (ops->attach(self, &args, &reply.base, &err) < 0) {
		ck_assert_int_lt(err.code, 0);
		return NULL;
	}
	ck_assert_int_ge(asprintf(&text, "%s\n%s", reply_string(&reply, 0),
				  reply_string(&reply, 1) ? reply_string(&reply, 1) : ""), 0);
	return text;
}

static void must_attach(struct gantry_network_attach_args args, const char *options, int i)
{
	auto_free char *text = attach(args, options, i);

	ck_assert_msg(text != NULL, "%s", err.message);
}

static int detach(int i, int sandbox)
{
	const struct gantry_network_detach_args args = GANTRY_NETWORK_DETACH_ARGS(
		.network = NET1, .options = "{}", .endpoint = endpoint_id(i), .sandbox = sandbox);

	err = (struct gantry_error)GANTRY_ERROR_INIT;
	return ops->detach(self, &args, NULL, &err);
}

static void reconcile(const char *const *networks, const char *const *endpoints)
{
	const struct gantry_network_reconcile_args args =
		GANTRY_NETWORK_RECONCILE_ARGS(.networks = networks, .endpoints = endpoints);

	err = (struct gantry_error)GANTRY_ERROR_INIT;
	ck_assert_msg(ops->reconcile(self, &args, NULL, &err) == 0, "%s", err.message);
}

/* Is pattern in the output of a command? */
static int shows(const char *command, const char *pattern)
{
	auto_(buf) struct buf b = BUF_INIT;
	FILE *f = popen(command, "r");

	ck_assert_int_eq(read_to_end(fileno(f), &b, 1 << 20), 0);
	pclose(f);
	return strstr(buf_str(&b), pattern) != NULL;
}

/* A listening socket in a sandbox (-1: the host). */
static int listener(int netns, int type, const char *address, int port)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	int fd = netns >= 0 ? netns_socket(netns, family, type, 0) : socket(family, type, 0);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };

	ck_assert_int_ge(fd, 0);
	if (family == AF_INET) {
		inet_pton(family, address, &in.sin_addr);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	} else {
		inet_pton(family, address, &in6.sin6_addr);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&in6, sizeof(in6)), 0);
	}
	if (type == SOCK_STREAM) {
		ck_assert_int_eq(listen(fd, 8), 0);
	}
	return fd;
}

/* Does a TCP connection from a namespace (-1: the host) come through? */
static int connects(int netns, const char *address, int port)
{
	auto_fd int fd = netns >= 0 ? netns_socket(netns, AF_INET, SOCK_STREAM, 0)
				    : socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct timeval tv = { .tv_usec = 700000 };

	ck_assert_int_ge(fd, 0);
	inet_pton(AF_INET, address, &in.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	return connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0;
}

START_TEST(default_network)
{
	auto_free char *options = create(NET1, "bridge", "{\"Driver\":\"bridge\",\"IPAM\":{\"Config\":[]}}");
	auto_free char *again = NULL;
	auto_free char *e = NULL;
	auto_fd int sandbox = new_sandbox();

	ck_assert_msg(options != NULL, "%s", err.message);
	ck_assert_ptr_nonnull(strstr(options, "\"Subnet\":\"172.17.0.0/16\""));
	ck_assert_ptr_nonnull(strstr(options, "\"Gateway\":\"172.17.0.1\""));
	ck_assert_uint_ne(if_nametoindex("gantry0"), 0);
	ck_assert(shows("nft list ruleset", "into-gantry0"));
	/* Twice is once. */
	again = create(NET1, "bridge", options);
	ck_assert_str_eq(options, again);
	e = attach(ATTACH(.sandbox = sandbox), options, 0);
	ck_assert_msg(e != NULL, "%s", err.message);
	ck_assert_ptr_nonnull(strstr(e, "\"IPAddress\":\"172.17.0.2\",\"IPPrefixLen\":16,"
					"\"Gateway\":\"172.17.0.1\",\"MacAddress\":\"02:42:ac:11:00:02\","
					"\"Interface\":\"eth0\""));
	{
		auto_fd int l = listener(sandbox, SOCK_STREAM, "0.0.0.0", 80);
		auto_fd int mine = listener(-1, SOCK_STREAM, "0.0.0.0", 81);

		ck_assert(connects(-1, "172.17.0.2", 80));
		ck_assert(connects(sandbox, "172.17.0.1", 81));
		ck_assert(connects(sandbox, "127.0.0.1", 80));
	}
	ck_assert_int_eq(remove_network(NET1), GANTRY_ERR_IN_USE);
	ck_assert_ptr_nonnull(strstr(err.message, "c0"));
	ck_assert_int_eq(detach(0, sandbox), 0);
	ck_assert_int_eq(detach(0, -1), 0);
	ck_assert_int_eq(remove_network(NET1), 0);
	ck_assert_int_eq(remove_network(NET1), 0);
	ck_assert_uint_eq(if_nametoindex("gantry0"), 0);
	ck_assert(!shows("nft list ruleset", "gantry0"));
	ck_assert(!shows("ip -o link", "gtv"));
}
END_TEST

START_TEST(host_routes_are_avoided)
{
	auto_free char *options = NULL;

	ck_assert_int_eq(system("ip link add d0 type veth peer d1 && ip link set d0 up && ip link set d1 up && "
				"ip addr add 172.17.5.1/24 dev d0 && ip route add 172.16.0.0/12 dev d0"), 0);
	options = create(NET1, "bridge", "{}");
	ck_assert_msg(options != NULL, "%s", err.message);
	ck_assert_ptr_nonnull(strstr(options, "192.168.0.0/20"));
}
END_TEST

START_TEST(pool_runs_out)
{
	auto_free char *options = NULL;

	ck_assert_int_eq(system("ip link add d0 type veth peer d1 && ip link set d0 up && ip link set d1 up && "
				"ip route add 172.16.0.0/12 dev d0 && ip route add 192.168.0.0/16 dev d0"), 0);
	options = create(NET1, "x", "{}");
	ck_assert_ptr_null(options);
	ck_assert_int_eq(err.code, GANTRY_ERR_NO_SPACE);
}
END_TEST

static const struct {
	const char *options;
	int code;
} bad[] = {
	{ "{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.2.3/24\"}]}}", GANTRY_ERR_INVALID },
	{ "{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.2.0/33\"}]}}", GANTRY_ERR_INVALID },
	{ "{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.2/24\"}]}}", GANTRY_ERR_INVALID },
	{ "{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.2.0/32\"}]}}", GANTRY_ERR_INVALID },
	{ "{\"IPAM\":{\"Config\":[{\"Subnet\":\"0.0.0.0/0\"}]}}", GANTRY_ERR_INVALID },
	{ "{\"IPAM\":{\"Config\":[{\"Subnet\":\"fd00::/64\"}]}}", GANTRY_ERR_INVALID },
	{ "{\"IPAM\":{\"Config\":[{\"Gateway\":\"10.1.2.1\"}]}}", GANTRY_ERR_INVALID },
	{ "{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.2.0/24\",\"Gateway\":\"10.1.3.1\"}]}}",
	  GANTRY_ERR_INVALID },
	{ "{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.2.0/24\",\"IPRange\":\"10.1.0.0/16\"}]}}",
	  GANTRY_ERR_INVALID },
	{ "{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.2.0/24\"},{\"Subnet\":\"10.1.3.0/24\"}]}}",
	  GANTRY_ERR_UNSUPPORTED },
	{ "{\"Options\":{\"com.docker.network.bridge.name\":\"a/b\"}}", GANTRY_ERR_INVALID },
	{ "{\"Options\":{\"com.docker.network.bridge.name\":\"..\"}}", GANTRY_ERR_INVALID },
	{ "{\"Options\":{\"com.docker.network.bridge.name\":\"sixteen-chars-xx\"}}", GANTRY_ERR_INVALID },
	{ "{\"Options\":{\"com.docker.network.bridge.enable_icc\":\"maybe\"}}", GANTRY_ERR_INVALID },
	{ "{\"Options\":{\"com.docker.network.driver.mtu\":\"12\"}}", GANTRY_ERR_INVALID },
	{ "{\"Options\":{\"com.docker.network.bridge.host_binding_ipv4\":\"::1\"}}", GANTRY_ERR_INVALID },
	{ "{\"Options\":{\"a\":1}}", GANTRY_ERR_INVALID },
	{ "[]", GANTRY_ERR_INVALID },
	{ "{", GANTRY_ERR_INVALID },
};

START_TEST(bad_networks_are_refused)
{
	auto_free char *options = create(NET1, "x", bad[_i].options);

	ck_assert_ptr_null(options);
	ck_assert_int_eq(err.code, bad[_i].code);
	ck_assert_int_gt(strlen(err.message), 10);
	ck_assert(!shows("ip -o link", "br-"));
}
END_TEST

START_TEST(overlap_is_refused)
{
	auto_free char *one = create(NET1, "one", "{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.9.0.0/16\"}]}}");
	auto_free char *two = create(NET2, "two", "{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.9.8.0/24\"}]}}");

	ck_assert_ptr_nonnull(one);
	ck_assert_ptr_null(two);
	ck_assert_int_eq(err.code, GANTRY_ERR_IN_USE);
	ck_assert_ptr_nonnull(strstr(err.message, "one (10.9.0.0/16)"));
}
END_TEST

START_TEST(addresses)
{
	auto_free char *options = create(NET1, "x",
		"{\"IPAM\":{\"Config\":[{\"Subnet\":\"10.9.0.0/29\",\"Gateway\":\"10.9.0.2\","
		"\"AuxiliaryAddresses\":{\"dns\":\"10.9.0.3\"}}]}}");
	auto_fd int sandbox = new_sandbox();
	auto_free char *a = NULL, *b = NULL;

	ck_assert_ptr_nonnull(options);
	a = attach(ATTACH(.sandbox = sandbox), options, 0);
	ck_assert_ptr_nonnull(strstr(a, "\"10.9.0.1\",\"IPPrefixLen\":29"));
	b = attach(ATTACH(.sandbox = sandbox, .request = "{\"IPv4Address\":\"10.9.0.5\",\"Default\":false,"
				 "\"MacAddress\":\"02:00:00:00:00:09\"}"), options, 1);
	ck_assert_ptr_nonnull(strstr(b, "10.9.0.5"));
	ck_assert_ptr_nonnull(strstr(b, "\"eth1\""));
	ck_assert_ptr_nonnull(strstr(b, "02:00:00:00:00:09"));
	ck_assert_ptr_null(attach(ATTACH(.sandbox = sandbox, .request = "{\"IPv4Address\":\"10.9.0.5\"}"),
				  options, 2));
	ck_assert_int_eq(err.code, GANTRY_ERR_IN_USE);
	ck_assert_ptr_nonnull(strstr(err.message, "container c1"));
	ck_assert_ptr_null(attach(ATTACH(.sandbox = sandbox, .request = "{\"IPv4Address\":\"10.9.0.2\"}"),
				  options, 2));
	ck_assert_ptr_null(attach(ATTACH(.sandbox = sandbox, .request = "{\"IPv4Address\":\"10.8.0.2\"}"),
				  options, 2));
	ck_assert_int_eq(err.code, GANTRY_ERR_INVALID);
	ck_assert_ptr_null(attach(ATTACH(.sandbox = sandbox, .request = "{\"IPv4Address\":\"x\"}"),
				  options, 2));
	ck_assert_ptr_null(attach(ATTACH(.sandbox = sandbox, .request = "{\"MacAddress\":\"01:00:00:00:00:01\"}"),
				  options, 2));
	ck_assert_ptr_null(attach(ATTACH(.sandbox = -1), options, 2));
	must_attach(ATTACH(.sandbox = sandbox), options, 2); /* .4 */
	must_attach(ATTACH(.sandbox = sandbox), options, 3); /* .6 */
	ck_assert_ptr_null(attach(ATTACH(.sandbox = sandbox), options, 4));
	ck_assert_int_eq(err.code, GANTRY_ERR_NO_SPACE);
	ck_assert(!shows("ip -o link", "gtv00000ac0"));
	ck_assert_int_eq(detach(2, sandbox), 0);
	must_attach(ATTACH(.sandbox = sandbox), options, 4);
}
END_TEST

START_TEST(published_ports)
{
	auto_free char *options = create(NET1, "bridge", "{}");
	auto_fd int web = new_sandbox(), other = new_sandbox(), outside = new_sandbox();
	auto_fd int l = -1, busy = -1;
	auto_free char *e = NULL;
	char peer[64];

	/* A machine on the host's other side. */
	snprintf(peer, sizeof(peer), "/proc/%d/fd/%d", getpid(), outside);
	{
		auto_free char *command = NULL;

		ck_assert_int_ge(asprintf(&command,
			"ip link add up0 type veth peer name out0 && ip addr add 10.77.0.1/24 dev up0 && "
			"ip link set up0 up && nsenter --net=%s true && ip link set out0 netns %s && "
			"nsenter --net=%s sh -c 'ip addr add 10.77.0.2/24 dev out0 && ip link set out0 up && "
			"ip route add default via 10.77.0.1'", peer, peer, peer), 0);
		ck_assert_int_eq(system(command), 0);
	}
	must_attach(ATTACH(.sandbox = other), options, 1);
	e = attach(ATTACH(.sandbox = web, .ports =
		"[{\"Protocol\":\"tcp\",\"ContainerPort\":80,\"HostPort\":8080},"
		"{\"Protocol\":\"tcp\",\"ContainerPort\":80,\"HostIP\":\"127.0.0.1\",\"HostPort\":9090},"
		"{\"Protocol\":\"udp\",\"ContainerPort\":53,\"HostPort\":0}]"), options, 0);
	ck_assert_msg(e != NULL, "%s", err.message);
	ck_assert_ptr_nonnull(strstr(e, "{\"Protocol\":\"tcp\",\"ContainerPort\":80,\"HostIP\":\"0.0.0.0\","
					"\"HostPort\":8080}"));
	ck_assert_ptr_nonnull(strstr(e, "\"ContainerPort\":53,\"HostIP\":\"0.0.0.0\",\"HostPort\":32768}"));
	l = listener(web, SOCK_STREAM, "0.0.0.0", 80);
	ck_assert(connects(-1, "127.0.0.1", 8080));       /* the host's loopback */
	ck_assert(connects(-1, "10.77.0.1", 8080));       /* the host's address */
	ck_assert(connects(-1, "172.17.0.1", 8080));
	ck_assert(connects(outside, "10.77.0.1", 8080));  /* another machine */
	ck_assert(connects(other, "172.17.0.1", 8080));   /* another container */
	ck_assert(connects(other, "10.77.0.1", 8080));
	ck_assert(connects(web, "10.77.0.1", 8080));      /* itself */
	ck_assert(connects(-1, "127.0.0.1", 9090));
	ck_assert(!connects(outside, "10.77.0.1", 9090));
	ck_assert(!connects(-1, "10.77.0.1", 9090));
	ck_assert(!connects(outside, "172.17.0.3", 80));  /* not past the published port */
	{
		/* Outside it is the host who comes. */
		auto_fd int server = listener(outside, SOCK_STREAM, "0.0.0.0", 70);
		struct sockaddr_in peer_address;
		socklen_t size = sizeof(peer_address);
		auto_fd int got = -1;

		ck_assert(connects(other, "10.77.0.2", 70));
		got = accept(server, (struct sockaddr *)&peer_address, &size);
		ck_assert_str_eq(inet_ntoa(peer_address.sin_addr), "10.77.0.1");
	}
	/* Conflicts. */
	ck_assert_ptr_null(attach(ATTACH(.sandbox = other, .ports =
		"[{\"ContainerPort\":1,\"HostIP\":\"127.0.0.1\",\"HostPort\":8080}]"), options, 2));
	ck_assert_int_eq(err.code, GANTRY_ERR_IN_USE);
	ck_assert_str_eq(err.message, "port 8080 on 127.0.0.1 is already used by container c0");
	busy = listener(-1, SOCK_STREAM, "127.0.0.1", 7070);
	ck_assert_ptr_null(attach(ATTACH(.sandbox = other, .ports =
		"[{\"ContainerPort\":1,\"HostPort\":6060},{\"ContainerPort\":1,\"HostPort\":7070}]"),
		options, 2));
	ck_assert_str_eq(err.message, "port 7070 on 0.0.0.0 is already used by another program of the host");
	ck_assert(!shows("nft list ruleset", "6060"));
	ck_assert_ptr_null(attach(ATTACH(.sandbox = other, .ports =
		"[{\"ContainerPort\":1,\"HostIP\":\"10.99.0.1\",\"HostPort\":1}]"), options, 2));
	ck_assert_int_eq(err.code, GANTRY_ERR_INVALID);
	ck_assert_ptr_null(attach(ATTACH(.sandbox = other, .ports = "[{\"ContainerPort\":0}]"), options, 2));
	ck_assert_ptr_null(attach(ATTACH(.sandbox = other, .ports =
		"[{\"ContainerPort\":1,\"Protocol\":\"icmp\"}]"), options, 2));
	/* Rules that somebody flushed come back with the next port. */
	ck_assert_int_eq(system("nft flush ruleset"), 0);
	must_attach(ATTACH(.sandbox = other, .ports = "[{\"ContainerPort\":1,\"HostPort\":6060}]"),
		    options, 2);
	ck_assert(shows("nft list ruleset", "tcp . 6060"));
	ck_assert_int_eq(detach(0, web), 0);
	ck_assert_int_eq(detach(2, other), 0);
	ck_assert(!shows("nft list ruleset", "6060"));
	ck_assert(!shows("nft list ruleset", "8080"));
}
END_TEST

START_TEST(networks_are_isolated)
{
	auto_free char *one = create(NET1, "one", "{}");
	auto_free char *two = create(NET2, "two", _i ? "{\"Internal\":true}" : "{}");
	auto_fd int a = new_sandbox(), b = new_sandbox();
	auto_fd int la = -1, lb = -1, lh = -1;
	auto_free char *e = NULL;

	must_attach(ATTACH(.sandbox = a, .ports = "[{\"ContainerPort\":80,\"HostPort\":8080}]"), one, 0);
	e = attach(ATTACH(.network = NET2, .sandbox = b), two, 1);
	ck_assert_ptr_nonnull(strstr(e, "172.18.0.2"));
	la = listener(a, SOCK_STREAM, "0.0.0.0", 80);
	lb = listener(b, SOCK_STREAM, "0.0.0.0", 80);
	lh = listener(-1, SOCK_STREAM, "0.0.0.0", 81);
	ck_assert(!connects(a, "172.18.0.2", 80));
	ck_assert(!connects(b, "172.17.0.2", 80));
	ck_assert(connects(b, "172.18.0.1", 81));
	/* A published port is for everybody who can reach the host. */
	ck_assert_int_eq(connects(b, "172.18.0.1", 8080), !_i);
}
END_TEST

START_TEST(no_talk_between_containers_without_icc)
{
	auto_free char *options = create(NET1, "one",
		"{\"Options\":{\"com.docker.network.bridge.enable_icc\":\"false\"}}");
	auto_fd int a = new_sandbox(), b = new_sandbox();
	auto_fd int l = -1;

	must_attach(ATTACH(.sandbox = a, .ports = "[{\"ContainerPort\":80,\"HostPort\":8080}]"), options, 0);
	must_attach(ATTACH(.sandbox = b), options, 1);
	if (_i) {
		/* Also where the host does not filter bridged frames by default. */
		(void)!system("echo 0 2>/dev/null >/proc/sys/net/bridge/bridge-nf-call-iptables");
	}
	l = listener(a, SOCK_STREAM, "0.0.0.0", 80);
	ck_assert(connects(-1, "172.17.0.2", 80));
	ck_assert(!connects(b, "172.17.0.2", 80));
	ck_assert(connects(b, "172.17.0.1", 8080));
}
END_TEST

START_TEST(ipv6)
{
	auto_free char *options = create(NET1, "six", "{\"EnableIPv6\":true}");
	auto_fd int a = new_sandbox();
	auto_free char *e = NULL;

	ck_assert_msg(options != NULL, "%s", err.message);
	ck_assert_ptr_nonnull(strstr(options, "fd11:1111:1111::/64"));
	e = attach(ATTACH(.sandbox = a, .ports = "[{\"ContainerPort\":80,\"HostPort\":8080}]"), options, 0);
	ck_assert_msg(e != NULL, "%s", err.message);
	ck_assert_ptr_nonnull(strstr(e, "\"GlobalIPv6Address\":\"fd11:1111:1111::2\""));
	ck_assert_ptr_nonnull(strstr(e, "\"HostIP\":\"::\""));
	{
		auto_fd int l = listener(a, SOCK_STREAM, "::", 80);
		auto_fd int fd = socket(AF_INET6, SOCK_STREAM, 0);
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(8080) };

		inet_pton(AF_INET6, "fd11:1111:1111::1", &in6.sin6_addr);
		ck_assert_int_eq(connect(fd, (struct sockaddr *)&in6, sizeof(in6)), 0);
	}
	ck_assert_int_eq(detach(0, a), 0);
	ck_assert_int_eq(remove_network(NET1), 0);
	ck_assert(!shows("nft list ruleset", "fd11"));
}
END_TEST

START_TEST(existing_bridge_is_adopted_and_left)
{
	auto_free char *options = NULL;

	ck_assert_int_eq(system("ip link add mybr type bridge"), 0);
	options = create(NET1, "x", "{\"Options\":{\"com.docker.network.bridge.name\":\"mybr\"}}");
	ck_assert_msg(options != NULL, "%s", err.message);
	ck_assert_int_eq(remove_network(NET1), 0);
	ck_assert_uint_ne(if_nametoindex("mybr"), 0);
}
END_TEST

START_TEST(bridge_of_a_deleted_engine_is_taken_away)
{
	auto_free char *options = NULL;

	ck_assert_int_eq(system("ip link add gantry0 type bridge && "
				"ip link set gantry0 alias 'gantry network " NET2 " /no/such/folder' && "
				"ip addr add 172.17.0.1/16 dev gantry0 && ip link set gantry0 up"), 0);
	options = create(NET1, "bridge", "{}");
	ck_assert_msg(options != NULL, "%s", err.message);
	ck_assert_ptr_nonnull(strstr(options, "172.17.0.0/16"));
	ck_assert_uint_eq(if_nametoindex("gantry1"), 0);
	/* A living one's is left. */
	free(options);
	ck_assert_int_eq(remove_network(NET1), 0);
	ck_assert_int_eq(system("ip link add gantry0 type bridge && "
				"ip link set gantry0 alias 'gantry network " NET2 " /tmp'"), 0);
	options = create(NET1, "bridge", "{}");
	ck_assert_uint_ne(if_nametoindex("gantry1"), 0);
	ck_assert_uint_ne(if_nametoindex("gantry0"), 0);
}
END_TEST

START_TEST(docker_and_forward_policy)
{
	auto_free char *options = NULL;

	ck_assert_int_eq(system("nft 'add table ip filter; "
		"add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; "
		"add chain ip filter DOCKER-USER; add rule ip filter FORWARD jump DOCKER-USER'"), 0);
	options = create(NET1, "bridge", "{}");
	ck_assert(shows("nft list chain ip filter DOCKER-USER", "gantry:gantry0"));
	ck_assert_int_eq(remove_network(NET1), 0);
	ck_assert(!shows("nft list ruleset", "gantry0"));
}
END_TEST

START_TEST(reconcile_frees_what_is_unknown)
{
	static const char *const none[] = { NULL };
	auto_free char *options = create(NET1, "bridge", "{}");
	const char *keep[] = { NULL, NULL };
	static const char *const networks[] = { NET1, NULL };
	auto_fd int a = new_sandbox(), b = new_sandbox();
	auto_free char *e = NULL;

	must_attach(ATTACH(.sandbox = a, .ports = "[{\"ContainerPort\":80,\"HostPort\":8080}]"), options, 0);
	must_attach(ATTACH(.sandbox = b, .ports = "[{\"ContainerPort\":80,\"HostPort\":8081}]"), options, 1);
	keep[0] = endpoint_id(1);
	reconcile(networks, keep);
	ck_assert(!shows("nft list ruleset", "8080"));
	ck_assert(shows("nft list ruleset", "8081"));
	ck_assert(!shows("ip -o link", "gtv00000abc"));
	ck_assert(shows("ip -o link", "gtv00000abd"));
	e = attach(ATTACH(.sandbox = a), options, 2);
	ck_assert_ptr_nonnull(strstr(e, "172.17.0.2"));
	reconcile(none, none);
	ck_assert(!shows("ip -o link", "gtv"));
	ck_assert(!shows("ip -o link", "gantry0"));
	ck_assert(!shows("nft list ruleset", "gantry0"));
	ck_assert(!shows("nft list ruleset", "8081"));
}
END_TEST

START_TEST(lost_bridge_comes_back)
{
	auto_free char *options = create(NET1, "bridge", "{}");
	auto_fd int a = new_sandbox();

	ck_assert_int_eq(system("ip link del gantry0; nft flush ruleset"), 0);
	must_attach(ATTACH(.sandbox = a), options, 0);
	ck_assert(shows("nft list ruleset", "into-gantry0"));
	ck_assert(shows("ip addr show dev gantry0", "172.17.0.1/16"));
}
END_TEST

START_TEST(attach_again_is_the_same)
{
	auto_free char *options = create(NET1, "bridge", "{}");
	auto_fd int a = new_sandbox();
	auto_free char *first = NULL, *second = NULL;

	first = attach(ATTACH(.sandbox = a, .ports = "[{\"ContainerPort\":80,\"HostPort\":8080}]"),
		       options, 0);
	second = attach(ATTACH(.sandbox = a, .ports = "[{\"ContainerPort\":80,\"HostPort\":8080}]",
			       .interface = "eth0"), options, 0);
	if (!second) {
		/* The interface of the first try is replaced. */
		ck_abort_msg("%s", err.message);
	}
	ck_assert_str_eq(first, second);
}
END_TEST

struct racer {
	const char *options;
	int sandbox;
	int number;
	char endpoint_id[65];
	char result[1024];
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct gantry_error why = GANTRY_ERROR_INIT;
	auto_(reply) struct reply reply = REPLY_INIT;
	const struct gantry_network_attach_args args = ATTACH(
		.network = NET1, .options = r->options, .endpoint = r->endpoint_id,
		.container = "{\"Name\":\"/c\"}", .sandbox = r->sandbox,
		.ports = "[{\"ContainerPort\":80,\"HostPort\":0}]");

	if (ops->attach(self, &args, &reply.base, &why) < 0) {
		snprintf(r->result, sizeof(r->result), "%s", why.message);
	} else {
		auto_json struct json_object *e = json_tokener_parse(reply_string(&reply, 0));
		auto_json struct json_object *p = json_tokener_parse(reply_string(&reply, 1));

		snprintf(r->result, sizeof(r->result), "%s %d", json_get_string(e, "IPAddress"),
			 (int)json_get_int(json_object_array_get_idx(p, 0), "HostPort", 0));
	}
	return NULL;
}

START_TEST(many_attach_at_once)
{
	auto_free char *options = create(NET1, "bridge", "{}");
	struct racer racers[12];
	pthread_t threads[ARRAY_SIZE(racers)];
	int ips = 0, ports = 0;

	for (size_t i = 0; i < ARRAY_SIZE(racers); i++) {
		racers[i] = (struct racer){ .options = options, .sandbox = new_sandbox(), .number = (int)i };
		snprintf(racers[i].endpoint_id, 65, "%08x%056x", (unsigned)i + 1, 0);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(racers); i++) {
		int d, port;

		pthread_join(threads[i], NULL);
		ck_assert_msg(sscanf(racers[i].result, "172.17.0.%d %d", &d, &port) == 2, "%s",
			      racers[i].result);
		ck_assert_int_lt(d, 14);
		ck_assert_int_lt(port, 32768 + 12);
		ips |= 1 << d;
		ports |= 1 << (port - 32768);
		close(racers[i].sandbox);
	}
	ck_assert_int_eq(ips, 0x3ffc);
	ck_assert_int_eq(ports, 0xfff);
}
END_TEST

START_TEST(attach_is_cheap)
{
	auto_free char *options = create(NET1, "bridge", "{}");
	int64_t best = INT64_MAX;

	for (int i = 0; i < 20; i++) {
		int sandbox = new_sandbox();
		int64_t start = time_monotonic_ns(), took;

		must_attach(ATTACH(.sandbox = sandbox, .interface = "eth0"), options, i);
		took = time_monotonic_ns() - start;
		best = took < best ? took : best;
		close(sandbox);
		ck_assert_int_eq(detach(i, -1), 0);
	}
	printf("attach: %lld us (best of 20)\n", (long long)best / 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("network/bridge");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	if (geteuid() != 0) {
		puts("needs root: it makes network namespaces");
		return 77;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, default_network);
	tcase_add_test(tc, host_routes_are_avoided);
	tcase_add_test(tc, pool_runs_out);
	tcase_add_loop_test(tc, bad_networks_are_refused, 0, (int)ARRAY_SIZE(bad));
	tcase_add_test(tc, overlap_is_refused);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, published_ports);
	tcase_add_loop_test(tc, networks_are_isolated, 0, 2);
	tcase_add_loop_test(tc, no_talk_between_containers_without_icc, 0, 2);
	tcase_add_test(tc, ipv6);
	tcase_add_test(tc, existing_bridge_is_adopted_and_left);
	tcase_add_test(tc, bridge_of_a_deleted_engine_is_taken_away);
	tcase_add_test(tc, docker_and_forward_policy);
	tcase_add_test(tc, reconcile_frees_what_is_unknown);
	tcase_add_test(tc, lost_bridge_comes_back);
	tcase_add_test(tc, attach_again_is_the_same);
	tcase_add_test(tc, many_attach_at_once);
	tcase_add_test(tc, attach_is_cheap);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
