-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: a constructor of a million
-- expect: any
local t = { table.unpack(setmetatable({}, { __len = function() return 190000 end })) }
