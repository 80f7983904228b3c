-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "spec",
	since = "1.0",
	chain = "pass",
	doc = [[
Completes a container's OCI runtime specification before a runtime sees it. One driver (`spec.devices`) knows devices
by name and is asked only for containers that ask for such or have annotations; those of `spec.drivers` are asked for
every container, in their order, each with what the one before made of it.]],
}

op {
	name = "check",
	doc = "Refuses, when a container is created, what apply would refuse when it starts.",
	args = {
		{ "devices", "list", "names of devices, VENDOR/CLASS=NAME" },
		{ "annotations", "json?", "the container's" },
	},
	errors = { "INVALID", "NOT_FOUND" },
	required = false, idempotent = true, deadline = "short", chain = "pass",
}

op {
	name = "apply",
	doc = "Returns the specification with what this driver adds to it. Called anew for each start.",
	args = {
		{ "container", "json", "{Id, Name, HasBindMounts}: whom it is for; HasBindMounts: of the user's" },
		{ "devices", "list", "names of devices, VENDOR/CLASS=NAME" },
		{ "spec", "json", "the OCI runtime specification" },
	},
	results = { { "spec", "json?", "the whole specification; absent: as it was" } },
	errors = { "INVALID", "NOT_FOUND", "UNAVAILABLE", "TIMEOUT" },
	required = true, idempotent = true, deadline = "long", chain = "refuse",
}

op {
	name = "list",
	doc = "The devices that may be asked for by name.",
	results = {
		{ "device", "list", "names" },
		{ "problem", "list", "what is wrong with files that were passed over" },
	},
	required = false, idempotent = true, deadline = "short", chain = "pass",
}
