-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: __len lies
-- expect: error impossible length
table.remove(setmetatable({}, { __len = function() return math.maxinteger end }), 1)
