-- SPDX-License-Identifier: Apache-2.0
-- class: host memory
-- source: JSON takes more memory than Lua
-- expect: error too large for JSON
local t = {}
for i = 1, 100000 do t[i] = true end
gantry.json.encode({ t, t, t })
