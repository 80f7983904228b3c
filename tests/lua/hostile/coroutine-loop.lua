-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines and hooks
-- source: scoder/lupa#6: hooks are not inherited
-- expect: stop
coroutine.wrap(function() while true do end end)()
