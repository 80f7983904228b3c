-- SPDX-License-Identifier: Apache-2.0
local function create(config) return { object = { Image = "x", HostConfig = config } } end

test("an ordinary container is allowed", function()
  allows("container.create", { object = { Image = "x" } })
  allows("container.create", create { Privileged = false, NetworkMode = "bridge", Binds = { "/srv/data:/data", "vol:/v" } })
end)

test("privileged", function()
  denies("container.create", create { Privileged = true }, "privileged containers are forbidden")
  denies("container.exec", { object = { Cmd = { "sh" }, Privileged = true } }, "privileged exec")
  allows("container.exec", { object = { Cmd = { "sh" } } })
end)

test("host namespaces", function()
  denies("container.create", create { PidMode = "host" }, "the host's pid namespace")
  denies("container.create", create { NetworkMode = "host" }, "network")
  allows("container.create", create { PidMode = "container:abc" })
end)

test("sockets and system paths", function()
  denies("container.create", create { Binds = { "/var/run/docker.sock:/s" } }, "/var/run/docker.sock")
  denies("container.create", create { Binds = { "/:/host:ro" } }, "may not be mounted")
  denies("container.create", create { Binds = { "//etc/:/e" } }, "may not be mounted")
  denies("container.create", create { Binds = { "/srv/../etc:/e" } }, "contains ..")
  denies("container.create", create { Binds = { "/./etc:/e" } }, "may not be mounted")
  denies("container.create", create { Mounts = { { Type = "bind", Source = "/root", Target = "/r" } } }, "/root")
  allows("container.create", create { Mounts = { { Type = "volume", Source = "data", Target = "/r" } } })
end)

test("devices", function()
  denies("container.create", create { Devices = { { PathOnHost = "/dev/sda" } } }, "devices")
end)
