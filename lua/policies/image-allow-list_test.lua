-- SPDX-License-Identifier: Apache-2.0
local function pull(registry, repository, digest)
  return { object = { Registry = registry, Repository = repository, Digest = digest } }
end

test("official images and our own are allowed", function()
  allows("image.pull", pull("docker.io", "library/nginx"))
  allows("image.pull", pull("registry.example.com", "team/app"))
end)

test("others are refused", function()
  denies("image.pull", pull("docker.io", "someone/nginx"), "docker.io/someone/nginx is not from an allowed registry")
  denies("image.push", pull("evil.example", "library/nginx"), "not from an allowed registry")
end)

test("production is pinned", function()
  denies("image.pull", pull("registry.example.com", "production/shop"), "by digest")
  allows("image.pull", pull("registry.example.com", "production/shop", "sha256:00"))
end)

test("FROM is an image, too", function()
  denies("build.step", { object = { Instruction = "FROM", Image = "evil.example/x" } }, "FROM evil.example/x")
  allows("build.step", { object = { Instruction = "FROM", Image = "scratch" } })
  allows("build.step", { object = { Instruction = "RUN", Arguments = "make" } })
end)
