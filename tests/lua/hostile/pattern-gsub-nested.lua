-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: gsub inside gsub
-- expect: error overflow
local function f() return (("a"):gsub("a", f)) end
f()
