-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: tostring in __tostring
-- expect: error overflow
local t = setmetatable({}, {})
getmetatable(t).__tostring = function(v) return tostring(v) end
tostring(t)
