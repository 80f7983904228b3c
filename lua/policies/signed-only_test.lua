-- SPDX-License-Identifier: Apache-2.0
local payload = '{"critical":{"identity":{"docker-reference":"r.example/a"},"image":{"docker-manifest-digest":"sha256:00"},'
  .. '"type":"cosign container image signature"},"optional":null}'
local signature = "oslKuw7OxHtwnsF0Yl/obObZ2bqhVyNB30drOKxWAl+9ymAeB8rOyf29FtEuPXvpc1DM0pQasu4S5TJhIqRiDg=="

local function image(signatures)
  return { object = { Reference = "r.example/a:1", Registry = "r.example", Repository = "a", Signatures = signatures } }
end

test("signed by us", function()
  allows("image.verified", image { { Payload = payload, Signature = signature } })
  allows("image.verified", image { { Payload = "x", Signature = "eA==" }, { Payload = payload, Signature = signature } })
end)

test("not signed, or badly", function()
  denies("image.verified", image {}, "r.example/a:1 is not signed by release-2026")
  denies("image.verified", image { { Payload = payload .. " ", Signature = signature } }, "not signed")
  denies("image.verified", image { { Payload = payload, Signature = "!" } }, "not signed")
end)

test("official images", function()
  allows("image.verified", { object = { Registry = "docker.io", Repository = "library/nginx" } })
end)
