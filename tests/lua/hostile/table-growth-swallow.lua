-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: and pcall around it
-- expect: stop
while true do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end
