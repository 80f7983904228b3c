-- SPDX-License-Identifier: Apache-2.0
-- class: host memory
-- source: one table a million times
-- expect: error too large for JSON
local t = {}
for i = 1, 10 do t[i] = i end
for i = 1, 8 do local u = {} for k = 1, 10 do u[k] = t end t = u end
gantry.json.encode(t)
