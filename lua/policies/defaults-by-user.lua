-- SPDX-License-Identifier: Apache-2.0
-- Containers without limits get those of their user, and a label that says whose they are.
policy { version = "1.0" }

local MiB = 1024 * 1024
local limits = {
  ci = { Memory = 4096 * MiB, NanoCpus = 4000000000, PidsLimit = 4096 },
  default = { Memory = 512 * MiB, NanoCpus = 1000000000, PidsLimit = 512 },
}

hook {
  name = "defaults",
  point = "container.create",
  priority = 20,
  run = function(request)
    local user = request.who.user or tostring(request.who.uid)
    local config, missing = request.object.HostConfig or {}, {}
    for field, value in pairs(limits[user] or limits.default) do
      if (config[field] or 0) == 0 then missing[field] = value end
    end
    return rewrite { HostConfig = missing, Labels = { ["gantry.owner"] = user } }
  end,
}
