-- SPDX-License-Identifier: Apache-2.0
-- class: arithmetic
-- source: a for loop with step zero
-- expect: error 'for' step is zero
for i = 1, 10, 0 do end
