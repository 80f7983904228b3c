-- SPDX-License-Identifier: Apache-2.0
-- class: to-be-closed variables
-- source: the stop hit inside the coroutine
-- expect: stop
co = coroutine.wrap(function()
  local x <close> = setmetatable({}, { __close = function() while true do end end })
  while true do end
end)
pcall(co)
return function() co() end
