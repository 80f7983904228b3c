-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: a precision of many digits
-- expect: error at most two digits
string.format("%.1000000000f", 1)
