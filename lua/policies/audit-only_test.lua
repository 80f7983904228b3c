-- SPDX-License-Identifier: Apache-2.0
test("nothing is refused", function()
  local answer = allows("container.create", { who = { user = "ana" }, object = { HostConfig = { Privileged = true,
    CapAdd = { "SYS_ADMIN" }, PidMode = "host", Binds = { "/:/host" } } } })
  assert(answer.decision == "allow")
end)

test("not even what cannot be understood", function()
  allows("container.create", { who = { user = "ana" }, object = { HostConfig = { Binds = { 1, 2 } } } })
end)
