-- SPDX-License-Identifier: Apache-2.0
-- class: endless loop
-- source: nothing, maxinteger times
-- expect: ok
assert((""):rep(math.maxinteger) == "")
