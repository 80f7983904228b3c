-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines and hooks
-- source: two coroutines hand over for ever
-- expect: stop
local co = coroutine.wrap(function() while true do coroutine.yield() end end)
while true do co() end
