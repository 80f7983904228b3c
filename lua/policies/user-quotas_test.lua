-- SPDX-License-Identifier: Apache-2.0
local function create(usage, memory)
  return { who = { user = "ana" }, engine = { usage = usage }, object = { HostConfig = { Memory = memory } } }
end

test("within the quota", function()
  allows("container.create", create({ containers = 3, memory_bytes = 0 }, 1048576))
end)

test("too many containers", function()
  denies("container.create", create({ containers = 20 }), "user ana has 20 containers")
end)

test("too much memory", function()
  denies("container.create", create({ memory_bytes = 8589934592 }, 1), "more than 8192 MiB")
end)

test("too fast", function()
  for _ = 1, 100 do allows("container.create", create({})) end
  denies("container.create", create({}), "100 containers in the last hour")
  at("2026-01-05T14:00:00")
  allows("container.create", create({}))
end)

test("too many images", function()
  denies("image.pull", { who = { user = "ana" }, engine = { usage = { images = 50 } }, object = {} }, "has 50 images")
end)
