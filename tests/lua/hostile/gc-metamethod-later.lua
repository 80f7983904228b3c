-- SPDX-License-Identifier: Apache-2.0
-- class: finalisers
-- source: __gc added after setmetatable
-- expect: ok
local mt = {}
for i = 1, 1000 do setmetatable({}, mt) end
mt.__gc = function() error("ran") end
local t = {}
for i = 1, 200000 do t = {} end
