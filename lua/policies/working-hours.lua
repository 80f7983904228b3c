-- SPDX-License-Identifier: Apache-2.0
-- Nothing in production changes outside of working hours, but by those on call.
policy { version = "1.0" }

local first_hour, last_hour, offset_minutes = 8, 18, 60 -- local time, as minutes from UTC
local on_call = { "oncall", "root" }

hook {
  name = "freeze",
  point = { "container.create", "container.start", "container.stop", "container.remove", "image.remove" },
  match = { ["target.labels.environment"] = "production" },
  run = function(request)
    local now = gantry.date(gantry.now(), offset_minutes)
    if now.weekday <= 5 and now.hour >= first_hour and now.hour < last_hour then return allow() end
    if gantry.glob(on_call, request.who.user or "") then return allow() end
    return deny(("production is frozen outside of working hours (it is %s); ask who is on call"):format(now.text))
  end,
}
