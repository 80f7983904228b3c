-- SPDX-License-Identifier: Apache-2.0
-- `ps` shows a user their own containers, by the label that defaults-by-user sets.
policy { version = "1.0" }

local administrators = { "root", "operator" }

hook {
  name = "list",
  point = "api.answer",
  match = { ["object.Path"] = { "/containers/json", "/v*/containers/json" } },
  run = function(request)
    local user = request.who.user or tostring(request.who.uid)
    if gantry.glob(administrators, user) then return allow() end
    local own = gantry.json.array {}
    for _, container in ipairs(request.answer) do
      if (container.Labels or {})["gantry.owner"] == user then own[#own + 1] = container end
    end
    return rewrite(own)
  end,
}
