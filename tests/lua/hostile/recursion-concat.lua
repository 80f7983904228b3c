-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: __concat recursion
-- expect: error overflow
local t = setmetatable({}, {})
getmetatable(t).__concat = function(a, b) return a .. b end
local x = t .. t
