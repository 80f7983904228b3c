-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: CVE-2021-43519: overflow in lua_resume
-- expect: error overflow
local function nest() return coroutine.wrap(nest)() end
nest()
