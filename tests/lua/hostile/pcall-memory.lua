-- SPDX-License-Identifier: Apache-2.0
-- class: swallowing the stop
-- source: catching "not enough memory" for ever
-- expect: stop
local s = ("x"):rep(1 << 20)
while true do pcall(string.rep, s, 100) end
