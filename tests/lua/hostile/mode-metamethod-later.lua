-- SPDX-License-Identifier: Apache-2.0
-- class: weak tables
-- source: __mode added later, long chain of ephemerons
-- expect: any
local mt, t, key = {}, {}, {}
for i = 1, 30000 do
  t[i] = setmetatable({}, mt)
  local nextkey = {}
  t[i][key] = nextkey
  key = nextkey
end
mt.__mode = "k"
for i = 1, 3000000 do local x = {} end
