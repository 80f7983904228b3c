-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: a loop of large strings
-- expect: stop
local s = ("x"):rep(1 << 20)
while true do s = ("x"):rep(1 << 20) end
