-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: empty matches must advance
-- expect: ok
assert(select(2, ("abc"):gsub("", "-")) == 4)
local n = 0
for _ in ("abc"):gmatch("") do n = n + 1 end
assert(n == 4)
