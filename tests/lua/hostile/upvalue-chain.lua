-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: a chain of upvalues
-- expect: error memory
local f = function() end
while true do local g = f f = function() return g end end
