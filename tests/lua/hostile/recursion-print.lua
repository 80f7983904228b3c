-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: print in __tostring
-- expect: error overflow
local t = setmetatable({}, {})
getmetatable(t).__tostring = function(v) print(v) return "" end
print(t)
