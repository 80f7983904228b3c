-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __newindex cycle
-- expect: error '__newindex' chain too long
local a, b = {}, {}
setmetatable(a, { __newindex = b })
setmetatable(b, { __newindex = a })
a.x = 1
