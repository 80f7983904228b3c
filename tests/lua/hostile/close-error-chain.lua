-- SPDX-License-Identifier: Apache-2.0
-- class: to-be-closed variables
-- source: each __close fails anew
-- expect: error e
local function nest(n)
  local x <close> = setmetatable({}, { __close = function() error("e" .. n) end })
  if n > 0 then nest(n - 1) end
end
nest(100)
