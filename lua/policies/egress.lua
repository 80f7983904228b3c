-- SPDX-License-Identifier: Apache-2.0
-- Which networks, and through them which parts of the world, a container may reach.
policy { version = "1.0" }

-- Networks by image; the networks "internal-*" have no way out of the host.
local allowed = {
  { image = "registry.example.com/web/**", networks = { "bridge", "public", "internal-*" } },
  { image = "**", networks = { "none", "internal-*" } },
}

local function refusal(image, network)
  for _, rule in ipairs(allowed) do
    if gantry.glob(rule.image, image) then
      if gantry.glob(rule.networks, network) then return nil end
      return deny(("image %s may not use the network %s"):format(image, network))
    end
  end
end

hook {
  name = "create",
  point = "container.create",
  priority = 60,
  run = function(request)
    local mode = (request.object.HostConfig or {}).NetworkMode
    if not mode or mode == "" or mode == "default" then mode = "bridge" end
    local refused = refusal(request.object.Image, mode)
    if refused then return refused end
    for network in pairs((request.object.NetworkingConfig or {}).EndpointsConfig or {}) do
      refused = network ~= "default" and refusal(request.object.Image, network)
      if refused then return refused end
    end
  end,
}

hook {
  name = "connect",
  point = "network.connect",
  run = function(request) return refusal(request.target.image, request.object.Network) end,
}
