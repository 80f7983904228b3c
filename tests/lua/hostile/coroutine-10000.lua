-- SPDX-License-Identifier: Apache-2.0
-- class: coroutine bombs
-- source: ten thousand coroutines
-- expect: any
local all = {}
for i = 1, 10000 do
  all[i] = coroutine.create(function() coroutine.yield(i) end)
  coroutine.resume(all[i])
end
