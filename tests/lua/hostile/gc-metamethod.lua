-- SPDX-License-Identifier: Apache-2.0
-- class: finalisers
-- source: hooks are off while __gc runs
-- expect: error scripts have no finalisers
setmetatable({}, { __gc = function() while true do end end })
