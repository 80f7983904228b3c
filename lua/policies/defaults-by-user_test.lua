-- SPDX-License-Identifier: Apache-2.0
test("limits are filled in", function()
  rewrites("container.create", { who = { user = "ana" }, object = { Image = "x", HostConfig = { Memory = 0 } } },
    { ["object.HostConfig.Memory"] = 536870912, ["object.HostConfig.PidsLimit"] = 512 })
end)

test("what was asked for is kept", function()
  rewrites("container.create", { who = { user = "ci" }, object = { Image = "x", HostConfig = { Memory = 1000000000 } } },
    { ["object.HostConfig.Memory"] = 1000000000, ["object.HostConfig.NanoCpus"] = 4000000000 })
end)

test("the owner's label cannot be chosen", function()
  local answer = rewrites("container.create",
    { who = { uid = 1000 }, object = { Image = "x", Labels = { ["gantry.owner"] = "root", a = "b" } } }, {})
  assert(answer.object.Labels["gantry.owner"] == "1000" and answer.object.Labels.a == "b")
end)
