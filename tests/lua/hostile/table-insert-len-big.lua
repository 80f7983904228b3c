-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __len lies within limits
-- expect: any
table.insert(setmetatable({}, { __len = function() return 1 << 24 end }), 1, "x")
