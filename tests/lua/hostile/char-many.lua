-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: string.char of many
-- expect: any
local t = {}
for i = 1, 150000 do t[i] = 65 end
string.char(table.unpack(t))
