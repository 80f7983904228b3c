-- SPDX-License-Identifier: Apache-2.0
-- class: integer overflow
-- source: an empty range at the end
-- expect: ok
assert(select("#", table.unpack({}, math.maxinteger, math.mininteger)) == 0)
assert(select("#", table.unpack({}, math.maxinteger, math.maxinteger)) == 1)
