-- SPDX-License-Identifier: Apache-2.0
-- class: library memory bugs
-- source: CVE-2018-11218, CVE-2018-11219: struct and cmsgpack in Redis
-- expect: ok
assert(string.pack == nil and string.unpack == nil and string.packsize == nil)
