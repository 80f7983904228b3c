-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: tail calls use no stack
-- expect: stop
local function f() return f() end
f()
