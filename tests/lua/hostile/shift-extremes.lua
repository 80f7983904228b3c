-- SPDX-License-Identifier: Apache-2.0
-- class: arithmetic
-- source: shifts by more than 63
-- expect: ok
assert(1 << 64 == 0 and 1 << math.maxinteger == 0 and 1 >> math.mininteger == 0 and -1 >> 63 == 1)
