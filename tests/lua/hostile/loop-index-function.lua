-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __index that loops
-- expect: stop
local t = setmetatable({}, { __index = function() while true do end end })
local x = t.x
