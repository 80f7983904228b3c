-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __len lies within limits
-- expect: error attempt to compare
table.sort(setmetatable({}, { __len = function() return 1 << 20 end }))
