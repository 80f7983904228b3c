-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: plain recursion
-- expect: error
local function f() return 1 + f() end
f()
