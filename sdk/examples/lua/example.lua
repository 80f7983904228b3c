-- SPDX-License-Identifier: Apache-2.0
-- A volume driver: each volume is a folder below state_dir; which there are, and who uses
-- them, is in the engine's store. A script has no system calls, so mkdir(1) and rm(1) work
-- for it, as its permissions allow.
driver {
  kind = "volume",
  name = "example",
  version = "1.0.0",
  licence = "Apache-2.0",
  summary = "Volumes as folders",
  needs = { "kv", "exec:mkdir", "exec:rm" },
}

local volume = {}

-- A name becomes part of a path, so it must not say where.
local function checked(name, what)
  if #name > 80 or not name:match("^[%w][%w_.-]*$") then
    fail("INVALID", ("%s '%s': a name has 1 to 80 of A-Z a-z 0-9 _ . -"):format(what or "volume", name:sub(1, 60)))
  end
  return name
end

local function key(name) return "volume/" .. name end

local function need(args)
  local name = checked(args.name)
  if not gantry.kv.get(key(name)) then
    fail("NOT_FOUND", "volume " .. name .. ": there is no such volume", "gantry volume ls lists what there is")
  end
  return name
end

local function run(command, what)
  local status, output = gantry.exec(command)
  if status ~= 0 then fail("IO", ("%s: %s"):format(what, (output:gsub("%s+$", "")))) end
end

local function folder(name) return state_dir .. "/" .. name end

function volume.create(args)
  local name = checked(args.name)
  if gantry.kv.get(key(name)) then return end
  if args.options and next(args.options) then
    fail("INVALID", "volume " .. name .. ": this driver has no options", "create it without --opt")
  end
  gantry.kv.put(key(name), "1")
end

function volume.mount(args)
  local name, user = need(args), checked(args.user, "user")
  gantry.kv.put("user/" .. name .. "/" .. user, "1")
  run({ "mkdir", "-p", "--", folder(name) }, "volume " .. name)
  return { path = folder(name) }
end

function volume.unmount(args)
  gantry.kv.remove("user/" .. checked(args.name) .. "/" .. checked(args.user, "user"))
end

function volume.inspect(args)
  return { mountpoint = folder(need(args)) }
end

function volume.list()
  local names = {}
  for _, k in ipairs(gantry.kv.list("volume/")) do names[#names + 1] = k:sub(8) end
  return { name = names }
end

-- The files first: if this is cut short, the volume is still there, and can be removed again.
function volume.remove(args)
  local name = checked(args.name)
  if not gantry.kv.get(key(name)) then return end
  if #gantry.kv.list("user/" .. name .. "/") > 0 then fail("IN_USE", "volume " .. name .. ": a container uses it") end
  run({ "rm", "-rf", "--", folder(name) }, "volume " .. name)
  gantry.kv.remove(key(name))
end

return volume
