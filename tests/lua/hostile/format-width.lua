-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: a width of many digits
-- expect: error at most two digits
string.format("%1000000000d", 1)
