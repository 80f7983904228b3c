-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines
-- source: resume a dead one
-- expect: error dead coroutine
local f = coroutine.wrap(function() end)
f()
f()
