-- SPDX-License-Identifier: Apache-2.0
kind {
	name = "transport",
	since = "1.0",
	chain = "none",
	doc = [[
Moves images between this host and somewhere else.  A session is opened on one place (a
repository of a registry, an archive, a folder); blobs are named by digest.  A transport moves bytes: the
engine verifies digests, stores, unpacks and shows progress, because the bytes pass through descriptors it holds.]],
}

op {
	name = "open",
	doc = "Opens a session.",
	args = {
		{ "location", "string", "registry: HOST[:PORT]/REPOSITORY; archive, folder: a path" },
		{ "mode", "string", "\"pull\" or \"push\"" },
		{ "file", "fd?", "the archive itself when it has no path (load from stdin, save to a pipe)" },
		{ "auth", "json?", "{username,password} or {identitytoken} or {registrytoken}; absent: the driver looks in the user's config.json" },
		{ "options", "json?", "driver options for this session" },
	},
	results = { { "session", "handle", "for the other operations" } },
	errors = { "UNAUTHORIZED", "UNAVAILABLE", "NOT_FOUND", "CORRUPT" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "list",
	doc = "The names an archive or folder holds; a registry lists its tags.",
	args = { { "session", "handle", "from open" } },
	results = { { "name", "list", "REPOSITORY:TAG, or a tag; an image without a name is @DIGEST" } },
	required = false, idempotent = true, deadline = "long",
}

op {
	name = "resolve",
	doc = "Finds a manifest or manifest list by tag or digest and returns it whole. Choosing the platform is the engine's.",
	args = {
		{ "session", "handle", "from open" },
		{ "reference", "string", "a tag or digest; for archives a name from list" },
	},
	results = {
		{ "digest", "string", "of the manifest's bytes" },
		{ "media_type", "string", "OCI or Docker media type" },
		{ "manifest", "bytes", "at most 4 MiB" },
	},
	errors = { "NOT_FOUND", "UNAUTHORIZED", "UNAVAILABLE", "LIMIT", "CORRUPT" },
	required = true, idempotent = true, deadline = "long",
}

op {
	name = "fetch",
	doc = "Writes a blob's bytes, as they are stored there, to a descriptor.",
	args = {
		{ "session", "handle", "from open" },
		{ "digest", "string", "the blob" },
		{ "offset", "integer?", "skip so many bytes (to resume); UNSUPPORTED when the place cannot" },
		{ "sink", "fd", "a pipe or file; EPIPE means that the engine gave up" },
		{ "urls", "list?", "other places of a foreign layer" },
		{ "length", "integer?", "no more than so many bytes; a driver may send more, which the engine does not read" },
	},
	results = { { "size", "integer", "bytes written" } },
	errors = { "NOT_FOUND", "UNAUTHORIZED", "UNAVAILABLE" },
	required = true, idempotent = true, deadline = "transfer",
}

op {
	name = "has_blob",
	doc = "Is the blob there already? With mount_from a registry may link it from another repository.",
	args = {
		{ "session", "handle", "from open" },
		{ "digest", "string", "the blob" },
		{ "mount_from", "string?", "a repository of the same registry that has it" },
	},
	results = { { "present", "boolean", "no upload needed" } },
	required = false, idempotent = true, deadline = "long",
}

op {
	name = "put_blob",
	doc = "Uploads a blob.",
	args = {
		{ "session", "handle", "from open" },
		{ "digest", "string", "the blob" },
		{ "size", "integer", "bytes that source holds" },
		{ "source", "fd", "read to its end" },
		{ "media_type", "string?", "what it is" },
	},
	required = false, idempotent = true, deadline = "transfer",
}

op {
	name = "put_manifest",
	doc = "Publishes a manifest under a name, after its blobs. Archives add it to their index.",
	args = {
		{ "session", "handle", "from open" },
		{ "reference", "string", "a tag or digest; for archives REPOSITORY:TAG" },
		{ "media_type", "string", "of the manifest" },
		{ "manifest", "bytes", "its bytes" },
	},
	results = { { "digest", "string?", "as the place computed it" } },
	required = false, idempotent = true, deadline = "long",
}

op {
	name = "login",
	doc = "Checks credentials against a registry.",
	args = {
		{ "server", "string", "HOST[:PORT]" },
		{ "auth", "json", "{username,password}" },
		{ "options", "json?", "driver options, as for open" },
	},
	results = { { "identity_token", "string?", "to be stored instead of the password" } },
	errors = { "UNAUTHORIZED", "UNAVAILABLE" },
	required = false, idempotent = true, deadline = "long",
}

op {
	name = "close",
	doc = "Ends a session. With commit, an archive being written is completed; without, it is given up.",
	args = {
		{ "session", "handle", "from open" },
		{ "commit", "boolean?", "complete what was written" },
	},
	required = true, idempotent = true, deadline = "long",
}
