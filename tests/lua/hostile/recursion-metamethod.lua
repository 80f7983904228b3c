-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: __index recursion through C
-- expect: error overflow
local t = setmetatable({}, {})
getmetatable(t).__index = function(_, k) return t[k .. "x"] end
local x = t.a
