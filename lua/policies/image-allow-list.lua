-- SPDX-License-Identifier: Apache-2.0
-- Images come from these registries only, and production images are pinned by digest.
policy { version = "1.0" }

local allowed = { "registry.example.com/**", "docker.io/library/*" }
local pinned = { "registry.example.com/production/**" }

hook {
  name = "registries",
  point = { "image.pull", "image.push" },
  run = function(request)
    local name = request.object.Registry .. "/" .. request.object.Repository
    if not gantry.glob(allowed, name) then
      return deny("image " .. name .. " is not from an allowed registry")
    end
    if gantry.glob(pinned, name) and not request.object.Digest then
      return deny("image " .. name .. " must be named by digest, as " .. name .. "@sha256:...")
    end
  end,
}

-- A FROM line asks for an image, too.
hook {
  name = "build-from",
  point = "build.step",
  match = { ["object.Instruction"] = "FROM" },
  run = function(request)
    local name = request.object.Image
    if name and name ~= "scratch" and not gantry.glob(allowed, name) then
      return deny("FROM " .. name .. " is not from an allowed registry")
    end
  end,
}
