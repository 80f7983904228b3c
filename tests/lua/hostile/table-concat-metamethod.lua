-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: concat over an endless __index table
-- expect: stop
local t = setmetatable({}, { __index = setmetatable({}, { __index = function() return "" end }) })
table.concat(t, "", 1, math.maxinteger)
