-- SPDX-License-Identifier: Apache-2.0
-- class: to-be-closed variables
-- source: __close runs while the stop unwinds
-- expect: stop
local x <close> = setmetatable({}, { __close = function() while true do end end })
while true do end
