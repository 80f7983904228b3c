-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "volume",
	since = "1.0",
	chain = "none",
	doc = "Named storage that outlives containers.",
}

op {
	name = "create",
	doc = "Creates a volume; the same name with the same options is no error.",
	args = {
		{ "name", "string", "the volume" },
		{ "options", "json?", "an object of strings (--opt)" },
		{ "labels", "json?", "an object of strings" },
	},
	errors = { "EXISTS", "INVALID", "NO_SPACE" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "mount",
	doc = "Makes the volume available and says where. A driver returns a path, or a detached mount, or both.",
	args = {
		{ "name", "string", "the volume" },
		{ "user", "string", "who needs it: a container's id; mounts are counted by it" },
	},
	results = {
		{ "path", "string?", "folder on this host" },
		{ "mount", "fd?", "a detached mount; wins over path" },
	},
	errors = { "NOT_FOUND", "UNAVAILABLE" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "unmount",
	doc = "The user no longer needs it; unknown users are no error.",
	args = {
		{ "name", "string", "the volume" },
		{ "user", "string", "as given to mount" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "inspect",
	doc = "What is known of a volume.",
	args = { { "name", "string", "the volume" } },
	results = {
		{ "mountpoint", "string?", "folder on this host, when mounted or always there" },
		{ "status", "json?", "driver-specific" },
		{ "bytes", "integer?", "space used, when cheap to know" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "usage",
	doc = "Measures the space used (may be slow).",
	args = { { "name", "string", "the volume" } },
	results = { { "bytes", "integer", "allocated bytes" } },
	errors = { "NOT_FOUND" },
	required = false, idempotent = true, deadline = "transfer",
}

op {
	name = "list",
	doc = "The names of all volumes of this driver.",
	results = { { "name", "list", "names" } },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "remove",
	doc = [[Removes a volume and its data; one that is not there is no error. The engine does not ask for it while a
container has the volume; a driver that knows of users refuses with IN_USE.]],
	args = { { "name", "string", "the volume" } },
	errors = { "IN_USE" },
	required = true, idempotent = true, deadline = "long",
}
