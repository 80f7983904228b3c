-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines
-- source: yield outside of a coroutine
-- expect: error outside a coroutine
coroutine.yield()
