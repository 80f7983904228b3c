-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: s = s .. s
-- expect: error memory
local s = "xxxxxxxx"
while true do s = s .. s end
