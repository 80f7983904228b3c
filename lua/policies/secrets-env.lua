-- SPDX-License-Identifier: Apache-2.0
-- A container that asks for a secret by label gets it in its environment, if its image may have it.
policy { version = "1.0", needs = { "secret:db-*", "secret:api-*" } }

local allowed = {
  ["registry.example.com/shop/**"] = { "db-shop", "api-payment" },
  ["registry.example.com/report/**"] = { "db-shop" },
}

local function may_have(image, secret)
  for images, secrets in pairs(allowed) do
    if gantry.glob(images, image) and gantry.glob(secrets, secret) then return true end
  end
end

-- Labels look like gantry.secret.DATABASE_PASSWORD = "db-shop".
hook {
  name = "inject",
  point = "container.create",
  priority = 70,
  run = function(request)
    local environment, added = gantry.json.copy(request.object.Env or {}), false
    for label, secret in pairs(request.object.Labels or {}) do
      local variable = label:match("^gantry%.secret%.([%w_]+)$")
      if variable then
        if not may_have(request.object.Image, secret) then
          return deny(("image %s may not have the secret %s"):format(request.object.Image, secret))
        end
        environment[#environment + 1] = variable .. "=" .. gantry.secret(secret)
        added = true
      end
    end
    return added and rewrite { Env = environment } or allow()
  end,
}
