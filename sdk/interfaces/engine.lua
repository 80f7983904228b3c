-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "engine",
	since = "1.0",
	chain = "none",
	threads = "any",
	doc = [[
What the engine itself offers: not a kind that drivers implement, but the service "engine" that the host
gives to api and monitor plugins.  Objects are those of the Docker Engine API, since that is the model every client
knows; routing, versions and framing belong to the api drivers.  An operation whose answer goes on (progress, logs,
events) returns at once with a descriptor to read from, and the engine's own thread fills it.]],
}

op {
	name = "version",
	doc = "What /version answers.",
	results = {
		{ "version", "json", "Engine API object" },
	},
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "info",
	doc = "What /info answers.",
	results = {
		{ "info", "json", "Engine API object" },
	},
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "disk_usage",
	doc = "What /system/df answers.",
	args = {
		{ "types", "list?", "container, image, volume; absent: all" },
	},
	results = {
		{ "usage", "json", "Engine API object" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "doctor",
	doc = "What this host offers, which driver serves each kind and why, and what to do about what is missing.",
	args = {
		{ "clear", "boolean?", "unmount what no server is left for" },
	},
	results = {
		{ "report", "json", "{checks:[{kind,name,status,chosen,detail,hint}]}" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "policy",
	doc = "Manages policies: hands a command to the policy driver, which is set up by the first.",
	args = {
		{ "command", "string", "list, show, enable, disable, test, check, replay, bench, audit or reload" },
		{ "name", "string?", "the policy" },
		{ "text", "string?", "its script" },
		{ "test", "string?", "its tests" },
		{ "number", "integer?", "rounds of bench, lines of audit" },
	},
	results = { { "report", "json", "as the operation of that name in kind policy answers" } },
	errors = { "NOT_FOUND", "INVALID", "DENIED", "UNSUPPORTED" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "auth",
	doc = "Checks credentials against a registry.",
	args = {
		{ "credentials", "json", "{username,password,serveraddress,identitytoken}" },
	},
	results = {
		{ "status", "json", "{Status,IdentityToken}" },
	},
	errors = { "UNAUTHORIZED" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "events",
	doc = "The event log: what is recorded since, then live until `until`.",
	args = {
		{ "since_ns", "integer?", "0: only new ones" },
		{ "until_ns", "integer?", "0: for ever" },
		{ "filters", "json?", "{key:[value,...]}" },
	},
	results = {
		{ "stream", "fd", "JSON lines" },
	},
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "container_create",
	doc = "Creates a container. The image must be there.",
	args = {
		{ "name", "string?", "absent: one is made up" },
		{ "config", "json", "body of POST /containers/create" },
		{ "platform", "string?", "os[/arch[/variant]]" },
	},
	results = {
		{ "id", "string", "the container" },
		{ "warning", "list?", "what was asked for and cannot be had" },
	},
	errors = { "INVALID", "NOT_FOUND", "EXISTS" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "container_list",
	doc = "What `ps` shows.",
	args = {
		{ "all", "boolean?", "stopped ones too" },
		{ "limit", "integer?", "the newest so many; 0: all" },
		{ "size", "boolean?", "with sizes" },
		{ "filters", "json?", "{key:[value,...]}" },
	},
	results = {
		{ "containers", "json", "array of container summaries" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "container_inspect",
	doc = "Everything about a container.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "size", "boolean?", "with sizes" },
	},
	results = {
		{ "container", "json", "Engine API object" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "container_start",
	doc = "Starts a created or stopped container; CONFLICT (HTTP 304) when it runs.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "checkpoint", "string?", "restore from it" },
		{ "width", "integer?", "columns of its terminal" },
		{ "height", "integer?", "rows" },
		{ "checkpoint_dir", "string?", "where it is; absent: with the container" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "container_stop",
	doc = "Asks it to end, and kills it after a while.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "signal", "string?", "absent: its stop signal" },
		{ "timeout", "integer?", "seconds; -1: for ever; -2 or absent meaning given by has_timeout" },
		{ "has_timeout", "boolean?", "timeout counts; else the container's own" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "container_restart",
	doc = "Stops and starts it.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "signal", "string?", "absent: its stop signal" },
		{ "timeout", "integer?", "as for stop" },
		{ "has_timeout", "boolean?", "as for stop" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = false, deadline = "none",
}

op {
	name = "container_kill",
	doc = "Sends a signal.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "signal", "string?", "name or number; absent: KILL" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = false, deadline = "short",
}

op {
	name = "container_remove",
	doc = "Removes a container.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "force", "boolean?", "kill it first" },
		{ "volumes", "boolean?", "and its anonymous volumes" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "container_wait",
	doc = "Waits until it is not running, has next exited, or is removed. The waiting begins before the call returns.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "condition", "string?", "not-running (default), next-exit, removed" },
	},
	results = {
		{ "stream", "fd", "one JSON object {StatusCode,Error} when it happens" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "container_attach",
	doc = "Connects to its standard streams.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "stdin", "boolean?", "send" },
		{ "stdout", "boolean?", "receive" },
		{ "stderr", "boolean?", "receive" },
		{ "stream", "boolean?", "live output" },
		{ "logs", "boolean?", "earlier output first" },
		{ "detach_keys", "string?", "e.g. ctrl-p,ctrl-q" },
	},
	results = {
		{ "connection", "fd", "stream socket; multiplexed frames unless tty" },
		{ "tty", "boolean", "raw stream" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = false, deadline = "none",
}

op {
	name = "container_logs",
	doc = "Its recorded output.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "stdout", "boolean?", "stdout" },
		{ "stderr", "boolean?", "stderr" },
		{ "since_ns", "integer?", "since ns" },
		{ "until_ns", "integer?", "until ns" },
		{ "timestamps", "boolean?", "each line starts with its RFC 3339 time" },
		{ "details", "boolean?", "and with its log attributes" },
		{ "tail", "integer?", "-1: all" },
		{ "follow", "boolean?", "go on" },
	},
	results = {
		{ "stream", "fd", "multiplexed frames unless tty" },
		{ "tty", "boolean", "raw stream" },
	},
	errors = { "NOT_FOUND", "UNSUPPORTED" },
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "container_stats",
	doc = "Resource counters.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "stream", "boolean?", "one each second" },
		{ "one_shot", "boolean?", "do not wait for a second sample" },
	},
	results = {
		{ "stream", "fd", "JSON lines, Engine API objects" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "container_top",
	doc = "Its processes as ps(1) shows them.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "ps_args", "string?", "default -ef" },
	},
	results = {
		{ "processes", "json", "{Titles,Processes}" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "container_pause",
	doc = "Freezes it.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = false, deadline = "short",
}

op {
	name = "container_unpause",
	doc = "Thaws it.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = false, deadline = "short",
}

op {
	name = "container_rename",
	doc = "Gives it another name.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "new_name", "string", "new name" },
	},
	errors = { "NOT_FOUND", "EXISTS" },
	required = true, idempotent = false, deadline = "short",
}

op {
	name = "container_update",
	doc = "Changes limits and the restart policy.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "config", "json", "body of POST /containers/{id}/update" },
	},
	results = {
		{ "warning", "list?", "warning" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = false, deadline = "short",
}

op {
	name = "container_resize",
	doc = "Sets the size of its terminal.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "width", "integer", "columns" },
		{ "height", "integer", "rows" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "container_changes",
	doc = "Files changed against the image.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
	},
	results = {
		{ "changes", "json", "[{Path,Kind}]" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "container_export",
	doc = "Its whole filesystem as a tar.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
	},
	results = {
		{ "stream", "fd", "tar" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "transfer",
}

op {
	name = "container_archive_stat",
	doc = "stat of a path in it.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "path", "string", "in the container" },
	},
	results = {
		{ "stat", "json", "{name,size,mode,mtime,linkTarget}" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "container_archive_get",
	doc = "A path in it as a tar.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "path", "string", "in the container" },
	},
	results = {
		{ "stat", "json", "as container_archive_stat" },
		{ "stream", "fd", "tar" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "transfer",
}

op {
	name = "container_archive_put",
	doc = "Unpacks a tar into a folder in it.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "path", "string", "an existing folder in the container" },
		{ "source", "fd", "tar, plain or compressed" },
		{ "no_overwrite_dir_non_dir", "boolean?", "no overwrite dir non dir" },
		{ "copy_uid_gid", "boolean?", "copy uid gid" },
	},
	errors = { "NOT_FOUND", "INVALID" },
	required = true, idempotent = true, deadline = "transfer",
}

op {
	name = "container_commit",
	doc = "Makes an image of it.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "repository", "string?", "repository" },
		{ "tag", "string?", "tag" },
		{ "author", "string?", "author" },
		{ "comment", "string?", "comment" },
		{ "changes", "list?", "Dockerfile instructions" },
		{ "pause", "boolean?", "freeze it meanwhile" },
		{ "config", "json?", "container configuration to use instead" },
	},
	results = {
		{ "id", "string", "the image" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = false, deadline = "transfer",
}

op {
	name = "container_prune",
	doc = "Removes stopped containers.",
	args = {
		{ "filters", "json?", "filters" },
	},
	results = {
		{ "report", "json", "{ContainersDeleted,SpaceReclaimed}" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "exec_create",
	doc = "Prepares a process in a running container.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "config", "json", "body of POST /containers/{id}/exec" },
	},
	results = {
		{ "id", "string", "the exec" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = false, deadline = "short",
}

op {
	name = "exec_start",
	doc = "Starts it.",
	args = {
		{ "id", "string", "the exec" },
		{ "detach", "boolean?", "no streams" },
		{ "tty", "boolean?", "as created" },
		{ "width", "integer?", "columns" },
		{ "height", "integer?", "rows" },
	},
	results = {
		{ "connection", "fd?", "stream socket unless detached" },
		{ "tty", "boolean", "raw stream" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = false, deadline = "none",
}

op {
	name = "exec_inspect",
	doc = "State and exit code.",
	args = {
		{ "id", "string", "the exec" },
	},
	results = {
		{ "exec", "json", "Engine API object" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "exec_resize",
	doc = "Sets the size of its terminal.",
	args = {
		{ "id", "string", "the exec" },
		{ "width", "integer", "columns" },
		{ "height", "integer", "rows" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "image_pull",
	doc = "Pulls an image.",
	args = {
		{ "reference", "string", "name[:tag|@digest]" },
		{ "platform", "string?", "platform" },
		{ "auth", "json?", "X-Registry-Auth, decoded" },
		{ "all_tags", "boolean?", "all tags" },
		{ "lazy", "boolean?", "layers stay packed, and those with a table of contents are fetched as they are read" },
	},
	results = {
		{ "stream", "fd", "JSON lines of progress; the last may be {errorDetail}" },
	},
	errors = { "INVALID" },
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "image_push",
	doc = "Pushes an image.",
	args = {
		{ "reference", "string", "name[:tag]" },
		{ "auth", "json?", "auth" },
		{ "all_tags", "boolean?", "all tags" },
	},
	results = {
		{ "stream", "fd", "JSON lines" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "image_load",
	doc = "Loads images from an archive (docker-archive or OCI layout, plain or compressed).",
	args = {
		{ "source", "fd", "the archive" },
		{ "quiet", "boolean?", "quiet" },
	},
	results = {
		{ "stream", "fd", "JSON lines" },
	},
	errors = { "CORRUPT" },
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "image_save",
	doc = "Writes images as a docker-archive that is an OCI layout too.",
	args = {
		{ "names", "list", "names" },
	},
	results = {
		{ "stream", "fd", "tar" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "image_import",
	doc = "Makes an image of a root filesystem tar.",
	args = {
		{ "source", "fd", "tar, plain or compressed" },
		{ "repository", "string?", "repository" },
		{ "tag", "string?", "tag" },
		{ "message", "string?", "message" },
		{ "changes", "list?", "Dockerfile instructions" },
		{ "platform", "string?", "platform" },
	},
	results = {
		{ "stream", "fd", "JSON lines" },
	},
	errors = { "CORRUPT" },
	required = true, idempotent = false, deadline = "none",
}

op {
	name = "image_list",
	doc = "What `images` shows.",
	args = {
		{ "all", "boolean?", "all" },
		{ "filters", "json?", "filters" },
		{ "digests", "boolean?", "digests" },
		{ "shared_size", "boolean?", "shared size" },
	},
	results = {
		{ "images", "json", "array" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "image_inspect",
	doc = "Everything about an image.",
	args = {
		{ "name", "string", "reference, id or prefix" },
		{ "platform", "string?", "platform" },
	},
	results = {
		{ "image", "json", "Engine API object" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "image_history",
	doc = "Its layers and how they were made.",
	args = {
		{ "name", "string", "name" },
	},
	results = {
		{ "history", "json", "array" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "image_tag",
	doc = "Gives it another name.",
	args = {
		{ "name", "string", "name" },
		{ "repository", "string", "repository" },
		{ "tag", "string?", "absent: latest" },
	},
	errors = { "NOT_FOUND", "INVALID" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "image_remove",
	doc = "Removes a name, and the image with its last one.",
	args = {
		{ "name", "string", "name" },
		{ "force", "boolean?", "force" },
		{ "no_prune", "boolean?", "keep untagged parents" },
	},
	results = {
		{ "report", "json", "[{Untagged}|{Deleted}]" },
	},
	errors = { "NOT_FOUND", "IN_USE" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "image_prune",
	doc = "Removes images that nothing names or uses.",
	args = {
		{ "filters", "json?", "filters" },
	},
	results = {
		{ "report", "json", "{ImagesDeleted,SpaceReclaimed}" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "network_create",
	doc = "Creates a network.",
	args = {
		{ "config", "json", "body of POST /networks/create" },
	},
	results = {
		{ "id", "string", "id" },
		{ "warning", "string?", "warning" },
	},
	errors = { "EXISTS", "INVALID" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "network_list",
	doc = "Networks.",
	args = {
		{ "filters", "json?", "filters" },
	},
	results = {
		{ "networks", "json", "array" },
	},
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "network_inspect",
	doc = "Everything about a network.",
	args = {
		{ "name", "string", "name or id" },
		{ "verbose", "boolean?", "verbose" },
	},
	results = {
		{ "network", "json", "Engine API object" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "network_remove",
	doc = "Removes a network.",
	args = {
		{ "name", "string", "name or id" },
	},
	errors = { "NOT_FOUND", "IN_USE" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "network_connect",
	doc = "Connects a container.",
	args = {
		{ "name", "string", "network" },
		{ "config", "json", "body of POST /networks/{id}/connect" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "network_disconnect",
	doc = "Disconnects a container.",
	args = {
		{ "name", "string", "network" },
		{ "container", "string", "container" },
		{ "force", "boolean?", "force" },
	},
	errors = { "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "network_prune",
	doc = "Removes unused networks.",
	args = {
		{ "filters", "json?", "filters" },
	},
	results = {
		{ "report", "json", "{NetworksDeleted}" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "volume_create",
	doc = "Creates a volume.",
	args = {
		{ "config", "json", "body of POST /volumes/create" },
	},
	results = {
		{ "volume", "json", "Engine API object" },
	},
	errors = { "EXISTS", "INVALID" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "volume_list",
	doc = "Volumes.",
	args = {
		{ "filters", "json?", "filters" },
	},
	results = {
		{ "volumes", "json", "{Volumes,Warnings}" },
	},
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "volume_inspect",
	doc = "Everything about a volume.",
	args = {
		{ "name", "string", "name" },
	},
	results = {
		{ "volume", "json", "Engine API object" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "volume_remove",
	doc = "Removes a volume.",
	args = {
		{ "name", "string", "name" },
		{ "force", "boolean?", "also when the driver fails" },
	},
	errors = { "NOT_FOUND", "IN_USE" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "volume_prune",
	doc = "Removes unused volumes.",
	args = {
		{ "filters", "json?", "filters" },
	},
	results = {
		{ "report", "json", "{VolumesDeleted,SpaceReclaimed}" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "plugin_list",
	doc = "gantry's plugins.",
	args = {
		{ "filters", "json?", "filters" },
	},
	results = {
		{ "plugins", "json", "array" },
	},
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "plugin_inspect",
	doc = "Everything about a plugin: what was negotiated, its drivers, their operations.",
	args = {
		{ "name", "string", "plugin, or kind/driver" },
	},
	results = {
		{ "plugin", "json", "object" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "monitor_report",
	doc = "What a monitor driver reports.",
	args = {
		{ "name", "string?", "the driver; absent: the first of monitor.drivers" },
	},
	results = {
		{ "media_type", "string", "of the text" },
		{ "text", "string", "the report" },
	},
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "plugin_manage",
	doc = "Manages plugin packages: hands a command to the room of packages.",
	args = {
		{ "command", "string", "install, upgrade, enable, disable, remove, inspect, list, trust, search_path" },
		{ "name", "string?", "a plugin, or where a package is" },
		{ "options", "json?", "of the command" },
	},
	results = { { "report", "json", "of the command" } },
	errors = { "INVALID", "NOT_FOUND", "EXISTS", "IN_USE", "DENIED", "CORRUPT", "UNAUTHORIZED" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "plugin_stats",
	doc = "What drivers did since the last reboot, in all processes: calls, errors, latency, restarts, memory.",
	args = { { "name", "string?", "kind/driver; absent: all that were used" } },
	results = { { "stats", "json", "[{Name, Calls, Errors, Timeouts, AverageNs, P50Ns, P90Ns, P99Ns, Processes, Starts, Crashes, MemoryBytes, Reloads, Health, LastFailure, LastFailureAt}]" } },
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "plugin_reload",
	doc = "Has every process that uses a driver start it anew, from what is installed now: calls that are under way finish on the old one. A new one that does not start changes nothing.",
	args = { { "name", "string", "kind/driver" } },
	errors = { "NOT_FOUND", "UNSUPPORTED", "UNAVAILABLE" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "plugin_logs",
	doc = "A driver's own log.",
	args = {
		{ "name", "string", "kind/driver" },
		{ "tail", "integer?", "only so many lines; 0: all" },
		{ "follow", "boolean?", "go on" },
	},
	results = { { "stream", "fd", "lines of text" } },
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "plugin_trace",
	doc = "A driver's calls as they happen, in all processes.",
	args = { { "name", "string", "kind/driver" } },
	results = { { "stream", "fd", "a JSON object a line: {time_ns, pid, driver, op, took_ns, args, results, error}" } },
	errors = { "NOT_FOUND", "IN_USE" },
	required = true, idempotent = true, deadline = "none",
}

op {
	name = "checkpoint_create",
	doc = "Saves what a container's processes are at, to start them again from there.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "checkpoint", "string", "the checkpoint's name" },
		{ "dir", "string?", "folder for it; absent: with the container" },
		{ "exit", "boolean?", "the container ends" },
	},
	errors = { "NOT_FOUND", "CONFLICT", "EXISTS", "INVALID", "UNSUPPORTED" },
	required = true, idempotent = false, deadline = "long",
}

op {
	name = "checkpoint_list",
	doc = "A container's checkpoints.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "dir", "string?", "as for checkpoint_create" },
	},
	results = { { "checkpoints", "json", "[{Name}]" } },
	errors = { "NOT_FOUND" },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "checkpoint_remove",
	doc = "Removes a checkpoint.",
	args = {
		{ "name", "string", "container name, id or unambiguous id prefix" },
		{ "checkpoint", "string", "the checkpoint's name" },
		{ "dir", "string?", "as for checkpoint_create" },
	},
	errors = { "NOT_FOUND", "INVALID" },
	required = true, idempotent = true, deadline = "short",
}
