-- SPDX-License-Identifier: Apache-2.0
local function create(image, mode, endpoints)
  return { object = { Image = image, HostConfig = { NetworkMode = mode },
    NetworkingConfig = { EndpointsConfig = endpoints } } }
end

test("web servers reach the world", function()
  allows("container.create", create("registry.example.com/web/shop", "bridge"))
  allows("container.create", create("registry.example.com/web/shop"))
end)

test("others do not", function()
  denies("container.create", create("docker.io/library/nginx", "bridge"), "may not use the network bridge")
  denies("container.create", create("docker.io/library/nginx"), "network bridge")
  allows("container.create", create("docker.io/library/nginx", "internal-db"))
end)

test("nor by a second network", function()
  denies("container.create", create("docker.io/library/nginx", "internal-db", { public = {} }), "network public")
  denies("network.connect", { target = { image = "docker.io/library/nginx" }, object = { Network = "public" } }, "public")
  allows("network.connect", { target = { image = "registry.example.com/web/x" }, object = { Network = "public" } })
end)
