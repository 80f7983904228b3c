-- SPDX-License-Identifier: Apache-2.0
-- class: yield across C
-- source: yield from __lt in sort
-- expect: error attempt to yield across a C-call boundary
local mt = { __lt = function() coroutine.yield() end }
local ok, message = coroutine.resume(coroutine.create(function()
  table.sort({ setmetatable({}, mt), setmetatable({}, mt) })
end))
error(message)
