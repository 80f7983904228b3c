-- SPDX-License-Identifier: Apache-2.0
-- volume/remote: whatever mount(8) can mount: NFS, CIFS, a helper such as rclone's.
--
--     gantry volume create --driver remote --opt type=nfs4 --opt device=server:/export --opt o=ro data
driver {
  kind = "volume",
  name = "remote",
  version = "0.1.0",
  licence = "Apache-2.0",
  summary = "Volumes that mount(8) can mount: NFS, CIFS, rclone",
  needs = { "kv", "exec:mount", "exec:umount", "exec:mkdir", "exec:rmdir" },
  config = {
    { name = "type", doc = "of volumes that say nothing else" },
    { name = "device", doc = "of volumes that say nothing else; %s is the volume's name" },
    { name = "o", doc = "mount options of volumes that say nothing else" },
  },
}

local volume = {}
local known = { type = true, device = true, o = true }

local function place(name)
  return run_dir .. "/" .. name
end

local function load(name)
  if #name > 200 then return nil end
  local text = gantry.kv.get("volume/" .. name)
  return text and gantry.json.decode(text)
end

local function need(name)
  return load(name) or fail("NOT_FOUND", "there is no volume " .. name, "gantry volume ls shows what there is")
end

-- One step of change, whoever else changes the same volume meanwhile.
local function update(name, change)
  local result
  gantry.kv.update("volume/" .. name, function(text)
    local record = text and gantry.json.decode(text) or fail("NOT_FOUND", "there is no volume " .. name)
    result = change(record)
    return gantry.json.encode(record)
  end)
  return result
end

local function run(command, what)
  local status, output = gantry.exec(command)
  if status ~= 0 then
    fail("UNAVAILABLE", ("cannot %s: %s"):format(what, (output:gsub("%s+$", ""))))
  end
end

local function check_options(options)
  for key, value in pairs(options) do
    if not known[key] then fail("INVALID", "unknown option " .. key, "the options are type, device and o") end
    if value:find("[%c]") or value:sub(1, 1) == "-" then fail("INVALID", "malformed option " .. key) end
  end
  if not options.type or not options.device then
    fail("INVALID", "a remote volume needs type and device", "--opt type=nfs4 --opt device=server:/export")
  end
end

function volume.create(args)
  local options = {}
  for key, value in pairs(args.options or {}) do options[key] = value end
  for key in pairs(known) do
    if not options[key] and config[key] and config[key] ~= "" then options[key] = config[key]:gsub("%%s", args.name) end
  end
  if #args.name > 200 or not args.name:match("^[%w][%w_.-]*$") then fail("INVALID", "malformed volume name") end
  check_options(options)
  local there = load(args.name)
  if there then
    for key in pairs(known) do
      if there.options[key] ~= options[key] then fail("EXISTS", "volume " .. args.name .. " exists with other options") end
    end
    return
  end
  gantry.kv.put("volume/" .. args.name, gantry.json.encode { options = options, labels = args.labels or {}, users = {} })
end

function volume.mount(args)
  local options = need(args.name).options
  local others = update(args.name, function(record)
    local n = 0
    for user in pairs(record.users) do n = n + (user ~= args.user and 1 or 0) end
    record.users[args.user] = true
    return n
  end)
  if others == 0 then
    -- Mounting again over what a crash left is no harm: unmount it first.
    gantry.exec { "umount", "-q", place(args.name) }
    run({ "mkdir", "-p", place(args.name) }, "make the mount point of volume " .. args.name)
    local status, output = gantry.exec { "mount", "-t", options.type, "-o", options.o or "rw", "--", options.device,
      place(args.name) }
    if status ~= 0 then
      update(args.name, function(record) record.users[args.user] = nil end)
      fail("UNAVAILABLE", ("cannot mount volume %s: %s"):format(args.name, (output:gsub("%s+$", ""))),
        "is the server reachable, and mount." .. options.type .. " installed?")
    end
  end
  return { path = place(args.name) }
end

function volume.unmount(args)
  if not load(args.name) then return end
  local left = update(args.name, function(record)
    record.users[args.user] = nil
    return next(record.users) ~= nil
  end)
  if not left then
    gantry.exec { "umount", "-q", place(args.name) }
    gantry.exec { "rmdir", place(args.name) }
  end
end

function volume.inspect(args)
  local record = need(args.name)
  return {
    mountpoint = next(record.users) and place(args.name) or nil,
    status = { type = record.options.type, device = record.options.device },
  }
end

function volume.list()
  local names = {}
  for _, key in ipairs(gantry.kv.list("volume/")) do names[#names + 1] = key:sub(8) end
  return { name = names }
end

function volume.remove(args)
  local record = load(args.name)
  if not record then return end
  if next(record.users) then fail("IN_USE", "volume " .. args.name .. " is in use") end
  gantry.kv.remove("volume/" .. args.name)
end

return volume
