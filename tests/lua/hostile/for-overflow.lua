-- SPDX-License-Identifier: Apache-2.0
-- class: arithmetic
-- source: loop limits at the ends of the integers
-- expect: ok
local n = 0
for i = math.maxinteger - 1, math.maxinteger do n = n + 1 end
for i = math.mininteger + 1, math.mininteger, -1 do n = n + 1 end
assert(n == 4)
