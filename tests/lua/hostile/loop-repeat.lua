-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: the plainest of all
-- expect: stop
repeat local x = 1 until false
