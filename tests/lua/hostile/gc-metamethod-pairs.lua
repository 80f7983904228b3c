-- SPDX-License-Identifier: Apache-2.0
-- class: finalisers
-- source: __gc through __index of the metatable
-- expect: ok
local mt = setmetatable({}, { __index = { __gc = function() error("ran") end } })
for i = 1, 1000 do setmetatable({}, mt) end
for i = 1, 100000 do local t = {} end
