-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "api",
	since = "1.0",
	chain = "none",
	doc = [[
A front end over the engine.  The same handlers serve the daemon's sockets and the
command line in process: a request is its method, target, headers and body; an answer is a status with a body, or
with a descriptor to read the body from, or with a descriptor that the connection becomes.]],
}

op {
	name = "handle",
	doc = "Serves one request. Called from many threads at once.",
	args = {
		{ "method", "string", "GET, HEAD, POST, PUT, DELETE" },
		{ "target", "string", "path and query, as on the request line" },
		{ "headers", "json?", "an object of strings, names in lower case" },
		{ "body", "bytes?", "a body that fits in memory (4 MiB)" },
		{ "body_stream", "fd?", "a larger or endless body, already decoded" },
		{ "peer", "json?", "{transport, uid, gid, pid, certificate}: who asks" },
	},
	results = {
		{ "status", "integer", "HTTP status" },
		{ "headers", "json?", "an object of strings" },
		{ "body", "bytes?", "the whole body" },
		{ "body_stream", "fd?", "read the body from here to its end" },
		{ "upgrade", "fd?", "a connected stream socket that the connection becomes (attach, exec, build session)" },
	},
	required = true, idempotent = false, deadline = "none", threads = "any",
}
