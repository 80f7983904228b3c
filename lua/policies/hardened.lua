-- SPDX-License-Identifier: Apache-2.0
-- Every container has a read-only root, no new privileges, and no capability but those listed.
policy { version = "1.0" }

local capabilities = { "CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_NET_BIND_SERVICE" }
local exempt = { "registry.example.com/base/**" }

local function has(list, value)
  for _, item in ipairs(list or {}) do
    if item == value then return true end
  end
end

hook {
  name = "hardened",
  point = "container.create",
  priority = 40,
  run = function(request)
    local config = request.object.HostConfig or {}
    if gantry.glob(exempt, request.object.Image or "") then return allow() end
    for _, name in ipairs(config.CapAdd or {}) do
      local full = name:upper():gsub("^CAP_", "")
      if not has(capabilities, "CAP_" .. full) then return deny("the capability " .. name .. " may not be added") end
    end
    local options = gantry.json.copy(config.SecurityOpt or {})
    for _, option in ipairs(options) do
      if option:find("unconfined", 1, true) then return deny("the security option " .. option .. " is forbidden") end
    end
    if not has(options, "no-new-privileges") then options[#options + 1] = "no-new-privileges" end
    return rewrite {
      HostConfig = { ReadonlyRootfs = true, CapDrop = { "ALL" }, CapAdd = capabilities, SecurityOpt = options },
    }
  end,
}
