-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: format calls __tostring, which formats
-- expect: error overflow
local t = setmetatable({}, {})
getmetatable(t).__tostring = function(v) return string.format("%s", v) end
tostring(t)
