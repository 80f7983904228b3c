-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: a megabyte of subject
-- expect: any
string.find(("a"):rep(1 << 20), ".-b")
