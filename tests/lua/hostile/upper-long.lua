-- SPDX-License-Identifier: Apache-2.0
-- class: time in the library
-- source: case mapping of long texts
-- expect: stop
local s = ("x"):rep(1 << 20)
while true do s:upper() s:reverse() s:lower() end
