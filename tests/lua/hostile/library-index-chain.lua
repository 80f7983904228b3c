-- SPDX-License-Identifier: Apache-2.0
-- class: frozen libraries
-- source: an inherited front
-- expect: error cannot change the library 'string'
local t = setmetatable({}, { __index = string, __newindex = string })
t.len = 1
