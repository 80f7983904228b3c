-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __eq that loops
-- expect: stop
local mt = { __eq = function() while true do end end }
local x = setmetatable({}, mt) == setmetatable({}, mt)
