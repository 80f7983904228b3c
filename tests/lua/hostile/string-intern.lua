-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: millions of short strings
-- expect: any
local t = {}
for i = 1, math.huge do t[i] = "k" .. i end
