-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __len lies
-- expect: error impossible length
table.sort(setmetatable({}, { __len = function() return 1 << 40 end }))
