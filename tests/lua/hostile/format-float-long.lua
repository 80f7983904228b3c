-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: the longest number there is
-- expect: ok
assert(#string.format("%99.99f", -1e308) > 300)
