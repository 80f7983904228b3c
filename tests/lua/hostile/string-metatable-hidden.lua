-- SPDX-License-Identifier: Apache-2.0
-- class: shared metatables
-- source: CVE-2025-46818: metatables of basic types in Redis
-- expect: ok
assert(getmetatable("") == false)
