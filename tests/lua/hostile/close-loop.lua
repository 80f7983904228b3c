-- SPDX-License-Identifier: Apache-2.0
-- class: to-be-closed variables
-- source: __close that loops
-- expect: stop
do local x <close> = setmetatable({}, { __close = function() while true do end end }) end
