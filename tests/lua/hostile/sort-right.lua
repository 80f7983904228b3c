-- SPDX-License-Identifier: Apache-2.0
-- class: bad comparators
-- source: the sort still sorts
-- expect: ok
local t, seed = {}, 7
for i = 1, 2000 do seed = seed * 1103515245 % 2147483648 t[i] = seed end
table.sort(t)
for i = 2, #t do assert(t[i - 1] <= t[i]) end
