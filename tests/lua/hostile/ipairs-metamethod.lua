-- SPDX-License-Identifier: Apache-2.0
-- class: iterator abuse
-- source: __index without end
-- expect: stop
for i in ipairs(setmetatable({}, { __index = function() return 1 end })) do end
