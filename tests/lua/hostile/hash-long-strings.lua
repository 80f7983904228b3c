-- SPDX-License-Identifier: Apache-2.0
-- class: time in the interpreter
-- source: long texts as keys are hashed in full
-- expect: stop
local t = {}
while true do t[("x"):rep(1 << 20)] = true t = {} end
