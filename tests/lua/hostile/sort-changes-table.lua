-- SPDX-License-Identifier: Apache-2.0
-- class: bad comparators
-- source: the comparator empties the table
-- expect: any
local t = {}
for i = 1, 1000 do t[i] = i end
table.sort(t, function(a, b)
  for i = 1, 10 do t[i] = nil end
  return (a or 0) < (b or 0)
end)
