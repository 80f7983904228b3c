-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines and hooks
-- source: each runs fewer instructions than the hook counts
-- expect: stop
while true do coroutine.wrap(function() for i = 1, 100 do end end)() end
