-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: a generic for over a C function
-- expect: stop
for x in math.abs, -1, -1 do end
