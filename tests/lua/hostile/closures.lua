-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: closures only grow
-- expect: error memory
local t = {}
while true do local n = #t t[n + 1] = function() return n end end
