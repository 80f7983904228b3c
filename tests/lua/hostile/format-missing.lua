-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: more conversions than arguments
-- expect: error no value
string.format("%d%d%d", 1)
