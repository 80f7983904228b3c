-- SPDX-License-Identifier: Apache-2.0
-- class: arithmetic
-- source: fmod(mininteger, -1) traps on x86
-- expect: ok
assert(math.fmod(math.mininteger, -1) == 0)
