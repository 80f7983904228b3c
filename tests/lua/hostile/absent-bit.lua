-- SPDX-License-Identifier: Apache-2.0
-- class: library memory bugs
-- source: CVE-2024-31449: lua_bit in Redis
-- expect: ok
assert(bit == nil and bit32 == nil and ffi == nil and jit == nil)
