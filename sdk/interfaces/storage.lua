-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "storage",
	since = "1.0",
	chain = "none",
	doc = [[
Layered snapshots.  A snapshot has a key that the engine chooses; a committed snapshot
is read-only and may be the parent of others; an active one is writable.  `mount` returns a
detached mount (fsmount(2) or open_tree(2) with OPEN_TREE_CLONE), so that a mount lives only
as long as its descriptor or the namespace it was moved to, and nothing is left when a process dies.]],
}

op {
	name = "prepare",
	doc = "Creates a writable snapshot on top of a parent chain.",
	args = {
		{ "key", "string", "the new snapshot" },
		{ "parent", "string?", "a committed snapshot; absent: empty" },
		{ "size_limit", "integer?", "quota in bytes, where the filesystem has project quotas" },
	},
	errors = { "EXISTS", "NOT_FOUND", "NO_SPACE", "UNSUPPORTED" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "commit",
	doc = "Makes an active snapshot read-only under a new key; the old key is gone. Durable on return.",
	args = {
		{ "key", "string", "the active snapshot" },
		{ "name", "string", "the committed snapshot's key" },
	},
	errors = { "EXISTS", "NOT_FOUND", "CONFLICT" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "apply",
	doc = [[Unpacks an uncompressed layer tar (with .wh. whiteouts) into an active snapshot. Never writes
outside it, whatever the archive says. Where `independent_layers` of `features` is true the parent need not be
committed yet, so that layers are unpacked side by side.]],
	args = {
		{ "key", "string", "the active snapshot" },
		{ "archive", "fd", "the tar stream; read to its end" },
		{ "size_limit", "integer?", "bytes after which it stops with LIMIT" },
	},
	results = { { "size", "integer", "bytes of file content written" } },
	errors = { "CORRUPT", "LIMIT", "NO_SPACE" },
	required = true, idempotent = false, deadline = "transfer",
}

op {
	name = "mount",
	doc = "Mounts a snapshot, detached. An active snapshot is mounted writable unless read_only.",
	args = {
		{ "key", "string", "an active or committed snapshot" },
		{ "read_only", "boolean?", "mount read-only" },
		{ "label", "string?", "SELinux mount label" },
		{ "userns", "fd?", "mount for this user namespace (id-mapped)" },
		{ "transient", "boolean?", "nobody needs what is written after a power cut: no syncing" },
		{ "attached", "fd?", "the folder that holds the content of attached snapshots, if some parent is one" },
	},
	results = { { "mount", "fd", "the detached mount" } },
	errors = { "NOT_FOUND", "UNSUPPORTED" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "diff",
	doc = "Writes the changes of a snapshot against its parent as a layer tar (with .wh. whiteouts).",
	args = {
		{ "key", "string", "the snapshot" },
		{ "archive", "fd", "where the tar goes" },
	},
	required = true, idempotent = true, deadline = "transfer",
}

op {
	name = "changes",
	doc = "Lists what a snapshot changed against its parent, sorted by path.",
	args = {
		{ "key", "string", "the snapshot" },
		{ "attached", "fd?", "as for mount" },
	},
	results = { { "change", "list", "one letter A (added), C (changed) or D (deleted), a space, the path from /" } },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "usage",
	doc = "What a snapshot itself occupies, without its parents.",
	args = { { "key", "string", "the snapshot" } },
	results = {
		{ "bytes", "integer", "allocated bytes" },
		{ "inodes", "integer", "inodes" },
	},
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "remove",
	doc = [[Removes a snapshot; one that is not there is no error.  A caller that says `defer` deletes by itself, when
nobody waits, what the driver has put aside and names in `rest`.  If it dies before, `list` does it.]],
	args = {
		{ "key", "string", "the snapshot" },
		{ "defer", "boolean?", "what takes time may be left to the caller" },
	},
	results = { { "rest", "string?", "a tree that is no snapshot any more, to be deleted file by file; absent: nothing is left" } },
	errors = { "IN_USE" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "list",
	doc = "All snapshots, for reconciliation and `system df`. Deletes what removals have left behind.",
	results = { { "key", "list", "each snapshot's key" } },
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "status",
	doc = "What `info` shows of the driver, and what it can do.",
	results = {
		{ "details", "json", "an object of strings, e.g. {\"Backing Filesystem\":\"extfs\"}" },
		{ "independent_layers", "boolean", "apply needs no parent" },
	},
	required = true, idempotent = true, deadline = "short",
}

op {
	name = "attach",
	doc = [[Makes a committed snapshot whose content the driver does not keep: `mount` and `changes` find it in the
folder `attached` that they are given, below this name, with whiteouts as overlayfs knows them. UNSUPPORTED where what
lies in that folder cannot be mounted.]],
	args = {
		{ "key", "string", "the committed snapshot" },
		{ "parent", "string?", "the snapshot it stands on, which need not be there yet; absent: none" },
		{ "name", "string", "of its folder in `attached`: one component" },
		{ "attached", "fd", "where it is now, to be tried" },
	},
	errors = { "EXISTS", "NOT_FOUND", "UNSUPPORTED" },
	required = false, idempotent = true, deadline = "long",
}
