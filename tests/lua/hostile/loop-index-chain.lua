-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __index cycle
-- expect: error '__index' chain too long
local a, b = {}, {}
setmetatable(a, { __index = b })
setmetatable(b, { __index = a })
local x = a.x
