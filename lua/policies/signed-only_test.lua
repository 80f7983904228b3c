-- SPDX-License-Identifier: Apache-2.0
local function image(signatures)
  return { object = { Reference = "r.example/a:1", Registry = "r.example", Repository = "a", Signatures = signatures } }
end

test("signed by us", function()
  allows("image.verified", image { { KeyId = "release-2026", Verified = true } })
end)

test("not signed, signed by others, or badly", function()
  denies("image.verified", image {}, "r.example/a:1 is not signed by release-2026 or release-2025")
  denies("image.verified", image { { KeyId = "other", Verified = true } }, "not signed")
  denies("image.verified", image { { KeyId = "release-2026", Verified = false } }, "not signed")
end)

test("official images", function()
  allows("image.verified", { object = { Registry = "docker.io", Repository = "library/nginx" } })
end)
