-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: mutual tail calls
-- expect: stop
local f, g
function f() return g() end
function g() return f() end
f()
