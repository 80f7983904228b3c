-- SPDX-License-Identifier: Apache-2.0
-- class: time in the interpreter
-- source: # searches for a border
-- expect: stop
local t = {}
for i = 1, 100000, 2 do t[i] = i end
while true do local x = #t end
