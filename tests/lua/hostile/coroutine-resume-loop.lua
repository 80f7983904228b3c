-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines and hooks
-- source: resume returns the error, the loop goes on
-- expect: stop
while true do coroutine.resume(coroutine.create(function() while true do end end)) end
