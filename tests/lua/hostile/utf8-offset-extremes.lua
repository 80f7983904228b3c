-- SPDX-License-Identifier: Apache-2.0
-- class: utf8
-- source: offsets at the ends of the integers
-- expect: error
utf8.offset("abc", math.mininteger, math.maxinteger)
