-- SPDX-License-Identifier: Apache-2.0
-- class: iterator abuse
-- source: clear while traversing
-- expect: ok
local t = {}
for i = 1, 100 do t["k" .. i] = i end
for k in pairs(t) do t[k] = nil end
