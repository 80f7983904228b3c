-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines
-- source: close the running coroutine
-- expect: error cannot close a running coroutine
local co
co = coroutine.create(function() coroutine.close(co) end)
error(select(2, coroutine.resume(co)))
