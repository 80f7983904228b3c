-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: a float loop that does not advance
-- expect: stop
for i = 1.0, math.huge, 0.5 do end
