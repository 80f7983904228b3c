-- SPDX-License-Identifier: Apache-2.0
-- Derives from one interface description what every side of a call needs:
--
--   generate.lua header FILE      the C contract, gantry/<kind>.h
--   generate.lua calls FILE...    typed calls for the host, gantry/calls.h
--   generate.lua tables FILE...   the description as data, interfaces.c
--   generate.lua reference FILE   the reference page, Markdown
--   generate.lua conformance FILE the skeleton of the kind's suite: one test per operation
--   generate.lua surface FILE...  every public type, for the ABI check
--
-- A kind may say `chain` and `threads` for all its operations; one that says nothing is no
-- chain, and its operations are about the object that their first argument names, or, where
-- that is no text or handle, about the driver.
--
-- The result goes to standard output.  A description that breaks a rule is refused
-- with the file, the operation and the field.

local TYPES = {
	string = { "STRING", "const char *", "const char *" },
	integer = { "INTEGER", "int64_t ", "int64_t" },
	boolean = { "BOOLEAN", "int64_t ", "int64_t" },
	bytes = { "BYTES", "struct gantry_bytes ", nil },
	json = { "JSON", "const char *", "const char *" },
	list = { "LIST", "const char *const *", "const char *" },
	fd = { "FD", "int32_t ", "int32_t" },
	handle = { "HANDLE", "uint64_t ", "uint64_t" },
}
local DEADLINES = { short = "SHORT", long = "LONG", transfer = "TRANSFER", none = "NONE" }
local CHAINS = { none = "NONE", pass = "PASS", stop = "STOP", refuse = "REFUSE" }
local THREADS = { object = "OBJECT", driver = "DRIVER", any = "ANY" }
-- Names of operations that C++ keeps for itself get an underscore there.
local CXX_WORDS = { delete = true, new = true, export = true, import = true, try = true, catch = true, this = true }
local ERRORS = {}
for name in ([[INVALID NOT_FOUND EXISTS IN_USE CONFLICT PERMISSION UNAUTHORIZED DENIED UNSUPPORTED
	UNAVAILABLE TIMEOUT CANCELLED NO_SPACE NO_MEMORY LIMIT CORRUPT IO INTERNAL]]):gmatch("%S+") do
	ERRORS[name] = true
end

local function fail(...)
	io.stderr:write("generate.lua: ", string.format(...), "\n")
	os.exit(1)
end

local function read_fields(file, op, list)
	local fields = {}
	for i, f in ipairs(list or {}) do
		local name, spec, doc = f[1], f[2], f[3]
		local base, optional = tostring(spec):match("^(%l+)(%??)$")
		if not (name and name:match("^[%l][%l%d_]*$")) then
			fail("%s: %s: field %d has no proper name", file, op, i)
		end
		if not TYPES[base] then
			fail("%s: %s.%s: unknown type '%s'", file, op, name, tostring(spec))
		end
		if not doc then
			fail("%s: %s.%s is not documented", file, op, name)
		end
		fields[i] = { name = name, type = base, optional = optional == "?", doc = doc }
	end
	return fields
end

