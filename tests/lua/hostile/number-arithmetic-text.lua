-- SPDX-License-Identifier: Apache-2.0
-- class: conversions
-- source: implicit conversion of long text
-- expect: any
local s = ("1"):rep(1 << 20)
for i = 1, 1000000 do local x = pcall(function() return s + 1 end) end
