-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "monitor",
	since = "1.0",
	chain = "pass",
	doc = [[
Watches the engine: is told of events, and reports in a format that a monitoring system reads. Several drivers may
watch at once (`monitor.drivers`); each is told of each event, and none can delay or refuse what happened. What a driver
wants to know beyond events it asks of the service "engine". Without a daemon every command is a process of its
own, so what a driver counts it keeps in its state_dir, where several processes may write at once.]],
}

op {
	name = "event",
	doc = "Something happened. The answer is not waited for: an error is logged and changes nothing.",
	args = {
		{ "time_ns", "integer", "when, since the epoch" },
		{ "type", "string", "container, image, network, volume, plugin, daemon" },
		{ "action", "string", "create, start, die, pull, ..." },
		{ "id", "string", "the object" },
		{ "attributes", "json?", "an object of strings: name, image, labels, exitCode" },
	},
	required = false, idempotent = false, deadline = "short", threads = "any",
}

op {
	name = "report",
	doc = "What is known now, whole: what a scraper is given, or a person asks for.",
	results = {
		{ "media_type", "string", "of the text, e.g. text/plain; version=0.0.4" },
		{ "text", "string", "the report" },
	},
	required = true, idempotent = true, deadline = "long", threads = "driver",
}
