-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: a million conversions
-- expect: any
string.format(("%s"):rep(100000), table.unpack(setmetatable({}, { __len = function() return 100000 end,
  __index = function() return "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" end })))