local function load_interface(file)
	local iface
	local env = {
		kind = function(t)
			iface = {
				name = t.name or fail("%s: the kind has no name", file), since = t.since,
				doc = t.doc or fail("%s: the kind is not documented", file),
				chain = t.chain or "none", threads = t.threads, ops = {},
			}
		end,
		op = function(t)
			local deadline = DEADLINES[t.deadline]
			if not deadline then
				fail("%s: %s: unknown deadline class", file, tostring(t.name))
			end
			for _, e in ipairs(t.errors or {}) do
				if not ERRORS[e] then
					fail("%s: %s: unknown error %s", file, t.name, e)
				end
			end
			iface.ops[#iface.ops + 1] = {
				name = t.name, doc = t.doc or fail("%s: %s is not documented", file, t.name),
				args = read_fields(file, t.name, t.args),
				results = read_fields(file, t.name, t.results),
				errors = t.errors or {}, required = t.required, idempotent = t.idempotent,
				deadline = deadline, deadline_class = t.deadline,
				chain = CHAINS[t.chain or iface.chain] or fail("%s: %s: unknown chain rule", file, t.name),
				since = t.since or iface.since,
			}
			local new = iface.ops[#iface.ops]
			local first = new.args[1] and new.args[1].type
			local named = first == "string" or first == "handle"
			local threads = t.threads or iface.threads or (named and "object" or "driver")
			new.threads = THREADS[threads] or fail("%s: %s: unknown thread rule", file, t.name)
			if threads == "object" and not named then
				fail("%s: %s: its first argument names no object", file, t.name)
			end
			if type(t.required) ~= "boolean" or type(t.idempotent) ~= "boolean" then
				fail("%s: %s: say required and idempotent, each true or false", file, t.name)
			end
		end,
	}
	local chunk, why = loadfile(file, "t", env)
	if not chunk then
		fail("%s", why)
	end
	chunk()
	return iface
end

local out = {}
local function emit(...)
	out[#out + 1] = string.format(...)
end

local function prose(indent, text, width)
	local line = ""
	for word in text:gmatch("%S+") do
		if #line + #word + 1 > width then
			emit("%s%s", indent, line)
			line = word
		else
			line = line == "" and word or line .. " " .. word
		end
	end
	emit("%s%s", indent, line)
end

local function comment(text)
	emit("/*")
	prose(" * ", text, 92)
	emit(" */")
end

local GENERATED = "/* Generated by sdk/generate.lua from sdk/interfaces/; do not edit. */"

local function emit_args(kind, op)
	local prefix = string.format("gantry_%s_%s", kind, op.name)
	emit("struct %s_args {", prefix)
	emit("\tuint64_t struct_size; /* sizeof of the caller's struct */")
	for _, f in ipairs(op.args) do
		emit("\t%s%s; /* %s%s */", TYPES[f.type][2], f.name, f.doc, f.optional and "; optional" or "")
	end
	emit("};")
	local defaults = { string.format(".struct_size = sizeof(struct %s_args)", prefix) }
	for _, f in ipairs(op.args) do
		if f.type == "fd" then
			defaults[#defaults + 1] = string.format(".%s = -1", f.name)
		end
	end
	emit("#define %s_ARGS(...) \\\n\t((struct %s_args){ %s, __VA_ARGS__ })", prefix:upper(), prefix,
		table.concat(defaults, ", "))
end

local function emit_results(kind, op)
	local prefix = string.format("gantry_%s_%s", kind, op.name)
	if #op.results == 0 then
		return
	end
	emit("enum {")
	for i, f in ipairs(op.results) do
		emit("\t%s_RET_%s = %d, /* %s: %s%s */", prefix:upper(), f.name:upper(), i - 1, f.type, f.doc,
			f.optional and "; optional" or "")
	end
	emit("};")
	for i, f in ipairs(op.results) do
		local put = ({ integer = "put_integer", boolean = "put_integer", handle = "put_integer",
			bytes = "put_bytes", fd = "put_fd", list = "put_item" })[f.type] or "put_string"
		emit("static inline int %s_%s_%s(struct gantry_reply *reply, %s)", prefix,
			f.type == "list" and "add" or "set", f.name,
			f.type == "bytes" and "const void *data, uint64_t size"
				or TYPES[f.type][3] .. (TYPES[f.type][3]:sub(-1) == "*" and "" or " ") .. "value")
		emit("{\n\treturn reply->ops->%s(reply, %d, %s);\n}", put, i - 1,
			f.type == "bytes" and "data, size" or f.type == "handle" and "(int64_t)value" or "value")
	end
end

local function header(file)
	local iface = load_interface(file)
	local guard = "GANTRY_" .. iface.name:upper() .. "_H"
	emit("/* SPDX-License-Identifier: Apache-2.0 */")
	emit("%s", GENERATED)
	comment(iface.doc .. " Since " .. iface.since .. ".")
	emit("#ifndef %s\n#define %s\n", guard, guard)
	emit("#include <gantry/interface.h>\n")
	emit("#ifdef __cplusplus\nextern \"C\" {\n#endif\n")
	for _, op in ipairs(iface.ops) do
		comment(string.format("%s: %s", op.name, op.doc))
		emit_args(iface.name, op)
		emit_results(iface.name, op)
		emit("")
	end
	emit("struct gantry_%s_ops {", iface.name)
	emit("\tuint64_t struct_size;")
	for _, op in ipairs(iface.ops) do
		local member = [[	int (*%s)(void *self, const struct gantry_%s_%s_args *args,
		struct gantry_reply *reply, struct gantry_error *err); /* %s */]]
		local need = op.required and "required" or "optional"
		if CXX_WORDS[op.name] then
			emit("#ifdef __cplusplus\n" .. member .. "\n#else\n" .. member .. "\n#endif", op.name .. "_", iface.name,
				op.name, need, op.name, iface.name, op.name, need)
		else
			emit(member, op.name, iface.name, op.name, need)
		end
	end
	emit("};\n")
	if iface.name == "engine" then
		emit("/* Service \"engine\": call ops->NAME(self, ...). Thread-safe. */")
		emit("struct gantry_engine_service {\n\tuint32_t size;\n\tuint32_t reserved;\n\tvoid *self;\n\tconst struct gantry_engine_ops *ops;\n};\n")
	end
	emit("enum { /* numbers of the operations */")
	for i, op in ipairs(iface.ops) do
		emit("\tGANTRY_%s_OP_%s = %d,", iface.name:upper(), op.name:upper(), i - 1)
	end
	emit("};\n")
	emit("#ifdef __cplusplus\n}\n#endif\n\n#endif")
end

local function fields_table(name, op, fields, is_args, kind)
	if #fields == 0 then
		return "NULL"
	end
	emit("static const struct gantry_field %s[] = {", name)
	for i, f in ipairs(fields) do
		emit("\t{ \"%s\", GANTRY_TYPE_%s, %s, %s },", f.name, TYPES[f.type][1],
			f.optional and "GANTRY_FIELD_OPTIONAL" or "0",
			is_args and string.format("offsetof(struct gantry_%s_%s_args, %s)", kind, op.name, f.name)
				or tostring(i - 1))
	end
	emit("};")
	return name
end

local function tables(files)
	local ifaces = {}
	emit("/* SPDX-License-Identifier: Apache-2.0 */\n%s", GENERATED)
	emit("#include <stddef.h>\n\n#include \"helpers/interfaces.h\"\n")
	for i, file in ipairs(files) do
		ifaces[i] = load_interface(file)
		emit("#include <gantry/%s.h>", ifaces[i].name)
	end
	for _, iface in ipairs(ifaces) do
		local rows = {}
		emit("")
		for _, op in ipairs(iface.ops) do
			local base = iface.name .. "_" .. op.name
			local args = fields_table(base .. "_args", op, op.args, true, iface.name)
			local results = fields_table(base .. "_results", op, op.results, false, iface.name)
			local flags = (op.required and "GANTRY_OP_REQUIRED" or "0")
				.. (op.idempotent and " | GANTRY_OP_IDEMPOTENT" or "")
			rows[#rows + 1] = string.format(
				"\t{ \"%s\", %s, %s, %d, %d, sizeof(struct gantry_%s_args),\n\t  offsetof(struct gantry_%s_ops, %s), %s, GANTRY_CHAIN_%s, GANTRY_DEADLINE_%s,\n\t  GANTRY_OP_THREADS_%s },",
				op.name, args, results, #op.args, #op.results, base, iface.name, op.name, flags,
				op.chain, op.deadline, op.threads)
		end
		emit("static const struct gantry_op %s_ops[] = {\n%s\n};", iface.name, table.concat(rows, "\n"))
		emit("const struct gantry_interface interface_%s = {\n\t\"%s\", %s_ops, %d, sizeof(struct gantry_%s_ops)\n};",
			iface.name, iface.name, iface.name, #iface.ops, iface.name)
	end
	emit("\nconst struct gantry_interface *const interfaces_all[] = {")
	for _, iface in ipairs(ifaces) do
		emit("\t&interface_%s,", iface.name)
	end
	emit("\tNULL,\n};")
end

local function calls(files)
	emit("/* SPDX-License-Identifier: Apache-2.0 */\n%s", GENERATED)
	comment("Typed calls of every driver operation. Each is one driver_call(): attributed, traced, checked.")
	emit("#ifndef GANTRY_CALLS_H\n#define GANTRY_CALLS_H\n")
	emit("#include \"core/plugin/driver.h\"")
	local ifaces = {}
	for i, file in ipairs(files) do
		ifaces[i] = load_interface(file)
		if ifaces[i].name == "engine" then -- a service, called by drivers
			ifaces[i].ops = {}
		else
			emit("#include <gantry/%s.h>", ifaces[i].name)
		end
	end
	for _, iface in ipairs(ifaces) do
		emit("")
		for _, op in ipairs(iface.ops) do
			emit("static inline int %s_%s(struct driver *d, const struct gantry_%s_%s_args *args,\n\tstruct reply *ret, struct gantry_error *err)\n{\n\treturn driver_call(d, GANTRY_%s_OP_%s, args, ret, err);\n}",
				iface.name, op.name, iface.name, op.name, iface.name:upper(), op.name:upper())
		end
	end
	emit("\n#endif")
end

local DEADLINE_WORDS = {
	short = "the host gives up after 5 s",
	long = "the host gives up after 60 s without progress",
	transfer = "as long as bytes move",
	none = "no deadline: it follows, or waits",
}
local THREAD_WORDS = {
	OBJECT = "calls that name the same `%s` are made one after another unless the driver declares `parallel`",
	DRIVER = "one such call at a time unless the driver declares `parallel`",
	ANY = "from any number of threads at once unless the driver declares `serial`",
}
local CHAIN_WORDS = {
	PASS = "passed over", STOP = "the chain stops there", REFUSE = "the chain is refused when it is set up",
}

local function reference_op(iface, op)
	emit("## `%s`\n", op.name)
	prose("", op.doc, 96)
	emit("")
	emit("- %s. Since %s.", op.required and "Required: a driver without it is refused"
		or "Optional: a driver without it answers `UNSUPPORTED`", op.since)
	emit("- %s.", op.idempotent and "Idempotent: it may be repeated after `UNAVAILABLE`, a time-out or a crash"
		or "Not repeated: after a crash the caller looks at what happened")
	emit("- Deadline class `%s`: %s.", op.deadline_class, DEADLINE_WORDS[op.deadline_class])
	emit("- Threads: " .. THREAD_WORDS[op.threads] .. ".", op.args[1] and op.args[1].name)
	if op.chain ~= "NONE" then
		emit("- In a chain, a link without it: %s.", CHAIN_WORDS[op.chain])
	end
	emit("")
	for _, part in ipairs({ { "argument", op.args }, { "result", op.results } }) do
		if #part[2] > 0 then
			emit("| %s | type | meaning |\n| --- | --- | --- |", part[1])
			for _, f in ipairs(part[2]) do
				emit("| `%s` | %s%s | %s |", f.name, f.type, f.optional and ", optional" or "", (f.doc:gsub("|", "\\|")))
			end
			emit("")
		end
	end
	if #op.errors > 0 then
		emit("Errors beside those of every operation: %s.\n", (table.concat(op.errors, ", "):gsub("[%u_]+", "`%0`")))
	end
end

local function reference(file)
	local iface = load_interface(file)
	emit("# Kind `%s`\n", iface.name)
	emit("<!-- Generated by sdk/generate.lua from sdk/interfaces/%s.lua; do not edit. -->\n", iface.name)
	prose("", iface.doc, 96)
	emit("\nSince %s. C header: `gantry/%s.h`.\n", iface.since, iface.name)
	emit("Every operation may also answer `INVALID` (an argument is wrong), `UNAVAILABLE` (try again),")
	emit("`PERMISSION`, `IO`, `NO_MEMORY` and `INTERNAL` (a broken contract). An error has a message that")
	emit("names the object, the operation and the cause.\n")
	for _, op in ipairs(iface.ops) do
		reference_op(iface, op)
	end
end

-- A suite defines every function that this declares, or does not link.
local function conformance(file)
	local iface = load_interface(file)
	local guard = "CONFORMANCE_" .. iface.name:upper() .. "_H"
	emit("/* SPDX-License-Identifier: Apache-2.0 */\n%s", GENERATED)
	emit("#ifndef %s\n#define %s\n\n#include \"conformance/kit.h\"\n#include <gantry/%s.h>\n", guard, guard, iface.name)
	for _, op in ipairs(iface.ops) do
		comment(op.name .. ": " .. op.doc)
		emit("void conform_%s_%s(struct kit *k);", iface.name, op.name)
	end
	emit("\nstatic const struct kit_test conform_%s_operations[] = {", iface.name)
	for _, op in ipairs(iface.ops) do
		emit("\t{ \"%s\", conform_%s_%s },", op.name, iface.name, op.name)
	end
	emit("\t{ NULL, NULL },\n};")
	for i, op in ipairs(iface.ops) do
		emit("static inline int call_%s(struct kit *k, const struct gantry_%s_%s_args *args)\n{\n\treturn kit_call(k, %d, args);\n}",
			op.name, iface.name, op.name, i - 1)
	end
	emit("\n#endif")
end

-- One function per public struct, so that its layout is in the debugging information.
local function surface(files)
	emit("/* SPDX-License-Identifier: Apache-2.0 */\n%s", GENERATED)
	emit("#include <gantry/plugin.h>\n#include <gantry/script.h>")
	local bodies = {}
	local function show(type)
		bodies[#bodies + 1] = string.format("GANTRY_EXPORT void abi_%s(struct gantry_%s *p);\nvoid abi_%s(struct gantry_%s *p)\n{\n\t(void)p;\n}",
			type, type, type, type)
	end
	for _, type in ipairs({ "error", "bytes", "field", "op", "interface", "reply_ops", "reply", "log_service", "store_service",
		"events_service", "host", "config_key", "driver", "plugin", "script_host" }) do
		show(type)
	end
	for _, file in ipairs(files) do
		local iface = load_interface(file)
		emit("#include <gantry/%s.h>", iface.name)
		show(iface.name .. "_ops")
		for _, op in ipairs(iface.ops) do
			show(iface.name .. "_" .. op.name .. "_args")
		end
		if iface.name == "engine" then
			show("engine_service")
		end
	end
	emit("%s", table.concat(bodies, "\n"))
end

local mode = arg[1]
local files = table.move(arg, 2, #arg, 1, {})
if mode == "header" then
	header(files[1])
elseif mode == "tables" then
	tables(files)
elseif mode == "calls" then
	calls(files)
elseif mode == "reference" then
	reference(files[1])
elseif mode == "conformance" then
	conformance(files[1])
elseif mode == "surface" then
	surface(files)
else
	fail("unknown mode '%s'", tostring(mode))
end
io.write(table.concat(out, "\n"), "\n")
