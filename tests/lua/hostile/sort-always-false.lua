-- SPDX-License-Identifier: Apache-2.0
-- class: bad comparators
-- source: "less" is always false
-- expect: ok
local t = {}
for i = 1, 1000 do t[i] = i % 7 end
table.sort(t, function() return false end)
