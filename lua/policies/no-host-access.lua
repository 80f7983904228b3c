-- SPDX-License-Identifier: Apache-2.0
-- No privileged containers, no namespaces of the host, no socket or sensitive path of the host.
policy { version = "1.0" }

local forbidden_paths = { "/", "/etc", "/root", "/proc", "/sys", "/dev", "/boot", "/var/run", "/run", "/var/lib/gantry",
  "/var/lib/docker", "**/docker.sock", "**/gantry.sock", "**/containerd.sock", "**/podman.sock",
  "/etc/**", "/root/**", "/proc/**", "/sys/**", "/boot/**", "/var/lib/gantry/**", "/var/lib/docker/**" }
local namespaces = { NetworkMode = "network", PidMode = "pid", IpcMode = "ipc", UTSMode = "uts", UsernsMode = "user",
  CgroupnsMode = "cgroup" }

local function normal(path)
  return (("/" .. path):gsub("/%.?%f[/\0]", ""):gsub("/+", "/"):gsub("(.)/$", "%1"))
end

local function check_path(path)
  if path:sub(1, 1) ~= "/" then return end -- a volume's name
  if path:find("..", 1, true) then return deny("the path " .. path .. " contains ..") end
  if gantry.glob(forbidden_paths, normal(path)) then
    return deny("the host's " .. path .. " may not be mounted into a container")
  end
end

hook {
  name = "create",
  point = "container.create",
  priority = 10,
  run = function(request)
    local config = request.object.HostConfig or {}
    if config.Privileged then return deny("privileged containers are forbidden") end
    for field, name in pairs(namespaces) do
      if config[field] == "host" then return deny("the host's " .. name .. " namespace may not be shared") end
    end
    if #(config.Devices or {}) > 0 then return deny("devices of the host may not be passed to a container") end
    for _, bind in ipairs(config.Binds or {}) do
      local refused = check_path((bind:match("^[^:]*")))
      if refused then return refused end
    end
    for _, mount in ipairs(config.Mounts or {}) do
      local refused = mount.Type == "bind" and check_path(mount.Source or "")
      if refused then return refused end
    end
  end,
}

hook {
  name = "exec",
  point = "container.exec",
  match = { ["object.Privileged"] = true },
  run = function() return deny("privileged exec is forbidden") end,
}
