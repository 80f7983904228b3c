-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: a for loop without body
-- expect: stop
for i = 1, math.maxinteger do end
