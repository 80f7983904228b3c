-- SPDX-License-Identifier: Apache-2.0
-- Images of public registries are fetched through a mirror.
policy { version = "1.0" }

local mirrors = {
  ["docker.io"] = "mirror.example.com/docker",
  ["quay.io"] = "mirror.example.com/quay",
}

hook {
  name = "mirror",
  point = "image.pull",
  priority = 80, -- after what decides on the name that was asked for
  match = { ["object.Registry"] = { "docker.io", "quay.io" } },
  run = function(request)
    local image = request.object
    local reference = mirrors[image.Registry] .. "/" .. image.Repository
    if image.Tag then reference = reference .. ":" .. image.Tag end
    if image.Digest then reference = reference .. "@" .. image.Digest end
    return rewrite { Reference = reference }
  end,
}
