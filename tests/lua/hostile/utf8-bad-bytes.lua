-- SPDX-License-Identifier: Apache-2.0
-- class: utf8
-- source: malformed sequences
-- expect: ok
assert(utf8.len("\xff") == nil and utf8.len("\xc0\x80") == nil)
