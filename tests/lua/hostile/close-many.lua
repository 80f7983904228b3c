-- SPDX-License-Identifier: Apache-2.0
-- class: to-be-closed variables
-- source: thousands pending
-- expect: any
local function nest(n)
  local x <close> = setmetatable({}, { __close = function() end })
  return (nest(n + 1))
end
nest(1)
