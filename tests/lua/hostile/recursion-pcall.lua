-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: recursion through pcall
-- expect: any
local function f() local ok, e = pcall(f) return ok, e end
f()
