-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: offsets at the ends of the integers
-- expect: ok
assert(("abc"):find("b", math.mininteger) == 2 and ("abc"):find("b", math.maxinteger) == nil)
assert(("abc"):sub(math.mininteger, math.maxinteger) == "abc")
assert(("abc"):byte(math.mininteger, math.maxinteger) == 97)
