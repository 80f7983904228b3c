-- SPDX-License-Identifier: Apache-2.0
-- class: to-be-closed variables
-- source: a coroutine is closed in a later call, hooks off
-- expect: stop
co = coroutine.create(function()
  local x <close> = setmetatable({}, { __close = function() while true do end end })
  coroutine.yield()
end)
coroutine.resume(co)
return function() coroutine.close(co) end
