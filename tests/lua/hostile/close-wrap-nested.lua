-- SPDX-License-Identifier: Apache-2.0
-- class: C stack
-- source: wrap closes on errors, nested
-- expect: any
local function chain(n)
  local f = coroutine.wrap(function()
    local x <close> = setmetatable({}, { __close = function() pcall(chain(n - 1)) end })
    error("go")
  end)
  return f
end
pcall(chain(100000))
