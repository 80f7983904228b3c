-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: a move of 2^62 elements
-- expect: error too many elements to move
table.move({}, 1, math.maxinteger, 2)
