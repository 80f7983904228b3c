-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: naive search is quadratic
-- expect: ok
string.find(("a"):rep(1 << 20), ("a"):rep(1 << 19) .. "b", 1, true)
