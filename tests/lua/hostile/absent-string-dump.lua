-- SPDX-License-Identifier: Apache-2.0
-- class: bytecode
-- source: lua-l 2020-08: no verifier in Lua 5.2 and later
-- expect: ok
assert(string.dump == nil and ("").dump == nil)
