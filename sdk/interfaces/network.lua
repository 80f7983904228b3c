-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "network",
	since = "1.0",
	chain = "none",
	doc = [[
Networks, and endpoints of containers in them.  A sandbox is a container's network
namespace.  What a driver makes in the host must either die with the sandbox (a veth pair) or be found again by
`reconcile`.]],
}

op {
	name = "create",
	doc = "Checks a network's options, chooses what was left open (subnet, gateway, interface name) and makes it. Called again after a reboot, with the result as options, it restores the network.",
	args = {
		{ "id", "string", "64 hexadecimal digits" },
		{ "name", "string", "as the user says it" },
		{ "options", "json", "{Driver, EnableIPv6, Internal, IPAM:{Config:[{Subnet,Gateway,IPRange,AuxiliaryAddresses}]}, Options:{}}" },
	},
	results = { { "options", "json", "the same, complete" } },
	errors = { "INVALID", "EXISTS", "IN_USE", "NO_SPACE", "UNSUPPORTED" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "remove",
	doc = "Removes a network; one that is not there is no error.",
	args = { { "id", "string", "the network" } },
	errors = { "IN_USE" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "attach",
	doc = "Connects a sandbox: addresses, routes, published ports.",
	args = {
		{ "network", "string", "network id" },
		{ "options", "json", "the network's options, as create returned them" },
		{ "endpoint", "string", "64 hexadecimal digits, chosen by the engine" },
		{ "container", "json", "{Id, Name, Labels}: whom it is for" },
		{ "sandbox", "fd?", "the network namespace; absent for drivers that need none (host)" },
		{ "interface", "string?", "name inside, e.g. eth0; absent: the driver's choice" },
		{ "request", "json?", "{IPv4Address, IPv6Address, MacAddress, GwPriority, DriverOpts: {}, Default: is the default route}" },
		{ "ports", "json?", "[{Protocol, ContainerPort, HostIP, HostPort (0: choose)}]" },
	},
	results = {
		{ "endpoint", "json", "{IPAddress, IPPrefixLen, Gateway, MacAddress, GlobalIPv6Address, GlobalIPv6PrefixLen, IPv6Gateway, Interface, DNS:[...] resolvers where the host's cannot be reached, Sockets: {Inside:[subnets], Resolver: \"ALIAS ADDRESS\", Carrier: path}: TCP to the outside is made in the host's network for it}" },
		{ "ports", "json?", "the ports as published" },
	},
	errors = { "INVALID", "IN_USE", "NO_SPACE", "NOT_FOUND" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "detach",
	doc = "Disconnects an endpoint and frees its addresses and ports; one that is not there is no error.",
	args = {
		{ "network", "string", "network id" },
		{ "options", "json", "the network's options" },
		{ "endpoint", "string", "the endpoint" },
		{ "sandbox", "fd?", "absent when the namespace is gone" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "reconcile",
	doc = "Frees whatever belongs to none of these: addresses, ports, interfaces, rules.",
	args = {
		{ "networks", "list", "ids of networks that exist" },
		{ "endpoints", "list", "ids of endpoints that exist" },
	},
	required = false, idempotent = true, deadline = "long",
}

op {
	name = "verify",
	doc = "Is an endpoint still as attach made it? An error says what is not. Nothing is repaired.",
	args = {
		{ "network", "string", "network id" },
		{ "options", "json", "the network's options" },
		{ "endpoint", "string", "the endpoint" },
		{ "sandbox", "fd", "the network namespace" },
	},
	errors = { "NOT_FOUND", "UNSUPPORTED" },
	required = false, idempotent = true, deadline = "long",
}

op {
	name = "discover",
	doc = [[Networks that are defined outside of the engine, by files. The engine makes a record of each, with its origin
as Discovered in its options, when somebody lists networks or names one; create must not fail for one of them because something
that it needs is missing.]],
	results = { { "network", "list", "JSON objects {Name, Origin: the file, Options}" } },
	required = false, idempotent = true, deadline = "short",
}
