---@meta
-- SPDX-License-Identifier: Apache-2.0
-- For editors: what a script of gantry can use.  Point the Lua language server's
-- workspace.library at this folder.

---@class gantry.who
---@field uid integer?
---@field gid integer?
---@field pid integer?
---@field user string?
---@field auth "peer"|"tls"|"none"
---@field certificate string?
---@field address string?
---@field transport string?

---@class gantry.target
---@field kind string
---@field id string?
---@field name string?
---@field image string?
---@field reference string?
---@field network string?
---@field labels table<string, string>?

---@class gantry.usage
---@field containers integer
---@field memory_bytes integer

---@class gantry.engine
---@field version string
---@field rootless boolean
---@field usage gantry.usage?

---What a hook decides on; read-only, and gone when the hook returns.
---@class gantry.request
---@field point gantry.point
---@field who gantry.who
---@field target gantry.target
---@field object table exactly what will be executed
---@field answer any? what will be sent, at api.answer
---@field engine gantry.engine

---@class gantry.verdict

---@class gantry.hook
---@field name string? shown in refusals and in the audit log
---@field point gantry.point|gantry.point[]
---@field priority integer? lower runs first; 50
---@field fail "closed"|"open"|nil what an error or a timeout means; "closed"
---@field deadline number? seconds
---@field match table<string, string|number|boolean|(string|number|boolean)[]>? paths and globs
---@field run fun(request: gantry.request): gantry.verdict|boolean|nil, string?

---@class gantry.policy
---@field name string?
---@field version string?
---@field doc string?
---@field needs string[]? "kv", "counter", "http:HOST", "secret:NAME", "exec:COMMAND"

---Says what the script is and needs.
---@param declaration gantry.policy
function policy(declaration) end

---Declares a hook, while the script loads.
---@param declaration gantry.hook
function hook(declaration) end

---@return gantry.verdict
function allow() end

---@param reason string what the user is told
---@return gantry.verdict
function deny(reason) end

---A merge patch (RFC 7386) of the object, or at api.answer of the answer.
---@param patch table
---@return gantry.verdict
function rewrite(patch) end

gantry = {}

---@type { debug: fun(...), info: fun(...), warning: fun(...), error: fun(...) }
gantry.log = {}

gantry.json = {}
---JSON null: in a rewrite it removes a field.
gantry.json.null = nil
---@param value any
---@return string
function gantry.json.encode(value) end
---@param text string
---@return any
function gantry.json.decode(text) end
---Marks a table as a list, also when it is empty.
---@generic T: table
---@param list T
---@return T
function gantry.json.array(list) end
---A copy that may be changed and kept.
---@generic T
---@param value T
---@return T
function gantry.json.copy(value) end

---Seconds since 1970.
---@return number
function gantry.now() end
---@param seconds number?
---@param offset_minutes integer?
---@return { year: integer, month: integer, day: integer, hour: integer, minute: integer, second: integer, weekday: integer, text: string }
function gantry.date(seconds, offset_minutes) end
---@param text string
---@return string "sha256:..."
function gantry.digest(text) end
---`*` stays within one part of a path, `**` does not.  With a list: the glob that matches, or false.
---@param glob string|string[]
---@param text string
---@return boolean|string
function gantry.glob(glob, text) end
---@param network string
---@param address string
---@return boolean
function gantry.cidr(network, address) end
---@param version string
---@param range string ">=1.2 <2", "^1.4", "~1.4.2"
---@return boolean
function gantry.semver(version, range) end

gantry.kv = {}
---@param key string
---@return string?
function gantry.kv.get(key) end
---@param key string
---@param value string
function gantry.kv.put(key, value) end
---@param key string
function gantry.kv.remove(key) end
---@param prefix string?
---@return string[]
function gantry.kv.list(prefix) end
---Replaces a value in one step, whoever else does so meanwhile.
---@param key string
---@param change fun(old: string?): string?
---@return string?
function gantry.kv.update(key, change) end

gantry.counter = {}
---@param key string
---@param amount integer
---@param window_seconds number
---@return integer sum within the window that ends now
function gantry.counter.add(key, amount, window_seconds) end
---@param key string
---@param window_seconds number
---@return integer
function gantry.counter.sum(key, window_seconds) end

---@param method string
---@param url string
---@param headers table<string, string>?
---@param body string?
---@return integer status
---@return string body
function gantry.http(method, url, headers, body) end
---@param name string
---@return string
function gantry.secret(name) end
---@param command string[]
---@param input string?
---@return integer status
---@return string output
function gantry.exec(command, input) end

---@class gantry.decision
---@field decision "allow"|"deny"|"rewrite"
---@field reason string
---@field hook string
---@field object table?
---@field answer any?
---@field changes { hook: string, path: string, old: any, new: any }[]?

---In NAME_test.lua: declares a test; each runs on a fresh script with fresh services.
---@param name string
---@param run fun()
function test(name, run) end
---@param point gantry.point
---@param request table
---@return gantry.decision
function evaluate(point, request) end
---@param point gantry.point
---@param request table
---@return gantry.decision
function allows(point, request) end
---@param point gantry.point
---@param request table
---@param text string? part of the reason
---@return gantry.decision
function denies(point, request, text) end
---@param point gantry.point
---@param request table
---@param expected table<string, any> paths such as "object.Memory"
---@return gantry.decision
function rewrites(point, request, expected) end
---Puts the clock.
---@param time string "2026-01-05T20:00:00"
function at(time) end
---@param name string
---@param value string
function secret(name, value) end
---What a URL or a command answers.
---@param what string
---@param status integer
---@param text string?
function respond(what, status, text) end

---A driver: its settings, and where it may keep files.
config = {}
---@type string
state_dir = nil
---@type string
run_dir = nil

---@class gantry.driver
---@field kind string
---@field name string
---@field version string?
---@field licence string?
---@field summary string?
---@field needs string[]?
---@field config { name: string, type: "string"|"integer"|"boolean"|"list", default: string?, doc: string? }[]?

---Says which driver the script is.
---@param declaration gantry.driver
function driver(declaration) end

---Ends an operation with an error.
---@param code gantry.error
---@param message string
---@param hint string? what the user can do next
function fail(code, message, hint) end
