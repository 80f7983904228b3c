-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: a chain of __call
-- expect: any
local t = setmetatable({}, {})
getmetatable(t).__call = t
t()
