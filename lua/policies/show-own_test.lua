-- SPDX-License-Identifier: Apache-2.0
local function list(user, ...)
  return { who = { user = user }, object = { Method = "GET", Path = "/v1.47/containers/json" }, answer = { ... } }
end
local mine = { Id = "1", Labels = { ["gantry.owner"] = "ana" } }
local other = { Id = "2", Labels = { ["gantry.owner"] = "bo" } }

test("only one's own", function()
  local answer = rewrites("api.answer", list("ana", mine, other, { Id = "3" }), { ["answer.1.Id"] = "1" })
  assert(#answer.answer == 1)
end)

test("none at all is an empty list", function()
  local answer = rewrites("api.answer", list("cy", mine, other), {})
  assert(#answer.answer == 0 and gantry.json.encode(answer.answer) == "[]")
end)

test("administrators see all", function()
  allows("api.answer", list("root", mine, other))
end)

test("other answers are left alone", function()
  allows("api.answer", { who = { user = "ana" }, object = { Path = "/images/json" }, answer = { mine } })
end)
