-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "runtime",
	since = "1.0",
	chain = "none",
	doc = [[
Runs a bundle (OCI runtime-spec).  `create` and `exec` are called in a fresh child of the
container's shim and make the new process a child of the shim (CLONE_PARENT), which reaps it; all other operations
may be called from any process, since the driver keeps what it must know in state_dir.]],
}

op {
	name = "create",
	doc = "Sets the container up and leaves its init waiting for start. An init whose creator and shim are both gone must not wait for ever.",
	args = {
		{ "id", "string", "the container" },
		{ "bundle", "string", "the bundle's folder" },
		{ "state_dir", "string", "where the driver keeps this container's state; exists" },
		{ "spec", "json?", "the configuration; absent: config.json of the bundle" },
		{ "rootfs", "fd?", "a detached mount that becomes the root; absent: root.path of the spec" },
		{ "stdin", "fd?", "absent: /dev/null" },
		{ "stdout", "fd?", "absent: /dev/null" },
		{ "stderr", "fd?", "absent: /dev/null" },
		{ "seccomp", "string?", "used when the spec has no linux.seccomp: \"default\", \"unconfined\" or a profile as JSON" },
		{ "init", "boolean?", "run a small init as pid 1 that reaps and forwards signals" },
		{ "console_width", "integer?", "columns of a new terminal" },
		{ "console_height", "integer?", "rows of a new terminal" },
	},
	results = {
		{ "pid", "integer", "of the init, in the caller's pid namespace" },
		{ "console", "fd?", "the terminal's master side when process.terminal is set" },
		{ "warning", "list?", "what was asked for and could not be done, and does not stop the container" },
	},
	errors = { "INVALID", "EXISTS", "NOT_FOUND", "UNSUPPORTED", "PERMISSION" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "start",
	doc = "Lets the init execute its program. An error of execve (not found, not executable) is reported here or by create.",
	args = {
		{ "id", "string", "the container" },
		{ "state_dir", "string", "as given to create" },
	},
	errors = { "NOT_FOUND", "PERMISSION", "CONFLICT" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "exec",
	doc = "Starts another process in the container; as with create, it becomes a child of the shim.",
	args = {
		{ "id", "string", "the container" },
		{ "state_dir", "string", "as given to create" },
		{ "process", "json", "the OCI process object" },
		{ "stdin", "fd?", "absent: /dev/null" },
		{ "stdout", "fd?", "absent: /dev/null" },
		{ "stderr", "fd?", "absent: /dev/null" },
		{ "seccomp", "string?", "as for create" },
		{ "console_width", "integer?", "columns" },
		{ "console_height", "integer?", "rows" },
	},
	results = {
		{ "pid", "integer", "in the caller's pid namespace" },
		{ "console", "fd?", "master side" },
	},
	errors = { "NOT_FOUND", "CONFLICT", "PERMISSION" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "signal",
	doc = "Sends a signal to the init, or to every process of the container.",
	args = {
		{ "id", "string", "the container" },
		{ "state_dir", "string", "as given to create" },
		{ "signal", "integer", "number" },
		{ "all", "boolean?", "every process" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "pause",
	doc = "Freezes every process.",
	args = { { "id", "string", "the container" }, { "state_dir", "string", "as given to create" } },
	required = false, idempotent = true, deadline = "short",
}

op {
	name = "resume",
	doc = "Thaws every process.",
	args = { { "id", "string", "the container" }, { "state_dir", "string", "as given to create" } },
	required = false, idempotent = true, deadline = "short",
}

op {
	name = "update",
	doc = "Changes resource limits of a created or running container.",
	args = {
		{ "id", "string", "the container" },
		{ "state_dir", "string", "as given to create" },
		{ "resources", "json", "linux.resources of the OCI specification" },
	},
	required = false, idempotent = true, deadline = "short",
}

op {
	name = "state",
	doc = "The OCI state.",
	args = { { "id", "string", "the container" }, { "state_dir", "string", "as given to create" } },
	results = {
		{ "status", "string", "creating, created, running, paused or stopped" },
		{ "pid", "integer", "0 when stopped" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "stats",
	doc = "Counters of the container's control group.",
	args = { { "id", "string", "the container" }, { "state_dir", "string", "as given to create" } },
	results = { { "stats", "json", "cpu, memory, pids, io, network, pressure: see docs/reference/runtime-stats.md" } },
	required = false, idempotent = true, deadline = "short",
}

op {
	name = "processes",
	doc = "Process ids of the container, in the caller's pid namespace.",
	args = { { "id", "string", "the container" }, { "state_dir", "string", "as given to create" } },
	results = { { "pid", "list", "decimal" } },
	required = false, idempotent = true, deadline = "short",
}

op {
	name = "delete",
	doc = "Removes what create left (control groups, state); with force kills first. What is not there is no error.",
	args = {
		{ "id", "string", "the container" },
		{ "state_dir", "string", "as given to create" },
		{ "force", "boolean?", "kill what still runs" },
	},
	errors = { "CONFLICT" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "features",
	doc = "The OCI features document, for `info` and `doctor`.",
	results = { { "features", "json", "as in the OCI runtime-spec features.md" } },
	required = false, idempotent = true, deadline = "short",
}

op {
	name = "checkpoint",
	doc = "Saves the processes of a running container into a folder; without leave_running it ends them. UNSUPPORTED where the host cannot.",
	args = {
		{ "id", "string", "the container" },
		{ "state_dir", "string", "as given to create" },
		{ "images", "string", "the folder; made when it is missing" },
		{ "leave_running", "boolean?", "let it go on" },
	},
	errors = { "NOT_FOUND", "CONFLICT", "UNSUPPORTED", "PERMISSION" },
	required = false, idempotent = false, deadline = "long",
}

op {
	name = "restore",
	doc = "Called as create is, and does the same from what checkpoint has saved: the container waits for start, where it was.",
	args = {
		{ "id", "string", "the container" },
		{ "bundle", "string", "the bundle's folder" },
		{ "state_dir", "string", "where the driver keeps this container's state; exists" },
		{ "images", "string", "what checkpoint has made" },
		{ "spec", "json?", "the configuration; absent: config.json of the bundle" },
		{ "rootfs", "fd?", "as for create" },
		{ "stdin", "fd?", "absent: /dev/null" },
		{ "stdout", "fd?", "absent: /dev/null" },
		{ "stderr", "fd?", "absent: /dev/null" },
	},
	results = {
		{ "pid", "integer", "of the init, in the caller's pid namespace" },
		{ "console", "fd?", "the terminal's master side when it has one" },
		{ "warning", "list?", "as for create" },
	},
	errors = { "INVALID", "EXISTS", "NOT_FOUND", "UNSUPPORTED", "PERMISSION" },
	required = false, idempotent = false, deadline = "long",
}
