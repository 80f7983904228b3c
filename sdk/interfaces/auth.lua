-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "auth",
	since = "1.0",
	doc = [[
Who is asking. A daemon shows the peer and the headers of each request to its auth drivers in the configured order;
the first that knows who it is, or refuses, ends the chain. What policies and quotas see as `who` is what the driver
answered. Without a daemon nobody is asked: the process belongs to who uses it.]],
}

op {
	name = "identify",
	doc = [[Says who asks. "known" with who; "unknown" when the request carries nothing that this driver
understands, so that the next one is asked; "refused" when it carries something that is wrong. Called from many threads
at once unless the driver declares otherwise; an error refuses. Secrets of the headers may not be logged.]],
	args = {
		{ "peer", "json", "{transport, uid, gid, pid, address, certificate}: what the socket knows" },
		{ "headers", "json?", "an object of strings, names in lower case" },
		{ "method", "string", "GET, HEAD, POST, PUT, DELETE" },
		{ "target", "string", "path and query" },
	},
	results = {
		{ "decision", "string", "known, unknown or refused" },
		{ "user", "string?", "a name that is unique among all that this engine knows" },
		{ "groups", "list", "names" },
		{ "auth", "string?", "how: peer, tls, token, ..." },
		{ "read_only", "boolean?", "may only look: GET and HEAD" },
		{ "administrator", "boolean?", "may manage policies" },
		{ "reason", "string?", "of a refusal, for the user" },
		{ "challenge", "string?", "of a refusal: the header WWW-Authenticate" },
	},
	required = true, idempotent = true, deadline = "short", chain = "pass",
}
