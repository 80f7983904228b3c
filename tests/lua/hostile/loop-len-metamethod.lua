-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __len that loops
-- expect: stop
local x = #setmetatable({}, { __len = function() while true do end end })
