-- SPDX-License-Identifier: Apache-2.0
-- class: hash flooding
-- source: keys that collide
-- expect: any
local t = {}
for i = 1, 100000 do t[i * 2 ^ 40] = true end
