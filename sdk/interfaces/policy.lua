-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "policy",
	since = "1.0",
	doc = [[
What may be done. At each step of a lifecycle the engine puts a request together, the parsed object that will be
executed with who is asking, and hands it to the chain of policy drivers; each allows, denies with a reason, or
rewrites the object. A request is a JSON object {who, target, object, answer, engine}: who = {uid, gid, user, auth
("peer", "tls", "token", "none"), certificate}, target = {kind, id, name, image, labels}, object = what will be
executed, answer = what will be sent (at api.answer), engine = {version, rootless, usage}. A driver that fails is a
driver that denies.]],
}

op {
	name = "points",
	doc = [[The points at which this driver wants to be asked now: api.request, api.authenticated, api.answer, login,
image.pull, image.manifest, image.verified, image.push, image.remove, build.step, container.create,
container.update, container.start, container.exec, container.stop, container.remove, network.connect, volume.mount, plugin.install, tick, event. The engine
asks again after reload and after `changed` differs.]],
	results = {
		{ "point", "list", "names of points" },
		{ "changed", "integer", "a number that differs when the points may have changed" },
		{ "detail", "list", "parts of the request that cost something to make and that a hook looks at: usage, headers (object.Headers of an API request), every_answer (to be asked at api.answer also where the answer is no JSON or says that the request failed)" },
	},
	required = true, idempotent = true, deadline = "short", chain = "refuse",
}

op {
	name = "evaluate",
	doc = [[Decides one request. The engine executes object (or sends answer) as returned when present, and refuses with
reason when decision is "deny". Called from many threads at once; an error is a denial.]],
	args = {
		{ "point", "string", "where" },
		{ "request", "json", "{who, target, object, answer, engine}" },
	},
	results = {
		{ "decision", "string", "allow, deny or rewrite" },
		{ "reason", "string?", "why not, for the user" },
		{ "hook", "string?", "SCRIPT/HOOK that denied" },
		{ "object", "json?", "the whole rewritten object" },
		{ "answer", "json?", "the whole rewritten answer" },
		{ "changes", "json?", "[{hook, path, old, new}]" },
	},
	required = true, idempotent = false, deadline = "short", chain = "refuse", threads = "any",
}

op {
	name = "reload",
	doc = "Loads again what changed; what fails its own tests stays as it was.",
	results = { { "policies", "json", "as list" } },
	required = false, idempotent = true, deadline = "long", chain = "pass",
}

op {
	name = "list",
	doc = "The policies and their state.",
	results = { { "policies", "json", "[{name, version, digest, needs, hooks, state, error}]" } },
	required = false, idempotent = true, deadline = "long", chain = "pass",
}

op {
	name = "show",
	doc = "The text of a policy.",
	args = { { "name", "string", "the policy" } },
	results = {
		{ "text", "string", "the script" },
		{ "test", "string?", "its tests" },
	},
	errors = { "NOT_FOUND" },
	required = false, idempotent = true, deadline = "short", chain = "pass",
}

op {
	name = "enable",
	doc = "Tests a policy and puts it in force; a failing test changes nothing.",
	args = {
		{ "name", "string", "letters, digits, - and _" },
		{ "text", "string", "the script" },
		{ "test", "string?", "its tests" },
		{ "who", "json?", "who asks, for the log" },
	},
	results = { { "report", "json", "{tests: [{name, ok, error}], passed, failed}" } },
	errors = { "INVALID", "DENIED" },
	required = false, idempotent = true, deadline = "long", chain = "pass",
}

op {
	name = "disable",
	doc = "Takes a policy out of force and keeps its text.",
	args = {
		{ "name", "string", "the policy" },
		{ "who", "json?", "who asks, for the log" },
	},
	errors = { "NOT_FOUND" },
	required = false, idempotent = true, deadline = "short", chain = "pass",
}

op {
	name = "test",
	doc = "Runs a script's own tests without touching the engine; text absent: those of an enabled policy.",
	args = {
		{ "name", "string", "the policy" },
		{ "text", "string?", "the script" },
		{ "test", "string?", "its tests" },
	},
	results = { { "report", "json", "{tests: [{name, ok, error}], passed, failed, error}" } },
	required = false, idempotent = true, deadline = "long", chain = "pass",
}

op {
	name = "check",
	doc = "Lints a script; text absent: an enabled policy.",
	args = {
		{ "name", "string", "the policy" },
		{ "text", "string?", "the script" },
	},
	results = { { "findings", "json", "[{line, severity, message}]" } },
	required = false, idempotent = true, deadline = "long", chain = "pass",
}

op {
	name = "replay",
	doc = "Runs a script over the recorded audit log and says what it would have decided otherwise.",
	args = {
		{ "name", "string", "the policy" },
		{ "text", "string?", "the script; absent: the enabled one" },
	},
	results = { { "report", "json", "{seen, replayed, changed: [...]}" } },
	required = false, idempotent = true, deadline = "long", chain = "pass",
}

op {
	name = "bench",
	doc = "Times a script's hooks.",
	args = {
		{ "name", "string", "the policy" },
		{ "text", "string?", "the script; absent: the enabled one" },
		{ "rounds", "integer?", "0: 10000" },
	},
	results = { { "report", "json", "[{point, rounds, ns}]" } },
	required = false, idempotent = true, deadline = "long", chain = "pass",
}

op {
	name = "audit",
	doc = "Checks the audit log's chain of hashes, and reads its end.",
	args = { { "tail", "integer?", "how many lines to return; 0: none" } },
	results = {
		{ "path", "string", "the file" },
		{ "lines", "integer", "sound lines" },
		{ "bad_line", "integer", "the first that is not sound; 0: none" },
		{ "problem", "string?", "what is wrong with it" },
		{ "tail", "list", "lines" },
	},
	required = false, idempotent = true, deadline = "long", chain = "pass",
}
