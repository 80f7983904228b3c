-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: nested backtracking
-- expect: any
string.find(("a"):rep(5000), ".-.-.-.-.-.-.-.-b")
