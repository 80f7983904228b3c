-- SPDX-License-Identifier: Apache-2.0
test("docker.io goes to the mirror", function()
  rewrites("image.pull",
    { object = { Reference = "docker.io/library/nginx:1", Registry = "docker.io", Repository = "library/nginx", Tag = "1" } },
    { ["object.Reference"] = "mirror.example.com/docker/library/nginx:1" })
end)

test("a digest stays", function()
  rewrites("image.pull", { object = { Reference = "x", Registry = "quay.io", Repository = "a/b", Digest = "sha256:00" } },
    { ["object.Reference"] = "mirror.example.com/quay/a/b@sha256:00" })
end)

test("others are left alone", function()
  local answer = allows("image.pull", { object = { Reference = "r.example/a", Registry = "r.example", Repository = "a" } })
  assert(answer.decision == "allow")
end)
