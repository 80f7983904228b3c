-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: repeated doubling
-- expect: any
local s = "a"
for i = 1, 40 do s = s:gsub(".", "%0%0") end
