-- SPDX-License-Identifier: Apache-2.0
-- class: later calls
-- source: a coroutine kept for a second call still has limits
-- expect: stop
co = coroutine.wrap(function() coroutine.yield() while true do end end)
co()
return function() co() end
