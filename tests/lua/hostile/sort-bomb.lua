-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: many sorts
-- expect: stop
local t = {}
for i = 1, 10000 do t[i] = -i end
while true do table.sort(t, rawequal) end
