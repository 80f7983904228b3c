-- SPDX-License-Identifier: Apache-2.0
-- Prints annotations of the Lua language server for drivers, from the interface
-- descriptions: lua generate-stubs.lua POINTS.c INTERFACE.lua...
local types = {
	string = "string", integer = "integer", boolean = "boolean", bytes = "string", json = "any",
	list = "string[]", fd = "boolean", handle = "integer",
}

local function field(prefix, entry)
	local name, kind, doc = entry[1], entry[2], entry[3] or ""
	local optional = kind:sub(-1) == "?"
	local bare = kind:gsub("%?$", "")
	-- A list may be empty and a table of results may leave it out.
	return ("---@field %s %s%s %s"):format(name, types[bare] or "any", optional and "?" or "", (doc:gsub("%s+", " ")))
end

local function print_class(name, entries)
	print("---@class " .. name)
	for _, entry in ipairs(entries or {}) do print(field(name, entry)) end
	print()
end

local function print_kind(path)
	local kind, ops = nil, {}
	local env = { kind = function(t) kind = t end, op = function(t) ops[#ops + 1] = t end }
	assert(loadfile(path, "t", setmetatable(env, { __index = _G })))()
	if not kind or kind.name == "engine" then return end
	print("-- Kind " .. kind.name .. ".\n")
	for _, op in ipairs(ops) do
		local prefix = ("gantry.%s.%s"):format(kind.name, op.name)
		print_class(prefix .. ".args", op.args)
		if op.results and #op.results > 0 then print_class(prefix .. ".results", op.results) end
	end
	print("---@class gantry." .. kind.name)
	for _, op in ipairs(ops) do
		local prefix = ("gantry.%s.%s"):format(kind.name, op.name)
		local returns = op.results and #op.results > 0 and (": " .. prefix .. ".results?") or ""
		print(("---@field %s%s fun(args: %s.args)%s %s"):format(op.name, op.required and "" or "?", prefix, returns,
			((op.doc or ""):gsub("%s+", " "))))
	end
	print()
end

local function print_points(path)
	local file = assert(io.open(path))
	print("---@alias gantry.point")
	for name, doc in file:read("a"):gmatch('{ "([%w.]+)", [%w_ |]+, "([^"]+)" }') do
		print(("---| %q # %s"):format(name, doc))
	end
	file:close()
	print()
end

print("---@meta")
print("-- SPDX-License-Identifier: Apache-2.0")
print("-- Generated from the interface descriptions; do not edit.\n")
print_points(arg[1])
print('---@alias gantry.error "INVALID"|"NOT_FOUND"|"EXISTS"|"IN_USE"|"CONFLICT"|"PERMISSION"|"UNAUTHORIZED"|"DENIED"'
	.. '|"UNSUPPORTED"|"UNAVAILABLE"|"TIMEOUT"|"CANCELLED"|"NO_SPACE"|"NO_MEMORY"|"LIMIT"|"CORRUPT"|"IO"|"INTERNAL"\n')
for i = 2, #arg do print_kind(arg[i]) end
