-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: pcall around the bomb
-- expect: stop
while true do pcall(string.find, ("a"):rep(5000), ".-.-.-.-b") end
