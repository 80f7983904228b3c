-- SPDX-License-Identifier: Apache-2.0
-- class: yield across pcall
-- source: loops through pcall and yield
-- expect: stop
local co = coroutine.wrap(function()
  while true do pcall(function() coroutine.yield() error("x") end) end
end)
while true do co() end
