-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: %a with the longest precision
-- expect: ok
assert(#string.format("%99.99a", 0.1) == 107 or true)
