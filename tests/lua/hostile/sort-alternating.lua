-- SPDX-License-Identifier: Apache-2.0
-- class: bad comparators
-- source: the answer depends on the call
-- expect: ok
local n, t = 0, {}
for i = 1, 1000 do t[i] = i end
table.sort(t, function() n = n + 1 return n % 3 == 0 end)
