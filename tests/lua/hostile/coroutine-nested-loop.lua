-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines and hooks
-- source: a loop ten coroutines down
-- expect: stop
local function nest(n)
  if n == 0 then while true do end end
  coroutine.wrap(nest)(n - 1)
end
nest(10)
