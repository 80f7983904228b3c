-- SPDX-License-Identifier: Apache-2.0
-- Only images signed by one of our keys are admitted, whoever brings them here and however.
policy { version = "1.0" }

-- Public keys, as cosign and openssl write them; the first is an example: put yours in its place.
local keys = {
  ["release-2026"] = [[
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEArpRbOKX/rRqr5S2VnOY8IyqZJpNcXGbUocAnQaZI6og=
-----END PUBLIC KEY-----
]],
}
local unsigned_allowed = { "docker.io/library/*" }

hook {
  name = "signed",
  point = "image.verified",
  run = function(request)
    local image, names = request.object, {}
    if gantry.glob(unsigned_allowed, (image.Registry or "") .. "/" .. (image.Repository or "")) then return allow() end
    for name, key in pairs(keys) do
      names[#names + 1] = name
      -- The engine has checked that the signed text names the image's digest.
      for _, signature in ipairs(image.Signatures or {}) do
        if gantry.verify(key, signature.Payload, signature.Signature) then return allow() end
      end
    end
    table.sort(names)
    return deny(("image %s is not signed by %s"):format(image.Reference, table.concat(names, " or ")))
  end,
}
