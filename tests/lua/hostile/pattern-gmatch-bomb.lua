-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: gmatch
-- expect: any
for w in (("a"):rep(2000)):gmatch(".-.-.-b") do end
