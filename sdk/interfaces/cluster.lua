-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "cluster",
	since = "1.0",
	doc = [[
State shared by several hosts, on an engine that exists already (etcd, dqlite, Consul). Keys are texts with '/'
between their parts; every change of the store gets a revision, which only grows. A driver promises that a write that
was answered is seen by every later read on every host; a host that cannot be sure of that answers UNAVAILABLE instead
of something old. No driver comes with gantry yet, and no part of the engine asks for one: the kind is described,
with its conformance suite, so that drivers can be written.]],
}

op {
	name = "get",
	doc = "The value of a key.",
	args = { { "key", "string", "the key" } },
	results = {
		{ "value", "bytes", "at most 1 MiB" },
		{ "revision", "integer", "of the change that wrote it" },
	},
	errors = { "NOT_FOUND", "UNAVAILABLE" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "put",
	doc = "Writes a key, on the condition that it is as expected; CONFLICT when it is not, and nothing is written.",
	args = {
		{ "key", "string", "the key" },
		{ "value", "bytes", "at most 1 MiB" },
		{ "expect", "integer?", "the revision that it must have; -1: it must not be there; 0: anything" },
		{ "lease", "string?", "from grant: the key goes when the lease ends" },
	},
	results = { { "revision", "integer", "of this change" } },
	errors = { "CONFLICT", "LIMIT", "NOT_FOUND", "UNAVAILABLE" },
	required = true, idempotent = false, deadline = "short",
}

op {
	name = "remove",
	doc = "Removes a key, on the same condition; one that is not there is no error unless a revision was expected.",
	args = {
		{ "key", "string", "the key" },
		{ "expect", "integer?", "the revision that it must have; 0: anything" },
	},
	errors = { "CONFLICT", "UNAVAILABLE" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "list",
	doc = "The keys that begin with a prefix, in byte order, and the revision at which that was so.",
	args = { { "prefix", "string", "\"\": all" } },
	results = {
		{ "key", "list", "keys" },
		{ "revision", "integer", "where a watch goes on" },
	},
	errors = { "UNAVAILABLE" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "watch",
	doc = [[Writes a line for each change after a revision, in order and without a gap: the revision, a space, "put" or
"remove", a space, the key. Ends when `stop` has an event or the sink is closed; LIMIT when the changes are no longer kept.]],
	args = {
		{ "prefix", "string", "\"\": all" },
		{ "revision", "integer", "changes after this one" },
		{ "sink", "fd", "where lines go" },
		{ "stop", "fd?", "readable or hung up: stop" },
	},
	errors = { "LIMIT", "UNAVAILABLE" },
	required = false, idempotent = true, deadline = "none", threads = "any",
}

op {
	name = "grant",
	doc = "A lease: it ends when it was not renewed for so long, and with it the keys that were put under it. Granting the same again renews it.",
	args = {
		{ "lease", "string", "a name that the caller chooses, unique to it" },
		{ "seconds", "integer", "how long" },
	},
	errors = { "UNAVAILABLE" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "revoke",
	doc = "Ends a lease now; one that is not there is no error.",
	args = { { "lease", "string", "from grant" } },
	errors = { "UNAVAILABLE" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "status",
	doc = "Who takes part, and whether writes are possible.",
	results = {
		{ "writable", "boolean", "a majority is there" },
		{ "members", "json", "[{name, address, leader, reachable}]" },
	},
	required = true, idempotent = true, deadline = "short",
}
