-- SPDX-License-Identifier: Apache-2.0
-- class: yield across C
-- source: yield from a comparator
-- expect: error attempt to yield across a C-call boundary
local ok, message = coroutine.resume(coroutine.create(function()
  table.sort({ 3, 2, 1 }, function() coroutine.yield() end)
end))
error(message)
