-- SPDX-License-Identifier: Apache-2.0
-- class: iterator abuse
-- source: __pairs that never ends
-- expect: stop
for k in pairs(setmetatable({}, { __pairs = function() return function() return 1 end end })) do end
