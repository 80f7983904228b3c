-- SPDX-License-Identifier: Apache-2.0
-- class: quadratic
-- source: select over many arguments
-- expect: any
local t = {}
for i = 1, 100000 do t[i] = i end
local function sum(...) local s = 0 for i = 1, select("#", ...) do s = s + (select(i, ...)) end return s end
sum(table.unpack(t))
