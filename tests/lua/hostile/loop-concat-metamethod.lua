-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __concat that loops
-- expect: stop
local x = setmetatable({}, { __concat = function() while true do end end }) .. "x"
