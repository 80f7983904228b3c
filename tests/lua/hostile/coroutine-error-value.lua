-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines
-- source: errors pass through resume unharmed
-- expect: ok
local ok, e = coroutine.resume(coroutine.create(function() error({ 1 }) end))
assert(not ok and e[1] == 1)
