-- SPDX-License-Identifier: Apache-2.0
-- class: iterator abuse
-- source: insert while traversing
-- expect: any
local t = { 1, 2, 3, a = 1 }
for k in pairs(t) do t[k .. "x"] = 1 end
