-- SPDX-License-Identifier: Apache-2.0
-- class: memory
-- source: a long chain of ..
-- expect: any
local s = ("x"):rep(1 << 18)
local t = s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s
t = t .. t .. t
