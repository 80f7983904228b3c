-- SPDX-License-Identifier: Apache-2.0
-- class: bad comparators
-- source: the comparator loops
-- expect: stop
table.sort({ 3, 2, 1 }, function() while true do end end)
