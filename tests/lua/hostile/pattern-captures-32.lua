-- SPDX-License-Identifier: Apache-2.0
-- class: malformed patterns
-- source: exactly as many as the array holds
-- expect: ok
assert(select("#", (("x"):rep(40)):find(("(x)"):rep(32))) == 34)
