-- SPDX-License-Identifier: Apache-2.0
-- class: time in the interpreter
-- source: rehash on each insert
-- expect: stop
while true do local t = {} for i = 1, 1000 do t[i * 1000003] = i end end
