-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: many varargs on many levels
-- expect: any
local function f(n, ...) if n == 0 then return select("#", ...) end return f(n - 1, n, ...) end
f(5000)
