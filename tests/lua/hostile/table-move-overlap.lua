-- SPDX-License-Identifier: Apache-2.0
-- class: bounds
-- source: overlapping ranges
-- expect: ok
local t = { 1, 2, 3, 4, 5 }
table.move(t, 1, 4, 2)
assert(t[2] == 1 and t[5] == 4)
table.move(t, 2, 5, 1)
assert(t[1] == 1 and t[4] == 4)
