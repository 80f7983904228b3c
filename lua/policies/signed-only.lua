-- SPDX-License-Identifier: Apache-2.0
-- Only images signed by one of our keys are admitted, whoever pulls them and however.
policy { version = "1.0" }

local keys = { "release-2026", "release-2025" }
local unsigned_allowed = { "docker.io/library/*" }

hook {
  name = "signed",
  point = "image.verified",
  run = function(request)
    local image = request.object
    if gantry.glob(unsigned_allowed, image.Registry .. "/" .. image.Repository) then return allow() end
    for _, signature in ipairs(image.Signatures or {}) do
      if signature.Verified and gantry.glob(keys, signature.KeyId) then return allow() end
    end
    return deny(("image %s is not signed by %s"):format(image.Reference, table.concat(keys, " or ")))
  end,
}
