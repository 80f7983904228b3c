-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __tostring that loops
-- expect: stop
tostring(setmetatable({}, { __tostring = function() while true do end end }))
