-- SPDX-License-Identifier: Apache-2.0
-- class: error objects
-- source: a coroutine as error
-- expect: error thread
error(coroutine.create(print))
