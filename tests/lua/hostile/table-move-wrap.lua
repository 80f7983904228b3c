-- SPDX-License-Identifier: Apache-2.0
-- class: integer overflow
-- source: the target range wraps
-- expect: error wrap around
table.move({}, 1, 10, math.maxinteger)
