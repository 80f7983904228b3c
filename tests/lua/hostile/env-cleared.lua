-- SPDX-License-Identifier: Apache-2.0
-- class: environment
-- source: the script removes its own globals
-- expect: ok
local env, pairs = _G, pairs
for k in pairs(env) do env[k] = nil end
local x = nothing
