-- SPDX-License-Identifier: Apache-2.0
-- class: environment
-- source: globals with a poisonous metatable
-- expect: any
setmetatable(_G, { __index = function(_, k) return _G[k .. "x"] end })
local x = nothing
