-- SPDX-License-Identifier: Apache-2.0
-- class: shared metatables
-- source: CVE-2025-46818
-- expect: ok
assert(getmetatable(nil) == nil and getmetatable(true) == nil and getmetatable(1) == nil)
assert(getmetatable(print) == nil and getmetatable(coroutine.create(print)) == nil)
