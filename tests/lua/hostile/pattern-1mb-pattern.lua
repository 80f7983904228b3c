-- SPDX-License-Identifier: Apache-2.0
-- class: pattern bombs
-- source: a megabyte of pattern
-- expect: error pattern too complex
string.find(("a"):rep(1 << 20), ("a?"):rep(1 << 19))
