-- SPDX-License-Identifier: Apache-2.0
-- class: time in the interpreter
-- source: comparing long texts, hooks count instructions
-- expect: stop
local a, b = ("x"):rep(1 << 20), ("x"):rep((1 << 20) - 1) .. "y"
while true do local x = a < b end
