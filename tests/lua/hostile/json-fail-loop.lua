-- SPDX-License-Identifier: Apache-2.0
-- class: host memory
-- source: failing conversions for ever
-- expect: stop
local t = {}
t.t = t
while true do pcall(gantry.json.encode, t) pcall(gantry.json.decode, "{") end
