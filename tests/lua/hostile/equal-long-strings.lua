-- SPDX-License-Identifier: Apache-2.0
-- class: time in the interpreter
-- source: equality of long texts
-- expect: stop
local a, b = ("x"):rep(1 << 21), ("x"):rep(1 << 20) .. ("x"):rep(1 << 20)
while true do local x = a == b end
