-- SPDX-License-Identifier: Apache-2.0
local function create(image, secret)
  return { object = { Image = image, Env = { "A=1" }, Labels = { ["gantry.secret.DATABASE_PASSWORD"] = secret } } }
end

test("a secret is injected", function()
  secret("db-shop", "s3cret")
  rewrites("container.create", create("registry.example.com/shop/web:1", "db-shop"),
    { ["object.Env.1"] = "A=1", ["object.Env.2"] = "DATABASE_PASSWORD=s3cret" })
end)

test("another image's secret is refused", function()
  secret("api-payment", "s3cret")
  denies("container.create", create("registry.example.com/report/web:1", "api-payment"), "may not have the secret api-payment")
end)

test("a secret that is not there fails closed", function()
  denies("container.create", create("registry.example.com/shop/web:1", "db-shop"), "fails closed")
end)

test("a container without labels", function()
  allows("container.create", { object = { Image = "x" } })
end)
