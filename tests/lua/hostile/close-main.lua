-- SPDX-License-Identifier: Apache-2.0
-- class: coroutines
-- source: close the main thread
-- expect: error cannot close a running coroutine
coroutine.close((coroutine.running()))
