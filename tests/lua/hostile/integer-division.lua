-- SPDX-License-Identifier: Apache-2.0
-- class: arithmetic
-- source: mininteger // -1 traps on x86
-- expect: ok
assert(math.mininteger // -1 == math.mininteger and math.mininteger % -1 == 0)
