-- SPDX-License-Identifier: Apache-2.0
-- storage/copy: snapshots as whole copies, to start a storage driver from.
--
--     active/KEY/      what is being written      fs: its files, parent: the key below it, a folder's name
--     committed/KEY/   what is read-only
--
-- A snapshot appears and goes by one rename, so that a crash leaves it whole or in `doomed`.
driver {
  kind = "storage",
  name = "copy",
  version = "0.1.0",
  licence = "Apache-2.0",
  summary = "Snapshots as whole copies (an example in Lua)",
  needs = { "mount" },
}

local storage = {}

local function check(key)
  if #key > 200 or not key:match("^[%w][%w_.-]*$") then fail("INVALID", "malformed snapshot key " .. key:sub(1, 80)) end
  return key
end

local function active(key) return "active/" .. check(key) end
local function committed(key) return "committed/" .. check(key) end

-- The folder of a snapshot in whatever state, and whether it is committed.
local function find(key)
  if tree.exists(committed(key)) then return committed(key), true end
  if tree.exists(active(key)) then return active(key), false end
  fail("NOT_FOUND", "snapshot " .. key .. " does not exist")
end

-- The folder below it, or nil.
local function lower_of(place)
  local parent = tree.list(place .. "/parent")[1]
  return parent and committed(parent) .. "/fs"
end

local function discard(place)
  tree.make("doomed")
  local doomed = "doomed/" .. gantry.digest(place):sub(8, 24)
  tree.remove(doomed)
  if tree.exists(place) then
    tree.rename(place, doomed)
    tree.remove(doomed)
  end
end

function storage.prepare(args)
  if (args.size_limit or 0) > 0 then fail("UNSUPPORTED", "storage driver copy cannot limit the size of a snapshot") end
  if tree.exists(active(args.key)) then return end
  if tree.exists(committed(args.key)) then fail("EXISTS", "snapshot " .. args.key .. " is committed") end
  if args.parent and not tree.exists(committed(args.parent)) then
    fail("NOT_FOUND", "parent snapshot " .. args.parent .. " does not exist")
  end
  local making = "making/" .. args.key
  discard(making)
  tree.make(making .. "/parent" .. (args.parent and "/" .. args.parent or ""))
  if args.parent then
    tree.copy(committed(args.parent) .. "/fs", making .. "/fs")
  else
    tree.make(making .. "/fs")
  end
  tree.make("active")
  tree.rename(making, active(args.key))
end

function storage.commit(args)
  if tree.exists(committed(args.name)) and not tree.exists(active(args.key)) then return end
  if tree.exists(committed(args.name)) then fail("EXISTS", "snapshot " .. args.name .. " exists") end
  if not tree.exists(active(args.key)) then fail("NOT_FOUND", "snapshot " .. args.key .. " does not exist") end
  tree.make("committed")
  tree.rename(active(args.key), committed(args.name))
end

function storage.apply(args)
  local place, is_committed = find(args.key)
  if is_committed then fail("INVALID", "snapshot " .. args.key .. " is committed") end
  return { size = tree.apply(place .. "/fs", args.archive, args.size_limit) }
end

function storage.mount(args)
  local place, is_committed = find(args.key)
  return { mount = tree.mount(place .. "/fs", args.read_only or is_committed, args.userns) }
end

function storage.diff(args)
  local place = find(args.key)
  tree.diff(place .. "/fs", lower_of(place), args.archive)
end

function storage.changes(args)
  local place = find(args.key)
  return { change = tree.changes(place .. "/fs", lower_of(place)) }
end

function storage.usage(args)
  local bytes, inodes = tree.usage((find(args.key)) .. "/fs")
  return { bytes = bytes, inodes = inodes }
end

function storage.remove(args)
  local key = check(args.key)
  for _, child in ipairs(storage.list().key) do
    local place = find(child)
    if child ~= key and tree.exists(place .. "/parent/" .. key) then
      fail("IN_USE", "snapshot " .. key .. " is the parent of " .. child)
    end
  end
  discard(active(key))
  discard(committed(key))
end

function storage.list()
  local keys = {}
  for _, folder in ipairs { "active", "committed" } do
    for _, key in ipairs(tree.exists(folder) and tree.list(folder) or {}) do keys[#keys + 1] = key end
  end
  table.sort(keys)
  return { key = keys }
end

function storage.status()
  return { details = { ["Written in"] = "Lua" }, independent_layers = false }
end

return storage
