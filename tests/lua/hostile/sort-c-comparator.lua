-- SPDX-License-Identifier: Apache-2.0
-- class: bad comparators
-- source: a C function as comparator: no hook in between
-- expect: any
local t = {}
for i = 1, 300000 do t[i] = i end
table.sort(t, rawequal)
