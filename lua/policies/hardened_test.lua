-- SPDX-License-Identifier: Apache-2.0
test("a container is hardened", function()
  rewrites("container.create", { object = { Image = "x", HostConfig = { ReadonlyRootfs = false } } }, {
    ["object.HostConfig.ReadonlyRootfs"] = true,
    ["object.HostConfig.CapDrop.1"] = "ALL",
    ["object.HostConfig.SecurityOpt.1"] = "no-new-privileges",
  })
end)

test("options that were there stay", function()
  rewrites("container.create", { object = { Image = "x", HostConfig = { SecurityOpt = { "apparmor=web" } } } },
    { ["object.HostConfig.SecurityOpt.1"] = "apparmor=web", ["object.HostConfig.SecurityOpt.2"] = "no-new-privileges" })
end)

test("more cannot be asked for", function()
  denies("container.create", { object = { Image = "x", HostConfig = { CapAdd = { "SYS_ADMIN" } } } }, "SYS_ADMIN")
  denies("container.create", { object = { Image = "x", HostConfig = { SecurityOpt = { "seccomp=unconfined" } } } },
    "seccomp=unconfined")
  rewrites("container.create", { object = { Image = "x", HostConfig = { CapAdd = { "net_bind_service" } } } }, {})
end)

test("exempt images", function()
  assert(allows("container.create", { object = { Image = "registry.example.com/base/os" } }).decision == "allow")
end)
