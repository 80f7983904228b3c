-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines
-- source: many arguments to resume
-- expect: any
local t = {}
for i = 1, 150000 do t[i] = i end
coroutine.wrap(function(...) return select("#", ...) end)(table.unpack(t))
