-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: a generic for with a constant iterator
-- expect: stop
for x in function() return 1 end do end
