-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: a NUL as conversion
-- expect: error invalid conversion
string.format("%\0", 1)
