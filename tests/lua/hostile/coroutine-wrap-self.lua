-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines
-- source: a wrapped coroutine calls itself
-- expect: any
local f
f = coroutine.wrap(function() return f() end)
f()
