-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines
-- source: close a normal coroutine
-- expect: error cannot close a running coroutine
local outer
outer = coroutine.create(function()
  return coroutine.resume(coroutine.create(function() coroutine.close(outer) end))
end)
local _, _, message = coroutine.resume(outer)
error(message)
