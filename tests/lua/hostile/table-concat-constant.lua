-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: no Lua code runs in the loop
-- expect: any
local t = setmetatable({}, { __index = function() return "" end })
table.concat(t, "", math.mininteger, math.maxinteger)
