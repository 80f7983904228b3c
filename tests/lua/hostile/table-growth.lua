-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: a table that only grows
-- expect: error memory
local t = {}
for i = 1, math.huge do t[#t + 1] = i end
