-- SPDX-License-Identifier: Apache-2.0
-- class: swallowing the stop
-- source: a tower of pcalls
-- expect: stop
local function f() while true do pcall(f) end end
f()
