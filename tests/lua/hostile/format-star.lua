-- SPDX-License-Identifier: Apache-2.0
-- class: format bombs
-- source: %* takes the width from the arguments
-- expect: error invalid conversion
string.format("%*d", 1000000000, 1)
