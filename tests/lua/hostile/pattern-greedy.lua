-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: nested backtracking, greedy
-- expect: any
string.match(("a"):rep(3000), "(.*)(.*)(.*)(.*)(.*)b")
