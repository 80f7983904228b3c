-- SPDX-License-Identifier: Apache-2.0
local function stop(user)
  return { who = { user = user }, target = { labels = { environment = "production" } }, object = {} }
end

test("at noon on Monday", function()
  at("2026-01-05T11:00:00")
  allows("container.stop", stop("ana"))
end)

test("in the evening and at the weekend", function()
  at("2026-01-05T17:00:00")
  denies("container.stop", stop("ana"), "frozen outside of working hours (it is 2026-01-05T18:00:00)")
  at("2026-01-10T11:00:00")
  denies("container.create", stop("ana"), "frozen")
  allows("container.stop", stop("oncall"))
end)

test("what is not production", function()
  at("2026-01-10T03:00:00")
  allows("container.stop", { who = { user = "ana" }, target = { labels = {} }, object = {} })
end)
