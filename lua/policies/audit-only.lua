-- SPDX-License-Identifier: Apache-2.0
-- Refuses nothing: writes to the log what a strict policy would have refused and Docker's default allows.
policy { version = "1.0" }

local function report(request, what)
  gantry.log.warning(("%s was allowed to %s: by default Docker lets whoever reaches its socket do so, and so become root")
    :format(request.who.user or request.who.uid or "somebody", what))
end

hook {
  name = "observe",
  point = "container.create",
  priority = 90,
  fail = "open",
  run = function(request)
    local config = request.object.HostConfig or {}
    if config.Privileged then report(request, "run a privileged container") end
    if #(config.CapAdd or {}) > 0 then report(request, "add " .. table.concat(config.CapAdd, ", ")) end
    if config.PidMode == "host" then report(request, "see the host's processes") end
    for _, bind in ipairs(config.Binds or {}) do
      if bind:sub(1, 1) == "/" then report(request, "mount " .. bind:match("^[^:]*")) end
    end
  end,
}
