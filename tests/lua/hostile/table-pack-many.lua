-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: pack of many values
-- expect: any
local t = {}
for i = 1, 150000 do t[i] = i end
table.pack(table.unpack(t))
