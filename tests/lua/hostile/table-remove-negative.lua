-- SPDX-License-Identifier: Apache-2.0
-- class: bounds
-- source: __len is negative
-- expect: error impossible length
table.remove(setmetatable({}, { __len = function() return -5 end }))
