-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: each %s is a megabyte
-- expect: error memory
local s = ("x"):rep(1 << 20)
string.format(("%s"):rep(20), s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s)
