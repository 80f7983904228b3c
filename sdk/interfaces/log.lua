-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "log",
	since = "1.0",
	doc = [[
A container's output.  The shim opens a log, writes records as the container produces
them and closes it; anybody may read meanwhile, from another process.  Of several drivers in a chain each gets every record; one that
fails costs its own, and `read` is asked of the first that has it and does not answer UNSUPPORTED.]],
}

op {
	name = "open",
	doc = "Opens a container's log for appending; only the shim does so.",
	args = {
		{ "container", "string", "its id" },
		{ "directory", "string", "a folder of the container's for drivers that write files" },
		{ "options", "json?", "an object of strings (--log-opt)" },
		{ "info", "json?", "{Name, ImageName, ImageID, Path, Args, Labels, Env, Created}: for tags" },
	},
	results = { { "log", "handle", "for write and close" } },
	errors = { "INVALID", "UNAVAILABLE", "NO_SPACE" },
	required = true, idempotent = true, deadline = "long", chain = "refuse",
}

op {
	name = "write",
	doc = "Appends one record: a line with its newline, or a part of a longer one.",
	args = {
		{ "log", "handle", "from open" },
		{ "stream", "integer", "1 stdout, 2 stderr" },
		{ "time_ns", "integer", "since the epoch" },
		{ "data", "bytes", "at most 16 KiB" },
		{ "partial", "boolean?", "more of this line follows" },
		{ "more", "boolean?", "another record follows at once: a driver may hold this one back until then" },
	},
	required = true, idempotent = false, deadline = "short", chain = "refuse",
}

op {
	name = "close",
	doc = "Flushes and closes.",
	args = { { "log", "handle", "from open" } },
	required = true, idempotent = true, deadline = "long", chain = "refuse",
}

op {
	name = "check_options",
	doc = "Refuses options that open would refuse, before a container is created.",
	args = { { "options", "json?", "an object of strings" } },
	errors = { "INVALID" },
	required = true, idempotent = true, deadline = "short", chain = "pass",
}

op {
	name = "read",
	doc = [[Writes records to a descriptor, oldest first, each as a 20-byte header (uint32 stream, int64 time in
nanoseconds, uint32 flags: 1 partial, uint32 length; all little-endian) and its data. With follow it goes on until
`stop` has an event (the container ended: everything written by then is still delivered) or the sink is closed.]],
	args = {
		{ "container", "string", "its id" },
		{ "directory", "string", "as given to open" },
		{ "options", "json?", "as given to open" },
		{ "sink", "fd", "where records go" },
		{ "since_ns", "integer?", "only records at or after; 0: all" },
		{ "until_ns", "integer?", "only records at or before; 0: all" },
		{ "tail", "integer?", "only the last so many lines; -1: all" },
		{ "follow", "boolean?", "go on" },
		{ "stop", "fd?", "readable or hung up: stop following after the last record" },
	},
	errors = { "NOT_FOUND", "UNSUPPORTED" },
	required = false, idempotent = true, deadline = "none", chain = "pass", threads = "any",
}

op {
	name = "remove",
	doc = "Removes what is kept of a container's output.",
	args = {
		{ "container", "string", "its id" },
		{ "directory", "string", "as given to open" },
	},
	required = false, idempotent = true, deadline = "short", chain = "pass",
}

op {
	name = "append",
	doc = [[Appends many records at once, in order, as `write` would. They lie in a memory file, from `offset` on, in the form
that `read` writes. As records are safely written the driver stores how many of the `length` bytes that makes as a
little-endian uint64 at position 0 of the file: after a crash the caller goes on from there, so that nothing is lost.]],
	args = {
		{ "log", "handle", "from open" },
		{ "records", "fd", "the memory file, at most 1 MiB" },
		{ "offset", "integer", "where the records begin" },
		{ "length", "integer", "bytes of records" },
	},
	required = false, idempotent = false, deadline = "short", chain = "pass",
}
