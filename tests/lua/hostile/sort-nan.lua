-- SPDX-License-Identifier: Apache-2.0
-- class: bad comparators
-- source: NaN is not less than anything
-- expect: ok
local nan, t = 0 / 0, {}
for i = 1, 500 do t[i] = i % 3 == 0 and nan or i end
table.sort(t)
