-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: the result outgrows memory
-- expect: error memory
local s, t = ("x"):rep(1 << 16), {}
for i = 1, 1000 do t[i] = s end
table.concat(t)
